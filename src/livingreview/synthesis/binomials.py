"""Binomial log-likelihoods of many studies, accurate from one participant to 1e8 pixels.

Each arm is expanded about its own observed logit, where the huge terms of a large study cancel before they are
added, and its value there is Loader's saddle-point form rather than a difference of log-gammas.

References
----------
Loader C (2000) Fast and accurate computation of binomial probabilities (the algorithm behind R's dbinom).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from livingreview.synthesis.arrays import FloatArray, IndexArray

STIRLING_FROM: Final = 16.0  # from here four terms of Stirling's series are exact to double precision


class Terms(NamedTuple):
    """Log-likelihood of one arm up to its constant, with derivatives in the linear predictor."""

    score: FloatArray
    curvature: FloatArray


@dataclass(frozen=True, eq=False)
class Binomials:
    """Successes and trials of N studies in both arms, prepared for evaluation.

    The arms are (true positives of the diseased, true negatives of the non-diseased). An empty arm is allowed and
    contributes nothing.

    Parameters
    ----------
    table
        (10, 2, N) array whose rows are the properties below, in their order; one array, so that studies are
        selected in one operation.
    """

    table: FloatArray

    @classmethod
    def prepare(cls, y: FloatArray, n: FloatArray) -> Binomials:
        """Return the arms of N studies from (2, N) successes and trials."""
        inner = (y > 0) & (y < n)
        successes, trials = np.where(inner, y, 1.0), np.where(inner, n, 2.0)
        reference = np.log(successes) - np.log(trials - successes)
        p, some = successes / trials, np.maximum(n, 1.0)
        constant = np.where(inner, _saturated(successes, trials), -n * math.log(2))
        louis = y * (y / some - 1.0), 1.0 - 2.0 * y / some, 1.0 + 1.0 / some
        return cls(np.stack([y, n, reference, p, n * (1 - p), np.where(inner, 0.0, y - n * p), constant, *louis]))

    def take(self, columns: IndexArray | slice) -> Binomials:
        """Return the studies that `columns` selects."""
        return Binomials(self.table[:, :, columns])

    @property
    def y(self) -> FloatArray:
        """(2, N) successes."""
        return self.table[0]

    @property
    def n(self) -> FloatArray:
        """(2, N) trials."""
        return self.table[1]

    @property
    def reference(self) -> FloatArray:
        """(2, N) logit about which the arm is expanded: the observed one, or 0 where that is infinite."""
        return self.table[2]

    @property
    def p(self) -> FloatArray:
        """(2, N) expit of `reference`."""
        return self.table[3]

    @property
    def failures(self) -> FloatArray:
        """(2, N) n (1 − p)."""
        return self.table[4]

    @property
    def residual(self) -> FloatArray:
        """(2, N) y − n p: zero unless the arm is all successes or all failures."""
        return self.table[5]

    @property
    def constant(self) -> FloatArray:
        """(2, N) log-probability at `reference`, binomial coefficient included."""
        return self.table[6]

    @property
    def louis(self) -> FloatArray:
        """(3, 2, N) coefficients of 1, s, s² in s² − curvature, s being an arm's score.

        As s = y − nπ, the curvature nπ(1 − π) is (y − s)(n − y + s) / n: no terms of the size of n² cancel.
        """
        return self.table[7:]

    def derivatives(self, eta: FloatArray) -> Terms:
        """Return score and curvature (minus the second derivative), (2, N) each, at the logits `eta`."""
        excess = self.p * np.expm1(eta - self.reference)
        total = 1.0 + excess
        weight = self.failures / total
        return Terms(self.residual - weight * excess, weight * (self.p + excess) / total)


@lru_cache(maxsize=1)
def _small_stirling_errors() -> FloatArray:
    errors = [math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2 * math.pi) for n in range(1, 16)]
    return np.array([0.0, *errors])


def _stirling_error(n: FloatArray) -> FloatArray:
    """Return log(n!) − log(√(2πn) (n/e)ⁿ) without cancellation, for integers n ≥ 1."""
    large = np.maximum(n, STIRLING_FROM)
    square = large * large
    series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / large
    small = _small_stirling_errors()[np.minimum(n, STIRLING_FROM - 1).astype(np.intp)]
    return np.where(n < STIRLING_FROM, small, series)


def _saturated(y: FloatArray, n: FloatArray) -> FloatArray:
    """Return log Bin(y | n, y/n) for 0 < y < n."""
    counts = np.stack([n, y, n - y])
    # Of log(m!): Stirling's error, and what does not cancel of the rest.
    part = _stirling_error(counts) + 0.5 * np.log(counts)
    return part[0] - part[1] - part[2] - 0.5 * math.log(2 * math.pi)
