"""Every integer 2×2 table that satisfies a set of constraints: algebra first, enumeration last.

A table is (n, n_diseased, tp, tn). Each printed metric but two is a ratio of linear forms of these four, so that
"it rounds to what was printed" is a pair of linear inequalities with integer coefficients. Fourier–Motzkin
elimination turns them into a range of n_diseased for each n and a range of tp for each (n, n_diseased); the
range of tn is then read off exactly, by integer division, and never enumerated at all. Balanced accuracy and the
Matthews correlation are not linear, but with the other three fixed both increase with tn, so that
bisection gives their range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from livingreview.synthesis.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Constraints", "Range", "Row", "Runs", "bisect", "compatible_runs", "expand"]

Row = tuple[int, int, int, int, int]
# (n, n_diseased, tp, lowest tn, highest tn) -> (lowest tn, highest tn); highest < lowest where there is none.
Narrowing = Callable[[IntArray, IntArray, IntArray, IntArray, IntArray], tuple[IntArray, IntArray]]

# No cell is negative: columns 1, n, n_diseased, tp, tn.
CELLS_NOT_NEGATIVE: tuple[Row, ...] = (
    (0, 0, 0, 1, 0),
    (0, 0, 1, -1, 0),
    (0, 0, 0, 0, 1),
    (0, 1, -1, 0, -1),
)
DISEASED, TP, TN = 2, 3, 4
# Elimination runs in floating point and only prunes: its ranges are widened by this much, and a coefficient
# below NOISE times the terms it is the difference of is a zero that rounding hid.
SLACK = 1e-3
NOISE = 1e-12
SMALLEST_COEFFICIENT = 1e-6
# Elements of a temporary array: large enough to be fast, small enough that a first answer comes at once.
BLOCK = 2**17
SIZES_AT_ONCE = 128


class Range(NamedTuple):
    """Lowest and highest value by total: arrays indexed by the total, highest < lowest where there is none."""

    lowest: IntArray
    highest: IntArray


@dataclass(frozen=True)
class Constraints:
    """What a table has to satisfy.

    Parameters
    ----------
    rows
        Integer coefficients (c, c_n, c_diseased, c_tp, c_tn) of the inequalities
        ``c + c_n n + c_diseased n_diseased + c_tp tp + c_tn tn ≥ 0``.
    narrowings
        Functions that narrow the range of tn where a linear inequality cannot.
    allowed_tp, allowed_tn
        Range of tp by n_diseased, and of tn by n_nondiseased.
    """

    rows: tuple[Row, ...]
    narrowings: tuple[Narrowing, ...] = ()
    allowed_tp: Range | None = None
    allowed_tn: Range | None = None


class Runs(NamedTuple):
    """Tables that differ in tn alone: (r,) arrays, ``tn_lowest ≤ tn_highest`` everywhere."""

    n: IntArray
    n_diseased: IntArray
    tp: IntArray
    tn_lowest: IntArray
    tn_highest: IntArray


def compatible_runs(constraints: Constraints, lowest_n: int, highest_n: int) -> Iterator[Runs]:
    """Yield every table with `lowest_n` ≤ n ≤ `highest_n` that satisfies the constraints and has no negative cell.

    They come in blocks that are not empty, ordered by n, n_diseased, tp and tn.
    """
    rows = (*constraints.rows, *CELLS_NOT_NEGATIVE)
    for_tp = _eliminate(np.array(rows, dtype=np.float64), TN)
    for n, diseased in _arms(constraints, for_tp, lowest_n, highest_n):
        lowest, highest = _range_of(TP, for_tp, n, diseased)
        if constraints.allowed_tp is not None:
            lowest = np.maximum(lowest, constraints.allowed_tp.lowest[diseased])
            highest = np.minimum(highest, constraints.allowed_tp.highest[diseased])
        for at, tp in _spread(lowest, highest):
            runs = _read_off_tn(rows, constraints.allowed_tn, n[at], diseased[at], tp)
            for narrowing in constraints.narrowings:
                runs = _kept(runs, *narrowing(*runs)) if len(runs.n) else runs
            if len(runs.n):
                yield runs


def expand(runs: Runs) -> IntArray:
    """Return the tables of a block, an (m, 4) int64 array of tp, fp, fn, tn."""
    lengths = runs.tn_highest - runs.tn_lowest + 1
    at = np.repeat(np.arange(len(lengths)), lengths)
    tn = runs.tn_lowest[at] + _position_within(lengths)
    n, diseased, tp = runs.n[at], runs.n_diseased[at], runs.tp[at]
    return np.column_stack([tp, n - diseased - tn, diseased - tp, tn]).astype(np.int64)


def bisect(reached: Callable[[IntArray], BoolArray], lowest: IntArray, highest: IntArray) -> IntArray:
    """Return, element by element, the smallest integer at which `reached` holds.

    Parameters
    ----------
    reached
        Vectorised and increasing: once True, True for every larger integer. It is called with values between
        `lowest` and `highest` only.
    lowest, highest
        (r,) arrays with ``lowest ≤ highest``.

    Returns
    -------
    (r,) int64 array
        ``highest + 1`` where it holds nowhere.
    """
    below, above = lowest.copy(), highest + 1
    while np.any(open_ := below < above):
        middle = np.minimum((below + above) // 2, highest)
        holds = reached(middle)
        above = np.where(open_ & holds, middle, above)
        below = np.where(open_ & ~holds, middle + 1, below)
    return below


def _arms(
    constraints: Constraints, for_tp: FloatArray, lowest_n: int, highest_n: int
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield blocks of (n, n_diseased) that the inequalities leave possible."""
    for_diseased = _eliminate(for_tp, TP)
    for start in range(lowest_n, highest_n + 1, SIZES_AT_ONCE):
        sizes = np.arange(start, min(start + SIZES_AT_ONCE, highest_n + 1))
        for at, every_diseased in _spread(*_range_of(DISEASED, for_diseased, sizes)):
            some = _allowed(constraints, sizes[at], every_diseased)
            n, diseased = sizes[at][some], every_diseased[some]
            block = max(1, BLOCK // len(for_tp))
            for first in range(0, len(n), block):
                yield n[first : first + block], diseased[first : first + block]


def _allowed(constraints: Constraints, n: IntArray, diseased: IntArray) -> BoolArray:
    """Return which (n, n_diseased) have any tp and any tn in the allowed ranges."""
    allowed = np.ones(len(n), dtype=np.bool_)
    for ranges, total in ((constraints.allowed_tp, diseased), (constraints.allowed_tn, n - diseased)):
        if ranges is not None:
            allowed &= (ranges.lowest <= ranges.highest)[total]
    return allowed


def _eliminate(rows: FloatArray, column: int) -> FloatArray:
    """Return the inequalities that follow from `rows` without the variable of `column`."""
    positive, negative = rows[rows[:, column] > 0], rows[rows[:, column] < 0]
    first = positive[:, None, :] * -negative[None, :, column, None]
    second = negative[None, :, :] * positive[:, None, column, None]
    combined = first + second
    combined[np.abs(combined) <= NOISE * (np.abs(first) + np.abs(second))] = 0.0
    result = np.concatenate([rows[rows[:, column] == 0], combined.reshape(-1, rows.shape[1])])
    result[:, column] = 0.0
    scale = np.abs(result[:, 1:]).max(axis=1)
    return np.unique(result / np.where(scale > 0, scale, 1.0)[:, None], axis=0)


def _range_of(column: int, rows: FloatArray, *known: IntArray) -> tuple[IntArray, IntArray]:
    """Return the range of one variable, given those to its left; possibly too wide, never too narrow."""
    left = np.column_stack([np.ones(len(known[0])), *known]).astype(np.float64)
    coefficient = rows[:, column]
    rest = left @ rows[:, :column].T
    lower, upper = coefficient > SMALLEST_COEFFICIENT, coefficient < -SMALLEST_COEFFICIENT
    lowest = np.ceil((-rest[:, lower] / coefficient[lower]).max(axis=1) - SLACK)
    highest = np.floor((-rest[:, upper] / coefficient[upper]).min(axis=1) + SLACK)
    impossible = (rest[:, coefficient == 0] < -SLACK).any(axis=1)
    highest = np.where(impossible, lowest - 1, highest)
    return lowest.astype(np.int64), highest.astype(np.int64)


def _read_off_tn(rows: Sequence[Row], allowed: Range | None, n: IntArray, diseased: IntArray, tp: IntArray) -> Runs:
    """Return the exact range of tn for each (n, n_diseased, tp), in integer arithmetic."""
    lowest, highest = np.zeros_like(n), n - diseased
    if allowed is not None:
        lowest, highest = allowed.lowest[highest], allowed.highest[highest]
    for constant, c_n, c_diseased, c_tp, c_tn in rows:
        rest = constant + c_n * n + c_diseased * diseased + c_tp * tp
        if c_tn > 0:
            np.maximum(lowest, -(rest // c_tn), out=lowest)
        elif c_tn < 0:
            np.minimum(highest, rest // -c_tn, out=highest)
        else:
            highest[rest < 0] = -1
    return _kept(Runs(n, diseased, tp, lowest, highest), lowest, highest)


def _kept(runs: Runs, lowest: IntArray, highest: IntArray) -> Runs:
    some = lowest <= highest
    return Runs(runs.n[some], runs.n_diseased[some], runs.tp[some], lowest[some], highest[some])


def _spread(lowest: IntArray, highest: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield blocks of (index, value) for every integer value of each range, in order."""
    lengths = np.maximum(highest - lowest + 1, 0)
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        done = ends[start - 1] if start else 0
        # At least one range, so that a range longer than a block still gets through.
        stop = max(int(np.searchsorted(ends, done + BLOCK, side="right")), start + 1)
        at = np.repeat(np.arange(start, stop), lengths[start:stop])
        if len(at):
            yield at, lowest[at] + _position_within(lengths[start:stop])
        start = stop


def _position_within(lengths: IntArray) -> IntArray:
    """Return 0 … length − 1 for each length, one after another."""
    total = int(lengths.sum())
    return np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
