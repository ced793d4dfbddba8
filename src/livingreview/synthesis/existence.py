"""Whether the binomial model has a finite maximum-likelihood estimate."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis.counts import Correction
from livingreview.synthesis.design import Design
from livingreview.synthesis.tables import Tables

FloatArray = NDArray[np.float64]

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
    return found.fun is not None and bool(found.fun < -1e-9)
