"""What a pooled accuracy means for patients: probabilities after the test, predictive values, natural frequencies.

A function of a fit reads its `mu`, `mu_cov` and `level` alone, so that an
:class:`~livingreview.reconstruction.imputation.ImputedFit` serves as well as a
:class:`~livingreview.synthesis.bivariate.BivariateFit`. Sensitivity and specificity are correlated; what depends on
both gets its interval from their joint covariance.

Examples
--------
>>> round(post_test_probability(0.2, 9.0), 3)
0.692
>>> nomogram = fagan(0.2, likelihood_ratio_positive=9.0, likelihood_ratio_negative=0.1)
>>> [round(p, 3) for p in (nomogram.after_positive, nomogram.after_negative)]
[0.692, 0.024]
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from livingreview.synthesis.arrays import FloatArray, freeze
from livingreview.synthesis.counts import CELLS
from livingreview.synthesis.intervals import Interval, Intervals
from livingreview.synthesis.summary import PooledLogits

__all__ = [
    "Fagan",
    "NaturalFrequencies",
    "PredictiveValues",
    "fagan",
    "natural_frequencies",
    "post_test_probability",
    "predictive_values",
]


def post_test_probability(pre_test: float, likelihood_ratio: float) -> float:
    """Return the probability of disease after a result, by Bayes' theorem.

    Parameters
    ----------
    pre_test
        Probability before the test, between 0 and 1.
    likelihood_ratio
        Of the result, positive.

    Returns
    -------
    float
        Probability after it.

    Raises
    ------
    ValueError
        For a probability outside (0, 1) or a ratio that is not positive.

    Examples
    --------
    >>> from livingreview.synthesis.utility import post_test_probability
    >>> round(post_test_probability(0.2, likelihood_ratio=9.0), 3)
    0.692
    """
    if not 0 < pre_test < 1:
        raise ValueError(f"expected a probability between 0 and 1, found {pre_test!r}")
    if not likelihood_ratio > 0:
        raise ValueError(f"expected a positive likelihood ratio, found {likelihood_ratio!r}")
    return float(expit(logit(pre_test) + math.log(likelihood_ratio)))


@dataclass(frozen=True)
class Fagan:
    """Fagan's nomogram as geometry.

    On three parallel axes at x = 0, 1, 2 the probability before the test stands at −logit, the likelihood ratio at
    half its natural logarithm and the probability after the test at its logit, so that Bayes' theorem is a
    straight line.

    Parameters
    ----------
    pre_test
        Probability before the test.
    after_positive, after_negative
        Probability after a positive and after a negative result.
    positive, negative
        The three points (x, y) of either line.

    Examples
    --------
    >>> from livingreview.synthesis.utility import fagan
    >>> [round(y, 2) for _, y in fagan(0.2, 9.0, 0.1).positive]
    [1.39, 1.1, 0.81]
    """

    pre_test: float
    after_positive: float
    after_negative: float
    positive: tuple[tuple[float, float], ...]
    negative: tuple[tuple[float, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        lines = {name: [list(point) for point in getattr(self, name)] for name in ("positive", "negative")}
        return {**asdict(self), **lines}


def fagan(pre_test: float, likelihood_ratio_positive: float, likelihood_ratio_negative: float) -> Fagan:
    """Return Fagan's nomogram for one probability before the test.

    Parameters
    ----------
    pre_test
        Probability before the test, between 0 and 1.
    likelihood_ratio_positive, likelihood_ratio_negative
        Of a positive and of a negative result.

    Returns
    -------
    Fagan
        Probabilities after the test, and the two lines.

    Raises
    ------
    ValueError
        As :func:`post_test_probability`.

    References
    ----------
    Fagan TJ (1975) doi 10.1056/NEJM197507312930513.

    Examples
    --------
    >>> from livingreview.synthesis.utility import fagan
    >>> nomogram = fagan(0.2, likelihood_ratio_positive=9.0, likelihood_ratio_negative=0.1)
    >>> print(f"{nomogram.after_positive:.3f} {nomogram.after_negative:.3f}")
    0.692 0.024
    """

    def line(ratio: float, after: float) -> tuple[tuple[float, float], ...]:
        return (0.0, -float(logit(pre_test))), (1.0, math.log(ratio) / 2), (2.0, float(logit(after)))

    ratios = (likelihood_ratio_positive, likelihood_ratio_negative)
    after = [post_test_probability(pre_test, ratio) for ratio in ratios]
    return Fagan(pre_test, after[0], after[1], line(ratios[0], after[0]), line(ratios[1], after[1]))


@dataclass(frozen=True, eq=False)
class PredictiveValues:
    """Predictive values over a range of prevalence.

    Parameters
    ----------
    prevalence
        (m,) read-only array.
    positive, negative
        Positive predictive value (disease after a positive result) and negative predictive value (no disease after a
        negative one) at each of them.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit
    >>> from livingreview.synthesis.utility import predictive_values
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
    >>> values = predictive_values(fit(counts), [0.1, 0.5])
    >>> values.prevalence.tolist(), values.negative.estimate.round(3).tolist()
    ([0.1, 0.5], [0.981, 0.851])
    """

    prevalence: FloatArray
    positive: Intervals
    negative: Intervals

    def __post_init__(self) -> None:
        freeze(self, "prevalence")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "prevalence": self.prevalence.tolist(),
            "positive": self.positive.to_dict(),
            "negative": self.negative.to_dict(),
        }


def predictive_values(fit: PooledLogits, prevalence: ArrayLike) -> PredictiveValues:
    """Return both predictive values, with delta-method intervals on the logit scale.

    logit(PPV) = logit(prevalence) + ln LR+ and logit(NPV) = −logit(prevalence) − ln LR−, so that the standard error
    is that of a log likelihood ratio at every prevalence, taken as known.

    Parameters
    ----------
    fit
        Pooled accuracy.
    prevalence
        (m,) values, or one, between 0 and 1.

    Returns
    -------
    PredictiveValues
        At the fit's level.

    Raises
    ------
    ValueError
        If a prevalence is not between 0 and 1.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit
    >>> from livingreview.synthesis.utility import predictive_values
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
    >>> print(predictive_values(fit(counts), 0.1).positive[0])
    0.485 [0.398, 0.574]
    """
    at = np.atleast_1d(np.asarray(prevalence, dtype=np.float64))
    if not np.all((at > 0) & (at < 1)):
        raise ValueError(f"expected prevalences between 0 and 1, found {prevalence!r}")
    sens, spec = expit(fit.mu)
    log_positive = math.log(sens) - math.log1p(-spec)
    log_negative = math.log1p(-sens) - math.log(spec)
    values = {
        "positive predictive value": (logit(at) + log_positive, np.array([1 - sens, spec])),
        "negative predictive value": (-logit(at) - log_negative, np.array([sens, 1 - spec])),
    }
    positive, negative = (
        _from_logit(name, centre, fit.joint_quantile * math.sqrt(gradient @ fit.mu_cov @ gradient), fit.level)
        for name, (centre, gradient) in values.items()
    )
    return PredictiveValues(at, positive, negative)


@dataclass(frozen=True)
class NaturalFrequencies:
    """What happens to so many people who take the test.

    Parameters
    ----------
    prevalence
        Share with the disease.
    population
        Number of people.
    tp, fp, fn, tn
        Expected numbers with their intervals.
    counts
        Whole numbers tp, fp, fn, tn that add up to `population`, and of which tp + fn is the rounded number of
        diseased people.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit
    >>> from livingreview.synthesis.utility import natural_frequencies
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
    >>> found = natural_frequencies(fit(counts), prevalence=0.1)
    >>> sum(found.counts) == found.population
    True
    """

    prevalence: float
    population: int
    tp: Interval
    fp: Interval
    fn: Interval
    tn: Interval
    counts: tuple[int, int, int, int]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "prevalence": self.prevalence,
            "population": self.population,
            "counts": dict(zip(CELLS, self.counts, strict=True)),
            **{cell: getattr(self, cell).to_dict() for cell in CELLS},
        }


def natural_frequencies(fit: PooledLogits, prevalence: float, population: int = 1000) -> NaturalFrequencies:
    """Return true and false results among so many people.

    Parameters
    ----------
    fit
        Pooled accuracy.
    prevalence
        Share with the disease, from 0 to 1, taken as known.
    population
        Number of people, at least 1.

    Returns
    -------
    NaturalFrequencies
        Intervals are those of sensitivity and specificity, scaled.

    Raises
    ------
    ValueError
        For a prevalence outside 0 to 1, or nobody.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit
    >>> from livingreview.synthesis.utility import natural_frequencies
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
    >>> found = natural_frequencies(fit(counts), prevalence=0.1)
    >>> found.counts
    (84, 89, 16, 811)
    >>> print(found.tp)
    84.3 [75.4, 90.3]
    """
    if not 0 <= prevalence <= 1:
        raise ValueError(f"expected a prevalence from 0 to 1, found {prevalence!r}")
    if population < 1:
        raise ValueError(f"expected at least one person, found {population!r}")
    sens, spec = fit.sensitivity, fit.specificity
    diseased, healthy = prevalence * population, (1 - prevalence) * population
    whole_diseased = round(diseased)
    tp, tn = round(whole_diseased * sens.estimate), round((population - whole_diseased) * spec.estimate)
    return NaturalFrequencies(
        prevalence,
        population,
        tp=sens.map(lambda share: share * diseased),
        fp=_complement(spec).map(lambda share: share * healthy),
        fn=_complement(sens).map(lambda share: share * diseased),
        tn=spec.map(lambda share: share * healthy),
        counts=(tp, population - whole_diseased - tn, whole_diseased - tp, tn),
    )


def _from_logit(name: str, centre: FloatArray, half: float, level: float) -> Intervals:
    method = "delta method, logit scale"
    return Intervals(name, method, expit(centre), expit(centre - half), expit(centre + half), level)


def _complement(share: Interval) -> Interval:
    return Interval(1 - share.estimate, 1 - share.upper, 1 - share.lower, share.level)
