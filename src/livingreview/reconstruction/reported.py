"""What a report prints about one 2×2 table: reading and naming it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from livingreview.errors import DataError, Fault
from livingreview.reconstruction.compatible import Constraints
from livingreview.reconstruction.constraints import COUNTS, METRICS, constraints_of
from livingreview.reconstruction.printed import Printed, Rounding
from livingreview.synthesis.counts import parse_count

__all__ = ["Reported", "Size"]

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
        """Read what :func:`~livingreview.reconstruction.tables.reconstruct` is given.

        Raises
        ------
        DataError
            With every value that cannot be read; when all can, because the total is not known.
        """
        counts: dict[str, int] = {}
        metrics: dict[str, Printed] = {}
        intervals: dict[str, tuple[Printed, Printed]] = {}
        faults: list[Fault] = []
        given = {name: value for name, value in printed.items() if value is not None}
        if isinstance(n, int) and given.setdefault("n", n) != n:
            faults.append(_fault("n", f"given as {given['n']} and as {n}", "give it once", "001"))
        for name, value in given.items():
            try:
                if name in METRICS:
                    metrics[name] = _read_metric(name, value)
                elif name in COUNTS:
                    counts[name] = parse_count(value)
                elif name in INTERVALS:
                    lower, upper = (_read_metric(name, end) for end in value)
                    if lower.value > upper.value:
                        faults.append(_fault(name, f"{lower} is above {upper}", "give the lower limit first", "001"))
                    intervals[name] = (lower, upper)
                else:
                    names = ", ".join((*METRICS, *COUNTS, *INTERVALS))
                    faults.append(_fault(name, "not a name that is known", f"use one of {names}", "001"))
            except DataError as error:
                faults += [_fault(name, fault.problem, fault.remedy, "001") for fault in error.faults]
            except (TypeError, ValueError) as error:
                faults.append(_fault(name, str(error), "copy what is printed", "001"))
        if faults:
            raise DataError(faults)
        return cls(counts, metrics, intervals, _size(counts, n))

    @property
    def items(self) -> tuple[str, ...]:
        """Names of what constrains the table, n last."""
        names = (*self.metrics, *(name for name in self.counts if name != "n"))
        return (*names, "n")

    def reduced_to(self, names: Sequence[str]) -> Reported:
        """Return what is known when only `names` were printed; `size` is kept."""
        counts = {name: value for name, value in self.counts.items() if name in names}
        metrics = {name: value for name, value in self.metrics.items() if name in names}
        return Reported(counts, metrics, {}, self.size)

    def constraints(self, rounding: Rounding) -> Constraints:
        """Return the constraints on a table if the report rounded by this convention."""
        return constraints_of(self.counts, self.metrics, rounding)

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
        raise DataError([_fault(name, problem, "copy what is printed", "001")])
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
        raise DataError([_fault("n", "the total is not known", remedy, "002")])
    if not 1 <= lowest <= highest <= LARGEST_N:
        problem = f"expected 1 ≤ lowest ≤ highest ≤ {LARGEST_N}, found {lowest} and {highest}"
        raise DataError([_fault("n", problem, "correct the total", "002")])
    return lowest, highest


def _fault(field: str, problem: str, remedy: str, number: str) -> Fault:
    return Fault("", 0, field, problem, remedy, f"RECONSTRUCTION-{number}")
