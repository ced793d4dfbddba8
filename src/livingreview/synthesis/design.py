"""What is fitted: data sets of 2×2 tables as one array, and how free parameters become each study's local ones.

The free parameters are the coefficients of logit sensitivity, those of logit specificity, and the entries of
the Cholesky factor L that the structure leaves free. A study's local parameters are its two linear predictors
and (l11, l21, l22); they are linear in the free ones, so derivatives carry over by two matrix products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from livingreview.synthesis.arrays import BoolArray, FloatArray, IndexArray
from livingreview.synthesis.counts import Correction, Counts, corrected

Structure = Literal["unstructured", "independent", "fixed_sensitivity", "fixed_specificity", "fixed"]

# Entries of (l11, l21, l22) that each structure estimates; the others are zero.
FREE_ENTRIES: Final[dict[Structure, tuple[int, ...]]] = {
    "unstructured": (0, 1, 2),
    "independent": (0, 2),
    "fixed_sensitivity": (2,),
    "fixed_specificity": (0,),
    "fixed": (),
}

# Logits and standard deviations of logits beyond which a likelihood only pretends to have a maximum.
LARGEST_MEAN: Final = 60.0
LARGEST_TAU: Final = 30.0


@dataclass(frozen=True, eq=False)
class Design:
    """Covariates of both means and the structure of the between-study covariance.

    Parameters
    ----------
    x1, x2
        (k, p1) and (k, p2) design matrices of logit sensitivity and logit specificity.
    structure
        Which entries of the Cholesky factor are free.
    """

    x1: FloatArray
    x2: FloatArray
    structure: Structure

    @classmethod
    def intercepts(cls, k: int, structure: Structure) -> Design:
        """Return the design without covariates for k studies."""
        ones = np.ones((k, 1))
        return cls(ones, ones, structure)

    def with_structure(self, structure: Structure) -> Design:
        """Return the same covariates under another structure."""
        return Design(self.x1, self.x2, structure)

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(self.x1)

    @property
    def n_means(self) -> int:
        """Number of coefficients of both means together."""
        return self.x1.shape[1] + self.x2.shape[1]

    @property
    def n_free(self) -> int:
        """Number of free parameters."""
        return self.n_means + len(FREE_ENTRIES[self.structure])

    @cached_property
    def jacobian(self) -> FloatArray:
        """(k, 5, p) derivative of the local parameters in the free ones."""
        p1, jacobian = self.x1.shape[1], np.zeros((self.k, 5, self.n_free))
        jacobian[:, 0, :p1] = self.x1
        jacobian[:, 1, p1 : self.n_means] = self.x2
        for position, entry in enumerate(FREE_ENTRIES[self.structure]):
            jacobian[:, 2 + entry, self.n_means + position] = 1.0
        return jacobian

    @cached_property
    def _pairs(self) -> FloatArray:
        """(25 k, p²) products of the Jacobian's entries."""
        pairs = self.jacobian[:, :, None, :, None] * self.jacobian[:, None, :, None, :]
        return pairs.reshape(25 * self.k, -1)

    def local(self, theta: FloatArray) -> FloatArray:
        """Return the (5, r·k) local parameters of r data sets from their (r, p) free ones."""
        local = theta @ self.jacobian.reshape(5 * self.k, -1).T
        return np.ascontiguousarray(local.reshape(len(theta), self.k, 5).transpose(2, 0, 1).reshape(5, -1))

    def inside(self, theta: FloatArray) -> BoolArray:
        """Return which of (r, p) parameter vectors are within the range of meaningful logits."""
        return np.asarray((np.abs(theta) < self._limits).all(axis=1))

    @cached_property
    def _limits(self) -> FloatArray:
        return np.where(np.arange(self.n_free) < self.n_means, LARGEST_MEAN, LARGEST_TAU)

    def gather(self, score: FloatArray, hessian: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sum local derivatives (r·k, 5), (r·k, 5, 5) into (r, p) and (r, p, p)."""
        rows = len(score) // self.k
        gradient = score.reshape(rows, -1) @ self.jacobian.reshape(5 * self.k, -1)
        total = hessian.reshape(rows, -1) @ self._pairs
        return gradient, total.reshape(rows, self.n_free, self.n_free)

    def cholesky(self, theta: FloatArray) -> FloatArray:
        """Return the (r, 3) entries (l11, l21, l22) of r parameter vectors."""
        entries = np.zeros((len(theta), 3))
        entries[:, list(FREE_ENTRIES[self.structure])] = theta[:, self.n_means :]
        return entries

    def parameters(self, coefficients: FloatArray, entries: FloatArray) -> FloatArray:
        """Return (r, p) free parameters from (r, p1 + p2) coefficients and (r, 3) Cholesky entries."""
        return np.hstack([coefficients, entries[:, list(FREE_ENTRIES[self.structure])]])


def covariance(entries: FloatArray) -> FloatArray:
    """Return the (r, 2, 2) between-study covariances of (r, 3) Cholesky entries."""
    l11, l21, l22 = entries.T
    cross = l11 * l21
    return np.stack([l11 * l11, cross, cross, l21 * l21 + l22 * l22], axis=1).reshape(-1, 2, 2)


@dataclass(frozen=True, eq=False)
class Tables:
    """b data sets of k rows each, every one a 2×2 table.

    Parameters
    ----------
    cells
        (b, k, 4) tp, fp, fn, tn; rows of four zeros are padding.
    """

    cells: FloatArray

    @classmethod
    def stack(cls, tables: Sequence[Counts]) -> Tables:
        """Return data sets of any sizes as one array, padded with empty rows."""
        cells = np.zeros((len(tables), max(table.k for table in tables), 4))
        for target, table in zip(cells, tables, strict=True):
            target[: table.k] = np.stack([table.tp, table.fp, table.fn, table.tn], axis=1)
        return cls(cells)

    @property
    def shape(self) -> tuple[int, int]:
        """(b, k)."""
        return self.cells.shape[0], self.cells.shape[1]

    @cached_property
    def y(self) -> FloatArray:
        """(2, b, k) true positives and true negatives."""
        return np.stack([self.cells[..., 0], self.cells[..., 3]])

    @cached_property
    def n(self) -> FloatArray:
        """(2, b, k) diseased and non-diseased."""
        return self.y + np.stack([self.cells[..., 2], self.cells[..., 1]])

    def take(self, rows: IndexArray) -> Tables:
        """Return some of the data sets."""
        return Tables(self.cells[rows])

    def correct(self, correction: Correction) -> FloatArray:
        """Return (b, k, 4) cells after a continuity correction, each data set on its own."""
        result = np.zeros_like(self.cells)
        for cells, target in zip(self.cells, result, strict=True):
            rows = np.flatnonzero(cells.sum(axis=1))
            tp, fp, fn, tn = cells[rows].T
            labels = tuple(str(row) for row in rows)
            counts = Counts(tp.astype(np.int64), fp.astype(np.int64), fn.astype(np.int64), tn.astype(np.int64), labels)
            target[rows] = np.stack(corrected(counts, correction), axis=1)
        return result
