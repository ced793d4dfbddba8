"""Newton's method with exact second derivatives, for many small problems at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from livingreview.synthesis.arrays import BoolArray, FloatArray, IndexArray


class Evaluation(NamedTuple):
    """Objectives of r problems: (r,) values, (r, p) gradients, (r, p, p) second derivatives."""

    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray


class Optimum(NamedTuple):
    """Where r problems stopped.

    Attributes
    ----------
    theta
        (r, p) last accepted points.
    value, gradient, hessian
        The objectives there.
    step
        (r, p) Newton steps from there, not taken.
    converged
        (r,) whether the squared Newton decrement is below the tolerance.
    left
        (r,) whether the search ran into the limits of the parameter space.
    """

    theta: FloatArray
    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    step: FloatArray
    converged: BoolArray
    left: BoolArray


Objective = Callable[[IndexArray, FloatArray], Evaluation]

# Longest step in any parameter. All of them are logits or standard deviations of logits, where 1 is far.
LONGEST_STEP: Final = 1.5
# Curvatures below this fraction of the largest are raised to it: a flat direction gives a bounded step.
FLATTEST: Final = 1e-7
# Rounding in a sum of log-likelihoods, relative to its size.
VALUE_NOISE: Final = 1e-11
SHORTEST_SCALE: Final = 1e-8


def maximise(
    objective: Objective,
    start: FloatArray,
    *,
    inside: Callable[[FloatArray], BoolArray],
    tolerance: float,
    iterations: int,
    free: BoolArray | None = None,
) -> Optimum:
    """Maximise r smooth objectives.

    Each step solves with the absolute eigenvalues of the second derivatives, so that it ascends at saddle
    points too, and is shortened until the objective does not fall.

    Parameters
    ----------
    objective
        Called with the indices of the problems still open and their (m, p) points.
    start
        (r, p) starting points.
    inside
        Tells which of (m, p) points are within the limits outside which the search is given up.
    tolerance
        A problem has converged when its squared Newton decrement, the squared distance to the optimum in
        standard errors, is below this.
    iterations
        Steps after which to stop, converged or not.
    free
        (p,) which parameters may move; all by default.

    Returns
    -------
    Optimum
        The last accepted points.
    """
    rows, trial, size = np.arange(len(start)), start, start.shape
    theta, gradient, step, hessian = start.copy(), np.zeros(size), np.zeros(size), np.zeros((*size, size[1]))
    value, decrement, scale = np.full(size[0], -np.inf), np.full(size[0], np.inf), np.ones(size[0])
    for _ in range(iterations + 1):
        found, before = objective(rows, trial), value[rows]
        risen = found.value >= before - VALUE_NOISE * (1.0 + np.abs(before))
        scale[rows] *= 0.25
        if not risen.all():
            rows, trial, found = rows[risen], trial[risen], Evaluation(*(part[risen] for part in found))
        if rows.size == len(theta):
            theta, scale, (value, gradient, hessian) = trial.copy(), np.ones(size[0]), found
            step, decrement = _steps(gradient, hessian, free)
        else:
            theta[rows], scale[rows], value[rows], gradient[rows], hessian[rows] = trial, 1.0, *found
            step[rows], decrement[rows] = _steps(found.gradient, found.hessian, free)
        rows = np.flatnonzero((decrement >= tolerance) & (scale > SHORTEST_SCALE))
        trial = theta[rows] + scale[rows, None] * step[rows]
        within = inside(trial)
        if not within.all():
            scale[rows[~within]] = 0.0
            rows, trial = rows[within], trial[within]
        if not rows.size:
            break
    return Optimum(theta, value, gradient, hessian, step, decrement < tolerance, scale == 0.0)


def _steps(gradient: FloatArray, hessian: FloatArray, free: BoolArray | None) -> tuple[FloatArray, FloatArray]:
    """Return (r, p) bounded Newton steps and (r,) squared decrements."""
    if free is not None:
        gradient = np.where(free, gradient, 0.0)
        fixed = np.diag(np.where(free, 0.0, -1.0))
        hessian = np.where(np.outer(free, free), hessian, fixed)
    size, axes = np.linalg.eigh(hessian)
    size = np.abs(size)
    size = np.maximum(size, FLATTEST * size.max(axis=1, keepdims=True) + 1e-300)
    step = (axes @ ((gradient[:, None, :] @ axes) / size[:, None, :]).transpose(0, 2, 1))[:, :, 0]
    longest = np.abs(step).max(axis=1, keepdims=True)
    return step * (LONGEST_STEP / np.maximum(longest, LONGEST_STEP)), (gradient * step).sum(axis=1)
