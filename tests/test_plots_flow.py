"""Do flow diagram and UpSet plot connect the right boxes and sets, and print the right numbers?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from gallery import FLOW, OTHER, texts, tips
from livingreview.analysis.flow import FlowBox
from livingreview.plots.flow import flow_diagram, upset
from livingreview.plots.style import COLUMN
from livingreview.plots.svg import to_svg


def boxes(ax: Axes) -> dict[str, FancyBboxPatch]:
    """Return the drawn boxes by the first words of their tooltip."""
    return {tip.split(" PubMed")[0].split(":")[0]: found[0] for tip, found in tips(ax).items()}


def arrows(ax: Axes) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the start and the end of each arrow."""
    return [(text.get_position(), text.xy) for text in ax.texts if getattr(text, "arrow_patch", None) is not None]


def edges(box: FancyBboxPatch) -> tuple[float, float, float, float]:
    """Return left, right, top and bottom."""
    x, y, w, h = box.get_x(), box.get_y(), box.get_width(), box.get_height()
    return x, x + w, y, y + h


def test_main_boxes_are_connected_downwards_and_exclusions_sideways() -> None:
    ax = flow_diagram(FLOW)
    drawn = boxes(ax)
    left, right, _, bottom = edges(drawn["Records identified"])
    side_left, _, _, _ = edges(drawn["Duplicates removed"])
    _, _, screened_top, _ = edges(drawn["Records screened"])
    middle = (left + right) / 2
    assert any(np.allclose(arrow, ((middle, bottom), (middle, screened_top))) for arrow in arrows(ax))
    sideways = [(start, end) for start, end in arrows(ax) if start[1] == end[1]]
    assert [(start[0], end[0]) for start, end in sideways] == [(right, side_left)]
    assert len(arrows(ax)) == 3


def test_boxes_do_not_overlap_and_rows_share_a_height() -> None:
    ax = flow_diagram((*FLOW, OTHER), width=8.0)
    spans = [edges(box) for box in boxes(ax).values()]
    for i, a in enumerate(spans):
        for b in spans[i + 1 :]:
            assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
    drawn = boxes(ax)
    assert drawn["Reports found by citation"].get_y() == drawn["Records screened"].get_y()
    width, height = ax.get_xlim()[1], ax.get_ylim()[0]
    assert all(min(a) >= 0 and a[1] <= width and a[3] <= height for a in spans)


def test_text_stays_in_its_box() -> None:
    long = replace(FLOW[1], text="Records removed before screening because they were marked as ineligible by hand")
    ax = flow_diagram((FLOW[0], long))
    renderer = ax.get_figure(root=True).canvas.get_renderer()
    box = boxes(ax)[long.text].get_window_extent(renderer)
    inside = [t.get_window_extent(renderer) for t in ax.texts if t.get_text() and t.get_text() in _wrapped(ax, long)]
    assert len(inside) > 1
    assert all(box.x0 < extent.x0 and extent.x1 < box.x1 for extent in inside)
    assert all(box.y0 < extent.y0 and extent.y1 < box.y1 for extent in inside)


def _wrapped(ax: Axes, box: FlowBox) -> list[str]:
    words = box.text.split()
    return [line for line in texts(ax) if line.split()[0] in words and "identified" not in line]


def test_derived_number_is_marked_and_explained() -> None:
    ax = flow_diagram(FLOW)
    assert [text for text in texts(ax) if "70†" in text]
    assert [text for text in texts(ax) if text.startswith("† derived")]
    plain = flow_diagram([replace(box, derived=False) for box in FLOW])
    assert not [text for text in texts(plain) if "†" in text]
    assert boxes(ax)["Records screened"].get_linestyle() != boxes(ax)["Studies included"].get_linestyle()


def test_number_stays_with_its_sign_and_a_missing_one_is_said() -> None:
    ax = flow_diagram([replace(FLOW[0], text="Records identified from a great many databases", count=None)])
    assert [text for text in texts(ax) if "(n\u00a0=\u00a0not" in text]


def test_lanes_stand_one_below_the_other_where_they_do_not_fit() -> None:
    ax = flow_diagram((*FLOW, OTHER), width=COLUMN)
    drawn = boxes(ax)
    cited = next(box for name, box in drawn.items() if name.startswith("Reports found by citation"))
    assert cited.get_x() == drawn["Records identified"].get_x()
    assert edges(cited)[2] > edges(drawn["Studies included"])[3]
    assert {"Databases", "Other methods"} <= set(texts(ax))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [([], "no box"), ([FLOW[0], FLOW[0]], "more than once: identified")],
)
def test_inconsistent_boxes_are_refused(wrong: list[FlowBox], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flow_diagram(wrong)


def test_lanes_whose_rows_meet_stand_side_by_side_and_the_next_band_below() -> None:
    below = replace(FLOW[0], key="next", text="Next update", lane="Next", row=9)
    ax = flow_diagram((*FLOW, OTHER, below), width=8.0)
    drawn = boxes(ax)
    assert edges(drawn["Next update"])[0] == edges(drawn["Records identified"])[0]
    assert edges(drawn["Next update"])[2] > max(edges(box)[3] for name, box in drawn.items() if name != "Next update")


def test_a_box_links_to_the_records_behind_it_and_the_link_leaves_the_drawing_alone() -> None:
    linked = replace(FLOW[0], link="#runs")
    svg = to_svg(flow_diagram((linked, *FLOW[1:])).figure, "Flow", "A flow")
    assert svg.count("<a ") == 1
    assert 'href="#runs"' in svg
    assert "_blank" not in svg
    assert 'role="group"' in svg
    assert 'role="img"' in to_svg(flow_diagram(FLOW).figure, "Flow", "A flow")


COMBINATIONS = {
    frozenset({"PubMed"}): 120,
    frozenset({"PubMed", "Embase"}): 340,
    frozenset({"Scopus"}): 3,
    frozenset({"Embase"}): 0,
}


def test_bars_of_combinations_stand_in_order_of_size_and_are_as_high_as_their_counts() -> None:
    ax = upset(COMBINATIONS)
    bars = {tip: found[0] for tip, found in tips(ax).items()}
    assert list(bars) == ["Embase and PubMed only: 340", "PubMed only: 120", "Scopus only: 3"]
    heights = [abs(bar.get_height()) for bar in bars.values()]
    assert heights[1] / heights[0] == pytest.approx(120 / 340)
    assert [bar.get_x() for bar in bars.values()] == sorted(bar.get_x() for bar in bars.values())


def test_sets_are_named_with_their_totals_and_their_dots_filled() -> None:
    ax = upset(COMBINATIONS)
    assert {"PubMed (460)", "Embase (340)", "Scopus (3)"} <= set(texts(ax))
    filled = [len(line.get_xdata()) for line in ax.lines if line.get_markerfacecolor() != "none"]
    assert filled == [2, 1, 1]


def test_what_does_not_fit_is_said() -> None:
    many = {frozenset({f"s{i}", f"s{j}"}): 50 - i - j for i in range(8) for j in range(i)}
    ax = upset(many, width=3.0)
    shown = sum(int(tip.rsplit(" ", 1)[1]) for tip in tips(ax))
    (note,) = [text for text in texts(ax) if "smaller combinations" in text]
    assert int(note.split()[-2]) == sum(many.values()) - shown


@pytest.mark.parametrize("wrong", [{}, {frozenset({"a"}): 0}, {frozenset({"a"}): -1}, {frozenset(): 3}])
def test_an_upset_plot_of_nothing_is_refused(wrong: dict[frozenset[str], int]) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        upset(wrong)
