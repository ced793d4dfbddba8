"""Cluster-robust covariance CR2 with Satterthwaite degrees of freedom, for the three-level model.

Internal to the package: :mod:`livingreview.synthesis.multilevel` is the door to it.

References
----------
.. [1] Pustejovsky JE, Tipton E. Small-sample methods for cluster-robust variance estimation and hypothesis testing in
   fixed effects models. J Bus Econ Stat 2018;36:672–683. doi:10.1080/07350015.2016.1247004
.. [2] Tipton E. Small sample adjustments for robust variance estimation with meta-regression. Psychol Methods
   2015;20:375–393. doi:10.1037/met0000011
"""

from __future__ import annotations

import numpy as np

from livingreview.synthesis.variance_components import Array, Clustered

# Eigenvalues of the adjustment below this share of the largest belong to directions that the fit
# reproduces exactly; their pseudo-inverse is 0.
RANK_TOLERANCE = 1e-10


def cr2(data: Clustered, between: float, within: float, back: Array) -> tuple[Array, Array]:
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
    covariance: Array = scores.T @ scores
    return covariance, df


def _adjustment(working: Array, explained: Array) -> Array:
    """Return A = Dᵀ (D (Φ − X M Xᵀ) Dᵀ)^(−½) D for one cluster, D the upper Cholesky factor of Φ [1]_."""
    d = np.linalg.cholesky(working).T
    values, vectors = np.linalg.eigh(d @ (working - explained) @ d.T)
    keep = values > RANK_TOLERANCE * max(float(values[-1]), np.finfo(float).tiny)
    root = np.divide(1.0, np.sqrt(np.maximum(values, 0.0)), out=np.zeros_like(values), where=keep)
    adjustment: Array = d.T @ (vectors * root) @ vectors.T @ d
    return adjustment
