"""Maximum-likelihood fits of many data sets at once: starts, nodes, boundaries, information."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis.binomial_model import RUNGS, BinomialModel
from livingreview.synthesis.boundary import regular_information, settle
from livingreview.synthesis.binomials import Binomials
from livingreview.synthesis.counts import Correction
from livingreview.synthesis.design import Design
from livingreview.synthesis.existence import all_or_none, is_separated
from livingreview.synthesis.newton import maximise
from livingreview.synthesis.normal_model import EmpiricalLogits, Method, NormalModel
from livingreview.synthesis.starts import moment_starts
from livingreview.synthesis.tables import Tables

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]
Model = Literal["binomial", "normal"]

# Squared distance to the optimum, in standard errors, at which the coarse and the final search stop. Newton's
# method squares the error, so that the last step lands far below.
COARSE_TOLERANCE: Final = 1e-4
FINE_TOLERANCE: Final = 1e-12
ITERATIONS: Final = 200
# Error of a data set's log-likelihood that the nodes are chosen for: a hundredth of what is promised.
ACCURACY: Final = 1e-8
# Eigenvalues of the information below this fraction of the largest leave a parameter undetermined.
SINGULAR: Final = 1e-10

NO_FINITE_MLE: Final = (
    "the maximum-likelihood estimate does not exist: {arm} is the same 0 % or 100 % in every study{where}, so "
    "the likelihood rises without bound in its mean; report the raw counts, or fit model='normal', whose "
    "estimate then rests on the continuity correction alone"
)
DIVERGED: Final = (
    "no finite maximum was found: the search left the range of meaningful logits, as it does when most studies "
    "are at 0 % or 100 %; try a simpler structure, such as 'independent' or 'fixed'"
)
NOT_CONVERGED: Final = "the search found no point with a positive-definite information; try a simpler structure, such as 'independent'"


@dataclass(frozen=True, eq=False)
class Solutions:
    """Fits of b data sets under one design; NaN where `failure` says why there is none.

    Parameters
    ----------
    design
        The design fitted.
    coefficients, coefficient_cov
        (b, q) and (b, q, q) of both means.
    cholesky
        (b, 3) entries l11 ≥ 0, l21, l22 ≥ 0 of the between-study covariance's factor.
    log_likelihood
        (b,).
    boundary
        b tuples of names.
    failure
        b messages, empty where the fit succeeded.
    """

    design: Design
    coefficients: FloatArray
    coefficient_cov: FloatArray
    cholesky: FloatArray
    log_likelihood: FloatArray
    boundary: tuple[tuple[str, ...], ...]
    failure: tuple[str, ...]

    @property
    def theta(self) -> FloatArray:
        """(b, p) free parameters."""
        return self.design.parameters(self.coefficients, self.cholesky)

    def scatter(self, rows: IndexArray, into: Solutions) -> Solutions:
        """Return `into` with these fits at `rows`."""
        arrays = {}
        for name in ("coefficients", "coefficient_cov", "cholesky", "log_likelihood"):
            arrays[name] = getattr(into, name).copy()
            arrays[name][rows] = getattr(self, name)
        boundary, failure = list(into.boundary), list(into.failure)
        for row, names, message in zip(rows, self.boundary, self.failure, strict=True):
            boundary[row], failure[row] = names, message
        return replace(into, **arrays, boundary=tuple(boundary), failure=tuple(failure))


def solve(
    tables: Tables,
    design: Design,
    *,
    model: Model = "binomial",
    method: Method = "ml",
    correction: Correction = "all_if_any",
    start: FloatArray | None = None,
) -> Solutions:
    """Fit every data set under one design.

    Parameters
    ----------
    tables
        b data sets of k rows.
    design
        Covariates and structure, the same for all.
    model, method, correction
        As in :func:`livingreview.synthesis.bivariate.fit`.
    start
        (p,) parameters to start from in place of the moment-based starts, for data sets known to resemble one
        already fitted.

    Returns
    -------
    Solutions
        One fit per data set; failures are recorded, not raised.
    """
    b = tables.shape[0]
    failure = _impossible(tables, design) if model == "binomial" else [""] * b
    rows = np.flatnonzero([not message for message in failure])
    if not rows.size:
        return _empty(design, b, failure)
    part = tables if rows.size == b else tables.take(rows)
    starts = moment_starts(part, design) if start is None else np.tile(start, (1, rows.size, 1))
    build = _binomial(part, design) if model == "binomial" else _normal(part, design, method, correction)
    found = _search(build, design, starts)
    if rows.size == b:
        return found
    return found.scatter(rows, _empty(design, b, failure))


Build = Callable[[int, FloatArray | None], BinomialModel | NormalModel]


def _binomial(tables: Tables, design: Design) -> Build:
    """Return a builder of the objective for so many copies of the data: coarse, or fine about given parameters."""
    data = Binomials.prepare(tables.y.reshape(2, -1), tables.n.reshape(2, -1))

    def build(copies: int, near: FloatArray | None) -> BinomialModel:
        if near is None:
            columns = np.tile(np.arange(data.y.shape[1]), copies)
            return BinomialModel(data if copies == 1 else data.take(columns), design, RUNGS[0])
        return BinomialModel(data, design, BinomialModel(data, design, RUNGS[0]).choose_nodes(near, ACCURACY))

    return build


def _normal(tables: Tables, design: Design, method: Method, correction: Correction) -> Build:
    """Return a builder of the objective for so many copies of the data."""
    tp, fp, fn, tn = tables.correct(correction).reshape(-1, 4).T
    observed = (tables.n.reshape(2, -1).T > 0).astype(np.float64)
    data = EmpiricalLogits.from_cells(tp, fp, fn, tn, observed)

    def build(copies: int, near: FloatArray | None) -> NormalModel:
        del near  # closed form: as exact from afar
        return NormalModel(data.repeat(copies), design, method)

    return build


def _search(build: Build, design: Design, starts: FloatArray) -> Solutions:
    """Search from (s, b, p) starts, keep the best of each data set, sharpen it, and settle the boundaries."""
    copies, b, p = starts.shape
    coarse = maximise(
        build(copies, None), starts.reshape(-1, p), inside=design.inside, tolerance=COARSE_TOLERANCE, iterations=ITERATIONS
    )
    best = coarse.value.reshape(copies, b).argmax(axis=0)
    near = coarse.theta.reshape(copies, b, p)[best, np.arange(b)]
    objective = build(1, near)
    fine = maximise(objective, near, inside=design.inside, tolerance=FINE_TOLERANCE, iterations=ITERATIONS)
    theta, boundary = settle(design, fine.theta)
    value, hessian = fine.value, fine.hessian
    moved = np.flatnonzero((theta != fine.theta).any(axis=1))
    if moved.size:
        again = objective(moved, theta[moved])
        value[moved], hessian[moved] = again.value, again.hessian
    cov = _coefficient_cov(objective, design, theta, hessian)
    lost = ~(fine.converged & np.isfinite(cov).all(axis=(1, 2)))
    failure = [
        (DIVERGED if left else NOT_CONVERGED) if gone else "" for gone, left in zip(lost, fine.left, strict=True)
    ]
    coefficients, cholesky = theta[:, : design.n_means], design.cholesky(theta)
    for array in (coefficients, cov, cholesky, value):
        array[lost] = np.nan
    return Solutions(design, coefficients, cov, cholesky, value, boundary, tuple(failure))


def _coefficient_cov(
    objective: BinomialModel | NormalModel, design: Design, theta: FloatArray, hessian: FloatArray
) -> FloatArray:
    """Return (b, q, q) covariances of the coefficients, NaN where the information is not positive definite."""
    if isinstance(objective, NormalModel):
        information = objective.information_of_means(np.arange(len(theta)), theta)
    else:
        information = regular_information(design, theta, hessian)
    size, axes = np.linalg.eigh(information)
    size = np.where(size > SINGULAR * size[:, -1:], size, np.nan)
    inverse: FloatArray = (axes / size[:, None, :]) @ np.swapaxes(axes, 1, 2)
    return inverse[:, : design.n_means, : design.n_means].copy()


def _impossible(tables: Tables, design: Design) -> list[str]:
    """Return for each data set why it has no finite estimate, or an empty string."""
    failure = [""] * tables.shape[0]
    for arm, (name, x) in enumerate((("sensitivity", design.x1), ("specificity", design.x2))):
        y, n = tables.y[arm], tables.n[arm]
        if x.shape[1] == 1:
            lost = np.flatnonzero(all_or_none(y, n))
            where = ""
        else:
            lost = np.flatnonzero([is_separated(yi, ni, x) for yi, ni in zip(y, n, strict=True)])
            where = " of some level or range of the covariates"
        for row in lost:
            failure[row] = failure[row] or NO_FINITE_MLE.format(arm=name, where=where)
    return failure


def _empty(design: Design, b: int, failure: list[str]) -> Solutions:
    """Return b fits that failed."""
    q = design.n_means
    return Solutions(
        design,
        np.full((b, q), np.nan),
        np.full((b, q, q), np.nan),
        np.full((b, 3), np.nan),
        np.full(b, np.nan),
        ((),) * b,
        tuple(failure),
    )
