"""The three-level model inside: its likelihood, its two variance components, cluster-robust inference.

Internal to the package: :mod:`livingreview.synthesis.multilevel` is the door to it.

References
----------
.. [1] Pustejovsky JE, Tipton E. Small-sample methods for cluster-robust variance estimation and hypothesis testing in
   fixed effects models. J Bus Econ Stat 2018;36:672–683. doi:10.1080/07350015.2016.1247004
.. [2] Tipton E. Small sample adjustments for robust variance estimation with meta-regression. Psychol Methods
   2015;20:375–393. doi:10.1037/met0000011
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from livingreview.errors import ConvergenceError
from livingreview.synthesis.arrays import FloatArray, IndexArray

#: Values per component of the grid from which the search starts, in units of the effects' variance.
START_GRID = (0.0, 0.01, 0.1, 0.4, 1.0)
#: How many of the best grid points are climbed from; the restricted likelihood can have two maxima.
STARTS = 3
#: A component below this share of the smallest sampling variance is a boundary estimate of 0.
NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Solution:
    """Generalised least squares at given components, with both likelihoods and their gradients.

    Parameters
    ----------
    coefficients, covariance
        (p,) and (p, p) arrays.
    log_likelihood, restricted_log_likelihood
        The restricted one for an orthonormal design.
    gradient, restricted_gradient
        (2,) arrays, with respect to (between, within).
    """

    coefficients: FloatArray
    covariance: FloatArray
    log_likelihood: float
    restricted_log_likelihood: float
    gradient: FloatArray
    restricted_gradient: FloatArray


@dataclass(frozen=True)
class Clustered:
    """Estimates in clusters.

    Parameters
    ----------
    effects, variances
        (n,) arrays.
    design
        (n, p) array with orthonormal columns.
    cluster
        (n,) integers from 0.
    """

    effects: FloatArray
    variances: FloatArray
    design: FloatArray
    cluster: IndexArray

    def sums(self, column: FloatArray) -> FloatArray:
        """Return the sums of an (n,) or (n, m) array within clusters."""
        total = np.zeros((int(self.cluster.max()) + 1, *column.shape[1:]))
        np.add.at(total, self.cluster, column)
        return total

    def precision_times(self, column: FloatArray, between: float, within: float) -> FloatArray:
        """Return V⁻¹ times an (n, m) array, by Sherman and Morrison's formula in each cluster."""
        d = 1 / (self.variances + within)
        shrink = between / (1 + between * self.sums(d))
        scaled: FloatArray = d[:, None] * column
        return scaled - d[:, None] * (shrink[:, None] * self.sums(scaled))[self.cluster]

    def solve(self, between: float, within: float) -> Solution:
        """Return the generalised least squares at these variance components."""
        d = 1 / (self.variances + within)
        mass = self.sums(d)
        shrink = between / (1 + between * mass)
        vx = self.precision_times(self.design, between, within)
        information = self.design.T @ vx
        covariance: FloatArray = np.linalg.inv(information).astype(np.float64)
        beta = covariance @ (vx.T @ self.effects)
        residual = self.effects - self.design @ beta
        u = self.precision_times(residual[:, None], between, within)[:, 0]
        log_det = float(np.sum(np.log1p(between * mass)) - np.sum(np.log(d)))
        quadratic = float(u @ residual)
        n, p = self.design.shape
        # For each component: G = 1 1ᵀ within clusters (between) and G = I (within).
        traces = np.array([np.sum(mass / (1 + between * mass)), np.sum(d) - np.sum(shrink * self.sums(d**2))])
        squares = np.array([np.sum(self.sums(u) ** 2), np.sum(u**2)])
        pooled = self.sums(vx)
        lost = np.array([np.sum((pooled @ covariance) * pooled), np.sum((vx @ covariance) * vx)])
        return Solution(
            coefficients=beta,
            covariance=covariance,
            log_likelihood=-0.5 * (n * np.log(2 * np.pi) + log_det + quadratic),
            restricted_log_likelihood=-0.5
            * ((n - p) * np.log(2 * np.pi) + log_det + float(np.linalg.slogdet(information)[1]) + quadratic),
            gradient=0.5 * (squares - traces),
            restricted_gradient=0.5 * (squares - traces + lost),
        )


def estimate_components(data: Clustered, method: Literal["reml", "ml"]) -> tuple[float, float]:
    """Maximise the (restricted) likelihood over both components, each at least 0.

    Returns
    -------
    tuple of float
        σ²_between and σ²_within.

    Raises
    ------
    ConvergenceError
        When no start leads to a point where the gradient vanishes or points out of the region.
    """
    scale = float(np.mean(data.effects**2)) or float(np.mean(data.variances))

    def objective(components: FloatArray) -> tuple[float, FloatArray]:
        s = data.solve(*(components * scale))
        if method == "reml":
            return -s.restricted_log_likelihood, -s.restricted_gradient * scale
        return -s.log_likelihood, -s.gradient * scale

    grid = sorted((objective(np.array([b, w]))[0], b, w) for b in START_GRID for w in START_GRID)
    climbed = []
    for _, b, w in grid[:STARTS]:
        found = scipy.optimize.minimize(
            objective,
            np.array([b, w]),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, None)] * 2,
            options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 500},
        )
        climbed.append(_polish(objective, np.asarray(found.x)))
    point = min(climbed, key=lambda candidate: objective(candidate)[0])
    gradient = objective(point)[1]
    free = point > 0
    # The gradient in units of log-likelihood per unit of scale; its rounding grows with the number of estimates.
    if np.any(np.abs(gradient[free] * point[free]) > 1e-6) or np.any(gradient[~free] < -1e-6 * len(data.effects)):
        raise ConvergenceError("the likelihood of the variance components has no maximum that the search can reach")
    smallest = float(np.min(data.variances))
    between, within = (float(c) if c > NEGLIGIBLE * smallest else 0.0 for c in point * scale)
    return between, within


def _polish(objective: Callable[[FloatArray], tuple[float, FloatArray]], point: FloatArray) -> FloatArray:
    """Finish with Newton steps: the search stops where the likelihood, not yet its gradient, is flat."""
    for _ in range(20):
        height, gradient = objective(point)
        at_zero = np.where((point < 1e-8) & (gradient > 0), 0.0, point)
        if objective(at_zero)[0] <= height:
            point = at_zero
        free = point > 0
        if not free.any():
            break
        slope = objective(point)[1][free]
        hessian = np.empty((free.sum(), free.sum()))
        for column, index in enumerate(np.flatnonzero(free)):
            step = np.zeros(2)
            step[index] = 1e-4 * point[index]
            hessian[column] = (objective(point + step)[1] - objective(point - step)[1])[free] / (2 * step[index])
        move = np.zeros(2)
        move[free] = np.linalg.lstsq(hessian, slope, rcond=None)[0]
        trial = point - move
        if np.any(trial < 0) or np.linalg.norm(objective(trial)[1][free]) >= np.linalg.norm(slope):
            break
        point = trial
    return point


# Eigenvalues of the adjustment below this share of the largest belong to directions that the fit
# reproduces exactly; their pseudo-inverse is 0.
RANK_TOLERANCE = 1e-10


def cr2(data: Clustered, between: float, within: float, back: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the CR2 covariance and the Satterthwaite degrees of freedom of each coefficient.

    The working model is the fitted one, whose covariance the adjustment makes the estimator unbiased under.

    Parameters
    ----------
    data
        Estimates in clusters, on an orthonormal design.
    between, within
        Variance components.
    back
        (p, p) matrix from the coefficients of the orthonormal design to those reported.

    Returns
    -------
    covariance
        (p, p) array.
    df
        (p,) array.
    """
    solution = data.solve(between, within)
    bread = solution.covariance
    residual = data.effects - data.design @ solution.coefficients
    weighted = data.precision_times(data.design, between, within)  # V⁻¹ X
    k, p = int(data.cluster.max()) + 1, data.design.shape[1]
    scores, projected, own = np.empty((k, p)), np.empty((k, p, p)), np.empty((k, p))
    for j in range(k):
        rows = np.flatnonzero(data.cluster == j)
        x = data.design[rows]
        working = np.diag(data.variances[rows] + within) + between
        adjusted = _adjustment(working, x @ bread @ x.T).T @ weighted[rows] @ bread @ back.T
        scores[j] = residual[rows] @ adjusted
        projected[j] = x.T @ adjusted  # column c belongs to coefficient c
        own[j] = np.einsum("nc,nm,mc->c", adjusted, working, adjusted)
    # Under the working model the covariance of the cluster scores of coefficient c is
    # diag(own) − aᵀ M a, because X'V⁻¹ V V⁻¹X is the inverse of M.
    omega = -np.einsum("ipc,pq,jqc->cij", projected, bread, projected)
    omega[:, np.arange(k), np.arange(k)] += own.T
    df = np.trace(omega, axis1=1, axis2=2) ** 2 / np.sum(omega**2, axis=(1, 2))
    covariance: FloatArray = scores.T @ scores
    return covariance, df


def _adjustment(working: FloatArray, explained: FloatArray) -> FloatArray:
    """Return A = Dᵀ (D (Φ − X M Xᵀ) Dᵀ)^(−½) D for one cluster, D the upper Cholesky factor of Φ [1]_."""
    d = np.linalg.cholesky(working).T
    values, vectors = np.linalg.eigh(d @ (working - explained) @ d.T)
    keep = values > RANK_TOLERANCE * max(float(values[-1]), np.finfo(float).tiny)
    root = np.divide(1.0, np.sqrt(np.maximum(values, 0.0)), out=np.zeros_like(values), where=keep)
    adjustment: FloatArray = d.T @ (vectors * root) @ vectors.T @ d
    return adjustment
