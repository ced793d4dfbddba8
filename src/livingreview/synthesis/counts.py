"""2×2 tables: their validation and the continuity corrections.

Examples
--------
>>> counts = Counts.from_arrays(tp=[45, 60], fp=[10, 0], fn=[5, 20], tn=[90, 40], study=["A", "B"])
>>> counts
Counts(k=2, n_diseased=130, n_nondiseased=140)
>>> counts.notes
('1 of 2 rows have a zero cell',)
>>> corrected(counts, "zero_only").fp.tolist()
[10.0, 0.5]
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from livingreview.errors import DataError, Fault
from livingreview.synthesis.arrays import BoolArray, FloatArray, IntArray, freeze

__all__ = ["CorrectedCounts", "Correction", "Counts", "corrected", "parse_count"]

Correction = Literal["all_if_any", "zero_only", "single", "all", "none"]

CELLS = ("tp", "fp", "fn", "tn")
# Above 2**53 a float64, in which every model works, no longer holds each integer.
LARGEST_COUNT = 2**53


def parse_count(value: object) -> int:
    """Return a cell of a 2×2 table as an integer ≥ 0.

    Parameters
    ----------
    value
        An integer, a float without a fraction, or text of decimal digits, such as ``"45"`` and ``"45.0"``.

    Returns
    -------
    int
        The count.

    Raises
    ------
    ValueError
        For anything else: missing, NaN, negative, with a fraction, not a number, above 2**53. The message
        says what was expected and what was found.
    """
    found = "nothing" if value is None or (isinstance(value, str) and not value.strip()) else repr(value)
    if isinstance(value, np.generic):
        value = value.item()
        found = repr(value)
    if isinstance(value, str):
        # A data frame writes whole numbers with a fraction of zeros when a cell of the column is empty.
        if whole := re.fullmatch(r"\+?([0-9]+)(?:\.0+)?", value.strip()):
            value = int(whole[1])
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
        raise ValueError(f"expected an integer from 0 to 2**53, found {found}")
    return value


@dataclass(frozen=True, eq=False, repr=False)
class Counts:
    """2×2 tables of a diagnostic test, one per study (or per row of a study).

    Build it with :meth:`from_arrays` or :meth:`from_records`, which validate; the arrays are read-only.

    Parameters
    ----------
    tp, fp, fn, tn
        (k,) int64 arrays: true positives, false positives, false negatives, true negatives.
    study
        k labels. A label may occur more than once; `notes` says so.

    Examples
    --------
    >>> from livingreview.synthesis import Counts
    >>> counts = Counts.from_arrays(tp=[45, 60], fp=[10, 0], fn=[5, 20], tn=[90, 40], study=["A", "B"])
    >>> counts.n_diseased.tolist(), counts.has_zero.tolist()
    ([50, 80], [False, True])
    """

    tp: IntArray
    fp: IntArray
    fn: IntArray
    tn: IntArray
    study: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self, *CELLS, dtype=np.int64)

    @classmethod
    def from_arrays(
        cls,
        tp: Sequence[object] | ArrayLike,
        fp: Sequence[object] | ArrayLike,
        fn: Sequence[object] | ArrayLike,
        tn: Sequence[object] | ArrayLike,
        study: Iterable[object] | None = None,
    ) -> Counts:
        """Validate four columns and return the tables.

        Parameters
        ----------
        tp, fp, fn, tn
            k cells each; see :func:`parse_count` for what a cell may be.
        study
            k labels; ``"1"``, ``"2"``, … when left out.

        Returns
        -------
        Counts
            The tables, in the given order.

        Raises
        ------
        DataError
            With one fault per bad cell (COUNTS-001), for columns of different lengths (COUNTS-002), for no
            rows (COUNTS-003), and for each row in which all four cells are zero (COUNTS-004).
        """
        columns = {
            name: list(np.asarray(column, dtype=object).ravel())
            for name, column in zip(CELLS, (tp, fp, fn, tn), strict=True)
        }
        labels = None if study is None else tuple(str(label) for label in study)
        k = len(columns["tp"])
        _require_same_length(columns, labels)
        labels = labels or tuple(str(row) for row in range(1, k + 1))
        cells = np.zeros((4, k), dtype=np.int64)
        faults = []
        for j, (name, column) in enumerate(columns.items()):
            for i, value in enumerate(column):
                try:
                    cells[j, i] = parse_count(value)
                except ValueError as error:
                    remedy = "correct the cell or leave the row out"
                    faults.append(Fault("", i + 1, name, f"row {i + 1}: {error}", remedy, "COUNTS-001"))
        if not faults:
            faults = [
                Fault("", row, "", f"row {row}: all four cells are zero", "leave the row out", "COUNTS-004")
                for row in (np.flatnonzero(cells.sum(axis=0) == 0) + 1).tolist()
            ]
        if faults:
            raise DataError(sorted(faults, key=lambda fault: fault.line))
        return cls(cells[0], cells[1], cells[2], cells[3], labels)

    @classmethod
    def from_records(cls, rows: Iterable[Mapping[str, Any]]) -> Counts:
        """Validate rows such as those of :class:`csv.DictReader` and return the tables.

        Parameters
        ----------
        rows
            One mapping per table with the keys ``tp``, ``fp``, ``fn``, ``tn`` and optionally ``study``, in
            any case; other keys are ignored, and a row without a label gets its number.

        Returns
        -------
        Counts
            The tables, in the given order.

        Raises
        ------
        DataError
            As :meth:`from_arrays`; a key that is not there counts as a missing cell.
        """
        records = [{str(key).strip().lower(): value for key, value in row.items()} for row in rows]
        columns = {name: [record.get(name) for record in records] for name in CELLS}
        study = [record.get("study") or row for row, record in enumerate(records, start=1)]
        return cls.from_arrays(columns["tp"], columns["fp"], columns["fn"], columns["tn"], study)

    @property
    def k(self) -> int:
        """Number of tables."""
        return len(self.study)

    @property
    def n_diseased(self) -> IntArray:
        """(k,) tp + fn."""
        return self.tp + self.fn

    @property
    def n_nondiseased(self) -> IntArray:
        """(k,) fp + tn."""
        return self.fp + self.tn

    @property
    def has_zero(self) -> BoolArray:
        """(k,) whether any cell of the table is zero."""
        zero: BoolArray = np.min([self.tp, self.fp, self.fn, self.tn], axis=0) == 0
        return zero

    @property
    def has_both_arms(self) -> BoolArray:
        """(k,) whether the study has diseased and non-diseased participants."""
        return (self.n_diseased > 0) & (self.n_nondiseased > 0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of any result should know, such as one-arm rows, repeated labels and zero cells."""
        notes = []
        if one_arm := int(np.sum((self.n_diseased == 0) ^ (self.n_nondiseased == 0))):
            notes.append(f"{one_arm} of {self.k} rows have only diseased or only non-diseased participants")
        if repeated := [label for label, times in Counter(self.study).items() if times > 1]:
            notes.append(
                f"study labels used for more than one row: {', '.join(repeated)}; they are pooled as independent "
                "studies; leave one out if they are the same people"
            )
        cells = np.stack([self.tp, self.fn, self.fp, self.tn])
        arms = np.stack([self.n_diseased, self.n_diseased, self.n_nondiseased, self.n_nondiseased])
        if zero := int(((cells == 0) & (arms > 0)).any(axis=0).sum()):
            notes.append(f"{zero} of {self.k} rows have a zero cell")
        # Of two rows with the same counts each is the sum of the other.
        if self.k > 2:
            totals = np.flatnonzero((2 * cells == cells.sum(axis=1, keepdims=True)).all(axis=0))
            notes += [f"row {i + 1} ({self.study[i]}) is the sum of all others: a total is no study" for i in totals]
        return tuple(notes)

    def subset(self, rows: ArrayLike) -> Counts:
        """Return the tables that `rows` selects.

        Parameters
        ----------
        rows
            (k,) boolean mask, or integer indices (in any order, repeats allowed).

        Returns
        -------
        Counts
            The selected tables.
        """
        chosen = np.arange(self.k)[np.atleast_1d(np.asarray(rows))]
        labels = tuple(self.study[i] for i in chosen)
        return Counts(self.tp[chosen], self.fp[chosen], self.fn[chosen], self.tn[chosen], labels)

    def swapped(self) -> Counts:
        """Return the tables with the disease labels (and so sensitivity and specificity) swapped."""
        return Counts(tp=self.tn, fp=self.fn, fn=self.fp, tn=self.tp, study=self.study)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return plain lists by column name."""
        cells = {name: [int(cell) for cell in getattr(self, name)] for name in CELLS}
        return {"study": list(self.study), **cells}

    def __len__(self) -> int:
        return self.k

    def __getitem__(self, rows: int | slice | ArrayLike) -> Counts:
        return self.subset(np.arange(self.k)[rows] if isinstance(rows, slice) else rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Counts):
            return NotImplemented
        same = all(np.array_equal(getattr(self, name), getattr(other, name)) for name in CELLS)
        return same and self.study == other.study

    def __hash__(self) -> int:
        return hash((self.study, *(getattr(self, name).tobytes() for name in CELLS)))

    def __repr__(self) -> str:
        diseased, nondiseased = int(self.n_diseased.sum()), int(self.n_nondiseased.sum())
        return f"Counts(k={self.k}, n_diseased={diseased}, n_nondiseased={nondiseased})"


class CorrectedCounts(NamedTuple):
    """Cells after a continuity correction: four (k,) float arrays."""

    tp: FloatArray
    fp: FloatArray
    fn: FloatArray
    tn: FloatArray


def corrected(counts: Counts, correction: Correction = "all_if_any") -> CorrectedCounts:
    """Add one half to the cells that a named continuity correction says.

    Parameters
    ----------
    counts
        k tables.
    correction
        ``"all_if_any"``: every cell of every study if any study has a zero cell (what R's mada calls "all");
        ``"zero_only"`` or ``"single"``: every cell of the studies that have a zero cell; ``"all"``: every
        cell of every study, always; ``"none"``: nothing.

    Returns
    -------
    CorrectedCounts
        tp, fp, fn, tn as (k,) float arrays.

    Raises
    ------
    ValueError
        If `correction` is none of these names.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, corrected
    >>> corrected(Counts.from_arrays(tp=[45, 60], fp=[10, 0], fn=[5, 20], tn=[90, 40]), "single").fp.tolist()
    [10.0, 0.5]
    """
    chosen = {
        "all_if_any": np.full(counts.k, counts.has_zero.any()),
        "zero_only": counts.has_zero,
        "single": counts.has_zero,
        "all": np.ones(counts.k, dtype=bool),
        "none": np.zeros(counts.k, dtype=bool),
    }
    if correction not in chosen:
        raise ValueError(f"correction is one of {', '.join(chosen)}; found {correction!r}")
    half = np.where(chosen[correction], 0.5, 0.0)
    tp, fp, fn, tn = (cell.astype(np.float64) + half for cell in (counts.tp, counts.fp, counts.fn, counts.tn))
    return CorrectedCounts(tp, fp, fn, tn)


def _require_same_length(columns: Mapping[str, Sequence[object]], labels: tuple[str, ...] | None) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if labels is not None:
        lengths["study"] = len(labels)
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        fault = Fault("", 0, "", f"columns differ in length: {found}", "give one cell per study", "COUNTS-002")
        raise DataError([fault])
    if not columns["tp"]:
        raise DataError([Fault("", 0, "", "no studies", "give at least one 2×2 table", "COUNTS-003")])
