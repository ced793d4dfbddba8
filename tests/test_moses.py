"""Does the regression curve behave at its edges, and does the threshold correlation choose its test as it says?"""

from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy import integrate, special, stats

from livingreview.errors import DataError, TooFewStudies
from livingreview.synthesis import moses
from livingreview.synthesis.counts import Counts

FOUR = Counts.from_arrays(tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
# Specificity hardly varies while sensitivity does: D and S rise together, one for one and a little more.
STEEP = Counts.from_arrays(tp=[20, 50, 90], fp=[11, 10, 9], fn=[80, 50, 10], tn=[89, 90, 91])


@pytest.mark.parametrize("counts", [STEEP, STEEP.swapped()], ids=["rising", "falling"])
def test_a_line_that_is_no_roc_curve_has_no_area(counts: Counts) -> None:
    steep = moses.moses_littenberg(counts)
    assert abs(steep.b) > 1
    assert math.isnan(steep.auc)
    assert np.isnan(steep.sensitivity([0.1, 0.5])).all()
    assert steep.to_dict()["auc"] is None


@pytest.mark.parametrize("weighting", ["unweighted", "inverse_variance", "size"])
def test_swapping_the_disease_labels_turns_the_slope_round_and_keeps_the_area(weighting: moses.Weighting) -> None:
    here = moses.moses_littenberg(FOUR, weighting=weighting)
    there = moses.moses_littenberg(FOUR.swapped(), weighting=weighting)
    assert (there.a, there.b, there.a_se, there.b_se) == pytest.approx((here.a, -here.b, here.a_se, here.b_se))
    assert (there.auc, there.auc_se, there.q_star) == pytest.approx((here.auc, here.auc_se, here.q_star), rel=1e-9)


def test_the_regression_curve_passes_through_q_star() -> None:
    curve = moses.moses_littenberg(FOUR)
    assert curve.sensitivity(1 - curve.q_star) == pytest.approx(curve.q_star, abs=1e-12)


def test_the_coefficients_and_their_p_values_are_those_of_ordinary_least_squares() -> None:
    curve = moses.moses_littenberg(FOUR)
    d = np.log(FOUR.tp * FOUR.tn / (FOUR.fp * FOUR.fn))
    s = np.log(FOUR.tp * FOUR.fp / (FOUR.fn * FOUR.tn))
    line = stats.linregress(s, d)
    assert (curve.a, curve.b) == pytest.approx((line.intercept, line.slope))
    assert (curve.a_se, curve.b_se, curve.b_p) == pytest.approx((line.intercept_stderr, line.stderr, line.pvalue))


def test_a_test_that_tells_nothing_has_half_the_area_and_a_p_value_of_1() -> None:
    curve = moses.moses_littenberg(
        Counts.from_arrays(tp=[10, 20, 30], fp=[10, 20, 30], fn=[30, 20, 10], tn=[30, 20, 10])
    )
    assert (curve.a, curve.b, curve.a_se, curve.b_se, curve.a_p, curve.b_p) == (0, 0, 0, 0, 1, 1)
    assert (curve.auc, curve.q_star) == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize(("a", "b"), [(2.0, 0.0), (3.0, 0.97), (3.0, -0.97), (-8.0, 0.9), (12.0, 0.5), (0.5, -0.995)])
def test_the_area_and_its_error_are_the_integral_and_its_derivatives(a: float, b: float) -> None:
    def area(a: float, b: float) -> float:
        def height(t: float) -> float:
            return float(special.expit((a + (1 + b) * t) / (1 - b)) * special.expit(t) * special.expit(-t))

        middle = -a / (1 + b)
        near = [middle + shift * (1 - b) / (1 + b) for shift in (-30, -3, 0, 3, 30)]
        edges = [-45.0, *sorted({x for x in (*near, -5.0, 0.0, 5.0) if -45 < x < 45}), 45.0]
        pieces = pairwise(edges)
        return sum(integrate.quad(height, *piece, epsabs=1e-14, epsrel=1e-13, limit=200)[0] for piece in pieces)

    step = 1e-5
    gradient = np.array(
        [area(a + step, b) - area(a - step, b), area(a, b + step) - area(a, b - step)],
    ) / (2 * step)  # fmt: skip
    vcov = np.array([[0.04, 0.01], [0.01, 0.09]])
    auc, error = moses._area(a, b, vcov)
    assert auc == pytest.approx(area(a, b), abs=1e-12)
    assert error == pytest.approx(math.sqrt(gradient @ vcov @ gradient), rel=1e-6)


def test_two_studies_or_studies_with_one_s_are_too_few() -> None:
    two = FOUR.subset([0, 1])
    with pytest.raises(TooFewStudies, match="found 2"):
        moses.moses_littenberg(two)
    with pytest.raises(TooFewStudies, match="found 2"):
        moses.threshold_correlation(two)
    # S is ln 2 in each, but for its last bit.
    level = Counts.from_arrays(tp=[6, 2, 4], fp=[1, 1, 1], fn=[1, 1, 1], tn=[3, 1, 2])
    with pytest.raises(TooFewStudies, match="S differs, found 3"):
        moses.moses_littenberg(level)


def test_a_weighting_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="unweighted, inverse_variance, size; found 'equal'"):
        moses.moses_littenberg(FOUR, weighting="equal")  # type: ignore[arg-type]


def test_every_zero_cell_left_uncorrected_is_named_by_its_row() -> None:
    counts = Counts.from_arrays(tp=[40, 30, 20, 9], fp=[3, 0, 5, 4], fn=[5, 6, 4, 0], tn=[60, 50, 30, 20])
    with pytest.raises(DataError) as raised:
        moses.threshold_correlation(counts, correction="none")
    found = [(fault.line, fault.code, fault.problem.partition(":")[0]) for fault in raised.value.faults]
    assert found == [(2, "RATIO-001", "row 2"), (4, "RATIO-001", "row 4")]


def test_exact_rank_p_values_count_every_permutation() -> None:
    k = 6
    ranks = np.arange(k)
    distances = np.array([np.sum((ranks - np.array(p)) ** 2) for p in permutations(range(k))])
    for distance in np.unique(distances):
        tail = min(np.mean(distances <= distance), np.mean(distances >= distance))
        assert moses._exact_p(k, int(distance)) == pytest.approx(min(1.0, 2 * tail))


def of_odds(tpr: list[int], fpr: list[int]) -> Counts:
    """Return tables with these odds of a true and of a false positive."""
    return Counts.from_arrays(tp=tpr, fp=fpr, fn=[1] * len(tpr), tn=[100] * len(fpr))


@pytest.mark.parametrize(
    ("tpr", "fpr"),
    [
        ([3, 3, 5, 9, 8], [1, 2, 4, 3, 7]),
        ([3, 4, 5, 9, 8], [1, 2, 2, 3, 7]),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [2, 1, 4, 3, 7, 5, 10, 6, 9, 8]),
    ],
    ids=["tied sensitivities", "tied specificities", "ten studies"],
)
def test_with_ties_or_ten_studies_the_p_value_is_of_the_t_approximation(tpr: list[int], fpr: list[int]) -> None:
    found = moses.threshold_correlation(of_odds(tpr, fpr))
    expected = stats.spearmanr(tpr, fpr)
    assert (found.rho, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_a_perfect_correlation_is_certain_and_a_margin_that_does_not_vary_has_none() -> None:
    rising = list(range(1, 11))
    assert moses.threshold_correlation(of_odds(rising, rising)).p == 0
    assert moses.threshold_correlation(of_odds(rising, rising[::-1])).rho == pytest.approx(-1)
    still = moses.threshold_correlation(of_odds([3, 3, 3], [1, 2, 3]))
    assert still.to_dict() == {"rho": None, "p": None, "k": 3}
    assert math.isnan(moses.threshold_correlation(of_odds([1, 2, 3], [3, 3, 3])).rho)
