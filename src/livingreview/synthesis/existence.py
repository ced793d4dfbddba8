"""Whether the binomial model has a finite maximum-likelihood estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def all_or_none(y: FloatArray, n: FloatArray) -> NDArray[np.bool_]:
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
    result: NDArray[np.bool_] = ((y == n).all(axis=1) | (y == 0).all(axis=1)) & (n > 0).any(axis=1)
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
    return bool(-found.fun > 1e-9)
