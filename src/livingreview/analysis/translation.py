"""Readiness for use: what the studies report of it, in figures and tables.

*Reported*, *not reported* (somebody read the whole report and it is not there) and *not yet extracted* (nobody has
looked) are three different things and are never added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import pandas as pd

from livingreview.analysis.tabulate import reference
from livingreview.review import STUDY_ID, Review, label
from livingreview.review.model import Study

__all__ = ["begun", "counts_table", "evidence_studies", "gap_states", "reported_table", "translation_states"]

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
STATES: tuple[State, ...] = get_args(State)


def evidence_studies(review: Review) -> tuple[Study, ...]:
    """Return the studies that a reader would act on: included, and awaiting classification."""
    return tuple(sorted((*review.included, *review.awaiting), key=lambda study: label(study).casefold()))


def begun(studies: Sequence[Study]) -> tuple[Study, ...]:
    """Return the studies of which at least one item was looked for."""
    return tuple(study for study in studies if set(translation_states(study).values()) != {"not yet extracted"})


def translation_states(study: Study) -> dict[str, State]:
    """Return what a study reports of each item of readiness for use.

    ``not reported`` needs a reader of the whole report; an item that nobody looked for is ``not yet extracted``.
    """
    states: dict[str, State] = {}
    for name in TRANSLATION_ITEMS:
        text = getattr(study.translation, name, None) if study.translation else None
        states[name] = "not yet extracted" if text is None else "not reported" if text == "not reported" else "reported"
    return states


def gap_states(studies: Sequence[Study]) -> dict[str, list[State]]:
    """Return the state of every item, one entry per study, as the gap map reads it."""
    states = [translation_states(study) for study in studies]
    return {title: [state[name] for state in states] for name, title in TRANSLATION_ITEMS.items()}


def counts_table(studies: Sequence[Study]) -> pd.DataFrame:
    """Return the number of studies per item and state; every row sums to the number of studies."""
    rows = [
        {"Item": title, **{state.capitalize(): found.count(state) for state in STATES}}
        for title, found in gap_states(studies).items()
    ]
    return pd.DataFrame(rows, columns=["Item", *(state.capitalize() for state in STATES)])


def reported_table(studies: Sequence[Study]) -> pd.DataFrame:
    """Return what is reported, in the words of the study's file, one row per study and item."""
    rows = [
        (study.id, label(study), title, getattr(study.translation, name), reference(study))
        for study in studies
        for name, title in TRANSLATION_ITEMS.items()
        if translation_states(study)[name] == "reported"
    ]
    return pd.DataFrame(rows, columns=[STUDY_ID, "Study", "Item", "What is reported", "Reference"])
