"""Quality of the included studies: QUADAS-2 judgements and CLAIM completeness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from livingreview.analysis.tabulate import Elsewhere
from livingreview.plots.style import (
    COLUMN,
    DASHED,
    RATINGS,
    SMALL,
    clean,
    colour,
    legend_beside,
    name_rows,
    new_axes,
    styled,
    tooltip,
    wrap,
)

__all__ = ["claim_distribution", "claim_sections", "quadas_summary"]

_PERCENT: Final = "{x:.0f} %"


@styled
def quadas_summary(domains: Mapping[str, Mapping[str, int]]) -> Axes:
    """Draw the share of studies at low, unclear and high risk of bias, one bar per domain.

    `domains` hold the number of studies per rating, a key of :data:`~.style.RATINGS`. Bars are in percent of the
    domain's studies; each segment bears its symbol and number of studies.

    Raises
    ------
    ValueError
        If a rating is not one of the three, or a domain has no study.
    """
    for name, counts in domains.items():
        if unknown := set(counts) - set(RATINGS):
            raise ValueError(f"{name}: ratings are {', '.join(RATINGS)}, not {', '.join(sorted(unknown))}")
        if sum(counts.values()) <= 0:
            raise ValueError(f"{name}: there is no study to draw")
    ax = new_axes(COLUMN, 0.42 * len(domains) + 1.0)
    for y, counts in enumerate(domains.values()):
        total, left = sum(counts.values()), 0.0
        for key, rating in RATINGS.items():
            share = 100 * counts.get(key, 0) / total
            if not share:
                continue
            (bar,) = ax.barh(y, share, left=left, height=0.66, color=rating.colour, edgecolor=colour("ink"))
            tooltip(bar, f"{rating.label}: {counts[key]} of {total} ({share:.1f} %)")
            text = f"{rating.symbol} {counts[key]}" if share >= 8 else rating.symbol
            centre = left + share / 2
            ax.text(centre, y, text, ha="center", va="center", color=colour("on-rating"), weight="bold")
            left += share
    name_rows(ax, [wrap(name, 18) for name in domains])
    ax.set(xlim=(0, 100), xlabel="Studies")
    ax.xaxis.set_major_formatter(_PERCENT)
    keys = [Patch(facecolor=r.colour, edgecolor=colour("ink"), label=f"{r.symbol} {r.label}") for r in RATINGS.values()]
    legend_beside(ax, keys)
    return ax


@styled
def claim_distribution(percent: ArrayLike, *, elsewhere: Elsewhere | None = None) -> Axes:
    """Draw every study's CLAIM score as a dot, equal scores stacked, with the mean as a solid line.

    Parameters
    ----------
    percent
        (k,) scores, percent of the applicable items.
    elsewhere
        Drawn as a dashed line and a band.

    Raises
    ------
    ValueError
        If there is no score, or one is not between 0 and 100.
    """
    scores = np.sort(np.asarray(percent, dtype=float))
    if scores.size == 0 or not np.all((scores >= 0) & (scores <= 100)):
        raise ValueError("CLAIM scores are one or more percentages between 0 and 100")
    values, times = np.unique(np.round(scores, 2), return_counts=True)
    ax = new_axes(COLUMN, 1.5 + 0.13 * int(times.max()) + 0.3 * (elsewhere is not None))
    x = np.repeat(values, times)
    y = np.concatenate([np.arange(n) + 1 for n in times])
    ax.plot(x, y, "o", color=colour("sensitivity"), markersize=5.5)
    mean = float(scores.mean())
    ax.axvline(mean, color=colour("ink"), linewidth=1.6)
    handles: list[Line2D | Patch] = [
        Line2D([], [], marker="o", linestyle="none", color=colour("sensitivity"), label="one study"),
        Line2D([], [], color=colour("ink"), linewidth=1.6, label=f"mean {mean:.1f} % (k = {scores.size})"),
    ]
    low = float(scores.min())
    if elsewhere is not None:
        band = (elsewhere.mean_percent - elsewhere.sd_percent, elsewhere.mean_percent + elsewhere.sd_percent)
        ax.axvspan(*band, facecolor=colour("rule"), alpha=0.55, edgecolor="none", zorder=0)
        ax.axvline(elsewhere.mean_percent, color=colour("muted"), linestyle=DASHED, linewidth=1.6)
        label = f"{clean(elsewhere.label)}: {elsewhere.mean_percent:g} % (band: ± 1 SD)"
        handles.append(Line2D([], [], color=colour("muted"), linestyle=DASHED, linewidth=1.6, label=label))
        low = min(low, band[0])
    ax.set(xlim=(max(0.0, 5 * np.floor((low - 2) / 5)), 101), ylim=(0, times.max() + 1))
    ax.set(xlabel="CLAIM items reported", ylabel="Studies")
    ax.xaxis.set_major_formatter(_PERCENT)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    legend_beside(ax, handles, columns=1)
    return ax


@styled
def claim_sections(sections: Mapping[str, float]) -> Axes:
    """Draw the mean completeness over the studies, in percent, of each section of the checklist."""
    ax = new_axes(COLUMN, 0.36 * len(sections) + 0.75)
    for y, (name, value) in enumerate(sections.items()):
        ax.plot([0, value], [y, y], color=colour("muted"), linewidth=0.8, zorder=1)
        (mark,) = ax.plot([value], [y], "o", markersize=8, color=colour("sensitivity"), clip_on=False)
        tooltip(mark, f"{clean(name)}: {value:.1f} %")
        ax.text(102, y, f"{value:.1f} %", va="center", fontsize=SMALL)
    name_rows(ax, [wrap(name, 20) for name in sections])
    ax.set(xlim=(0, 100), xlabel="Items reported (mean over studies)")
    ax.xaxis.set_major_formatter(_PERCENT)
    return ax
