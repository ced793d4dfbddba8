"""Do profiles, weights and shrunken estimates of a fitted problem follow from its likelihood?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from golden_cases import edge
from hard_sets import arms, log_likelihood, maximum
from livingreview.errors import ConvergenceError
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts

# Studies that vary enough for intervals of their spreads to leave out 0.
VARIED = Counts.from_arrays(
    [45, 60, 23, 88, 35, 28], [10, 4, 3, 52, 9, 2], [5, 20, 4, 2, 34, 9], [90, 40, 51, 80, 35, 77]
)
FIVE = Counts.from_arrays([40, 55, 20, 33, 71], [5, 9, 2, 14, 6], [10, 8, 7, 5, 30], [80, 60, 45, 70, 90])


def test_a_profile_interval_refuses_a_level_outside_0_and_1() -> None:
    with pytest.raises(ValueError, match="level is between 0 and 1"):
        fit(FIVE).profile_interval("sensitivity", 95)


def deviance(counts: Counts, measure: int, which: str, value: float) -> float:
    """Return twice what one arm's likelihood loses at a mean, or a spread, by force; the other is the best for it."""
    arm = arms(counts)[measure]

    def loss(other: float) -> float:
        return -log_likelihood(*((value, other) if which == "mean" else (other, value)), *arm)

    bounds = (0.0, 6.0) if which == "mean" else (-4.0, 6.0)
    return 2 * (maximum(*arm)[0] + minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7}).fun)


@pytest.mark.slow
def test_a_profile_interval_ends_where_the_likelihood_by_force_has_lost_its_quantile() -> None:
    level = 0.9
    quantile = stats.chi2.ppf(level, 1)
    found = fit(VARIED, structure="independent", level=level)
    for measure, name in enumerate(("sensitivity", "specificity")):
        interval = found.profile_interval(name)  # type: ignore[arg-type]  # one of the names
        assert (interval.estimate, interval.level) == (pytest.approx(expit(found.mu[measure])), level)
        for end in logit([interval.lower, interval.upper]):
            assert deviance(VARIED, measure, "mean", float(end)) == pytest.approx(quantile, abs=1e-4)
        spread = found.profile_interval(f"tau_{name}")  # type: ignore[arg-type]  # one of the names
        assert spread.estimate == pytest.approx(np.sqrt(found.between_study_cov[measure, measure]))
        assert 0 < spread.lower < spread.estimate < spread.upper
        for end in (spread.lower, spread.upper):
            assert deviance(VARIED, measure, "spread", end) == pytest.approx(quantile, abs=1e-4)


def test_a_spread_that_may_be_none_has_an_interval_from_0() -> None:
    found = fit(FIVE, structure="independent")
    spread = found.profile_interval("tau_sensitivity")
    assert spread.lower == 0
    assert deviance(FIVE, 0, "spread", 0.0) < stats.chi2.ppf(0.95, 1)
    assert deviance(FIVE, 0, "spread", spread.upper) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-4)


def test_profile_interval_of_a_proportion_without_heterogeneity_is_the_likelihood_ratio_interval() -> None:
    counts = Counts.from_arrays([40, 40], [5, 5], [10, 10], [80, 80])
    interval = fit(counts, structure="fixed").profile_interval("sensitivity")
    for end in (interval.lower, interval.upper):
        deviance = 2 * (80 * np.log(0.8 / end) + 20 * np.log(0.2 / (1 - end)))
        assert deviance == pytest.approx(3.841458820694124, rel=1e-6)


def test_profile_interval_refuses_what_it_is_not_for() -> None:
    with pytest.raises(ValueError, match="which is one of"):
        fit(FIVE, structure="independent").profile_interval("rho")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="does not estimate tau_sensitivity"):
        fit(FIVE, structure="fixed").profile_interval("tau_sensitivity")
    with pytest.raises(ValueError, match="no profile in the means"):
        fit(FIVE, model="normal", method="reml").profile_interval("sensitivity")
    with pytest.raises(ValueError, match="without covariates"):
        fit(FIVE, by="aabbb").profile_interval("sensitivity")


def test_empirical_bayes_estimates_shrink_towards_the_mean() -> None:
    counts = edge("edge_sim500")
    for model in ("binomial", "normal"):
        found = fit(counts, model=model)
        observed = np.log((counts.tp + 0.5) / (counts.fn + 0.5))
        apart, shrunk = np.abs(observed - found.mu[0]), np.abs(found.empirical_bayes[:, 0] - found.mu[0])
        assert found.empirical_bayes.shape == (500, 2)
        assert shrunk.mean() < apart.mean()
        # The mean of the posteriors is the estimated mean: the score equation of the binomial model.
        if model == "binomial":
            assert found.empirical_bayes.mean(axis=0) == pytest.approx(found.mu, abs=1e-6)


@pytest.mark.parametrize("measure", [0, 1])
def test_a_study_s_estimate_is_the_mean_of_what_its_logit_may_be(measure: int) -> None:
    found = fit(VARIED, structure="independent")
    y, n = arms(VARIED)[measure]
    mean, tau = found.mu[measure], np.sqrt(found.between_study_cov[measure, measure])
    logits = mean + tau * np.linspace(-9, 9, 4001)
    density = stats.binom.pmf(y[:, None], n[:, None], expit(logits)) * stats.norm.pdf(logits, mean, tau)
    expected = (density @ logits) / density.sum(axis=1)
    assert found.empirical_bayes[:, measure] == pytest.approx(expected, abs=1e-6)


LARGE = Counts.from_arrays(
    tp=[400, 550, 200, 3300], fp=[50, 90, 20, 400], fn=[100, 80, 70, 500], tn=[800, 600, 450, 7000]
)
SPARSE = Counts.from_arrays(tp=[40, 55, 20, 33], fp=[5, 0, 2, 4], fn=[0, 8, 7, 5], tn=[80, 60, 45, 70])


@pytest.mark.parametrize("counts", [LARGE, SPARSE])
@pytest.mark.parametrize("structure", ["unstructured", "independent", "fixed"])
def test_weights_are_shares(counts: Counts, structure: str) -> None:
    weights = fit(counts, structure=structure).percentage_weights()
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.sum(axis=0), 100)


def test_weights_of_large_studies_are_those_of_the_normal_model() -> None:
    # With large counts the study's information is (Σ + diag(1/tp + 1/fn, 1/tn + 1/fp))⁻¹, in closed form.
    found = fit(LARGE, structure="unstructured")
    tp, fp, fn, tn = (np.asarray(getattr(LARGE, cell), dtype=float) for cell in ("tp", "fp", "fn", "tn"))
    within = np.zeros((4, 2, 2))
    within[:, 0, 0], within[:, 1, 1] = 1 / tp + 1 / fn, 1 / tn + 1 / fp
    information = np.linalg.inv(found.between_study_cov + within)
    covariance = np.linalg.inv(information.sum(axis=0))
    expected = np.diagonal(covariance @ information @ covariance, axis1=1, axis2=2) / np.diag(covariance)
    np.testing.assert_allclose(found.percentage_weights(), 100 * expected, atol=0.1)


def test_without_heterogeneity_weights_follow_the_number_of_patients() -> None:
    counts = Counts.from_arrays(tp=[80, 160], fp=[10, 30], fn=[20, 40], tn=[90, 270])
    weights = fit(counts, structure="fixed").percentage_weights()
    np.testing.assert_allclose(weights, [[100 / 3, 25], [200 / 3, 75]], rtol=1e-6)


def test_the_normal_model_is_refused() -> None:
    with pytest.raises(ValueError, match="model='binomial'"):
        fit(LARGE, model="normal").percentage_weights()


def test_a_limit_that_the_likelihood_does_not_reach_is_an_error() -> None:
    # Of so few patients, studies could differ without end: the likelihood hardly falls as the spread grows.
    few = fit(Counts.from_arrays([2, 1, 0], [5, 5, 5], [0, 1, 2], [40, 40, 40]), structure="fixed_specificity")
    with pytest.raises(ConvergenceError, match="limit is not finite: the likelihood does not fall far enough"):
        few.profile_interval("tau_sensitivity")
    assert few.profile_interval("sensitivity").upper < 1
