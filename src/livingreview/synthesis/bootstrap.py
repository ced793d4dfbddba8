"""Parametric bootstrap of a bivariate fit."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livingreview.errors import ConvergenceError
from livingreview.synthesis.batch import BatchFit, run
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.problem import Problem
from livingreview.synthesis.solve import SIMULATED
from livingreview.synthesis.summary import expit
from livingreview.synthesis.tables import Tables

__all__ = ["Bootstrap", "parametric_bootstrap"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Bootstrap:
    """Refits of a model to data simulated from it.

    Parameters
    ----------
    fits
        One refit per simulated data set; some may have no finite estimate.
    estimate
        (2,) pooled logits of the fit that was simulated.
    level
        Coverage of the intervals.
    """

    fits: BatchFit
    estimate: FloatArray
    level: float

    @property
    def n_failed(self) -> int:
        """Simulated data sets without an estimate, which the intervals leave out."""
        return int((~self.fits.converged).sum())

    @property
    def sensitivity(self) -> Interval:
        """Pooled sensitivity with its percentile interval."""
        return self._percentile(0)

    @property
    def specificity(self) -> Interval:
        """Pooled specificity with its percentile interval."""
        return self._percentile(1)

    def _percentile(self, arm: int) -> Interval:
        logits = self.fits.mu[self.fits.converged, arm]
        if not logits.size:
            raise ConvergenceError("no simulated data set has an estimate")
        tail = (1 - self.level) / 2
        lower, upper = np.quantile(logits, [tail, 1 - tail])
        return Interval(expit(float(self.estimate[arm])), expit(float(lower)), expit(float(upper)), self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return the intervals and the number of failures as plain JSON types."""
        return {
            "n": len(self.fits),
            "n_failed": self.n_failed,
            "sensitivity": self.sensitivity.to_dict(),
            "specificity": self.specificity.to_dict(),
        }

    def __repr__(self) -> str:
        return (
            f"Bootstrap(n={len(self.fits)}, n_failed={self.n_failed}, "
            f"sensitivity {self.sensitivity}, specificity {self.specificity})"
        )


def parametric_bootstrap(problem: Problem, n: int, seed: int, level: float, executor: Executor | None) -> Bootstrap:
    """Simulate n data sets of the same sizes from a fitted problem and refit them.

    Counts are drawn from the binomial-normal model at the estimates, whichever model was fitted. The refits' estimates
    are good to a thousandth of their standard errors, and their log-likelihoods to 1e-4.

    Raises
    ------
    ValueError
        If n is not positive.
    """
    if n < 1:
        raise ValueError(f"a bootstrap needs at least one simulated data set, found n={n}")
    random = np.random.default_rng(seed)
    half, k = problem.coefficients.size // 2, len(problem.x)
    linear = np.stack([problem.x @ problem.coefficients[:half], problem.x @ problem.coefficients[half:]], axis=1)
    l11, l21, l22 = problem.cholesky
    eta = linear + random.standard_normal((n, k, 2)) @ np.array([[l11, l21], [0.0, l22]])
    trials = problem.tables.n[:, 0].T.astype(np.int64)
    hits = random.binomial(trials, 0.5 * (1 + np.tanh(0.5 * eta))).astype(np.float64)
    misses = trials - hits
    cells = np.stack([hits[..., 0], misses[..., 1], misses[..., 0], hits[..., 1]], axis=-1)
    found = run(
        Tables(cells),
        problem.x,
        problem.structure,
        problem.settings,
        precision=SIMULATED,
        executor=executor,
    )
    return Bootstrap(BatchFit.from_solutions(found, problem.contrast), problem.contrast @ problem.coefficients, level)
