"""What a test means for a patient: Fagan nomogram, predictive values, natural frequencies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.path import Path
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from livingreview.plots.style import (
    BASE,
    COLUMN,
    DASHED,
    SMALL,
    canvas,
    clean,
    colour,
    legend_beside,
    new_axes,
    styled,
    tooltip,
)
from livingreview.synthesis.intervals import Interval, Intervals

__all__ = ["fagan", "icon_array", "predictive_values"]

_PROBABILITIES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
_RATIOS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_END: Final = float(logit(0.9992))

_TEXT: Final = 1.3  # logits; the height of three lines of text

_ACROSS: Final = 40  # icons in a row
_CELL: Final = 0.108  # inches per icon


@styled
def fagan(pre_test: float, positive: Interval, negative: Interval) -> Axes:
    """Draw Fagan's nomogram: from the probability before the test by its likelihood ratios to that after it.

    The probability before the test stands at (0, −logit), a likelihood ratio at (1, ln LR / 2), the probability after
    the test at (2, logit): each result is a straight line, its interval a bar.

    Raises
    ------
    ValueError
        If the probability is not between 0 and 1, or a likelihood ratio is not positive.

    References
    ----------
    Fagan TJ. Nomogram for Bayes's theorem. N Engl J Med. 1975;293:257. doi 10.1056/NEJM197507312930513.
    """
    if not 0 < pre_test < 1:
        raise ValueError(f"the pre-test probability is between 0 and 1, not {pre_test!r}")
    if not (positive.estimate > 0 and negative.estimate > 0):
        raise ValueError("likelihood ratios are positive numbers")
    ax = new_axes(COLUMN, 6.4)
    ax.set_axis_off()
    ax.set(xlim=(-0.32, 2.62), ylim=(-_END, _END))
    percents = sorted({*_PROBABILITIES, *(round(1 - p, 6) for p in _PROBABILITIES)})
    ratios = [(math.log(r) / 2, f"{r:g}") for r in _RATIOS]
    _scale(ax, 0, [(-float(logit(p)), f"{100 * p:g}") for p in percents])
    _scale(ax, 1, ratios)
    _scale(ax, 2, [(float(logit(p)), f"{100 * p:g}") for p in percents])
    for x, head in enumerate(("Before the test\n(%)", "Likelihood\nratio", "After the test\n(%)")):
        ax.text(x, _END + 0.25, head, ha="center", va="bottom", fontsize=SMALL, weight="bold")
    start = float(logit(pre_test))
    ax.plot([0], [-start], "o", color=colour("ink"), markersize=7, zorder=6)
    results = ((positive, "positive", "sensitivity", "-"), (negative, "negative", "specificity", DASHED))
    afters = [start + math.log(ratio.estimate) for ratio, *_ in results]
    # Two results close to each other: their texts move apart, the marks stay.
    apart = max(0.0, _TEXT - abs(afters[0] - afters[1])) / 2
    for (ratio, result, role, dashes), after in zip(results, afters, strict=True):
        (line,) = ax.plot([0, 2], [-start, after], color=colour(role), linestyle=dashes, linewidth=1.8, zorder=3)
        tooltip(line, f"result {result}: {100 * pre_test:g} % before, {100 * expit(after):.1f} % after the test")
        text = f"{result}:\n{100 * expit(after):.1f} %"
        if ratio.lower > 0:
            ends = start + np.log([ratio.lower, ratio.upper])
            (bar,) = ax.plot([2, 2], np.clip(ends, -_END, _END), color=colour(role), linewidth=6, zorder=4)
            bar.set_solid_capstyle("butt")
            text += f"\n[{100 * expit(ends[0]):.1f}, {100 * expit(ends[1]):.1f}]"
        y = after + (apart if after == max(afters) else -apart)
        ax.text(2.09, y, text, va="center", fontsize=SMALL, color=colour(role), weight="bold")
    return ax


def _scale(ax: Axes, x: float, ticks: list[tuple[float, str]]) -> None:
    ax.plot([x, x], [-_END, _END], color=colour("ink"), linewidth=1)
    for y, text in ticks:
        ax.plot([x - 0.025, x + 0.025], [y, y], color=colour("ink"), linewidth=0.8)
        # On paper, so that a line that crosses the scale does not strike the number out.
        paper = {"facecolor": colour("paper"), "edgecolor": "none", "pad": 0.4}
        ax.text(x - 0.07, y, text, ha="right", va="center", fontsize=SMALL, bbox=paper, zorder=5)


@styled
def predictive_values(
    prevalence: ArrayLike,
    positive: Intervals,
    negative: Intervals,
    *,
    scenarios: Mapping[str, float] | None = None,
) -> Axes:
    """Draw both predictive values over a range of prevalence, in percent, with their bands.

    Parameters
    ----------
    prevalence
        (m,) prevalences between 0 and 1, increasing.
    positive, negative
        Positive and negative predictive value at each of them.
    scenarios
        Name to prevalence of settings to mark.

    Raises
    ------
    ValueError
        If the predictive values have not one entry per prevalence.
    """
    x = 100 * np.asarray(prevalence, dtype=float)
    if not len(x) == len(positive) == len(negative):
        raise ValueError(f"{len(x)} prevalences, but {len(positive)} and {len(negative)} predictive values")
    ax = new_axes(COLUMN, 3.9)
    handles = []
    for values, role, dashes, label in (
        (positive, "sensitivity", "-", "positive predictive value"),
        (negative, "specificity", DASHED, "negative predictive value"),
    ):
        ax.fill_between(x, 100 * values.lower, 100 * values.upper, color=colour(role), alpha=0.2, linewidth=0)
        (line,) = ax.plot(x, 100 * values.estimate, color=colour(role), linewidth=2, linestyle=dashes, label=label)
        handles.append(line)
    band = Line2D([], [], color=colour("muted"), alpha=0.4, linewidth=7, label=f"{100 * positive.level:g} % CI")
    band.set_solid_capstyle("butt")
    handles.append(band)
    for name, share in (scenarios or {}).items():
        ax.axvline(100 * share, color=colour("muted"), linewidth=0.9, linestyle=(0, (2, 2)))
        text = f"{clean(name)} ({100 * share:g} %)"
        top = ax.get_xaxis_transform()
        ax.text(100 * share, 1.02, text, transform=top, rotation=30, fontsize=SMALL, color=colour("muted"))
    ax.set(xlim=(float(x.min()), float(x.max())), ylim=(0, 101))
    ax.set(xlabel="Prevalence (%)", ylabel="Predictive value (%)")
    ax.grid(visible=True)
    legend_beside(ax, handles, columns=2)
    return ax


@styled
def icon_array(tp: int, fn: int, fp: int, tn: int) -> Axes:
    """Draw what happens to so many people, usually 1,000, who take a test: one figure each.

    Four labelled groups stand from top to bottom; a group is one line artist with a marker per person.

    Raises
    ------
    ValueError
        If a frequency is negative or all are 0.
    """
    total = tp + fn + fp + tn
    if min(tp, fn, fp, tn) < 0 or total == 0:
        raise ValueError("natural frequencies are counts, at least one of them above 0")
    groups = (
        (tp, "have the disease, and the test finds it", colour("sensitivity"), True),
        (fn, "have the disease, and the test misses it", colour("sensitivity"), False),
        (fp, "do not have it, but the test raises a false alarm", colour("specificity"), True),
        (tn, "do not have it, and the test says so", colour("muted"), False),
    )
    rows = [math.ceil(count / _ACROSS) for count, *_ in groups]
    height = 0.55 + 0.38 * len(groups) + 1.35 * _CELL * sum(rows)
    ax = canvas(COLUMN, height)
    ax.text(0.1, 0.08, f"Of {total:,} people who take the test", va="top", weight="bold", fontsize=BASE)
    key = "filled: positive result · outline: negative result"
    ax.text(0.1, 0.27, key, va="top", fontsize=SMALL, color=colour("muted"))
    y = 0.55
    for (count, text, fill, solid), lines in zip(groups, rows, strict=True):
        ax.text(0.1, y, f"{count:,}", va="top", weight="bold", fontsize=BASE, color=fill)
        ax.text(0.55, y, text, va="top", fontsize=BASE)
        y += 0.27
        index = np.arange(count)
        across, down = 0.1 + (0.5 + index % _ACROSS) * (COLUMN - 0.2) / _ACROSS, y + (index // _ACROSS) * 1.35 * _CELL
        (people,) = ax.plot(across, down, linestyle="none", marker=_PERSON, markersize=8.2)
        people.set(markerfacecolor=fill if solid else "none", markeredgecolor=fill, markeredgewidth=0.7)
        people.set_clip_on(False)
        tooltip(people, f"{count} of {total} {text}")
        y += 1.35 * _CELL * lines + 0.11
    return ax


def _person() -> Path:
    """Head and shoulders, for a marker."""
    head = Path.circle((0.0, 0.29), 0.19)
    outline = [(-0.32, -0.5), (-0.32, -0.2), (-0.3, 0.02), (0.0, 0.02), (0.3, 0.02), (0.32, -0.2), (0.32, -0.5)]
    codes = [Path.MOVETO, Path.LINETO, *[Path.CURVE3] * 4, Path.LINETO, Path.CLOSEPOLY]
    body = Path([*outline, outline[0]], codes)
    return Path.make_compound_path(head, body)


_PERSON: Final = _person()
