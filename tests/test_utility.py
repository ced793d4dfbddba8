"""Are post-test probabilities, predictive values and natural frequencies what Bayes' theorem says?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit, ndtri

from livingreview.synthesis.summary import PooledLogits
from livingreview.synthesis.utility import (
    fagan,
    natural_frequencies,
    post_test_probability,
    predictive_values,
)

share = st.floats(0.01, 0.99)


def pooled(sens: float, spec: float, cov: list[list[float]]) -> PooledLogits:
    return PooledLogits(logit(np.array([sens, spec])), np.array(cov), 0.95)


EXAMPLE = pooled(0.9, 0.8, [[0.04, -0.01], [-0.01, 0.09]])


@given(pre_test=share, sens=share, spec=share)
def test_is_the_probability_after_a_result_the_share_of_diseased_with_that_result(pre_test, sens, spec) -> None:
    tp, fp = pre_test * sens, (1 - pre_test) * (1 - spec)
    fn, tn = pre_test * (1 - sens), (1 - pre_test) * spec
    assert post_test_probability(pre_test, sens / (1 - spec)) == pytest.approx(tp / (tp + fp), rel=1e-9)
    assert post_test_probability(pre_test, (1 - sens) / spec) == pytest.approx(fn / (fn + tn), rel=1e-9)


@given(pre_test=share, positive=st.floats(1.01, 200), negative=st.floats(0.005, 0.99))
def test_is_each_result_a_straight_line_of_the_nomogram(pre_test, positive, negative) -> None:
    nomogram = fagan(pre_test, positive, negative)
    for line, after in ((nomogram.positive, nomogram.after_positive), (nomogram.negative, nomogram.after_negative)):
        (x0, y0), (x1, y1), (x2, y2) = line
        assert (x0, x1, x2) == (0, 1, 2)
        assert y1 == pytest.approx((y0 + y2) / 2, abs=1e-9)
        assert (expit(-y0), expit(y2)) == pytest.approx((pre_test, after))


@given(prevalence=share, sens=share, spec=share)
def test_are_predictive_values_those_of_the_table(prevalence, sens, spec) -> None:
    values = predictive_values(pooled(sens, spec, [[0.04, 0], [0, 0.09]]), prevalence)
    tp, fp = prevalence * sens, (1 - prevalence) * (1 - spec)
    fn, tn = prevalence * (1 - sens), (1 - prevalence) * spec
    assert values.positive.estimate[0] == pytest.approx(tp / (tp + fp), rel=1e-9)
    assert values.negative.estimate[0] == pytest.approx(tn / (tn + fn), rel=1e-9)


def test_do_predictive_value_intervals_use_both_variances_and_the_covariance() -> None:
    values = predictive_values(EXAMPLE, [0.1, 0.5])
    z = ndtri(0.975)
    # PPV: gradient (1 − 0.9, 0.8); NPV: gradient (0.9, 1 − 0.8).
    for which, gradient in ((values.positive, [0.1, 0.8]), (values.negative, [0.9, 0.2])):
        a, b = gradient
        error = np.sqrt(a * a * 0.04 + b * b * 0.09 + 2 * a * b * -0.01)
        np.testing.assert_allclose(logit(which.upper) - logit(which.estimate), z * error)
        np.testing.assert_allclose(logit(which.estimate) - logit(which.lower), z * error)


def test_do_predictive_value_intervals_agree_with_simulation() -> None:
    draws = expit(np.random.default_rng(7).multivariate_normal(EXAMPLE.mu, EXAMPLE.mu_cov, size=40_000))
    sens, spec = draws.T
    values = predictive_values(EXAMPLE, 0.3)
    ppv = 0.3 * sens / (0.3 * sens + 0.7 * (1 - spec))
    # The delta method is first-order: within one percentage point here.
    assert np.quantile(ppv, 0.025) == pytest.approx(values.positive.lower[0], abs=0.01)
    assert np.quantile(ppv, 0.975) == pytest.approx(values.positive.upper[0], abs=0.01)


def test_are_natural_frequencies_those_of_a_thousand_people() -> None:
    found = natural_frequencies(EXAMPLE, 0.2)
    assert found.counts == (180, 160, 20, 640)
    assert found.tp.estimate == pytest.approx(180)
    assert found.fp.estimate == pytest.approx(160)
    assert found.tp.lower == pytest.approx(200 * expit(EXAMPLE.mu[0] - ndtri(0.975) * 0.2))
    assert found.fn.upper == pytest.approx(200 - found.tp.lower)
    assert found.fp.lower == pytest.approx(800 - found.tn.upper)
    assert found.to_dict()["counts"] == {"tp": 180, "fp": 160, "fn": 20, "tn": 640}


@given(prevalence=st.floats(0, 1), sens=share, spec=share, population=st.integers(1, 5000))
def test_do_whole_people_add_up(prevalence, sens, spec, population) -> None:
    found = natural_frequencies(pooled(sens, spec, [[0.04, 0], [0, 0.09]]), prevalence, population)
    tp, fp, fn, tn = found.counts
    assert tp + fp + fn + tn == population
    assert tp + fn == round(prevalence * population)
    assert min(found.counts) >= 0


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, float("nan")])
def test_is_a_prevalence_outside_0_to_1_refused(prevalence) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        predictive_values(EXAMPLE, prevalence)
    with pytest.raises(ValueError, match="between 0 and 1"):
        fagan(prevalence, 9.0, 0.1)
    with pytest.raises(ValueError, match="positive likelihood ratio"):
        post_test_probability(0.5, 0.0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        natural_frequencies(EXAMPLE, prevalence - 1.5)
