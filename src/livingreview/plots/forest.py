"""Forest plots: sensitivity and specificity side by side in Cochrane's layout, or one measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from livingreview.plots.coupled import (
    Table,
    draw_compact,
    draw_wide,
    estimate_text,
    natural_height,
    shortened,
    widest_table,
)
from livingreview.plots.palette import colour
from livingreview.plots.rows import Row, draw_rows, rows_height
from livingreview.plots.style import (
    COLUMN,
    PAGE,
    axes_or_new,
    blank,
    clean,
    figure,
    styled,
)
from livingreview.synthesis.counts import Counts, Interval
from livingreview.synthesis.measures import ProportionMethod, sensitivity, specificity

__all__ = ["PooledAccuracy", "forest", "forest_single"]

NARROW: Final = 6.5  # inches; below, the table and both panels do not fit beside each other


class PooledAccuracy(Protocol):
    """What a forest plot reads of a bivariate fit."""

    @property
    def counts(self) -> Counts: ...  # noqa: D102
    @property
    def level(self) -> float: ...  # noqa: D102
    @property
    def sensitivity(self) -> Interval: ...  # noqa: D102
    @property
    def specificity(self) -> Interval: ...  # noqa: D102
    @property
    def prediction_interval_sensitivity(self) -> Interval: ...  # noqa: D102
    @property
    def prediction_interval_specificity(self) -> Interval: ...  # noqa: D102


@styled
def forest(
    fit: PooledAccuracy,
    *,
    descriptors: Mapping[str, Sequence[str]] | None = None,
    quality: Mapping[str, Sequence[str | None]] | None = None,
    order: Sequence[int] | None = None,
    method: ProportionMethod = "wilson",
    width: float = PAGE,
    ax: Axes | None = None,
) -> Axes:
    """Draw sensitivity and specificity of every study, pooled, and predicted for a new study.

    Parameters
    ----------
    fit
        A bivariate fit.
    descriptors
        Further columns: head to k texts.
    quality
        Risk of bias: domain to k ratings (``"low"``, ``"some concerns"``, ``"high"`` or None), drawn as signed
        dots.
    order
        Row numbers of the studies in the order to draw them; as given by default.
    method
        Interval of the single studies.
    width
        Width in inches of a new figure.  Below 6.5 inches a compact layout is drawn: three lines to a study
        and one panel for both measures, without descriptors and dots.
    ax
        Axes to draw on; their width chooses the layout.

    Returns
    -------
    matplotlib.axes.Axes
        The table, in inches from its top left; its ``child_axes`` are the panels: sensitivity and specificity,
        or the one panel of the compact layout.

    Raises
    ------
    ValueError
        If a column has not one entry per study, or a rating is unknown.
    """
    table = _table(fit, descriptors or {}, quality or {}, order, method)
    if ax is not None:
        width = _width_in_inches(ax)
    compact = width < NARROW
    if ax is None and not compact:
        width = max(width, widest_table(table))
    height = natural_height(table, compact=compact)
    if ax is None:
        ax = figure(width, height, layout=None).add_axes((0, 0, 1, 1))
    # In the caller's axes the rows are spread over the height there is; the type keeps its size.
    blank(ax).set(xlim=(0, width), ylim=(height, 0))
    draw = draw_compact if compact else draw_wide
    draw(ax, table, width, height)
    return ax


@styled
def forest_single(
    study: Sequence[str],
    estimate: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    label: str,
    pooled: Interval | None = None,
    prediction: Interval | None = None,
    weight: ArrayLike | None = None,
    decimals: int = 2,
    ax: Axes | None = None,
) -> Axes:
    """Draw one measure per study with its interval, and what it pools to.

    Parameters
    ----------
    study
        (k,) labels.
    estimate, lower, upper
        (k,) estimates and intervals; NaN where there is none.
    label
        Axis label with unit.
    pooled, prediction
        Pooled estimate (diamond) and prediction interval (bar).
    weight
        (k,) weights; the area of a study's square is proportional to it.
    decimals
        Decimals of the numbers at the right.
    ax
        Axes to draw on; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Study i at y = i.

    Raises
    ------
    ValueError
        If the columns differ in length.
    """
    columns = [np.asarray(column, dtype=float) for column in (estimate, lower, upper)]
    sizes = np.full(len(study), 6.0)
    if weight is not None:
        share = np.asarray(weight, dtype=float)
        sizes = 2.5 + 4.5 * np.sqrt(share / np.nanmax(share))
    if any(len(column) != len(study) for column in (*columns, sizes)):
        raise ValueError(f"expected {len(study)} entries in every column, one per study")
    rows = [
        Row(shortened(clean(name)), value=v, lower=a, upper=b, text=estimate_text(v, a, b, decimals), size=s)
        for name, v, a, b, s in zip(study, *(column.tolist() for column in columns), sizes.tolist(), strict=True)
    ]
    if pooled is not None:
        text = estimate_text(pooled.estimate, pooled.lower, pooled.upper, decimals)
        rows.append(Row("Pooled", "pooled", pooled.estimate, pooled.lower, pooled.upper, text))
    if prediction is not None:
        text = f"[{prediction.lower:.{decimals}f}, {prediction.upper:.{decimals}f}]"
        rows.append(Row("Prediction", "prediction", prediction.estimate, prediction.lower, prediction.upper, text))
    ax = axes_or_new(ax, COLUMN, rows_height(len(rows)))
    level = 95 if pooled is None else 100 * pooled.level
    draw_rows(ax, rows, heads=("Study", f"{level:g} % CI"))
    if pooled is not None:
        ax.plot([pooled.estimate] * 2, [-0.5, len(study)], color=colour("pooled"), linewidth=0.9, linestyle="--")
    ax.set_xlabel(label)
    ax.grid(axis="x")
    return ax


def _width_in_inches(ax: Axes) -> float:
    fig = ax.get_figure(root=True)
    if fig is None:
        raise ValueError("the axes belong to no figure")
    return float(fig.get_figwidth() * ax.get_position().width)


def _table(
    fit: PooledAccuracy,
    descriptors: Mapping[str, Sequence[str]],
    quality: Mapping[str, Sequence[str | None]],
    order: Sequence[int] | None,
    method: ProportionMethod,
) -> Table:
    k = fit.counts.k
    for name, column in (*descriptors.items(), *quality.items()):
        if len(column) != k:
            raise ValueError(f"{name}: {k} studies but {len(column)} entries")
    rows = list(range(k)) if order is None else list(order)
    if sorted(rows) != list(range(k)):
        raise ValueError(f"the order names each of the rows 0 to {k - 1} once")
    counts = fit.counts.subset(rows)
    return Table(
        labels=tuple(clean(name) for name in counts.study),
        counts=counts,
        studies=(
            sensitivity(counts, level=fit.level, method=method),
            specificity(counts, level=fit.level, method=method),
        ),
        pooled=(fit.sensitivity, fit.specificity),
        predicted=(fit.prediction_interval_sensitivity, fit.prediction_interval_specificity),
        descriptors={clean(name): [clean(column[i]) for i in rows] for name, column in descriptors.items()},
        quality={clean(name): [column[i] for i in rows] for name, column in quality.items()},
    )
