"""Fits of many data sets in one vectorised pass, here or by any executor; among them those of a bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from livingreview.errors import ConvergenceError, DataError, Fault
from livingreview.synthesis.arrays import BoolArray, FloatArray
from livingreview.synthesis.counts import Correction, Counts
from livingreview.synthesis.design import Structure, Tables, covariance
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.normal_model import Method
from livingreview.synthesis.problem import Problem
from livingreview.synthesis.solve import EXACT, SIMULATED, Model, Precision, Settings, Solutions
from livingreview.synthesis.structures import StructureChoice, solve_structure
from livingreview.synthesis.summary import expit

__all__ = ["BatchFit", "Bootstrap", "fit_many", "parametric_bootstrap"]

# Data sets per task: enough to be worth sending, few enough to keep several workers busy.
SMALLEST_TASK: Final = 50
TASKS: Final = 16


@dataclass(frozen=True, eq=False, repr=False)
class BatchFit:
    """Fits of b data sets; NaN in the rows that did not converge.

    Parameters
    ----------
    mu
        (b, 2) logit sensitivity and logit specificity.
    mu_cov
        (b, 2, 2) their covariances.
    between_study_cov
        (b, 2, 2).
    log_likelihood
        (b,).
    converged
        (b,) False where there is no fit; `failure` says why.
    boundary
        b tuples of the boundaries that the estimate lies on.
    structure
        b structures fitted.
    failure
        b messages, empty where the fit converged.
    """

    mu: FloatArray
    mu_cov: FloatArray
    between_study_cov: FloatArray
    log_likelihood: FloatArray
    converged: BoolArray
    boundary: tuple[tuple[str, ...], ...]
    structure: tuple[Structure, ...]
    failure: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("mu", "mu_cov", "between_study_cov", "log_likelihood", "converged"):
            getattr(self, name).flags.writeable = False

    @classmethod
    def from_solutions(cls, found: Solutions, contrast: FloatArray) -> BatchFit:
        """Return the fits at the (2, q) contrast of the coefficients."""
        q = contrast.shape[1]
        return cls(
            mu=found.coefficients @ contrast.T,
            mu_cov=contrast @ found.cov[:, :q, :q] @ contrast.T,
            between_study_cov=covariance(found.cholesky),
            log_likelihood=found.log_likelihood.copy(),
            converged=np.array([not failure for failure in found.failure], dtype=bool),
            boundary=found.boundary,
            structure=found.structure,
            failure=found.failure,
        )

    def __len__(self) -> int:
        return len(self.mu)

    @property
    def sensitivity(self) -> FloatArray:
        """(b,) pooled sensitivities."""
        return _expit(self.mu[:, 0])

    @property
    def specificity(self) -> FloatArray:
        """(b,) pooled specificities."""
        return _expit(self.mu[:, 1])

    def raise_failures(self) -> BatchFit:
        """Return the batch itself if every fit converged.

        Raises
        ------
        ConvergenceError
            Naming how many did not, and why the first did not.
        """
        failed = np.flatnonzero(~self.converged)
        if failed.size:
            first = int(failed[0])
            raise ConvergenceError(
                f"{failed.size} of {len(self)} data sets have no fit; the first is number {first + 1}: "
                f"{self.failure[first]}"
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, one entry per data set; what did not converge is None."""
        rows = []
        for i, good in enumerate(self.converged):
            row: dict[str, Any] = {"converged": bool(good), "structure": self.structure[i]}
            row |= {"boundary": list(self.boundary[i]), "failure": self.failure[i] or None}
            for name in ("mu", "mu_cov", "between_study_cov", "log_likelihood"):
                row[name] = getattr(self, name)[i].tolist() if good else None
            rows.append(row)
        return {"fits": rows}

    def __repr__(self) -> str:
        return f"BatchFit(b={len(self)}, converged={int(self.converged.sum())})"


def fit_many(
    tables: Sequence[Counts] | ArrayLike,
    *,
    model: Model = "binomial",
    method: Method | None = None,
    structure: StructureChoice = "unstructured",
    correction: Correction = "all_if_any",
    executor: Executor | None = None,
) -> BatchFit:
    """Fit a bivariate model to each of many data sets in one vectorised pass.

    For bootstraps, leave-one-out and cumulative analyses, imputations. The fits are those of
    :func:`livingreview.synthesis.bivariate.fit` one by one with the same structure; the default differs, because fits
    of one structure can be compared with each other.

    Parameters
    ----------
    tables
        b data sets as :class:`Counts`, of any sizes, or a (b, k, 4) array of integers tp, fp, fn, tn in which
        rows of four zeros are ignored.
    model, method, structure, correction
        As for :func:`livingreview.synthesis.bivariate.fit`, but `structure` is ``"unstructured"`` unless another is
        named.
    executor
        Spreads the data sets over workers: any :class:`concurrent.futures.Executor`, such as a process pool or
        a dask client's ``get_executor()``.

    Returns
    -------
    BatchFit
        One fit per data set, in their order. A data set without an estimate does not stop the others; see
        `converged`, `failure` and :meth:`BatchFit.raise_failures`.

    Raises
    ------
    DataError
        If an array holds anything but counts.
    ValueError
        If a name is none of those documented.

    Examples
    --------
    >>> from livingreview.synthesis.counts import Counts
    >>> counts = Counts.from_arrays([40, 55, 20, 33], [5, 9, 2, 4], [10, 8, 7, 5], [80, 60, 45, 70])
    >>> fit_many([counts, counts.swapped()], structure="independent").mu.round(3).tolist()
    [[1.596, 2.56], [2.56, 1.596]]
    """
    settings = Settings.of(model, method, correction)
    stacked = Tables.stack(tables) if _are_counts(tables) else _from_array(np.asarray(tables))
    found = run(stacked, np.ones((stacked.shape[1], 1)), structure, settings, executor=executor)
    return BatchFit.from_solutions(found, np.eye(2))


def run(
    tables: Tables,
    x: FloatArray,
    structure: StructureChoice,
    settings: Settings,
    *,
    precision: Precision = EXACT,
    executor: Executor | None = None,
) -> Solutions:
    """Fit data sets with the same (k, p) design of both means, here or by an executor."""
    b = tables.shape[0]
    size = max(SMALLEST_TASK, -(-b // TASKS))
    # The nodes serve all data sets of a piece: the same pieces everywhere give the same numbers to the last digit.
    pieces = [tables.take(np.arange(first, min(first + size, b))) for first in range(0, b, size)]
    how = (x, x, structure, settings, precision)
    if executor is None:
        return Solutions.concatenate([solve_structure(piece, *how) for piece in pieces])
    tasks = [executor.submit(solve_structure, piece, *how) for piece in pieces]
    return Solutions.concatenate([task.result() for task in tasks])


def _are_counts(tables: object) -> TypeGuard[Sequence[Counts]]:
    return isinstance(tables, Sequence) and len(tables) > 0 and all(isinstance(table, Counts) for table in tables)


def _from_array(cells: ArrayLike) -> Tables:
    array = np.asarray(cells)
    if array.ndim != 3 or array.shape[2] != 4 or 0 in array.shape:
        raise ValueError(f"expected a (b, k, 4) array of tp, fp, fn, tn, found shape {array.shape}")
    good = np.issubdtype(array.dtype, np.number) and bool(np.all((array >= 0) & (array == np.floor(array))))
    if not good:
        faults: list[Fault] = []
        for table in array:
            try:
                Counts.from_arrays(*table[np.any(table != 0, axis=1)].T)
            except DataError as error:
                faults += error.faults
        raise DataError(faults)
    return Tables(array.astype(np.float64))


def _expit(logit: FloatArray) -> FloatArray:
    p: FloatArray = 0.5 * (1 + np.tanh(0.5 * logit))
    return p


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
        return Interval(float(self.estimate[arm]), float(lower), float(upper), self.level).map(expit)

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
