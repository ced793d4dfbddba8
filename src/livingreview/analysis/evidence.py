"""From what studies print to what a synthesis may use: which 2×2 tables exist, and why each is in or out.

Nothing is pooled that should not be: several classes, images or localisations are not 2×2 problems at patient level,
and one cohort gives one table. What is left out keeps its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from livingreview.analysis.tabulate import reference
from livingreview.errors import DataError
from livingreview.reconstruction import reconstruct
from livingreview.review import STUDY_ID, Review, label
from livingreview.review.model import AccuracyEntry, Quoted, Study, Unit, bare
from livingreview.synthesis.counts import CELLS

__all__ = [
    "GRADES", "MAIN", "UNSIGNED", "Grade", "Rule", "Selection", "TableEvidence", "awaiting_table", "gather", "select",
    "table_of",
]  # fmt: skip

Grade = Literal[
    "printed", "unique", "several", "size missing", "too little printed", "contradictory", "not a 2×2 problem"
]
GRADES: tuple[Grade, ...] = get_args(Grade)
USABLE: tuple[Grade, ...] = ("printed", "unique", "several")
UNSIGNED = "no person has signed the extraction"
NOT_BINARY = {
    "multi-class average": "an average over several classes has no 2×2 table",
    "localisation": "finding a structure has no true negatives",
    "segmentation": "pixels or voxels, not patients",
}
# A set of tables whose sensitivity or specificity spans more than this says too little to pool. This review's choice.
WIDEST_SPAN = 0.2
# Above this a set of compatible tables says next to nothing; it is reported as too little printed.
MOST_TABLES = 20_000


# From the smallest missing piece to the largest: what a contributor gains for how little work.
LACKING: dict[Grade, str] = {
    "printed": "a person's reading of the full text",
    "unique": "a person's reading of the full text",
    "several": "the size of the test set and its case mix",
    "size missing": "the number of cases tested",
    "contradictory": "which of the printed values belong to one table: no one table has them all",
    "too little printed": "sensitivity, specificity and the number of cases, or the four counts",
    "not a 2×2 problem": "nothing for the diagnostic synthesis: it is not a 2×2 problem as reported",
}
EFFORT = tuple(LACKING)
# Of several tables, where the size of the test set is known.
CASE_MIX = "how many of the cases tested had the condition, or the four counts"
# Where that is known, too.
WHICH_ERRORS = "whether the errors are false positives or false negatives, or the four counts"


@dataclass(frozen=True, eq=False)
class TableEvidence:
    """What one accuracy entry gives as a 2×2 table.

    Parameters
    ----------
    study
        The study.
    entry
        The accuracy entry.
    grade
        How its table is known.
    tables
        (m, 4) array of the compatible tables tp, fp, fn, tn; empty where there is none to use.
    reason
        One sentence: where the table comes from, or why there is none.
    """

    study: Study
    entry: AccuracyEntry
    grade: Grade
    tables: NDArray[np.int64]
    reason: str

    @property
    def label(self) -> str:
        """Name for tables and figures."""
        return label(self.study)

    @property
    def usable(self) -> bool:
        """Whether there is at least one table."""
        return self.grade in USABLE


@dataclass(frozen=True)
class Rule:
    """Which tables a synthesis takes.

    Parameters
    ----------
    name
        What the synthesis is called.
    says
        What it does differently, in words.
    units
        Units of analysis that may enter.
    grades
        Grades of tables that may enter.
    statuses
        Standings that may enter.
    verified_only
        Take only studies whose extraction a person has signed.
    """

    name: str
    says: str
    units: tuple[Unit, ...] = ("patient", "exam")
    grades: tuple[Grade, ...] = USABLE
    statuses: tuple[str, ...] = ("included", "awaiting classification")
    verified_only: bool = field(default=False, kw_only=True)


MAIN = Rule(
    "main", "every binary patient-level table known today, one per study, including studies that await classification"
)
SENSITIVITY_RULES = (
    Rule("printed or unique tables only", "leaves out studies with several compatible tables",
         grades=("printed", "unique")),
    Rule("without studies found by other methods", "keeps only studies that the review includes",
         statuses=("included",)),
    Rule("segment level too", "adds studies analysed per segment, whose segments are not independent",
         units=("patient", "exam", "segment")),
    Rule("verified extractions only", "keeps only studies whose numbers a person has signed", verified_only=True),
)  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """What a rule takes, and what it leaves out with the reason."""

    rule: Rule
    used: tuple[TableEvidence, ...]
    left_out: tuple[tuple[TableEvidence, str], ...]


def gather(review: Review) -> tuple[TableEvidence, ...]:
    """Return the table evidence of every accuracy entry, in study order.

    Taken are the studies that this review, or the base review under another label, calls diagnosis or prediction.
    """
    studies = (s for s in review.studies if s.task != "segmentation" or s.base_label in ("diagnosis", "prediction"))
    return tuple(table_of(study, entry) for study in studies for entry in study.accuracy)


def table_of(study: Study, entry: AccuracyEntry) -> TableEvidence:
    """Grade one accuracy entry and find every 2×2 table compatible with what it prints."""
    none = np.empty((0, 4), dtype=np.int64)
    if entry.problem is None:
        return TableEvidence(study, entry, "too little printed", none, "whether the problem is binary was not visible")
    if entry.problem != "binary":
        return TableEvidence(study, entry, "not a 2×2 problem", none, NOT_BINARY[entry.problem])
    cells = [getattr(entry, cell) for cell in CELLS]
    if None not in cells:
        return TableEvidence(study, entry, "printed", np.array([cells], dtype=np.int64), "all four counts are printed")
    metrics = list(entry.metrics)
    if len(metrics) < 2 and not {"n_diseased", "tp"} & set(entry.counts):
        what = f"only {metrics[0]}" if metrics else "no metric"
        return TableEvidence(study, entry, "too little printed", none, f"of a 2×2 table {what} is printed")
    if entry.size is None:
        return TableEvidence(study, entry, "size missing", none, "the number of cases tested was not seen")
    try:
        found = reconstruct(_printed(entry), n=entry.size, limit=MOST_TABLES)
    except DataError as error:
        # A mean over folds need not be a share of whole patients; counts that are printed are whole all the same.
        if entry.split == "cross-validation" and all(cell is None for cell in cells):
            reason = f"{error.faults[0].problem}; the mean over the folds of a cross-validation need not have one"
            return TableEvidence(study, entry, "too little printed", none, reason)
        return TableEvidence(study, entry, "contradictory", none, error.faults[0].problem)
    tables = _within_cohort(study, entry, found.tables)
    if len(tables) == 1:
        reason = "one table alone fits what is printed"
        return TableEvidence(study, entry, "unique", tables, reason)
    if len(tables) and _span(tables) <= WIDEST_SPAN:
        reason = f"{len(tables):,} tables fit what is printed"
        return TableEvidence(study, entry, "several", tables, reason)
    reason = f"{found.count:,} tables fit what is printed, and they differ too much"
    return TableEvidence(study, entry, "too little printed", none, reason)


def _within_cohort(study: Study, entry: AccuracyEntry, tables: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop tables with more diseased or non-diseased than the whole cohort has."""
    sample = study.sample
    if sample is None or sample.unit != entry.unit:
        return tables
    keep = np.ones(len(tables), dtype=bool)
    for limit, columns in ((sample.n_diseased, (0, 2)), (sample.n_nondiseased, (1, 3))):
        if limit is not None:
            keep &= tables[:, columns].sum(axis=1) <= limit
    return tables[keep]


def _span(tables: NDArray[np.int64]) -> float:
    """Return the larger of the ranges of sensitivity and specificity over a set of tables."""
    tp, fp, fn, tn = tables.T.astype(float)
    ranges = (np.ptp(hit / np.maximum(hit + miss, 1)) for hit, miss in ((tp, fn), (tn, fp)))
    return float(max(ranges))


def _printed(entry: AccuracyEntry) -> dict[str, Any]:
    """Return what the entry prints and does not contradict, as the reconstruction reads it."""
    printed: dict[str, Any] = {}
    for name, value in entry.metrics.items():
        printed[name] = bare(value)
        if name in ("sensitivity", "specificity") and isinstance(value, Quoted) and value.ci is not None:
            printed[f"{name}_ci"] = tuple(value.ci)
    return printed | entry.counts


def select(evidence: Sequence[TableEvidence], rule: Rule, review: Review) -> Selection:
    """Apply a rule: at most one table per study, the primary entry before others, with a reason for each left out."""
    used: dict[str, TableEvidence] = {}
    left_out: list[tuple[TableEvidence, str]] = []
    taken_patients: set[str] = set()
    with_primary = {item.study.id for item in evidence if item.entry.primary}
    for item in sorted(evidence, key=lambda item: (item.study.id, not item.entry.primary)):
        reason = _refusal(item, rule, review)
        if reason is None and item.study.id in with_primary and not item.entry.primary:
            reason = "another evaluation of the study is its primary one"
        if reason is None and item.study.id in used:
            reason = "another evaluation of the study is used"
        if reason is None and taken_patients & set(item.study.shares_patients_with):
            reason = "shares patients with a study that is used"
        if reason is None:
            used[item.study.id] = item
            taken_patients.add(item.study.id)
        else:
            left_out.append((item, reason))
    return Selection(rule, tuple(used.values()), tuple(left_out))


def _refusal(item: TableEvidence, rule: Rule, review: Review) -> str | None:
    standing = item.study.standing_on(review.day)
    if not item.usable:
        return item.reason
    if item.entry.unit not in rule.units:
        return f"analysed per {item.entry.unit}" if item.entry.unit else "the unit of analysis was not visible"
    if item.grade not in rule.grades:
        return item.reason
    if standing is None or standing.status not in rule.statuses:
        return f"{standing.status if standing else 'not met'} on this day"
    if (rule.verified_only or review.verified_only) and not item.study.verified:
        return UNSIGNED
    return None


def _lacking(grade: Grade, entry: AccuracyEntry) -> str:
    if grade != "several" or not isinstance(entry.size, int):
        return LACKING[grade]
    return WHICH_ERRORS if "n_diseased" in entry.counts else CASE_MIX


def awaiting_table(review: Review) -> pd.DataFrame:
    """Return the studies awaiting classification with what each lacks, cheapest gain first."""
    by_study: dict[str, list[TableEvidence]] = {}
    for item in gather(review):
        by_study.setdefault(item.study.id, []).append(item)
    rows = []
    for study in review.awaiting:
        # The evaluation that is pooled before another that prints more.
        best = min(
            by_study.get(study.id, []),
            key=lambda item: (not (item.usable and item.entry.primary), EFFORT.index(item.grade)),
            default=None,
        )
        grade, known = (best.grade, best.reason) if best else ("too little printed", "no accuracy was visible")
        lacking = _lacking(best.grade, best.entry) if best else LACKING[grade]
        told = (label(study), study.report.title or "", study.target_condition or "", known, lacking)
        rows.append((EFFORT.index(grade), study.id, *told, reference(study)))
    columns = ["effort", STUDY_ID, "Study", "Title", "Condition", "Known so far", "Missing", "Reference"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["effort", "Study"], kind="stable").drop(columns="effort").reset_index(drop=True)
