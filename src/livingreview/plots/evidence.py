"""What has been studied, and what has not: evidence map, counts, evidence-gap map."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final, cast

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2DBase, ScaledTranslation

from livingreview.plots.style import (
    BASE,
    COLUMN,
    RISK_OF_BIAS,
    SMALL,
    Rating,
    clean,
    colour,
    legend_beside,
    name_rows,
    new_axes,
    signed_dot,
    styled,
    text_width,
    tooltip,
    wrap,
)

__all__ = ["bar_counts", "evidence_map", "gap_map"]

#: The three states of an item; a report that is silent is not a report not yet read.
GAP: Final[dict[str, Rating]] = {
    "reported": Rating("reported", "+", colour("low")),
    "not reported": Rating("not reported", "−", colour("high")),
    "not yet extracted": Rating("not yet extracted", "", "none"),
}

_LARGEST: Final = 26.0  # points; the diameter of the largest bubble
_SMALLEST: Final = 13.0  # room for a digit
_RING: Final = 3.5  # points; around the bubble, so that its number stays on the neutral disc


@styled
def evidence_map(
    studies: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    bias: Sequence[str | None],
    *,
    row_order: Sequence[str] | None = None,
    column_order: Sequence[str] | None = None,
) -> Axes:
    """Draw how many studies there are of each combination, and how they are judged: a grid of bubbles with numbers.

    Row i is at y = i, column j at x = j; the area of a bubble is proportional to its number of studies, and its tooltip
    names them. Clockwise from the top, a ring shows the share of its studies at low, unclear and high risk of bias, and
    a line below it their numbers with the signs of the legend; what is left of the ring is judged by nobody.

    Parameters
    ----------
    studies, rows, columns
        (m,) study, its row and its column; a study that belongs to several cells has several entries, and is
        counted once per cell.
    bias
        (m,) ``"low"``, ``"unclear"`` or ``"high"``, None for a study that no judgement names.
    row_order, column_order
        Order and completeness of the grid (an empty row or column is a finding); by default what occurs,
        most frequent first.

    Raises
    ------
    ValueError
        If the four sequences differ in length, an entry is not in the order given, or a judgement is not one of those.
    """
    if not len(studies) == len(rows) == len(columns) == len(bias):
        raise ValueError(
            "expected as many rows, columns and judgements as studies, "
            f"got {len(rows)}, {len(columns)} and {len(bias)} for {len(studies)}"
        )
    if unknown := {judgement for judgement in bias if judgement is not None} - set(RISK_OF_BIAS):
        raise ValueError(f"judgements are {', '.join(RISK_OF_BIAS)}, not {', '.join(sorted(unknown))}")
    row_names, column_names = _order(rows, row_order), _order(columns, column_order)
    judged = dict(zip(map(clean, studies), bias, strict=True))
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for study, row, column in sorted(set(zip(map(clean, studies), rows, columns, strict=True))):
        found[row, column].append(study)
    # A line of signs below the bubbles needs room where there is one.
    ax = new_axes(COLUMN, (0.58 if any(judged.values()) else 0.39) * len(row_names) + 1.5)
    _grid(ax, row_names, column_names)
    most = max(map(len, found.values()), default=1)
    for (y, row), (x, column) in product(enumerate(row_names), enumerate(column_names)):
        if names := found[row, column]:
            size = max(_SMALLEST, _LARGEST * math.sqrt(len(names) / most))
            (mark,) = ax.plot([x], [y], "o", color=colour("rule"), markersize=size, markeredgecolor=colour("muted"))
            tooltip(mark, f"{clean(row)} × {clean(column)}: {len(names)} ({', '.join(names)})")
            by_judgement = {key: [name for name in names if judged[name] == key] for key in RISK_OF_BIAS}
            _ring(ax, x, y, size, by_judgement, len(names))
            ax.text(x, y, str(len(names)), ha="center", va="center_baseline", weight="bold", size=SMALL)
    _legend(ax, Counter(judged.values()))
    return ax


def _ring(ax: Axes, x: float, y: float, size: float, by_judgement: Mapping[str, Sequence[str]], total: int) -> None:
    """Draw the share of each judgement around a bubble of a diameter in points, and its numbers below."""
    if not any(by_judgement.values()):
        return
    figure = ax.get_figure(root=True)
    assert figure is not None
    in_inches = figure.dpi_scale_trans + ScaledTranslation(x, y, cast(Affine2DBase, ax.transData))
    radius, top = size / 2 + _RING, 90.0
    nobody = total - sum(map(len, by_judgement.values()))
    for key, share in [*((key, len(names)) for key, names in by_judgement.items()), (None, nobody)]:
        if share:
            end = top - 360 * share / total
            wedge = Wedge(
                (0, 0), radius / 72, end, top, width=_RING / 72, transform=in_inches, zorder=2.5, linewidth=0.6,
                facecolor=RISK_OF_BIAS[key].colour if key else colour("paper"),
                edgecolor=colour("ink" if key else "muted"),
            )  # fmt: skip
            if key:
                names = ", ".join(by_judgement[key])
                tooltip(wedge, f"{RISK_OF_BIAS[key].label} risk of bias: {share} of {total} ({names})")
            ax.add_patch(wedge)
            top = end
    signs = " ".join(f"{RISK_OF_BIAS[key].symbol}{len(names)}" for key, names in by_judgement.items() if names)
    # On paper, because a line of the grid would run through it.
    box = {"facecolor": colour("paper"), "edgecolor": "none", "pad": 0.4}
    ax.annotate(
        signs, (x, y), (0, -radius - 1.5), textcoords="offset points", ha="center", va="top", fontsize=SMALL, bbox=box
    )


def _legend(ax: Axes, judged: Mapping[str | None, int]) -> None:
    keys = [
        Line2D(
            [], [], linestyle="none", marker="o", markersize=9, markerfacecolor=rating.colour,
            markeredgecolor=colour("ink"), label=f"{rating.symbol} {rating.label} risk of bias: {judged.get(key, 0)}",
        )
        for key, rating in RISK_OF_BIAS.items()
    ]  # fmt: skip
    keys.append(
        Line2D(
            [], [], linestyle="none", marker="o", markersize=9, markerfacecolor=colour("rule"),
            markeredgecolor=colour("muted"), label=f"no judgement names it: {judged.get(None, 0)}",
        )
    )  # fmt: skip
    legend_beside(ax, keys, columns=2)


@styled
def bar_counts(counts: Mapping[str, int], *, total: int | None = None) -> Axes:
    """Draw one horizontal bar per category, in the order given, with its number and its percentage of a `total`."""
    ax = new_axes(COLUMN, 0.3 * len(counts) + 0.65)
    for y, (name, count) in enumerate(counts.items()):
        text = f"{count}" if not total else f"{count} ({100 * count / total:.0f} %)"
        (bar,) = ax.barh(y, count, height=0.62, facecolor=colour("sensitivity"), edgecolor=colour("sensitivity"))
        tooltip(bar, f"{clean(name)}: {text}")
        ax.annotate(text, (count, y), (4, 0), textcoords="offset points", va="center", fontsize=SMALL)
    name_rows(ax, [wrap(name, 26) for name in counts])
    ax.set(xlim=(0, 1.18 * max([1, *counts.values()])), xlabel="Studies")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
    return ax


@styled
def gap_map(studies: Sequence[str], items: Mapping[str, Sequence[str]]) -> Axes:
    """Draw what each study reports: + reported, − not reported, an empty ring not yet extracted.

    Study i is at y = i, item j at x = j. `items` holds k states (a key of :data:`GAP`) for each item.

    Raises
    ------
    ValueError
        If an item has not one state per study, or a state is not one of the three.
    """
    for name, states in items.items():
        if len(states) != len(studies):
            raise ValueError(f"{name}: {len(studies)} studies but {len(states)} states")
        if unknown := set(states) - set(GAP):
            raise ValueError(f"{name}: states are {', '.join(GAP)}, not {', '.join(sorted(unknown))}")
    ax = new_axes(COLUMN, 0.25 * len(studies) + 1.9)
    _grid(ax, studies, tuple(items), lines=False)
    ax.set_xticks(range(len(items)), [wrap(name, 18) for name in items], rotation=50, ha="left")
    for x, (name, states) in enumerate(items.items()):
        for y, state in enumerate(states):
            tip = f"{clean(studies[y])}, {clean(name)}: {state}"
            signed_dot(ax, x, y, GAP[state], tip, size=11 if GAP[state].symbol else 6)
    keys = [
        Line2D(
            [], [], linestyle="none", marker="o", markersize=9, markerfacecolor=state.colour,
            markeredgecolor=colour("ink" if state.symbol else "muted"), label=f"{state.symbol} {state.label}".strip(),
        )
        for state in GAP.values()
    ]  # fmt: skip
    legend_beside(ax, keys, place="below")
    return ax


def _grid(ax: Axes, rows: Sequence[str], columns: Sequence[str], *, lines: bool = True) -> None:
    widest = max((text_width(wrap(name, 14), SMALL) for name in columns), default=0.0)
    room = COLUMN - 0.3 - max((text_width(wrap(name, 24), BASE) for name in rows), default=0.0)
    # Heads that would touch each other are slanted.
    slanted = (widest + 0.08) * len(columns) > room
    head = [wrap(name, 18 if slanted else 14) for name in columns]
    ax.set_xticks(range(len(columns)), head, rotation=40 if slanted else 0, ha="left" if slanted else "center")
    ax.set_yticks(range(len(rows)), [wrap(name, 24) for name in rows])
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelsize=BASE)
    ax.tick_params(axis="x", labelsize=SMALL)
    ax.set(xlim=(-0.55, len(columns) - 0.45), ylim=(len(rows) - 0.45, -0.55))
    ax.spines[:].set_visible(False)
    ax.grid(visible=lines)


def _order(names: Sequence[str], order: Sequence[str] | None) -> tuple[str, ...]:
    if order is None:
        return tuple(name for name, _ in Counter(names).most_common())
    if missing := sorted(set(names) - set(order)):
        raise ValueError(f"not in the order given: {', '.join(missing)}")
    return tuple(order)
