"""Funnel plots: effect against precision, with the regression that tests for small-study effects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from livingreview.plots.palette import colour
from livingreview.plots.style import COLUMN, DASHED, axes_or_new, clean, legend_beside, styled, tooltip
from livingreview.synthesis.bias import FunnelTest

__all__ = ["funnel"]


@styled
def funnel(test: FunnelTest, *, study: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the studies of a funnel test and its regression line; (k,) labels of the `study` are shown as tooltips.

    Effects are on x (natural logarithms; for Deeks' test labelled as odds ratios), precision on y with large studies at
    the top. Below ten studies the line is dotted, and the legend says that it is not to be relied on.

    Raises
    ------
    ValueError
        If there is not one label per study.
    """
    if study is not None and len(study) != test.k:
        raise ValueError(f"{test.k} studies in the test, but {len(study)} labels")
    ax = axes_or_new(ax, COLUMN, 4.0)
    for i in range(test.k):
        (mark,) = ax.plot([test.effects[i]], [test.x[i]], "o", color=colour("sensitivity"), markersize=7, alpha=0.85)
        name = f"study {i + 1}" if study is None else clean(study[i])
        tooltip(mark, f"{name}: {_ratio(float(test.effects[i]))}" if test.name == "deeks" else name)
    ends = np.array([0.0, 1.05 * float(test.x.max())])
    dashes = DASHED if test.reliable else (0, (1, 2))
    (line,) = ax.plot(test.intercept + test.slope * ends, ends, color=colour("pooled"), linewidth=1.8, linestyle=dashes)
    line.set_label(f"regression, P = {test.p:.2f}" if test.p >= 0.01 else "regression, P < 0.01")
    handles = [Line2D([], [], linestyle="none", marker="o", color=colour("sensitivity"), label="study"), line]
    if not test.reliable:
        handles.append(Line2D([], [], linestyle="none", label=f"{test.k} studies: too few to rely on"))
    ax.set_ylim(float(ends[1]), 0)
    if test.name == "deeks":
        ax.set_xticks(*_ratio_ticks(*ax.get_xlim()))
        ax.set(xlabel="Diagnostic odds ratio (log scale)", ylabel="1 / √ effective sample size")
    else:
        ax.set(xlabel="Effect", ylabel="Standard error")
    ax.grid(visible=True)
    legend_beside(ax, handles, columns=2)
    return ax


def _ratio(log_ratio: float) -> str:
    """Return an odds ratio from its logarithm, in as many digits as it deserves."""
    value = float(np.exp(log_ratio))
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _ratio_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Return the logarithms of round odds ratios between two logarithms, and how they are written."""
    decades = range(int(np.floor(low / np.log(10))), int(np.ceil(high / np.log(10))) + 1)
    ticks: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):  # as few as make four ticks
        ticks = [float(np.log(step * 10.0**decade)) for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= 4:
            break
    return ticks, [_ratio(tick) for tick in ticks]
