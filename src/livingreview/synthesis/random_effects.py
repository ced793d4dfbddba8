"""Batched weighted least squares with an estimated between-study variance: what every univariate analysis shares.

Internal to the package: :mod:`livingreview.synthesis.univariate` and
:mod:`livingreview.synthesis.influence` are the doors to it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike

from livingreview.errors import DataError, Fault
from livingreview.synthesis.arrays import BoolArray, FloatArray, freeze
from livingreview.synthesis.between_study_variance import Method, Problem, estimate
from livingreview.synthesis.intervals import Interval

Test: TypeAlias = Literal["z", "hartung_knapp", "hartung_knapp_safeguarded"]


@dataclass(frozen=True)
class BatchSolution:
    """Estimates of a batch of ``b`` problems; arrays of leading dimension b.

    Parameters
    ----------
    coefficients, covariance
        (b, p) and (b, p, p) arrays, in the columns of the design given to :func:`solve`.
    tau2, q, i2, h2, log_likelihood
        (b,) arrays.
    scale
        (b,) array: Hartung and Knapp's factor on the covariance, 1 for the z test.
    df
        (b,) array of residual degrees of freedom.
    """

    coefficients: FloatArray
    covariance: FloatArray
    tau2: FloatArray
    q: FloatArray
    i2: FloatArray
    h2: FloatArray
    log_likelihood: FloatArray
    scale: FloatArray
    df: FloatArray


@dataclass(frozen=True)
class Basis:
    """A design in an orthonormal basis, and effects as residuals from the unweighted line.

    Both keep their digits when a covariate is a calendar year or all effects share a large constant.

    Parameters
    ----------
    problem
        The residuals on the orthonormal columns.
    start
        (p,) unweighted least-squares coefficients.
    back
        (p, p) matrix from coefficients of the basis to those of the design.
    """

    problem: Problem
    start: FloatArray
    back: FloatArray


def orthonormal(
    effects: FloatArray, variances: FloatArray, design: FloatArray, include: BoolArray | None = None
) -> Basis:
    """Return the batch in an orthonormal basis of the design; all studies in one problem by default."""
    q, r = np.linalg.qr(design)
    line = q.T @ effects
    back = scipy.linalg.solve_triangular(r, np.eye(len(r)))
    chosen = np.ones((1, len(effects)), dtype=bool) if include is None else include
    return Basis(Problem(effects - q @ line, variances, q, chosen), back @ line, back)


def solve(basis: Basis, method: Method, test: Test) -> BatchSolution:
    """Fit every problem of a batch; :func:`livingreview.synthesis.univariate.fit` explains the results."""
    problem = basis.problem
    df = problem.df
    some = df > 0
    tau2 = estimate(problem, method)
    at_zero, m = problem.moments(np.zeros_like(tau2)), problem.moments(tau2)
    scale = np.ones_like(tau2)
    if test != "z":
        scale = np.divide(m.q, df, out=np.full_like(df, np.nan), where=some)
    if test == "hartung_knapp_safeguarded":
        scale = np.maximum(scale, 1.0)
    if method == "fixed":
        h2 = np.divide(at_zero.q, df, out=np.ones_like(df), where=some)
        i2 = np.where(h2 > 1, 1 - 1 / np.maximum(h2, 1.0), 0.0)
    else:
        ratio = tau2 * np.divide(at_zero.trace_p, df, out=np.zeros_like(df), where=some)
        h2, i2 = 1 + ratio, ratio / (1 + ratio)
    return BatchSolution(
        coefficients=basis.start + m.coefficients @ basis.back.T,
        covariance=basis.back @ m.precision_inverse @ basis.back.T * scale[:, None, None],
        tau2=tau2,
        q=at_zero.q,
        i2=i2,
        h2=h2,
        log_likelihood=m.restricted_log_likelihood if method == "reml" else m.log_likelihood,
        scale=scale,
        df=df,
    )


def quantile(test: Test, df: ArrayLike, level: float) -> FloatArray:
    """Return the two-sided quantile: normal for the z test, else t; NaN without degrees of freedom."""
    upper = (1 + level) / 2
    if test == "z":
        return np.full(np.shape(df), scipy.stats.norm.ppf(upper))
    return np.asarray(scipy.stats.t.ppf(upper, np.where(np.asarray(df) > 0, df, np.nan)))


def p_value(statistic: FloatArray, test: Test, df: ArrayLike) -> FloatArray:
    """Return two-sided P values; NaN where the t test has no degrees of freedom."""
    if test == "z":
        return np.asarray(2 * scipy.stats.norm.sf(np.abs(statistic)))
    return np.asarray(2 * scipy.stats.t.sf(np.abs(statistic), np.where(np.asarray(df) > 0, df, np.nan)))


def validated(
    effects: ArrayLike,
    variances: ArrayLike,
    moderators: ArrayLike | None,
    moderator_names: Sequence[str] | None,
    study: Iterable[object] | None,
) -> tuple[FloatArray, FloatArray, FloatArray, tuple[str, ...], tuple[str, ...]]:
    """Return effects, variances, design with intercept, its column names and the study labels.

    Raises
    ------
    DataError
        With every fault found: lengths (EFFECT-001), effects (EFFECT-002), variances (EFFECT-003), moderators
        (EFFECT-004) and collinearity (EFFECT-005).
    """
    y, v = (np.atleast_1d(np.asarray(column, dtype=float)) for column in (effects, variances))
    k = len(y)
    z = np.empty((k, 0)) if moderators is None else np.asarray(moderators, dtype=float)
    z = z[:, None] if z.ndim == 1 else z
    names = tuple(moderator_names or (f"moderator {j + 1}" for j in range(z.shape[1])))
    labels = tuple(str(label) for label in study) if study is not None else tuple(map(str, range(1, k + 1)))
    lengths = {"variances": len(v), "moderators": len(z), "study": len(labels)}
    wrong = {field: n for field, n in lengths.items() if n != k}
    if k == 0 or wrong or len(names) != z.shape[1]:
        found = ", ".join(f"{field} {n}" for field, n in {"effects": k, **wrong}.items())
        problem = f"columns differ in length or are empty: {found}; {len(names)} moderator name(s)"
        raise DataError([Fault("", 0, "", problem, "give one entry per estimate", "EFFECT-001")])
    remedy = "correct the value or leave the row out"
    bad = {
        "effects": (y, ~np.isfinite(y), "expected a finite number", remedy, "EFFECT-002"),
        "variances": (v, ~(np.isfinite(v) & (v > 0)), "expected a number above 0", remedy, "EFFECT-003"),
        "moderators": (z, ~np.isfinite(z).all(axis=1), "expected finite numbers", remedy, "EFFECT-004"),
    }
    faults = [
        Fault("", int(i) + 1, field, f"row {i + 1}: {expected}, found {column[i]}", remedy, code)
        for field, (column, mask, expected, remedy, code) in bad.items()
        for i in np.flatnonzero(mask)
    ]
    x = np.column_stack([np.ones(k), z])
    if not faults and k >= x.shape[1] and not full_rank(x):
        problem = f"the columns {', '.join(names)} and the intercept are collinear"
        faults = [Fault("", 0, "moderators", problem, "leave one of them out", "EFFECT-005")]
    if faults:
        raise DataError(faults)
    return y, v, x, ("intercept", *names), labels


def full_rank(design: FloatArray) -> bool:
    """Return whether the columns are independent, whatever their units."""
    norms = np.linalg.norm(design, axis=0)
    if np.any(norms == 0):
        return False
    return bool(np.linalg.matrix_rank(design / norms, tol=1e-10) == design.shape[1])


@dataclass(frozen=True, eq=False, repr=False)
class EffectsFit(ABC):
    """A regression of effects with known sampling variances: what fits with two and three levels have in common.

    Parameters
    ----------
    level
        Coverage of every interval.
    study, effects, variances
        n labels and the (n,) arrays of estimates and sampling variances.
    design, names
        (n, p) design matrix, first column the intercept, and the names of its columns.
    coefficients, covariance
        (p,) and (p, p) arrays, on the scale of the effects.
    log_likelihood
        Restricted for REML (with the term ``½ log|XᵀX|``), full for every other method.
    """

    level: float
    study: tuple[str, ...]
    effects: FloatArray
    variances: FloatArray
    design: FloatArray
    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    log_likelihood: float

    def __post_init__(self) -> None:
        freeze(self, "effects", "variances", "design", "coefficients", "covariance")

    @property
    @abstractmethod
    def inference(self) -> tuple[FloatArray, Test, ArrayLike]:
        """The (p, p) covariance that inference rests on, the test, and its degrees of freedom."""

    @property
    def standard_errors(self) -> FloatArray:
        """(p,) standard errors of the coefficients."""
        return np.sqrt(np.diag(self.inference[0]))

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """One interval per coefficient, normal or t as the test says."""
        _, test, df = self.inference
        half = quantile(test, df, self.level) * self.standard_errors
        return tuple(
            Interval.about(float(b), float(h), self.level) for b, h in zip(self.coefficients, half, strict=True)
        )

    @property
    def estimate(self) -> Interval:
        """The first coefficient: the pooled effect, or the intercept of a meta-regression."""
        return self.intervals[0]

    @property
    def p_values(self) -> FloatArray:
        """(p,) two-sided P values of the coefficients."""
        _, test, df = self.inference
        return p_value(self.coefficients / self.standard_errors, test, df)

    @property
    def headline(self) -> str:
        """The pooled effect, or the names of the coefficients."""
        return f"{self.estimate}" if len(self.names) == 1 else ", ".join(self.names)


def finite_or_none(value: float) -> float | None:
    """Return a plain float, or None for what JSON cannot hold."""
    return float(value) if math.isfinite(value) else None
