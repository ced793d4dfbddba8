"""Does the search find maxima at large heterogeneity and perfect arms, where nodes and starts are hardest to choose?"""

from __future__ import annotations

import numpy as np
import pytest

from hard_sets import LARGEST, arms, log_likelihood, maximum, perfect_arms, simulated
from livingreview.synthesis.bivariate import fit, fit_many
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.design import Design, Tables
from livingreview.synthesis.search_space import why_impossible

# The log-likelihood that the quadrature promises, and how far a simplex search ends from a maximum.
PROMISE = 1e-6
MAXIMUM = 1e-5


def exists(counts: Counts) -> bool:
    """Return whether the maximum-likelihood estimate of the independent model is finite."""
    design = Design.intercepts(counts.k, "independent")
    return not why_impossible(Tables.stack([counts]), design, "binomial", "none")[0]


def assert_is_the_maximum(counts: Counts, best: float) -> None:
    found = fit(counts, structure="independent")
    tau = np.sqrt(np.diag(found.between_study_cov))
    by_force = sum(log_likelihood(*at, *arm) for *at, arm in zip(found.mu, tau, arms(counts), strict=True))
    assert found.log_likelihood == pytest.approx(by_force, abs=PROMISE)
    assert found.log_likelihood == pytest.approx(best, abs=MAXIMUM)


@pytest.mark.slow
@pytest.mark.parametrize("counts", perfect_arms(), ids=lambda counts: str(counts.tp[-1]))
def test_perfect_arms_with_one_outlier_have_their_maximum(counts: Counts) -> None:
    best = [maximum(*arm) for arm in arms(counts)]
    assert best[0][1] > 2.5
    assert_is_the_maximum(counts, sum(value for value, _ in best))
    assert fit(counts, structure="unstructured").log_likelihood >= sum(value for value, _ in best) - MAXIMUM


@pytest.mark.parametrize(("hits", "tau"), [([1000, 1000, 1000, 1], 20.2), ([100, 100, 0, 1], 17.4)])
def test_a_maximum_at_very_large_heterogeneity_is_found(hits: list[int], tau: float) -> None:
    misses = (max(hits) - np.array(hits)).tolist()
    found = fit(Counts.from_arrays(hits, [10, 12, 9, 11], misses, [50, 60, 40, 70]), structure="independent")
    assert np.sqrt(found.between_study_cov[0, 0]) == pytest.approx(tau, abs=0.05)  # by force: 20,001 points


def test_a_maximum_with_perfect_sensitivities_and_opposite_logits_is_found() -> None:
    found = fit(Counts.from_arrays([17, 32, 96], [8, 5, 3], [5, 0, 0], [46, 3, 20]), structure="unstructured")
    assert found.boundary == ("rho = -1",)
    assert found.log_likelihood == pytest.approx(-12.8265485, abs=PROMISE)  # by force: 200,001 points


def test_the_likelihood_by_force_is_what_was_computed_with_forty_thousand_points() -> None:
    y, n = arms(perfect_arms()[0])[0]
    assert maximum(y, n)[0] == pytest.approx(-8.49, abs=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_every_simulated_set_with_a_maximum_has_it_found(seed: int) -> None:
    checked = 0
    for counts in filter(exists, simulated(8, seed)):
        best = [maximum(*arm) for arm in arms(counts)]
        if max(tau for _, tau in best) > LARGEST:
            continue
        assert_is_the_maximum(counts, sum(value for value, _ in best))
        checked += 1
    assert checked > 4


@pytest.mark.slow
def test_the_richer_structure_is_found_wherever_the_simpler_one_is() -> None:
    sets = [counts for counts in simulated(16, 11) if exists(counts)]
    simple, rich = (fit_many(sets, structure=structure) for structure in ("independent", "unstructured"))
    assert simple.converged.sum() > 10
    assert rich.converged[simple.converged].all()
    both = simple.converged
    assert np.all(rich.log_likelihood[both] >= simple.log_likelihood[both] - PROMISE)


@pytest.mark.parametrize("structure", ["unstructured", "independent", "auto"])
def test_many_hard_fits_at_once_are_the_fits_one_by_one(structure: str) -> None:
    sets = perfect_arms()
    batch = fit_many(sets, structure=structure).raise_failures()  # type: ignore[arg-type]
    for row, counts in enumerate(sets):
        alone = fit(counts, structure=structure)  # type: ignore[arg-type]
        assert batch.structure[row] == alone.structure
        assert batch.log_likelihood[row] == pytest.approx(alone.log_likelihood, abs=PROMISE)
        assert batch.mu[row] == pytest.approx(alone.mu, rel=1e-5)
        assert batch.mu_cov[row] == pytest.approx(alone.mu_cov, rel=1e-3, abs=1e-6)
        assert batch.between_study_cov[row] == pytest.approx(alone.between_study_cov, rel=1e-4, abs=1e-6)
