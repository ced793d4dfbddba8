"""Do the evidence figures count studies, and tell silence from not having read?"""

from __future__ import annotations

import pytest

from gallery import STATES, texts, tips
from livingreview.plots.evidence import GAP, bar_counts, evidence_map, gap_map


def test_bubble_counts_each_study_once_and_names_it() -> None:
    ax = evidence_map(["A", "B", "B", "C"], ["x", "x", "x", "y"], ["p", "p", "p", "q"])
    (mark,) = tips(ax)["x × p: 2 (A, B)"]
    assert mark.get_xydata().tolist() == [[0, 0]]
    assert [text.get_text() for text in ax.texts] == ["2", "1"]


def test_area_of_a_bubble_is_proportional_to_its_studies() -> None:
    names = [f"s{i}" for i in range(10)]
    ax = evidence_map(names, ["x"] * 8 + ["y"] * 2, ["p"] * 10)
    many, few = (tips(ax)[tip][0].get_markersize() for tip in sorted(tips(ax)))
    assert (many / few) ** 2 == pytest.approx(4)


def test_empty_rows_and_columns_are_kept_when_asked_for() -> None:
    ax = evidence_map(["A"], ["x"], ["p"], row_order=["w", "x"], column_order=["p", "q"])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["w", "x"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["p", "q"]
    assert next(iter(tips(ax).values()))[0].get_xydata().tolist() == [[0, 1]]


def test_map_refuses_what_it_cannot_place() -> None:
    with pytest.raises(ValueError, match="not in the order given: x"):
        evidence_map(["A"], ["x"], ["p"], row_order=["w"])
    with pytest.raises(ValueError, match="as many rows"):
        evidence_map(["A"], [], ["p"])


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
