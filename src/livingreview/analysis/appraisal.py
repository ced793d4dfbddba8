"""Quality of conduct (QUADAS-2) and of reporting (CLAIM), as the base review judges them.

CLAIM scores here are those of the base review: one point per item of the 2020 edition, 42 items
(Mongan 2020, doi 10.1148/ryai.2020200029), one row per study, most rows without an author in the copy read.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from livingreview.review import Review

__all__ = ["ELSEWHERE", "SECTION_TITLES", "Elsewhere", "claim_scores", "claim_sections", "claim_table", "quadas_counts"]

SECTION_MAXIMA = {
    "title_abstract": 2, "introduction": 2, "methods": 28, "results": 5, "discussion": 2, "other": 3,
}  # fmt: skip
SECTION_TITLES = {
    "title_abstract": "Title and abstract", "introduction": "Introduction", "methods": "Methods",
    "results": "Results", "discussion": "Discussion", "other": "Other information",
}  # fmt: skip


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
