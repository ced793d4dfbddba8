"""What a printed figure implies: the arithmetic of an audit, from the page back to the data.

I² gives Q and P with the degrees of freedom, and a rounded proportion with a rounded exact interval leaves only some
totals possible. A printed AUC of the symmetric curve says which odds ratio D it came from, and its standard error which
SE(ln D).

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

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from livingreview.synthesis.arrays import BoolArray, IntArray
from livingreview.synthesis.metadisc import auc_from_log_dor, auc_slope
from livingreview.synthesis.simple_pooling import excess

__all__ = [
    "Heterogeneity", "Totals", "heterogeneity_from_i2", "log_dor_from_auc", "log_dor_se_from_auc_se", "totals_behind",
]  # fmt: skip

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

    def __repr__(self) -> str:
        return f"Heterogeneity(q={self.q:.3g}, df={self.df}, p={self.p:.3g}, i2={self.i2:.1%})"


class Totals(NamedTuple):
    """Every pair of integers that rounds to a printed proportion with its printed exact interval.

    `x` and `n` are (m,) arrays, ordered by n and then x.
    """

    x: IntArray
    n: IntArray

    @property
    def range(self) -> tuple[int, int] | None:
        """Smallest and largest total; None when no pair fits."""
        return (int(self.n[0]), int(self.n[-1])) if len(self.n) else None


def heterogeneity_from_i2(i2: float, df: int) -> Heterogeneity:
    """Return Q and P of an I² above 0 (an I² of 0 says only that Q ≤ df).

    Raises
    ------
    ValueError
        For an I² outside (0, 1) or without degrees of freedom.
    """
    if df < 1:
        raise ValueError(f"heterogeneity needs at least one degree of freedom; found {df!r}")
    if not 0 < i2 < 1:
        raise ValueError(f"I² determines Q only between 0 and 1, both excluded, as a proportion; found {i2!r}")
    q = df / (1 - i2)
    return Heterogeneity(q, df, float(special.chdtrc(df, q)), excess(q, df))


def totals_behind(estimate: str, lower: str, upper: str) -> Totals:
    """Return every (x, n) whose proportion and 95 % Clopper–Pearson interval round to the printed figures.

    Parameters
    ----------
    estimate, lower, upper
        As printed, e.g. ``"0.94"``: the digits say how far the figure was rounded. A value exactly half-way
        is taken to round either way.

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
    tail = (1 - 0.95) / 2
    start = 1
    while True:
        x, n = _candidates(start, start + BLOCK, p0, p1)
        tried = len(x)
        # The limits are never computed: whether one lies beyond a bound is the beta tail probability there. An upper
        # limit of x is what a lower limit of n − x leaves of 1.
        left = _lower_limit_at_most(l1, x, n, tail)
        x, n = x[left], n[left]
        left = _lower_limit_at_most(1 - u0, n - x, n, tail)
        x, n = x[left], n[left]
        fits = _upper_limit_at_most(1 - l0, n - x, n, tail) & _upper_limit_at_most(u1, x, n, tail)
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


def _rounding_range(text: str) -> tuple[float, float]:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"expected a proportion between 0 and 1 as it was printed, found {text!r}")
    half = 0.5 * 10.0 ** -len(text.strip().partition(".")[2])
    slack = 1e-12  # a value half-way must not be lost to binary rounding
    return max(0.0, value - half - slack), min(1.0, value + half + slack)


def log_dor_from_auc(auc: float) -> float:
    """Return the log odds ratio whose symmetric curve has this area, by numerical inversion.

    Raises
    ------
    ValueError
        For an area outside (0, 1).
    """
    if not 0 < auc < 1:
        raise ValueError(f"AUC is between 0 and 1, both excluded; found {auc!r}")
    return float(
        optimize.brentq(lambda log_dor: auc_from_log_dor(log_dor) - auc, -LARGEST_LOG_DOR, LARGEST_LOG_DOR, xtol=1e-13)
    )


def log_dor_se_from_auc_se(auc: float, auc_se: float) -> float:
    """Return the SE(ln D) that a printed area and its standard error imply."""
    return auc_se / auc_slope(log_dor_from_auc(auc))
