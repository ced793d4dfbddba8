"""An estimate with its interval: one, or one per study."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livingreview.synthesis.arrays import FloatArray, freeze

__all__ = ["Interval", "Intervals"]


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval.

    Parameters
    ----------
    estimate, lower, upper
        On the scale of the measure itself (a proportion, a ratio); NaN where it does not exist.
    level
        Coverage of the interval, e.g. 0.95.

    Examples
    --------
    >>> from livingreview.synthesis import Interval
    >>> print(Interval(0.9, 0.786, 0.957))
    0.900 [0.786, 0.957]
    """

    estimate: float
    lower: float
    upper: float
    level: float = 0.95

    @classmethod
    def about(cls, centre: float, half: float, level: float) -> Interval:
        """Return the interval that reaches `half` to either side of an estimate."""
        return cls(centre, centre - half, centre + half, level)

    def map(self, transform: Callable[[float], float]) -> Interval:
        """Return estimate and limits on another scale, by an increasing function."""
        return Interval(transform(self.estimate), transform(self.lower), transform(self.upper), self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"estimate": …, "ci": [lower, upper], "level": …}``; what is not finite becomes None."""
        estimate, lower, upper = (
            float(x) if math.isfinite(x) else None for x in (self.estimate, self.lower, self.upper)
        )
        return {"estimate": estimate, "ci": [lower, upper], "level": float(self.level)}

    def __str__(self) -> str:
        """Return the three numbers with three significant digits each."""
        return f"{self.estimate:#.3g} [{self.lower:#.3g}, {self.upper:#.3g}]"


@dataclass(frozen=True, eq=False)
class Intervals:
    """One measure with its interval for each of k studies.

    Parameters
    ----------
    measure
        Name of the measure.
    method
        How the interval was made.
    estimate, lower, upper
        (k,) arrays, read-only; NaN where the study has no such measure (an empty arm).
    level
        Coverage.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, sensitivity
    >>> intervals = sensitivity(Counts.from_arrays(tp=[45, 60], fp=[10, 0], fn=[5, 20], tn=[90, 40]))
    >>> print(intervals.measure, intervals[1])
    sensitivity 0.750 [0.645, 0.832]
    """

    measure: str
    method: str
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float

    def __post_init__(self) -> None:
        freeze(self, "estimate", "lower", "upper")

    def __len__(self) -> int:
        return len(self.estimate)

    def __getitem__(self, row: int) -> Interval:
        return Interval(float(self.estimate[row]), float(self.lower[row]), float(self.upper[row]), self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return measure, method, level and one :meth:`Interval.to_dict` per study."""
        studies = [self[row].to_dict() for row in range(len(self))]
        return {"measure": self.measure, "method": self.method, "level": self.level, "studies": studies}


def require_level(level: float) -> None:
    """Raise a ValueError unless a coverage is between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"level is between 0 and 1, such as 0.95; found {level!r}")
