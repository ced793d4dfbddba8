"""Does the UpSet plot show every combination, the largest first, with its sets and its number?"""

from __future__ import annotations

import pytest

from gallery import texts, tips
from livingreview.plots.upset import upset

COUNTS = {
    frozenset({"PubMed"}): 120,
    frozenset({"PubMed", "Embase"}): 340,
    frozenset({"Scopus"}): 3,
    frozenset({"Embase"}): 0,
}


def test_bars_stand_in_order_of_size_and_are_as_high_as_their_counts() -> None:
    ax = upset(COUNTS)
    bars = {tip: found[0] for tip, found in tips(ax).items()}
    assert list(bars) == ["Embase and PubMed only: 340", "PubMed only: 120", "Scopus only: 3"]
    heights = [abs(bar.get_height()) for bar in bars.values()]
    assert heights[1] / heights[0] == pytest.approx(120 / 340)
    assert [bar.get_x() for bar in bars.values()] == sorted(bar.get_x() for bar in bars.values())


def test_sets_are_named_with_their_totals_and_their_dots_filled() -> None:
    ax = upset(COUNTS)
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
def test_nothing_to_draw_is_refused(wrong: dict[frozenset[str], int]) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        upset(wrong)
