"""Tables and counts as the chapters show them: from the review's files to columns a reader understands.

What was not seen of a study is counted like any other answer. Of readiness for use, *reported*, *not reported*
(somebody read the whole report and it is not there) and *not yet extracted* (nobody has looked) are three different
things and are never added up. CLAIM scores are those of the base review: one point per item of the 2020 edition, 42
items (Mongan 2020, doi 10.1148/ryai.2020200029), one row per study, most rows without an author in the copy read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from livingreview.review import STUDY_ID, Review, label
from livingreview.review.model import Study
from livingreview.wording import listing

__all__ = [
    "ELSEWHERE", "NOT_SEEN", "SECTION_TITLES", "Elsewhere", "begun", "claim_scores", "claim_sections", "claim_table",
    "dataset_table", "eligibility_table", "evidence_studies", "gap_states", "other_methods_table", "pooled_as_printed",
    "quadas_counts", "question_table", "readiness_counts", "readiness_table", "reference", "rules_table", "runs_table",
    "study_table", "tally", "translation_states",
]  # fmt: skip

MISSING = ""
NOT_SEEN = "not seen"
MEASURES = {
    "sensitivity": "Sensitivity", "specificity": "Specificity", "sroc_auc": "AUC of the symmetric SROC curve",
    "q_star": "Q*",
}  # fmt: skip
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
SECTION_MAXIMA = {
    "title_abstract": 2, "introduction": 2, "methods": 28, "results": 5, "discussion": 2, "other": 3,
}  # fmt: skip
SECTION_TITLES = {
    "title_abstract": "Title and abstract", "introduction": "Introduction", "methods": "Methods",
    "results": "Results", "discussion": "Discussion", "other": "Other information",
}  # fmt: skip


def question_table(review: Review) -> pd.DataFrame:
    """Return the PICO question, one row per part."""
    rows = [(part.capitalize(), text) for part, text in review.file.question.items()]
    return pd.DataFrame(rows, columns=["Part", "Statement"])


def eligibility_table(review: Review) -> pd.DataFrame:
    """Return the eligibility criteria, one row each."""
    rows = [
        ("Included" if kind == "include" else "Excluded", text)
        for kind, texts in review.file.eligibility.items()
        for text in texts
    ]
    return pd.DataFrame(rows, columns=["Decision", "Criterion"])


def rules_table(review: Review) -> pd.DataFrame:
    """Return the conclusion rules, one row each."""
    rows = []
    for rule in review.file.conclusion_rules:
        fires = rule.kind if rule.threshold is None else f"{rule.kind} ({rule.threshold:g})"
        rows.append((rule.synthesis, rule.measure, fires, rule.says))
    return pd.DataFrame(rows, columns=["Synthesis", "Measure", "Fires when", "What the site then says"])


def runs_table(review: Review) -> pd.DataFrame:
    """Return the run ledger."""
    names = {"database": "Database", "date": "Date", "kind": "Kind", "hits": "Records", "source": "Source"}
    return review.runs.assign(date=[day.isoformat() for day in review.runs["date"]])[[*names]].rename(columns=names)


def other_methods_table(review: Review) -> pd.DataFrame:
    """Return the reports found by other methods with their suggestions."""
    names = {"first_author": "First author", "title": "Title", "published": "Published", "suggestion": "Suggestion",
             "reason": "Reason"}  # fmt: skip
    table = review.other_methods
    return table.assign(suggestion=table["suggestion"].str.replace("_", " "))[[*names]].rename(columns=names)


def study_table(review: Review, studies: Iterable[Study]) -> pd.DataFrame:
    """Return what a reader wants to know of each study; what was not seen stays blank."""
    rows = []
    for study in studies:
        test, setting, sample = study.index_test, study.setting, study.sample
        identification = study.identification.status if study.identification else MISSING
        rows.append(
            {
                STUDY_ID: study.id,
                "Study": label(study),
                "Task": study.task,
                "Target": study.target_condition or study.topic or MISSING,
                "Network": (test and (test.architecture or test.family)) or MISSING,
                "Sequences": ", ".join((test and test.sequences) or []),
                "Data": _data(review, study),
                "Access": (setting and setting.access) or MISSING,
                "Centres": (setting and setting.centres) or MISSING,
                "Validation": (setting and setting.validation) or MISSING,
                "n": sample.n if sample and sample.n is not None else None,
                "Identification": identification,
                "Reference": reference(study),
            }
        )
    return pd.DataFrame(rows).astype({"n": "Int64"}) if rows else pd.DataFrame(columns=["Study"])


def reference(study: Study) -> str:
    """Return the address of the study's report, or nothing where no identifier was seen."""
    report = study.report
    if report.doi:
        return f"https://doi.org/{report.doi}"
    if report.pmid:
        return f"https://pubmed.ncbi.nlm.nih.gov/{report.pmid}/"
    if report.pmcid:
        return f"https://pmc.ncbi.nlm.nih.gov/articles/{report.pmcid}/"
    return report.url or MISSING


def _data(review: Review, study: Study) -> str:
    if study.setting is None:
        return MISSING
    names = [review.datasets[name].name for name in study.setting.datasets or []]
    return listing(names) or study.setting.description or MISSING


def dataset_table(review: Review) -> pd.DataFrame:
    """Return the public datasets: the base review's row beside what the dataset's own pages say."""
    printed = review.baseline["datasets"].set_index("row")
    rows = []
    for dataset in review.datasets.values():
        row = next((s.row for s in dataset.sources.values() if s.kind == "baseline" and s.table == "datasets"), None)
        base = printed.loc[row].to_dict() if row is not None else {}
        rows.append(
            {
                "Dataset": dataset.name,
                "Base review: vendors": base.get("vendor_diversity", MISSING),
                "Own pages: vendors": listing(dataset.vendors or []) or dataset.vendor_note or MISSING,
                "Base review: size": base.get("sample_size", MISSING),
                "Own pages: size": dataset.n or (str(dataset.n_subjects) if dataset.n_subjects else MISSING),
                "Centres": dataset.centres or MISSING,
                "Where they differ": dataset.discrepancy or MISSING,
            }
        )
    return pd.DataFrame(rows)


def pooled_as_printed(review: Review) -> pd.DataFrame:
    """Return the pooled diagnostic accuracy as the base review prints it."""
    table = review.baseline["pooled"]
    rows = []
    for row in table[table["synthesis"] == "diagnosis_prediction"].to_dict("records"):
        known = {name: value for name, value in row.items() if value == value}
        interval = f"{known['ci_lower']:.2f} to {known['ci_upper']:.2f}" if "ci_lower" in known else MISSING
        rows.append(
            {
                "Measure": MEASURES[str(row["measure"])],
                "Studies": row["studies"],
                "Estimate": f"{row['estimate']:g}",
                "95 % CI": interval,
                "SE": f"{known['se']:g}" if "se" in known else MISSING,
                "I² (%)": f"{known['i2_percent']:g}" if "i2_percent" in known else MISSING,
                "P of heterogeneity": str(known.get("p_heterogeneity", MISSING)),
            }
        )
    return pd.DataFrame(rows)


def tally(values: Iterable[object], *, order: Sequence[str] | None = None) -> dict[str, int]:
    """Count studies per category, most frequent first and ``not seen`` last.

    Parameters
    ----------
    values
        One value per study; a list counts once for each of its entries, None and NaN count as not seen.
    order
        Order of the categories, instead of the most frequent first; categories that do not occur are kept.

    Examples
    --------
    >>> tally(["cine", ["cine", "LGE"], None])
    {'cine': 2, 'LGE': 1, 'not seen': 1}
    """
    counts: Counter[str] = Counter()
    for value in values:
        if isinstance(value, list | tuple):
            counts.update({str(item) for item in value} or {NOT_SEEN})
        else:
            counts[NOT_SEEN if value is None or value != value else str(value)] += 1
    known = [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if name != NOT_SEEN]
    names = [*(order if order is not None else known), *([NOT_SEEN] if counts[NOT_SEEN] else [])]
    return {name: counts[name] for name in names}


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


def readiness_counts(studies: Sequence[Study]) -> pd.DataFrame:
    """Return the number of studies per item and state; every row sums to the number of studies."""
    rows = [
        {"Item": title, **{state.capitalize(): found.count(state) for state in STATES}}
        for title, found in gap_states(studies).items()
    ]
    return pd.DataFrame(rows, columns=["Item", *(state.capitalize() for state in STATES)])


def readiness_table(studies: Sequence[Study]) -> pd.DataFrame:
    """Return what is reported, in the words of the study's file, one row per study and item."""
    rows = [
        (study.id, label(study), title, getattr(study.translation, name), reference(study))
        for study in studies
        for name, title in TRANSLATION_ITEMS.items()
        if translation_states(study)[name] == "reported"
    ]
    return pd.DataFrame(rows, columns=[STUDY_ID, "Study", "Item", "What is reported", "Reference"])


@dataclass(frozen=True)
class Elsewhere:
    """CLAIM compliance in reviews of other fields, for comparison: mean and SD in percent, and whose they are."""

    mean_percent: float
    sd_percent: float
    label: str


#: Doi 10.4274/dir.2025.243182.
ELSEWHERE = Elsewhere(63.0, 11.0, "Koçak et al. 2025")


def claim_scores(review: Review) -> pd.DataFrame:
    """Return ``row``, ``total`` and ``percent`` of each study, recomputed from the base review's section scores."""
    table = review.baseline["claim"]
    total = table[[*SECTION_MAXIMA]].sum(axis=1)
    return pd.DataFrame({"row": table["row"], "total": total, "percent": 100 * total / sum(SECTION_MAXIMA.values())})


def claim_sections(review: Review) -> dict[str, float]:
    """Return the mean score of each section in percent of its items, by its title."""
    table = review.baseline["claim"]
    return {SECTION_TITLES[name]: 100 * float(table[name].mean()) / maximum for name, maximum in SECTION_MAXIMA.items()}


def claim_table(review: Review) -> pd.DataFrame:
    """Return the base review's CLAIM table as printed; an author that was not seen stays blank."""
    table = review.baseline["claim"]
    columns = {"Row": table["row"], "Author": table["author"].astype(object).fillna("")}
    columns |= {title: table[name] for name, title in SECTION_TITLES.items()}
    return pd.DataFrame(columns | {"Total": table["total"], "Percent": table["percent"]})


def quadas_counts(review: Review) -> dict[str, int]:
    """Return the number of studies per overall QUADAS-2 judgement; the base review prints none per study or domain."""
    table = review.baseline["quadas2"]
    return {str(name): int(n) for name, n in zip(table["overall_risk_of_bias"], table["studies"], strict=True)}
