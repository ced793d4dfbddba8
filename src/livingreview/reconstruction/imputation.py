"""Pooled accuracy when some 2×2 tables are known only up to several possibilities.

A review that reconstructs tables and then forgets that it did so reports intervals that are too narrow. Here the
uncertainty is carried: by multiple imputation (how far does the interval grow on average?) and by the extremes
(how far can the pooled estimates move at all?).

Examples
--------
>>> known = [[[40, 5, 10, 80]], [[55, 9, 8, 60]], [[20, 2, 7, 45]]]
>>> two_tables = [[33, 4, 5, 70], [30, 4, 8, 70]]
>>> result = multiple_imputation([*known, two_tables], draws=20, seed=1, structure="independent")
>>> result.draws, bool(result.widening[0] > 1), float(result.widening[1])
(20, True, 1.0)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from livingreview.errors import ConvergenceError, DataError, Fault
from livingreview.synthesis.arrays import FloatArray, IntArray, freeze
from livingreview.synthesis.batch import BatchFit, fit_many
from livingreview.synthesis.structures import StructureChoice
from livingreview.synthesis.summary import PooledLogits, student_quantile

__all__ = ["Extremes", "ImputedFit", "extremes", "multiple_imputation"]

# Combinations of tables up to which all are fitted.
MOST_COMBINATIONS = 512
LEVEL = 0.95


@dataclass(frozen=True, eq=False, repr=False)
class ImputedFit(PooledLogits):
    """Pooled accuracy over imputed tables, combined by Rubin's rules on the logit scale.

    The estimates are the means over the draws, their covariance is `within` + (1 + 1/draws) `between`; `df` are those
    of the complete data where the draws agree, Rubin's where the complete data are large, and fewer in between.

    Parameters
    ----------
    within, between
        (2, 2) mean covariance of the fits, and covariance of their estimates over the draws.
    complete_df
        Degrees of freedom of both means were the tables known.
    draws
        Number of imputations.
    """

    within: FloatArray
    between: FloatArray
    complete_df: tuple[float, float]
    draws: int

    def __post_init__(self) -> None:
        freeze(self, "mu", "mu_cov", "within", "between")

    @property
    def widening(self) -> FloatArray:
        """(2,) width of each interval on the logit scale, relative to one that ignores the imputation."""
        known = replace(self, mu_cov=self.within, df=self.complete_df)
        ratio: FloatArray = self._half_widths() / known._half_widths()
        return ratio

    def _half_widths(self) -> FloatArray:
        quantiles = np.array([student_quantile(df, self.level) for df in self.df])
        widths: FloatArray = quantiles * np.sqrt(np.diag(self.mu_cov))
        return widths

    def __repr__(self) -> str:
        wider = ", ".join(f"{100 * (ratio - 1):.0f} %" for ratio in self.widening)
        return (
            f"ImputedFit(sensitivity {self.sensitivity}, specificity {self.specificity}; "
            f"{self.draws} draws, intervals wider by {wider})"
        )


@dataclass(frozen=True)
class Extremes:
    """How far the pooled estimates move over the compatible tables.

    Parameters
    ----------
    sensitivity, specificity
        Smallest and largest pooled estimate.
    searched
        ``"all combinations"``: nothing lies beyond. ``"corners"``: every study at its own smallest or largest
        sensitivity or specificity at once; a combination in between may lie beyond, though rarely far.
    fits
        Number of combinations fitted.
    """

    sensitivity: tuple[float, float]
    specificity: tuple[float, float]
    searched: Literal["all combinations", "corners"]
    fits: int


def multiple_imputation(
    tables: Sequence[ArrayLike],
    *,
    draws: int = 100,
    seed: int | np.random.Generator = 0,
    weights: Sequence[ArrayLike] | None = None,
    structure: StructureChoice = "auto",
) -> ImputedFit:
    """Draw a table for each study, fit the bivariate binomial model, repeat, and combine.

    Parameters
    ----------
    tables
        For each of k studies an (m, 4) array of its compatible tables tp, fp, fn, tn; one row where the table is
        known.
    draws
        Number of imputations, at least 2.
    seed
        Of the generator, or the generator itself.
    weights
        For each study the (m,) probabilities of its tables, up to scale; uniform when left out.
    structure
        Between-study covariance; see :func:`livingreview.synthesis.bivariate.fit`.

    Raises
    ------
    DataError
        If a study has no table (IMPUTATION-001).
    ValueError
        For fewer than two draws, or weights that are no probabilities.
    ConvergenceError
        If any imputed data set has no fit: how many, and an example.

    References
    ----------
    Rubin DB (1987) Multiple Imputation for Nonresponse in Surveys, doi 10.1002/9780470316696. Barnard J, Rubin DB
    (1999) doi 10.1093/biomet/86.4.948.
    """
    if draws < 2:
        raise ValueError(f"expected at least 2 draws, found {draws}")
    choices = _choices(tables)
    generator = np.random.default_rng(seed)
    probabilities = [None] * len(choices) if weights is None else [_normalised(w) for w in weights]
    pairs = zip(choices, probabilities, strict=True)
    drawn = [choice[generator.choice(len(choice), size=draws, p=p)] for choice, p in pairs]
    estimates = _fit_distinct(np.stack(drawn, axis=1), structure)
    return combine(*estimates, complete_df=_studies_less_one(choices))


def combine(mu: ArrayLike, mu_cov: ArrayLike, *, complete_df: tuple[float, float] = (math.inf, math.inf)) -> ImputedFit:
    """Combine the estimates of several imputations by Rubin's rules.

    Parameters
    ----------
    mu
        (b, 2) estimates on the logit scale, b at least 2.
    mu_cov
        (b, 2, 2) their covariances.
    complete_df
        Degrees of freedom of both means were the tables known; by default the complete data are taken as large.

    Returns
    -------
    ImputedFit
        With 95 % intervals and total covariance T = W + (1 + 1/b) B. With λ = (1 + 1/b) B / T, the degrees of freedom
        are 1 / (λ² / (b − 1) + 1 / (ν₀ (1 − λ))), ν₀ being those of the complete data: Barnard and Rubin's, but for a
        factor (ν₀ + 1) / (ν₀ + 3), without which known tables (λ = 0) give the ordinary ν₀.
    """
    estimates, covariances = np.asarray(mu, dtype=np.float64), np.asarray(mu_cov, dtype=np.float64)
    b = len(estimates)
    within = covariances.mean(axis=0)
    between = np.cov(estimates, rowvar=False, ddof=1)
    # Equal estimates may differ in their last bits.
    between[np.abs(between) < np.finfo(float).eps ** 1.5] = 0.0
    added = (1 + 1 / b) * between
    share = np.diag(added) / np.diag(within + added)
    with np.errstate(divide="ignore"):
        first, second = (1 / (share**2 / (b - 1) + 1 / (np.array(complete_df) * (1 - share)))).tolist()
    df = (first, second)
    return ImputedFit(estimates.mean(axis=0), within + added, LEVEL, within, between, complete_df, b, df=df)


def _studies_less_one(choices: Sequence[IntArray]) -> tuple[float, float]:
    """Return the degrees of freedom of two means: the studies with diseased, and with non-diseased, less one.

    An arm without participants is so in every table of a study.
    """
    diseased, healthy = np.array([(t[0, 0] + t[0, 2] > 0, t[0, 1] + t[0, 3] > 0) for t in choices]).sum(axis=0)
    return float(max(diseased - 1, 1)), float(max(healthy - 1, 1))


def extremes(
    tables: Sequence[ArrayLike],
    *,
    structure: StructureChoice = "auto",
    most: int = MOST_COMBINATIONS,
) -> Extremes:
    """Return the smallest and largest pooled estimates over the compatible tables.

    Parameters
    ----------
    tables, structure
        As for :func:`multiple_imputation`.
    most
        Up to so many combinations, all are fitted; beyond, the corners.

    Returns
    -------
    Extremes
        The ranges, and what was searched.

    Raises
    ------
    DataError
        If a study has no table (IMPUTATION-001).
    ConvergenceError
        If any combination has no fit.
    """
    choices = _choices(tables)
    searched: Literal["all combinations", "corners"]
    if math.prod(map(len, choices)) <= most:
        searched = "all combinations"
        combinations = np.array([np.stack(combination) for combination in product(*choices)])
    else:
        searched = "corners"
        combinations = np.unique(np.stack([_corners(choice) for choice in choices], axis=1), axis=0)
    mu, _ = _fit_distinct(combinations, structure)
    low, high = expit(mu.min(axis=0)).tolist(), expit(mu.max(axis=0)).tolist()
    return Extremes((low[0], high[0]), (low[1], high[1]), searched, len(combinations))


def _choices(tables: Sequence[ArrayLike]) -> list[IntArray]:
    choices = [np.asarray(table, dtype=np.int64).reshape(-1, 4) for table in tables]
    faults = [
        Fault("", row, "tables", "no compatible table", "leave the study out", "IMPUTATION-001")
        for row, choice in enumerate(choices, start=1)
        if len(choice) == 0
    ]
    if faults:
        raise DataError(faults)
    return choices


def _normalised(weights: ArrayLike) -> FloatArray:
    given = np.asarray(weights, dtype=np.float64)
    if not (np.all(given >= 0) and given.sum() > 0):
        raise ValueError("weights are not negative and not all zero")
    result: FloatArray = given / given.sum()
    return result


def _corners(choice: IntArray) -> IntArray:
    """Return the tables at the smallest and largest sensitivity, specificity, their sum and difference.

    Of tables that share such an extreme, as perfect ones do, the one of the fewest and the one of the most people.
    """
    tp, fp, fn, tn = choice.T
    sensitivity, specificity = tp / np.maximum(tp + fn, 1), tn / np.maximum(fp + tn, 1)
    scores = (sensitivity, specificity, sensitivity + specificity, sensitivity - specificity)
    people = choice.sum(axis=1)
    orders = [(size, sign * score) for score in scores for sign in (1, -1) for size in (people, -people)]
    return choice[[np.lexsort(order)[0] for order in orders]]


def _fit_distinct(data_sets: IntArray, structure: StructureChoice) -> tuple[FloatArray, FloatArray]:
    """Fit (b, k, 4) data sets, each distinct one once; return mu (b, 2) and mu_cov (b, 2, 2)."""
    b, k, _ = data_sets.shape
    distinct, at = np.unique(data_sets.reshape(b, -1), axis=0, return_inverse=True)
    fits: BatchFit = fit_many(distinct.reshape(-1, k, 4), structure=structure)
    lost = np.flatnonzero(~fits.converged)
    if lost.size:
        cells = "; ".join(str(table) for table in distinct[lost[0]].reshape(k, 4).tolist())
        raise ConvergenceError(
            f"{np.isin(at, lost).sum()} of {b} sets of tables have no fit, for example [tp, fp, fn, tn] = {cells}: "
            f"{fits.failure[lost[0]]}"
        )
    return fits.mu[at.ravel()], fits.mu_cov[at.ravel()]
