"""Small-study effects: Deeks' test for diagnostic accuracy, Egger's regression and Begg's rank correlation.

A small P value says that small studies differ from large ones. Publication bias is one reason, differences
in threshold or spectrum are others; a large P value from few studies says nothing.

Examples
--------
>>> from livingreview.synthesis.counts import Counts
>>> counts = Counts.from_arrays(tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
>>> test = deeks(counts)
>>> round(test.p, 3), test.notes[0][:44]
(0.099, 'only 4 studies: below ten the test has too l')

References
----------
* Deeks JJ, Macaskill P, Irwig L. The performance of tests of publication bias and other sample size effects in
  systematic reviews of diagnostic test accuracy was assessed. J Clin Epidemiol 2005;58:882–893.
  doi:10.1016/j.jclinepi.2005.01.016
* van Enst WA, Ochodo E, Scholten RJPM, Hooft L, Leeflang MM. Investigation of publication bias in
  meta-analyses of diagnostic test accuracy: a meta-epidemiological study. BMC Med Res Methodol 2014;14:70.
  doi:10.1186/1471-2288-14-70
* Egger M, Davey Smith G, Schneider M, Minder C. Bias in meta-analysis detected by a simple, graphical
  test. BMJ 1997;315:629–634. doi:10.1136/bmj.315.7109.629
* Begg CB, Mazumdar M. Operating characteristics of a rank correlation test for publication bias.
  Biometrics 1994;50:1088–1101. doi:10.2307/2533446
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

from livingreview.errors import TooFewStudies
from livingreview.synthesis.arrays import FloatArray, freeze
from livingreview.synthesis.counts import Correction, Counts
from livingreview.synthesis.random_effects import finite_or_none, validated
from livingreview.synthesis.simple_pooling import log_ratios

__all__ = ["FEWEST_STUDIES", "FunnelTest", "RankTest", "begg", "deeks", "egger"]

#: Below this many studies a funnel test is not to be relied on.
FEWEST_STUDIES = 10

# Kendall's exact distribution is counted in whole numbers that grow with k!; the normal one is as good from here.
EXACT_BELOW = 100


@dataclass(frozen=True, eq=False, repr=False)
class FunnelTest:
    """A weighted regression of effects on a measure of their precision.

    Parameters
    ----------
    name
        ``"deeks"`` or ``"egger"``.
    k, df
        Studies, and k − 2.
    slope, slope_se, statistic, p
        Coefficient of the precision measure, t statistic and two-sided P value: the test.
    intercept, intercept_se
        The effect at unlimited precision.
    x, effects, weights
        (k,) arrays: what a funnel plot shows (precision measure, effects, regression weights).
    notes
        Cautions a reader should see, the one about few studies among them.

    Examples
    --------
    >>> from livingreview.synthesis.bias import egger
    >>> test = egger([0.2, 0.3, 0.6, 0.9], [0.01, 0.02, 0.08, 0.2])
    >>> print(f"slope {test.slope:.2f} on {test.df} degrees of freedom; reliable: {test.reliable}")
    slope 2.09 on 2 degrees of freedom; reliable: False
    """

    name: str
    k: int
    df: int
    slope: float
    slope_se: float
    statistic: float
    p: float
    intercept: float
    intercept_se: float
    x: FloatArray
    effects: FloatArray
    weights: FloatArray
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self, "x", "effects", "weights")

    @property
    def reliable(self) -> bool:
        """Whether there are enough studies for the test to mean anything."""
        return self.k >= FEWEST_STUDIES

    def to_dict(self) -> dict[str, Any]:
        """Return the test as plain JSON types; the points of the plot are left out."""
        numbers = ("slope", "slope_se", "statistic", "p", "intercept", "intercept_se")
        return {
            "name": self.name,
            "k": self.k,
            "df": self.df,
            "reliable": self.reliable,
            **{name: finite_or_none(getattr(self, name)) for name in numbers},
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        return (
            f"FunnelTest({self.name}, k={self.k}: slope {self.slope:.3g}, t={self.statistic:.3g} on {self.df} df, "
            f"P={self.p:.3g}{'' if self.reliable else '; too few studies to rely on'})"
        )


@dataclass(frozen=True)
class RankTest:
    """Begg and Mazumdar's rank correlation.

    Parameters
    ----------
    k
        Number of studies.
    tau, p
        Kendall's τ and its two-sided P value.
    notes
        Cautions a reader should see.

    Examples
    --------
    >>> from livingreview.synthesis.bias import begg
    >>> begg([0.2, 0.3, 0.6, 0.9], [0.01, 0.02, 0.08, 0.2]).to_dict()["k"]
    4
    """

    k: int
    tau: float
    p: float
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the test as plain JSON types."""
        return {
            "name": "begg",
            "k": self.k,
            "tau": finite_or_none(self.tau),
            "p": finite_or_none(self.p),
            "notes": list(self.notes),
        }


def deeks(counts: Counts, *, correction: Correction = "zero_only") -> FunnelTest:
    """Regress ln DOR on 1/√ESS, weighted by the effective sample size ESS = 4 n₁ n₀ / (n₁ + n₀) (Deeks 2005).

    Parameters
    ----------
    counts
        k tables; a study with one arm only does not count.
    correction
        Continuity correction of ln DOR; the sample sizes are never corrected.

    Returns
    -------
    FunnelTest
        With a note below ten studies, and one on the power of the test under heterogeneity (Deeks 2005, van Enst 2014).

    Raises
    ------
    TooFewStudies
        With fewer than three studies, or with the same effective size in all of them.
    DataError
        When a zero cell is left uncorrected.

    Examples
    --------
    >>> from livingreview.synthesis import Counts
    >>> from livingreview.synthesis.bias import deeks
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
    >>> test = deeks(counts)
    >>> print(f"slope {test.slope:.1f}, P = {test.p:.3f}, {test.notes[0]}")
    slope -51.1, P = 0.099, only 4 studies: below ten the test has too little power to tell anything
    """
    both = counts.subset(counts.has_both_arms)
    log_dor, _ = log_ratios(both, "diagnostic_odds_ratio", correction)
    n1, n0 = both.n_diseased.astype(float), both.n_nondiseased.astype(float)
    size = 4 * n1 * n0 / (n1 + n0)
    notes = (
        "Deeks' test has low power when odds ratios vary between studies; P < 0.10 is the customary mark",
        *(() if both.k == counts.k else (f"{counts.k - both.k} studies with one arm only are left out",)),
    )
    return _regression("deeks", 1 / np.sqrt(size), log_dor, size, notes)


def egger(effects: ArrayLike, variances: ArrayLike) -> FunnelTest:
    """Regress effects on their standard errors, weighted by inverse variance, with an estimated scale (Egger 1997).

    The slope is Egger's bias (the intercept of the standardised regression), the intercept the effect of a
    study without error. On ln DOR the test rejects too often, because an odds ratio and its variance are
    related; use :func:`deeks` there.

    Parameters
    ----------
    effects, variances
        (k,) arrays.

    Returns
    -------
    FunnelTest
        With a note below ten studies.

    Raises
    ------
    TooFewStudies
        With fewer than three studies, or with the same variance in all of them.
    DataError
        For effects that are not finite or variances that are not positive.

    Examples
    --------
    >>> from livingreview.synthesis.bias import egger
    >>> print(f"P = {egger([0.2, 0.3, 0.6, 0.9], [0.01, 0.02, 0.08, 0.2]).p:.3f}")
    P = 0.002
    """
    y, v, *_ = validated(effects, variances, None, None, None)
    return _regression("egger", np.sqrt(v), y, 1 / v, ())


def begg(effects: ArrayLike, variances: ArrayLike) -> RankTest:
    """Correlate standardised effects with their variances by rank (Begg and Mazumdar 1994).

    Parameters
    ----------
    effects, variances
        (k,) arrays.

    Returns
    -------
    RankTest
        Exact without ties (and below 100 studies), else the normal approximation; NaN when all effects or all
        variances are equal.

    Raises
    ------
    TooFewStudies
        With fewer than three studies.
    DataError
        For effects that are not finite or variances that are not positive.

    Examples
    --------
    >>> from livingreview.synthesis.bias import begg
    >>> test = begg([0.2, 0.3, 0.6, 0.9, 0.1], [0.01, 0.02, 0.08, 0.2, 0.15])
    >>> print(f"tau {test.tau:.1f}, P = {test.p:.2f}")
    tau 0.6, P = 0.23
    """
    y, v, *_ = validated(effects, variances, None, None, None)
    k = len(y)
    if k < 3:
        raise TooFewStudies(f"a rank correlation needs three studies, found {k}")
    total = np.sum(1 / v)
    standardised = (y - np.sum(y / v) / total) / np.sqrt(v - 1 / total)
    # Equal variances that were summed in another order differ in the last digit; they are ties all the same.
    effect, spread = (
        scipy.stats.rankdata(np.round(column / (np.max(np.abs(column)) or 1.0), 12)) for column in (standardised, v)
    )
    if np.ptp(effect) == 0 or np.ptp(spread) == 0:
        return RankTest(k, math.nan, math.nan, _few(k))
    ties = len(np.unique(effect)) < k or len(np.unique(spread)) < k
    rank = scipy.stats.kendalltau(effect, spread, method="asymptotic" if ties or k >= EXACT_BELOW else "exact")
    return RankTest(k, float(rank.statistic), float(rank.pvalue), _few(k))


def _few(k: int) -> tuple[str, ...]:
    if k >= FEWEST_STUDIES:
        return ()
    return (f"only {k} studies: below ten the test has too little power to tell anything",)


def _regression(
    name: str, x: FloatArray, effects: FloatArray, weights: FloatArray, notes: tuple[str, ...]
) -> FunnelTest:
    """Fit effects = intercept + slope x by weighted least squares with an estimated residual scale."""
    k = len(effects)
    if k < 3:
        raise TooFewStudies(f"a funnel regression needs three studies, found {k}")
    if np.ptp(x) <= 1e-12 * np.max(np.abs(x)):
        raise TooFewStudies("a funnel regression needs studies that differ in precision; all are alike")
    share = weights / weights.sum()
    x_mean, y_mean = float(share @ x), float(share @ effects)
    spread = float(share @ (x - x_mean) ** 2)
    slope = float(share @ ((x - x_mean) * (effects - y_mean))) / spread
    intercept = y_mean - slope * x_mean
    scale = float(share @ (effects - intercept - slope * x) ** 2) / (k - 2)
    slope_se, intercept_se = math.sqrt(scale / spread), math.sqrt(scale * (1 + x_mean**2 / spread))
    # Points on one line have no residual: t is infinite, but for a slope of 0 itself.
    without_scatter = math.copysign(math.inf, slope) if slope else 0.0
    statistic = slope / slope_se if slope_se > 0 else without_scatter
    return FunnelTest(
        name=name,
        k=k,
        df=k - 2,
        slope=slope,
        slope_se=slope_se,
        statistic=statistic,
        p=float(2 * scipy.stats.t.sf(abs(statistic), k - 2)),
        intercept=intercept,
        intercept_se=intercept_se,
        x=x,
        effects=effects,
        weights=weights,
        notes=_few(k) + notes,
    )
