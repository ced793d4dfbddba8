"""The space that a search moves in: whether it holds a maximum, where to start, and estimates on its edges."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from livingreview.synthesis.arrays import BoolArray, FloatArray
from livingreview.synthesis.counts import Correction
from livingreview.synthesis.design import FREE_ENTRIES, Design, Tables

EMPTY_ARM: Final = "no study has {people} participants, so {arm} cannot be estimated"
INFINITE_LOGIT: Final = (
    "the logit of a {arm} of 0 % or 100 % is not finite: choose a continuity correction other than 'none', or "
    "model='binomial', which needs none"
)
NO_FINITE_MLE: Final = (
    "the maximum-likelihood estimate does not exist: {arm} is 100 % (or 0 %) in every study{where}, so the "
    "likelihood rises without bound in its mean; report the counts as they are, or fit model='normal' and say that "
    "its estimate then rests on the continuity correction"
)


def why_impossible(
    tables: Tables, design: Design, model: Literal["binomial", "normal"], correction: Correction
) -> tuple[str, ...]:
    """Return for each data set why it has no finite estimate, or an empty string.

    Parameters
    ----------
    tables
        b data sets of k rows.
    design
        Covariates of both means.
    model
        The normal model has an estimate wherever both arms have participants and the logits are finite.
    correction
        Continuity correction, which makes them so.
    """
    failure = [""] * tables.shape[0]
    arms = (("sensitivity", "diseased", design.x1), ("specificity", "non-diseased", design.x2))
    for (arm, people, x), y, n in zip(arms, tables.y, tables.n, strict=True):
        for row in np.flatnonzero((n == 0).all(axis=1)):
            failure[row] = failure[row] or EMPTY_ARM.format(people=people, arm=arm)
        if model == "normal":
            edge = ((y == 0) | (y == n)) & (n > 0)
            for row in np.flatnonzero(edge.any(axis=1) & (correction == "none")):
                failure[row] = failure[row] or INFINITE_LOGIT.format(arm=arm)
            continue
        lost, where = all_or_none(y, n), ""
        if x.shape[1] > 1:
            lost = np.array([is_separated(yi, ni, x) for yi, ni in zip(y, n, strict=True)])
            where = " of a level, or of a range, of the covariates"
        for row in np.flatnonzero(lost):
            failure[row] = failure[row] or NO_FINITE_MLE.format(arm=arm, where=where)
    return tuple(failure)


def all_or_none(y: FloatArray, n: FloatArray) -> BoolArray:
    """Return whether an arm is perfect, or perfectly wrong, in every study of a data set.

    Parameters
    ----------
    y, n
        (b, k) successes and trials.

    Returns
    -------
    (b,) array
        Where true, the likelihood rises without bound in the arm's mean.
    """
    result: BoolArray = ((y == n).all(axis=1) | (y == 0).all(axis=1)) & (n > 0).any(axis=1)
    return result


def is_separated(y: FloatArray, n: FloatArray, x: FloatArray) -> bool:
    """Return whether some direction of the coefficients raises the likelihood without bound.

    Parameters
    ----------
    y, n
        (k,) successes and trials of one arm.
    x
        (k, p) design of its mean.

    Returns
    -------
    bool
        True where a direction b has xb ≥ 0 in every study that is all successes, xb ≤ 0 in every study that is
        all failures, xb = 0 in all others, and xb ≠ 0 somewhere. Random effects change nothing about this: the
        likelihood rises along b whatever they are.

    References
    ----------
    Albert A, Anderson JA (1984) doi 10.1093/biomet/71.1.1.
    """
    occupied = n > 0
    inner = (y > 0) & (y < n)
    if np.linalg.matrix_rank(x[inner]) == x.shape[1]:
        return False
    from scipy.optimize import linprog

    sign = np.where(y == 0, -1.0, 1.0)[:, None]
    edge = occupied & ~inner
    signed = (sign * x)[edge]
    found = linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        A_eq=x[inner] if inner.any() else None,
        b_eq=np.zeros(int(inner.sum())) if inner.any() else None,
        bounds=(-1, 1),
    )
    return found.fun is not None and bool(found.fun < -1e-9)


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


# A standard deviation of logits below the first, and a 1 − rho² below the second, are rounding about an edge.
ZERO_TAU: Final = 1e-5
ZERO_CONDITIONAL: Final = 1e-7
# Eigenvalues of the information below this fraction of the largest leave a parameter undetermined, and so do those
# that give a standard error of more than a thousand logits, which rounding can lift above that fraction.
SINGULAR: Final = 1e-10
LEAST_INFORMATION: Final = 1e-6

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
    size = np.where(size > np.maximum(SINGULAR * size[:, -1:], LEAST_INFORMATION), size, np.nan)
    cov: FloatArray = (axes / size[:, None, :]) @ np.swapaxes(axes, 1, 2)
    if rows.size:
        cov[rows, column, column] = 0.0
    return cov
