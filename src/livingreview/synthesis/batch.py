"""Fits of many data sets in one vectorised pass, on one machine or spread by any executor."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from livingreview.errors import ConvergenceError, DataError, Fault
from livingreview.synthesis.counts import Correction, Counts
from livingreview.synthesis.design import Structure, covariance
from livingreview.synthesis.normal_model import Method
from livingreview.synthesis.solve import EXACT, Model, Precision, Settings, Solutions
from livingreview.synthesis.structures import StructureChoice, solve_structure
from livingreview.synthesis.tables import Tables

__all__ = ["BatchFit", "fit_many"]

FloatArray = NDArray[np.float64]

# Data sets per task: enough to be worth sending, few enough to keep several workers busy.
SMALLEST_TASK: Final = 25
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
    converged: NDArray[np.bool_]
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
    method: Method = "ml",
    structure: StructureChoice = "unstructured",
    correction: Correction = "all_if_any",
    executor: Executor | None = None,
) -> BatchFit:
    """Fit a bivariate model to each of many data sets in one vectorised pass.

    For bootstraps, leave-one-out and cumulative analyses, imputations. The fits are those of
    :func:`livingreview.synthesis.bivariate.fit` one by one.

    Parameters
    ----------
    tables
        b data sets as :class:`Counts`, of any sizes, or a (b, k, 4) array of integers tp, fp, fn, tn in which
        rows of four zeros are ignored.
    model, method, structure, correction
        As for :func:`livingreview.synthesis.bivariate.fit`.
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
    settings = Settings(model, method, correction)
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
    if executor is None:
        return solve_structure(tables, x, x, structure, settings, precision)
    size = max(SMALLEST_TASK, -(-b // TASKS))
    pieces = [np.arange(first, min(first + size, b)) for first in range(0, b, size)]
    how = (x, x, structure, settings, precision)
    tasks = [executor.submit(solve_structure, tables.take(piece), *how) for piece in pieces]
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
