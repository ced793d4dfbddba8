"""What is still missing, study by study: for a synthesis, and for use in practice."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from livingreview.analysis.evidence import Grade, TableEvidence, gather
from livingreview.analysis.tabulate import reference
from livingreview.review import STUDY_ID, Review, label
from livingreview.review.model import Study

__all__ = ["TRANSLATION_ITEMS", "State", "awaiting_table", "translation_states"]

State = Literal["reported", "not reported", "not yet extracted"]
TRANSLATION_ITEMS = {
    "interpretability": "Interpretability",
    "calibration": "Calibration",
    "decision_curve": "Decision curve",
    "workflow": "Workflow",
    "runtime": "Runtime",
    "hardware": "Hardware",
    "external_validation": "External validation",
    "code": "Code",
    "data_availability": "Data",
}

# From the smallest missing piece to the largest: what a contributor gains for how little work.
EFFORT: tuple[Grade, ...] = (
    "printed", "unique", "several", "size missing", "contradictory", "too little printed", "not a 2×2 problem",
)  # fmt: skip
MISSING: dict[Grade, str] = {
    "printed": "a person's reading of the full text",
    "unique": "a person's reading of the full text",
    "several": "the size of the test set and its case mix",
    "size missing": "the number of cases tested",
    "contradictory": "the correct values: what is printed cannot all be true",
    "too little printed": "sensitivity, specificity and the number of cases, or the four counts",
    "not a 2×2 problem": "nothing for the diagnostic synthesis: it is not a 2×2 problem as reported",
}


def awaiting_table(review: Review) -> pd.DataFrame:
    """Return the studies awaiting classification with what each lacks, cheapest gain first."""
    by_study: dict[str, list[TableEvidence]] = {}
    for item in gather(review):
        by_study.setdefault(item.study.id, []).append(item)
    rows = []
    for study in review.awaiting:
        best = min(by_study.get(study.id, []), key=lambda item: EFFORT.index(item.grade), default=None)
        rows.append(
            {
                "effort": EFFORT.index(best.grade) if best else EFFORT.index("too little printed"),
                STUDY_ID: study.id,
                "Study": label(study),
                "Title": study.report.title or "",
                "Condition": study.target_condition or "",
                "Known so far": best.reason if best else "no accuracy was visible",
                "Missing": MISSING[best.grade] if best else MISSING["too little printed"],
                "Reference": reference(study),
            }
        )
    columns = ["effort", STUDY_ID, "Study", "Title", "Condition", "Known so far", "Missing", "Reference"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["effort", "Study"], kind="stable").drop(columns="effort").reset_index(drop=True)


def translation_states(study: Study) -> dict[str, State]:
    """Return what a study reports of each item of readiness for use.

    ``not reported`` needs a reader of the whole report; an item that nobody looked for is ``not yet extracted``.
    """
    states: dict[str, State] = {}
    for name in TRANSLATION_ITEMS:
        text = getattr(study.translation, name, None) if study.translation else None
        states[name] = "not yet extracted" if text is None else "not reported" if text == "not reported" else "reported"
    return states
