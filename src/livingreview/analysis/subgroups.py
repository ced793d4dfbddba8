"""Subgroups of the diagnostic synthesis, estimated where levels have enough studies and named where they have not."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from livingreview.analysis.characteristics import NOT_SEEN
from livingreview.analysis.diagnosis import FEWEST, Pooled
from livingreview.errors import ConvergenceError
from livingreview.review import Review
from livingreview.synthesis.bivariate import fit
from livingreview.wording import p_value, with_interval

__all__ = ["CHARACTERISTICS", "subgroup_table"]

CHARACTERISTICS = {
    "task": "Task",
    "access": "Access to the data",
    "centres": "Centres",
    "validation": "Design of the evaluation",
}
COLUMNS = ["Characteristic", "Level", "Studies", "Sensitivity", "Specificity", "P of the difference"]


def subgroup_table(review: Review, pooled: Pooled) -> pd.DataFrame:
    """Return the pooled estimates per level of each characteristic.

    A characteristic is compared only if two of its levels have at least three studies each; then a common
    between-study covariance is fitted and both means are tested jointly (likelihood ratio). Otherwise its levels are
    listed with their numbers of studies and no estimate.
    """
    studies = review.studies_table().set_index("study")
    ids = [item.study.id for item in pooled.selection.used]
    rows: list[dict[str, object]] = []
    for name, title in CHARACTERISTICS.items():
        levels = [str(value) for value in studies.loc[ids, name].astype(object).fillna(NOT_SEEN)]
        rows += _compared(pooled, title, levels) or [
            dict(zip(COLUMNS, (title, level, n, "", "", ""), strict=True)) for level, n in Counter(levels).items()
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _compared(pooled: Pooled, title: str, levels: list[str]) -> list[dict[str, object]]:
    """Return one row per level that has enough studies, none if there are not two such levels."""
    enough = [level for level, n in Counter(levels).items() if n >= FEWEST and level != NOT_SEEN]
    if len(enough) < 2 or pooled.fit is None:
        return []
    keep = np.array([level in enough for level in levels])
    try:
        compared = fit(pooled.counts.subset(keep), by=[level for level in levels if level in enough])
    except ConvergenceError:
        return []
    joint = next(test for test in compared.tests if (test.kind, test.effect_on) == ("likelihood_ratio", "both"))
    return [
        dict(
            zip(
                COLUMNS,
                (
                    title,
                    level.label,
                    level.k,
                    with_interval(level.sensitivity),
                    with_interval(level.specificity),
                    p_value(joint.p_value),
                ),
                strict=True,
            )
        )
        for level in compared.levels
    ]
