"""A data set, what is fitted to it, and the estimate: all that further inference on a fit needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis import profiles
from livingreview.synthesis.design import Design, Structure, covariance
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.normal_model import NormalModel
from livingreview.synthesis.solve import ACCURACY, Settings, objectives, solve
from livingreview.synthesis.summary import expit
from livingreview.synthesis.tables import Tables

FloatArray = NDArray[np.float64]


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

    def profile_interval(self, which: profiles.Parameter, level: float) -> Interval:
        """Return a profile-likelihood interval; see :meth:`BivariateFit.profile_interval`."""
        if self.x.shape[1] > 1:
            raise ValueError("profile intervals are for fits without covariates; fit the subgroup on its own")
        if self.settings.method == "reml" and which in ("sensitivity", "specificity"):
            raise ValueError("the restricted likelihood has no profile in the means; use method='ml'")
        if which == "tau_specificity":
            return self._swapped().profile_interval("tau_sensitivity", level)
        design, theta = self.design, self.theta
        place = profiles.position(design, which)
        error = float(np.sqrt(self.cov[place, place]))
        build = partial(objectives, self.tables, design, self.settings)
        lower, upper = profiles.profile_limits(build, design, theta, error, place, level)
        if which == "tau_sensitivity":
            return Interval(float(theta[place]), lower, upper, level)
        return Interval(expit(float(theta[place])), expit(lower), expit(upper), level)

    def _swapped(self) -> Problem:
        """Return the problem with sensitivity and specificity in each other's place."""
        structure = profiles.SWAPPED[self.structure]
        tables = Tables(self.tables.cells[..., [3, 2, 1, 0]])
        found = solve(tables, Design(self.x, self.x, structure), self.settings)
        return Problem(
            tables,
            self.x,
            structure,
            self.settings,
            found.coefficients[0],
            found.cholesky[0],
            found.cov[0],
            self.contrast,
        )
