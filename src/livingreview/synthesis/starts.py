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


def moment_starts(tables: Tables, design: Design) -> FloatArray:
    """Return starting values for each data set.

    Parameters
    ----------
    tables
        b data sets of k rows.
    design
        The design to be fitted.

    Returns
    -------
    (s, b, p) array
        Where there is a correlation, s = 3: moments of the logits with their correlation; the same uncorrelated;
        the same with the opposite correlation and half the heterogeneity. A likelihood with two maxima has them at
        different signs of the correlation or at different amounts of heterogeneity. Otherwise s = 2, without the
        first.
    """
    y, n = tables.y, tables.n
    present = (n > 0).astype(np.float64)
    logit = (np.log(y + 0.5) - np.log(n - y + 0.5)) * present
    within = (1 / (y + 0.5) + 1 / (n - y + 0.5)) * present
    fits = [_regress(logit[arm], present[arm], x) for arm, x in enumerate((design.x1, design.x2))]
    residuals = np.stack([residual for _, residual in fits])
    rows = np.maximum(present.sum(axis=2), 2)
    tau2 = (residuals**2).sum(axis=2) / (rows - 1) - within.sum(axis=2) / rows
    tau = np.sqrt(np.maximum(tau2, SMALLEST_START**2))
    both = np.maximum(present.prod(axis=0).sum(axis=1), 2)
    rho = residuals.prod(axis=0).sum(axis=1) / (both - 1) / tau.prod(axis=0)
    rho = np.clip(rho, -LARGEST_CORRELATION, LARGEST_CORRELATION)
    coefficients = np.hstack([beta for beta, _ in fits])
    variants = [(tau, rho), (tau, np.zeros_like(rho)), (np.maximum(0.5 * tau, SMALLEST_START), -rho)]
    if design.structure != "unstructured":
        variants = variants[1:]
    starts = []
    for (tau1, tau2_), correlation in variants:
        entries = np.stack([tau1, correlation * tau2_, np.sqrt(1 - correlation**2) * tau2_], axis=1)
        starts.append(design.parameters(coefficients, entries))
    return np.stack(starts)


def thorough_starts(tables: Tables, design: Design) -> FloatArray:
    """Return (2s, b, p) starting values: the s from moments, and the same with every logit twice as large.

    A continuity-corrected logit of a perfect arm is far smaller than what it stands for, and so are the moments.
    """
    starts = moment_starts(tables, design)
    return np.concatenate([starts, 2.0 * starts])


def _regress(logit: FloatArray, present: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (b, p) least-squares coefficients and (b, k) residuals, zero where the arm is empty."""
    p = x.shape[1]
    cross = (present @ (x[:, :, None] * x[:, None, :]).reshape(-1, p * p)).reshape(-1, p, p)
    # The ridge only matters where a level has no study with this arm, in which case no start is better.
    ridge = RIDGE * np.eye(p)
    beta = np.asarray(np.linalg.solve(cross + ridge, (logit @ x)[:, :, None])[:, :, 0], dtype=np.float64)
    return beta, (logit - beta @ x.T) * present
