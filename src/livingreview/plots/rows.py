"""Rows of estimates: what a one-panel forest plot and a list of overlap scores have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from matplotlib.axes import Axes

from livingreview.plots.palette import colour
from livingreview.plots.style import BASE, SMALL, clean, tooltip

__all__ = ["ROW_HEIGHT", "Row", "diamond", "draw_rows", "rows_height"]

ROW_HEIGHT: Final = 0.235
"""Height in inches of one row of type."""

_MARGIN: Final = 0.85  # axis, its label and the column heads, in inches


@dataclass(frozen=True)
class Row:
    """One line of a list of estimates.

    Parameters
    ----------
    label
        Left-hand text.
    kind
        ``"heading"`` (text only), ``"study"``, ``"pooled"`` (diamond) or ``"prediction"`` (bar).
    value, lower, upper
        Estimate and interval; NaN where there is none.
    text
        Right-hand text.
    interval
        What the interval is: ``"ci"`` (line with caps) or ``"sd"`` (pale bar: mean ± SD is no confidence
        interval and must not look like one).
    marker, size, colour
        Matplotlib marker, its size in points, its fill; an empty `colour` draws the outline only.
    tip
        Tooltip of the mark.
    """

    label: str
    kind: Literal["heading", "study", "pooled", "prediction"] = "study"
    value: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    text: str = ""
    interval: Literal["ci", "sd"] = "ci"
    marker: str = "s"
    size: float = 6.0
    colour: str = colour("ink")
    tip: str = ""


def rows_height(rows: int) -> float:
    """Return the height in inches of a figure of so many rows."""
    return rows * ROW_HEIGHT + _MARGIN


def diamond(
    ax: Axes, estimate: float, lower: float, upper: float, y: float, *, half_height: float = 0.3, tip: str = ""
) -> None:
    """Draw a pooled estimate: a diamond whose corners are the interval.

    Parameters
    ----------
    ax
        The panel.
    estimate, lower, upper
        Position of the vertical corners and of the horizontal ones.
    y
        Row.
    half_height
        Half its height in units of the y axis.
    tip
        Tooltip.
    """
    corners = ((lower, estimate, upper, estimate), (y, y - half_height, y, y + half_height))
    (patch,) = ax.fill(*corners, facecolor=colour("pooled"), edgecolor="none", zorder=3)
    tooltip(patch, tip or f"{estimate:.3g} [{lower:.3g}, {upper:.3g}]")


def draw_rows(ax: Axes, rows: Sequence[Row], *, heads: tuple[str, str] = ("", "")) -> Axes:
    """Draw rows downwards from y = 0, one unit apart.

    Parameters
    ----------
    ax
        The panel; its y axis is taken over, its x axis left to the caller.
    rows
        The rows, top first.
    heads
        Heads of the left-hand and right-hand texts.

    Returns
    -------
    matplotlib.axes.Axes
        `ax`.
    """
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), [clean(row.label) for row in rows])
    ax.tick_params(axis="y", length=0, labelsize=BASE)
    ax.spines["left"].set_visible(False)
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("normal" if row.kind == "study" else "bold")
    right = ax.get_yaxis_transform()
    for y, row in enumerate(rows):
        _draw_mark(ax, row, y)
        ax.annotate(row.text, (1, y), (10, 0), right, "offset points", va="center", fontsize=SMALL)
    style: dict[str, Any] = {"fontsize": SMALL, "color": colour("muted"), "va": "bottom"}
    ax.annotate(heads[1], (1, -0.75), (10, 0), right, "offset points", **style)
    ax.annotate(heads[0], (0, -0.75), (-4, 0), right, "offset points", ha="right", **style)
    return ax


def _draw_mark(ax: Axes, row: Row, y: float) -> None:
    if row.kind == "heading" or math.isnan(row.value):
        return
    tip = row.tip or f"{clean(row.label)}: {row.text}"
    bounded = not (math.isnan(row.lower) or math.isnan(row.upper))
    if row.kind == "pooled":
        diamond(ax, row.value, row.lower, row.upper, y, tip=tip)
        return
    if row.kind == "prediction":
        (line,) = ax.plot([row.lower, row.upper], [y, y], color=colour("pooled"), linewidth=4, zorder=2)
        line.set_solid_capstyle("butt")
        tooltip(line, tip)
        return
    if bounded and row.interval == "sd":
        ax.plot([row.lower, row.upper], [y, y], color=colour("rule"), linewidth=6, solid_capstyle="butt", zorder=1)
    elif bounded:
        ax.plot([row.lower, row.upper], [y, y], color=colour("ink"), linewidth=1.1, marker="|", markersize=5, zorder=2)
    (mark,) = ax.plot(
        [row.value],
        [y],
        row.marker,
        markersize=row.size,
        markerfacecolor=row.colour or colour("paper"),
        markeredgecolor=colour("ink") if not row.colour else row.colour,
        zorder=4,
    )
    tooltip(mark, tip)
