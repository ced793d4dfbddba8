"""Do the percentage weights share out the information of a bivariate fit?"""

from __future__ import annotations

import numpy as np
import pytest

from livingreview.synthesis import fit
from livingreview.synthesis.counts import Counts

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
