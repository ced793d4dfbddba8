"""Do the quality figures show the judgements and scores that they were given?"""

from __future__ import annotations

import numpy as np
import pytest

from gallery import texts, tips
from livingreview.analysis.tabulate import Elsewhere
from livingreview.plots.quality import claim_distribution, claim_sections, quadas_summary


def test_segments_of_a_bar_add_up_to_all_studies() -> None:
    ax = quadas_summary({"Overall": {"low": 36, "some concerns": 14, "high": 12}})
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == pytest.approx([100 * n / 62 for n in (36, 14, 12)])
    assert [bar.get_x() for bar in ax.patches] == pytest.approx([0, widths[0], widths[0] + widths[1]])
    assert {"+ 36", "? 14", "− 12"} <= set(texts(ax))


def test_rating_that_does_not_occur_has_no_segment() -> None:
    ax = quadas_summary({"Overall": {"low": 3, "high": 0}})
    assert [bar.get_width() for bar in ax.patches] == [100]


def test_unknown_rating_and_empty_domain_are_refused() -> None:
    with pytest.raises(ValueError, match="ratings are low, some concerns, high, not unclear"):
        quadas_summary({"Overall": {"unclear": 3}})
    with pytest.raises(ValueError, match="no study"):
        quadas_summary({"Overall": {"low": 0}})


def test_equal_scores_are_stacked_and_the_mean_is_drawn() -> None:
    scores = [80.0, 70, 80, 80, 90]
    ax = claim_distribution(scores)
    points = ax.lines[0].get_xydata().tolist()
    assert points == [[70, 1], [80, 1], [80, 2], [80, 3], [90, 1]]
    assert set(ax.lines[1].get_xdata()) == {80.0}
    assert "mean 80.0 % (k = 5)" in _legend(ax)


def test_reference_is_a_line_and_a_band_of_one_sd() -> None:
    ax = claim_distribution([80.0, 90], elsewhere=Elsewhere(63, 11, "elsewhere"))
    (band,) = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == (52, 74)
    assert set(ax.lines[2].get_xdata()) == {63}
    assert ax.get_xlim()[0] < 52
    assert "elsewhere: 63 % (band: ± 1 SD)" in _legend(ax)


@pytest.mark.parametrize("scores", [[], [101.0], [-1.0], [np.nan]])
def test_scores_that_are_no_percentages_are_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        claim_distribution(scores)


def test_sections_show_their_mean() -> None:
    ax = claim_sections({"Methods": 84.0, "Results": 60.5})
    (mark,) = tips(ax)["Results: 60.5 %"]
    assert mark.get_xydata().tolist() == [[60.5, 1]]
    assert [list(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2] == [[0, 84], [0, 60.5]]
    assert {"84.0 %", "60.5 %"} <= set(texts(ax))


def _legend(ax) -> list[str]:
    (legend,) = ax.get_figure(root=True).legends
    return [text.get_text() for text in legend.get_texts()]
