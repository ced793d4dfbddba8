"""The coupled forest plot, in Cochrane's layout: sensitivity and specificity of each study side by side.

Wide, it is a table with two panels; narrow, three lines to a study and one panel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes

from livingreview.plots.rows import MEASURES, ROW, diamond, estimate_text, share_axis
from livingreview.plots.style import (
    BASE,
    PAGE,
    RISK_OF_BIAS,
    SMALL,
    Rating,
    canvas,
    clean,
    colour,
    signed_dot,
    styled,
    text_width,
    tooltip,
)
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.covariates import LevelEstimate
from livingreview.synthesis.fit_result import BivariateFit
from livingreview.synthesis.intervals import Interval, Intervals
from livingreview.synthesis.measures import sensitivity, specificity

__all__ = ["forest"]

NARROW: Final = 6.5  # inches; below, the table and both panels do not fit beside each other
_STACK: Final = 0.205  # inches per line of the compact layout, which has three to a study
_BLOCK: Final = 3.35 * _STACK
_BOTTOM: Final = 0.42  # inches for the axis
_PAD: Final = 0.08
_PANEL: Final = 1.15  # inches; the narrowest panel in which an interval can be read
_DOT: Final = 0.24  # inches of a column of dots
_SLANTED: Final = 0.68  # inches above the table for the slanted heads of these columns
_NOT_JUDGED: Final = Rating("not judged", "", colour("band"))
_LABEL: Final = 30  # characters of a study's name; the tooltip has it in full


@styled
def forest(
    fit: BivariateFit,
    *,
    pooled: tuple[Interval, Interval] | None = None,
    levels: Sequence[LevelEstimate] = (),
    descriptors: Mapping[str, Sequence[str]] | None = None,
    quality: Mapping[str, Sequence[str | None]] | None = None,
    order: Sequence[int] | None = None,
    width: float = PAGE,
) -> Axes:
    """Draw sensitivity and specificity of every study, pooled, and predicted for a new study.

    Returned is the table, in inches from its top left; its ``child_axes`` are the panels: sensitivity and specificity,
    or the one panel of the compact layout.

    Parameters
    ----------
    fit
        A bivariate fit; its single studies are drawn with Wilson intervals.
    pooled
        Sensitivity and specificity to draw in place of the fit's own.
    levels
        Estimates per level of a covariate, such as the fit's own: a row each, in place of the fit's average over them
        and its prediction, which are those of no test.
    descriptors
        Further columns: head to k texts.
    quality
        Risk of bias, such as QUADAS-2's: domain to k ratings, ``"low"``, ``"unclear"``, ``"high"`` or None, drawn
        as signed dots.
    order
        Row numbers of the studies in the order to draw them; as given by default.
    width
        Width of the figure in inches. Below 6.5 inches a compact layout is drawn: three lines to a study and one panel
        for both measures, without descriptors and dots.

    Raises
    ------
    ValueError
        If a column has not one entry per study, a rating is unknown, or the order has not each study once.
    """
    table = _table(fit, pooled, levels, descriptors or {}, quality or {}, order)
    compact = width < NARROW
    if not compact:
        width = max(width, _least_width(table))
    height = _height(table, compact=compact)
    ax = canvas(width, height)
    (_draw_compact if compact else _draw_wide)(ax, table, width, height)
    return ax


@dataclass(frozen=True)
class _Table:
    """Everything that is shown, in the order it is shown in; pairs are of sensitivity and specificity."""

    labels: tuple[str, ...]
    counts: Counts
    studies: tuple[Intervals, Intervals]
    summaries: tuple[_Summary, ...]
    predicted: tuple[Interval, Interval] | None
    descriptors: Mapping[str, Sequence[str]]
    quality: Mapping[str, Sequence[str | None]]
    level: float

    @property
    def heads(self) -> float:
        """Inches above the table."""
        return _SLANTED if self.quality else 0.0


@dataclass(frozen=True)
class _Summary:
    """A pooled row: what was pooled, of how many studies, and both estimates."""

    name: str
    studies: str
    pair: tuple[Interval, Interval]


def _height(table: _Table, *, compact: bool) -> float:
    """Return the height in inches that a layout needs."""
    rows = len(table.labels) + len(table.summaries) + (table.predicted is not None)
    if compact:
        return rows * _BLOCK + 0.5 * _STACK + _BOTTOM
    return table.heads + (rows + 2.5) * ROW + _BOTTOM


def _cut(label: str, characters: int = _LABEL) -> str:
    """Return a study's name, cut where it would take the room of the numbers."""
    return label if len(label) <= characters else label[: characters - 1].rstrip("… ") + "…"


def _columns(table: _Table) -> list[tuple[str, list[str], float, str]]:
    """Head, texts, width in inches and alignment of each text column."""
    labels = [_cut(label) for label in table.labels]
    name = max(text_width(label, SMALL) for label in [*labels, "95 % prediction interval"])
    columns = [("Study", labels, name + 0.2, "left")]
    for head in ("tp", "fp", "fn", "tn"):
        cells = [str(cell) for cell in getattr(table.counts, head)]
        columns.append((head.upper(), cells, max(text_width(cell, SMALL) for cell in [*cells, "TP"]) + 0.14, "right"))
    for head, texts in table.descriptors.items():
        width = max(text_width(text, SMALL) for text in [*texts, head])
        columns.append((head, list(texts), width + 0.2, "left"))
    return columns


def _estimate_width() -> float:
    return text_width("0.00 [0.00, 0.00]", SMALL, "bold") + 0.12


def _least_width(table: _Table) -> float:
    """Return the smallest width in inches of the wide layout."""
    text = sum(width for _, _, width, _ in _columns(table)) + 2 * _estimate_width()
    return text + _DOT * len(table.quality) + 6 * _PAD + 2 * _PANEL


def _draw_wide(ax: Axes, table: _Table, width: float, height: float) -> None:
    """Draw, in inches and y downwards, the table on the left and the two panels on the right."""
    top = table.heads + 1.5 * ROW
    ys = [top + (i + 0.5) * ROW for i in range(len(table.labels))]
    end = ys[-1] + 0.5 * ROW
    head = top - 0.5 * ROW
    x = _PAD
    style: dict[str, Any] = {"fontsize": SMALL, "va": "center"}
    for name, cells, column, align in _columns(table):
        place = x if align == "left" else x + column
        ax.text(place, head, name, ha=align, weight="bold", **style)
        for y, cell, label in zip(ys, cells, table.labels, strict=True):
            tooltip(ax.text(place, y, cell, ha=align, **style), label)
        x += column + (0.12 if name == "TN" else 0)
    for name, ratings in table.quality.items():
        _dots(ax, table, name, ratings, x, head, ys)
        x += _DOT
    pooled = [end + (0.75 + i) * ROW for i in range(len(table.summaries))]
    predicted = pooled[-1] + ROW
    ax.plot([_PAD, width - _PAD], [end + 0.15 * ROW] * 2, color=colour("rule"), linewidth=0.8)
    ax.plot([_PAD, width - _PAD], [top - 0.02] * 2, color=colour("ink"), linewidth=0.8)
    level = f"{100 * table.level:g} %"
    for y, summary in zip(pooled, table.summaries, strict=True):
        text = f"{_cut(summary.name, 20)} ({summary.studies}, {level} CI)"
        tooltip(ax.text(_PAD, y, text, weight="bold", **style), summary.name)
    if table.predicted:
        ax.text(_PAD, predicted, f"{level} prediction interval", **style)
    x += _PAD
    panel = (width - x - 2 * _estimate_width() - 4 * _PAD) / 2
    for j, (name, _, role, marker) in enumerate(MEASURES):
        text_x = x + j * _estimate_width()
        of_studies = [table.studies[j][i] for i in range(len(ys))]
        ax.text(text_x, head, f"{name}", weight="bold", **style)
        for y, interval in zip(ys, of_studies, strict=True):
            ax.text(text_x, y, estimate_text(interval), **style)
        for y, summary in zip(pooled, table.summaries, strict=True):
            ax.text(text_x, y, estimate_text(summary.pair[j]), weight="bold", **style)
        if table.predicted:
            shown = table.predicted[j]
            indent = text_width("0.00 ", SMALL)
            ax.text(text_x + indent, predicted, f"[{shown.lower:.2f}, {shown.upper:.2f}]", **style)
        left = x + 2 * _estimate_width() + j * (panel + 3 * _PAD)
        bottom = (predicted if table.predicted else pooled[-1]) + 0.6 * ROW
        inset = _panel(ax, (left, top), (panel, bottom - top), width, height)
        ax.text(left + panel / 2, head, name, ha="center", weight="bold", **style)
        for i, (y, label) in enumerate(zip(ys, table.labels, strict=True)):
            _study(inset, table.studies[j][i], y, marker, role, f"{label}: {name.lower()}")
        _summaries(inset, table, j, pooled, predicted)
        if len(table.summaries) == 1:
            at = [table.summaries[0].pair[j].estimate] * 2
            inset.plot(at, (top, pooled[0]), color=colour("pooled"), linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


def _dots(
    ax: Axes, table: _Table, name: str, ratings: Sequence[str | None], x: float, head: float, ys: Sequence[float]
) -> None:
    """Draw one column of ratings under its slanted head."""
    ax.text(x + 0.08, head, name, rotation=40, ha="left", va="bottom", rotation_mode="anchor", fontsize=SMALL)
    for y, rating, label in zip(ys, ratings, table.labels, strict=True):
        judged = RISK_OF_BIAS[rating] if rating else _NOT_JUDGED
        signed_dot(ax, x + 0.12, y, judged, f"{label}, {name}: {judged.label}", size=10)


def _panel(ax: Axes, corner: tuple[float, float], size: tuple[float, float], width: float, height: float) -> Axes:
    """Add axes from 0 to 1 whose y coordinates are inches from the top of the table."""
    (left, top), (wide, high) = corner, size
    inset = ax.inset_axes((left / width, 1 - (top + high) / height, wide / width, high / height))
    inset.set(ylim=(top + high, top), yticks=[])
    inset.spines["left"].set_visible(False)
    share_axis(inset)
    return inset


def _study(panel: Axes, interval: Interval, y: float, marker: str, role: str, tip: str) -> None:
    if math.isnan(interval.estimate):
        return
    panel.plot([interval.lower, interval.upper], [y, y], color=colour("ink"), linewidth=1.0, zorder=2)
    (mark,) = panel.plot([interval.estimate], [y], marker, markersize=5.5, color=colour(role), zorder=3, clip_on=False)
    tooltip(mark, f"{tip} {estimate_text(interval)}")


def _summaries(panel: Axes, table: _Table, j: int, pooled: Sequence[float], predicted: float) -> None:
    for y, summary in zip(pooled, table.summaries, strict=True):
        diamond(panel, summary.pair[j], y, half_height=0.08)
    if table.predicted:
        prediction = table.predicted[j]
        (line,) = panel.plot([prediction.lower, prediction.upper], [predicted] * 2, color=colour("pooled"))
        line.set(linewidth=4, solid_capstyle="butt")
        tooltip(line, f"prediction interval [{prediction.lower:.2f}, {prediction.upper:.2f}]")


def _draw_compact(ax: Axes, table: _Table, width: float, height: float) -> None:
    """Draw, in inches and y downwards, three lines to a study and one panel behind them all."""
    left, right = 0.42, width - text_width("0.00 [0.00, 0.00]", SMALL) - 2 * _PAD
    inset = _panel(ax, (left, _PAD), (right - left, height - _BOTTOM - _PAD), width, height)
    inset.grid(visible=False)
    inset.set_xlabel("Sensitivity (squares), specificity (circles)", fontsize=SMALL, labelpad=2)

    def block(i: int, head: str, note: str, intervals: Sequence[Interval]) -> list[float]:
        """Write the three lines of block i; return where its two intervals go."""
        y = _PAD + 0.5 * _STACK + i * _BLOCK + 0.25 * _STACK * (i >= k)
        for x in (0, 0.25, 0.5, 0.75, 1):  # the grid stops where the heads cross the panel
            span = (y + 0.55 * _STACK, y + 2.5 * _STACK)
            inset.plot([x, x], span, color=colour("rule"), linewidth=0.8, zorder=1, clip_on=False)
        room = width - 3 * _PAD - text_width(note, SMALL)
        shown_head = _cut(head)
        while text_width(shown_head, BASE, "bold") > room and len(shown_head) > 4:
            shown_head = _cut(shown_head, len(shown_head) - 1)
        tooltip(ax.text(_PAD, y, shown_head, weight="bold", fontsize=BASE, va="center", zorder=6), head)
        ax.text(width - _PAD, y, note, ha="right", va="center", fontsize=SMALL, color=colour("muted"), zorder=6)
        lines = [y + _STACK, y + 2 * _STACK]
        for (_, short, _, _), line, shown in zip(MEASURES, lines, intervals, strict=True):
            ax.text(_PAD, line, short, va="center", fontsize=SMALL, color=colour("muted"))
            ax.text(right + _PAD, line, estimate_text(shown), va="center", fontsize=SMALL)
        return lines

    cells, k = table.counts, len(table.labels)
    for i, label in enumerate(table.labels):
        numbers = f"TP {cells.tp[i]} · FP {cells.fp[i]} · FN {cells.fn[i]} · TN {cells.tn[i]}"
        intervals = [study[i] for study in table.studies]
        for (name, _, role, marker), y, interval in zip(
            MEASURES, block(i, label, numbers, intervals), intervals, strict=True
        ):
            _study(inset, interval, y, marker, role, f"{label}: {name.lower()}")
    level = f"{100 * table.level:g} %"
    places = [
        block(i, f"{summary.name} ({summary.studies})", f"{level} CI", summary.pair)
        for i, summary in enumerate(table.summaries, k)
    ]
    predicted = places[-1]
    if table.predicted:
        ranges = [Interval(math.nan, shown.lower, shown.upper, shown.level) for shown in table.predicted]
        predicted = block(k + len(places), "Predicted for a new study", level, ranges)
    for j in range(2):
        _summaries(inset, table, j, [place[j] for place in places], predicted[j])
    ax.plot([_PAD, width - _PAD], [places[0][0] - 1.55 * _STACK] * 2, color=colour("ink"), linewidth=0.8)


def _studies(counts: Counts) -> str:
    """Return the number of studies, of each arm where some have one only."""
    k, diseased, nondiseased = counts.k, int((counts.n_diseased > 0).sum()), int((counts.n_nondiseased > 0).sum())
    if diseased == nondiseased == k:
        return f"{k} {'study' if k == 1 else 'studies'}"
    return f"{diseased} and {nondiseased} of {k} studies"


def _table(
    fit: BivariateFit,
    pooled: tuple[Interval, Interval] | None,
    levels: Sequence[LevelEstimate],
    descriptors: Mapping[str, Sequence[str]],
    quality: Mapping[str, Sequence[str | None]],
    order: Sequence[int] | None,
) -> _Table:
    k = fit.counts.k
    for name, column in (*descriptors.items(), *quality.items()):
        if len(column) != k:
            raise ValueError(f"{name}: {k} studies but {len(column)} entries")
    if unknown := {rating for ratings in quality.values() for rating in ratings if rating} - set(RISK_OF_BIAS):
        raise ValueError(f"a rating is one of {', '.join(RISK_OF_BIAS)}, not {', '.join(sorted(unknown))}")
    rows = list(range(k)) if order is None else list(order)
    if sorted(rows) != list(range(k)):
        raise ValueError(f"the order names each of the rows 0 to {k - 1} once")
    counts = fit.counts.subset(rows)
    whole = _Summary("Pooled", _studies(counts), pooled or (fit.sensitivity, fit.specificity))
    of_levels = tuple(
        _Summary(clean(str(one.label)), _studies(fit.counts.subset(one.rows)), (one.sensitivity, one.specificity))
        for one in levels
    )
    predicted = (fit.prediction_interval_sensitivity, fit.prediction_interval_specificity)
    known = not levels and all(math.isfinite(i.lower) and math.isfinite(i.upper) for i in predicted)
    return _Table(
        labels=tuple(clean(name) for name in counts.study),
        counts=counts,
        studies=(sensitivity(counts, level=fit.level), specificity(counts, level=fit.level)),
        summaries=of_levels or (whole,),
        predicted=predicted if known else None,
        descriptors={clean(name): [clean(column[i]) for i in rows] for name, column in descriptors.items()},
        quality={clean(name): [column[i] for i in rows] for name, column in quality.items()},
        level=whole.pair[0].level,
    )
