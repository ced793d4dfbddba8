"""A synthesis in the plane: the SROC plane with studies, summary point, regions and curve; and its funnel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Polygon
from scipy.special import expit

from livingreview.errors import ConvergenceError, TooFewStudies
from livingreview.plots.style import COLUMN, DASHED, SERIES, clean, colour, legend_beside, new_axes, styled, tooltip
from livingreview.synthesis.bias import FunnelTest
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.covariates import LevelEstimate
from livingreview.synthesis.regions import Fit, confidence_region, prediction_region
from livingreview.synthesis.sroc import rutter_gatsonis

__all__ = ["funnel", "sroc"]

_LARGEST: Final = 0.085  # of the axis; the largest arm of a study
_SMALLEST: Final = 0.012
_NAME: Final = 24  # characters of a level's name in the legend
# Told apart without colour: first filled, then hollow.
_MARKERS: Final = ("s", "^", "v", "P", "X", "h", "<", ">")
_STUDY: Final = "study: wide by √(non-diseased),\nhigh by √(diseased)"
_DASHES: Final = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 3)))


@styled
def sroc(fit: Fit, *, levels: Sequence[LevelEstimate] = ()) -> Axes:
    """Draw the studies and the fit on the plane of sensitivity against 1 − specificity.

    A study is an ellipse, as wide as the square root of its non-diseased and as high as that of its diseased. The curve
    is Rutter and Gatsonis', over the observed range. What the fit does not determine (a curve when a variance is 0 or
    with covariates, a region of two studies) is left out and named in the legend.

    Parameters
    ----------
    fit
        A bivariate fit.
    levels
        Estimates per level of a covariate, such as the fit's own: a point and its confidence region each, told apart
        by colour, shape and dashes, in place of the fit's average over them, which is that of no test.
    """
    ax = new_axes(COLUMN, COLUMN + 0.55)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    ax.set_xlabel("1 − specificity")
    ax.set_ylabel("Sensitivity")
    ax.grid(visible=True)
    ax.plot([0, 1], [0, 1], color=colour("muted"), linewidth=0.8, linestyle=(0, (1, 3)), zorder=1)
    if levels:
        handles = [_draw_level(ax, number, level) for number, level in enumerate(levels)]
        regions = "no regions: too few studies" if min(fit.prediction_df) < 1 else "lines: confidence regions"
        handles.append(Line2D([], [], linestyle="none", label=regions))
        signs = {row: number for number, level in enumerate(levels) for row in level.rows}
    else:
        handles, signs = [_draw_point(ax, fit), *_draw_curve(ax, fit), *_draw_regions(ax, fit)], {}
    legend_beside(ax, [*handles, *_draw_studies(ax, fit.counts, signs)], columns=2)
    return ax


def _draw_point(ax: Axes, fit: Fit) -> Artist:
    (point,) = ax.plot([expit(-fit.mu[1])], [expit(fit.mu[0])], "D", markersize=8, label="summary point")
    point.set(color=colour("pooled"), markeredgecolor=colour("paper"), zorder=6)
    tooltip(point, f"sensitivity {expit(fit.mu[0]):.3f}, specificity {expit(fit.mu[1]):.3f}")
    return point


def _draw_level(ax: Axes, number: int, estimate: LevelEstimate) -> Artist:
    """Draw a level's point with its own confidence region, in a colour, a shape and dashes of its own."""
    name, sensitivity, specificity = clean(str(estimate.label)), estimate.sensitivity, estimate.specificity
    short = name if len(name) <= _NAME else f"{name[: _NAME - 1].rstrip()}…"
    marker, fill, edge = _sign(number)
    dashes = _DASHES[number % len(_DASHES)]
    (point,) = ax.plot([1 - specificity.estimate], [sensitivity.estimate], marker, markersize=9, label=short)
    point.set(markerfacecolor=fill, markeredgecolor=edge, markeredgewidth=1.6, zorder=7)
    tooltip(point, f"{name}: sensitivity {sensitivity}, specificity {specificity}")
    key = Line2D([], [], color=edge, linestyle="none", marker=marker, markersize=8, markerfacecolor=fill, label=short)
    with suppress(TooFewStudies):
        (line,) = ax.plot(*confidence_region(estimate).roc.T, color=edge, linewidth=1.3, linestyle=dashes, zorder=4)
        tooltip(line, f"{name}: {100 * estimate.level:g} % confidence region")
        key.set(linestyle=dashes, linewidth=1.3)
    return key


def _sign(number: int) -> tuple[str, str, str]:
    """Return the marker, fill and edge of level `number`."""
    edge = SERIES[number % len(SERIES)]
    return _MARKERS[number % len(_MARKERS)], colour("paper") if number // len(_MARKERS) % 2 else edge, edge


def _draw_studies(ax: Axes, counts: Counts, signs: Mapping[int, int]) -> list[Artist]:
    """Draw the studies, those of level `signs[row]` with its colour and a small mark of its shape."""
    diseased, healthy = counts.n_diseased, counts.n_nondiseased
    arms = np.stack([healthy, diseased], axis=1).astype(float)
    largest = _LARGEST / max(1.0, (counts.k / 40) ** 0.5)  # many studies leave less room to each
    sizes = np.maximum(_SMALLEST, largest * np.sqrt(arms / max(arms.max(), 1.0)))
    # Only a study with both arms has a place on this plane.
    for i in np.flatnonzero((diseased > 0) & (healthy > 0)).tolist():
        centre = (float(counts.fp[i] / healthy[i]), float(counts.tp[i] / diseased[i]))
        marker, fill, edge = _sign(signs[i]) if i in signs else ("", colour("muted"), colour("ink"))
        mark = Ellipse(centre, *sizes[i], facecolor=fill, edgecolor=edge, alpha=0.45, zorder=3)
        mark.set_clip_on(False)
        ax.add_patch(mark)
        if marker:
            ax.plot(*centre, marker, markersize=3.5, color=edge, zorder=5, clip_on=False)
        tooltip(mark, f"{clean(counts.study[i])}: sensitivity {centre[1]:.2f}, specificity {1 - centre[0]:.2f}")
    key = Line2D([], [], linestyle="none", marker="o", markersize=8, label=_STUDY, alpha=0.6)
    key.set(markerfacecolor=colour("muted"), markeredgecolor=colour("ink"))
    if left_out := int(np.count_nonzero((diseased == 0) | (healthy == 0))):
        return [key, Line2D([], [], linestyle="none", label=f"not drawn: {left_out} with one arm")]
    return [key]


def _draw_regions(ax: Axes, fit: Fit) -> list[Artist]:
    try:
        inner, outer = confidence_region(fit), prediction_region(fit)
    except TooFewStudies:
        return [Line2D([], [], linestyle="none", label="no regions: too few studies")]
    confidence = Polygon(inner.roc, facecolor=colour("pooled"), edgecolor="none", alpha=0.18, zorder=2)
    ax.add_patch(confidence)
    percent = f"{100 * fit.level:g} %"
    (edge,) = ax.plot(*inner.roc.T, color=colour("pooled"), linewidth=1.3, zorder=4)
    (prediction,) = ax.plot(*outer.roc.T, color=colour("pooled"), linewidth=1.3, linestyle=(0, (5, 3)), zorder=4)
    edge.set_label(f"{percent} confidence region")
    prediction.set_label(f"{percent} prediction region")
    tooltip(edge, edge.get_label())
    tooltip(prediction, prediction.get_label())
    return [edge, prediction]


def _draw_curve(ax: Axes, fit: Fit) -> list[Artist]:
    if fit.has_covariates:
        return [Line2D([], [], linestyle="none", label="no curve: it depends on covariates")]
    try:
        shown = rutter_gatsonis(fit)
    except ConvergenceError:
        return [Line2D([], [], linestyle="none", label="no curve: a variance is 0")]
    (line,) = ax.plot(shown.fpr, shown.sensitivity, color=colour("ink"), linewidth=2, zorder=5, label="SROC curve")
    tooltip(line, "rutter gatsonis curve over the observed range")
    return [line]


@styled
def funnel(test: FunnelTest, *, study: Sequence[str] | None = None) -> Axes:
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
    ax = new_axes(COLUMN, 4.0)
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
