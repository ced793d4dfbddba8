"""Is the normal model's likelihood right, with the right derivatives, restricted or not?"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts, corrected
from livingreview.synthesis.design import Design
from livingreview.synthesis.normal_model import EmpiricalLogits, Method, NormalModel

FloatArray = NDArray[np.float64]
THETA = np.array([1.1, 1.7, 0.6, -0.4, 0.5])


def counts() -> Counts:
    return Counts.from_arrays(
        [40, 55, 20, 33, 71, 12], [5, 9, 2, 14, 6, 0], [10, 8, 7, 5, 30, 3], [80, 60, 45, 70, 90, 0]
    )


def model(method: Method, design: Design | None = None) -> NormalModel:
    table = counts()
    observed = np.stack([table.n_diseased, table.n_nondiseased], axis=1) > 0
    logits = EmpiricalLogits.from_cells(*corrected(table, "all"), observed.astype(float))
    return NormalModel(logits, design or Design.intercepts(table.k, "unstructured"), method)


def test_log_likelihood_is_the_normal_density_and_the_jacobian() -> None:
    tp, fp, fn, tn = corrected(counts(), "all")
    l11, l21, l22 = THETA[2:]
    factor = np.array([[l11, 0], [l21, l22]])
    expected = 0.0
    for i in range(5):
        y = np.log([tp[i] / fn[i], tn[i] / fp[i]])
        within = np.diag([1 / tp[i] + 1 / fn[i], 1 / tn[i] + 1 / fp[i]])
        expected += multivariate_normal.logpdf(y, THETA[:2], within + factor @ factor.T)
        p = 1 / (1 + np.exp(-y))
        expected += np.log(1 / p + 1 / (1 - p)).sum()
    # The last row has no non-diseased: one logit alone.
    y, p = np.log(tp[5] / fn[5]), tp[5] / (tp[5] + fn[5])
    expected += multivariate_normal.logpdf(y, THETA[0], 1 / tp[5] + 1 / fn[5] + l11**2) - np.log(p * (1 - p))
    assert model("ml")(np.arange(1), THETA[None]).value[0] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("method", ["ml", "reml"])
def test_derivatives_are_those_of_the_log_likelihood(method: Method) -> None:
    x = np.stack([np.ones(6), [0, 0, 1, 1, 0, 1]], axis=1)
    design = Design(x, x, "unstructured")
    objective = model(method, design)
    theta = np.array([1.1, 0.2, 1.7, -0.3, 0.6, -0.4, 0.5])
    one = np.arange(1)
    found = objective(one, theta[None])
    step = 1e-5
    for j, unit in enumerate(np.eye(theta.size) * step):
        above, below = (objective(one, point[None]) for point in (theta + unit, theta - unit))
        assert found.gradient[0, j] == pytest.approx((above.value[0] - below.value[0]) / (2 * step), abs=1e-7)
        bend = (above.gradient[0] - below.gradient[0]) / (2 * step)
        assert found.hessian[0, j] == pytest.approx(bend, abs=1e-6)


def test_restricted_likelihood_differs_by_the_information_of_the_means() -> None:
    one = np.arange(1)
    ml, reml = (model(method)(one, THETA[None]).value[0] for method in ("ml", "reml"))
    information = model("ml").information_of_means(one, THETA[None])[0]
    expected = -0.5 * np.linalg.slogdet(information)[1] + np.log(2 * np.pi)
    assert reml - ml == pytest.approx(expected, abs=1e-10)


def test_fixed_structure_is_inverse_variance_pooling() -> None:
    table = counts().subset(np.arange(5))
    found = fit(table, model="normal", structure="fixed")
    y = np.log([table.tp / table.fn, table.tn / table.fp])
    w = 1 / np.array([1 / table.tp + 1 / table.fn, 1 / table.tn + 1 / table.fp])
    assert found.mu == pytest.approx((w * y).sum(axis=1) / w.sum(axis=1), rel=1e-9)
    assert np.diag(found.mu_cov) == pytest.approx(1 / w.sum(axis=1), rel=1e-9)


def test_restricted_variance_is_larger() -> None:
    table = counts().subset(np.arange(5))
    ml, reml = (fit(table, model="normal", method=method, structure="independent") for method in ("ml", "reml"))
    assert np.all(np.diag(reml.between_study_cov) >= np.diag(ml.between_study_cov))


def test_predictions_of_the_studies_are_weighted_means() -> None:
    table = counts().subset(np.arange(5))
    found = fit(table, model="normal", structure="independent")
    y = np.log([table.tp / table.fn, table.tn / table.fp]).T
    within = np.array([1 / table.tp + 1 / table.fn, 1 / table.tn + 1 / table.fp]).T
    share = np.diag(found.between_study_cov) / (np.diag(found.between_study_cov) + within)
    assert found.empirical_bayes == pytest.approx(found.mu + share * (y - found.mu), rel=1e-9)
