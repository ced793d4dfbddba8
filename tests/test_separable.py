"""Are the integrals of weakly coupled studies those of the full quadrature, and are the others left to it?"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from livingreview.synthesis import Counts, fit, separable
from livingreview.synthesis.binomials import Binomials
from livingreview.synthesis.glmm import find_modes, first_guess, log_likelihoods
from livingreview.synthesis.glmm import integrate as in_full

FloatArray = NDArray[np.float64]

COUNTS = [(40, 50), (50, 50), (0, 8), (1, 900), (995, 1000), (0, 0)]
MEANS = [(1.2, 1.8), (4.0, -1.0)]
SPREADS = [(0.1, 0.0, 0.3), (0.9, -0.5, 0.7), (1.8, 0.6, 0.4), (0.0, 0.0, 0.0), (0.8, 0.0, 0.0), (3.0, -1.0, 2.0)]


def studies() -> tuple[Binomials, FloatArray, FloatArray]:
    """Return every pair of arms under every mean and spread: data, local parameters, modes."""
    rows = list(itertools.product(COUNTS, COUNTS[:-1], MEANS, SPREADS))
    y = np.array([[a[0], b[0]] for a, b, *_ in rows], dtype=float).T
    n = np.array([[a[1], b[1]] for a, b, *_ in rows], dtype=float).T
    local = np.array([[*mean, *spread] for *_, mean, spread in rows]).T
    data = Binomials.prepare(y, n)
    return data, local, find_modes(data, local, first_guess(data))


def test_every_integral_that_is_done_is_that_of_the_full_quadrature() -> None:
    data, local, modes = studies()
    found, done = separable.integrate(data, local, modes)
    expected = in_full(data, local, modes, 173)
    assert 0.7 < done.mean() < 1.0
    for part, whole, accuracy in zip(found, expected, (2e-8, 1e-6, 1e-5), strict=True):
        assert np.abs(part - whole)[done].max() < accuracy


def test_many_studies_give_what_each_gives_alone() -> None:
    data, local, modes = studies()
    found, done = separable.integrate(data, local, modes)
    assert done.size > separable.CHUNK
    for i in range(0, done.size, 7):
        alone, settled = separable.integrate(data.take([i]), local[:, [i]], modes[:, [i]])
        if done[i] and settled[0]:
            assert alone.log_likelihood[0] == pytest.approx(found.log_likelihood[i], abs=1e-8)


def test_an_empty_arm_leaves_the_other_one() -> None:
    data = Binomials.prepare(np.array([[0.0], [17.0]]), np.array([[0.0], [30.0]]))
    local = np.array([[1.0], [0.5], [0.9], [0.0], [0.7]])
    found, done = separable.integrate(data, local, find_modes(data, local, first_guess(data)))
    assert done.all()
    assert found.score[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert found.hessian[0, 0, 0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("l22", [0.0, 1e-9, 0.05])
def test_strong_coupling_is_left_to_the_full_quadrature(l22: float) -> None:
    data = Binomials.prepare(np.array([[4.0], [17.0]]), np.array([[5.0], [30.0]]))
    local = np.array([[1.0], [0.5], [0.9], [-0.6], [l22]])
    modes = find_modes(data, local, first_guess(data))
    assert not separable.weakly_coupled(local, modes).any()
    assert not separable.integrate(data, local, modes)[1].any()


def test_a_series_that_has_not_settled_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    data, local, modes = studies()
    data, local, modes = data.take(slice(0, None, 4)), local[:, ::4], modes[:, ::4]
    _, before = separable.integrate(data, local, modes)
    monkeypatch.setattr(separable, "NEGLIGIBLE", 1e-3)
    found, done = separable.integrate(data, local, modes)
    assert done.sum() < before.sum()
    error = np.abs(found.log_likelihood - in_full(data, local, modes, 173).log_likelihood)
    assert error[done].max() < 2e-8


def test_a_skew_study_left_to_the_full_quadrature_gets_nodes_enough() -> None:
    # Of 161 people nobody is a false positive in the fifth study; its series does not settle at the optimum.
    counts = Counts.from_arrays(
        tp=[354, 281, 218, 166, 1644, 238, 3693, 456, 74, 254, 547, 91],
        fp=[7, 358, 198, 6, 0, 874, 320, 756, 464, 32, 255, 128],
        fn=[104, 114, 93, 109, 249, 69, 657, 199, 17, 54, 165, 12],
        tn=[453, 283, 1, 2061, 161, 232, 54, 35, 162, 1291, 6, 112],
    )
    result = fit(counts, structure="unstructured")
    y = np.array([counts.tp, counts.tn], dtype=float)
    data = Binomials.prepare(y, np.array([counts.n_diseased, counts.n_nondiseased], dtype=float))
    local = np.repeat(result.problem.theta[:, None], counts.k, axis=1)
    modes = find_modes(data, local, first_guess(data))
    assert not separable.integrate(data, local, modes)[1].all()
    assert result.log_likelihood == pytest.approx(log_likelihoods(data, local, modes, 191).sum(), abs=1e-7)
