"""From a table of Dice or Hausdorff values to the columns that the segmentation figures take."""

from __future__ import annotations

import pandas as pd

from livingreview.characteristics import NOT_SEEN
from livingreview.plots.segmentation import Overlap

__all__ = ["overlap_scores"]


def overlap_scores(values: pd.DataFrame, group: str) -> Overlap:
    """Return values as the columns that the figures take.

    Parameters
    ----------
    values
        As returned by :func:`reported` or :func:`tabulated`.
    group
        Column that groups the figure's rows.
    """
    names = values["label_of_study"] if "label_of_study" in values else values["label"]
    statistic = values["statistic"].fillna("unstated") if "statistic" in values else ["unstated"] * len(values)
    detail = values["phase"].fillna("") if "phase" in values else [""] * len(values)
    return Overlap.of(
        [f"{name} {extra}".strip() for name, extra in zip(names, detail, strict=True)],
        list(values[group].fillna(NOT_SEEN)),
        values["value"],
        sd=values["sd"].astype(float) if "sd" in values else None,
        n=values["n"].astype(float) if "n" in values else None,
        statistic=list(statistic),
    )
