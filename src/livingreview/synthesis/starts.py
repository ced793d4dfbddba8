"""Starting values from moments of the empirical logits."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis.design import Design
from livingreview.synthesis.tables import Tables

FloatArray = NDArray[np.float64]

SMALLEST_START: Final = 0.2  # standard deviation, logit scale: away from the saddle at zero
LARGEST_CORRELATION: Final = 0.9
RIDGE: Final = 1e-8


def moment_start(tables: Tables, design: Design) -> FloatArray:
    """Return (b, p) starting values of b data sets for a design, from moments of their logits."""
    coefficients, tau, rho = _moments(tables, design)
    return _parameters(design, coefficients, tau, rho if design.structure == "unstructured" else 0.0 * rho)


def other_starts(tables: Tables, design: Design) -> FloatArray:
    """Return (s, b, p) more starting values: half the heterogeneity, and where there is a correlation, none of it.

    A likelihood with two maxima has them at different signs of the correlation or at different amounts of
    heterogeneity: of the start with half of it, the correlation is the opposite.
    """
    coefficients, tau, rho = _moments(tables, design)
    starts = [_parameters(design, coefficients, np.maximum(0.5 * tau, SMALLEST_START), -rho)]
    if design.structure == "unstructured":
        starts.append(_parameters(design, coefficients, tau, 0.0 * rho))
    return np.stack(starts)


def thorough_starts(tables: Tables, design: Design) -> FloatArray:
    """Return (s, b, p) starting values: all those from moments, and the same with every logit twice as large.

    A continuity-corrected logit of a perfect arm is far smaller than what it stands for, and so are the moments.
    """
    starts = np.concatenate([moment_start(tables, design)[None], other_starts(tables, design)])
    return np.concatenate([starts, 2.0 * starts])


def _moments(tables: Tables, design: Design) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (b, q) coefficients, and (2, b) standard deviations and (b,) correlations between studies."""
    y, n = tables.y, tables.n
    present = (n > 0).astype(np.float64)
    hits, misses = y + 0.5, n - y + 0.5
    logit, within = np.log(hits / misses) * present, (1 / hits + 1 / misses) * present
    fits = [_regress(logit[arm], present[arm], x) for arm, x in enumerate((design.x1, design.x2))]
    residuals = np.stack([residual for _, residual in fits])
    rows = np.maximum(present.sum(axis=2), 2)
    tau2 = (residuals * residuals).sum(axis=2) / (rows - 1) - within.sum(axis=2) / rows
    tau = np.sqrt(np.maximum(tau2, SMALLEST_START**2))
    both = np.maximum((present[0] * present[1]).sum(axis=1), 2)
    rho = (residuals[0] * residuals[1]).sum(axis=1) / ((both - 1) * tau[0] * tau[1])
    return np.hstack([beta for beta, _ in fits]), tau, np.clip(rho, -LARGEST_CORRELATION, LARGEST_CORRELATION)


def _parameters(design: Design, coefficients: FloatArray, tau: FloatArray, rho: FloatArray) -> FloatArray:
    entries = np.stack([tau[0], rho * tau[1], np.sqrt(1 - rho * rho) * tau[1]], axis=1)
    return design.parameters(coefficients, entries)


def _regress(logit: FloatArray, present: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (b, p) least-squares coefficients and (b, k) residuals, zero where the arm is empty."""
    p = x.shape[1]
    cross = (present @ (x[:, :, None] * x[:, None, :]).reshape(-1, p * p)).reshape(-1, p, p)
    # The ridge only matters where a level has no study with this arm, in which case no start is better.
    ridge = RIDGE * np.eye(p)
    beta = np.asarray(np.linalg.solve(cross + ridge, (logit @ x)[:, :, None])[:, :, 0], dtype=np.float64)
    return beta, (logit - beta @ x.T) * present
