"""Does each study get the nodes that its integral needs, whatever the other studies need?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from livingreview.synthesis.arrays import FloatArray
from livingreview.synthesis.binomial_model import RUNGS, SEPARABLE, WIDE_RUNGS, BinomialModel
from livingreview.synthesis.binomials import Binomials
from livingreview.synthesis.design import Design
from livingreview.synthesis.glmm import find_modes, first_guess, log_likelihoods

# Plain studies, perfect and empty arms, small and large ones.
STUDIES = [(40, 50, 75, 80), (5, 5, 0, 12), (0, 0, 3, 9), (17, 30, 0, 0), (1, 900, 899, 900), (60, 60, 58, 58)]
CALM = np.array([1.2, 1.8, 0.3, -0.1, 0.2])
WILD = np.array([3.0, 4.0, 4.5, -2.0, 3.0])
DESIGN = Design.intercepts(len(STUDIES), "unstructured")


def arms(sets: int = 1) -> Binomials:
    y1, n1, y2, n2 = np.tile(np.array(STUDIES, dtype=float).T, sets)
    return Binomials.prepare(np.stack([y1, y2]), np.stack([n1, n2]))


def by_study(theta: FloatArray, nodes: int) -> FloatArray:
    """Return each study's log-likelihood under so many nodes."""
    data, local = arms(), DESIGN.local(theta[None])
    return log_likelihoods(data, local, find_modes(data, local, first_guess(data)), nodes)


@pytest.mark.parametrize("theta", [CALM, WILD], ids=["calm", "wild"])
def test_a_study_s_integral_is_as_exact_as_its_own_nodes_make_it(theta: FloatArray) -> None:
    nodes = np.array([RUNGS[0], WIDE_RUNGS[-1], RUNGS[3], SEPARABLE, RUNGS[-1], WIDE_RUNGS[1]])
    found = BinomialModel(arms(), DESIGN, nodes).integrals(np.arange(1), theta[None]).log_likelihood
    truth = by_study(theta, 301)
    for i, wanted in enumerate(nodes):
        allowed = abs(by_study(theta, int(wanted) or RUNGS[-1])[i] - truth[i])
        assert abs(found[i] - truth[i]) <= 1.01 * allowed + 2e-8


@pytest.mark.parametrize("accuracy", [1e-3, 1e-5, 2e-7])
@pytest.mark.parametrize("theta", [CALM, WILD, 0.5 * WILD], ids=["calm", "wild", "between"])
def test_a_refined_likelihood_is_as_exact_as_was_asked(theta: FloatArray, accuracy: float) -> None:
    coarse = BinomialModel(arms(), DESIGN)
    refined = coarse.refine(theta[None], accuracy)(np.arange(1), theta[None]).value[0]
    assert refined == pytest.approx(by_study(theta, 301).sum(), abs=accuracy)


@pytest.mark.slow
def test_hundreds_of_studies_are_as_exact_as_was_asked() -> None:
    rng, b = np.random.default_rng(1), 300
    n = rng.choice([1, 3, 8, 20, 60, 150, 1000], (2, b))
    mean, rho = rng.uniform(-1, 6, (2, b)), rng.uniform(-1, 1, b)
    tau = np.exp(rng.uniform(np.log(0.05), np.log(6), (2, b)))
    y = rng.binomial(n, expit(mean + tau * rng.standard_normal((2, b))))
    theta = np.stack([*mean, tau[0], rho * tau[1], np.sqrt(1 - rho**2) * tau[1]], axis=1)
    data, design = Binomials.prepare(y.astype(float), n.astype(float)), Design.intercepts(1, "unstructured")
    local = design.local(theta)
    truth = log_likelihoods(data, local, find_modes(data, local, first_guess(data)), 245)
    for accuracy in (1e-3, 1e-5, 2e-7):
        error = np.abs(BinomialModel(data, design).refine(theta, accuracy)(np.arange(b), theta).value - truth)
        # The accuracy is aimed at; a few may miss it by a little.
        assert np.mean(error > accuracy) < 0.02
        assert error.max() < 2 * accuracy


def test_under_the_coarsest_nodes_much_heterogeneity_is_not_right_yet() -> None:
    coarse = BinomialModel(arms(), DESIGN)(np.arange(1), WILD[None]).value[0]
    assert abs(coarse - by_study(WILD, 301).sum()) > 1e-3


def test_nodes_are_the_same_whether_the_likelihood_was_known_there_or_not() -> None:
    one, theta = np.arange(1), CALM[None]
    known = BinomialModel(arms(), DESIGN)
    known(one, theta)
    elsewhere = BinomialModel(arms(), DESIGN)
    elsewhere(one, WILD[None])
    never = BinomialModel(arms(), DESIGN)
    values = [model.refine(theta, 1e-3)(one, theta).value[0] for model in (known, elsewhere, never)]
    assert values == pytest.approx([values[0]] * 3, abs=1e-12)
    assert abs(values[0] - by_study(CALM, 301).sum()) > 1e-10  # no more nodes than this accuracy needs


def test_data_sets_are_refined_each_for_itself() -> None:
    both, theta = BinomialModel(arms(2), DESIGN), np.stack([CALM, WILD])
    both(np.arange(2), theta)
    found = both.refine(theta, 2e-7)
    for row in (0, 1):
        (alone,) = found(np.array([row]), theta[row : row + 1]).value
        assert alone == pytest.approx(by_study(theta[row], 301).sum(), abs=2e-7)
    together = found(np.arange(2), theta).value
    assert together == pytest.approx([by_study(at, 301).sum() for at in theta], abs=2e-7)
