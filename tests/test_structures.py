"""Does ``structure="auto"`` simplify only where the studies allow it?"""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import chi2

from hard_sets import perfect_arms, simulated
from livingreview.errors import ConvergenceError
from livingreview.synthesis.bivariate import fit, fit_many
from livingreview.synthesis.counts import Counts

# A specificity of 0 % or 100 % in every study: the likelihood rises with its variance without end.
EXTREME = Counts.from_arrays([18, 130, 96, 31, 134], [0, 0, 101, 0, 47], [75, 0, 5, 0, 0], [38, 143, 0, 52, 0])
# The same of one patient each says next to nothing about the variation between studies.
ONE_EACH = Counts.from_arrays([1, 1, 0, 1], [5, 4, 5, 3], [0, 0, 1, 0], [30, 40, 60, 33])
# Of one to three patients each, as far from one rate as chance may bring them, for three parameters but not for one.
FEW_EACH = Counts.from_arrays([2, 1, 1, 0], [0, 0, 2, 1], [0, 0, 0, 3], [1, 1, 0, 0])


@pytest.mark.parametrize("counts", perfect_arms(), ids=lambda counts: str(counts.tp[-1]))
def test_large_heterogeneity_is_kept(counts: Counts) -> None:
    found = fit(counts)
    assert found.structure == "unstructured"
    assert found.between_study_cov[0, 0] > 2.5**2
    assert found.sensitivity.lower < 0.85


@pytest.mark.slow
def test_a_failed_search_does_not_end_in_a_structure_that_the_studies_contradict() -> None:
    homogeneous = fit(EXTREME, structure="fixed")
    assert homogeneous.converged
    with pytest.raises(ConvergenceError, match="no fit that the studies do not contradict") as caught:
        fit(EXTREME)
    for step in (
        "search for the unstructured model's maximum failed",
        "search for the independent model's maximum failed",
        f"the fixed model's {homogeneous.log_likelihood:.2f} is significantly below the highest",
    ):
        assert step in str(caught.value)
    batch = fit_many([EXTREME, *perfect_arms()], structure="auto")
    assert batch.converged.tolist() == [False] + [True] * 5
    assert batch.failure[0].startswith("structure='auto' found no fit that the studies do not contradict")


@pytest.mark.slow
def test_a_failed_search_may_end_in_a_structure_that_fits_as_well() -> None:
    found = fit(ONE_EACH)
    assert found.structure == "fixed"
    assert "search for the unstructured model's maximum failed" in found.structure_reason
    assert "the fixed model's -9.23 is not significantly below the highest" in found.structure_reason
    batch = fit_many([ONE_EACH], structure="unstructured")
    assert not batch.converged[0]
    for lost in (batch.mu, batch.mu_cov, batch.between_study_cov, batch.log_likelihood):
        assert np.isnan(lost).all()


@pytest.mark.slow
def test_a_structure_is_judged_by_as_many_degrees_of_freedom_as_it_has_parameters_less() -> None:
    found = fit(FEW_EACH)
    assert found.structure == "fixed"
    # Two variances and a correlation less than the highest.
    highest = max(float(value) for value in re.findall(r"failed at log-likelihood (-\d+\.\d+)", found.structure_reason))
    assert chi2.isf(0.05, 1) < 2 * (highest - found.log_likelihood) < chi2.isf(0.05, 3)


@pytest.mark.slow
def test_without_a_correlation_of_one_nothing_significant_is_ever_left_out() -> None:
    sets = simulated(16, 23)
    chosen, rich = (fit_many(sets, structure=structure) for structure in ("auto", "unstructured"))
    regular = np.array([not any("rho" in name for name in names) for names in rich.boundary])
    compared = chosen.converged & rich.converged & regular
    assert compared.sum() > 8
    statistic = 2 * (rich.log_likelihood - chosen.log_likelihood)[compared]
    assert np.all(statistic < chi2.isf(0.05, 1))


@pytest.mark.parametrize("structure", ["auto", "fixed"])
def test_one_study_has_a_fixed_fit(structure: str) -> None:
    found = fit(Counts.from_arrays([40], [5], [10], [80]), structure=structure)  # type: ignore[arg-type]
    assert found.structure == "fixed"
    assert found.sensitivity.estimate == pytest.approx(0.8)


def test_two_studies_are_two_though_one_has_but_one_arm() -> None:
    two = Counts.from_arrays([40, 20], [5, 0], [10, 20], [80, 0])
    found = fit(two)
    assert "one study" not in found.structure_reason
    assert fit(two, structure="fixed_specificity").between_study_cov[0, 0] > 0
