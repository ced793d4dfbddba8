"""Everything that Meta-DiSc 1.4 prints, in one result.

The arithmetic is in :mod:`~livingreview.synthesis.simple_pooling` (margins and ratios) and
:mod:`~livingreview.synthesis.moses` (regression SROC and threshold correlation), and here for the symmetric curve: a
constant odds ratio D gives ``logit(sensitivity) = ln D + logit(1 − specificity)``, whose area and point Q*, where
sensitivity equals specificity, are functions of D alone. The program has no bivariate model: nothing here accounts for
the correlation of sensitivity and specificity.

Examples
--------
>>> from livingreview.synthesis.counts import Counts
>>> counts = Counts.from_arrays(tp=[45, 60, 31], fp=[10, 4, 6], fn=[5, 20, 9], tn=[90, 40, 52])
>>> result = analyse(counts)
>>> result
MetaDisc(k=3: sensitivity 0.800 [0.732, 0.857], I²=60.0%; specificity 0.901 [0.851, 0.938], I²=0.0%)
>>> print(result.sroc["dersimonian_laird"].auc)
0.931 [0.899, 0.962]

References
----------
Zamora J, Abraira V, Muriel A, Khan K, Coomarasamy A. Meta-DiSc: a software for meta-analysis of test accuracy data.
BMC Med Res Methodol 2006;6:31. doi:10.1186/1471-2288-6-31

Walter SD. Properties of the summary receiver operating characteristic (SROC) curve for diagnostic test data.
Stat Med 2002;21:1237–1256. doi:10.1002/sim.1099
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, get_args

import numpy as np
from scipy import special, stats

from livingreview.errors import TooFewStudies
from livingreview.synthesis.counts import Correction, Counts
from livingreview.synthesis.intervals import Interval, require_level
from livingreview.synthesis.moses import (
    MosesLittenberg,
    ThresholdCorrelation,
    Weighting,
    moses_littenberg,
    threshold_correlation,
)
from livingreview.synthesis.simple_pooling import (
    Centre,
    Measure,
    PooledProportion,
    PooledRatio,
    Pooling,
    pooled_ratio,
    pooled_sensitivity,
    pooled_specificity,
)

__all__ = [
    "MetaDisc",
    "SymmetricSROC",
    "analyse",
    "auc_from_log_dor",
    "auc_slope",
    "q_star_from_log_dor",
    "symmetric_sroc",
]

CAUTION = (
    "sensitivity and specificity are pooled apart and as if all participants were one study: "
    "the intervals ignore variation between studies and are too narrow under heterogeneity"
)
# Below this ln D the closed forms lose half their digits to cancellation and the series keeps them all.
SERIES_BELOW = 0.05


@dataclass(frozen=True)
class SymmetricSROC:
    """A symmetric curve with its area and its Q* point.

    Parameters
    ----------
    log_dor, log_dor_se
        The constant log odds ratio and its standard error.
    auc, auc_se
        Area under the whole curve; normal interval, not cut at 1.
    q_star, q_star_se
        Sensitivity = specificity on the curve; normal interval.

    Examples
    --------
    >>> from livingreview.synthesis.metadisc import symmetric_sroc
    >>> sorted(symmetric_sroc(3.7, 0.4).to_dict())
    ['auc', 'log_dor', 'log_dor_se', 'q_star']
    """

    log_dor: float
    log_dor_se: float
    auc: Interval
    auc_se: float
    q_star: Interval
    q_star_se: float

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return {
            "log_dor": self.log_dor,
            "log_dor_se": self.log_dor_se,
            "auc": {**self.auc.to_dict(), "se": self.auc_se},
            "q_star": {**self.q_star.to_dict(), "se": self.q_star_se},
        }


def symmetric_sroc(log_dor: float, log_dor_se: float, *, level: float = 0.95) -> SymmetricSROC:
    """Return area and Q* of the curve with a constant odds ratio, with delta-method standard errors.

    Parameters
    ----------
    log_dor, log_dor_se
        Pooled log diagnostic odds ratio and its standard error.
    level
        Coverage of the intervals.

    Returns
    -------
    SymmetricSROC
        Both with their standard errors.

    Examples
    --------
    >>> from livingreview.synthesis.metadisc import symmetric_sroc
    >>> curve = symmetric_sroc(3.7, 0.4)
    >>> print(curve.auc, curve.q_star)
    0.929 [0.891, 0.968] 0.864 [0.818, 0.910]
    """
    require_level(level)
    z = float(stats.norm.ppf((1 + level) / 2))
    auc, q = auc_from_log_dor(log_dor), q_star_from_log_dor(log_dor)
    auc_se, q_se = auc_slope(log_dor) * log_dor_se, 0.5 * q * (1 - q) * log_dor_se
    return SymmetricSROC(
        log_dor=log_dor,
        log_dor_se=log_dor_se,
        auc=Interval.about(auc, z * auc_se, level),
        auc_se=auc_se,
        q_star=Interval.about(q, z * q_se, level),
        q_star_se=q_se,
    )


def auc_from_log_dor(log_dor: float) -> float:
    """Return ``D [(D − 1) − ln D] / (D − 1)²``, the area under the symmetric curve.

    Parameters
    ----------
    log_dor
        The log odds ratio D, of either sign.

    Returns
    -------
    float
        The area, 0 to 1.

    Examples
    --------
    >>> from livingreview.synthesis.metadisc import auc_from_log_dor
    >>> auc_from_log_dor(0.0), round(auc_from_log_dor(3.7), 3)
    (0.5, 0.929)
    """
    size = abs(log_dor)
    if size < SERIES_BELOW:
        return 0.5 + log_dor / 6 - log_dor**3 / 180 + log_dor**5 / 5040
    shrink = np.exp(-size)  # 1/D, which does not overflow
    above = (1 - shrink - size * shrink) / (1 - shrink) ** 2
    return float(above if log_dor > 0 else 1 - above)


def auc_slope(log_dor: float) -> float:
    """Return the derivative of the area with respect to ln D.

    Parameters
    ----------
    log_dor
        The log odds ratio D, of either sign.

    Returns
    -------
    float
        What SE(ln D) is multiplied with.

    Examples
    --------
    >>> from livingreview.synthesis.metadisc import auc_slope
    >>> round(auc_slope(3.7), 4)
    0.0491
    """
    size = abs(log_dor)
    if size < SERIES_BELOW:
        return 1 / 6 - size**2 / 60 + size**4 / 1008
    shrink = np.exp(-size)
    return float(shrink * ((1 + shrink) * size - 2 * (1 - shrink)) / (1 - shrink) ** 3)


def q_star_from_log_dor(log_dor: float) -> float:
    """Return ``√D / (1 + √D)``.

    Parameters
    ----------
    log_dor
        The log odds ratio D, of either sign.

    Returns
    -------
    float
        Sensitivity = specificity on the symmetric curve.

    Examples
    --------
    >>> from livingreview.synthesis.metadisc import q_star_from_log_dor
    >>> round(q_star_from_log_dor(3.7), 3)
    0.864
    """
    return float(special.expit(log_dor / 2))


@dataclass(frozen=True, repr=False)
class MetaDisc:
    """The program's output for one set of tables.

    Parameters
    ----------
    k
        Number of tables.
    level
        Coverage of every interval.
    sensitivity, specificity
        Simple pooling with exact intervals.
    ratios
        By measure and pooling method.
    sroc
        Symmetric curve by the pooling method of its odds ratio.
    moses
        Regression SROC by weighting; empty with fewer than three studies.
    threshold
        Spearman correlation; None with fewer than three studies.
    notes
        Cautions a reader should see.

    Examples
    --------
    >>> from livingreview.synthesis import Counts
    >>> from livingreview.synthesis.metadisc import analyse
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
    >>> result = analyse(counts)
    >>> print(result.ratios["diagnostic_odds_ratio"]["mantel_haenszel"].interval)
    50.7 [29.1, 88.4]
    """

    k: int
    level: float
    sensitivity: PooledProportion
    specificity: PooledProportion
    ratios: Mapping[Measure, Mapping[Pooling, PooledRatio]]
    sroc: Mapping[Pooling, SymmetricSROC]
    moses: Mapping[Weighting, MosesLittenberg]
    threshold: ThresholdCorrelation | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        ratios: dict[str, Any] = {
            measure: {method: ratio.to_dict() for method, ratio in by_method.items()}
            for measure, by_method in self.ratios.items()
        }
        return {
            "model": "metadisc",
            "k": self.k,
            "level": self.level,
            "sensitivity": self.sensitivity.to_dict(),
            "specificity": self.specificity.to_dict(),
            **ratios,
            "symmetric_sroc": {method: curve.to_dict() for method, curve in self.sroc.items()},
            "moses_littenberg": {weighting: curve.to_dict() for weighting, curve in self.moses.items()},
            "threshold": self.threshold.to_dict() if self.threshold else None,
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        margins = "; ".join(
            f"{margin.measure} {margin.interval}, I²={margin.i2:.1%}" for margin in (self.sensitivity, self.specificity)
        )
        return f"MetaDisc(k={self.k}: {margins})"


def analyse(
    counts: Counts,
    *,
    correction: Correction = "zero_only",
    q_about: Centre = "inverse_variance",
    level: float = 0.95,
) -> MetaDisc:
    """Compute what Meta-DiSc 1.4 would print.

    Parameters
    ----------
    counts
        k tables.
    correction
        Continuity correction of the ratios, the regression and the rank correlation; the pooled proportions
        are never corrected.
    q_about
        Centre of Cochran's Q; see :func:`livingreview.synthesis.simple_pooling.pooled_ratio`.
    level
        Coverage of every interval.

    Returns
    -------
    MetaDisc
        Everything, with a caution among its notes.

    Raises
    ------
    TooFewStudies
        When no study has both diseased and non-diseased participants.
    DataError
        When a zero cell is left uncorrected.

    Examples
    --------
    >>> from livingreview.synthesis import Counts
    >>> from livingreview.synthesis.metadisc import analyse
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
    >>> result = analyse(counts)
    >>> print(result.sensitivity.interval, result.threshold is not None)
    0.834 [0.782, 0.878] True
    """
    pooled = partial(pooled_ratio, counts, correction=correction, q_about=q_about, level=level)
    ratios = {
        measure: MappingProxyType({method: pooled(measure, method) for method in get_args(Pooling)})
        for measure in get_args(Measure)
    }
    sroc = {
        method: symmetric_sroc(ratio.log_estimate, ratio.log_se, level=level)
        for method, ratio in ratios["diagnostic_odds_ratio"].items()
    }
    notes = [CAUTION, *counts.notes]
    moses: dict[Weighting, MosesLittenberg] = {}
    threshold = None
    try:
        threshold = threshold_correlation(counts, correction=correction)
        moses = {w: moses_littenberg(counts, weighting=w, correction=correction) for w in get_args(Weighting)}
    except TooFewStudies as error:
        notes.append(str(error))
    return MetaDisc(
        k=counts.k,
        level=level,
        sensitivity=pooled_sensitivity(counts, level=level),
        specificity=pooled_specificity(counts, level=level),
        ratios=MappingProxyType(ratios),
        sroc=MappingProxyType(sroc),
        moses=MappingProxyType(moses),
        threshold=threshold,
        notes=tuple(notes),
    )
