"""Segmentation: Dice and Hausdorff values, described first and pooled only where that is allowed.

Never mixed: structures, means with medians, the Hausdorff distance with its 95th percentile, the values that the base
review tabulates with those that the studies report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from livingreview.analysis.tabulate import NOT_SEEN
from livingreview.review import Review

__all__ = ["STRUCTURE_GROUPS", "Descriptive", "describe", "group_table", "paired_table", "reported", "tabulated"]

BASELINE_VALUE = {"dice": "dice", "hausdorff": "hausdorff_mm"}
CODED = ("family", "dimensionality", "access")
# Structures that may be looked at together; a cavity and a muscle are not the same target.
STRUCTURE_GROUPS = {
    "LV": ("LV", "LV cavity"),
    "LV epicardium": ("LV epicardium",),
    "LV myocardium": ("LV myocardium",),
    "LV trabeculations": ("LV trabeculations",),
    "RV": ("RV",),
    "LA": ("LA",),
    "Atria": ("atria", "RA"),
    "Scar": ("scar",),
    "Several structures": ("multi-class",),
    "Not stated": (None, "other"),
}


@dataclass(frozen=True)
class Descriptive:
    """Unweighted description of k values.

    Parameters
    ----------
    k
        Number of values.
    mean, median, lowest, highest
        Of the values.
    sd, sd_population
        Standard deviation with k − 1 and with k; NaN for one value.
    """

    k: int
    mean: float
    median: float
    lowest: float
    highest: float
    sd: float
    sd_population: float


def describe(values: ArrayLike) -> Descriptive:
    """Describe values without weights, as the base review does.

    Raises
    ------
    ValueError
        There is no value.

    Examples
    --------
    >>> describe([0.90, 0.92]).mean
    0.91
    """
    array = np.asarray(values, dtype=float)
    if array.size == 0:
        raise ValueError("no value to describe")
    return Descriptive(
        k=int(array.size),
        mean=float(array.mean()),
        median=float(np.median(array)),
        lowest=float(array.min()),
        highest=float(array.max()),
        sd=float(array.std(ddof=1)) if array.size > 1 else float("nan"),
        sd_population=float(array.std()) if array.size > 1 else float("nan"),
    )


def tabulated(review: Review, metric: str) -> pd.DataFrame:
    """Return the base review's table of ``"dice"`` or ``"hausdorff"``, each row with the study it belongs to.

    Returns
    -------
    DataFrame
        Columns ``row``, ``author``, ``value``, ``study``, ``label``, and the study's ``family``,
        ``dimensionality``, ``access`` as this review codes them (None where unknown).
    """
    table = review.baseline[metric]
    studies = review.studies_table().set_index("study")
    owner = {
        source.row: study.id
        for study in review.studies
        for source in study.sources.values()
        if source.kind == "baseline" and source.table == metric
    }
    frame = pd.DataFrame(
        {
            "row": table["row"],
            "author": table["author"],
            "value": table[BASELINE_VALUE[metric]].astype(float),
            "study": [owner.get(int(row)) for row in table["row"]],
        }
    )
    return frame.merge(studies[["label", *CODED]], left_on="study", right_index=True, how="left")


def reported(review: Review, metrics: Sequence[str]) -> pd.DataFrame:
    """Return what the studies' own reports give for their model in these metrics, one row per value.

    Returns
    -------
    DataFrame
        The overlap table's columns with ``group`` (see `STRUCTURE_GROUPS`), ``family``, ``dimensionality``,
        ``access``, ``se`` (SD/√n, where mean, SD and n are known); ordered by group and value.
    """
    table = review.overlap_table()
    keep = (table["kind_of_source"] != "baseline") & (table["rater"] == "model") & table["metric"].isin(list(metrics))
    table = table[keep].copy()
    group = {name: title for title, names in STRUCTURE_GROUPS.items() for name in names}
    table["group"] = [group[None if structure != structure else structure] for structure in table["structure"]]
    studies = review.studies_table().set_index("study")
    table = table.merge(studies[list(CODED)], left_on="study", right_index=True, how="left")
    mean = table["statistic"] == "mean"
    table["se"] = np.where(mean, table["sd"].astype(float) / np.sqrt(table["n"].astype(float)), np.nan)
    order = {title: place for place, title in enumerate(STRUCTURE_GROUPS)}
    table = table.assign(place=table["group"].map(order)).sort_values(["place", "value"], ascending=[True, False])
    return table.drop(columns="place").reset_index(drop=True)


def group_table(values: pd.DataFrame, column: str) -> pd.DataFrame:
    """Describe values by a column, e.g. ``"group"`` or ``"family"``; studies and values are counted apart."""
    rows = []
    for name, part in values.groupby(values[column].fillna(NOT_SEEN), sort=False):
        summary = describe(part["value"])
        rows.append((name, part["study"].nunique(), summary.k, summary.median, summary.lowest, summary.highest))
    return pd.DataFrame(rows, columns=[column, "studies", "values", "median", "lowest", "highest"])


def paired_table(review: Review) -> pd.DataFrame:
    """Return the studies for which the base review tabulates both Dice and a Hausdorff distance."""
    dice, distance = tabulated(review, "dice"), tabulated(review, "hausdorff")
    both = dice.merge(distance[["study", "value"]], on="study", suffixes=("", "_mm"))
    both = both.rename(columns={"value": "dice", "value_mm": "hausdorff"})
    return both[["study", "label", "dice", "hausdorff", "dimensionality"]].fillna({"dimensionality": NOT_SEEN})
