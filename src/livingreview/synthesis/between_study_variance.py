"""Estimators of the between-study variance of a random-effects model with known sampling variances.

The model is ``y ~ N(X β, diag(v) + τ² I)``. Everything is computed for a *batch* of subsets of the same
studies at once (a row of ``include`` says which studies a problem uses), so that leave-one-out and
cumulative analyses are one pass and not a loop over refits.

With ``W = diag(1 / (v + τ²))`` and ``P = W − W X (Xᵀ W X)⁻¹ Xᵀ W``, all estimators are statements about
``yᵀPy``, ``yᵀPPy``, ``tr P`` and ``tr PP`` [1]_.

References
----------
.. [1] Viechtbauer W. Bias and efficiency of meta-analytic variance estimators in the random-effects model.
   J Educ Behav Stat 2005;30:261–293. doi:10.3102/10769986030003261
.. [2] Paule RC, Mandel J. Consensus values and weighting factors. J Res Natl Bur Stand 1982;87:377–385.
   doi:10.6028/jres.087.022
.. [3] DerSimonian R, Laird N. Meta-analysis in clinical trials. Control Clin Trials 1986;7:177–188.
   doi:10.1016/0197-2456(86)90046-2
.. [4] Viechtbauer W. Confidence intervals for the amount of heterogeneity in meta-analysis.
   Stat Med 2007;26:37–52. doi:10.1002/sim.2514
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from livingreview.errors import ConvergenceError
from livingreview.synthesis.arrays import BoolArray, FloatArray

Method: TypeAlias = Literal["fixed", "dl", "pm", "reml", "ml"]

#: Points of the scan that precedes the root search of REML and ML; the likelihood may have several maxima.
SCAN_POINTS = 33
#: Newton steps before giving up; monotone or bracketed iterations need far fewer.
MAX_STEPS = 200
#: A step smaller than this, relative to the typical sampling variance plus τ², ends the iteration.
STEP_TOLERANCE = 1e-13


@dataclass(frozen=True)
class Moments:
    """Weighted least squares of a batch of ``b`` problems, and the traces the estimators are made of.

    Parameters
    ----------
    weights
        (b, k) array, ``1 / (v + τ²)``, zero for a study left out.
    precision_inverse
        (b, p, p) array, ``(Xᵀ W X)⁻¹``.
    coefficients
        (b, p) array.
    q, ypp, yppp
        (b,) arrays ``yᵀPy``, ``yᵀPPy`` and ``yᵀPPPy``.
    trace_w, trace_ww, trace_p, trace_pp
        (b,) arrays ``tr W``, ``tr WW``, ``tr P`` and ``tr PP``.
    log_likelihood, restricted_log_likelihood
        (b,) arrays; the restricted one without the constant ``½ log|XᵀX|``.
    """

    weights: FloatArray
    precision_inverse: FloatArray
    coefficients: FloatArray
    q: FloatArray
    ypp: FloatArray
    yppp: FloatArray
    trace_w: FloatArray
    trace_ww: FloatArray
    trace_p: FloatArray
    trace_pp: FloatArray
    log_likelihood: FloatArray
    restricted_log_likelihood: FloatArray


@dataclass(frozen=True)
class Problem:
    """A batch of random-effects problems on subsets of the same studies.

    Parameters
    ----------
    effects, variances
        (k,) arrays: estimates and their sampling variances (positive).
    design
        (k, p) array of full column rank on every subset.
    include
        (b, k) boolean array.
    """

    effects: FloatArray
    variances: FloatArray
    design: FloatArray
    include: BoolArray

    @property
    def df(self) -> FloatArray:
        """Residual degrees of freedom of each problem, (b,)."""
        counts: FloatArray = (self.include.sum(axis=1) - self.design.shape[1]).astype(np.float64)
        return counts

    def moments(self, tau2: FloatArray) -> Moments:
        """Return the weighted least squares at ``tau2``, a (b,) array."""
        x, y = self.design, self.effects
        total = self.variances + tau2[:, None]
        w = np.where(self.include, 1.0 / total, 0.0)
        xtwx = (w[:, None, :] * x.T) @ x
        inverse: FloatArray = np.linalg.inv(xtwx).astype(np.float64)
        beta = np.einsum("bpq,bq->bp", inverse, (w * y) @ x)
        residual = y - beta @ x.T
        u = w * residual  # P y
        xtwu = (w * u) @ x
        leverage2 = inverse @ ((w[:, None, :] ** 2 * x.T) @ x)
        leverage3 = inverse @ ((w[:, None, :] ** 3 * x.T) @ x)
        q = np.sum(u * residual, axis=1)
        k = self.include.sum(axis=1)
        log_det = np.sum(np.where(self.include, np.log(total), 0.0), axis=1)
        log_likelihood = -0.5 * (k * np.log(2 * np.pi) + log_det + q)
        restricted = -0.5 * (self.df * np.log(2 * np.pi) + log_det + np.linalg.slogdet(xtwx)[1] + q)
        return Moments(
            weights=w,
            precision_inverse=inverse,
            coefficients=beta,
            q=q,
            ypp=np.sum(u * u, axis=1),
            yppp=np.sum(w * u * u, axis=1) - np.einsum("bp,bpq,bq->b", xtwu, inverse, xtwu),
            trace_w=w.sum(axis=1),
            trace_ww=np.sum(w * w, axis=1),
            trace_p=w.sum(axis=1) - np.trace(leverage2, axis1=1, axis2=2),
            trace_pp=np.sum(w * w, axis=1)
            - 2 * np.trace(leverage3, axis1=1, axis2=2)
            + np.einsum("bpq,bqp->b", leverage2, leverage2),
            log_likelihood=log_likelihood,
            restricted_log_likelihood=restricted,
        )


def estimate(problem: Problem, method: Method) -> FloatArray:
    """Estimate τ² of every problem of the batch.

    Parameters
    ----------
    problem
        The batch; a problem without residual degrees of freedom gets τ² = 0.
    method
        ``"fixed"`` (0), ``"dl"`` DerSimonian–Laird [3]_, ``"pm"`` Paule–Mandel [2]_, ``"reml"`` restricted
        and ``"ml"`` full maximum likelihood. All are truncated at 0.

    Returns
    -------
    (b,) array
        τ², at least 0.

    Raises
    ------
    ConvergenceError
        When the iteration does not settle.
    """
    zero = np.zeros(len(problem.include))
    if method == "fixed":
        return zero
    at_zero = problem.moments(zero)
    if method == "dl":
        excess = np.maximum(at_zero.q - problem.df, 0.0)
        return np.divide(excess, at_zero.trace_p, out=zero, where=problem.df > 0)
    if method == "pm":
        return q_root(problem, problem.df)
    return np.where(problem.df > 0, _maximise(problem, method), 0.0)


def q_root(problem: Problem, target: FloatArray) -> FloatArray:
    """Solve ``Q(τ²) = target`` for τ² ≥ 0; 0 where Q(0) is already below the target.

    Q is the weighted residual sum of squares. With the target k − p this is Paule and Mandel's estimator,
    with quantiles of χ² the Q-profile interval [4]_.

    Parameters
    ----------
    problem
        The batch.
    target
        (b,) array, positive (a problem whose target is not positive gets 0).

    Returns
    -------
    (b,) array
        τ².

    Raises
    ------
    ConvergenceError
        When Newton's iteration does not settle.
    """
    tau2 = np.zeros(len(problem.include))
    scale = _typical_variance(problem)
    for _ in range(MAX_STEPS):
        m = problem.moments(tau2)
        # 1/Q is increasing and, by Cauchy–Schwarz, concave in τ²; Newton on it therefore climbs to the root
        # from the left without overshooting, and is exact in one step when all variances are equal.
        seek = (m.q > target) & (target > 0)
        numerator = np.where(seek, m.q * (m.q - target), 0.0)
        step = np.divide(numerator, target * m.ypp, out=np.zeros_like(tau2), where=seek)
        tau2 = tau2 + step
        if np.all(step <= STEP_TOLERANCE * (scale + tau2)):
            return tau2
    msg = "Newton's iteration for the weighted sum of squares did not settle; check the sampling variances"
    raise ConvergenceError(msg)


def standard_error(problem: Problem, method: Method, tau2: FloatArray) -> FloatArray:
    """Return the asymptotic standard error of τ̂² [1]_; NaN for the fixed-effect model."""
    m = problem.moments(tau2)
    df = problem.df
    if method == "reml":
        variance = 2.0 / m.trace_pp
    elif method == "ml":
        variance = 2.0 / m.trace_ww
    elif method == "pm":
        k = problem.include.sum(axis=1)
        variance = 2.0 * k**2 / df / m.trace_w**2
    elif method == "dl":
        z = problem.moments(np.zeros_like(tau2))
        variance = (2 * df + 4 * tau2 * z.trace_p + 2 * tau2**2 * z.trace_pp) / z.trace_p**2
    else:
        variance = np.full_like(tau2, np.nan)
    return np.sqrt(variance)


def _typical_variance(problem: Problem) -> FloatArray:
    smallest: FloatArray = np.min(np.where(problem.include, problem.variances, np.inf), axis=1)
    return smallest


def _maximise(problem: Problem, method: Method) -> FloatArray:
    """Maximise the (restricted) likelihood: scan, then a bracketed Newton iteration on the score."""

    def likelihood(m: Moments) -> FloatArray:
        return m.restricted_log_likelihood if method == "reml" else m.log_likelihood

    def score(tau2: FloatArray) -> tuple[FloatArray, FloatArray]:
        m = problem.moments(tau2)
        if method == "reml":
            return m.ypp - m.trace_p, m.trace_pp - 2 * m.yppp
        return m.ypp - m.trace_w, m.trace_ww - 2 * m.yppp

    grid = _scan_grid(problem)
    heights = np.stack([likelihood(problem.moments(column)) for column in grid.T], axis=1)
    best = np.argmax(heights, axis=1)
    rows = np.arange(len(grid))
    lower = grid[rows, np.maximum(best - 1, 0)]
    upper = grid[rows, np.minimum(best + 1, SCAN_POINTS - 1)]
    tau2 = _bracketed_newton(score, lower, upper, grid[rows, best], _typical_variance(problem))
    at_zero = likelihood(problem.moments(np.zeros_like(tau2)))
    return np.where(likelihood(problem.moments(tau2)) > at_zero, tau2, 0.0)


def _scan_grid(problem: Problem) -> FloatArray:
    """Return (b, SCAN_POINTS) values of τ² from 0 to a bound above every maximum.

    The score is negative beyond the bound because ``yᵀPPy ≤ RSS/τ⁴`` and ``tr P ≥ (k−p)/(max v + τ²)``,
    RSS being the unweighted residual sum of squares.
    """
    inside = problem.include
    smallest = _typical_variance(problem)
    largest = np.max(np.where(inside, problem.variances, 0.0), axis=1)
    unit = Problem(problem.effects, np.ones_like(problem.variances), problem.design, inside)
    rss = unit.moments(np.zeros(len(inside))).q
    df = np.maximum(problem.df, 1.0)
    bound = (rss + np.sqrt(rss**2 + 4 * df * rss * largest)) / (2 * df)
    # Equal steps in log(v + τ²): below the smallest v the likelihood hardly changes.
    fraction = np.linspace(0.0, 1.0, SCAN_POINTS)
    grid: FloatArray = smallest[:, None] * np.expm1(np.log1p(bound / smallest)[:, None] * fraction)
    return grid


def _bracketed_newton(
    score: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    lower: FloatArray,
    upper: FloatArray,
    start: FloatArray,
    scale: FloatArray,
) -> FloatArray:
    """Find the zero of ``score`` that falls from + to −, by Newton steps kept inside a shrinking bracket."""
    at = start
    for _ in range(MAX_STEPS):
        value, slope = score(at)
        lower = np.where(value > 0, at, lower)
        upper = np.where(value > 0, upper, at)
        newton = at - np.divide(value, slope, out=np.full_like(at, np.inf), where=slope < 0)
        inside = (newton >= lower) & (newton <= upper)
        following = np.where(inside, newton, 0.5 * (lower + upper))
        if np.all(np.abs(following - at) <= STEP_TOLERANCE * (scale + at)):
            return following
        if np.all(upper - lower <= 4 * np.finfo(float).eps * (scale + upper)):
            return following
        at = following
    msg = "the likelihood has no maximum that the root search can settle on; check the sampling variances"
    raise ConvergenceError(msg)
