"""Is the marginal likelihood of a study right, to the digits that are promised, with the right derivatives?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate as quadrature
from scipy.stats import binom, norm

from golden_cases import EVERY, Case
from livingreview.synthesis.binomial_model import BinomialModel
from livingreview.synthesis.binomials import Binomials
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.design import Design
from livingreview.synthesis.glmm import find_modes, first_guess, integrate, log_likelihoods, logit_spreads
from livingreview.synthesis.solve import ACCURACY, objectives

FloatArray = NDArray[np.float64]

# What the package promises of a data set's log-likelihood.
PROMISE = 1e-6
STUDIES = [(40, 50, 75, 80), (5, 5, 0, 12), (0, 0, 3, 9), (17, 30, 0, 0), (1, 900, 899, 900)]
PARAMETERS = np.array([1.2, 1.8, 0.9, -0.5, 0.7])


def arms(studies: list[tuple[int, ...]]) -> Binomials:
    y1, n1, y2, n2 = np.array(studies, dtype=float).T
    return Binomials.prepare(np.stack([y1, y2]), np.stack([n1, n2]))


def local(parameters: FloatArray, count: int) -> FloatArray:
    return np.repeat(parameters[:, None], count, axis=1)


def modes(data: Binomials, at: FloatArray) -> FloatArray:
    return find_modes(data, at, first_guess(data))


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("l22", [0.7, 0.0])
def test_integral_agrees_with_direct_quadrature(study: tuple[int, ...], l22: float) -> None:
    y1, n1, y2, n2 = study
    parameters = np.array([1.2, 1.8, 0.9, -0.5, l22])
    m1, m2, l11, l21, _ = parameters

    def inner(z1: float) -> float:
        first = binom.pmf(y1, n1, 1 / (1 + np.exp(-m1 - l11 * z1)))
        z2 = np.linspace(-14, 14, 2801)
        second = binom.pmf(y2, n2, 1 / (1 + np.exp(-m2 - l21 * z1 - l22 * z2))) * norm.pdf(z2)
        return float(first * quadrature.trapezoid(second, z2) * norm.pdf(z1))

    z1 = np.linspace(-14, 14, 2801)
    expected = np.log(quadrature.trapezoid([inner(z) for z in z1], z1))
    data, at = arms([study]), local(parameters, 1)
    assert log_likelihoods(data, at, modes(data, at), 45)[0] == pytest.approx(expected, abs=1e-8)


def test_score_and_second_derivatives_are_those_of_the_log_likelihood() -> None:
    data = arms(STUDIES)

    def value(parameters: FloatArray) -> FloatArray:
        at = local(parameters, len(STUDIES))
        return log_likelihoods(data, at, modes(data, at), 35)

    def score(parameters: FloatArray) -> FloatArray:
        at = local(parameters, len(STUDIES))
        return integrate(data, at, modes(data, at), 35).score

    at = local(PARAMETERS, len(STUDIES))
    found = integrate(data, at, modes(data, at), 35)
    step = 1e-5
    for j, unit in enumerate(np.eye(5) * step):
        slope = (value(PARAMETERS + unit) - value(PARAMETERS - unit)) / (2 * step)
        bend = (score(PARAMETERS + unit) - score(PARAMETERS - unit)) / (2 * step)
        assert found.score[:, j] == pytest.approx(slope, abs=1e-7)
        assert found.hessian[:, j] == pytest.approx(bend, abs=1e-6)


def test_without_heterogeneity_the_integral_is_the_binomial_probability() -> None:
    data = arms(STUDIES)
    at = local(np.array([1.2, 1.8, 0.0, 0.0, 0.0]), len(STUDIES))
    y1, n1, y2, n2 = np.array(STUDIES).T
    expected = binom.logpmf(y1, n1, 1 / (1 + np.exp(-1.2))) + binom.logpmf(y2, n2, 1 / (1 + np.exp(-1.8)))
    assert log_likelihoods(data, at, modes(data, at), 9) == pytest.approx(expected, abs=1e-9)


def test_empty_arms_contribute_nothing() -> None:
    one, none = arms([(17, 30, 0, 0)]), arms([(0, 0, 0, 0)])
    at = local(PARAMETERS, 1)
    assert log_likelihoods(none, at, modes(none, at), 9)[0] == pytest.approx(0.0, abs=1e-12)
    # The other arm's parameters do not matter to a row without it.
    moved = local(np.array([1.2, -3.0, 0.9, 2.0, 0.1]), 1)
    values = [log_likelihoods(one, x, modes(one, x), 27)[0] for x in (at, moved)]
    assert values[0] == pytest.approx(values[1], abs=1e-8)


def test_modes_are_where_the_integrand_is_flat() -> None:
    data = arms(STUDIES)
    at = local(np.array([4.0, -5.0, 3.0, -2.0, 4.0]), len(STUDIES))  # far from the data, so that damping matters
    z = modes(data, at)[:2]
    score = data.derivatives(at[:2] + np.stack([at[2] * z[0], at[3] * z[0] + at[4] * z[1]])).score
    slope = np.stack([at[2] * score[0] + at[3] * score[1] - z[0], at[4] * score[1] - z[1]])
    curvature = 1 + 0.25 * data.n.max() * at[2:].max() ** 2
    assert np.abs(slope).max() < 1e-3 * curvature


@pytest.mark.parametrize("spreads", [(0.9, -0.5, 0.7), (1.4, 1.1, 0.0), (0.2, 0.3, 2.5), (0.0, 0.0, 0.8)])
def test_the_spread_of_a_study_s_logits_is_that_of_the_parabola_at_the_mode(spreads: tuple[float, ...]) -> None:
    data, at = arms(STUDIES), local(np.array([1.2, 1.8, *spreads]), len(STUDIES))
    found = modes(data, at)
    factor = np.array([[spreads[0], 0.0], [spreads[1], spreads[2]]])
    weight = data.derivatives(at[:2] + factor @ found[:2]).curvature
    for i, (_, n1, _, n2) in enumerate(STUDIES):
        covariance = factor @ np.linalg.inv(np.eye(2) + factor.T @ np.diag(weight[:, i]) @ factor) @ factor.T
        counted = np.diag(covariance)[np.array([n1, n2]) > 0]
        # The mode is found to a twentieth of a standard deviation, its curvature accordingly.
        assert logit_spreads(data, at, found)[i] == pytest.approx(np.sqrt(counted.max()), rel=0.01)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "edge_perfect_spec"])
def test_more_nodes_do_not_change_the_log_likelihood(name: str, load_case: Callable[[str], Case]) -> None:
    found = fit(load_case(name).counts, structure="unstructured")
    problem = found.problem
    objective = objectives(problem.tables, problem.design, problem.settings)
    assert isinstance(objective, BinomialModel)
    theta, one = problem.theta[None], np.arange(1)
    chosen = objective.refine(theta, ACCURACY)(one, theta).value[0]
    data, at = objective.data, problem.design.local(theta)
    finest = log_likelihoods(data, at, modes(data, at), 90).sum()
    assert chosen == pytest.approx(finest, abs=PROMISE / 2)


def test_studies_of_many_data_sets_are_the_studies_of_each() -> None:
    design = Design.intercepts(len(STUDIES), "unstructured")
    y1, n1, y2, n2 = np.array(STUDIES, dtype=float).T
    y, n = np.stack([y1, y2]), np.stack([n1, n2])
    twice = BinomialModel(Binomials.prepare(np.tile(y, 2), np.tile(n, 2)), design)
    once = BinomialModel(Binomials.prepare(y, n), design)
    theta = np.stack([PARAMETERS, PARAMETERS + 0.3])
    together = twice.refine(theta, 1e-9)(np.arange(2), theta)
    for row in (0, 1):
        alone = once.refine(theta[row : row + 1], 1e-9)(np.arange(1), theta[row : row + 1])
        for whole, part in zip(together, alone, strict=True):
            # Not the same digits: modes that are found together or alone place the nodes slightly differently.
            assert whole[row] == pytest.approx(part[0], abs=1e-7)


def test_single_precision_is_never_reached_at_a_hundred_million() -> None:
    y, n = 123_456_789.0, 200_000_000.0
    data = Binomials.prepare(np.array([[y], [0.0]]), np.array([[n], [0.0]]))
    expected = -0.5 * np.log(2 * np.pi * y * (1 - y / n))
    assert data.constant[0, 0] == pytest.approx(expected, abs=1e-8)
