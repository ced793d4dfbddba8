"""UpSet plot: how many items each combination of sets holds, where a Venn diagram would be unreadable.

References
----------
Lex A, Gehlenborg N, Strobelt H, Vuillemot R, Pfister H. UpSet: visualization of intersecting sets. IEEE Trans Vis
Comput Graph 2014;20:1983-1992. https://doi.org/10.1109/TVCG.2014.2346248
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from matplotlib.axes import Axes

from livingreview.plots.palette import colour
from livingreview.plots.style import COLUMN, SMALL, blank, clean, figure, styled, text_width, tooltip

__all__ = ["upset"]

_PAD: Final = 0.1
_ROW: Final = 0.26  # inches per set
_BARS: Final = 1.5  # inches for the tallest bar
_DOT: Final = 7.0  # points
_NARROWEST: Final = 0.24  # inches per combination: less, and their numbers run into each other


@styled
def upset(counts: Mapping[frozenset[str], int], *, width: float = COLUMN, ax: Axes | None = None) -> Axes:
    """Draw one bar per combination of sets over the dots that name it, the largest first.

    Parameters
    ----------
    counts
        Items that are in exactly these sets and in no other; combinations of no item are left out.
    width
        Width in inches. Where not all combinations fit, the smallest are summed up in words.
    ax
        Axes to draw on; a new figure of the height needed by default.

    Returns
    -------
    matplotlib.axes.Axes
        Data coordinates are inches, y downwards.

    Raises
    ------
    ValueError
        If there is no item, a count is negative, or a combination names no set.
    """
    kept = {sets: count for sets, count in counts.items() if count}
    if not kept or min(kept.values()) < 0 or frozenset() in kept:
        raise ValueError("expected at least one item, in at least one set, and no negative count")
    totals: dict[str, int] = {}
    for sets, count in kept.items():
        for name in sets:
            totals[name] = totals.get(name, 0) + count
    names = sorted(totals, key=lambda name: (-totals[name], name))
    columns = sorted(kept, key=lambda sets: (-kept[sets], len(sets), [names.index(n) for n in sorted(sets)]))
    labels = [f"{clean(name)} ({totals[name]:,})" for name in names]
    left = 2 * _PAD + max(text_width(text, SMALL) for text in labels)
    shown = columns[: max(1, int((width - left - _PAD) / _NARROWEST))]
    step = (width - left - _PAD) / len(shown)
    rows = {name: _PAD + 0.2 + _BARS + _ROW * (i + 0.8) for i, name in enumerate(names)}
    rest = sum(kept[sets] for sets in columns[len(shown) :])
    height = max(rows.values()) + _ROW + (0.2 if rest else 0)
    if ax is None:
        ax = figure(width, height, layout=None).add_axes((0, 0, 1, 1))
    blank(ax).set(xlim=(0, width), ylim=(height, 0))
    for name, text in zip(names, labels, strict=True):
        ax.text(left - _PAD, rows[name], text, ha="right", va="center_baseline", fontsize=SMALL)
    for i, sets in enumerate(shown):
        _column(ax, left + step * (i + 0.5), step, sets, kept[sets] / kept[columns[0]], kept[sets], rows)
    if rest:
        note = f"{len(columns) - len(shown)} smaller combinations hold {rest:,} more"
        ax.text(_PAD, height - 0.08, note, fontsize=SMALL, color=colour("muted"), va="bottom")
    return ax


def _column(
    ax: Axes, x: float, step: float, sets: frozenset[str], share: float, count: int, rows: Mapping[str, float]
) -> None:
    foot = _PAD + 0.2 + _BARS
    thick = min(0.6 * step, 0.3)
    (bar,) = ax.bar([x], [-share * _BARS], thick, bottom=foot, color=colour("ink"))
    tooltip(bar, f"{' and '.join(sorted(map(clean, sets)))} only: {count:,}")
    ax.text(x, foot - share * _BARS - 0.04, f"{count:,}", ha="center", va="bottom", fontsize=SMALL)
    inside = [y for name, y in rows.items() if name in sets]
    outside = [y for name, y in rows.items() if name not in sets]
    # Hollow and filled, not light and dark: told apart without colour.
    ax.plot([x] * len(outside), outside, "o", ms=_DOT, mfc="none", mec=colour("muted"), mew=0.8)
    ax.plot([x] * len(inside), inside, "o-", ms=_DOT, color=colour("ink"), lw=1.6)
