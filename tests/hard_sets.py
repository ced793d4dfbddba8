"""Data sets whose maximum lies at large heterogeneity, and their likelihood by brute force."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, gammaln, log_expit, logsumexp

from livingreview.synthesis.counts import Counts

FloatArray = NDArray[np.float64]

# tp, fp, fn, tn of studies of which most detect every case and one misses a third.
COMMON = [[46, 1, 0, 32], [15, 8, 7, 46], [20, 4, 1, 17], [32, 5, 0, 3]]
LAST = [[112, 4, 0, 32], [115, 4, 0, 24], [130, 4, 0, 26], [94, 3, 0, 20], [139, 5, 0, 41]]
# Twelve standard deviations of the logit are beyond what any such study should be, and within what is searched.
LARGEST = 12.0

_Z = np.linspace(-8.5, 8.5, 1201)
_LOG_WEIGHT = -0.5 * _Z**2 - 0.5 * np.log(2 * np.pi) + np.log(_Z[1] - _Z[0])


def perfect_arms() -> list[Counts]:
    """Return five sets in which four of five sensitivities are 95 % to 100 %, and one 68 %."""
    return [Counts.from_arrays(*np.array([*COMMON, last]).T) for last in LAST]


def simulated(sets: int, seed: int) -> list[Counts]:
    """Return sets of four to six studies of 10 to 150 people in each arm, with tau 2 to 5 about logits 3 to 6."""
    generator = np.random.default_rng(seed)
    result = []
    for _ in range(sets):
        k = generator.integers(4, 7)
        mean, tau = generator.uniform(3, 6, (2, 1)), generator.uniform(2, 5, (2, 1))
        n = generator.integers(10, 151, (2, k))
        tp, tn = generator.binomial(n, expit(mean + tau * generator.standard_normal((2, k))))
        result.append(Counts.from_arrays(tp, n[1] - tn, n[0] - tp, tn))
    return result


def log_likelihood(mean: float, tau: float, y: FloatArray, n: FloatArray) -> float:
    """Return one arm's log-likelihood by the trapezoidal rule on a dense grid."""
    eta = mean + tau * _Z
    log_binomial = y[:, None] * log_expit(eta) + (n - y)[:, None] * log_expit(-eta)
    constant = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    return float((logsumexp(log_binomial + _LOG_WEIGHT, axis=1) + constant).sum())


def maximum(y: FloatArray, n: FloatArray) -> tuple[float, float]:
    """Return the largest of one arm's log-likelihoods that a simplex search finds from three starts, and its tau."""
    total = np.log((y.sum() + 0.5) / ((n - y).sum() + 0.5))
    found = [
        minimize(
            lambda at: -log_likelihood(at[0], at[1], y, n),
            (factor * total, tau),
            method="Nelder-Mead",
            options={"xatol": 1e-4, "fatol": 1e-8},
        )
        for factor, tau in ((1.0, 0.1), (1.5, 2.0), (2.5, 5.0))
    ]
    best = min(found, key=lambda result: float(result.fun))
    return -float(best.fun), abs(float(best.x[1]))


def arms(counts: Counts) -> list[tuple[FloatArray, FloatArray]]:
    """Return successes and trials of both arms."""
    pairs = ((counts.tp, counts.n_diseased), (counts.tn, counts.n_nondiseased))
    return [(y.astype(np.float64), n.astype(np.float64)) for y, n in pairs]
