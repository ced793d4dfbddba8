"""Simple pooling of the two margins and of the ratios, as Meta-DiSc 1.4 does it; kept for reproduction.

Sensitivity and specificity are pooled as sums of counts, as if all studies were one, and each by itself: the
correlation between them, and the variation between studies, do not enter the interval. Use
:func:`livingreview.synthesis.bivariate.fit` for inference; use this to reproduce, or to audit, a review that used
the program.

Conventions, from the program's publication [1]_: exact (Clopper–Pearson) intervals; heterogeneity of a proportion by
the likelihood-ratio χ²; ratios by Mantel–Haenszel (fixed) or DerSimonian–Laird (random effects), after 0.5
is added to every cell of the studies that have a zero cell.

Examples
--------
>>> from livingreview.synthesis.counts import Counts
>>> counts = Counts.from_arrays(tp=[45, 60, 31], fp=[10, 4, 6], fn=[5, 20, 9], tn=[90, 40, 52])
>>> print(pooled_sensitivity(counts).interval)
0.800 [0.732, 0.857]
>>> print(pooled_ratio(counts, "diagnostic_odds_ratio", "dersimonian_laird").interval)
41.8 [21.7, 80.4]

References
----------
.. [1] Zamora J, Abraira V, Muriel A, Khan K, Coomarasamy A. Meta-DiSc: a software for meta-analysis of test
   accuracy data. BMC Med Res Methodol 2006;6:31. doi:10.1186/1471-2288-6-31
.. [2] Mantel N, Haenszel W. J Natl Cancer Inst 1959;22:719–748. doi:10.1093/jnci/22.4.719
.. [3] Robins J, Breslow N, Greenland S. Estimators of the Mantel-Haenszel variance consistent in both sparse
   data and large-strata limiting models. Biometrics 1986;42:311–323. doi:10.2307/2531052
.. [4] Greenland S, Robins JM. Estimation of a common effect parameter from sparse follow-up data.
   Biometrics 1985;41:55–68. doi:10.2307/2530643
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy
from scipy import special

from livingreview.errors import DataError, Fault, TooFewStudies
from livingreview.synthesis.arrays import FloatArray, IntArray
from livingreview.synthesis.counts import CorrectedCounts, Correction, Counts, corrected
from livingreview.synthesis.intervals import Interval, require_level
from livingreview.synthesis.measures import sensitivity
from livingreview.synthesis.random_effects import finite_or_none

__all__ = [
    "PooledProportion",
    "PooledRatio",
    "log_ratios",
    "mantel_haenszel",
    "pooled_ratio",
    "pooled_sensitivity",
    "pooled_specificity",
]

Measure: TypeAlias = Literal["diagnostic_odds_ratio", "likelihood_ratio_positive", "likelihood_ratio_negative"]
Pooling: TypeAlias = Literal["mantel_haenszel", "dersimonian_laird"]
Centre: TypeAlias = Literal["inverse_variance", "mantel_haenszel"]


@dataclass(frozen=True)
class PooledProportion:
    """A proportion pooled by summing counts.

    Parameters
    ----------
    measure
        ``"sensitivity"`` or ``"specificity"``.
    x, n
        Sums of the numerators and denominators.
    interval
        x / n with the exact interval.
    chi2, df, p
        Likelihood-ratio test that all studies share the proportion; NaN for a single study.
    i2
        ``max(0, (χ² − df) / χ²)``, a proportion.
    """

    measure: str
    x: int
    n: int
    interval: Interval
    chi2: float
    df: int
    p: float
    i2: float

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return {
            **self.interval.to_dict(),
            "x": self.x,
            "n": self.n,
            "heterogeneity": {"chi2": self.chi2, "df": self.df, "p": finite_or_none(self.p), "i2": self.i2},
        }


@dataclass(frozen=True)
class PooledRatio:
    """A ratio measure pooled on the log scale.

    Parameters
    ----------
    measure, method, correction
        What was pooled, and how.
    interval
        The ratio itself.
    log_estimate, log_se
        On the log scale.
    q, df, p, i2
        Cochran's Q with inverse-variance weights about the centre named in `q_about`.
    q_about
        The centre of Q.
    tau2
        Between-study variance of the log ratio (0 for Mantel–Haenszel).
    """

    measure: Measure
    method: Pooling
    correction: Correction
    interval: Interval
    log_estimate: float
    log_se: float
    q: float
    q_about: Centre
    df: int
    p: float
    i2: float
    tau2: float

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return {
            **self.interval.to_dict(),
            "method": self.method,
            "correction": self.correction,
            "log_estimate": self.log_estimate,
            "log_se": self.log_se,
            "tau2": self.tau2,
            "heterogeneity": {
                "q": self.q,
                "about": self.q_about,
                "df": self.df,
                "p": finite_or_none(self.p),
                "i2": self.i2,
            },
        }


def pooled_sensitivity(counts: Counts, *, level: float = 0.95) -> PooledProportion:
    """Return Σ tp / Σ (tp + fn) with its exact interval and the likelihood-ratio heterogeneity.

    Parameters
    ----------
    counts
        k tables; a study without diseased participants does not count.
    level
        Coverage of the interval.

    Raises
    ------
    TooFewStudies
        When no study has diseased participants.
    """
    return _pooled_proportion("sensitivity", counts.tp, counts.n_diseased, level)


def pooled_specificity(counts: Counts, *, level: float = 0.95) -> PooledProportion:
    """Return Σ tn / Σ (fp + tn); otherwise as :func:`pooled_sensitivity`."""
    return _pooled_proportion("specificity", counts.tn, counts.n_nondiseased, level)


def pooled_ratio(
    counts: Counts,
    measure: Measure,
    method: Pooling,
    *,
    correction: Correction = "zero_only",
    q_about: Centre = "inverse_variance",
    level: float = 0.95,
) -> PooledRatio:
    """Pool a likelihood ratio or the diagnostic odds ratio.

    Parameters
    ----------
    counts
        k tables; a study with one arm only does not count.
    measure, method
        What to pool, and by which method.
    correction
        Continuity correction, applied before everything else.
    q_about
        Centre of Cochran's Q, and so of DerSimonian and Laird's τ²: the inverse-variance mean (their
        definition) or the Mantel–Haenszel estimate (as RevMan has it). Programs differ here.
    level
        Coverage of the interval.

    Raises
    ------
    DataError
        When a zero cell is left uncorrected.
    TooFewStudies
        When no study has both arms.
    """
    require_level(level)
    y, v = log_ratios(counts, measure, correction)
    mh, mh_se = mantel_haenszel(counts, measure, correction)
    w, df = 1 / v, len(y) - 1
    centre = mh if q_about == "mantel_haenszel" else _mean(y, w)
    q = float(np.sum(w * (y - centre) ** 2))
    tau2 = 0.0
    if method == "dersimonian_laird":
        tau2 = max(0.0, q - df) / float(np.sum(w) - np.sum(w**2) / np.sum(w)) if df else 0.0
        w = 1 / (v + tau2)
        log_estimate, log_se = _mean(y, w), float(np.sum(w) ** -0.5)
    else:
        log_estimate, log_se = mh, mh_se
    half = float(scipy.stats.norm.ppf((1 + level) / 2)) * log_se
    return PooledRatio(
        measure=measure,
        method=method,
        correction=correction,
        interval=Interval.about(log_estimate, half, level).map(math.exp),
        log_estimate=log_estimate,
        log_se=log_se,
        q=q,
        q_about=q_about,
        df=df,
        p=_tail(q, df),
        i2=excess(q, df),
        tau2=tau2,
    )


def log_ratios(counts: Counts, measure: Measure, correction: Correction) -> tuple[FloatArray, FloatArray]:
    """Return the log ratio of each two-armed study and its sampling variance, (k,) arrays.

    Raises
    ------
    DataError
        When a zero cell is left uncorrected, one fault per row.
    TooFewStudies
        When no study has both arms.
    """
    c = _two_armed(counts, correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "diagnostic_odds_ratio":
            y = np.log(c.tp) + np.log(c.tn) - np.log(c.fp) - np.log(c.fn)
            v = 1 / c.tp + 1 / c.fp + 1 / c.fn + 1 / c.tn
        else:
            a, b = (c.tp, c.fp) if measure == "likelihood_ratio_positive" else (c.fn, c.tn)
            n1, n0 = c.tp + c.fn, c.fp + c.tn
            y, v = np.log(a / n1) - np.log(b / n0), 1 / a - 1 / n1 + 1 / b - 1 / n0
    faults = [
        Fault(
            "", int(i) + 1, "", f"row {i + 1}: a zero cell leaves the ratio undefined", "name a correction", "RATIO-001"
        )
        for i in np.flatnonzero(~(np.isfinite(y) & (v > 0)))
    ]
    if faults:
        raise DataError(faults)
    return y, v


def mantel_haenszel(counts: Counts, measure: Measure, correction: Correction = "none") -> tuple[float, float]:
    """Return the Mantel–Haenszel log ratio [2]_ and its standard error.

    The variance is Robins, Breslow and Greenland's [3]_ for the odds ratio, Greenland and Robins' [4]_
    for the likelihood ratios (which are risk ratios of a positive, or a negative, test).

    Raises
    ------
    DataError
        When a sum is zero, so that the ratio is 0 or infinite.
    TooFewStudies
        When no study has both arms.
    """
    c = _two_armed(counts, correction)
    n1, n0 = c.tp + c.fn, c.fp + c.tn
    n = n1 + n0
    if measure == "diagnostic_odds_ratio":
        r, s = c.tp * c.tn / n, c.fp * c.fn / n
        concordant, discordant = (c.tp + c.tn) / n, (c.fp + c.fn) / n
        top, bottom = r.sum(), s.sum()
        _require_positive(top, bottom)
        variance = (
            np.sum(concordant * r) / top**2
            + np.sum(concordant * s + discordant * r) / (top * bottom)
            + np.sum(discordant * s) / bottom**2
        ) / 2
    else:
        a, b = (c.tp, c.fp) if measure == "likelihood_ratio_positive" else (c.fn, c.tn)
        top, bottom = np.sum(a * n0 / n), np.sum(b * n1 / n)
        _require_positive(top, bottom)
        variance = np.sum(n1 / n * (n0 / n) * (a + b) - a * b / n) / (top * bottom)
    return float(np.log(top / bottom)), float(np.sqrt(variance))


def excess(statistic: float, df: int) -> float:
    """Return I², the share of a χ² statistic beyond its degrees of freedom, at least 0."""
    return max(0.0, 1 - df / statistic) if statistic > 0 else 0.0


def _tail(statistic: float, df: int) -> float:
    return float(scipy.stats.chi2.sf(statistic, df)) if df else math.nan


def _mean(y: FloatArray, weights: FloatArray) -> float:
    return float(np.sum(weights * y) / np.sum(weights))


def _two_armed(counts: Counts, correction: Correction) -> CorrectedCounts:
    if not counts.has_both_arms.any():
        raise TooFewStudies("a ratio needs at least one study with diseased and non-diseased participants")
    return corrected(counts.subset(counts.has_both_arms), correction)


def _require_positive(top: float, bottom: float) -> None:
    if not (top > 0 and bottom > 0):
        problem = "every study has a zero in the same place, so the ratio is 0 or infinite"
        raise DataError([Fault("", 0, "", problem, "name a correction", "RATIO-002")])


def _pooled_proportion(measure: str, x: IntArray, n: IntArray, level: float) -> PooledProportion:
    used = n > 0
    if not used.any():
        raise TooFewStudies(f"no study has the participants that {measure} needs")
    x, n = x[used], n[used]
    sums = Counts.from_arrays([int(x.sum())], [0], [int((n - x).sum())], [0])
    interval = sensitivity(sums, level=level, method="clopper_pearson")[0]
    df = len(x) - 1
    # G² = 2 Σ O ln(O/E) over both cells of every study; 0 ln 0 is 0, which xlogy knows.
    hits, misses = x.sum() / n.sum(), (n - x).sum() / n.sum()
    terms = special.xlogy(x, x) - special.xlogy(x, n * hits) + special.xlogy(n - x, n - x)
    chi2 = max(0.0, float(2 * np.sum(terms - special.xlogy(n - x, n * misses))))
    return PooledProportion(
        measure=measure,
        x=int(x.sum()),
        n=int(n.sum()),
        interval=interval,
        chi2=chi2,
        df=df,
        p=_tail(chi2, df),
        i2=excess(chi2, df),
    )
