"""What a printed figure implies: the arithmetic of an audit, from the page back to the data.

Heterogeneity statistics determine one another given the degrees of freedom, and a rounded proportion with a
rounded exact interval leaves only some totals possible. A printed AUC or Q* of the symmetric curve says which odds
ratio D it came from, and a printed standard error which SE(ln D).

Examples
--------
>>> heterogeneity_from_i2(0.343, df=6)
Heterogeneity(q=9.13, df=6, p=0.166, i2=34.3%)
>>> totals_behind("0.80", "0.44", "0.97").n.tolist()
[10]
>>> round(log_dor_from_auc(0.913), 2)
3.4

References
----------
Higgins JPT, Thompson SG. Quantifying heterogeneity in a meta-analysis. Stat Med 2002;21:1539–1558.
doi:10.1002/sim.1186
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from livingreview.synthesis.arrays import BoolArray, IntArray, freeze
from livingreview.synthesis.metadisc import auc_from_log_dor, auc_slope
from livingreview.synthesis.simple_pooling import excess

__all__ = [
    "Heterogeneity",
    "Totals",
    "heterogeneity_from_i2",
    "heterogeneity_from_p",
    "heterogeneity_from_q",
    "log_dor_from_auc",
    "log_dor_from_q_star",
    "log_dor_se_from_auc_se",
    "log_dor_se_from_q_star_se",
    "totals_behind",
]


# Totals are tried in blocks. An exact interval narrows as n grows, so that a block in which no interval
# reaches both printed limits is the last one.
BLOCK = 2048
# exp(±700) is the end of what a float holds.
LARGEST_LOG_DOR = 700.0


@dataclass(frozen=True, repr=False)
class Heterogeneity:
    """One test of heterogeneity, stated in its three ways.

    Parameters
    ----------
    q, df
        χ² statistic and degrees of freedom.
    p
        Upper tail.
    i2
        ``max(0, (q − df) / q)``, a proportion.
    """

    q: float
    df: int
    p: float
    i2: float

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        return asdict(self)

    def __repr__(self) -> str:
        return f"Heterogeneity(q={self.q:.3g}, df={self.df}, p={self.p:.3g}, i2={self.i2:.1%})"


@dataclass(frozen=True, eq=False, repr=False)
class Totals:
    """Every pair of integers that rounds to a printed proportion with its printed exact interval.

    Parameters
    ----------
    x, n
        (m,) arrays, ordered by n and then x.
    """

    x: IntArray
    n: IntArray

    def __post_init__(self) -> None:
        freeze(self, "x", "n", dtype=np.int64)

    @property
    def range(self) -> tuple[int, int] | None:
        """Smallest and largest total; None when no pair fits."""
        return (int(self.n[0]), int(self.n[-1])) if len(self.n) else None

    def to_dict(self) -> dict[str, Any]:
        """Return the number of pairs and the range of n; the pairs themselves stay in the arrays."""
        return {"pairs": len(self.n), "n_range": self.range}

    def __repr__(self) -> str:
        return f"Totals({len(self.n)} pairs, n in {self.range})"


def heterogeneity_from_q(q: float, df: int) -> Heterogeneity:
    """Return P and I² of a χ² statistic.

    Raises
    ------
    ValueError
        For a negative statistic or without degrees of freedom.
    """
    _require_df(df)
    if not q >= 0:
        raise ValueError(f"a χ² statistic is at least 0; found {q!r}")
    return Heterogeneity(q, df, float(special.chdtrc(df, q)), excess(q, df))


def heterogeneity_from_i2(i2: float, df: int) -> Heterogeneity:
    """Return Q and P of an I² above 0 (an I² of 0 says only that Q ≤ df).

    Raises
    ------
    ValueError
        For an I² outside (0, 1) or without degrees of freedom.
    """
    _require_df(df)
    if not 0 < i2 < 1:
        raise ValueError(f"I² determines Q only between 0 and 1, both excluded, as a proportion; found {i2!r}")
    return heterogeneity_from_q(df / (1 - i2), df)


def heterogeneity_from_p(p: float, df: int) -> Heterogeneity:
    """Return Q and I² of a P value.

    Raises
    ------
    ValueError
        For a P value outside (0, 1] or without degrees of freedom.
    """
    _require_df(df)
    if not 0 < p <= 1:
        raise ValueError(f"P is above 0 and at most 1; found {p!r}")
    return heterogeneity_from_q(float(special.chdtri(df, p)), df)


def totals_behind(estimate: str, lower: str, upper: str, *, level: float = 0.95) -> Totals:
    """Return every (x, n) whose proportion and Clopper–Pearson interval round to the printed figures.

    Parameters
    ----------
    estimate, lower, upper
        As printed, e.g. ``"0.94"``: the digits say how far the figure was rounded. A value exactly half-way
        is taken to round either way.
    level
        Coverage of the printed interval.

    Returns
    -------
    Totals
        Empty when the three figures contradict one another.

    Raises
    ------
    ValueError
        When a figure is no proportion, or when the rounding is so coarse that no total is too large.
    """
    (p0, p1), (l0, l1), (u0, u1) = (_rounding_range(text) for text in (estimate, lower, upper))
    if u0 - l1 <= 0:
        raise ValueError(f"the printed limits {lower} and {upper} are too close to bound the total")
    found_x: list[IntArray] = []
    found_n: list[IntArray] = []
    tail = (1 - level) / 2
    start = 1
    while True:
        x, n = _candidates(start, start + BLOCK, p0, p1)
        tried = len(x)
        # The limits are never computed: whether one lies beyond a bound is the beta tail probability there.
        for holds, bound in ((_lower_limit_at_most, l1), (_upper_limit_at_least, u0)):
            left = holds(bound, x, n, tail)
            x, n = x[left], n[left]
        fits = _lower_limit_at_least(l0, x, n, tail) & _upper_limit_at_most(u1, x, n, tail)
        found_x.append(x[fits])
        found_n.append(n[fits])
        if tried and not len(x):
            return Totals(np.concatenate(found_x), np.concatenate(found_n))
        start += BLOCK


def _candidates(start: int, stop: int, lowest: float, highest: float) -> tuple[IntArray, IntArray]:
    """Return every pair with start ≤ n < stop and lowest ≤ x/n ≤ highest."""
    n = np.arange(start, stop)
    first = np.ceil(n * lowest - 1e-9).astype(np.int64).clip(min=0)
    last = np.minimum(np.floor(n * highest + 1e-9).astype(np.int64), n)
    times = np.maximum(last - first + 1, 0)
    offset = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    return np.repeat(first, times) + offset, np.repeat(n, times)


def _lower_limit_at_most(bound: float, x: IntArray, n: IntArray, tail: float) -> BoolArray:
    within: BoolArray = special.betainc(np.maximum(x, 1), n - x + 1, bound) >= tail
    return np.asarray(within | (x == 0))


def _upper_limit_at_most(bound: float, x: IntArray, n: IntArray, tail: float) -> BoolArray:
    if bound >= 1:
        return np.ones(len(x), dtype=bool)
    beyond: BoolArray = special.betainc(x + 1, np.maximum(n - x, 1), bound) >= 1 - tail
    return np.asarray(beyond & (x < n))


def _lower_limit_at_least(bound: float, x: IntArray, n: IntArray, tail: float) -> BoolArray:
    return _upper_limit_at_most(1 - bound, n - x, n, tail)


def _upper_limit_at_least(bound: float, x: IntArray, n: IntArray, tail: float) -> BoolArray:
    return _lower_limit_at_most(1 - bound, n - x, n, tail)


def _rounding_range(text: str) -> tuple[float, float]:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"expected a proportion between 0 and 1 as it was printed, found {text!r}")
    half = 0.5 * 10.0 ** -len(text.strip().partition(".")[2])
    slack = 1e-12  # a value half-way must not be lost to binary rounding
    return max(0.0, value - half - slack), min(1.0, value + half + slack)


def _require_df(df: int) -> None:
    if df < 1:
        raise ValueError(f"heterogeneity needs at least one degree of freedom; found {df!r}")


def log_dor_from_auc(auc: float) -> float:
    """Return the log odds ratio whose symmetric curve has this area, by numerical inversion.

    Raises
    ------
    ValueError
        For an area outside (0, 1).
    """
    _require_open_unit("AUC", auc)
    return float(
        optimize.brentq(lambda log_dor: auc_from_log_dor(log_dor) - auc, -LARGEST_LOG_DOR, LARGEST_LOG_DOR, xtol=1e-13)
    )


def log_dor_from_q_star(q_star: float) -> float:
    """Return the log odds ratio whose symmetric curve passes through sensitivity = specificity = Q*.

    Raises
    ------
    ValueError
        For a Q* outside (0, 1).
    """
    _require_open_unit("Q*", q_star)
    return float(2 * special.logit(q_star))


def log_dor_se_from_auc_se(auc: float, auc_se: float) -> float:
    """Return the SE(ln D) that a printed area and its standard error imply."""
    return auc_se / auc_slope(log_dor_from_auc(auc))


def log_dor_se_from_q_star_se(q_star: float, q_star_se: float) -> float:
    """Return the SE(ln D) that a printed Q* and its standard error imply."""
    _require_open_unit("Q*", q_star)
    return q_star_se / (0.5 * q_star * (1 - q_star))


def _require_open_unit(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is between 0 and 1, both excluded; found {value!r}")
