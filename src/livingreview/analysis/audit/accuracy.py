"""The table of diagnostic metrics: its counts and extremes, and whether a row can be one 2×2 table."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from livingreview.analysis.audit.statements import (
    BaseReview,
    Statement,
    Verdict,
    compare,
    judged,
    rounds_to,
    span,
)
from livingreview.errors import DataError
from livingreview.reconstruction import reconstruct
from livingreview.review import label
from livingreview.review.model import Study, number
from livingreview.wording import decimal, listing, percent, plural

__all__ = ["Implied", "diagnostic_metrics", "implied_by", "rows"]

# Metric of the table → of the study files.
METRICS: Final = {
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "ppv",
}
MOST_CLASSES: Final = 30


def diagnostic_metrics(base: BaseReview) -> Iterator[Statement]:
    """Yield the counts and extremes that the text gives for the table of diagnostic metrics."""
    lost = base.review.study(base.quotes["highest_precision"].about)
    for metric in ("sensitivity", "accuracy", "specificity", "precision"):
        filled = len(base.numbers("accuracy", f"{metric}_percent"))
        quote = base.quotes[f"{metric}_studies"]
        missing = int(quote.printed) - filled
        why_not = (
            f"{plural(abs(missing), 'study', 'studies').capitalize()} {'fewer' if missing > 0 else 'more'} than in the "
            f"text; the paper by {label(lost)}, named in the text but in no row, would make it "
            f"{filled + (getattr(lost.primary, METRICS[metric], None) is not None)}."
        )
        yield Statement(
            f"count-{metric}",
            f"Number of studies that report {'an' if metric == 'accuracy' else 'a'} {metric}",
            quote.printed,
            f"{filled} filled cells",
            *judged(not missing, why_not=why_not),
            base.sources(quote.where, "accuracy", *([lost] if missing else [])),
        )
    for metric in ("sensitivity", "accuracy"):
        yield _highest(base, metric)
    yield _precision(base)
    yield _specificity(base)


def _highest(base: BaseReview, metric: str) -> Statement:
    quote, study = base.quoted(f"highest_{metric}")
    table = base.tables["accuracy"]
    top = max(base.numbers("accuracy", f"{metric}_percent"))
    rows = [
        row for row, cell in zip(table["row"], table[f"{metric}_percent"], strict=True) if cell and float(cell) == top
    ]
    at = [found for row in rows if (found := base.study_at("accuracy", int(row))) is not None]
    return Statement(
        f"highest-{metric}",
        f"The highest {metric} and its study",
        f"{quote.printed} %, {label(study)}",
        f"{decimal(top, 0)} %, row {listing(rows)}",
        compare(quote.printed, top) if study in at else "contradicts",
        "The row is attributed to that study."
        if study in at
        else "The row is attributed to another study, or to none.",
        base.sources(quote.where, "accuracy", study),
    )


def _precision(base: BaseReview) -> Statement:
    quote, study = base.quoted("highest_precision")
    top = max(base.numbers("accuracy", "precision_percent"))
    own = number(study.primary.ppv) if study.primary else None
    explanation = "The highest of the table."
    if compare(quote.printed, top) == "contradicts":
        abstract = own is not None and rounds_to(quote.printed, 100 * own)
        explanation = "No row has that precision"
        explanation += "; the study's abstract does, so that its row seems to be missing." if abstract else "."
    return Statement(
        "highest-precision",
        "The highest precision and its study",
        f"{quote.printed} %, {label(study)}",
        f"{top:g} % is the highest of the table",
        compare(quote.printed, top),
        explanation,
        base.sources(quote.where, "accuracy", study),
    )


def _specificity(base: BaseReview) -> Statement:
    quote, study = base.quoted("specificity_named")
    table = base.tables["accuracy"]
    filled = [(row, float(cell)) for row, cell in zip(table["row"], table["specificity_percent"], strict=True) if cell]
    row, nearest = min(filled, key=lambda item: abs(item[1] - float(quote.printed)))
    verdict = compare(quote.printed, nearest)
    how = {"agrees": "is that value", "agrees within rounding": "gives it when cut, not when rounded"}
    return Statement(
        "specificity-named",
        f"The specificity of {label(study)}",
        f"{quote.printed} %",
        f"{nearest:g} % (row {row})",
        verdict,
        f"The nearest value of the table {how.get(verdict, 'is another one')}; the text counts it among diagnostic "
        f"metrics, the table among those of {table['clinical_application'].iloc[int(row) - 1]}.",
        base.sources(quote.where, "accuracy", study),
    )


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
    low, high = implied.prevalence
    recomputed = f"prevalence {percent(low)} to {percent(high)}" if implied.possible else "no prevalence fits"
    if implied.possible and "specificity" not in printed:
        recomputed += f", specificity {percent(implied.specificity[0])} to {percent(implied.specificity[1])}"
    return Statement(
        f"row-{row}",
        f"The figures of row {row} belong to one 2×2 table",
        ", ".join(f"{name} {text}" for name, text in printed.items()),
        recomputed,
        *_judge(printed, implied, study),
        base.sources("accuracy", *([study] if study else [])),
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
    (low, high), (worst, best) = span(printed["specificity"]), span(printed["accuracy"])
    return [
        classes
        for classes in range(3, MOST_CLASSES + 1)
        if 100 - (100 - worst) / (classes - 1) <= high
        and 100 - (100 - best) / (classes - 1) >= low
        and float(printed["accuracy"]) < 100
    ]


def _within_unit(values: list[float]) -> tuple[float, float]:
    return max(min(values), 0.0), min(max(values), 1.0)
