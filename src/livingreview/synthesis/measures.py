"""Study-level measures of accuracy, each with its interval."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import special

from livingreview.synthesis.arrays import FloatArray, IntArray
from livingreview.synthesis.counts import Correction, Counts, corrected
from livingreview.synthesis.intervals import Intervals, require_level

__all__ = [
    "ProportionMethod",
    "accuracy",
    "diagnostic_odds_ratio",
    "likelihood_ratio_negative",
    "likelihood_ratio_positive",
    "npv",
    "ppv",
    "sensitivity",
    "specificity",
]

ProportionMethod = Literal["wilson", "clopper_pearson"]


def sensitivity(counts: Counts, *, level: float = 0.95, method: ProportionMethod = "wilson") -> Intervals:
    """Return tp / (tp + fn) of each study.

    Parameters
    ----------
    counts
        k tables.
    level
        Coverage of the intervals, between 0 and 1.
    method
        ``"wilson"`` (score interval) or ``"clopper_pearson"`` (exact, conservative).

    Returns
    -------
    Intervals
        NaN for a study without diseased participants.

    Raises
    ------
    ValueError
        For another method, or a level outside (0, 1).

    References
    ----------
    Wilson 1927, doi 10.1080/01621459.1927.10502953; Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, sensitivity
    >>> print(sensitivity(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]))[0])
    0.900 [0.786, 0.957]
    """
    return _proportion("sensitivity", counts.tp, counts.n_diseased, level, method)


def specificity(counts: Counts, *, level: float = 0.95, method: ProportionMethod = "wilson") -> Intervals:
    """Return tn / (fp + tn) of each study; parameters as :func:`sensitivity`, NaN without non-diseased.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, specificity
    >>> print(specificity(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]))[0])
    0.900 [0.826, 0.945]
    """
    return _proportion("specificity", counts.tn, counts.n_nondiseased, level, method)


def accuracy(counts: Counts, *, level: float = 0.95, method: ProportionMethod = "wilson") -> Intervals:
    """Return (tp + tn) / n of each study, at its own prevalence; parameters as :func:`sensitivity`.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, accuracy
    >>> print(accuracy(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]))[0])
    0.900 [0.842, 0.938]
    """
    return _proportion("accuracy", counts.tp + counts.tn, counts.n_diseased + counts.n_nondiseased, level, method)


def ppv(counts: Counts, *, level: float = 0.95, method: ProportionMethod = "wilson") -> Intervals:
    """Return tp / (tp + fp) of each study, at its own prevalence; parameters as :func:`sensitivity`.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, ppv
    >>> print(ppv(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]))[0])
    0.818 [0.697, 0.898]
    """
    return _proportion("positive predictive value", counts.tp, counts.tp + counts.fp, level, method)


def npv(counts: Counts, *, level: float = 0.95, method: ProportionMethod = "wilson") -> Intervals:
    """Return tn / (fn + tn) of each study, at its own prevalence; parameters as :func:`sensitivity`.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, npv
    >>> print(npv(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]))[0])
    0.947 [0.883, 0.977]
    """
    return _proportion("negative predictive value", counts.tn, counts.fn + counts.tn, level, method)


def likelihood_ratio_positive(counts: Counts, *, level: float = 0.95, correction: Correction = "single") -> Intervals:
    """Return sensitivity / (1 − specificity) of each study, with the log-normal interval.

    Parameters
    ----------
    counts
        k tables.
    level
        Coverage of the intervals, between 0 and 1.
    correction
        See :func:`corrected`. With ``"none"`` a zero cell gives a ratio of 0 or infinity and the
        interval (0, ∞).

    Returns
    -------
    Intervals
        NaN for a study with only one arm.

    References
    ----------
    Simel, Samsa and Matchar 1991, doi 10.1016/0895-4356(91)90128-V.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, likelihood_ratio_positive
    >>> print(likelihood_ratio_positive(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]))[0])
    9.00 [4.96, 16.3]
    """
    c = corrected(counts, correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        n1, n0 = c.tp + c.fn, c.fp + c.tn
        log_ratio = np.log(c.tp / n1) - np.log(c.fp / n0)
        variance = 1 / c.tp - 1 / n1 + 1 / c.fp - 1 / n0
    return _ratio("positive likelihood ratio", counts, log_ratio, variance, level, correction)


def likelihood_ratio_negative(counts: Counts, *, level: float = 0.95, correction: Correction = "single") -> Intervals:
    """Return (1 − sensitivity) / specificity; parameters as :func:`likelihood_ratio_positive`.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, likelihood_ratio_negative
    >>> print(likelihood_ratio_negative(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]))[0])
    0.111 [0.0483, 0.256]
    """
    c = corrected(counts, correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        n1, n0 = c.tp + c.fn, c.fp + c.tn
        log_ratio = np.log(c.fn / n1) - np.log(c.tn / n0)
        variance = 1 / c.fn - 1 / n1 + 1 / c.tn - 1 / n0
    return _ratio("negative likelihood ratio", counts, log_ratio, variance, level, correction)


def diagnostic_odds_ratio(counts: Counts, *, level: float = 0.95, correction: Correction = "single") -> Intervals:
    """Return tp tn / (fp fn) of each study; parameters as :func:`likelihood_ratio_positive`.

    References
    ----------
    Woolf 1955, doi 10.1111/j.1469-1809.1955.tb01348.x; Glas 2003, doi 10.1016/S0895-4356(03)00177-X.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, diagnostic_odds_ratio
    >>> print(diagnostic_odds_ratio(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]))[0])
    81.0 [26.1, 251.]
    """
    c = corrected(counts, correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(c.tp) + np.log(c.tn) - np.log(c.fp) - np.log(c.fn)
        variance = 1 / c.tp + 1 / c.tn + 1 / c.fp + 1 / c.fn
    return _ratio("diagnostic odds ratio", counts, log_ratio, variance, level, correction)


def _proportion(measure: str, x: IntArray, n: IntArray, level: float, method: ProportionMethod) -> Intervals:
    z = _quantile(level)
    defined = n > 0
    n_safe = np.where(defined, n, 1).astype(np.float64)
    p = x / n_safe
    if method == "wilson":
        centre = (p + z**2 / (2 * n_safe)) / (1 + z**2 / n_safe)
        half = z / (1 + z**2 / n_safe) * np.sqrt(p * (1 - p) / n_safe + z**2 / (4 * n_safe**2))
        # At x = 0 and x = n the bound is exactly 0 and 1; rounding must not step over it.
        lower = np.where(x == 0, 0.0, centre - half)
        upper = np.where(x == n, 1.0, centre + half)
    elif method == "clopper_pearson":
        tail = (1 - level) / 2
        lower = np.where(x == 0, 0.0, special.betaincinv(np.maximum(x, 1), n_safe - x + 1, tail))
        upper = np.where(x == n, 1.0, special.betaincinv(x + 1, np.maximum(n_safe - x, 1), 1 - tail))
    else:
        raise ValueError(f"method is 'wilson' or 'clopper_pearson'; found {method!r}")
    estimate, lower, upper = (np.where(defined, bound, np.nan) for bound in (p, lower, upper))
    return Intervals(measure, method, estimate, lower, upper, level)


def _ratio(
    measure: str,
    counts: Counts,
    log_ratio: FloatArray,
    variance: FloatArray,
    level: float,
    correction: Correction,
) -> Intervals:
    half = _quantile(level) * np.sqrt(variance)
    with np.errstate(invalid="ignore"):
        estimate, lower, upper = (np.exp(log_ratio + shift) for shift in (0.0, -half, half))
    unbounded = ~np.isfinite(half)
    lower, upper = np.where(unbounded, 0.0, lower), np.where(unbounded, np.inf, upper)
    estimate, lower, upper = (np.where(counts.has_both_arms, bound, np.nan) for bound in (estimate, lower, upper))
    return Intervals(measure, f"log-normal, correction {correction}", estimate, lower, upper, level)


def _quantile(level: float) -> float:
    require_level(level)
    return float(special.ndtri((1 + level) / 2))
