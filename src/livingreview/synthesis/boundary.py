"""Estimates on the edge of the parameter space: found, named, and put exactly there."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis.design import FREE_ENTRIES, Design

FloatArray = NDArray[np.float64]

# A standard deviation of logits below the first, and a 1 − rho² below the second, are rounding about an edge.
ZERO_TAU: Final = 1e-5
ZERO_CONDITIONAL: Final = 1e-7
# Eigenvalues of the information below this fraction of the largest leave a parameter undetermined.
SINGULAR: Final = 1e-10

TAU_SENSITIVITY: Final = "tau_sensitivity = 0"
TAU_SPECIFICITY: Final = "tau_specificity = 0"


def settle(design: Design, theta: FloatArray) -> tuple[FloatArray, tuple[tuple[str, ...], ...]]:
    """Move estimates that are at an edge but for rounding exactly onto it.

    Parameters
    ----------
    design
        The design fitted.
    theta
        (b, p) estimates. The signs of the columns of L are arbitrary.

    Returns
    -------
    theta : (b, p) array
        The same with l11 ≥ 0, l22 ≥ 0 and exact zeros at the edges.
    boundary : tuple of b tuples of str
        Among ``"tau_sensitivity = 0"``, ``"tau_specificity = 0"``, ``"rho = +1"``, ``"rho = -1"``. A variance
        that the structure fixes at zero is not a boundary.
    """
    free = FREE_ENTRIES[design.structure]
    l11, l21, l22 = design.cholesky(theta).T
    l21, l11, l22 = np.where(l11 < 0, -l21, l21), np.abs(l11), np.abs(l22)
    tau2 = np.hypot(l21, l22)
    no_tau1 = (l11 < ZERO_TAU) & (0 in free)
    no_tau2 = (tau2 < ZERO_TAU) & (2 in free)
    singular = (l22**2 < ZERO_CONDITIONAL * tau2**2) & ~no_tau1 & ~no_tau2 & (1 in free)
    if not (no_tau1 | no_tau2 | singular).any():
        return design.parameters(theta[:, : design.n_means], np.array([l11, l21, l22]).T), ((),) * len(theta)
    l22 = np.where(no_tau1, tau2, np.where(no_tau2 | singular, 0.0, l22))
    l21 = np.where(no_tau1 | no_tau2, 0.0, l21)
    l22 = np.where(no_tau2, 0.0, l22)
    l11 = np.where(no_tau1, 0.0, l11)
    names = tuple(
        tuple(
            name
            for name, there in (
                (TAU_SENSITIVITY, no_tau1[row]),
                (TAU_SPECIFICITY, no_tau2[row]),
                ("rho = +1", singular[row] and l21[row] > 0),
                ("rho = -1", singular[row] and l21[row] < 0),
            )
            if there
        )
        for row in range(len(theta))
    )
    entries = np.stack([l11, l21, l22], axis=1)
    return design.parameters(theta[:, : design.n_means], entries), names


def observed_covariance(design: Design, theta: FloatArray, hessian: FloatArray) -> FloatArray:
    """Return (b, p, p) inverses of the observed information, NaN where it is not positive definite.

    The Cholesky parametrisation is regular at rho = ±1 and where a variance is 0, with one exception: at l11 = 0
    the likelihood depends on l21² + l22² alone, so l21, which is 0 there, carries no information and gets
    variance 0.

    Parameters
    ----------
    design
        The design fitted.
    theta
        (b, p) estimates, settled.
    hessian
        (b, p, p) second derivatives of the log-likelihood there.
    """
    information = -hessian
    rows = np.zeros(0, dtype=np.intp)
    column = design.n_means + 1
    if design.structure == "unstructured":
        rows = np.flatnonzero(theta[:, design.n_means] == 0.0)
        information[rows, column, :] = 0.0
        information[rows, :, column] = 0.0
        information[rows, column, column] = 1.0
    size, axes = np.linalg.eigh(information)
    size = np.where(size > SINGULAR * size[:, -1:], size, np.nan)
    cov: FloatArray = (axes / size[:, None, :]) @ np.swapaxes(axes, 1, 2)
    if rows.size:
        cov[rows, column, column] = 0.0
    return cov
