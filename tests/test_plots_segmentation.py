"""Do the overlap figures keep mean and median, SD and interval, and groups apart?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gallery import HOSTILE, OVERLAP, texts, tips
from livingreview.analysis.tabulate import NOT_SEEN
from livingreview.plots.segmentation import overlap_against, overlap_by_group
from livingreview.plots.style import colour


def rows(ax) -> list[str]:
    return [tick.get_text() for tick in ax.get_yticklabels()]


def test_groups_keep_their_order_and_studies_go_from_best_to_worst() -> None:
    best_first = ["Myocardium (2)", "Diaz", "Adams", "Left ventricle (3)", "Chen", "Evans", HOSTILE]
    assert rows(overlap_by_group(OVERLAP, "group")) == best_first
    ascending = rows(overlap_by_group(OVERLAP, "group", higher_is_better=False))
    assert ascending == ["Myocardium (2)", "Adams", "Diaz", "Left ventricle (3)", HOSTILE, "Evans", "Chen"]


def test_marker_tells_mean_from_median() -> None:
    ax = overlap_by_group(OVERLAP, "group")
    marks = {tip.split(",")[0]: found[0] for tip, found in tips(ax).items()}
    assert marks["Adams"].get_marker() == "o"
    assert marks["Diaz"].get_markerfacecolor() == colour("paper")
    (median,) = [found[0] for tip, found in tips(ax).items() if "median" in tip]
    assert median.get_marker() == "D"
    assert median.get_xdata()[0] == 0.91


def test_sd_is_a_pale_bar_without_caps() -> None:
    lines = [line for line in overlap_by_group(OVERLAP, "group").lines if len(line.get_xdata()) == 2]
    bars = [list(line.get_xdata()) for line in lines if line.get_color() == colour("rule")]
    capped = [list(line.get_xdata()) for line in lines if line.get_marker() == "|"]
    assert bars == [pytest.approx([0.83, 0.87]), pytest.approx([0.94, 0.96]), pytest.approx([0.90, 0.96])]
    assert not capped


def test_numbers_say_which_spread_they_print() -> None:
    assert {"0.85 ± 0.02", "0.93 ± 0.03", "0.88"} <= set(texts(overlap_by_group(OVERLAP, "group")))


def test_legend_names_only_what_occurs() -> None:
    table = pd.DataFrame({"label": ["A", "B"], "group": "LV", "value": [4.0, 12.5], "statistic": "mean"})
    ax = overlap_by_group(table, "group", unit="mm")
    (legend,) = ax.get_figure(root=True).legends
    assert [text.get_text() for text in legend.get_texts()] == ["mean"]
    assert {"4.00", "12.5"} <= set(texts(ax))
    assert ax.get_xlabel() == "Dice coefficient (mm)"


def test_axis_of_dice_ends_at_one_and_shows_every_interval() -> None:
    low, high = overlap_by_group(OVERLAP, "group").get_xlim()
    assert low <= 0.83
    assert 0.96 <= high <= 1


def test_without_a_score_there_is_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="no value"):
        overlap_by_group(OVERLAP[:0], "group")


def test_pairs_with_a_missing_value_are_left_out() -> None:
    x, y = [1.0, np.nan, 3.0], [0.9, 0.8, np.nan]
    ax = overlap_against(x, y, group=["a", "a", "b"], study=["A", "B", "C"], xlabel="mm", ylabel="Dice")
    assert [line.get_xydata().tolist() for line in ax.lines] == [[[1.0, 0.9]]]


def test_groups_differ_in_marker_and_colour() -> None:
    groups = list("abcdef")
    ax = overlap_against(range(6), range(6), group=groups, study=groups, xlabel="x", ylabel="y")
    assert len({line.get_marker() for line in ax.lines}) == 6
    assert len({line.get_markerfacecolor() for line in ax.lines}) == 6


def test_more_groups_than_signs_share_the_last_one() -> None:
    groups = list("abcdefgh")
    ax = overlap_against(range(8), range(8), group=groups, study=groups, xlabel="x", ylabel="y")
    (legend,) = ax.get_figure(root=True).legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c", "d", "e", "other groups"]
    assert len({line.get_marker() for line in ax.lines[5:]}) == 1


def test_group_without_a_drawn_point_is_not_in_the_legend() -> None:
    ax = overlap_against([1.0, np.nan], [1.0, 2.0], group=["a", "b"], study=["A", "B"], xlabel="x", ylabel="y")
    (legend,) = ax.get_figure(root=True).legends
    assert [text.get_text() for text in legend.get_texts()] == ["a"]


def test_empty_cells_of_a_table_are_said_or_not_shown() -> None:
    table = pd.DataFrame({"label": ["A", "B"], "value": [0.9, 0.8], "family": ["U-Net", None], "sd": [None, 0.1],
                          "phase": ["systole", float("nan")], "statistic": [None, "mean"]})  # fmt: skip
    ax = overlap_by_group(table, "family")
    assert rows(ax) == ["U-Net (1)", "A systole", f"{NOT_SEEN} (1)", "B"]
    assert {"A systole, U-Net: unstated 0.90", f"B, {NOT_SEEN}: mean 0.80 ± 0.10"} == set(tips(ax))
