"""Where the records come from: PRISMA 2020 flow diagram, and UpSet plot of which databases found what.

References
----------
Page MJ, et al. The PRISMA 2020 statement. BMJ. 2021;372:n71. https://doi.org/10.1136/bmj.n71
Kahale LA, et al. Tailored PRISMA 2020 flow diagrams for living systematic reviews. F1000Research.
2022;10:192. https://doi.org/10.12688/f1000research.51723.3
Lex A, Gehlenborg N, Strobelt H, Vuillemot R, Pfister H. UpSet: visualization of intersecting sets. IEEE Trans Vis
Comput Graph 2014;20:1983-1992. https://doi.org/10.1109/TVCG.2014.2346248
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from livingreview.plots.style import BASE, COLUMN, SMALL, canvas, clean, colour, styled, text_width, tooltip, wrap

if TYPE_CHECKING:  # at run time the boxes alone are needed, not the review they come from
    from livingreview.analysis.flow import FlowBox

__all__ = ["flow_diagram", "upset"]

_GAP: Final = 0.3  # inches between boxes, where the arrows are
_PAD: Final = 0.09  # inches between a box and its text
_LINE: Final = 0.168  # inches per line of text
_HEAD: Final = 0.42  # inches for the head of a lane
_NARROWEST: Final = 1.6  # inches; a column of boxes narrower than this cannot be read
_MARK: Final = "†"


@dataclass(frozen=True)
class _Placed:
    box: FlowBox
    lines: tuple[str, ...]
    x: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.top + self.height / 2

    @property
    def centre(self) -> float:
        return self.x + self.width / 2


@styled
def flow_diagram(boxes: Sequence[FlowBox], *, width: float = COLUMN) -> Axes:
    """Draw the flow of records: boxes down each lane, exclusions beside them.

    Data coordinates are inches, y downwards. A derived number bears a dagger and its box a dashed edge; the first line
    of a box with a `link` leads there.

    Parameters
    ----------
    boxes
        The boxes, in any order; lanes stand side by side in order of first appearance.
    width
        Width in inches. Several lanes want :data:`livingreview.plots.style.PAGE`; where they do not fit, they
        stand one below the other.

    Raises
    ------
    ValueError
        If there is no box, or a key occurs twice.
    """
    keys = [box.key for box in boxes]
    if not keys:
        raise ValueError("there is no box to draw")
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"keys occur more than once: {', '.join(twice)}")
    if width / _columns(boxes) < _NARROWEST:
        boxes = _stacked(boxes)
    placed = _place(boxes, width)
    bottom = max(item.bottom for item in placed.values())
    note = any(box.derived for box in boxes)
    height = bottom + (0.34 if note else 0.08)
    ax = canvas(width, height)
    for lane, centre, top, lane_width in _heads(placed):
        text = wrap(lane, int(lane_width / text_width("n", BASE)))
        ax.text(centre, top - 0.1, text, ha="center", va="bottom", weight="bold", fontsize=BASE)
    for item in placed.values():
        _draw_box(ax, item)
    for source, target in _links(boxes):
        _draw_arrow(ax, placed[source], placed[target])
    if note:
        text = f"{_MARK} derived from other numbers; not printed in the source"
        ax.text(_PAD, height - 0.08, text, fontsize=SMALL, color=colour("muted"), va="bottom")
    return ax


def _lines(box: FlowBox, width: float) -> tuple[str, ...]:
    """Text of a box with its number behind the first line, as PRISMA writes it."""
    first, *rest = box.text.splitlines() or [""]
    number = "not known" if box.count is None else f"{box.count:,}"
    characters = int((width - 2 * _PAD) / text_width("abcdefghij klmnopqrst", SMALL) * 21)
    head = wrap(f"{first} (n = {number}{_MARK if box.derived else ''})".replace("n = ", "n\u00a0=\u00a0"), characters)
    return tuple(line for text in (head, *(wrap(line, characters) for line in rest)) for line in text.splitlines())


def _columns(boxes: Sequence[FlowBox]) -> int:
    """Columns of boxes that stand side by side: a lane with exclusions takes two."""
    beside = {box.lane for box in boxes if box.side}
    return max(sum(1 + (lane in beside) for lane in band) for band in _bands(boxes))


def _bands(boxes: Sequence[FlowBox]) -> list[list[str]]:
    """Lanes that stand side by side, as their rows meet; one band of them below the other."""
    rows = {lane: [b.row for b in boxes if b.lane == lane] for lane in dict.fromkeys(b.lane for b in boxes)}
    bands: list[list[str]] = []
    bottom = -1
    for lane in sorted(rows, key=lambda name: min(rows[name])):
        if min(rows[lane]) > bottom:
            bands.append([])
        bands[-1].append(lane)
        bottom = max(bottom, *rows[lane])
    return bands


def _stacked(boxes: Sequence[FlowBox]) -> list[FlowBox]:
    """Set the lanes one below the other."""
    lanes = list(dict.fromkeys(box.lane for box in boxes))
    depth = 1 + max(box.row for box in boxes)
    return [replace(box, row=box.row + depth * lanes.index(box.lane)) for box in boxes]


def _place(boxes: Sequence[FlowBox], width: float) -> dict[str, _Placed]:
    first = {lane: min(b.row for b in boxes if b.lane == lane) for lane in dict.fromkeys(b.lane for b in boxes)}
    beside = {box.lane for box in boxes if box.side}
    columns = _columns(boxes)
    each = (width - 2 * _PAD - _GAP * (columns - 1)) / columns
    left = {}
    for band in _bands(boxes):
        column = 0
        for lane in band:
            left[lane] = _PAD + column * (each + _GAP)
            column += 1 + (lane in beside)
    lines = {box.key: _lines(box, each) for box in boxes}
    heads = {row for lane, row in first.items() if lane}
    tops: dict[int, float] = {}
    top = _PAD
    for row in sorted({box.row for box in boxes}):
        top += (_HEAD if row in heads else 0) - (_PAD if row in heads and not tops else 0)
        tops[row] = top
        top += max(len(lines[box.key]) for box in boxes if box.row == row) * _LINE + 2 * _PAD + _GAP
    placed = {}
    for box in boxes:
        text, x = lines[box.key], left[box.lane] + (each + _GAP) * box.side
        placed[box.key] = _Placed(box, text, x, tops[box.row], each, len(text) * _LINE + 2 * _PAD)
    return placed


def _heads(placed: dict[str, _Placed]) -> list[tuple[str, float, float, float]]:
    """Name, centre, top and width of each named lane."""
    heads = []
    for lane in dict.fromkeys(item.box.lane for item in placed.values()):
        members = [item for item in placed.values() if item.box.lane == lane]
        start, end = min(item.x for item in members), max(item.x + item.width for item in members)
        if lane:
            heads.append((lane, (start + end) / 2, min(item.top for item in members), end - start))
    return heads


def _links(boxes: Sequence[FlowBox]) -> list[tuple[str, str]]:
    """Pairs of boxes an arrow connects."""
    links = []
    for lane in dict.fromkeys(box.lane for box in boxes):
        stream = sorted((box for box in boxes if box.lane == lane and not box.side), key=lambda box: box.row)
        links += [(above.key, below.key) for above, below in pairwise(stream)]
        for side in (box for box in boxes if box.lane == lane and box.side):
            links += [(box.key, side.key) for box in stream if box.row == side.row]
    return links


def _draw_box(ax: Axes, item: _Placed) -> None:
    patch = FancyBboxPatch(
        (item.x, item.top), item.width, item.height, boxstyle="round,pad=0,rounding_size=0.05",
        facecolor="none" if item.box.side else colour("band"), edgecolor=colour("muted"),
        linestyle=(0, (4, 2)) if item.box.derived else "solid",
    )  # fmt: skip
    ax.add_patch(patch)
    tooltip(patch, f"{clean(item.box.text)}: {'not known' if item.box.count is None else item.box.count}")
    for i, line in enumerate(item.lines):
        y = item.top + _PAD + (i + 0.5) * _LINE
        text = ax.text(item.x + _PAD, y, line, va="center_baseline", fontsize=SMALL)
        if i == 0 and item.box.link:
            text.set_url(item.box.link)


def _draw_arrow(ax: Axes, source: _Placed, target: _Placed) -> None:
    if target.box.side:  # sideways, to what is excluded
        y = min(source.middle, target.middle)
        start, end = (source.x + source.width, y), (target.x, y)
    else:
        start, end = (source.centre, source.bottom), (target.centre, target.top)
    ax.annotate("", end, start, arrowprops={
        "arrowstyle": "-|>,head_length=0.35,head_width=0.18", "connectionstyle": "arc3,rad=0", "color": colour("ink"),
        "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0,
    })  # fmt: skip


_EDGE: Final = 0.1
_SET: Final = 0.26  # inches per set
_BARS: Final = 1.5  # inches for the tallest bar
_DOT: Final = 7.0  # points
_STEP: Final = 0.24  # inches per combination: less, and their numbers run into each other


@styled
def upset(counts: Mapping[frozenset[str], int], *, width: float = COLUMN) -> Axes:
    """Draw one bar per combination of sets over the dots that name it, the largest first; coordinates are inches.

    Parameters
    ----------
    counts
        Items that are in exactly these sets and in no other; combinations of no item are left out.
    width
        Width in inches. Where not all combinations fit, the smallest are summed up in words.

    Raises
    ------
    ValueError
        If there is no item, a count is negative, or a combination names no set.
    """
    kept = {sets: count for sets, count in counts.items() if count}
    if not kept or min(kept.values()) < 0 or frozenset() in kept:
        raise ValueError("expected at least one item, in at least one set, and no negative count")
    totals = {name: sum(kept[sets] for sets in kept if name in sets) for name in frozenset().union(*kept)}
    names = sorted(totals, key=lambda name: (-totals[name], name))
    columns = sorted(kept, key=lambda sets: (-kept[sets], len(sets), [names.index(n) for n in sorted(sets)]))
    labels = [f"{clean(name)} ({totals[name]:,})" for name in names]
    left = 2 * _EDGE + max(text_width(text, SMALL) for text in labels)
    shown = columns[: max(1, int((width - left - _EDGE) / _STEP))]
    step = (width - left - _EDGE) / len(shown)
    rows = {name: _EDGE + 0.2 + _BARS + _SET * (i + 0.8) for i, name in enumerate(names)}
    rest = sum(kept[sets] for sets in columns[len(shown) :])
    height = max(rows.values()) + _SET + (0.2 if rest else 0)
    ax = canvas(width, height)
    for name, text in zip(names, labels, strict=True):
        ax.text(left - _EDGE, rows[name], text, ha="right", va="center_baseline", fontsize=SMALL)
    for i, sets in enumerate(shown):
        _column(ax, left + step * (i + 0.5), step, sets, kept[sets] / kept[columns[0]], kept[sets], rows)
    if rest:
        note = f"{len(columns) - len(shown)} smaller combinations hold {rest:,} more"
        ax.text(_EDGE, height - 0.08, note, fontsize=SMALL, color=colour("muted"), va="bottom")
    return ax


def _column(
    ax: Axes, x: float, step: float, sets: frozenset[str], share: float, count: int, rows: Mapping[str, float]
) -> None:
    foot = _EDGE + 0.2 + _BARS
    thick = min(0.6 * step, 0.3)
    (bar,) = ax.bar([x], [-share * _BARS], thick, bottom=foot, color=colour("ink"))
    tooltip(bar, f"{' and '.join(sorted(map(clean, sets)))} only: {count:,}")
    ax.text(x, foot - share * _BARS - 0.04, f"{count:,}", ha="center", va="bottom", fontsize=SMALL)
    inside = [y for name, y in rows.items() if name in sets]
    outside = [y for name, y in rows.items() if name not in sets]
    # Hollow and filled, not light and dark: told apart without colour.
    ax.plot([x] * len(outside), outside, "o", ms=_DOT, mfc="none", mec=colour("muted"), mew=0.8)
    ax.plot([x] * len(inside), inside, "o-", ms=_DOT, color=colour("ink"), lw=1.6)
