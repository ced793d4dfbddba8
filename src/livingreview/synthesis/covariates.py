"""Covariates of both means: their coding, estimates per level, and tests of their effects."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from livingreview.errors import DataError, Fault, TooFewStudies
from livingreview.synthesis.arrays import FloatArray, IndexArray
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.summary import PooledModel, exp, expit, student_quantile


@dataclass(frozen=True, eq=False)
class Coding:
    """The design of a mean, in units in which the search behaves.

    Parameters
    ----------
    names
        p names, the intercept first.
    x
        (k, p) columns: ones, an indicator of every level of `by` but the first, standardised covariates.
    back
        (p, p) matrix that turns coefficients of `x` into those of the covariates as given.
    levels
        Levels of `by`, sorted; the first is the reference.
    level_rows
        (number of levels, p) rows of `x` at each level, covariates at their means.
    level_of
        (k,) position of each study's level.
    """

    names: tuple[str, ...]
    x: FloatArray
    back: FloatArray
    levels: tuple[str, ...]
    level_rows: FloatArray
    level_of: IndexArray

    @property
    def centre(self) -> FloatArray:
        """(p,) mean row: the studies' average, at which the pooled estimates are given."""
        return np.asarray(self.x.mean(axis=0))


def code(counts: Counts, by: Sequence[object] | None, covariates: Mapping[str, ArrayLike] | None) -> Coding:
    """Return the design that `by` and `covariates` ask for.

    Parameters
    ----------
    counts
        k tables.
    by
        k labels of a categorical covariate.
    covariates
        Numeric covariates: name to (k,) values.

    Returns
    -------
    Coding
        Without covariates, the intercept alone.

    Raises
    ------
    TypeError
        If `covariates` is no mapping.
    DataError
        For a wrong number of values, a missing or infinite one, a covariate that does not vary, and covariates
        that the studies with diseased, or those with non-diseased, participants cannot tell apart.
    TooFewStudies
        If an arm has no more studies than its mean has coefficients: their effects and the variation between studies
        would be one and the same.
    """
    if not isinstance(covariates, Mapping | None):
        raise TypeError(f"covariates is a mapping from name to values; found {type(covariates).__name__}")
    k, faults = counts.k, []
    labels = ["" if label is None else str(label) for label in by] if by is not None else [""] * k
    if len(labels) != k:
        faults.append(_fault(0, "by", f"{k} labels were expected, one per study, and {len(labels)} found"))
    elif by is not None:
        blank = [row for row, label in enumerate(labels, start=1) if not label.strip() or label == "nan"]
        faults += [_fault(row, "by", "expected a label, found nothing") for row in blank]
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in (covariates or {}).items()}
    for name, values in columns.items():
        if values.shape != (k,):
            faults.append(_fault(0, name, f"{k} values were expected, found shape {values.shape}"))
            continue
        bad = np.flatnonzero(~np.isfinite(values))
        faults += [_fault(int(row) + 1, name, f"expected a finite number, found {values[row]}") for row in bad]
        if not bad.size and np.ptp(values) == 0:
            faults.append(_fault(0, name, "the covariate is the same in every study"))
    if faults:
        raise DataError(faults)
    coding = _build(labels, columns)
    if coding.x.shape[1] == 1:
        return coding
    for arm, n in (("diseased", counts.n_diseased), ("non-diseased", counts.n_nondiseased)):
        if np.linalg.matrix_rank(coding.x[n > 0]) < coding.x.shape[1]:
            raise DataError(
                [_fault(0, "covariates", f"the studies with {arm} participants cannot tell their effects apart")]
            )
        if (present := int(np.count_nonzero(n))) == coding.x.shape[1]:
            raise TooFewStudies(
                f"{present} coefficients ({', '.join(coding.names)}) need more than {present} studies with {arm} "
                "participants, or no difference can be told from the variation between studies; use fewer levels or "
                "covariates, or describe the studies one by one"
            )
    return coding


def _build(labels: Sequence[str], columns: Mapping[str, FloatArray]) -> Coding:
    levels = tuple(sorted(set(labels)))
    level_of = np.array([levels.index(label) for label in labels], dtype=np.intp)
    names = ["intercept", *levels[1:], *columns]
    indicators = np.eye(len(levels))[:, 1:]
    x = np.hstack([np.ones((len(labels), 1)), indicators[level_of]])
    back = np.eye(len(names))
    for position, values in enumerate(columns.values(), start=len(levels)):
        mean, spread = float(values.mean()), float(values.std())
        x = np.hstack([x, ((values - mean) / spread)[:, None]])
        back[position, position] = 1 / spread
        back[0, position] = -mean / spread
    rows = np.hstack([np.ones((len(levels), 1)), indicators, np.zeros((len(levels), len(columns)))])
    return Coding(tuple(names), x, back, levels, rows, level_of)


def _fault(line: int, field: str, problem: str) -> Fault:
    return Fault(
        "", line, field, problem, "give every study a usable value or leave the covariate out", "COVARIATE-001"
    )


def level_notes(coding: Coding) -> list[str]:
    """Return what a reader of estimates per level should know of the levels."""
    if coding.levels == ("",):
        return []
    notes = []
    alike: dict[str, list[str]] = {}
    for label in coding.levels:
        alike.setdefault(" ".join(label.casefold().split()), []).append(label)
    for labels in alike.values():
        if len(labels) > 1:
            notes.append(f"levels that differ only in case or spaces: {', '.join(map(repr, labels))}")
    if len(coding.levels) == 1:
        return [*notes, f"every row is of one level, {coding.levels[0]!r}: no levels are compared"]
    notes.append(
        "the levels share one between-study covariance, and rows count as independent studies, also where the same "
        "people had several of the tests"
    )
    single = [label for i, label in enumerate(coding.levels) if np.count_nonzero(coding.level_of == i) == 1]
    if single:
        notes.append(
            f"levels of one study: {', '.join(single)}; how far studies of such a level vary is taken from the others"
        )
    return notes


@dataclass(frozen=True, eq=False)
class LevelEstimate(PooledModel):
    """Pooled estimates at one level of a categorical covariate.

    Parameters
    ----------
    label
        The level.
    rows
        Row numbers of its studies, from 0.
    """

    label: str
    rows: tuple[int, ...]

    @property
    def k(self) -> int:
        """Number of studies at the level."""
        return len(self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "label": self.label,
            "k": self.k,
            **self.measures_to_dict(),
            "prediction_interval_sensitivity": self.prediction_interval_sensitivity.to_dict(),
            "prediction_interval_specificity": self.prediction_interval_specificity.to_dict(),
        }


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of a mean on the logit scale.

    Parameters
    ----------
    name
        Mean and covariate, such as ``"sensitivity: year"``.
    interval, standard_error, p_value
        Wald, with the quantile of the fit; NaN for an error of 0.
    """

    name: str
    interval: Interval
    standard_error: float
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, with the odds ratio per unit."""
        return {
            "name": self.name,
            **self.interval.to_dict(),
            "se": self.standard_error,
            "p": None if math.isnan(self.p_value) else self.p_value,
            "odds_ratio": self.interval.map(exp).to_dict(),
        }

    @classmethod
    def wald(cls, name: str, estimate: float, variance: float, df: float, level: float) -> Coefficient:
        """Return an estimate with its Wald interval and test; normal for infinite `df`, else Student's."""
        from scipy.special import ndtr, stdtr

        error = math.sqrt(max(variance, 0.0))
        ratio = -abs(estimate) / error if error else math.nan
        p = 2 * float(ndtr(ratio) if math.isinf(df) else stdtr(df, ratio))
        return cls(name, Interval.about(estimate, student_quantile(df, level) * error, level), error, p)


@dataclass(frozen=True)
class Contrast:
    """One level of a categorical covariate against the first, for one measure.

    Parameters
    ----------
    level, reference
        The two levels.
    measure
        ``"sensitivity"`` or ``"specificity"``.
    odds_ratio
        Ratio of the odds of a right result, with the Wald interval of its logarithm; other covariates held fixed.
    ratio
        Relative sensitivity or specificity, by the delta method on the log scale; other covariates at their means.
    p_value
        Wald test of an odds ratio of 1.
    """

    level: str
    reference: str
    measure: str
    odds_ratio: Interval
    ratio: Interval
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "level": self.level,
            "reference": self.reference,
            "measure": self.measure,
            "odds_ratio": self.odds_ratio.to_dict(),
            "ratio": self.ratio.to_dict(),
            "p": None if math.isnan(self.p_value) else self.p_value,
        }


def contrasts(
    coding: Coding, coefficients: FloatArray, cov: FloatArray, df: tuple[float, float], level: float
) -> tuple[Contrast, ...]:
    """Return every level but the first against it, for sensitivity and specificity.

    Parameters
    ----------
    coding
        The design.
    coefficients, cov
        (2p,) coefficients of both means in the units of the search, and their covariance.
    df
        Degrees of freedom of both means' quantiles.
    level
        Coverage.
    """
    p, found = len(coding.names), []
    first = coding.level_rows[0]
    for number, label in enumerate(coding.levels[1:], start=1):
        for arm, measure in enumerate(("sensitivity", "specificity")):
            beta, part = coefficients[arm * p : (arm + 1) * p], cov[arm * p : (arm + 1) * p, arm * p : (arm + 1) * p]
            row = coding.level_rows[number]
            odds = Coefficient.wald(
                "", float((row - first) @ beta), float((row - first) @ part @ (row - first)), df[arm], level
            )
            one, other = expit(float(row @ beta)), expit(float(first @ beta))
            gradient = (1 - one) * row - (1 - other) * first
            half = student_quantile(df[arm], level) * math.sqrt(max(float(gradient @ part @ gradient), 0.0))
            ratio = Interval.about(math.log(one / other), half, level).map(exp)
            found.append(Contrast(label, coding.levels[0], measure, odds.interval.map(exp), ratio, odds.p_value))
    return tuple(found)


@dataclass(frozen=True)
class Test:
    """A χ² test of the covariates' effect.

    Parameters
    ----------
    kind
        ``"wald"`` or ``"likelihood_ratio"``.
    effect_on
        ``"both"``, ``"sensitivity"`` (specificity may still depend on the covariates), or ``"specificity"``.
    statistic, df, p_value
        χ², its degrees of freedom, and the tail probability.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    kind: str
    effect_on: str
    statistic: float
    df: int
    p_value: float

    @classmethod
    def chi_square(cls, kind: str, effect_on: str, statistic: float, df: int) -> Test:
        """Return the test with its p value; a statistic below zero by rounding counts as zero."""
        from scipy.special import chdtrc

        return cls(kind, effect_on, max(statistic, 0.0), df, float(chdtrc(df, max(statistic, 0.0))))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def wald_tests(coefficients: FloatArray, cov: FloatArray, p: int) -> tuple[Test, ...]:
    """Return the three Wald tests.

    Parameters
    ----------
    coefficients, cov
        (2p,) coefficients of both means, intercepts first in each, and their covariance.
    p
        Coefficients per mean.
    """
    first, second = np.arange(1, p), np.arange(p + 1, 2 * p)
    tests = []
    for effect_on, chosen in (("both", np.r_[first, second]), ("sensitivity", first), ("specificity", second)):
        beta = coefficients[chosen]
        statistic = float(beta @ np.linalg.solve(cov[np.ix_(chosen, chosen)], beta))
        tests.append(Test.chi_square("wald", effect_on, statistic, chosen.size))
    return tuple(tests)
