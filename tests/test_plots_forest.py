"""Do the forest plots show the numbers of the fit, in the right place?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gallery import COUNTS, FIT, RATINGS, texts, tips
from golden_cases import Case
from livingreview.plots.forest import forest
from livingreview.plots.sroc import sroc
from livingreview.plots.style import COLUMN
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.measures import sensitivity, specificity


def diamonds(panel: Axes) -> list[np.ndarray]:
    """Return the (4, 2) corners of each diamond: left, top, right, bottom."""
    return [patch.get_xy()[:4] for patch in panel.patches if len(patch.get_xy()) == 5]


def marks(panel: Axes, marker: str) -> list[Line2D]:
    """Return the study marks of one shape, top first."""
    found = [line for line in panel.lines if line.get_marker() == marker]
    return sorted(found, key=lambda line: line.get_ydata()[0])


def test_wide_panels_show_the_pooled_interval() -> None:
    panels = forest(FIT).child_axes
    for panel, pooled in zip(panels, (FIT.sensitivity, FIT.specificity), strict=True):
        ((left, top, right, bottom),) = diamonds(panel)
        assert (left[0], right[0]) == (pooled.lower, pooled.upper)
        assert top[0] == bottom[0] == pooled.estimate


def test_compact_panel_shows_both_pooled_intervals() -> None:
    (panel,) = forest(FIT, width=COLUMN).child_axes
    first, second = sorted(diamonds(panel), key=lambda corners: corners[0, 1])
    assert (first[0, 0], first[2, 0]) == (FIT.sensitivity.lower, FIT.sensitivity.upper)
    assert (second[0, 0], second[2, 0]) == (FIT.specificity.lower, FIT.specificity.upper)


BY = fit(COUNTS, by=["clinic" if row % 2 else "ward" for row in range(COUNTS.k)])


@pytest.mark.parametrize("width", [COLUMN, 9.0])
def test_each_level_has_a_row_with_its_name_its_size_and_its_interval(width: float) -> None:
    ax = forest(BY, levels=BY.levels, width=width)
    pairs = [(level.sensitivity, level.specificity) for level in BY.levels]
    drawn = [sorted(diamonds(panel), key=lambda corners: corners[0, 1]) for panel in ax.child_axes]
    if len(drawn) == 1:  # both measures of each row in one panel
        drawn = [drawn[0][::2], drawn[0][1::2]]
    # The average of the levels, and a new study of it, are those of no test.
    assert not [text for text in texts(ax) if "Pooled" in text or "redict" in text]
    for j, found in enumerate(drawn):
        assert [(corners[0, 0], corners[2, 0]) for corners in found] == [(p[j].lower, p[j].upper) for p in pairs]
    shown = " ".join(texts(ax))
    for level in BY.levels:
        assert level.label in shown
        assert f"{level.k} studies" in shown


@pytest.mark.parametrize("width", [COLUMN, 9.0])
def test_every_study_stands_at_its_estimate(width: float) -> None:
    panels = forest(FIT, width=width).child_axes
    for panel, marker, measure in ((panels[0], "s", sensitivity), (panels[-1], "o", specificity)):
        drawn = [mark.get_xdata()[0] for mark in marks(panel, marker)]
        assert drawn == pytest.approx(measure(COUNTS).estimate.tolist())


def test_rows_of_both_panels_line_up() -> None:
    first, second = forest(FIT).child_axes
    ys = [[mark.get_ydata()[0] for mark in marks(panel, m)] for panel, m in ((first, "s"), (second, "o"))]
    assert ys[0] == ys[1]
    assert np.allclose(np.diff(ys[0]), ys[0][1] - ys[0][0])
    assert first.get_ylim() == second.get_ylim()


def test_prediction_row_is_drawn_where_there_is_one() -> None:
    expected = [FIT.prediction_interval_sensitivity.lower, FIT.prediction_interval_sensitivity.upper]
    (bar,) = tips(forest(FIT).child_axes[0])[f"prediction interval [{expected[0]:.2f}, {expected[1]:.2f}]"]
    assert list(bar.get_xdata()) == expected
    unknown = Interval(0.8, math.nan, math.nan)
    without = forest(replace(FIT, prediction_interval_sensitivity=unknown))
    assert not [tip for tip in tips(without) if "prediction" in tip]
    assert not [text for text in texts(without) if "prediction" in text]


def test_table_prints_the_counts_and_the_pooled_estimates() -> None:
    printed = texts(forest(FIT))
    assert {"TP", "FP", "FN", "TN", "45", "90", "0.85 [0.78, 0.90]", "0.90 [0.86, 0.93]"} <= set(printed)


def test_studies_are_counted_per_arm_where_some_have_one() -> None:
    counts = Counts.from_arrays([5, 0, 8], [1, 2, 3], [3, 0, 1], [9, 8, 7], ["A", "B", "C"])
    assert "Pooled (2 and 3 of 3 studies, 95 % CI)" in texts(forest(replace(FIT, counts=counts)))
    assert "Pooled (4 studies, 95 % CI)" in texts(forest(FIT))


def test_order_moves_the_whole_row() -> None:
    ax = forest(FIT, order=[3, 2, 1, 0], descriptors={"Task": ["a", "b", "c", "d"]})
    ys = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert ys["Diaz 2022"] == ys["d"] == ys["70"] < ys["Adams 2019"] == ys["a"] == ys["45"]
    with pytest.raises(ValueError, match="names each of the rows"):
        forest(FIT, order=[0, 0, 1, 2])


def test_study_without_an_arm_has_a_dash_and_no_mark() -> None:
    counts = Counts.from_arrays([5, 0], [1, 2], [3, 0], [9, 8], ["A", "B"])
    ax = forest(replace(FIT, counts=counts))
    assert len(marks(ax.child_axes[0], "s")) == 1
    assert len(marks(ax.child_axes[1], "o")) == 2
    assert "–" in texts(ax)


def test_quality_dots_bear_their_sign() -> None:
    ax = forest(FIT, quality={"Index test": RATINGS})
    signs = [text.get_text() for text in ax.texts if text.get_text() in ("+", "?", "−")]
    assert signs == ["+", "?", "−"]
    assert "Chen 2021, Index test: high" in tips(ax)
    with pytest.raises(ValueError, match="a rating is one of"):
        forest(FIT, quality={"Index test": ["low", "low", "low", "bad"]})


def test_column_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="Task: 4 studies but 1 entries"):
        forest(FIT, descriptors={"Task": ["a"]})


def test_columns_of_text_do_not_overlap() -> None:
    counts = Counts.from_arrays([10**8] * 2, [10**8] * 2, [1] * 2, [10**8] * 2, ["A" * 60, "B"])
    ax = forest(replace(FIT, counts=counts))
    fig = ax.get_figure(root=True)
    renderer = fig.canvas.get_renderer()
    row = [text for text in ax.texts if text.get_position()[1] == ax.texts[1].get_position()[1]]
    boxes = sorted((text.get_window_extent(renderer) for text in row), key=lambda box: box.x0)
    assert len(boxes) == 7
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
    assert boxes[-1].x1 < ax.child_axes[0].get_window_extent(renderer).x0


@pytest.mark.parametrize("name", ["edge_k5", "edge_zero_cells", "edge_huge_counts"])
def test_real_fit_is_drawn_where_it_was_estimated(load_case: Callable[[str], Case], name: str) -> None:
    result = fit(load_case(name).counts)
    panels = forest(result).child_axes
    for panel, pooled in zip(panels, (result.sensitivity, result.specificity), strict=True):
        ((left, top, right, _),) = diamonds(panel)
        assert (left[0], top[0], right[0]) == (pooled.lower, pooled.estimate, pooled.upper)
    (point,) = (line for line in sroc(result).lines if line.get_label() == "summary point")
    assert point.get_ydata()[0] == pytest.approx(result.sensitivity.estimate)
    assert 1 - point.get_xdata()[0] == pytest.approx(result.specificity.estimate)
