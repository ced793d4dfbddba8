"""Do the evidence figures count studies, and tell silence from not having read?"""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.transforms import Bbox

from gallery import STATES, texts, tips
from livingreview.plots.evidence import GAP, bar_counts, evidence_map, gap_map


def test_bubble_counts_each_study_once_and_names_it() -> None:
    ax = evidence_map(["A", "B", "B", "C"], ["x", "x", "x", "y"], ["p", "p", "p", "q"], [None] * 4)
    (mark,) = tips(ax)["x × p: 2 (A, B)"]
    assert mark.get_xydata().tolist() == [[0, 0]]
    assert [text.get_text() for text in ax.texts] == ["2", "1"]
    assert not ax.patches


def test_ring_and_signs_show_the_share_of_each_judgement_and_leave_the_rest_open() -> None:
    names = [f"s{i}" for i in range(8)]
    judged = ["high", "low", None, "low", "unclear", None, None, None]
    ax = evidence_map([*names, "alone"], ["x"] * 8 + ["y"], ["p"] * 9, [*judged, None])
    low, unclear, high, rest = ax.patches
    spans = {"low": low, "unclear": unclear, "high": high, "nobody": rest}
    assert {name: wedge.theta2 - wedge.theta1 for name, wedge in spans.items()} == {
        "low": 90, "unclear": 45, "high": 45, "nobody": 180,
    }  # fmt: skip
    assert low.theta2 == 90  # begins at the top
    assert len({wedge.get_facecolor() for wedge in spans.values()}) == 4
    assert tips(ax)["low risk of bias: 2 of 8 (s1, s3)"] == [low]
    # Colour is never the only sign.
    assert [text.get_text() for text in ax.texts] == ["+2 ?1 −1", "8", "1"]


def test_legend_counts_the_studies_of_each_judgement_and_those_without() -> None:
    ax = evidence_map(["A", "A", "B", "C"], ["x", "y", "x", "x"], ["p"] * 4, ["low", "low", None, None])
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == [
        "+ low risk of bias: 1", "? unclear risk of bias: 0", "− high risk of bias: 0", "no judgement names it: 2",
    ]  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_no_bubble_ring_or_sign_covers_another(share: float) -> None:
    rows, columns = [f"row {i}" for i in range(6)], [f"column {i}" for i in range(4)]
    cells = [(row, column) for row in rows for column in columns for _ in range(12)]
    cycle = ["low", "unclear", "high"]
    judged = [cycle[i % 3] if i % 10 < 10 * share else None for i in range(len(cells))]
    ax = evidence_map([f"s{i}" for i in range(len(cells))], *zip(*cells, strict=True), judged)
    figure = ax.figure
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    boxes: dict[tuple[float, float], list[Bbox]] = {}  # what belongs to each place of the grid
    for text in ax.texts:
        boxes.setdefault(getattr(text, "xy", text.get_position()), []).append(text.get_window_extent(renderer))
    for line in ax.lines:
        boxes[float(line.get_xdata()[0]), float(line.get_ydata()[0])].append(line.get_window_extent(renderer))
    for wedge in ax.patches:
        place = ax.transData.inverted().transform(wedge.get_transform().transform((0, 0))).round()
        boxes[float(place[0]), float(place[1])].append(wedge.get_window_extent(renderer))
    whole = [Bbox.union(parts) for parts in boxes.values()]
    assert len(whole) == 24
    assert not [pair for pair in combinations(whole, 2) if pair[0].overlaps(pair[1])]


def test_area_of_a_bubble_is_proportional_to_its_studies() -> None:
    names = [f"s{i}" for i in range(10)]
    ax = evidence_map(names, ["x"] * 8 + ["y"] * 2, ["p"] * 10, [None] * 10)
    many, few = (tips(ax)[tip][0].get_markersize() for tip in sorted(tips(ax)))
    assert (many / few) ** 2 == pytest.approx(4)


def test_empty_rows_and_columns_are_kept_when_asked_for() -> None:
    ax = evidence_map(["A"], ["x"], ["p"], [None], row_order=["w", "x"], column_order=["p", "q"])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["w", "x"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["p", "q"]
    assert next(iter(tips(ax).values()))[0].get_xydata().tolist() == [[0, 1]]


def test_map_refuses_what_it_cannot_place() -> None:
    with pytest.raises(ValueError, match="not in the order given: x"):
        evidence_map(["A"], ["x"], ["p"], [None], row_order=["w"])
    with pytest.raises(ValueError, match="as many rows"):
        evidence_map(["A"], [], ["p"], [None])
    with pytest.raises(ValueError, match="not fair"):
        evidence_map(["A"], ["x"], ["p"], ["fair"])


def test_bars_are_as_long_as_their_number() -> None:
    ax = bar_counts({"U-Net": 45, "GAN": 0}, total=60)
    assert [bar.get_width() for bar in ax.patches] == [45, 0]
    assert {"45 (75 %)", "0 (0 %)"} <= set(texts(ax))
    assert "45" in texts(bar_counts({"U-Net": 45}))


def test_three_states_have_three_looks() -> None:
    ax = gap_map(["A", "B", "C", "D"], {"Code": STATES})
    looks = {
        state: (tips(ax)[f"{study}, Code: {state}"][0].get_markersize(), GAP[state].symbol)
        for study, state in zip("ABC", STATES, strict=False)
    }
    assert len(set(looks.values())) == 3
    assert [text.get_text() for text in ax.texts] == ["+", "−", "+"]


def test_gap_map_refuses_unknown_states_and_short_columns() -> None:
    with pytest.raises(ValueError, match="not perhaps"):
        gap_map(["A"], {"Code": ["perhaps"]})
    with pytest.raises(ValueError, match="2 studies but 1 states"):
        gap_map(["A", "B"], {"Code": ["reported"]})
