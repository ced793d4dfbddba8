"""Where do the figures that follow from a bivariate fit exist, and which studies and quantiles do they use?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit as scipy_expit
from scipy.special import logit

from livingreview.synthesis.counts import Counts
from livingreview.synthesis.summary import expit, hsroc, i2, prediction_interval

MU = np.array([1.2, 2.0])


def test_a_variance_of_0_leaves_no_hsroc_curve_and_any_other_does() -> None:
    assert hsroc(MU, np.diag([0.0, 0.5])) is None
    assert hsroc(MU, np.diag([0.5, 0.0])) is None
    # Equal variances: the symmetric curve of the log odds ratio μ₁ + μ₂.
    same = hsroc(MU, np.array([[1.0, 0.2], [0.2, 1.0]]))
    assert same is not None
    assert (same.Lambda, same.Theta, same.beta) == pytest.approx((3.2, -0.4, 0))
    assert (same.sigma2_alpha, same.sigma2_theta) == pytest.approx((2.4, 0.4))


def test_i2_counts_a_study_of_one_participant_and_not_an_empty_arm() -> None:
    counts = Counts.from_arrays(tp=[1, 6, 0], fp=[2, 5, 4], fn=[0, 3, 0], tn=[3, 5, 16])
    found = i2(counts, np.zeros(2), 2 * np.eye(2))
    # With a mean of one half and τ² = 2 a single participant's variance is 2 e + 2.
    diseased, nondiseased = ((2 * math.e + 2) * np.mean(1 / np.array(n)) for n in ([1, 9], [5, 10, 20]))
    assert (found.sensitivity, found.specificity) == pytest.approx((2 / (2 + diseased), 2 / (2 + nondiseased)))
    assert found.bivariate == pytest.approx(2 / (2 + math.sqrt(diseased * nondiseased)))


@pytest.mark.parametrize("k", [3, 4, 12])
def test_the_prediction_interval_is_students_on_k_minus_2_degrees_of_freedom(k: int) -> None:
    interval = prediction_interval(1.2, 0.05, 0.31, k - 2, 0.9)
    half = stats.t.ppf(0.95, k - 2) * 0.6
    assert logit([interval.lower, interval.upper]) == pytest.approx([1.2 - half, 1.2 + half])
    assert (interval.estimate, interval.level) == pytest.approx((expit(1.2), 0.9))


def test_two_studies_predict_nothing() -> None:
    interval = prediction_interval(1.2, 0.05, 0.31, 0, 0.95)
    assert (interval.lower, interval.upper) == (0, 1)


@pytest.mark.parametrize("x", [-750.0, -2.0, 0.0, 0.4, 3.0, 750.0])
def test_the_logistic_function_overflows_nowhere(x: float) -> None:
    assert expit(x) == pytest.approx(scipy_expit(x), rel=1e-15)
