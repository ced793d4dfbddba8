"""Maximum-likelihood fits of many data sets at once: starts, nodes, boundaries, information."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

import numpy as np

from livingreview.synthesis.arrays import FloatArray, IndexArray
from livingreview.synthesis.binomial_model import BinomialModel
from livingreview.synthesis.binomials import Binomials
from livingreview.synthesis.counts import Correction
from livingreview.synthesis.design import FREE_ENTRIES, LARGEST_MEAN, LARGEST_TAU, Design, Structure, Tables
from livingreview.synthesis.newton import maximise
from livingreview.synthesis.normal_model import EmpiricalLogits, Method, NormalModel
from livingreview.synthesis.search_space import (
    moment_start,
    observed_covariance,
    other_starts,
    settle,
    thorough_starts,
    why_impossible,
)

Model = Literal["binomial", "normal"]
Objective = BinomialModel | NormalModel
Points = tuple[FloatArray, FloatArray]

# Squared distance to the optimum, in standard errors, at which the coarse search takes its last step. Newton's method
# squares the error, so that it lands far below.
COARSE_TOLERANCE: Final = 5e-2
ITERATIONS: Final = 200
# More steps than this mean that the coarsest nodes are too few, and that no more of them will help.
COARSE_ITERATIONS: Final = 30
# Nodes chosen at one point serve so far from it, in any parameter, and are chosen anew so often.
NEAR: Final = 0.1
ROUNDS: Final = 5


@dataclass(frozen=True)
class Precision:
    """How exactly a maximum is found.

    Parameters
    ----------
    accuracy
        Error of a data set's log-likelihood that the nodes are chosen for.
    tolerance
        Squared distance to the optimum, in standard errors, at which the final search takes its last step. Newton's
        method squares the error of the estimates; their covariance is taken before that step.
    """

    accuracy: float
    tolerance: float


# A fifth of the error that is promised of a log-likelihood, and what leaves standard errors right to four digits.
ACCURACY: Final = 2e-7
FINE_TOLERANCE: Final = 1e-9
EXACT: Final = Precision(ACCURACY, FINE_TOLERANCE)
# For refits of simulated data, of which only the scatter counts: estimates within 1e-3 standard errors.
SIMULATED: Final = Precision(1e-5, 1e-7)

SIMPLER: Final = (
    "a simpler structure may have one: of 'unstructured' that is 'independent', of this 'fixed_sensitivity' or "
    "'fixed_specificity', of these 'fixed'"
)
DIVERGED: Final = (
    f"no finite maximum was found: the search passed a mean logit of {LARGEST_MEAN:.0f} or a between-study standard "
    f"deviation of {LARGEST_TAU:.0f}, as it does when nearly all studies are at 0 % or 100 %; {SIMPLER}"
)
NOT_CONVERGED: Final = f"the search found no point with zero score and positive-definite information; {SIMPLER}"


@dataclass(frozen=True)
class Settings:
    """What is fitted, whatever the data: see :func:`livingreview.synthesis.bivariate.fit`."""

    model: Model
    method: Method
    correction: Correction

    @classmethod
    def of(cls, model: Model, method: Method | None, correction: Correction) -> Settings:
        """Return the settings; without a method, the binomial model gets ML and the normal one REML."""
        return cls(model, method or ("reml" if model == "normal" else "ml"), correction)

    def __post_init__(self) -> None:
        for name, names in (("model", Model), ("method", Method), ("correction", Correction)):
            require_name(name, getattr(self, name), get_args(names))
        if self.model == "binomial" and self.method == "reml":
            raise ValueError("the binomial model is fitted by method='ml'; method='reml' belongs to model='normal'")


def require_name(argument: str, found: object, names: tuple[str, ...]) -> None:
    """Raise a ValueError that lists the names an argument may take, unless it is one of them."""
    if found not in names:
        raise ValueError(f"{argument} is one of {', '.join(names)}; found {found!r}")


@dataclass(frozen=True, eq=False)
class Solutions:
    """Fits of b data sets with the same covariates; NaN where `failure` says why there is none.

    Parameters
    ----------
    coefficients
        (b, q) coefficients of both means.
    cholesky
        (b, 3) entries l11 ≥ 0, l21, l22 ≥ 0 of the between-study covariance's factor.
    cov
        (b, q + 3, q + 3) covariance of both, zero for an entry that the structure or a boundary fixes.
    log_likelihood
        (b,).
    reached
        (b,) the same, and where the fit failed the highest that the search came to; NaN where there was no search.
    boundary
        b tuples of names.
    failure
        b messages, empty where the fit succeeded.
    structure, reason
        b structures fitted and why.
    """

    coefficients: FloatArray
    cholesky: FloatArray
    cov: FloatArray
    log_likelihood: FloatArray
    reached: FloatArray
    boundary: tuple[tuple[str, ...], ...]
    failure: tuple[str, ...]
    structure: tuple[Structure, ...]
    reason: tuple[str, ...]

    @classmethod
    def failed(cls, design: Design, failure: tuple[str, ...]) -> Solutions:
        """Return fits without numbers."""
        b, q = len(failure), design.n_means
        return cls(
            coefficients=np.full((b, q), np.nan),
            cholesky=np.full((b, 3), np.nan),
            cov=np.full((b, q + 3, q + 3), np.nan),
            log_likelihood=np.full(b, np.nan),
            reached=np.full(b, np.nan),
            boundary=((),) * b,
            failure=failure,
            structure=(design.structure,) * b,
            reason=("",) * b,
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Solutions]) -> Solutions:
        """Return the fits of several batches as one."""
        merged: dict[str, Any] = {}
        for name, value in vars(parts[0]).items():
            pieces = [getattr(part, name) for part in parts]
            merged[name] = np.concatenate(pieces) if isinstance(value, np.ndarray) else sum(pieces, ())
        return cls(**merged)

    def scatter(self, rows: IndexArray, into: Solutions) -> Solutions:
        """Return `into` with these fits at `rows`."""
        merged: dict[str, Any] = {}
        for name, value in vars(into).items():
            if isinstance(value, np.ndarray):
                merged[name] = value.copy()
                merged[name][rows] = getattr(self, name)
            else:
                entries = list(value)
                for row, entry in zip(rows, getattr(self, name), strict=True):
                    entries[row] = entry
                merged[name] = tuple(entries)
        return Solutions(**merged)

    def take(self, rows: IndexArray) -> Solutions:
        """Return the fits of some of the data sets."""
        chosen: dict[str, Any] = {}
        for name, value in vars(self).items():
            chosen[name] = value[rows] if isinstance(value, np.ndarray) else tuple(value[row] for row in rows)
        return Solutions(**chosen)

    def because(self, reason: str) -> Solutions:
        """Return the same fits with one reason for their structure."""
        return replace(self, reason=(reason,) * len(self.failure))


def solve(
    tables: Tables,
    design: Design,
    settings: Settings,
    precision: Precision = EXACT,
) -> Solutions:
    """Fit every data set under one design.

    Parameters
    ----------
    tables
        b data sets of k rows.
    design
        Covariates and structure, the same for all.
    settings
        Model, method and correction.
    precision
        How exactly; what the package promises of its fits by default.

    Returns
    -------
    Solutions
        One fit per data set; failures are recorded, not raised.
    """
    failure = why_impossible(tables, design, settings.model, settings.correction)
    rows = np.flatnonzero([not message for message in failure])
    failed = Solutions.failed(design, failure)
    if not rows.size:
        return failed
    part = tables if rows.size == len(failure) else tables.take(rows)
    found = _search(part, design, settings, precision)
    return found if rows.size == len(failure) else found.scatter(rows, failed)


def objectives(tables: Tables, design: Design, settings: Settings, copies: int = 1) -> Objective:
    """Return the log-likelihoods of the data sets, so many times over, as one objective.

    Roughly right for the binomial model until :meth:`BinomialModel.refine`; exact for the normal one.
    """
    if settings.model == "binomial":
        data = Binomials.prepare(tables.y.reshape(2, -1), tables.n.reshape(2, -1))
        if copies > 1:
            data = data.take(np.tile(np.arange(data.y.shape[1]), copies))
        return BinomialModel(data, design)
    tp, fp, fn, tn = tables.correct(settings.correction).reshape(-1, 4).T
    observed = (tables.n.reshape(2, -1).T > 0).astype(np.float64)
    logits = EmpiricalLogits.from_cells(tp, fp, fn, tn, observed)
    return NormalModel(logits.repeat(copies), design, settings.method)


def _search(tables: Tables, design: Design, settings: Settings, precision: Precision) -> Solutions:
    """Search from moments, sharpen the best of each data set, and where that fails every other start.

    The coarse search costs little and nearly always ends next to the optimum. It need not where the coarsest nodes
    are too few, as for perfect arms under much heterogeneity: these data sets are searched with enough of them.
    """
    coarse = objectives(tables, design, settings)
    near = _coarse(coarse, tables, design, settings)
    found = _pursue(coarse, tables, design, settings, near, precision)
    lost = np.flatnonzero([bool(failure) for failure in found.failure])
    if not lost.size:
        return found
    part, best = tables.take(lost), found.take(lost)
    for point in thorough_starts(part, design):
        other = _pursue(objectives(part, design, settings), part, design, settings, (point, point), precision)
        better = np.flatnonzero(_rank(other) > _rank(best))
        best = other.take(better).scatter(better, best)
    reached = np.fmax(best.reached, found.reached[lost])
    return replace(best, reached=reached).scatter(lost, found)


def _rank(found: Solutions) -> FloatArray:
    """Return (b,) log-likelihoods, −∞ where a fit failed."""
    return np.nan_to_num(found.log_likelihood, nan=-np.inf)


def _pursue(
    coarse: Objective, tables: Tables, design: Design, settings: Settings, near: Points, precision: Precision
) -> Solutions:
    """Sharpen (b, p) points, choosing nodes anew for the data sets whose optimum is far from where they were chosen."""
    found, last = _sharpen(coarse, design, near, precision)
    moved = np.abs(last - near[0]).max(axis=1) > NEAR
    for _ in range(ROUNDS):
        rows = np.flatnonzero(moved & np.array([failure != DIVERGED for failure in found.failure]))
        if not rows.size:
            break
        again, theta = _sharpen(
            objectives(tables.take(rows), design, settings), design, (last[rows], last[rows]), precision
        )
        moved[:] = False
        moved[rows] = np.abs(theta - last[rows]).max(axis=1) > NEAR
        last[rows] = theta
        found = again.scatter(rows, found)
    return found


def _sharpen(coarse: Objective, design: Design, near: Points, precision: Precision) -> tuple[Solutions, FloatArray]:
    """Return fits of the optima next to some points, boundaries settled, and the (b, p) points where the search ended.

    Nodes are chosen at the first of the points, where the coarse likelihood is known; the search is from the second.
    """
    at, start = near
    objective = coarse.refine(at, precision.accuracy)
    fine = maximise(objective, start, inside=design.inside, tolerance=precision.tolerance, iterations=ITERATIONS)
    last = fine.theta + np.where(fine.converged[:, None], fine.step, 0.0)
    theta, boundary = settle(design, last)
    value, hessian = fine.value + 0.5 * (fine.gradient * fine.step).sum(axis=1), fine.hessian
    moved = np.flatnonzero([bool(names) for names in boundary])
    if moved.size:
        again = objective(moved, theta[moved])
        value[moved], hessian[moved] = again.value, again.hessian
    cov = _covariance(objective, design, theta, hessian)
    lost = ~(fine.converged & np.isfinite(cov).all(axis=(1, 2)))
    cholesky, coefficients = design.cholesky(theta), theta[:, : design.n_means].copy()
    for array in (coefficients, cholesky, cov, value):
        array[lost] = np.nan
    solutions = Solutions(
        coefficients=coefficients,
        cholesky=cholesky,
        cov=cov,
        log_likelihood=value,
        reached=np.where(lost, fine.value, value),
        boundary=boundary,
        failure=tuple(
            (DIVERGED if left else NOT_CONVERGED) if gone else "" for gone, left in zip(lost, fine.left, strict=True)
        ),
        structure=(design.structure,) * len(theta),
        reason=("",) * len(theta),
    )
    return solutions, last


def _coarse(objective: Objective, tables: Tables, design: Design, settings: Settings) -> Points:
    """Return (b, p) points next to the optima: the last ones evaluated unless far from them, and one step on.

    The first start from moments nearly always leads to the optimum in a few steps. The others are searched where
    it led to a boundary or nowhere; for the normal model, whose restricted and continuity-corrected likelihoods do
    have local maxima, always.
    """
    at, near, value = _climb(objective, design, moment_start(tables, design))
    doubtful = np.flatnonzero(
        (value == -np.inf) | (settings.model == "normal") | np.array([bool(name) for name in settle(design, near)[1]])
    )
    if doubtful.size:
        part = tables.take(doubtful)
        others = other_starts(part, design)
        copies = objectives(part, design, settings, len(others))
        *points, values = _climb(copies, design, others.reshape(-1, design.n_free))
        values = values.reshape(len(others), -1)
        best = values.argmax(axis=0)
        better = values.max(axis=0) > value[doubtful]
        for whole, piece in zip((at, near), points, strict=True):
            chosen = piece.reshape(others.shape)[best, np.arange(doubtful.size)]
            whole[doubtful[better]] = chosen[better]
    return at, near


def _climb(objective: Objective, design: Design, start: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (r, p) points as :func:`_coarse` does from (r, p) starts, and (r,) values, −∞ where there is none."""
    found = maximise(objective, start, inside=design.inside, tolerance=COARSE_TOLERANCE, iterations=COARSE_ITERATIONS)
    near = found.theta + found.step
    close = found.converged & (np.abs(found.step).max(axis=1) < NEAR)
    at = np.where(close[:, None], found.theta, near)
    return at, near, np.where(found.converged, found.value, -np.inf)


def _covariance(objective: Objective, design: Design, theta: FloatArray, hessian: FloatArray) -> FloatArray:
    """Return (b, q + 3, q + 3) covariances of coefficients and Cholesky entries."""
    q = design.n_means
    free = observed_covariance(design, theta, hessian)
    if isinstance(objective, NormalModel):
        # Generalised least squares, as mada and metafor report it: the means' information given the covariance.
        information = objective.information_of_means(np.arange(len(theta)), theta)
        free[:, :q, :q], free[:, :q, q:], free[:, q:, :q] = np.linalg.inv(information), 0.0, 0.0
    into = np.eye(q + 3)[[*range(q), *(q + entry for entry in FREE_ENTRIES[design.structure])]]
    return into.T @ free @ into
