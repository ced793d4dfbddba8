"""Rows of estimates: what lists of overlap scores and the cumulative meta-analysis have in common, and the latter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from matplotlib.axes import Axes

from livingreview.plots.style import COLUMN, SMALL, clean, colour, name_rows, new_axes, styled, tooltip
from livingreview.synthesis.intervals import Interval

if TYPE_CHECKING:  # forest plots are drawn where the review is not installed
    from livingreview.living.news import Step

__all__ = ["MEASURES", "ROW", "Row", "cumulative", "diamond", "draw_rows", "estimate_text", "rows_height", "share_axis"]

#: Name, abbreviation, name as attribute and colour, marker.
MEASURES: Final = (("Sensitivity", "Se", "sensitivity", "s"), ("Specificity", "Sp", "specificity", "o"))
ROW: Final = 0.235  # inches of one row of type
_MARGIN: Final = 0.85  # axis, its label and the column heads, in inches


@dataclass(frozen=True)
class Row:
    """One line of a list of estimates.

    Parameters
    ----------
    kind
        ``"heading"`` (text only), ``"study"`` or ``"pooled"`` (diamond).
    value, lower, upper
        Estimate and interval; NaN where there is none.
    label, text, tip
        Left-hand and right-hand text, and tooltip of the mark.
    interval
        What the interval is: ``"ci"`` (line with caps) or ``"sd"`` (pale bar: mean ± SD is no confidence
        interval and must not look like one).
    marker, colour
        Matplotlib marker and its fill; an empty `colour` draws the outline only.
    """

    label: str
    kind: Literal["heading", "study", "pooled"] = "study"
    value: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    text: str = ""
    interval: Literal["ci", "sd"] = "ci"
    marker: str = "s"
    colour: str = colour("ink")
    tip: str = ""


def rows_height(rows: int) -> float:
    """Return the height in inches of a figure of so many rows."""
    return rows * ROW + _MARGIN


def share_axis(ax: Axes) -> None:
    """Let the x axis show proportions from 0 to 1."""
    ax.set_xlim(0, 1)
    ax.set_xticks((0, 0.25, 0.5, 0.75, 1), ["0", "", "0.5", "", "1"])
    ax.grid(axis="x")


def estimate_text(shown: Interval) -> str:
    """Return an estimate and its interval as they are printed in a table; a dash where there is neither."""
    limits = "" if math.isnan(shown.lower) else f"[{shown.lower:.2f}, {shown.upper:.2f}]"
    text = f"{'' if math.isnan(shown.estimate) else f'{shown.estimate:.2f}'} {limits}".strip()
    return text.replace("-", "−") or "–"


def diamond(ax: Axes, shown: Interval, y: float, *, half_height: float = 0.3, tip: str = "") -> None:
    """Draw a pooled estimate in row `y`: a diamond whose corners are the interval; heights are those of the y axis."""
    estimate, lower, upper = shown.estimate, shown.lower, shown.upper
    corners = ((lower, estimate, upper, estimate), (y, y - half_height, y, y + half_height))
    (patch,) = ax.fill(*corners, facecolor=colour("pooled"), edgecolor="none", zorder=3)
    tooltip(patch, tip or f"{estimate:.3g} [{lower:.3g}, {upper:.3g}]")


def draw_rows(ax: Axes, rows: Sequence[Row], *, head: str = "") -> None:
    """Draw rows downwards from y = 0, one unit apart; the head stands over the right-hand texts.

    The y axis is taken over, the x axis left to the caller.
    """
    name_rows(ax, [clean(row.label) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("normal" if row.kind == "study" else "bold")
    right = ax.get_yaxis_transform()
    for y, row in enumerate(rows):
        _draw_mark(ax, row, y)
        ax.annotate(row.text, (1, y), (10, 0), right, "offset points", va="center", fontsize=SMALL)
    style: dict[str, Any] = {"fontsize": SMALL, "color": colour("muted"), "va": "bottom"}
    ax.annotate(head, (1, -0.75), (10, 0), right, "offset points", **style)


def _draw_mark(ax: Axes, row: Row, y: float) -> None:
    if row.kind == "heading" or math.isnan(row.value):
        return
    tip = row.tip or f"{clean(row.label)}: {row.text}"
    bounded = not (math.isnan(row.lower) or math.isnan(row.upper))
    if row.kind == "pooled":
        diamond(ax, Interval(row.value, row.lower, row.upper), y, tip=tip)
        return
    if bounded and row.interval == "sd":
        ax.plot([row.lower, row.upper], [y, y], color=colour("rule"), linewidth=6, solid_capstyle="butt", zorder=1)
    elif bounded:
        ax.plot([row.lower, row.upper], [y, y], color=colour("ink"), linewidth=1.1, marker="|", markersize=5, zorder=2)
    (mark,) = ax.plot([row.value], [y], row.marker, markersize=6, zorder=4)
    mark.set(markerfacecolor=row.colour or colour("paper"), markeredgecolor=row.colour or colour("ink"))
    tooltip(mark, tip)


@styled
def cumulative(steps: Sequence[Step]) -> Axes:
    """Draw pooled sensitivity and specificity at each step, in order, the last as a diamond.

    One row per step under a heading for each measure, proportions on x; a step at which nothing was pooled says so.

    Raises
    ------
    ValueError
        There is no step.
    """
    if not steps:
        raise ValueError("there is no step to draw")
    rows = []
    for title, _, name, marker in MEASURES:
        rows.append(Row(title, "heading"))
        rows += [_row(step, name, marker, last=step is steps[-1]) for step in steps]
    ax = new_axes(COLUMN, rows_height(len(rows)))
    level = next((step.sensitivity.level for step in steps if step.sensitivity), None)
    draw_rows(ax, rows, head="Pooled" if level is None else f"Pooled [{100 * level:g} % CI]")
    share_axis(ax)
    return ax


def _row(step: Step, measure: str, marker: str, *, last: bool) -> Row:
    interval = getattr(step, measure)
    label = f"{step.label}, k = {step.k}"
    if interval is None:
        return Row(label, text="not pooled")
    text = estimate_text(interval)
    return Row(
        label, "pooled" if last else "study", interval.estimate, interval.lower, interval.upper, text,
        marker=marker, colour=colour(measure),
    )  # fmt: skip
