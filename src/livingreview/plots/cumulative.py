"""Cumulative meta-analysis: the pooled estimates step by step, as evidence came in."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from livingreview.living.history import Step
from livingreview.plots.coupled import estimate_text
from livingreview.plots.palette import colour
from livingreview.plots.rows import Row, draw_rows, rows_height
from livingreview.plots.style import COLUMN, axes_or_new, styled

__all__ = ["cumulative"]

_MEASURES = (("Sensitivity", "sensitivity", "s"), ("Specificity", "specificity", "o"))


@styled
def cumulative(steps: Sequence[Step], *, width: float = COLUMN, ax: Axes | None = None) -> Axes:
    """Draw pooled sensitivity and specificity at each step, the last as a diamond.

    Parameters
    ----------
    steps
        In order; a step at which nothing was pooled keeps its row and says so.
    width
        Width in inches of a new figure.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        One row per step under a heading for each measure, proportions on x.

    Raises
    ------
    ValueError
        There is no step.
    """
    if not steps:
        raise ValueError("there is no step to draw")
    rows = []
    for title, name, marker in _MEASURES:
        rows.append(Row(title, "heading"))
        rows += [_row(step, name, marker, last=step is steps[-1]) for step in steps]
    ax = axes_or_new(ax, width, rows_height(len(rows)))
    level = next((step.sensitivity.level for step in steps if step.sensitivity), None)
    draw_rows(ax, rows, heads=("", "Pooled" if level is None else f"Pooled [{100 * level:g} % CI]"))
    ax.set(xlim=(0, 1), xticks=(0, 0.25, 0.5, 0.75, 1))
    ax.set_xticklabels(["0", "", "0.5", "", "1"])
    ax.grid(axis="x")
    return ax


def _row(step: Step, measure: str, marker: str, *, last: bool) -> Row:
    interval = getattr(step, measure)
    label = f"{step.label}, k = {step.k}"
    if interval is None:
        return Row(label, text="not pooled")
    text = estimate_text(interval.estimate, interval.lower, interval.upper)
    return Row(
        label,
        "pooled" if last else "study",
        interval.estimate,
        interval.lower,
        interval.upper,
        text,
        marker=marker,
        colour=colour(measure),
    )
