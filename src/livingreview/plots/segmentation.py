"""Agreement of automatic with manual contours: Dice and Hausdorff, per study and structure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike

from livingreview.analysis.tabulate import NOT_SEEN
from livingreview.plots.rows import Row, draw_rows, rows_height
from livingreview.plots.style import COLUMN, MARKERS, SERIES, clean, colour, legend_beside, new_axes, styled, tooltip

__all__ = ["overlap_against", "overlap_by_group"]

_MARKER: Final[dict[str, tuple[str, str]]] = {
    # marker and fill: a median is told from a mean by its shape, an unstated one by being hollow
    "mean": ("o", colour("sensitivity")),
    "median": ("D", colour("specificity")),
    "unstated": ("o", ""),
}


@styled
def overlap_by_group(
    values: pd.DataFrame,
    group: str,
    *,
    label: str = "Dice coefficient",
    unit: str = "",
    higher_is_better: bool = True,
) -> Axes:
    """Draw every value in its group, best first.

    Groups stand in order of first appearance, a heading row each; a pale bar is one SD over the test set on either
    side.

    Parameters
    ----------
    values
        As :func:`~livingreview.analysis.segmentation.reported` or :func:`~livingreview.analysis.segmentation.tabulated`
        return them; an empty cell is None or NaN.
    group
        The column to group by: the structure, the network family, …
    label, unit
        What the x axis shows.
    higher_is_better
        Orders each group: True for Dice, False for Hausdorff.

    Raises
    ------
    ValueError
        If there is no value.
    """
    if values.empty:
        raise ValueError("there is no value to draw")
    shown = _shown(values, group)
    rows: list[Row] = []
    for name, members in shown.groupby("group", sort=False):
        rows.append(Row(f"{clean(name)} ({len(members)})", kind="heading"))
        members = members.sort_values(["value", "study"], ascending=[not higher_is_better, True])
        rows.extend(map(_row, members.to_dict("records")))
    ax = new_axes(COLUMN, rows_height(len(rows)) + 0.5)
    draw_rows(ax, rows)
    ax.set_xlabel(f"{label} ({unit})" if unit else label)
    ax.grid(axis="x")
    spread = shown["sd"].fillna(0)
    low, high = float((shown["value"] - spread).min()), float((shown["value"] + spread).max())
    margin = 0.08 * (high - low or 1.0)
    ax.set_xlim(max(0.0, low - margin), min(1.0, high + margin) if not unit else high + margin)
    legend_beside(ax, _statistic_keys(shown), columns=2)
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
    ax = new_axes(COLUMN, 3.9)
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


def _shown(values: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return study, group, value, SD, number of cases and statistic of each value, in words where a text is missing."""
    cells = values.reindex(columns=["value", "sd", "n", "phase", "statistic", group])
    names = values["label_of_study"] if "label_of_study" in values else values["label"]
    phase, statistic, groups = (cells[name].astype(object) for name in ("phase", "statistic", group))
    return pd.DataFrame(
        {
            "study": (names + " " + phase.where(phase.notna(), "")).str.strip(),
            "group": groups.where(groups.notna(), NOT_SEEN),
            "value": cells["value"],
            "sd": cells["sd"].astype(float),
            "n": cells["n"].astype(float),
            "statistic": statistic.where(statistic.notna(), "unstated"),
        }
    )


def _row(shown: Mapping[Any, Any]) -> Row:
    value, sd, label = shown["value"], shown["sd"], clean(shown["study"])
    decimals = 2 if abs(value) < 10 else 1
    text = f"{value:.{decimals}f}" + ("" if math.isnan(sd) else f" ± {sd:.{decimals}f}")
    marker, fill = _MARKER[shown["statistic"]]
    size = "" if math.isnan(shown["n"]) else f", n = {shown['n']:.0f}"
    tip = f"{label}, {clean(shown['group'])}: {shown['statistic']} {text}{size}"
    return Row(
        label, value=value, lower=value - sd, upper=value + sd, text=text, interval="sd", marker=marker, colour=fill,
        tip=tip,
    )  # fmt: skip


def _statistic_keys(shown: pd.DataFrame) -> list[Line2D]:
    """Legend of what occurs, and of nothing else."""
    keys = []
    for name, (marker, fill) in _MARKER.items():
        if name in set(shown["statistic"]):
            text = "mean or median not stated" if name == "unstated" else name
            edge, face = fill or colour("ink"), fill or colour("paper")
            key = Line2D([], [], linestyle="none", marker=marker, label=text)
            key.set(markerfacecolor=face, markeredgecolor=edge)
            keys.append(key)
    if shown["sd"].notna().any():
        keys.append(Line2D([], [], color=colour("rule"), linewidth=6, solid_capstyle="butt", label="± 1 SD (test set)"))
    return keys
