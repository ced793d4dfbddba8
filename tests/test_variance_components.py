"""Is the three-level likelihood that of its covariance matrix, and is CR2 what it claims to be?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, stats

from livingreview.errors import ConvergenceError
from livingreview.synthesis.variance_components import Clustered, Solution, cr2, estimate_components

Array = NDArray[np.float64]

RNG = np.random.default_rng(11)
CLUSTER = np.array([0, 0, 0, 1, 2, 2, 3, 3, 3, 3, 4])
N = len(CLUSTER)
V = RNG.uniform(0.05, 0.4, N)
X = np.linalg.qr(np.column_stack([np.ones(N), RNG.normal(size=N)]))[0]
DATA = Clustered(RNG.normal(0, 0.8, N) + np.array([2.0, -1.5, 0.5, -2.5, 1.0])[CLUSTER], V, X, CLUSTER)
COMPONENTS = [(0.0, 0.0), (0.7, 0.0), (0.0, 0.4), (0.6, 0.3)]


def total(between: float, within: float) -> Array:
    return np.diag(V + within) + between * np.equal.outer(CLUSTER, CLUSTER)


@pytest.mark.parametrize(("between", "within"), COMPONENTS)
def test_the_solution_is_generalised_least_squares(between: float, within: float) -> None:
    found, v = DATA.solve(between, within), total(between, within)
    inverse = np.linalg.inv(v)
    covariance = np.linalg.inv(X.T @ inverse @ X)
    assert found.covariance == pytest.approx(covariance)
    assert found.coefficients == pytest.approx(covariance @ X.T @ inverse @ DATA.effects)
    density = stats.multivariate_normal(X @ found.coefficients, v)
    assert found.log_likelihood == pytest.approx(density.logpdf(DATA.effects))
    # The restricted likelihood is that of what remains when the design is projected out.
    contrasts = linalg.null_space(X.T)
    remains = stats.multivariate_normal(cov=contrasts.T @ v @ contrasts)
    assert found.restricted_log_likelihood == pytest.approx(remains.logpdf(contrasts.T @ DATA.effects))
    columns = RNG.normal(size=(N, 3))
    assert DATA.precision_times(columns, between, within) == pytest.approx(inverse @ columns)
    assert DATA.sums(columns)[2] == pytest.approx(columns[4] + columns[5])


def test_the_gradients_are_those_of_the_likelihoods() -> None:
    at, step = np.array([0.6, 0.3]), 1e-5
    found = DATA.solve(*at)

    def slope(name: str) -> list[float]:
        ends = [[getattr(DATA.solve(*(at + side * shift)), name) for side in (1, -1)] for shift in step * np.eye(2)]
        return [(up - down) / (2 * step) for up, down in ends]

    assert found.gradient == pytest.approx(slope("log_likelihood"), rel=1e-7)
    assert found.restricted_gradient == pytest.approx(slope("restricted_log_likelihood"), rel=1e-7)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_estimate_has_no_gradient_and_nothing_is_higher(method: str) -> None:
    between, within = estimate_components(DATA, method)  # type: ignore[arg-type]
    name = "restricted_log_likelihood" if method == "reml" else "log_likelihood"
    found = DATA.solve(between, within)
    assert min(between, within) > 0
    gradient = found.restricted_gradient if method == "reml" else found.gradient
    assert gradient == pytest.approx([0, 0], abs=1e-7)
    grid = np.concatenate([[0.0], np.geomspace(1e-3, 20, 25)])
    assert getattr(found, name) >= max(getattr(DATA.solve(b, w), name) for b in grid for w in grid)


# Exact estimates agree, loose ones do not: one maximum is next to 0, another far from it, and some climbs end at each.
EXACT, LOOSE = 1e-4, 0.5
TWO_MAXIMA = [
    (
        [0.01, 2.61, 0.01, 0.49, -0.39, -0.02, 1.98],
        [EXACT, LOOSE, EXACT, LOOSE, LOOSE, EXACT, LOOSE],
        [0, 0, 1, 1, 2, 3, 4],
    ),
    (
        [-1.46, -0.01, -0.03, -0.01, 2.09, -0.26, 2.73],
        [LOOSE, EXACT, EXACT, EXACT, LOOSE, LOOSE, LOOSE],
        [0, 0, 1, 1, 2, 3, 4],
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("effects", "variances", "cluster"), TWO_MAXIMA)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_of_two_maxima_the_higher_is_taken(
    effects: list[float], variances: list[float], cluster: list[int], method: str
) -> None:
    k = len(effects)
    design = np.full((k, 1), k**-0.5)
    data = Clustered(np.array(effects) - np.mean(effects), np.array(variances), design, np.array(cluster))
    name = "restricted_log_likelihood" if method == "reml" else "log_likelihood"
    found = getattr(data.solve(*estimate_components(data, method)), name)  # type: ignore[arg-type]
    grid = np.concatenate([[0.0], np.geomspace(1e-5, 20, 60)])
    assert found >= max(getattr(data.solve(b, w), name) for b in grid for w in grid)


@pytest.mark.parametrize(("between", "within"), COMPONENTS)
def test_cr2_is_unbiased_under_its_working_model_with_satterthwaites_degrees_of_freedom(
    between: float, within: float
) -> None:
    back = np.array([[1.5, -0.4], [0.0, 2.0]])
    v = total(between, within)

    def variances(effects: Array) -> Array:
        return cr2(replace(DATA, effects=effects), between, within, back)[0]

    # The estimator is quadratic in the effects, so that its mean is a sum over the columns of a root of V.
    mean = sum(variances(column) for column in np.linalg.cholesky(v).T)
    model = back @ DATA.solve(between, within).covariance @ back.T
    assert mean == pytest.approx(model)
    # The matrix M of each variance yᵀMy by polarisation; Satterthwaite: (tr MV)² / tr (MV)².
    unit = np.eye(N)
    alone = [np.diag(variances(row)) for row in unit]
    m = np.array(
        [[(np.diag(variances(unit[i] + unit[j])) - alone[i] - alone[j]) / 2 for j in range(N)] for i in range(N)]
    )
    df = cr2(DATA, between, within, back)[1]
    for coefficient in (0, 1):
        product = m[:, :, coefficient] @ v
        assert df[coefficient] == pytest.approx(np.trace(product) ** 2 / np.trace(product @ product))


def test_a_cluster_that_the_fit_reproduces_has_no_residual_to_adjust() -> None:
    # The second column is the indicator of the last cluster, whose single estimate is therefore fitted exactly.
    design = np.linalg.qr(np.column_stack([np.ones(N), CLUSTER == 4]))[0]
    covariance, df = cr2(replace(DATA, design=design), 0.6, 0.3, np.eye(2))
    assert np.isfinite(covariance).all()
    assert (df > 0).all()


@pytest.mark.slow
def test_a_search_that_ends_on_a_slope_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def sloping(self: Clustered, between: float, within: float) -> Solution:
        rise = np.array([1.0, 1.0])
        return Solution(np.zeros(2), np.eye(2), between + within, between + within, rise, rise)

    monkeypatch.setattr(Clustered, "solve", sloping)
    monkeypatch.setattr("livingreview.synthesis.variance_components._polish", lambda _, point: point)
    with pytest.raises(ConvergenceError, match="no maximum that the search can reach"):
        estimate_components(DATA, "reml")
