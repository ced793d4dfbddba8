"""A data set, what is fitted to it, and the estimate: all that further inference on a fit needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, get_args

import numpy as np

from livingreview.errors import ConvergenceError
from livingreview.synthesis.arrays import BoolArray, FloatArray
from livingreview.synthesis.design import FREE_ENTRIES, Design, Structure, Tables, covariance
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.newton import Optimum, maximise
from livingreview.synthesis.normal_model import NormalModel
from livingreview.synthesis.solve import (
    ACCURACY,
    FINE_TOLERANCE,
    ITERATIONS,
    Objective,
    Settings,
    objectives,
    require_name,
    solve,
)
from livingreview.synthesis.summary import expit, normal_quantile

Parameter = Literal["sensitivity", "specificity", "tau_sensitivity", "tau_specificity"]

# Swapping the arms turns tau_specificity, a function of two Cholesky entries, into l11, which is one.
SWAPPED: Final[dict[Structure, Structure]] = {
    "unstructured": "unstructured",
    "independent": "independent",
    "fixed_sensitivity": "fixed_specificity",
    "fixed_specificity": "fixed_sensitivity",
    "fixed": "fixed",
}
ROOT_TOLERANCE: Final = 1e-8  # of the root of the deviance, which is in standard errors
ROOT_ITERATIONS: Final = 60


def position(design: Design, which: Parameter) -> int:
    """Return where a parameter stands among the free ones of a design without covariates.

    Raises
    ------
    ValueError
        If `which` is none of the names, or the structure fixes the parameter.
    """
    require_name("which", which, get_args(Parameter))
    if which in ("sensitivity", "specificity"):
        return 0 if which == "sensitivity" else 1
    if which == "tau_specificity" or 0 not in FREE_ENTRIES[design.structure]:
        raise ValueError(f"the structure {design.structure} does not estimate {which}")
    return design.n_means


def profile_limits(
    build: Callable[[int], Objective],
    design: Design,
    theta: FloatArray,
    error: float,
    free_parameter: int,
    level: float,
) -> tuple[float, float]:
    """Return where the profile deviance of one parameter reaches the χ² quantile of a coverage.

    `build` turns a number of copies of the data set into their log-likelihoods, `theta` is the (p,) estimate, and
    `error` the standard error of the parameter, for the first step. For a standard deviation, the lower limit is 0
    where the deviance at 0 is below the quantile.

    Raises
    ------
    ConvergenceError
        If a limit is not finite.
    """
    target = normal_quantile(level)
    is_spread = free_parameter >= design.n_means
    estimate = theta[free_parameter]
    side = np.array([-1.0, 1.0])
    points = estimate + side * target * max(error, 0.05)
    if is_spread:
        points[0] = max(points[0], 0.3 * estimate)
    path = np.tile(theta, (2, 1))
    path[:, free_parameter] = points
    free = np.arange(theta.size) != free_parameter
    peak = float(build(1).refine(theta[None], ACCURACY)(np.arange(1), theta[None]).value[0])
    objective = build(2).refine(path, ACCURACY)
    at_zero = _root_deviance_at_zero(build, design, theta, free, peak) if is_spread else math.inf
    for _ in range(ROOT_ITERATIONS):
        found = _maximum(objective, design, path, free)
        root = np.sqrt(np.maximum(2 * (peak - found.value), 0.0))
        # The envelope theorem: the profile's slope is the score in the parameter held fixed.
        slope = -found.gradient[:, free_parameter] / np.maximum(root, 1e-9)
        miss = root - target
        if is_spread and at_zero <= target:
            miss[0] = 0.0
        if np.abs(miss).max() < ROOT_TOLERANCE:
            break
        step = np.where(miss == 0.0, 0.0, -miss / np.where(slope * side > 1e-6, slope, side))
        path = found.theta.copy()
        path[:, free_parameter] += np.clip(step, -2.0, 2.0)
        if is_spread:
            path[0, free_parameter] = max(path[0, free_parameter], 0.1 * found.theta[0, free_parameter])
        if not design.inside(path).all():
            raise ConvergenceError("a profile-likelihood limit is not finite: the likelihood does not fall far enough")
    else:
        raise ConvergenceError(f"no profile-likelihood limit was found in {ROOT_ITERATIONS} steps")
    lower, upper = (float(value) for value in path[:, free_parameter])
    return (0.0 if is_spread and at_zero <= target else lower), upper


def _root_deviance_at_zero(
    build: Callable[[int], Objective], design: Design, theta: FloatArray, free: BoolArray, peak: float
) -> float:
    start = np.where(free, theta, 0.0)[None]
    objective = build(1).refine(start, ACCURACY)
    found = _maximum(objective, design, start, free)
    return math.sqrt(max(2 * (peak - float(found.value[0])), 0.0))


def _maximum(objective: Objective, design: Design, start: FloatArray, free: BoolArray) -> Optimum:
    return maximise(objective, start, inside=design.inside, tolerance=FINE_TOLERANCE, iterations=ITERATIONS, free=free)


@dataclass(frozen=True, eq=False)
class Problem:
    """A fitted problem.

    Parameters
    ----------
    tables
        One data set of k rows.
    x
        (k, p) design of both means, in the units of the search.
    structure
        The structure fitted.
    settings
        Model, method and correction.
    coefficients
        (2p,) estimates in the units of the search.
    cholesky
        (3,) l11, l21, l22.
    cov
        (2p + 3, 2p + 3) their covariance.
    contrast
        (2, 2p) what turns coefficients into the pooled logits.
    """

    tables: Tables
    x: FloatArray
    structure: Structure
    settings: Settings
    coefficients: FloatArray
    cholesky: FloatArray
    cov: FloatArray
    contrast: FloatArray

    @property
    def design(self) -> Design:
        """The design fitted."""
        return Design(self.x, self.x, self.structure)

    @property
    def theta(self) -> FloatArray:
        """(p,) free parameters at the estimate."""
        return self.design.parameters(self.coefficients[None], self.cholesky[None])[0]

    def study_means(self) -> FloatArray:
        """Return the (k, 2) empirical-Bayes logits of the studies."""
        one, theta = np.arange(1), self.theta[None]
        objective = objectives(self.tables, self.design, self.settings).refine(theta, ACCURACY)
        if isinstance(objective, NormalModel):
            return objective.study_means(one, theta)[0]
        half = self.coefficients.size // 2
        means = np.stack([self.x @ self.coefficients[:half], self.x @ self.coefficients[half:]], axis=1)
        # Partial integration against the normal density: E(u) = Σ E(score in the logits).
        return means + objective.integrals(one, theta).score[:, :2] @ covariance(self.cholesky[None])[0]

    def percentage_weights(self) -> FloatArray:
        """Return (k, 2) percentage weights; see :meth:`BivariateFit.percentage_weights`."""
        if self.x.shape[1] > 1:
            raise ValueError("weights are defined for fits without covariates; fit the levels one by one")
        theta = self.theta[None]
        objective = objectives(self.tables, self.design, self.settings).refine(theta, ACCURACY)
        if isinstance(objective, NormalModel):
            raise ValueError("weights are those of the binomial model; fit with model='binomial'")
        information = -objective.integrals(np.arange(1), theta).hessian[:, :2, :2]
        total = np.linalg.inv(information.sum(axis=0))
        parts = np.einsum("ab,kbc,cd->kad", total, information, total)
        shares: FloatArray = 100 * np.diagonal(parts, axis1=1, axis2=2) / np.diagonal(total)
        return shares

    def profile_interval(self, which: Parameter, level: float) -> Interval:
        """Return a profile-likelihood interval; see :meth:`BivariateFit.profile_interval`."""
        if self.x.shape[1] > 1:
            raise ValueError("profile intervals are for fits without covariates; fit the subgroup on its own")
        if self.settings.method == "reml" and which in ("sensitivity", "specificity"):
            raise ValueError("the restricted likelihood has no profile in the means; use method='ml'")
        if which == "tau_specificity":
            return self._swapped().profile_interval("tau_sensitivity", level)
        design, theta = self.design, self.theta
        place = position(design, which)
        error = float(np.sqrt(self.cov[place, place]))
        build = partial(objectives, self.tables, design, self.settings)
        lower, upper = profile_limits(build, design, theta, error, place, level)
        found = Interval(float(theta[place]), lower, upper, level)
        return found if which == "tau_sensitivity" else found.map(expit)

    def _swapped(self) -> Problem:
        """Return the problem with sensitivity and specificity in each other's place."""
        structure = SWAPPED[self.structure]
        tables = Tables(self.tables.cells[..., [3, 2, 1, 0]])
        found = solve(tables, Design(self.x, self.x, structure), self.settings)
        estimates = found.coefficients[0], found.cholesky[0], found.cov[0]
        return Problem(tables, self.x, structure, self.settings, *estimates, self.contrast)
