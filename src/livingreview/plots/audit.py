"""Figures of the reproduction chapter: what is printed beside what was recomputed."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from scipy.special import expit, logit

from livingreview.analysis.audit import LeaveOneOut, PointAndCurve
from livingreview.plots.style import (
    COLUMN,
    DASHED,
    SMALL,
    clean,
    colour,
    legend_beside,
    name_rows,
    new_axes,
    styled,
    tooltip,
)

__all__ = ["leave_one_out_sds", "point_and_curve"]

_GRID: Final = 400
_ROOM: Final = 1.6  # of the distance from the corner to the farther of point and Q*


@styled
def leave_one_out_sds(found: LeaveOneOut) -> Axes:
    """Draw the standard deviation without each study in turn against the printed one.

    One row per study left out; those that reproduce the printed value are filled.
    """
    ax = new_axes(COLUMN, 0.3 * len(found.sds) + 1.3)
    printed = ax.axvline(float(found.printed), color=colour("pooled"), linewidth=1.6, zorder=1)
    printed.set_label(f"printed: {found.printed} mm")
    tooltip(printed, printed.get_label())
    every = ax.axvline(found.every, color=colour("muted"), linestyle=DASHED, zorder=1)
    every.set_label(f"all {len(found.sds)} studies: {found.every:.2f} mm")
    tooltip(every, every.get_label())
    for y, (author, sd) in enumerate(zip(found.authors, found.sds, strict=True)):
        fits = author in found.fits
        (mark,) = ax.plot([sd], [y], "o", color=colour("ink"), markerfacecolor=colour("pooled" if fits else "paper"))
        tooltip(mark, f"without {clean(author)}: {sd:.3f} mm")
    name_rows(ax, [f"without {clean(author)}" for author in found.authors])
    right = 1.25 * max(*found.sds, found.every, float(found.printed))
    for y, sd in enumerate(found.sds):
        ax.text(right, y, f"{sd:.3f}", ha="right", va="center", size=SMALL)
    ax.set(xlim=(0, right), xlabel="Standard deviation (n − 1), mm")
    ax.grid(visible=True, axis="x")
    legend_beside(ax, [printed, every], columns=2)
    return ax


@styled
def point_and_curve(found: PointAndCurve) -> Axes:
    """Draw a printed pooled point, and what its rounding allows, beside the symmetric curve of the printed area.

    Shown is the upper left corner of the plane of sensitivity against 1 − specificity.
    """
    ax = new_axes(COLUMN, COLUMN + 0.8)
    reach = _ROOM * max(1 - found.specificity, 1 - found.sensitivity, 1 - found.q_star)
    fpr = np.linspace(reach / _GRID**2, reach, _GRID)
    (curve,) = ax.plot(fpr, expit(found.log_dor + logit(fpr)), color=colour("ink"), linewidth=2)
    curve.set_label(f"curve of the printed AUC (odds ratio {found.curve_dor:.0f})")
    (same,) = ax.plot(fpr, expit(np.log(found.point_dor) + logit(fpr)), color=colour("pooled"), linestyle=DASHED)
    same.set_label(f"curve through the point (odds ratio {found.point_dor:.0f})")
    (low, high), (bottom, top) = found.specificity_span, found.sensitivity_span
    box = Rectangle((1 - high, bottom), high - low, top - bottom, facecolor=colour("pooled"), alpha=0.25, zorder=3)
    ax.add_patch(box)
    tooltip(box, "every point that prints so")
    (point,) = ax.plot([1 - found.specificity], [found.sensitivity], "D", color=colour("pooled"), zorder=4)
    point.set_label("printed point and its rounding")
    tooltip(point, f"sensitivity {found.sensitivity:g}, specificity {found.specificity:g}")
    (star,) = ax.plot([1 - found.q_star], [found.q_star], "o", color=colour("ink"), zorder=4)
    star.set(label="printed Q*", linestyle="none")
    tooltip(star, f"Q* {found.q_star:g}: sensitivity = specificity")
    ax.set(xlim=(0, reach), ylim=(1 - reach, 1), aspect="equal", xlabel="1 − specificity", ylabel="Sensitivity")
    ax.grid(visible=True)
    key = Line2D([], [], color=colour("pooled"), marker="D", linestyle="none", label=point.get_label())
    legend_beside(ax, [curve, same, key, star], columns=1)
    return ax
