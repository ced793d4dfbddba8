"""The symmetric summary ROC curve of a constant diagnostic odds ratio: AUC and Q*, forwards and backwards.

A constant odds ratio D gives the curve ``logit(sensitivity) = ln D + logit(1 − specificity)``. Its area and the
point Q*, where sensitivity equals specificity, are functions of D alone, so that a printed AUC or Q* says
which D it came from, and a printed standard error which SE(ln D).

Examples
--------
>>> curve = symmetric_sroc(np.log(30.0), 0.2)
>>> print(curve.auc)
0.913 [0.890, 0.936]
>>> round(float(np.exp(log_dor_from_auc(curve.auc.estimate))), 6)
30.0

References
----------
Walter SD. Properties of the summary receiver operating characteristic (SROC) curve for diagnostic test data.
Stat Med 2002;21:1237–1256. doi:10.1002/sim.1099
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special, stats

from livingreview.synthesis.intervals import Interval

__all__ = [
    "SymmetricSROC",
    "auc_from_log_dor",
    "auc_slope",
    "log_dor_from_auc",
    "log_dor_from_q_star",
    "log_dor_se_from_auc_se",
    "log_dor_se_from_q_star_se",
    "q_star_from_log_dor",
    "symmetric_sroc",
]

# Below this ln D the closed forms lose half their digits to cancellation and the series keeps them all.
SERIES_BELOW = 0.05
# exp(±700) is the end of what a float holds.
LARGEST_LOG_DOR = 700.0


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
    """
    z = float(stats.norm.ppf((1 + level) / 2))
    auc, q = auc_from_log_dor(log_dor), q_star_from_log_dor(log_dor)
    auc_se, q_se = auc_slope(log_dor) * log_dor_se, 0.5 * q * (1 - q) * log_dor_se
    return SymmetricSROC(
        log_dor=log_dor,
        log_dor_se=log_dor_se,
        auc=Interval(auc, auc - z * auc_se, auc + z * auc_se, level),
        auc_se=auc_se,
        q_star=Interval(q, q - z * q_se, q + z * q_se, level),
        q_star_se=q_se,
    )


def auc_from_log_dor(log_dor: float) -> float:
    """Return ``D [(D − 1) − ln D] / (D − 1)²``, the area under the curve, for ln D of either sign."""
    size = abs(log_dor)
    if size < SERIES_BELOW:
        return 0.5 + log_dor / 6 - log_dor**3 / 180 + log_dor**5 / 5040
    shrink = np.exp(-size)  # 1/D, which does not overflow
    above = (1 - shrink - size * shrink) / (1 - shrink) ** 2
    return float(above if log_dor > 0 else 1 - above)


def auc_slope(log_dor: float) -> float:
    """Return the derivative of the area with respect to ln D: what SE(ln D) is multiplied with."""
    size = abs(log_dor)
    if size < SERIES_BELOW:
        return 1 / 6 - size**2 / 60 + size**4 / 1008
    shrink = np.exp(-size)
    return float(shrink * ((1 + shrink) * size - 2 * (1 - shrink)) / (1 - shrink) ** 3)


def q_star_from_log_dor(log_dor: float) -> float:
    """Return ``√D / (1 + √D)``."""
    return float(special.expit(log_dor / 2))


def log_dor_from_auc(auc: float) -> float:
    """Return the log odds ratio whose symmetric curve has this area, by numerical inversion.

    Raises
    ------
    ValueError
        For an area outside (0, 1).
    """
    _require_open_unit("AUC", auc)
    return float(
        optimize.brentq(lambda log_dor: auc_from_log_dor(log_dor) - auc, -LARGEST_LOG_DOR, LARGEST_LOG_DOR, xtol=1e-13)
    )


def log_dor_from_q_star(q_star: float) -> float:
    """Return the log odds ratio whose symmetric curve passes through sensitivity = specificity = Q*.

    Raises
    ------
    ValueError
        For a Q* outside (0, 1).
    """
    _require_open_unit("Q*", q_star)
    return float(2 * special.logit(q_star))


def log_dor_se_from_auc_se(auc: float, auc_se: float) -> float:
    """Return the SE(ln D) that a printed area and its standard error imply."""
    return auc_se / auc_slope(log_dor_from_auc(auc))


def log_dor_se_from_q_star_se(q_star: float, q_star_se: float) -> float:
    """Return the SE(ln D) that a printed Q* and its standard error imply."""
    _require_open_unit("Q*", q_star)
    return q_star_se / (0.5 * q_star * (1 - q_star))


def _require_open_unit(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is between 0 and 1, both excluded; found {value!r}")
