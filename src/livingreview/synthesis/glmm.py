"""The exact marginal likelihood of the bivariate binomial-normal model, study by study.

For a study with linear predictors m = (m₁, m₂) and Cholesky factor L of the between-study covariance,

    ℓ = log ∫ Bin(tp | n₁, expit(m₁ + l₁₁z₁)) Bin(tn | n₂, expit(m₂ + l₂₁z₁ + l₂₂z₂)) φ(z) dz.

Writing the random effect as Lz with z standard normal keeps integral, score and information regular where a
variance is 0 or the correlation ±1. The integral is computed by Gauss–Hermite quadrature centred and scaled at
the mode of the integrand (adaptive quadrature); score and information are posterior moments under the same
nodes (Louis' identity). A perfect arm under much heterogeneity makes the integrand a ramp with a Gaussian tail on
one side only, on which Gauss–Hermite nodes converge slowly; from `WIDE_FROM` nodes on they are those of the
trapezoidal rule after a hyperbolic-sine substitution, dense about the mode and wide enough for that tail, which
converges geometrically there too. Because L is triangular, sensitivity depends on the first coordinate alone and costs
Q evaluations where specificity costs Q².

Everything works on flat arrays of N integrals: the studies of one data set, or of many.

References
----------
Chu H, Cole SR (2006) doi 10.1016/j.jclinepi.2006.06.011 (the model).
Liu Q, Pierce DA (1994) doi 10.1093/biomet/81.3.624 (adaptive quadrature).
Louis TA (1982) doi 10.1111/j.2517-6161.1982.tb01203.x (the information).
Trefethen LN, Weideman JAC (2014) doi 10.1137/130932132 (the trapezoidal rule).
Sun T, Tran-Dinh Q (2019) doi 10.1007/s10107-018-1282-4 (damping that makes Newton's method global here).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis.binomials import Binomials

FloatArray = NDArray[np.float64]

# Local parameters of one study's integral, in the order of every score and information below.
N_LOCAL: Final = 5  # m1, m2, l11, l21, l22
# Integrals × nodes handled at once: the few work arrays of that size then stay in a core's cache.
CHUNK: Final = 48_000
# Nodes per dimension from which they are those of the trapezoidal rule, and how far these reach, in the scale of the
# mode: that scale is above 0.2 wherever a standard normal tail, 8 long, has to be covered.
WIDE_FROM: Final = 61
REACH: Final = 40.0
LARGEST_LOGIT: Final = 300.0
CANCELLING: Final = 10.0
# The last Newton step towards a mode; Newton's method squares it, and modes only place the nodes.
MODE_TOLERANCE: Final = 1e-2
MODE_ITERATIONS: Final = 100
LARGE_COUNT: Final = 1e5  # times double precision: an error of 1e-11 in the log-likelihood


class Integrals(NamedTuple):
    """N integrals with their derivatives in the local parameters (m1, m2, l11, l21, l22).

    Attributes
    ----------
    log_likelihood
        (N,) log marginal likelihoods, binomial coefficients included.
    score
        (N, 5) gradients.
    hessian
        (N, 5, 5) second derivatives.
    mean
        (N, 2) posterior means of z.
    """

    log_likelihood: FloatArray
    score: FloatArray
    hessian: FloatArray
    mean: FloatArray


class _Rule(NamedTuple):
    """Nodes for an integrand of the shape of a standard normal density."""

    x: FloatArray  # (Q,)
    log_weight: FloatArray  # (Q,) such that Σ exp(log_weight) f(x) ≈ ∫ f
    powers: FloatArray  # (Q, 3): 1, x, x²


@lru_cache(maxsize=16)
def _rule(nodes: int) -> _Rule:
    if nodes >= WIDE_FROM:
        end = math.asinh(REACH)
        u = np.linspace(-end, end, nodes)
        x, log_weight = np.sinh(u), np.log(np.cosh(u) * (u[1] - u[0]))
    else:
        x, weight = np.polynomial.hermite.hermgauss(nodes)
        log_weight = np.log(weight) + x * x + 0.5 * math.log(2.0)
        x = x * math.sqrt(2.0)
    return _Rule(x, log_weight, np.stack([np.ones_like(x), x, x * x], axis=1))


def find_modes(data: Binomials, local: FloatArray, start: FloatArray) -> FloatArray:
    """Return the mode of each integrand.

    Parameters
    ----------
    data
        N studies.
    local
        (5, N) local parameters m1, m2, l11, l21, l22.
    start
        (2, N) first guess, in z.

    Returns
    -------
    (2, N) array
        Modes in z. The integrands are log-concave, so each has exactly one.
    """
    l11, l21, l22 = local[2:]
    square11, square21, cross, square22 = l11 * l11, l21 * l21, l21 * l22, l22 * l22
    z1, z2 = start
    eta = np.empty_like(start)
    for _ in range(MODE_ITERATIONS):
        np.multiply(l11, z1, out=eta[0])
        np.add(l21 * z1, l22 * z2, out=eta[1])
        eta += local[:2]
        (s1, s2), (w1, w2) = data.derivatives(eta)
        g1, g2 = l11 * s1 + l21 * s2 - z1, l22 * s2 - z2
        h11, h12, h22 = 1.0 + square11 * w1 + square21 * w2, cross * w2, 1.0 + square22 * w2
        determinant = h11 * h22 - h12 * h12
        d1, d2 = (h22 * g1 - h12 * g2) / determinant, (h11 * g2 - h12 * g1) / determinant
        # The logistic log-likelihood is self-concordant with constant 1 in the linear predictor: this step
        # length needs no line search and tends to 1 at the mode.
        reach = np.maximum(np.abs(l11 * d1), np.abs(l21 * d1 + l22 * d2)) + 1e-12
        step = np.log1p(reach) / reach
        d1 *= step
        d2 *= step
        z1, z2 = z1 + d1, z2 + d2
        if max(d1.max(), d2.max(), -d1.min(), -d2.min()) < MODE_TOLERANCE:
            break
    return np.stack([z1, z2])


def first_guess(data: Binomials, local: FloatArray) -> FloatArray:
    """Return (2, N) starting values for :func:`find_modes`: one least-squares step to the observed logits."""
    a, b = data.y + 0.5, data.n - data.y + 0.5
    weight = np.where(data.n > 0, a * b / (a + b), 0.0)
    pull = weight * (np.log(a / b) - local[:2])
    g1, g2 = local[2] * pull[0] + local[3] * pull[1], local[4] * pull[1]
    h11, h12, h22 = _curvature(local, weight)
    return np.stack([h22 * g1 - h12 * g2, h11 * g2 - h12 * g1]) / (h11 * h22 - h12 * h12)


def _effect(local: FloatArray, z: FloatArray) -> FloatArray:
    """Return Lz, (2, N)."""
    effect = local[2:4] * z[0]
    effect[1] += local[4] * z[1]
    return effect


def _curvature(local: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the entries 11, 12, 22 of I + LᵀWL."""
    l11, l21, l22 = local[2:]
    w21, w22 = weight[1] * l21, weight[1] * l22
    return 1 + weight[0] * l11 * l11 + w21 * l21, w21 * l22, 1 + w22 * l22


def logit_spreads(data: Binomials, local: FloatArray, modes: FloatArray) -> FloatArray:
    """Return (N,) standard deviations of a study's logits given its data, as the curvature at the mode has them.

    Of both arms the larger; an empty arm, whose logit no data make skew, does not count.
    """
    l11, l21, l22 = local[2:]
    h11, h12, h22 = _curvature(local, data.derivatives(local[:2] + _effect(local, modes)).curvature)
    variances = np.stack([l11 * l11 * h22, l21 * l21 * h22 + l22 * (l22 * h11 - 2 * l21 * h12)])
    spreads: FloatArray = np.sqrt((variances * (data.n > 0)).max(axis=0) / (h11 * h22 - h12 * h12))
    return spreads


def integrate(data: Binomials, local: FloatArray, modes: FloatArray, nodes: int) -> Integrals:
    """Return log-likelihood, score and second derivatives of N studies.

    Parameters
    ----------
    data
        N studies.
    local
        (5, N) local parameters m1, m2, l11, l21, l22.
    modes
        (2, N) from :func:`find_modes`.
    nodes
        Quadrature nodes per dimension.

    Returns
    -------
    Integrals
        Value and derivatives under the same nodes.
    """
    parts = [
        _Grid(data.take(rows), local[:, rows], modes[:, rows], nodes).derivatives()
        for rows in _chunks(modes.shape[1], nodes)
    ]
    return parts[0] if len(parts) == 1 else Integrals(*map(np.concatenate, zip(*parts, strict=True)))


def log_likelihoods(data: Binomials, local: FloatArray, modes: FloatArray, nodes: int) -> FloatArray:
    """Return the (N,) log-likelihoods alone; parameters as in :func:`integrate`."""
    chunks = _chunks(modes.shape[1], nodes)
    values = [_Grid(data.take(rows), local[:, rows], modes[:, rows], nodes).log_likelihood for rows in chunks]
    return np.concatenate(values)


def _chunks(count: int, nodes: int) -> Iterator[slice]:
    size = max(1, CHUNK // (nodes * nodes))
    return (slice(start, start + size) for start in range(0, count, size))


def _limited(delta: FloatArray) -> FloatArray:
    """Keep logits far beyond every mode within what an exponential can represent, also of a sum of two."""
    return np.minimum(np.maximum(delta, -LARGEST_LOGIT, out=delta), LARGEST_LOGIT, out=delta)


def _scaled_expm1_of_sums(p: FloatArray, a: FloatArray, of_a: FloatArray, b: FloatArray) -> FloatArray:
    """Return p expm1(aᵢ + bⱼ), (n, Q, Q), of two (n, Q) arrays without an exponential per sum; `of_a` is expm1(a).

    It is exp(a) expm1(b) + expm1(a), unless a is so large that this cancels; then expm1(a) exp(b) + expm1(b).
    """
    # Not scaled + p, which loses a tiny exp(a) that a large exp(b) makes matter.
    of_b, scaled, power, ones = np.expm1(b), p * of_a, p * np.exp(a), np.ones_like(b)
    if a.max() <= CANCELLING:
        return _outer((power, scaled), (of_b, ones))
    large = a > CANCELLING
    left = np.where(large, p, power), np.where(large, 0.0, scaled), np.where(large, scaled, 0.0)
    return _outer(left, (of_b, ones, np.exp(b)))


def _outer(left: Sequence[FloatArray], right: Sequence[FloatArray]) -> FloatArray:
    """Return the sum of the outer products of (n, Q) arrays, (n, Q, Q): one matrix product, not a pass for each."""
    (n, q), terms = left[0].shape, len(left)
    columns, rows = np.empty((n, q, terms)), np.empty((n, terms, q))
    for term in range(terms):
        columns[:, :, term], rows[:, term] = left[term], right[term]
    return columns @ rows


# Where each entry of score and second derivatives stands in the (11, 3) table that `derivatives` builds: rows
# are conditional moments given z1, columns their sums against 1, z1, z1².
_SCORE: Final = np.array([(2, 0), (3, 0), (2, 1), (3, 1), (4, 0)]) @ (3, 1)
_HESSIAN: Final = np.array(
    [
        [(5, 0), (6, 0), (5, 1), (6, 1), (7, 0)],
        [(6, 0), (8, 0), (6, 1), (8, 1), (9, 0)],
        [(5, 1), (6, 1), (5, 2), (6, 2), (7, 1)],
        [(6, 1), (8, 1), (6, 2), (8, 2), (9, 1)],
        [(7, 0), (9, 0), (7, 1), (9, 1), (10, 0)],
    ]
) @ (3, 1)
_MEAN: Final = np.array([(0, 1), (1, 0)]) @ (3, 1)


class _Grid:
    """The integrands of n studies on their Q × Q nodes; the first node axis belongs to z1, the second to z2."""

    def __init__(self, data: Binomials, local: FloatArray, modes: FloatArray, nodes: int) -> None:
        rule = _rule(nodes)
        l11, l21, l22 = local[2:]
        eta = local[:2] + _effect(local, modes)
        h11, h12, h22 = _curvature(local, data.derivatives(eta).curvature)
        # Lower Cholesky factor of the inverse curvature.
        c22 = 1 / np.sqrt(h22)
        c11 = np.sqrt(h22 / (h11 * h22 - h12 * h12))
        slope = h12 / h22
        self.rule, self.data = rule, data
        self.scale2 = c22[:, None]
        step1, step2 = c11[:, None] * rule.x, self.scale2 * rule.x
        self.z1 = modes[0][:, None] + step1
        self.centre2 = modes[1][:, None] - slope[:, None] * step1
        # What depends on one coordinate alone stays out of the Q × Q arrays: the first arm, and of the second arm's
        # logit, counted from its reference, the part of z1.
        lift = np.empty_like(eta)
        lift[0], lift[1] = l11, l21 - l22 * slope
        delta = _limited((eta - data.reference)[:, :, None] + lift[:, :, None] * step1)
        growth = np.expm1(delta)
        excess1 = data.p[0][:, None] * growth[0]
        self.odds1 = (excess1, 1.0 + excess1)
        delta2 = _limited(l22[:, None] * step2)
        y2 = data.y[1][:, None]
        by_z1 = data.y[0][:, None] * delta[0] + y2 * delta[1] - data.n[0][:, None] * np.log1p(excess1)
        by_z1 += rule.log_weight - 0.5 * (self.z1 * self.z1 + self.centre2 * self.centre2)
        by_z2 = y2 * delta2 - 0.5 * step2 * step2 + rule.log_weight
        excess = _scaled_expm1_of_sums(data.p[1][:, None], delta[1], growth[1], delta2)
        total = excess + 1.0
        n2 = data.n[1]
        # A logarithm is twice as fast without the digits that only huge counts need.
        log_total = np.log1p(excess) if n2.max(initial=0.0) > LARGE_COUNT else np.log(total)
        log_total *= n2[:, None, None]
        # −z2²/2 by its parts: the squares are in by_z1 and by_z2, the product is the third of these.
        ones = np.ones_like(step2)
        log_integrand = _outer((by_z1, ones, self.centre2), (ones, by_z2, -step2))
        log_integrand -= log_total
        top = log_integrand.reshape(len(n2), -1).max(axis=1)
        log_integrand -= top[:, None, None]
        self.mass = np.exp(log_integrand, out=log_integrand)
        self.total_mass = self.mass.reshape(len(n2), -1).sum(axis=1)
        self.odds2 = (excess, total)
        self.log_likelihood: FloatArray = (
            data.constant[0] + data.constant[1] + top + np.log(self.total_mass * c11 * c22 / (2 * math.pi))
        )

    def derivatives(self) -> Integrals:
        """Return the integrals with their derivatives."""
        score1, score2 = self._score(0, *self.odds1), self._score(1, *self.odds2)
        # Sums over z2 given z1 against 1, z2, z2² of mass, mass × score, mass × score².
        n, q = self.z1.shape
        raw = np.empty((3, n * q, 3))
        weights = self.mass
        for power, sums in enumerate(raw):
            if power:
                weights = np.multiply(weights, score2, out=score2 if power == 2 else None)
            np.matmul(weights.reshape(n * q, q), self.rule.powers, out=sums)
        raw = raw.reshape(3, n, q, 3)
        raw /= self.total_mass[:, None, None]
        # The third becomes that of mass × (score² − curvature).
        flat, tilt, bend = self._louis(1)[:, :, None, None]
        raw[2] = flat * raw[0] + tilt * raw[1] + bend * raw[2]
        moments = raw.transpose(3, 0, 1, 2)
        r0, r1 = moments[0], moments[1] * self.scale2
        first_moment = self.centre2 * r0 + r1
        second_moment = self.centre2 * (first_moment[2] + r1[2]) + self.scale2 * self.scale2 * moments[2, 2]
        flat, tilt, bend = self._louis(0)[:, :, None]
        # Given z1: E[gᵢ] and E[gᵢgⱼ + ∂ᵢ∂ⱼ] times the mass there, for g = (s1, s2, s1 z1, s2 z1, s2 z2).
        rows = np.empty((n, 11, q))
        rows[:, 0], rows[:, 3], rows[:, 8] = r0
        rows[:, 1], rows[:, 4], rows[:, 9] = first_moment
        rows[:, 2] = score1 * r0[0]
        rows[:, 5] = (flat + score1 * (tilt + bend * score1)) * r0[0]
        rows[:, 6] = score1 * r0[1]
        rows[:, 7] = score1 * first_moment[1]
        rows[:, 10] = second_moment
        z1_powers = np.ones((n, q, 3))
        z1_powers[:, :, 1] = self.z1
        np.multiply(self.z1, self.z1, out=z1_powers[:, :, 2])
        table = (rows @ z1_powers).reshape(n, -1)
        score = table[:, _SCORE]
        hessian = table[:, _HESSIAN] - score[:, :, None] * score[:, None, :]
        return Integrals(self.log_likelihood, score, hessian, table[:, _MEAN])

    def _score(self, arm: int, excess: FloatArray, total: FloatArray) -> FloatArray:
        """Return an arm's score, in the place of `excess`, which is p expm1(η − reference); `total` is one more."""
        shape = (-1,) + (1,) * (excess.ndim - 1)
        score = np.divide(excess, total, out=excess)
        score *= -self.data.failures[arm].reshape(shape)
        score += self.data.residual[arm].reshape(shape)
        return score

    def _louis(self, arm: int) -> FloatArray:
        """Return (3, n) coefficients of 1, s, s² in s² − curvature, s being an arm's score.

        As s = y − nπ, the curvature nπ(1 − π) is (y − s)(n − y + s) / n: no terms of the size of n² cancel.
        """
        y, n = self.data.y[arm], np.maximum(self.data.n[arm], 1.0)
        coefficients = np.empty((3, len(y)))
        coefficients[0], coefficients[1], coefficients[2] = y * (y / n - 1.0), 1.0 - 2.0 * y / n, 1.0 + 1.0 / n
        return coefficients
