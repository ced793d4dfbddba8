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
from numpy.typing import ArrayLike, NDArray

from livingreview.analysis.tabulate import NOT_SEEN
from livingreview.plots.palette import MARKERS, SERIES, colour
from livingreview.plots.rows import Row, draw_rows, rows_height
from livingreview.plots.style import COLUMN, axes_or_new, clean, legend_beside, styled, tooltip

__all__ = ["Overlap", "overlap_against", "overlap_by_group", "overlap_scores"]

FloatArray = NDArray[np.float64]
Statistic = Literal["mean", "median", "unstated"]
_MARKER: Final[dict[str, tuple[str, str]]] = {
    # marker and fill: a median is told from a mean by its shape, an unstated one by being hollow
    "mean": ("o", colour("sensitivity")),
    "median": ("D", colour("specificity")),
    "unstated": ("o", ""),
}


@dataclass(frozen=True)
class Overlap:
    """Scores as columns of equal length, one row per reported value.

    Parameters
    ----------
    study, group
        (m,) study labels, and what the rows are grouped by: the structure, its phase, the network family, …
    value, sd, n
        (m,) scores (Dice from 0 to 1, Hausdorff in mm), standard deviation over the test set and its size; NaN where
        not reported.
    statistic
        (m,) ``"mean"``, ``"median"`` or ``"unstated"``.

    Raises
    ------
    ValueError
        If columns differ in length, or a statistic is unknown.
    """

    study: Sequence[str]
    group: Sequence[str]
    value: FloatArray
    sd: FloatArray
    n: FloatArray
    statistic: Sequence[str]

    @classmethod
    def of(
        cls,
        study: Sequence[str],
        group: Sequence[str],
        value: ArrayLike,
        *,
        sd: ArrayLike | None = None,
        n: ArrayLike | None = None,
        statistic: Sequence[str | float | None] | None = None,
    ) -> Overlap:
        """Return the columns, those left out filled with NaN (a missing statistic with ``"unstated"``).

        >>> Overlap.of(["A", "B"], ["LV", "LV"], [0.91, 0.93], sd=[0.02, float("nan")]).n.tolist()
        [nan, nan]
        """
        m = len(study)

        def column(values: ArrayLike | None) -> FloatArray:
            filled = np.full(m, np.nan) if values is None else np.array(values, dtype=float)
            filled.setflags(write=False)
            return filled

        return cls(
            study=tuple(study),
            group=tuple(group),
            value=column(value),
            sd=column(sd),
            n=column(n),
            # A table's empty cell is None or NaN; neither is text.
            statistic=tuple(
                s if isinstance(s, str) else "unstated" for s in ([None] * m if statistic is None else statistic)
            ),
        )

    def __post_init__(self) -> None:
        lengths = {len(column) for column in vars(self).values()}
        if len(lengths) != 1:
            raise ValueError(f"columns have different lengths: {sorted(lengths)}")
        if unknown := set(self.statistic) - set(_MARKER):
            raise ValueError(f"statistic is one of {', '.join(_MARKER)}, not {', '.join(sorted(unknown))}")


def overlap_scores(values: pd.DataFrame, group: str) -> Overlap:
    """Return a table of Dice or Hausdorff values as the columns that the figures take, grouped by one of its own.

    `values` are as :func:`~livingreview.analysis.overlap.reported` or :func:`~livingreview.analysis.overlap.tabulated`
    return them.
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


@styled
def overlap_by_group(
    scores: Overlap,
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
    scores
        The columns.
    label, unit
        What the x axis shows.
    higher_is_better
        Orders each group: True for Dice, False for Hausdorff.

    Raises
    ------
    ValueError
        If there is no score.
    """
    if not len(scores.study):
        raise ValueError("there is no score to draw")
    rows = _rows(scores, descending=higher_is_better)
    ax = axes_or_new(ax, COLUMN, rows_height(len(rows)) + 0.5)
    draw_rows(ax, rows)
    ax.set_xlabel(f"{label} ({unit})" if unit else label)
    ax.grid(axis="x")
    spread = np.nan_to_num(scores.sd)
    low, high = float(np.nanmin(scores.value - spread)), float(np.nanmax(scores.value + spread))
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


def _rows(scores: Overlap, *, descending: bool) -> list[Row]:
    rows: list[Row] = []
    for name in dict.fromkeys(scores.group):
        members = [i for i, group in enumerate(scores.group) if group == name]
        members.sort(key=lambda i: (-scores.value[i] if descending else scores.value[i], scores.study[i]))
        rows.append(Row(f"{clean(name)} ({len(members)})", kind="heading"))
        rows.extend(_row(scores, i) for i in members)
    return rows


def _row(scores: Overlap, i: int) -> Row:
    value, sd = float(scores.value[i]), float(scores.sd[i])
    decimals = 2 if abs(value) < 10 else 1
    text = f"{value:.{decimals}f}" + ("" if math.isnan(sd) else f" ± {sd:.{decimals}f}")
    marker, fill = _MARKER[scores.statistic[i]]
    size = "" if math.isnan(scores.n[i]) else f", n = {scores.n[i]:.0f}"
    label = clean(scores.study[i])
    tip = f"{label}, {clean(scores.group[i])}: {scores.statistic[i]} {text}{size}"
    return Row(
        label, value=value, lower=value - sd, upper=value + sd, text=text, interval="sd", marker=marker, colour=fill,
        tip=tip,
    )  # fmt: skip


def _statistic_keys(scores: Overlap) -> list[Line2D]:
    """Legend of what occurs, and of nothing else."""
    keys = []
    for name, (marker, fill) in _MARKER.items():
        if name in scores.statistic:
            text = "mean or median not stated" if name == "unstated" else name
            edge, face = fill or colour("ink"), fill or colour("paper")
            key = Line2D([], [], linestyle="none", marker=marker, label=text)
            key.set(markerfacecolor=face, markeredgecolor=edge)
            keys.append(key)
    if not np.all(np.isnan(scores.sd)):
        keys.append(Line2D([], [], color=colour("rule"), linewidth=6, solid_capstyle="butt", label="± 1 SD (test set)"))
    return keys
