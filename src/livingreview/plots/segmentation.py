"""Agreement of automatic with manual contours: Dice and Hausdorff, per study and structure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike

from livingreview.analysis.tabulate import NOT_SEEN
from livingreview.plots.palette import MARKERS, SERIES, colour
from livingreview.plots.rows import Row, draw_rows, rows_height
from livingreview.plots.style import COLUMN, axes_or_new, clean, legend_beside, styled, tooltip

__all__ = ["Score", "overlap_against", "overlap_by_group", "overlap_scores"]

_MARKER: Final[dict[str, tuple[str, str]]] = {
    # marker and fill: a median is told from a mean by its shape, an unstated one by being hollow
    "mean": ("o", colour("sensitivity")),
    "median": ("D", colour("specificity")),
    "unstated": ("o", ""),
}


@dataclass(frozen=True)
class Score:
    """One reported value: Dice from 0 to 1, or Hausdorff distance in mm.

    Its group is what rows are grouped by: the structure, the network family, …; the standard deviation over the test
    set and its size `n` are NaN where not reported.
    """

    study: str
    group: str
    value: float
    sd: float = math.nan
    n: float = math.nan
    statistic: str = "unstated"  # or "mean", "median"


def overlap_scores(values: pd.DataFrame, group: str) -> list[Score]:
    """Return the rows of a table of Dice or Hausdorff values as scores, grouped by one of its columns.

    `values` are as :func:`~livingreview.analysis.overlap.reported` or :func:`~livingreview.analysis.overlap.tabulated`
    return them; an empty cell is None or NaN, and neither is text.
    """
    names = values["label_of_study"] if "label_of_study" in values else values["label"]
    scores = []
    for name, row in zip(names, values.to_dict("records"), strict=True):
        sd, n = (math.nan if pd.isna(row.get(key)) else float(row[key]) for key in ("sd", "n"))
        texts = {key: text for key, text in row.items() if isinstance(text, str)}
        study, statistic = f"{name} {texts.get('phase', '')}".strip(), texts.get("statistic", "unstated")
        scores.append(Score(study, texts.get(group, NOT_SEEN), row["value"], sd, n, statistic))
    return scores


@styled
def overlap_by_group(
    scores: Sequence[Score],
    *,
    label: str = "Dice coefficient",
    unit: str = "",
    higher_is_better: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw every score in its group, best first.

    Groups stand in order of first appearance, a heading row each; a pale bar is one SD on either side.

    Parameters
    ----------
    label, unit
        What the x axis shows.
    higher_is_better
        Orders each group: True for Dice, False for Hausdorff.

    Raises
    ------
    ValueError
        If there is no score.
    """
    if not scores:
        raise ValueError("there is no score to draw")
    rows = _rows(scores, descending=higher_is_better)
    ax = axes_or_new(ax, COLUMN, rows_height(len(rows)) + 0.5)
    draw_rows(ax, rows)
    ax.set_xlabel(f"{label} ({unit})" if unit else label)
    ax.grid(axis="x")
    value, spread = np.array([score.value for score in scores]), np.nan_to_num([score.sd for score in scores])
    low, high = float(np.nanmin(value - spread)), float(np.nanmax(value + spread))
    margin = 0.08 * (high - low or 1.0)
    ax.set_xlim(max(0.0, low - margin), min(1.0, high + margin) if not unit else high + margin)
    legend_beside(ax, _statistic_keys(scores), columns=2)
    return ax


@styled
def overlap_against(
    x: ArrayLike,
    y: ArrayLike,
    *,
    group: Sequence[str],
    study: Sequence[str],
    xlabel: str,
    ylabel: str,
    xscale: Literal["linear", "log"] = "linear",
    ax: Axes | None = None,
) -> Axes:
    """Draw one score against another, or against the size of the test set; one line artist per point.

    Parameters
    ----------
    x, y
        (m,) values; pairs with a NaN are left out.
    group
        (m,) groups, told apart by marker and colour; of more than six, those after the fifth share one sign.
    study
        (m,) labels, shown as tooltips.
    xlabel, ylabel
        Axis labels with units.
    xscale
        ``"log"`` suits sample sizes.
    """
    across, up = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    ax = axes_or_new(ax, COLUMN, 3.9)
    study, group = tuple(study), tuple(group)
    drawn = np.flatnonzero(np.isfinite(across) & np.isfinite(up)).tolist()
    names = list(dict.fromkeys(group[i] for i in drawn))
    own = len(MARKERS) if len(names) <= len(MARKERS) else len(MARKERS) - 1
    signs = {name: (MARKERS[min(i, own)], SERIES[min(i, own)]) for i, name in enumerate(names)}
    ax.set_xscale(xscale)
    for i in drawn:
        marker, fill = signs[group[i]]
        (mark,) = ax.plot([across[i]], [up[i]], marker, markersize=7, alpha=0.9)
        mark.set(markerfacecolor=fill, markeredgecolor=colour("paper"))
        tooltip(mark, f"{clean(study[i])}, {clean(group[i])}: {across[i]:g}, {up[i]:g}")
    ax.grid(visible=True)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if xscale == "log":
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.xaxis.set_minor_formatter("")
    labels = {**{signs[name]: "other groups" for name in names[own:]}, **{signs[name]: name for name in names[:own]}}
    keys = [
        Line2D([], [], linestyle="none", marker=marker, color=fill, markersize=7, label=clean(labels[marker, fill]))
        for marker, fill in dict.fromkeys(signs.values())
    ]
    legend_beside(ax, keys, columns=max(1, min(3, len(keys))))
    return ax


def _rows(scores: Sequence[Score], *, descending: bool) -> list[Row]:
    rows: list[Row] = []
    for name in dict.fromkeys(score.group for score in scores):
        members = [score for score in scores if score.group == name]
        members.sort(key=lambda score: (-score.value if descending else score.value, score.study))
        rows.append(Row(f"{clean(name)} ({len(members)})", kind="heading"))
        rows.extend(map(_row, members))
    return rows


def _row(score: Score) -> Row:
    value, sd, label = score.value, score.sd, clean(score.study)
    decimals = 2 if abs(value) < 10 else 1
    text = f"{value:.{decimals}f}" + ("" if math.isnan(sd) else f" ± {sd:.{decimals}f}")
    marker, fill = _MARKER[score.statistic]
    size = "" if math.isnan(score.n) else f", n = {score.n:.0f}"
    tip = f"{label}, {clean(score.group)}: {score.statistic} {text}{size}"
    return Row(
        label, value=value, lower=value - sd, upper=value + sd, text=text, interval="sd", marker=marker, colour=fill,
        tip=tip,
    )  # fmt: skip


def _statistic_keys(scores: Sequence[Score]) -> list[Line2D]:
    """Legend of what occurs, and of nothing else."""
    keys = []
    for name, (marker, fill) in _MARKER.items():
        if name in {score.statistic for score in scores}:
            text = "mean or median not stated" if name == "unstated" else name
            edge, face = fill or colour("ink"), fill or colour("paper")
            key = Line2D([], [], linestyle="none", marker=marker, label=text)
            key.set(markerfacecolor=face, markeredgecolor=edge)
            keys.append(key)
    if not all(math.isnan(score.sd) for score in scores):
        keys.append(Line2D([], [], color=colour("rule"), linewidth=6, solid_capstyle="butt", label="± 1 SD (test set)"))
    return keys
