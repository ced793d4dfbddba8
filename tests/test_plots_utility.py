"""Do the figures of clinical use show the arithmetic of Bayes and the people they count?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from gallery import NPV, PPV, texts, tips
from livingreview.plots.style import colour
from livingreview.plots.utility import fagan, icon_array, predictive_values
from livingreview.synthesis.intervals import Interval


@pytest.mark.slow
@given(st.floats(0.01, 0.99), st.floats(1.1, 50), st.floats(0.02, 0.9))
@settings(max_examples=15)
def test_nomogram_lines_are_straight_through_the_likelihood_ratio(prior: float, up: float, down: float) -> None:
    ax = fagan(prior, Interval(up, up / 1.05, up * 1.05), Interval(down, down / 1.05, down * 1.05))
    for result, ratio in (("positive", up), ("negative", down)):
        (line,) = (found[0] for tip, found in tips(ax).items() if tip.startswith(f"result {result}"))
        start, end = line.get_ydata()
        assert start == pytest.approx(-logit(prior))
        assert (start + end) / 2 == pytest.approx(np.log(ratio) / 2)
        odds = prior / (1 - prior) * ratio
        assert expit(end) == pytest.approx(odds / (1 + odds))


def test_nomogram_prints_the_probability_after_each_result() -> None:
    printed = texts(fagan(0.2, Interval(4.0, 2.0, 8.0), Interval(0.25, 0.1, 0.5)))
    assert "positive:\n50.0 %\n[33.3, 66.7]" in printed
    assert "negative:\n5.9 %\n[2.4, 11.1]" in printed


def test_texts_of_close_results_do_not_overlap() -> None:
    ax = fagan(0.5, Interval(1.05, 0.9, 1.2), Interval(0.95, 0.8, 1.1))
    renderer = ax.get_figure(root=True).canvas.get_renderer()
    ax.get_figure(root=True).draw_without_rendering()
    above, below = (t.get_window_extent(renderer) for t in ax.texts if "tive:" in t.get_text())
    assert above.y0 >= below.y1


@pytest.mark.parametrize(("prior", "ratio"), [(0.0, 2.0), (1.0, 2.0), (0.2, 0.0), (0.2, float("nan"))])
def test_nomogram_refuses_what_has_no_odds(prior: float, ratio: float) -> None:
    with pytest.raises(ValueError, match=r"probability|positive numbers"):
        fagan(prior, Interval(ratio, ratio, ratio), Interval(0.5, 0.4, 0.6))


def test_predictive_values_are_drawn_in_percent_and_differ_in_dashes() -> None:
    ax = predictive_values([0.1, 0.3, 0.5], PPV, NPV, scenarios={"clinic": 0.3})
    ppv, npv, clinic = ax.lines
    assert ppv.get_xydata().tolist() == np.column_stack([[10, 30, 50], 100 * PPV.estimate]).tolist()
    assert np.array_equal(npv.get_ydata(), 100 * NPV.estimate)
    assert ppv.get_linestyle() != npv.get_linestyle()
    assert set(clinic.get_xdata()) == {30}
    assert "clinic (30 %)" in texts(ax)
    with pytest.raises(ValueError, match="2 prevalences, but 3 and 3"):
        predictive_values([0.1, 0.2], PPV, NPV)


def test_every_person_is_drawn_once_and_positive_results_are_filled() -> None:
    ax = icon_array(88, 12, 126, 774)
    people = [line for line in ax.lines if len(line.get_xdata())]
    assert [len(line.get_xdata()) for line in people] == [88, 12, 126, 774]
    points = np.concatenate([line.get_xydata() for line in people])
    assert len(np.unique(points.round(6), axis=0)) == 1000
    filled = [line.get_markerfacecolor() != "none" for line in people]
    assert filled == [True, False, True, False]
    assert [line.get_markeredgecolor() for line in people[:2]] == [colour("sensitivity")] * 2
    assert {"Of 1,000 people who take the test", "126"} <= set(texts(ax))
    assert points[:, 1].max() < ax.get_ylim()[0]


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (5, -1, 2, 3)])
def test_impossible_frequencies_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="counts"):
        icon_array(*counts)
