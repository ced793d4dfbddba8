"""Rows of the accuracy table: whether their three figures can belong to one 2×2 table."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from livingreview.audit.base import BaseReview, study_link
from livingreview.audit.statements import Statement, Verdict, span
from livingreview.errors import DataError
from livingreview.model import Study
from livingreview.synthesis.reconstruction import reconstruct
from livingreview.wording import listing, percent

__all__ = ["Implied", "implied_by", "rows"]

METRICS: Final = {
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "ppv",
}
MOST_CLASSES: Final = 30


@dataclass(frozen=True)
class Implied:
    """What three metrics of a binary test imply when moved within their rounding.

    Parameters
    ----------
    prevalence
        Lowest and highest share of diseased; the interval is empty (low > high) where no table fits.
    specificity
        Lowest and highest specificity.
    """

    prevalence: tuple[float, float]
    specificity: tuple[float, float]

    @property
    def possible(self) -> bool:
        """Whether any table fits."""
        return self.prevalence[0] <= self.prevalence[1] and self.specificity[0] <= self.specificity[1]


def implied_by(printed: Mapping[str, str]) -> Implied:
    """Return what accuracy and sensitivity imply together with specificity or precision.

    Parameters
    ----------
    printed
        Percentages as printed, by metric: accuracy, sensitivity and one of specificity and precision.

    Examples
    --------
    >>> found = implied_by({"accuracy": "84.4", "sensitivity": "98.1", "specificity": "72.6"})
    >>> [round(end, 3) for end in found.prevalence]
    [0.459, 0.467]
    """
    ranges = {name: tuple(min(end / 100, 1.0) for end in span(text)) for name, text in printed.items()}
    corners = [dict(zip(ranges, ends, strict=True)) for ends in itertools.product(*ranges.values())]
    prevalences, specificities = [], []
    for corner in corners:
        if "specificity" in corner:
            gap = corner["sensitivity"] - corner["specificity"]
            # Equal metrics say nothing about prevalence.
            prevalence = (corner["accuracy"] - corner["specificity"]) / gap if gap else 0.0
            specificity = corner["specificity"]
        else:
            # Per case: missed, and false alarms, each per diseased.
            alarms = corner["sensitivity"] * (1 - corner["precision"]) / corner["precision"]
            wrong = 1 - corner["sensitivity"] + alarms
            # Perfect sensitivity and precision say nothing about prevalence.
            prevalence = (1 - corner["accuracy"]) / wrong if wrong else 0.0
            specificity = 1 - prevalence * alarms / (1 - prevalence) if prevalence < 1 else -1.0
        prevalences.append(prevalence)
        specificities.append(specificity)
    return Implied(_within_unit(prevalences), _within_unit(specificities))


def rows(base: BaseReview) -> Iterator[Statement]:
    """Yield one statement per diagnosis or prediction row that has three metrics."""
    for _, cells in base.tables["accuracy"].iterrows():
        printed = {name: str(cells[f"{name}_percent"]) for name in METRICS if cells[f"{name}_percent"]}
        enough = {"accuracy", "sensitivity"} <= set(printed) and len(printed) >= 3
        if enough and cells["clinical_application"] != "segmentation":
            yield _row(base, int(cells["row"]), printed)


def _row(base: BaseReview, row: int, printed: Mapping[str, str]) -> Statement:
    study = base.study_at("accuracy", row)
    implied = implied_by(printed)
    verdict, explanation = _judge(printed, implied, study)
    low, high = implied.prevalence
    recomputed = f"prevalence {percent(low)} to {percent(high)}" if implied.possible else "no prevalence fits"
    if implied.possible and "specificity" not in printed:
        recomputed += f", specificity {percent(implied.specificity[0])} to {percent(implied.specificity[1])}"
    return Statement(
        f"row-{row}",
        "rows of the accuracy table",
        f"The figures of row {row} belong to one 2×2 table",
        ", ".join(f"{name} {text}" for name, text in printed.items()),
        recomputed,
        verdict,
        explanation,
        (base.link("accuracy"), *([study_link(study)] if study else [])),
    )


def _judge(printed: Mapping[str, str], implied: Implied, study: Study | None) -> tuple[Verdict, str]:
    if not implied.possible:
        return "contradicts", "No share of diseased makes the three figures true."
    if (cohort := _cohort(study)) is not None and not _fits(printed, cohort):
        return "contradicts", (
            f"They need the prevalence given here; no table within the study's cohort of {cohort[0]} diseased and "
            f"{cohort[1]} non-diseased has these figures."
        )
    if classes := _classes(printed):
        return "cannot be derived", (
            f"As a binary test they need the prevalence given here; they also fit an average over "
            f"{listing([str(k) for k in classes])} balanced classes, which has no 2×2 table."
        )
    return "agrees", "A binary test with the prevalence given here has these figures."


def _cohort(study: Study | None) -> tuple[int, int] | None:
    sample = study.sample if study else None
    if sample is None or sample.n_diseased is None or sample.n_nondiseased is None:
        return None
    return sample.n_diseased, sample.n_nondiseased


def _fits(printed: Mapping[str, str], cohort: tuple[int, int]) -> bool:
    """Whether a table of the cohort, or of a part of it, has the printed figures."""
    metrics = {METRICS[name]: f"{text}%" for name, text in printed.items()}
    try:
        found = reconstruct(metrics, n=(1, sum(cohort)))
    except DataError:
        return False
    diseased, others = found.tables[:, 0] + found.tables[:, 2], found.tables[:, 1] + found.tables[:, 3]
    return not found.complete or bool(((diseased <= cohort[0]) & (others <= cohort[1])).any())


def _classes(printed: Mapping[str, str]) -> list[int]:
    """Return the numbers of balanced classes whose averaged specificity is the printed one, given the accuracy."""
    if "specificity" not in printed:
        return []
    low, high = span(printed["specificity"])
    worst, best = span(printed["accuracy"])
    found = []
    for classes in range(3, MOST_CLASSES + 1):
        ends = [100 - (100 - accuracy) / (classes - 1) for accuracy in (worst, best)]
        if ends[0] <= high and ends[1] >= low and float(printed["accuracy"]) < 100:
            found.append(classes)
    return found


def _within_unit(values: list[float]) -> tuple[float, float]:
    return max(min(values), 0.0), min(max(values), 1.0)
