"""Recover 2×2 tables from the metrics that a report prints.

Every integer table that rounds to what was printed is found: none (an error that shows the contradiction), one
(exact), or several. Nothing is guessed and nothing is approximated: ties are decided in integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, cast

import numpy as np

from livingreview.errors import DataError, Fault
from livingreview.reconstruction.compatible import Constraints, compatible_runs, expand
from livingreview.reconstruction.constraints import (
    COUNTS,
    INTERVAL_METHODS,
    METRICS,
    IntervalMethod,
    constraints_of,
    interval_range,
)
from livingreview.reconstruction.printed import ROUNDINGS, Printed, Rounding
from livingreview.synthesis.arrays import IntArray, freeze
from livingreview.synthesis.counts import CELLS, parse_count

__all__ = ["Reconstruction", "reconstruct"]

DEFAULT_LIMIT = 100_000
# A contradiction that does not involve n is looked for at totals up to the first of these when counts are among
# the values, else at the printed total, twelve times it and its largest multiple up to the second.
N_LEFT_OUT = 2_000
LARGEST_MULTIPLE = 20_000
INTERVALS = ("sensitivity_ci", "specificity_ci")
LARGEST_N = 10**7
# Sets of counts that add up to n.
PARTITIONS = (
    ("n_diseased", "n_nondiseased"),
    ("n_diseased", "fp", "tn"),
    ("n_nondiseased", "tp", "fn"),
    ("tp", "fp", "fn", "tn"),
)
Size = tuple[int, int]


@dataclass(frozen=True, eq=False, repr=False)
class Reconstruction:
    """Every 2×2 table compatible with what was printed.

    Parameters
    ----------
    tables
        (m, 4) read-only array of tp, fp, fn, tn, ordered by n, diseased, tp, tn; no rows when there are more
        tables than `limit`.
    count
        Number of compatible tables.
    hull
        (2, 4) read-only array: smallest and largest value of each cell over all compatible tables.
    sizes
        Smallest and largest total among them.
    rounding
        The convention under which they round to what was printed.
    interval_methods
        Methods that reproduce the printed confidence intervals; empty when none was used.
    printed
        What was given, by name, as text.
    limit
        Number of tables above which they are counted and not listed.
    notes
        What a reader should know.

    Examples
    --------
    >>> found = reconstruct({"sensitivity": "95", "accuracy": "88", "ppv": "83"}, n=42)
    >>> found.exact, found.count
    (False, 2)
    >>> found.hull.tolist()
    [[19, 4, 1, 17], [20, 4, 1, 18]]
    """

    tables: IntArray
    count: int
    hull: IntArray
    sizes: Size
    rounding: Rounding
    interval_methods: tuple[IntervalMethod, ...]
    printed: tuple[tuple[str, str], ...]
    limit: int
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self, "tables", "hull", dtype=np.int64)

    @property
    def exact(self) -> bool:
        """Whether one table alone is compatible."""
        return self.count == 1

    @property
    def complete(self) -> bool:
        """Whether `tables` lists all of them."""
        return len(self.tables) == self.count

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "printed": dict(self.printed),
            "rounding": self.rounding,
            "interval_methods": list(self.interval_methods),
            "exact": self.exact,
            "count": self.count,
            "limit": self.limit,
            "n": list(self.sizes),
            "hull": {cell: self.hull[:, j].tolist() for j, cell in enumerate(CELLS)},
            "tables": [dict(zip(CELLS, table, strict=True)) for table in self.tables.tolist()],
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        if self.exact:
            cells = " ".join(f"{cell}={low}" for cell, low in zip(CELLS, self.hull[0], strict=True))
            return f"Reconstruction(exact: {cells}; rounding {self.rounding})"
        cells = " ".join(f"{cell}={low}–{high}" for cell, low, high in zip(CELLS, *self.hull, strict=True))
        return f"Reconstruction({self.count} tables: {cells}; rounding {self.rounding})"


def reconstruct(
    printed: Mapping[str, Any],
    *,
    n: int | Size | None = None,
    rounding: Rounding | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Reconstruction:
    """Return every 2×2 table that rounds to what was printed.

    Parameters
    ----------
    printed
        By name: ``sensitivity``, ``specificity``, ``accuracy``, ``ppv``, ``npv``, ``f1``, ``prevalence``,
        ``balanced_accuracy``, ``mcc`` as text; ``n``, ``n_diseased``, ``n_nondiseased``, ``tp``, ``fp``, ``fn``, ``tn``
        as integers; ``sensitivity_ci``, ``specificity_ci`` as a pair of texts. A value of None was not printed.
    n
        The total, or its lowest and highest possible value; not needed when the printed counts add up to it.
    rounding
        The convention of the report; by default the first of half-up, half-even and truncation under which any table
        exists.
    limit
        Number of tables above which only their count and hull are returned.

    Returns
    -------
    Reconstruction
        A confidence interval, of 95 %, constrains the tables only if a named method (Wilson, Clopper–Pearson, Wald)
        reproduces both printed intervals; a table is kept if any of the three does.

    Raises
    ------
    DataError
        For values that cannot be read (RECONSTRUCTION-001), an unknown total (RECONSTRUCTION-002), and when no
        table exists (RECONSTRUCTION-003): then `field` names the smallest contradictory subset of what was printed. One
        without n contradicts itself at every total that was tried (up to 20,000 for proportions).

    Examples
    --------
    >>> reconstruct({"sensitivity": "95", "accuracy": "88", "ppv": "83"}, n=42).tables.tolist()
    [[19, 4, 1, 18], [20, 4, 1, 17]]
    """
    known = Reported.read(printed, n)
    roundings = ROUNDINGS if rounding is None else (rounding,)
    for convention in roundings:
        constraints = constraints_of(known.counts, known.metrics, convention)
        if next(compatible_runs(constraints, *known.size), None) is not None:
            break
    else:
        raise _contradiction(known, roundings)
    collected = _collect(constraints, known.size, limit)
    methods: tuple[IntervalMethod, ...] = ()
    notes: tuple[str, ...] = ()
    if known.intervals:
        collected, methods, notes = _apply_intervals(known, constraints, convention, collected, limit)
    if collected[1] > limit:
        notes = (*notes, f"{collected[1]} tables are compatible, more than {limit}: counted, not listed")
    return Reconstruction(*collected, convention, methods, known.as_text(), limit, notes)


# Tables (none when there are too many), their count, their hull, smallest and largest total.
_Collected = tuple[IntArray, int, IntArray, Size]


def _collect(constraints: Constraints, size: Size, limit: int) -> _Collected:
    count, parts = 0, []
    hull = np.array([[np.iinfo(np.int64).max] * 4, [-1] * 4], dtype=np.int64)
    totals: list[int] = []
    for runs in compatible_runs(constraints, *size):
        count += int((runs.tn_highest - runs.tn_lowest + 1).sum())
        if count <= limit:
            parts.append(expand(runs))
        nondiseased = runs.n - runs.n_diseased
        fn = runs.n_diseased - runs.tp
        lowest = (runs.tp, nondiseased - runs.tn_highest, fn, runs.tn_lowest)
        highest = (runs.tp, nondiseased - runs.tn_lowest, fn, runs.tn_highest)
        hull[0] = np.minimum(hull[0], [cell.min() for cell in lowest])
        hull[1] = np.maximum(hull[1], [cell.max() for cell in highest])
        totals += [int(runs.n.min()), int(runs.n.max())]
    listed = parts if count <= limit else []
    tables = np.concatenate([np.empty((0, 4), dtype=np.int64), *listed])
    return tables, count, hull, (min(totals, default=0), max(totals, default=0))


def _apply_intervals(
    known: Reported,
    constraints: Constraints,
    rounding: Rounding,
    without: _Collected,
    limit: int,
) -> tuple[_Collected, tuple[IntervalMethod, ...], tuple[str, ...]]:
    """Narrow the tables by the printed intervals, if a named method reproduces them."""
    found: dict[IntervalMethod, _Collected] = {}
    for method in INTERVAL_METHODS:
        ranges = {
            name: interval_range(limits, method, rounding, known.size[1]) for name, limits in known.intervals.items()
        }
        narrowed = replace(
            constraints, allowed_tp=ranges.get("sensitivity_ci"), allowed_tn=ranges.get("specificity_ci")
        )
        collected = _collect(narrowed, known.size, limit)
        if collected[1]:
            found[method] = collected
    names = " and ".join(known.intervals)
    if not found:
        return without, (), (f"no named method reproduces {names}; not used",)
    if any(count > limit for _, count, _, _ in found.values()):
        return without, (), (f"too many tables reproduce {names}; not used",)
    tables = np.unique(np.concatenate([tables for tables, *_ in found.values()]), axis=0)
    diseased, total = tables[:, 0] + tables[:, 2], tables.sum(axis=1)
    tables = tables[np.lexsort((tables[:, 3], tables[:, 0], diseased, total))]
    hull = np.array([tables.min(axis=0), tables.max(axis=0)])
    return (tables, len(tables), hull, (int(total.min()), int(total.max()))), tuple(found), ()


def _contradiction(known: Reported, roundings: Sequence[Rounding]) -> DataError:
    """Return the error that shows the smallest subset of what was printed that no table satisfies."""

    def satisfiable(names: Sequence[str]) -> bool:
        counts = {name: value for name, value in known.counts.items() if name in names}
        metrics = {name: value for name, value in known.metrics.items() if name in names}
        return any(
            next(compatible_runs(constraints_of(counts, metrics, rounding), *size), None) is not None
            for size in _sizes_to_try(known, names)
            for rounding in roundings
        )

    items = known.items
    subsets = (names for size in range(1, len(items)) for names in combinations(items, size))
    smallest = next((names for names in subsets if not satisfiable(names)), items)
    said = " and ".join(known.says(name) for name in smallest)
    problem = f"no 2×2 table has {said} (rounding tried: {', '.join(roundings)})"
    remedy = "at least one of them is wrong or belongs to other data; compare them with the report"
    return DataError([Fault("", 0, ", ".join(smallest), problem, remedy, "RECONSTRUCTION-003")])


def _sizes_to_try(known: Reported, names: Sequence[str]) -> tuple[Size, ...]:
    """Return the totals at which a subset of what was printed is looked for."""
    if "n" in names:
        return (known.size,)
    highest = known.size[1]
    if any(name in known.counts for name in names):
        return ((1, max(N_LEFT_OUT, highest)),)
    # Proportions alone: what a table of n satisfies, the same table times m satisfies too, and a larger total
    # leaves more room between its fractions.
    largest = max(1, LARGEST_MULTIPLE // highest)
    return tuple((highest * times, highest * times) for times in sorted({1, min(12, largest), largest}))


@dataclass(frozen=True)
class Reported:
    """What was printed, read and sorted by kind.

    Parameters
    ----------
    counts, metrics, intervals
        Values by name.
    size
        Lowest and highest possible total.
    """

    counts: dict[str, int]
    metrics: dict[str, Printed]
    intervals: dict[str, tuple[Printed, Printed]]
    size: Size

    @classmethod
    def read(cls, printed: Mapping[str, Any], n: int | Size | None) -> Reported:
        """Read what :func:`reconstruct` is given.

        Raises
        ------
        DataError
            With every value that cannot be read; when all can, because the total is not known.
        """
        counts: dict[str, int] = {}
        metrics: dict[str, Printed] = {}
        intervals: dict[str, tuple[Printed, Printed]] = {}
        faults: list[Fault] = []

        def refuse(name: str, problem: str, remedy: str = "copy what is printed") -> None:
            faults.append(Fault("", 0, name, problem, remedy, "RECONSTRUCTION-001"))

        given = {name: value for name, value in printed.items() if value is not None}
        if isinstance(n, int) and given.setdefault("n", n) != n:
            refuse("n", f"given as {given['n']} and as {n}", "give it once")
        for name, value in given.items():
            try:
                if name in METRICS:
                    metrics[name] = _read_metric(name, value)
                elif name in COUNTS:
                    counts[name] = parse_count(value)
                elif name in INTERVALS:
                    lower, upper = (_read_metric(name, end) for end in value)
                    if lower.value > upper.value:
                        refuse(name, f"{lower} is above {upper}", "give the lower limit first")
                    intervals[name] = (lower, upper)
                else:
                    names = ", ".join((*METRICS, *COUNTS, *INTERVALS))
                    refuse(name, "not a name that is known", f"use one of {names}")
            except DataError as error:
                faults += [replace(fault, field=name) for fault in error.faults]
            except (TypeError, ValueError) as error:
                refuse(name, str(error))
        if faults:
            raise DataError(faults)
        return cls(counts, metrics, intervals, _size(counts, n))

    @property
    def items(self) -> tuple[str, ...]:
        """Names of what constrains the table, n last."""
        names = (*self.metrics, *(name for name in self.counts if name != "n"))
        return (*names, "n")

    def says(self, name: str) -> str:
        """Return one printed value as ``name value``."""
        if name == "n":
            lowest, highest = self.size
            return f"n {lowest}" if lowest == highest else f"n {lowest} to {highest}"
        return f"{name} {self.metrics[name] if name in self.metrics else self.counts[name]}"

    def as_text(self) -> tuple[tuple[str, str], ...]:
        """Return what was printed by name, for the record."""
        pairs = [(name, self.says(name).removeprefix(f"{name} ")) for name in self.items]
        pairs += [(name, f"{lower} to {upper}") for name, (lower, upper) in self.intervals.items()]
        return tuple(pairs)


def _read_metric(name: str, value: object) -> Printed:
    read = value if isinstance(value, Printed) else Printed.parse(cast(str, value))
    if read.value < 0 and name != "mcc":
        problem = f"expected 0 to 1 or 0 to 100 %, found {read.text!r}"
        raise DataError([Fault("", 0, name, problem, "copy what is printed", "RECONSTRUCTION-001")])
    return read


def _size(counts: Mapping[str, int], n: int | Size | None) -> Size:
    """Return the range of the total: given, or the sum of printed counts."""
    sums = [sum(counts[name] for name in parts) for parts in PARTITIONS if set(parts) <= set(counts)]
    if isinstance(n, Sequence):
        lowest, highest = n
    elif "n" in counts or sums:
        lowest = highest = counts.get("n", sums[0] if sums else 0)
    else:
        remedy = "give n, or its range as n=(lowest, highest)"
        raise DataError([Fault("", 0, "n", "the total is not known", remedy, "RECONSTRUCTION-002")])
    if not 1 <= lowest <= highest <= LARGEST_N:
        problem = f"expected 1 ≤ lowest ≤ highest ≤ {LARGEST_N}, found {lowest} and {highest}"
        raise DataError([Fault("", 0, "n", problem, "correct the total", "RECONSTRUCTION-002")])
    return lowest, highest
