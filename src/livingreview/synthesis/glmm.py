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
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from livingreview.synthesis.arrays import FloatArray, IndexArray
from livingreview.synthesis.binomials import Binomials

# Integrals × nodes handled at once: the few work arrays of that size then stay in a core's cache.
CHUNK: Final = 48_000
# Nodes per dimension from which they are those of the trapezoidal rule, and how far these reach, in the scale of the
# mode: that scale is above 0.3 wherever a standard normal tail, 8 long, has to be covered.
WIDE_FROM: Final = 47
REACH: Final = 25.0
LARGEST_LOGIT: Final = 300.0
LARGE_COUNT: Final = 1e5  # above it, digits matter that take twice the time
# The last Newton step towards a mode, in standard deviations of the integrand; Newton's method squares it, and modes
# only place the nodes.
MODE_TOLERANCE: Final = 0.05
MODE_ITERATIONS: Final = 100


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
    """

    log_likelihood: FloatArray
    score: FloatArray
    hessian: FloatArray

    @classmethod
    def empty(cls, n: int) -> Integrals:
        """Return n integrals still to be filled in."""
        return cls(np.empty(n), np.empty((n, 5)), np.empty((n, 5, 5)))

    def fill(self, rows: IndexArray, found: Integrals) -> None:
        """Write the integrals of some studies in their rows."""
        for whole, part in zip(self, found, strict=True):
            whole[rows] = part


class _Rule(NamedTuple):
    """Nodes for an integrand of the shape of a standard normal density."""

    x: FloatArray  # (Q,), the middle one 0
    log_weight: FloatArray  # (Q,) such that Σ exp(log_weight) f(x) ≈ ∫ f
    powers: FloatArray  # (Q, 3): 1, x, x²


@lru_cache(maxsize=32)
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


def first_guess(data: Binomials) -> FloatArray:
    """Return (9, N) modes, as :func:`find_modes` does, of which nothing is known but the observed logits."""
    a, b = data.y + 0.5, data.n - data.y + 0.5
    weight = np.where(data.n > 0, a * b / (a + b), 0.0)
    unknown = np.full((2, weight.shape[1]), np.nan)
    return np.concatenate([unknown, weight * np.log(a / b), weight, unknown, unknown[:1]])


def find_modes(data: Binomials, local: FloatArray, before: FloatArray) -> FloatArray:
    """Return the mode of each integrand.

    Parameters
    ----------
    data
        N studies.
    local
        (5, N) local parameters m1, m2, l11, l21, l22.
    before
        (9, N) modes under other parameters, or :func:`first_guess`.

    Returns
    -------
    (9, N) array
        Modes in z; of the parabola that each arm's log-likelihood is next to its mode, the curvature times the logit
        of its top, and the curvature; and the entries 11, 12, 22 of the integrand's curvature in z. The integrands
        are log-concave, so each has exactly one mode.
    """
    z, _ = _mode_of_parabolas(local, before[4:6], before[2:4] - before[4:6] * local[:2])
    for _ in range(MODE_ITERATIONS):
        effect = effects(local, z)
        eta = local[:2] + effect
        score, weight = data.derivatives(eta)
        top, curvature = _mode_of_parabolas(local, weight, score + weight * effect)
        step = top - z
        if (step * step * curvature[::2]).max() < MODE_TOLERANCE**2:
            break
        # The logistic log-likelihood is self-concordant with constant 1 in the linear predictor: this step
        # length needs no line search and tends to 1 at the mode.
        reach = np.abs(effects(local, step)).max(axis=0) + 1e-12
        z += step * (np.log1p(reach) / reach)
    return np.concatenate([top, score + weight * eta, weight, curvature])


def _mode_of_parabolas(local: FloatArray, weight: FloatArray, pull: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (2, N) modes were the log-likelihoods parabolas, with slopes `pull` where the effects are 0.

    And the (3, N) entries 11, 12, 22 of the curvature I + LᵀWL.
    """
    l11, l21, l22 = local[2:]
    g1, g2 = l11 * pull[0] + l21 * pull[1], l22 * pull[1]
    w21, w22 = weight[1] * l21, weight[1] * l22
    h11, h12, h22 = curvature = np.array([1 + weight[0] * l11 * l11 + w21 * l21, w21 * l22, 1 + w22 * l22])
    return np.array([h22 * g1 - h12 * g2, h11 * g2 - h12 * g1]) / (h11 * h22 - h12 * h12), curvature


def effects(local: FloatArray, z: FloatArray) -> FloatArray:
    """Return Lz, (2, N)."""
    effect = local[2:4] * z[0]
    effect[1] += local[4] * z[1]
    return effect


def logit_spreads(data: Binomials, local: FloatArray, modes: FloatArray) -> FloatArray:
    """Return (N,) standard deviations of a study's logits given its data, as the curvature at the mode has them.

    Of both arms the larger; an empty arm, whose logit no data make skew, does not count.
    """
    l11, l21, l22 = local[2:]
    h11, h12, h22 = modes[6:]
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
        (9, N) from :func:`find_modes`.
    nodes
        Quadrature nodes per dimension.

    Returns
    -------
    Integrals
        Value and derivatives under the same nodes.
    """
    parts = [grid.derivatives() for grid in _grids(data, local, modes, nodes)]
    return parts[0] if len(parts) == 1 else Integrals(*map(np.concatenate, zip(*parts, strict=True)))


def log_likelihoods(data: Binomials, local: FloatArray, modes: FloatArray, nodes: int) -> FloatArray:
    """Return the (N,) log-likelihoods alone; parameters as in :func:`integrate`."""
    return np.concatenate([grid.log_likelihood for grid in _grids(data, local, modes, nodes)])


def _grids(data: Binomials, local: FloatArray, modes: FloatArray, nodes: int) -> Iterator[_Grid]:
    size = max(1, CHUNK // (nodes * nodes))
    for start in range(0, modes.shape[1], size):
        rows = slice(start, start + size)
        yield _Grid(data.take(rows), local[:, rows], modes[:, rows], _rule(nodes))


# Where each entry of score and second derivatives stands in the (9, 3) table of :func:`from_table`.
_SCORE: Final = np.array([(0, 0), (2, 0), (0, 1), (2, 1), (3, 0)]) @ (3, 1)
_HESSIAN: Final = np.array(
    [
        [(1, 0), (4, 0), (1, 1), (4, 1), (5, 0)],
        [(4, 0), (6, 0), (4, 1), (6, 1), (7, 0)],
        [(1, 1), (4, 1), (1, 2), (4, 2), (5, 1)],
        [(4, 1), (6, 1), (4, 2), (6, 2), (7, 1)],
        [(5, 0), (7, 0), (5, 1), (7, 1), (8, 0)],
    ]
) @ (3, 1)


def from_table(
    log_likelihood: FloatArray, table: FloatArray, modes: FloatArray, c: tuple[FloatArray, FloatArray, FloatArray]
) -> Integrals:
    """Return integrals from posterior means under z = mode + Cx, C lower triangular.

    Parameters
    ----------
    log_likelihood
        (n,) logarithms of the integrals.
    table
        (n, 27) posterior means, row by row of a (9, 3) table. With s the arms' scores and q = s² − curvature, its rows
        are s1, q1, s2, s2 x2, s1 s2, s1 s2 x2, q2, q2 x2 and q2 x2²; its columns, each of these times 1, x1 and x1².
    modes
        (9, n) from :func:`find_modes`.
    c
        (n,) entries 11, 21, 22 of C.
    """
    # Derivatives as if x were z; z = mode + Cx then makes linear combinations of them.
    score = table[:, _SCORE]
    hessian = table[:, _HESSIAN] - score[:, :, None] * score[:, None, :]
    into = np.zeros((len(table), 5, 5))
    into[:, 0, 0] = into[:, 1, 1] = 1.0
    into[:, 2, 0] = into[:, 3, 1] = modes[0]
    into[:, 4, 1] = modes[1]
    into[:, 2, 2] = into[:, 3, 3] = c[0]
    into[:, 4, 3], into[:, 4, 4] = c[1:]
    return Integrals(log_likelihood, (into @ score[:, :, None])[:, :, 0], into @ hessian @ into.transpose(0, 2, 1))


class _Grid:
    """The integrands of n studies on their Q × Q nodes z = mode + Cx, where C is a root of the inverse curvature."""

    def __init__(self, data: Binomials, local: FloatArray, modes: FloatArray, rule: _Rule) -> None:
        (l11, l21, l22), (h11, h12, h22) = local[2:], modes[6:]
        c22 = 1 / np.sqrt(h22)
        slope = h12 * c22 * c22
        c11 = 1 / np.sqrt(h11 - h12 * slope)
        self.data, self.modes, self.rule, self.c = data, modes, rule, (c11, -slope * c11, c22)
        # What depends on one coordinate of x alone stays out of the Q × Q arrays. Both are (3, n, Q): z1, what z2 has
        # of x1 and of x2; and the first arm's logit, what the second's has of x1 and of x2, from their reference.
        (z1, z2), none, (eta1, eta2) = modes[:2], np.zeros_like(c11), local[:2] - data.reference + effects(local, modes)
        scale = np.array([*self.c, l11 * c11, (l21 - l22 * slope) * c11, l22 * c22])
        both = scale[:, :, None] * rule.x + np.array([z1, z2, none, eta1, eta2, none])[:, :, None]
        z, delta = both[:3], both[3:]
        # Far beyond every mode: what an exponential can represent, also of a sum of two.
        np.minimum(np.maximum(delta, -LARGEST_LOGIT, out=delta), LARGEST_LOGIT, out=delta)
        # p expm1(η − reference), and one more: Bernoulli's normaliser in units of that at the reference.
        (p1, p2), (n1, n2) = data.p[:, :, None], data.n[:, :, None]
        huge = data.n.max(initial=0.0) > LARGE_COUNT
        if huge:
            excess1, excess2 = p1 * np.expm1(delta[0]), np.expm1(delta[1][:, :, None] + delta[2][:, None])
            excess2 *= p2[:, None]
        else:
            odds = np.exp(delta)
            excess1, excess2 = p1 * odds[0] - p1, np.einsum("ni,nj->nij", p2 * odds[1], odds[2])
            excess2 -= p2[:, None]
        total1, total2 = 1.0 + excess1, 1.0 + excess2
        self.odds = (excess1, total1), (excess2, total2)
        log_total1, log_total2 = (np.log1p(excess1), np.log1p(excess2)) if huge else (np.log(total1), np.log(total2))
        log_total2 *= n2[:, None]
        z_squared, (y1, y2), middle = -0.5 * z * z, data.y[:, :, None], len(rule.x) // 2
        by_x1 = y1 * delta[0] - n1 * log_total1 + y2 * delta[1] + z_squared[0] + z_squared[1] + rule.log_weight
        by_x2 = y2 * delta[2] + z_squared[2] + rule.log_weight
        top = by_x1[:, middle] + by_x2[:, middle] - log_total2[:, middle, middle]
        # −z2²/2 by its parts: the squares are in by_x1 and by_x2, the product is the third term of these.
        left, right = np.ones((*by_x1.shape, 3)), np.ones((len(top), 3, len(rule.x)))
        left[:, :, 0], left[:, :, 2], right[:, 1], right[:, 2] = by_x1 - top[:, None], -z[1], by_x2, z[2]
        self.weighted = np.empty((3, *excess2.shape))
        mass = np.matmul(left, right, out=self.weighted[0])
        mass -= log_total2
        np.exp(mass, out=mass)
        self.mass = mass.reshape(len(top), -1).sum(axis=1)
        self.log_likelihood: FloatArray = (
            data.constant[0] + data.constant[1] + top + np.log(self.mass * c11 * c22 / (2 * math.pi))
        )

    def derivatives(self) -> Integrals:
        """Return the integrals with their derivatives."""
        data, (excess1, total1), (excess2, total2) = self.data, *self.odds
        n, q = total1.shape
        score1 = data.residual[0][:, None] - data.failures[0][:, None] * excess1 / total1
        score2 = np.divide(excess2, total2, out=excess2)
        score2 *= -data.failures[1][:, None, None]
        score2 += data.residual[1][:, None, None]
        mass, first, second = self.weighted
        np.multiply(np.multiply(mass, score2, out=first), score2, out=second)
        # Sums over x2 given x1, against 1, x2, x2², of mass, mass × score2, mass × score2² and, in the latter's place,
        # mass × (score2² − curvature2).
        sums = (self.weighted.reshape(-1, q) @ self.rule.powers).reshape(3, n, q, 3)
        flat, tilt, bend = data.louis[:, 1, :, None, None]
        sums[2] = flat * sums[0] + tilt * sums[1] + bend * sums[2]
        flat, tilt, bend = data.louis[:, 0, :, None]
        rows = np.empty((n, 9, q))
        rows[:, 0] = score1 * sums[0, :, :, 0]
        rows[:, 1] = (flat + score1 * (tilt + bend * score1)) * sums[0, :, :, 0]
        rows[:, 2:4] = sums[1, :, :, :2].transpose(0, 2, 1)
        rows[:, 4:6] = score1[:, None] * rows[:, 2:4]
        rows[:, 6:] = sums[2].transpose(0, 2, 1)
        table = (rows.reshape(-1, q) @ self.rule.powers).reshape(n, -1) / self.mass[:, None]
        return from_table(self.log_likelihood, table, self.modes, self.c)
