"""Is the binomial log-likelihood of an arm right, with its derivatives, from one participant to a hundred million?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from livingreview.synthesis.binomials import Binomials

# Every arm of up to 40, across the change from tabulated to Stirling's errors, and some large ones.
PAIRS = [(y, n) for n in range(41) for y in range(n + 1)] + [(3, 10**4), (5000, 10**4), (10**4, 10**4), (0, 10**4)]
Y, N = np.array(PAIRS, dtype=float).T
ETA = np.linspace(-4, 4, Y.size)


def arms() -> Binomials:
    """Return every arm as that of the diseased, and in the reverse order as that of the others."""
    return Binomials.prepare(np.stack([Y, Y[::-1]]), np.stack([N, N[::-1]]))


def test_the_constant_is_the_log_probability_at_the_reference() -> None:
    data = arms()
    inner = (Y > 0) & (Y < N)
    expected = stats.binom.logpmf(Y, N, np.where(inner, Y / np.maximum(N, 1), 0.5))
    np.testing.assert_allclose(data.constant, [expected, expected[::-1]], rtol=0, atol=1e-11)
    np.testing.assert_allclose(expit(data.reference), data.p, rtol=1e-14)
    assert (data.reference[0][~inner] == 0).all()


def test_score_and_curvature_are_those_of_the_log_likelihood() -> None:
    score, curvature = arms().derivatives(np.stack([ETA, -ETA]))
    for arm, (y, n, eta) in enumerate([(Y, N, ETA), (Y[::-1], N[::-1], -ETA)]):
        np.testing.assert_allclose(score[arm], y - n * expit(eta), rtol=0, atol=1e-10)
        np.testing.assert_allclose(curvature[arm], n * expit(eta) * expit(-eta), rtol=1e-11)


def test_at_a_hundred_million_a_score_next_to_its_zero_keeps_its_digits() -> None:
    y, n, shift = 123_456_789.0, 200_000_000.0, 1e-9
    data = Binomials.prepare(np.full((2, 1), y), np.full((2, 1), n))
    score, _ = data.derivatives(data.reference + shift)
    # y − nπ itself has an error of 1e-8 here; to first order the score is −n p (1 − p) times the shift.
    p = y / n
    moved = float(data.reference[0, 0] + shift) - float(data.reference[0, 0])
    assert score[0, 0] == pytest.approx(-n * p * (1 - p) * moved, rel=1e-7)


def test_louis_terms_are_the_squared_score_less_the_curvature() -> None:
    data = arms()
    some = N > 0
    score, curvature = data.derivatives(np.stack([ETA, ETA]))
    flat, tilt, bend = data.louis
    found = flat + tilt * score + bend * score**2
    np.testing.assert_allclose(found[0, some], (score**2 - curvature)[0, some], rtol=1e-9, atol=1e-8)


def test_an_arm_without_participants_is_nothing() -> None:
    data = Binomials.prepare(np.zeros((2, 1)), np.zeros((2, 1)))
    assert data.constant.tolist() == [[0], [0]]
    for part in data.derivatives(np.array([[3.0], [-2.0]])):
        assert not part.any()
    flat, tilt, _ = data.louis[:, 0, 0]
    assert (flat, np.isfinite(tilt)) == (0, True)


def test_arms_that_are_taken_are_the_same_arms() -> None:
    data = arms()
    for columns in (slice(3, 9), np.array([7, 2, 7])):
        taken = data.take(columns)
        assert taken.y[0].tolist() == Y[columns].tolist()
        assert taken.n[0].tolist() == N[columns].tolist()
        assert taken.constant.tolist() == data.constant[:, columns].tolist()
