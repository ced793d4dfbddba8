"""Integrals of studies whose arms hardly tell of each other: one-dimensional quadratures, coupled by a series.

Between the arms of a study stands only the normal density of its random effects. With nodes x1 along the logit of
sensitivity and x2 along that of specificity, the integrand is A(x1) B(x2) exp(κ x1 x2), and as

    exp(κ x1 x2) = Σ κᵐ/m! x1ᵐ x2ᵐ,

every integral is a sum of products of one-dimensional ones. It costs twice Q nodes, not Q², so that Q need not be
sparing. κ is the correlation of a study's two logits given its data, as the curvature at the mode has it, and the
terms fall like κᵐ: most studies tell enough of their own logits for a few dozen terms, whatever the correlation between
studies. The others are left to :mod:`livingreview.synthesis.glmm`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from livingreview.synthesis.arrays import BoolArray, FloatArray, IndexArray
from livingreview.synthesis.binomials import Binomials
from livingreview.synthesis.glmm import LARGEST_LOGIT, Integrals, effects, from_table

# The terms fall at least like κ (1 + s), with s the larger standard deviation of both logits: a skew arm has larger
# moments than a normal one. Beyond the first of these the terms are too many to be cheap.
STRONGEST: Final = 0.7
MARGIN: Final = 0.85  # of these limits, for parameters that are still to move a little
WEAKEST: Final = 1e-4
# Size of a term, relative to the sum, for which their number is chosen, and which the last must be below.
NEGLIGIBLE: Final = 1e-12
SETTLED: Final = 1e-11
# Standard deviation of a logit up to which the first rule is good to 1e-9 in the log-likelihood, whatever the counts,
# and the second, with reach for the one-sided tails of perfect arms, to 2e-8.
NARROW: Final = 1.0
WIDE: Final = 3.0
# Studies handled at once: their work arrays then stay in a core's cache.
CHUNK: Final = 150
TINY: Final = 1e-30


class _Rule(NamedTuple):
    """Nodes of the trapezoidal rule after a hyperbolic-sine substitution, as :mod:`livingreview.synthesis.glmm` has."""

    x: FloatArray  # (Q,), the middle one 0
    x_squared: FloatArray  # (Q,)
    log_weight: FloatArray  # (Q,) such that Σ exp(log_weight) f(x) ≈ ∫ f

    @classmethod
    def of(cls, nodes: int, reach: float, dense: float) -> _Rule:
        """Return a rule from −reach to reach, whose nodes are densest, and evenly so, within `dense` of 0."""
        end = math.asinh(reach / dense)
        u = np.linspace(-end, end, nodes)
        x = dense * np.sinh(u)
        return cls(x, x * x, np.log(dense * np.cosh(u) * (u[1] - u[0])))


RULES: Final = (_Rule.of(51, 16.0, 2.0), _Rule.of(81, 25.0, 1.0))

# Factors are (1, s or q; power of x), as :func:`livingreview.synthesis.glmm.from_table` has them: all of x1, and those
# of x2 that its table needs; and the position of each of its entries among the products of both.
_LEFT: Final = [(factor, power) for factor in range(3) for power in range(3)]
_RIGHT: Final = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
_PRODUCTS: Final = np.array(
    [
        _LEFT.index((factor, power)) * len(_RIGHT) + other
        for factor, other in ((1, 0), (2, 0), (0, 1), (0, 2), (1, 1), (1, 2), (0, 3), (0, 4), (0, 5))
        for power in range(3)
    ]
)


class _Terms(NamedTuple):
    """What T terms need."""

    powers: FloatArray  # (Q, T + 2): xᵐ
    left: IndexArray  # (9 T,) where among the (3, T + 2) moments of an arm those of each factor in x1 are
    right: IndexArray  # (6 T,) the same of the factors in x2
    inverse: FloatArray  # (T,): 1/m!


@lru_cache(maxsize=64)
def _terms(rule: int, terms: int) -> _Terms:
    m = np.arange(terms + 2)
    left, right = (
        np.array([factor * (terms + 2) + power + m[:terms] for factor, power in factors]).ravel()
        for factors in (_LEFT, _RIGHT)
    )
    inverse = np.exp([-math.lgamma(k + 1) for k in range(terms)])
    return _Terms(RULES[rule].x[:, None] ** m, left, right, inverse)


class _Placed(NamedTuple):
    """Where the nodes of n studies are: z = mode + Cx, C lower triangular, and logits = mode + scale x."""

    scale: FloatArray  # (2, n)
    c: tuple[FloatArray, FloatArray, FloatArray]  # (n,) entries 11, 21, 22
    kappa: FloatArray  # (n,)
    strength: FloatArray  # (n,) what the terms fall like
    spread: FloatArray  # (n,) the larger standard deviation of both logits

    def take(self, rows: IndexArray) -> _Placed:
        c11, c21, c22 = self.c
        return _Placed(
            self.scale[:, rows],
            (c11[rows], c21[rows], c22[rows]),
            self.kappa[rows],
            self.strength[rows],
            self.spread[rows],
        )


def _place(local: FloatArray, modes: FloatArray) -> _Placed:
    l11, l21, l22 = local[2:]
    # The slope that keeps x1 out of the second logit.
    slope = l21 / np.where(l22 == 0.0, TINY, l22)
    c11, c22 = 1 / np.sqrt(1.0 + slope * slope + modes[4] * l11 * l11), 1 / np.sqrt(modes[8])
    scale, kappa = np.array([l11 * c11, l22 * c22]), slope * c11 * c22
    spread = np.abs(scale).max(axis=0)
    return _Placed(scale, (c11, -slope * c11, c22), kappa, np.abs(kappa) * (1.0 + spread), spread)


def weakly_coupled(local: FloatArray, modes: FloatArray) -> BoolArray:
    """Return for which of N studies, and parameters near these, :func:`integrate` serves; parameters as there."""
    placed = _place(local, modes)
    weak: BoolArray = (placed.strength < MARGIN * STRONGEST) & (placed.spread < MARGIN * WIDE)
    return weak


def integrate(data: Binomials, local: FloatArray, modes: FloatArray) -> tuple[Integrals, BoolArray]:
    """Return log-likelihood, score and second derivatives of those of N studies that this can do.

    Parameters
    ----------
    data
        N studies.
    local
        (5, N) local parameters m1, m2, l11, l21, l22.
    modes
        (9, N) from :func:`livingreview.synthesis.glmm.find_modes`.

    Returns
    -------
    tuple
        The integrals, and (N,) which are done; the others' entries mean nothing.
    """
    placed, n = _place(local, modes), modes.shape[1]
    done = (placed.strength < STRONGEST) & (placed.spread < WIDE)
    rows = np.flatnonzero(done)
    if 0 < rows.size == n <= CHUNK:
        return _series(data, local, modes, placed)
    if rows.size > CHUNK:
        rows = rows[np.argsort(placed.spread[rows], kind="stable")]
    found = Integrals.empty(n)
    for start in range(0, rows.size, CHUNK):
        part = rows[start : start + CHUNK]
        pieces, done[part] = _series(data.take(part), local[:, part], modes[:, part], placed.take(part))
        found.fill(part, pieces)
    return found, done


def _series(data: Binomials, local: FloatArray, modes: FloatArray, placed: _Placed) -> tuple[Integrals, BoolArray]:
    """Return the integrals of n studies, and for which of them the series has settled."""
    n, rule = modes.shape[1], int(placed.spread.max() > NARROW)
    terms = math.ceil(math.log(NEGLIGIBLE) / math.log(max(placed.strength.max(), WEAKEST)))
    terms += -terms % 4  # few numbers of terms, each prepared once
    powers, left, right, inverse = _terms(rule, terms)
    arms, height = _arms(data, local, modes, placed, RULES[rule])
    moments = (arms.reshape(-1, arms.shape[3]) @ powers).reshape(2, n, -1)
    ones, others = moments[0][:, left].reshape(n, 9, terms), moments[1][:, right].reshape(n, 6, terms)
    others *= (np.vander(placed.kappa, terms, increasing=True) * inverse)[:, None]
    sums = (ones @ others.transpose(0, 2, 1)).reshape(n, -1)
    total = sums[:, 0]
    settled = np.abs(ones[:, 0, -2:] * others[:, 0, -2:]).max(axis=1) <= SETTLED * total
    value = height + np.log(np.abs(total) * placed.c[0] * placed.c[2] / (2 * math.pi))
    return from_table(value, sums[:, _PRODUCTS] / total[:, None], modes, placed.c), settled


def _arms(
    data: Binomials, local: FloatArray, modes: FloatArray, placed: _Placed, rule: _Rule
) -> tuple[FloatArray, FloatArray]:
    """Return (2, n, 3, Q) weights A and B at their nodes, times 1, s and q, and the (n,) logarithms of their unit."""
    (z1, z2), (c11, c21, c22), x = modes[:2], placed.c, rule.x
    y, trials, _, p, failures, residual, _, flat, tilt, bend = data.table[..., None]
    delta = placed.scale[:, :, None] * x + (local[:2] - data.reference + effects(local, modes))[:, :, None]
    np.minimum(np.maximum(delta, -LARGEST_LOGIT, out=delta), LARGEST_LOGIT, out=delta)
    excess = p * np.expm1(delta)
    # −z1²/2 − z2²/2, without its value at the mode and without the product κ x1 x2.
    linear, quadratic = np.array([[z1 * c11 + z2 * c21, z2 * c22], [c11 * c11 + c21 * c21, c22 * c22]])[..., None]
    log_mass = y * delta - trials * np.log1p(excess) - linear * x - 0.5 * quadratic * rule.x_squared
    tops = log_mass[:, :, len(x) // 2].copy()
    log_mass += rule.log_weight - tops[:, :, None]
    score = residual - failures * excess / (1.0 + excess)
    arms = np.empty((2, len(z1), 3, len(x)))
    mass = np.exp(log_mass, out=arms[:, :, 0])
    np.multiply(mass, score, out=arms[:, :, 1])
    np.multiply(mass, flat + score * (tilt + bend * score), out=arms[:, :, 2])
    return arms, data.constant.sum(axis=0) + tops.sum(axis=0) - 0.5 * (z1 * z1 + z2 * z2)
