"""Quality of conduct (QUADAS-2) and of reporting (CLAIM), summarised.

CLAIM scores here are those of the base review: one point per item of the 2020 edition, 42 items
(Mongan 2020, doi 10.1148/ryai.2020200029), one row per study, most rows without an author in the copy read.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from livingreview.review import Review

__all__ = ["ELSEWHERE", "SECTION_TITLES", "BiasSummary", "ClaimSummary", "claim_summary", "quadas_summary"]

SECTION_MAXIMA = {
    "title_abstract": 2, "introduction": 2, "methods": 28, "results": 5, "discussion": 2, "other": 3,
}  # fmt: skip
SECTION_TITLES = {
    "title_abstract": "Title and abstract", "introduction": "Introduction", "methods": "Methods",
    "results": "Results", "discussion": "Discussion", "other": "Other information",
}  # fmt: skip


@dataclass(frozen=True)
class Elsewhere:
    """CLAIM compliance in reviews of other fields, for comparison."""

    mean_percent: float
    sd_percent: float
    doi: str
    label: str


ELSEWHERE = Elsewhere(63.0, 11.0, "10.4274/dir.2025.243182", "Koçak et al. 2025")


@dataclass(frozen=True)
class ClaimSummary:
    """CLAIM 2020 scores of a set of studies.

    Parameters
    ----------
    studies
        Number of studies.
    mean_percent, sd_percent, min_percent, max_percent
        Of the total, in percent of 42; the SD has n − 1.
    min_rows, max_rows
        Rows of the table that share the lowest and the highest total.
    sections
        Per section: mean points, maximum, mean percent.
    totals
        Points per study, in the table's order.
    """

    studies: int
    mean_percent: float
    sd_percent: float
    min_percent: float
    max_percent: float
    min_rows: tuple[int, ...]
    max_rows: tuple[int, ...]
    sections: pd.DataFrame
    totals: tuple[int, ...]

    @property
    def percents(self) -> tuple[float, ...]:
        """Score of each study, percent of all items."""
        return tuple(100 * total / sum(SECTION_MAXIMA.values()) for total in self.totals)


def claim_summary(review: Review) -> ClaimSummary:
    """Summarise the base review's CLAIM table, recomputed from its section scores."""
    table = review.baseline["claim"]
    sections = list(SECTION_MAXIMA)
    totals = table[sections].sum(axis=1)
    percent = 100 * totals / sum(SECTION_MAXIMA.values())
    means = table[sections].mean()
    by_section = pd.DataFrame(
        {
            "section": sections,
            "mean": [float(means[name]) for name in sections],
            "maximum": [SECTION_MAXIMA[name] for name in sections],
            "percent": [100 * float(means[name]) / SECTION_MAXIMA[name] for name in sections],
        }
    )
    return ClaimSummary(
        studies=len(table),
        mean_percent=float(percent.mean()),
        sd_percent=float(percent.std(ddof=1)),
        min_percent=float(percent.min()),
        max_percent=float(percent.max()),
        min_rows=tuple(int(row) for row in table.loc[totals == totals.min(), "row"]),
        max_rows=tuple(int(row) for row in table.loc[totals == totals.max(), "row"]),
        sections=by_section,
        totals=tuple(int(total) for total in totals),
    )


@dataclass(frozen=True)
class BiasSummary:
    """Overall risk of bias of the included studies: number of studies per judgement."""

    low: int
    some_concerns: int
    high: int

    @property
    def studies(self) -> int:
        """Number of studies judged."""
        return self.low + self.some_concerns + self.high

    def percent(self, judgement: str) -> float:
        """Return the share of one judgement in percent."""
        return 100 * float(getattr(self, judgement)) / self.studies


def quadas_summary(review: Review) -> BiasSummary:
    """Return the base review's overall QUADAS-2 judgements; it prints none per study or domain."""
    counts = dict(zip(review.baseline["quadas2"]["overall_risk_of_bias"], review.baseline["quadas2"]["studies"],
                      strict=True))  # fmt: skip
    return BiasSummary(low=int(counts["low"]), some_concerns=int(counts["some concerns"]), high=int(counts["high"]))
