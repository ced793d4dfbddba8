"""From printed metrics to constraints on a 2×2 table."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Literal, get_args

import numpy as np
from scipy import special

from livingreview.reconstruction.compatible import Constraints, Narrowing, Range, Row, bisect
from livingreview.reconstruction.printed import Bounds, Printed, Rounding, values_behind
from livingreview.synthesis.arrays import BoolArray, FloatArray, IntArray
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.measures import sensitivity

__all__ = ["COUNTS", "INTERVAL_METHODS", "METRICS", "IntervalMethod", "constraints_of", "interval_range"]

IntervalMethod = Literal["wilson", "clopper_pearson", "wald"]
INTERVAL_METHODS: tuple[IntervalMethod, ...] = get_args(IntervalMethod)

# Linear forms: coefficients of 1, n, n_diseased, tp, tn.
COUNTS: dict[str, Row] = {
    "n": (0, 1, 0, 0, 0),
    "n_diseased": (0, 0, 1, 0, 0),
    "n_nondiseased": (0, 1, -1, 0, 0),
    "tp": (0, 0, 0, 1, 0),
    "fp": (0, 1, -1, 0, -1),
    "fn": (0, 0, 1, -1, 0),
    "tn": (0, 0, 0, 0, 1),
}
# Numerator and denominator of each metric that is a ratio of linear forms.
RATIOS: dict[str, tuple[Row, Row]] = {
    "sensitivity": (COUNTS["tp"], COUNTS["n_diseased"]),
    "specificity": (COUNTS["tn"], COUNTS["n_nondiseased"]),
    "accuracy": ((0, 0, 0, 1, 1), COUNTS["n"]),
    "ppv": (COUNTS["tp"], (0, 1, -1, 1, -1)),
    "npv": (COUNTS["tn"], (0, 0, 1, -1, 1)),
    "f1": ((0, 0, 0, 2, 0), (0, 1, 0, 1, -1)),
    "prevalence": (COUNTS["n_diseased"], COUNTS["n"]),
}
METRICS = (*RATIOS, "balanced_accuracy", "mcc")
# Floating point decides a comparison unless the two sides are this close; then exact integers do.
NEARLY_TIED = 1e-9
LAST_BITS = 1e-12
LEVEL = 0.95


def constraints_of(counts: Mapping[str, int], metrics: Mapping[str, Printed], rounding: Rounding) -> Constraints:
    """Return what a table satisfies when it has these counts and rounds to these metrics, by their names.

    These are linear inequalities, and narrowings for balanced accuracy and the Matthews correlation. A ratio with an
    empty denominator does not exist and was not printed; a Matthews correlation with an empty margin is 0, as common
    software prints it.
    """
    rows = [_combined(COUNTS[name], sign, constant=-sign * value) for name, value in counts.items() for sign in (1, -1)]
    bounds = {name: values_behind(printed, rounding) for name, printed in metrics.items()}
    for name, (numerator, denominator) in RATIOS.items():
        if name in bounds:
            rows += _ratio_within(numerator, denominator, bounds[name])
    narrowings: list[Narrowing] = []
    if "balanced_accuracy" in bounds:
        rows += _implied_by_balanced_accuracy(bounds)
        narrowings.append(_narrowing(bounds["balanced_accuracy"], _balanced_accuracy_reaches))
    if "mcc" in bounds:
        rows += _implied_by_mcc(bounds["mcc"])
        narrowings.append(_narrowing(bounds["mcc"], _mcc_reaches))
    return Constraints(tuple(rows), tuple(narrowings))


def interval_range(
    limits: tuple[Printed, Printed],
    method: IntervalMethod,
    rounding: Rounding,
    highest_total: int,
) -> Range:
    """Return the successes, by total, of which `method` makes the printed 95 % interval of a proportion.

    Parameters
    ----------
    limits
        The printed ends.
    method
        ``"wilson"``, ``"clopper_pearson"`` or ``"wald"`` (normal approximation, cut at 0 and 1).
    rounding
        How the report rounded.
    highest_total
        Largest total.

    Returns
    -------
    Range
        Fewest and most successes for each total from 0 to `highest_total`.
    """
    total = np.arange(highest_total + 1)
    fewest, most = np.zeros_like(total), total.copy()
    # Both limits of all three methods increase with the number of successes.
    for which, printed in enumerate(limits):
        bounds = values_behind(printed, rounding)

        def beyond(successes: IntArray, bound: float, which: int = which) -> BoolArray:
            result: BoolArray = _limits_of(successes, np.maximum(total, 1), method)[which] > bound
            return result

        # These limits are irrational but for exceptions, so that a tie is a matter of the last bits.
        below, above = float(bounds.lower) - LAST_BITS, float(bounds.upper) + LAST_BITS
        fewest = np.maximum(fewest, bisect(partial(beyond, bound=below), np.zeros_like(total), total))
        most = np.minimum(most, bisect(partial(beyond, bound=above), np.zeros_like(total), total) - 1)
    most[0] = -1
    return Range(fewest, most)


def _ratio_within(numerator: Row, denominator: Row, bounds: Bounds) -> list[Row]:
    """Return ``bounds`` on numerator / denominator as rows; on integers, ``> 0`` is ``≥ 1``."""
    lower, upper = bounds.lower, bounds.upper
    return [
        _combined(denominator, 1, constant=-1),
        _combined(
            numerator,
            lower.denominator,
            denominator,
            -lower.numerator,
            constant=0 if bounds.includes_lower else -1,
        ),
        _combined(
            denominator,
            upper.numerator,
            numerator,
            -upper.denominator,
            constant=0 if bounds.includes_upper else -1,
        ),
    ]


def _combined(
    first: Row, times: int, second: Row = (0, 0, 0, 0, 0), times_second: int = 0, *, constant: int = 0
) -> Row:
    c, n, diseased, tp, tn = (times * a + times_second * b for a, b in zip(first, second, strict=True))
    return (c + constant, n, diseased, tp, tn)


def _implied_by_balanced_accuracy(bounds: Mapping[str, Bounds]) -> list[Row]:
    """Return linear consequences of (sensitivity + specificity) / 2: each is twice it less the other."""
    mean = bounds["balanced_accuracy"]
    anything = Bounds(Fraction(0), Fraction(1), includes_lower=True, includes_upper=True)
    rows = []
    for one, other in (("sensitivity", "specificity"), ("specificity", "sensitivity")):
        known = bounds.get(other, anything)
        lower, upper = (
            2 * mean.lower - min(known.upper, anything.upper),
            2 * mean.upper - max(known.lower, anything.lower),
        )
        rows += _ratio_within(*RATIOS[one], Bounds(lower, upper, includes_lower=True, includes_upper=True))
    return rows


def _implied_by_mcc(bounds: Bounds) -> list[Row]:
    """Return linear consequences of a positive Matthews correlation c.

    Its square is (sensitivity + specificity − 1)(ppv + npv − 1), so that each of the four is at least c².
    """
    if bounds.lower <= 0:
        return []
    # Rounded down, so that the coefficients stay small.
    square = Fraction(math.floor(bounds.lower**2 * 10**6), 10**6)
    at_least = Bounds(square, Fraction(2), includes_lower=True, includes_upper=True)
    names = ("sensitivity", "specificity", "ppv", "npv")
    return [row for name in names for row in _ratio_within(*RATIOS[name], at_least)]


# Compares an exact number with 0: operator.gt or operator.ge.
Comparison = Callable[[Fraction | int, int], bool]
# Whether a metric is above (or at, if the comparison says so) a bound, for arrays n, n_diseased, tp, tn.
Reaches = Callable[[IntArray, IntArray, IntArray, IntArray, Fraction, Comparison], BoolArray]


def _narrowing(bounds: Bounds, reaches: Reaches) -> Narrowing:
    """Return the range of tn in which a metric that increases with tn keeps within its bounds."""
    at_lower = operator.ge if bounds.includes_lower else operator.gt
    at_upper = operator.gt if bounds.includes_upper else operator.ge

    def narrow(
        n: IntArray, diseased: IntArray, tp: IntArray, lowest: IntArray, highest: IntArray
    ) -> tuple[IntArray, IntArray]:
        def from_lower(tn: IntArray) -> BoolArray:
            return reaches(n, diseased, tp, tn, bounds.lower, at_lower)

        def beyond_upper(tn: IntArray) -> BoolArray:
            return reaches(n, diseased, tp, tn, bounds.upper, at_upper)

        return bisect(from_lower, lowest, highest), bisect(beyond_upper, lowest, highest) - 1

    return narrow


def _balanced_accuracy_reaches(
    n: IntArray, diseased: IntArray, tp: IntArray, tn: IntArray, bound: Fraction, compare: Comparison
) -> BoolArray:
    value = (tp / diseased + tn / (n - diseased)) / 2
    result: BoolArray = value > float(bound)
    for i in np.flatnonzero(np.abs(value - float(bound)) < NEARLY_TIED):
        positive, negative = int(diseased[i]), int(n[i] - diseased[i])
        exact = Fraction(int(tp[i]), positive) + Fraction(int(tn[i]), negative) - 2 * bound
        result[i] = compare(exact, 0)
    return result


def _mcc_reaches(
    n: IntArray, diseased: IntArray, tp: IntArray, tn: IntArray, bound: Fraction, compare: Comparison
) -> BoolArray:
    fn, nondiseased = diseased - tp, n - diseased
    fp = nondiseased - tn
    product = 1.0 * (tp + fp) * diseased * (tn + fn) * nondiseased
    value = (1.0 * tp * tn - 1.0 * fp * fn) / np.sqrt(np.where(product > 0, product, 1.0))
    result: BoolArray = value > float(bound)
    for i in np.flatnonzero(np.abs(value - float(bound)) < NEARLY_TIED):
        a, b, c, d = (int(cell[i]) for cell in (tp, fp, fn, tn))
        # value − bound has the sign of x |x| − y |y| when value = x / √margins and bound = y / √margins.
        margins = (a + b) * (a + c) * (d + b) * (d + c) or 1
        numerator = (a * d - b * c) * bound.denominator
        exact = numerator * abs(numerator) - bound.numerator * abs(bound.numerator) * margins
        result[i] = compare(exact, 0)
    return result


def _limits_of(successes: IntArray, total: IntArray, method: IntervalMethod) -> tuple[FloatArray, FloatArray]:
    if method == "wald":
        share = successes / total
        half = float(special.ndtri((1 + LEVEL) / 2)) * np.sqrt(share * (1 - share) / total)
        return np.maximum(share - half, 0.0), np.minimum(share + half, 1.0)
    none = np.zeros_like(successes)
    labels = ("",) * len(successes)
    counts = Counts(tp=successes, fp=none, fn=total - successes, tn=none, study=labels)
    intervals = sensitivity(counts, level=LEVEL, method=method)
    return intervals.lower, intervals.upper
