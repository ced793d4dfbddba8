"""Many data sets of 2×2 tables as one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis.counts import Correction, Counts, corrected

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]


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
