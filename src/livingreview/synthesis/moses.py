"""The Moses–Littenberg regression SROC and the Spearman threshold correlation.

The regression is of ``D = ln DOR`` on ``S = logit(sensitivity) + logit(1 − specificity)``, study by study. It is
fixed-effect, ignores the error in S and has no likelihood; it is here because Meta-DiSc draws it.

Examples
--------
>>> from livingreview.synthesis.counts import Counts
>>> counts = Counts.from_arrays(tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
>>> curve = moses_littenberg(counts)
>>> round(curve.auc, 3), round(curve.q_star, 3)
(0.908, 0.899)

References
----------
.. [1] Moses LE, Shapiro D, Littenberg B. Combining independent studies of a diagnostic test into a summary ROC curve.
   Stat Med 1993;12:1293–1316. doi:10.1002/sim.4780121403
.. [2] Devillé WL et al. Conducting systematic reviews of diagnostic studies: didactic guidelines.
   BMC Med Res Methodol 2002;2:9. doi:10.1186/1471-2288-2-9
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from livingreview.errors import DataError, Fault, TooFewStudies
from livingreview.synthesis.arrays import FloatArray
from livingreview.synthesis.counts import Correction, Counts, corrected
from livingreview.synthesis.random_effects import finite_or_none

__all__ = ["MosesLittenberg", "ThresholdCorrelation", "moses_littenberg", "threshold_correlation"]

Weighting: TypeAlias = Literal["unweighted", "inverse_variance", "size"]

# The density of the logit of a uniform variable is below 1e-19 beyond this.
LOGIT_LIMIT = 45.0
PANELS = 90
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(12)
# Exact permutation P values below this many studies, as R's cor.test; the t approximation from there on.
EXACT_BELOW = 10


@dataclass(frozen=True)
class MosesLittenberg:
    """A fitted regression ``D = a + b S`` and the curve it stands for.

    Parameters
    ----------
    weighting, correction
        As given.
    k
        Studies used (those with both arms).
    a, b, a_se, b_se, covariance
        Coefficients, standard errors and their covariance.
    a_p, b_p
        P values, t on k − 2 degrees of freedom. A small ``b_p`` says that the curve is not symmetric.
    auc, auc_se
        Area under ``logit(sens) = a/(1−b) + (1+b)/(1−b) logit(fpr)`` over the whole axis, delta method;
        NaN when |b| ≥ 1, where the line is no ROC curve.
    q_star, q_star_se
        Point on the curve where sensitivity equals specificity.
    """

    weighting: Weighting
    correction: Correction
    k: int
    a: float
    b: float
    a_se: float
    b_se: float
    covariance: float
    a_p: float
    b_p: float
    auc: float
    auc_se: float
    q_star: float
    q_star_se: float

    def sensitivity(self, fpr: ArrayLike) -> FloatArray:
        """Return the curve at false-positive rates in (0, 1); NaN when |b| ≥ 1."""
        line = special.logit(np.asarray(fpr, dtype=float))
        if abs(self.b) >= 1:
            return np.full_like(line, np.nan)
        return np.asarray(special.expit((self.a + (1 + self.b) * line) / (1 - self.b)))

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: finite_or_none(v) if isinstance(v, float) else v for name, v in values.items()}


@dataclass(frozen=True)
class ThresholdCorrelation:
    """Spearman correlation of logit(sensitivity) with logit(1 − specificity) [2]_.

    Parameters
    ----------
    rho
        Strongly positive under a threshold effect; NaN when a margin does not vary.
    p
        Two-sided; exact by permutation below ten studies without ties, else the t approximation.
    k
        Studies used.
    """

    rho: float
    p: float
    k: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return {"rho": finite_or_none(self.rho), "p": finite_or_none(self.p), "k": self.k}


def moses_littenberg(
    counts: Counts, *, weighting: Weighting = "unweighted", correction: Correction = "zero_only"
) -> MosesLittenberg:
    """Fit the regression SROC [1]_.

    Parameters
    ----------
    counts
        k tables; a study with one arm only does not count.
    weighting
        ``"unweighted"``, ``"inverse_variance"`` (of ln DOR) or ``"size"`` (participants).
    correction
        Continuity correction, applied first.

    Raises
    ------
    TooFewStudies
        With fewer than three studies, or with the same S in all of them.
    DataError
        When a zero cell is left uncorrected.
    """
    logit_tpr, logit_fpr, variance, size = _logits(counts, correction)
    d, s = logit_tpr - logit_fpr, logit_tpr + logit_fpr
    k = len(d)
    if k < 3 or np.ptp(s) < 1e-12 * (1 + np.max(np.abs(s))):
        raise TooFewStudies(f"the regression needs three studies whose S differs, found {k}")
    weights = {"unweighted": np.ones(k), "inverse_variance": 1 / variance, "size": size}
    if weighting not in weights:
        raise ValueError(f"weighting is one of {', '.join(weights)}; found {weighting!r}")
    root = np.sqrt(weights[weighting])
    q, r = np.linalg.qr(np.column_stack([root, root * s]))
    beta, inverse = np.linalg.solve(r, q.T @ (root * d)), np.linalg.inv(r)
    residual = root * (d - beta[0] - beta[1] * s)
    vcov = inverse @ inverse.T * float(residual @ residual) / (k - 2)
    a, b = beta.tolist()
    se = np.sqrt(np.diag(vcov))
    # Points on one line have no residual: t is infinite and P is 0, but for a coefficient of 0 itself.
    t = np.divide(np.abs(beta), se, out=np.where(beta == 0, 0.0, np.inf), where=se > 0)
    p = 2 * stats.t.sf(t, k - 2)
    auc, auc_se = _area(a, b, vcov)
    q_star = float(special.expit(a / 2))
    return MosesLittenberg(
        weighting=weighting,
        correction=correction,
        k=k,
        a=a,
        b=b,
        a_se=float(se[0]),
        b_se=float(se[1]),
        covariance=float(vcov[0, 1]),
        a_p=float(p[0]),
        b_p=float(p[1]),
        auc=auc,
        auc_se=auc_se,
        q_star=q_star,
        q_star_se=0.5 * q_star * (1 - q_star) * float(se[0]),
    )


def threshold_correlation(counts: Counts, *, correction: Correction = "zero_only") -> ThresholdCorrelation:
    """Return the rank correlation that Meta-DiSc uses to look for a threshold effect.

    Parameters
    ----------
    counts
        k tables; a study with one arm only does not count.
    correction
        Continuity correction, applied first.

    Raises
    ------
    TooFewStudies
        With fewer than three studies.
    DataError
        When a zero cell is left uncorrected.
    """
    logit_tpr, logit_fpr, _, _ = _logits(counts, correction)
    k = len(logit_tpr)
    if k < 3:
        raise TooFewStudies(f"a rank correlation needs three studies, found {k}")
    one, other = (stats.rankdata(np.round(x, 12)) for x in (logit_tpr, logit_fpr))
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return ThresholdCorrelation(math.nan, math.nan, k)
    rho = float(np.corrcoef(one, other)[0, 1])
    ties = len(set(one)) < k or len(set(other)) < k
    if k < EXACT_BELOW and not ties:
        return ThresholdCorrelation(rho, _exact_p(k, round(float(np.sum((one - other) ** 2)))), k)
    unexplained = 1 - rho**2
    p = 2 * stats.t.sf(abs(rho) * math.sqrt((k - 2) / unexplained), k - 2) if unexplained > 1e-15 else 0.0
    return ThresholdCorrelation(rho, float(p), k)


def _logits(counts: Counts, correction: Correction) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return logit TPR, logit FPR, the variance of ln DOR, and the size (before correction)."""
    both = counts.subset(counts.has_both_arms)
    c = corrected(both, correction)
    zero = np.min(c, axis=0) == 0
    if zero.any():
        faults = [
            Fault("", int(i) + 1, "", f"row {i + 1}: a zero cell has no logit", "name a correction", "RATIO-001")
            for i in np.flatnonzero(zero)
        ]
        raise DataError(faults)
    size = (both.n_diseased + both.n_nondiseased).astype(float)
    variance = 1 / c.tp + 1 / c.fp + 1 / c.fn + 1 / c.tn
    return np.log(c.tp / c.fn), np.log(c.fp / c.tn), variance, size


def _area(a: float, b: float, vcov: FloatArray) -> tuple[float, float]:
    if abs(b) >= 1:
        return math.nan, math.nan
    t, width = _logit_nodes(-a / (1 + b), (1 + b) / (1 - b))
    sens = special.expit((a + (1 + b) * t) / (1 - b))
    density = special.expit(t) * special.expit(-t) * width  # d fpr / d logit(fpr), times the quadrature weight
    slope = sens * (1 - sens) * density
    gradient = np.array([np.sum(slope) / (1 - b), np.sum(slope * (a + 2 * t)) / (1 - b) ** 2])
    return float(np.sum(sens * density)), float(np.sqrt(gradient @ vcov @ gradient))


def _logit_nodes(centre: float, steepness: float) -> tuple[FloatArray, FloatArray]:
    """Return Gauss–Legendre nodes and weights on panels that follow the curve where it rises steeply."""
    edges = np.linspace(-LOGIT_LIMIT, LOGIT_LIMIT, PANELS + 1)
    if steepness > 1:
        close = centre + np.linspace(-LOGIT_LIMIT, LOGIT_LIMIT, PANELS + 1) / steepness
        edges = np.unique(np.concatenate([edges, close[np.abs(close) < LOGIT_LIMIT]]))
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + NODES)).ravel(), (half * NODE_WEIGHTS).ravel()


def _exact_p(k: int, squared_distance: int) -> float:
    """Return the two-sided exact P value of Σ d²: twice the smaller tail, the observed value in it."""
    tally = _permutation_tally(k)
    middle = (k**3 - k) / 6
    tail = tally[: squared_distance + 1] if squared_distance <= middle else tally[squared_distance:]
    return min(1.0, 2 * sum(tail) / sum(tally))


@lru_cache(maxsize=EXACT_BELOW)
def _permutation_tally(k: int) -> tuple[int, ...]:
    """Count the permutations of k ranks by Σ d², placing one rank after another into the free places."""
    longest = (k**3 - k) // 3 + 1
    by_places_taken = {0: np.eye(1, longest, dtype=np.int64)[0]}
    for rank in range(k):
        following: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        for taken, tally in by_places_taken.items():
            for place in range(k):
                if not taken & (1 << place):
                    distance = (rank - place) ** 2
                    moved = np.zeros_like(tally)
                    moved[distance:] = tally[: longest - distance]
                    key = taken | (1 << place)
                    following[key] = following.get(key, 0) + moved
        by_places_taken = following
    return tuple(int(n) for n in by_places_taken[(1 << k) - 1])
