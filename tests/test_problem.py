"""Do profiles, weights and shrunken estimates of a fitted problem follow from its likelihood?"""

from __future__ import annotations

import numpy as np
import pytest

from golden_cases import edge
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts

FIVE = Counts.from_arrays([40, 55, 20, 33, 71], [5, 9, 2, 14, 6], [10, 8, 7, 5, 30], [80, 60, 45, 70, 90])


def test_a_profile_interval_refuses_a_level_outside_0_and_1() -> None:
    with pytest.raises(ValueError, match="level is between 0 and 1"):
        fit(FIVE).profile_interval("sensitivity", 95)


def test_profile_interval_ends_where_the_deviance_says() -> None:
    counts = FIVE
    found = fit(counts, structure="independent")
    for which, index in (("sensitivity", 0), ("specificity", 1)):
        interval = found.profile_interval(which)
        wald = (found.sensitivity, found.specificity)[index]
        assert interval.lower < interval.estimate < interval.upper
        assert interval.estimate == pytest.approx(wald.estimate, rel=1e-9)
        # With five studies the profile is wider than the Wald interval, but no other order of magnitude.
        assert 0.8 < (interval.upper - interval.lower) / (wald.upper - wald.lower) < 2


def test_profile_interval_of_a_proportion_without_heterogeneity_is_the_likelihood_ratio_interval() -> None:
    counts = Counts.from_arrays([40, 40], [5, 5], [10, 10], [80, 80])
    interval = fit(counts, structure="fixed").profile_interval("sensitivity")
    for end in (interval.lower, interval.upper):
        deviance = 2 * (80 * np.log(0.8 / end) + 20 * np.log(0.2 / (1 - end)))
        assert deviance == pytest.approx(3.841458820694124, rel=1e-6)


@pytest.mark.slow
def test_profile_interval_of_a_spread_starts_at_zero_where_zero_is_not_excluded() -> None:
    found = fit(FIVE, structure="independent")
    assert found.profile_interval("tau_sensitivity").lower == 0.0
    wide = fit(edge("edge_sim500")).profile_interval("tau_specificity")
    assert 0 < wide.lower < wide.estimate < wide.upper < 2 * wide.estimate


def test_profile_interval_refuses_what_it_is_not_for() -> None:
    with pytest.raises(ValueError, match="which is one of"):
        fit(FIVE, structure="independent").profile_interval("rho")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="does not estimate tau_sensitivity"):
        fit(FIVE, structure="fixed").profile_interval("tau_sensitivity")
    with pytest.raises(ValueError, match="no profile in the means"):
        fit(FIVE, model="normal", method="reml").profile_interval("sensitivity")
    with pytest.raises(ValueError, match="without covariates"):
        fit(edge("edge_sim500"), by=["a", "b"] * 250).profile_interval("sensitivity")


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
