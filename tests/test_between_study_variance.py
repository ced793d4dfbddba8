"""Are the moments those of the matrices that define them, and does each estimator solve its own equation?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, stats

from livingreview.errors import ConvergenceError
from livingreview.synthesis.between_study_variance import Method, Problem, estimate, q_root, standard_error

Array = NDArray[np.float64]

RNG = np.random.default_rng(8)
K = 8
X = np.column_stack([np.ones(K), RNG.normal(size=K), RNG.normal(size=K)])
Y = X @ [0.5, 1.0, -1.0] + RNG.normal(0, 2.0, K)
V = RNG.uniform(0.05, 0.6, K)
EVERY_STUDY = np.ones((1, K), dtype=bool)
# Everyone, and three subsets of the studies.
INCLUDE = np.array([np.ones(K), np.arange(K) != 2, np.arange(K) < 6, np.arange(K) != 7], dtype=bool)
METHODS: tuple[Method, ...] = ("dl", "pm", "reml", "ml")


def by_matrices(chosen: Array, tau2: float) -> dict[str, Any]:
    """Return each moment by its definition, from the studies chosen."""
    x, y, v = X[chosen], Y[chosen], V[chosen]
    w = np.diag(1 / (v + tau2))
    inverse = np.linalg.inv(x.T @ w @ x)
    p = w - w @ x @ inverse @ x.T @ w
    coefficients = inverse @ x.T @ w @ y
    contrasts = linalg.null_space(x.T)
    restricted = stats.multivariate_normal(cov=contrasts.T @ np.diag(v + tau2) @ contrasts).logpdf(contrasts.T @ y)
    return {
        "precision_inverse": inverse,
        "coefficients": coefficients,
        "q": y @ p @ y,
        "ypp": y @ p @ p @ y,
        "yppp": y @ p @ p @ p @ y,
        "trace_w": np.trace(w),
        "trace_ww": np.trace(w @ w),
        "trace_p": np.trace(p),
        "trace_pp": np.trace(p @ p),
        "log_likelihood": np.sum(stats.norm(x @ coefficients, np.sqrt(v + tau2)).logpdf(y)),
        "restricted_log_likelihood": restricted - 0.5 * np.linalg.slogdet(x.T @ x)[1],
    }


def test_the_moments_of_each_subset_are_those_of_its_matrices() -> None:
    tau2 = np.array([0.0, 0.3, 1.7, 40.0])
    found = Problem(Y, V, X, INCLUDE).moments(tau2)
    for row, chosen in enumerate(INCLUDE):
        for name, expected in by_matrices(chosen, tau2[row]).items():
            np.testing.assert_allclose(getattr(found, name)[row], expected, rtol=1e-9, err_msg=name)
    np.testing.assert_array_equal(found.weights > 0, INCLUDE)


@pytest.mark.parametrize("method", METHODS)
def test_each_estimate_solves_its_equation_on_every_subset(method: Method) -> None:
    found = estimate(Problem(Y, V, X, INCLUDE), method)
    assert (found > 0.05).all()
    for tau2, chosen in zip(found, INCLUDE, strict=True):
        df = chosen.sum() - X.shape[1]
        at = by_matrices(chosen, tau2)
        if method == "dl":
            start = by_matrices(chosen, 0.0)
            # E Q = k − p + τ² tr P at the weights 1 / v.
            assert start["q"] == pytest.approx(df + tau2 * start["trace_p"])
        elif method == "pm":
            assert at["q"] == pytest.approx(df, rel=1e-11)
        else:
            trace = at["trace_p"] if method == "reml" else at["trace_w"]
            assert at["ypp"] == pytest.approx(trace, rel=1e-9)


# Exact studies agree, loose ones do not: the likelihood has a maximum next to 0 and one far from it.
TWO_MAXIMA = {
    "the farther": ([0.0, 0.02, 3.0, -2.6, 2.2, 4.0, -3.5], [1e-4] * 2 + [0.5] * 5),
    "the nearer": ([0.0, 0.01, -0.01, 1.5, -1.5, 1.0], [1e-3] * 3 + [0.3] * 3),
}


@pytest.mark.parametrize("higher", TWO_MAXIMA)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_of_two_maxima_the_higher_is_taken(method: Method, higher: str) -> None:
    y, v = map(np.array, TWO_MAXIMA[higher])
    problem = Problem(y, v, np.ones((len(y), 1)), np.ones((1, len(y)), dtype=bool))

    def height(tau2: float) -> float:
        moments = problem.moments(np.array([tau2]))
        both = {"reml": moments.restricted_log_likelihood, "ml": moments.log_likelihood}
        return float(both[method][0])

    (found,) = estimate(problem, method)
    assert (found > 1) == (higher == "the farther")
    assert height(found) >= max(height(tau2) for tau2 in (0.0, *np.geomspace(1e-6, 50, 400)))


@pytest.mark.parametrize("method", METHODS)
def test_studies_that_agree_have_no_variance_between_them(method: Method) -> None:
    alike = Problem(np.array([0.50, 0.51, 0.49, 0.5]), np.full(4, 0.2), np.ones((4, 1)), np.ones((1, 4), dtype=bool))
    assert estimate(alike, method).tolist() == [0]


@pytest.mark.parametrize("method", METHODS)
def test_without_a_degree_of_freedom_there_is_none_either(method: Method) -> None:
    two = np.array([[True, True, False], [True, True, True]])
    problem = Problem(np.array([0.0, 5.0, 9.0]), np.full(3, 0.1), np.column_stack([np.ones(3), [0.0, 1.0, 5.0]]), two)
    saturated, one_left = estimate(problem, method)
    assert saturated == 0
    assert one_left > 1


def test_q_reaches_its_target_or_is_below_it_from_the_start() -> None:
    three = np.ones((3, K), dtype=bool)
    problem = Problem(Y, V, X, three)
    start = float(problem.moments(np.zeros(3)).q[0])
    found = q_root(problem, np.array([0.25 * start, 1.01 * start, -1.0]))
    assert by_matrices(three[0], found[0])["q"] == pytest.approx(0.25 * start, rel=1e-11)
    assert found[1:].tolist() == [0, 0]


def test_standard_errors_are_those_of_the_expected_information_and_of_the_moments() -> None:
    problem, tau2 = Problem(Y, V, X, EVERY_STUDY), 0.4
    at, start = by_matrices(EVERY_STUDY[0], tau2), by_matrices(EVERY_STUDY[0], 0.0)
    df, total = K - 3, np.diag(V + tau2)
    # DerSimonian and Laird's is linear in Q, whose variance is 2 tr (P V P V) with P at the weights 1 / v.
    w = np.diag(1 / V)
    p = w - w @ X @ start["precision_inverse"] @ X.T @ w
    variance_of_q = 2 * np.trace(p @ total @ p @ total)
    expected = {
        "reml": (2 / at["trace_pp"]) ** 0.5,
        "ml": (2 / at["trace_ww"]) ** 0.5,
        "dl": variance_of_q**0.5 / start["trace_p"],
        "pm": K / at["trace_w"] * (2 / df) ** 0.5,
    }
    for method in METHODS:
        assert standard_error(problem, method, np.array([tau2]))[0] == pytest.approx(expected[method])
    assert np.isnan(standard_error(problem, "fixed", np.zeros(1))).all()


@pytest.mark.parametrize(("method", "said"), [("pm", "did not settle"), ("reml", "no maximum"), ("ml", "no maximum")])
def test_an_iteration_that_does_not_settle_says_so(method: Method, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livingreview.synthesis.between_study_variance.MAX_STEPS", 1)
    with pytest.raises(ConvergenceError, match=said):
        estimate(Problem(Y, V, X, EVERY_STUDY), method)
