"""A number as it was printed, and the exact values that it can stand for.

Examples
--------
>>> Printed.parse("95.2 %")
Printed('95.2 %')
>>> values_behind(Printed.parse("0.94"), "half-up")
Bounds(lower=Fraction(187, 200), upper=Fraction(189, 200), includes_lower=True, includes_upper=False)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from livingreview.errors import DataError, Fault

__all__ = ["ROUNDINGS", "Bounds", "Printed", "Rounding", "values_behind"]

Rounding = Literal["half-up", "half-even", "truncation"]
ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)

# Beyond this the integer arithmetic of the enumeration would need more than 64 bits, and nobody prints it.
MOST_DECIMALS = 8
# Journals set the decimal sign as a point, a raised point or a comma, and the minus as a hyphen or U+2212.
NUMBER = re.compile(r"(?P<sign>[-−+]?)(?P<whole>\d*)(?:[.,·](?P<decimals>\d+))?\s*(?P<percent>%?)", re.ASCII)


@dataclass(frozen=True, repr=False)
class Printed:
    """A proportion or a correlation as a report prints it.

    Parameters
    ----------
    text
        What was printed.
    value
        The value that the text says, as a proportion: 0.94 for both ``"0.94"`` and ``"94 %"``.
    decimals
        Number of digits printed after the decimal sign.
    percent
        Whether it was printed as a percentage.
    """

    text: str
    value: Fraction
    decimals: int
    percent: bool

    @classmethod
    def parse(cls, text: str) -> Printed:
        """Read a printed number; the zeros at its end count.

        Parameters
        ----------
        text
            Such as ``"0.94"``, ``"94 %"``, ``"95.24%"``, ``"1.0"`` or ``"-0.12"``. A bare number above 1,
            such as ``"95"``, is a percentage.

        Raises
        ------
        DataError
            If `text` is not text (a float has lost its decimals: 0.9 and 0.90 are printed differently), is
            not one number, has more than eight decimals, or lies outside −1 to 1 (−100 to 100 %).
        """
        if not isinstance(text, str):
            raise _refused(f"expected the number as text, found {text!r}", 'quote it as printed, e.g. "0.90"')
        match = NUMBER.fullmatch(text.strip())
        if match is None or not (match["whole"] or match["decimals"]):
            raise _refused(f"expected one printed number, found {text!r}", 'write it as "0.94" or "94 %"')
        decimals = match["decimals"] or ""
        if len(decimals) > MOST_DECIMALS:
            raise _refused(f"expected at most {MOST_DECIMALS} decimals, found {text!r}", "copy what is printed")
        value = Fraction(int(match["whole"] + decimals), 10 ** len(decimals))
        percent = bool(match["percent"]) or value > 1
        value = value / 100 if percent else value
        if value > 1:
            raise _refused(f"expected a value up to 1 or 100 %, found {text!r}", "copy what is printed")
        negative = match["sign"] in ("-", "−")
        return cls(text.strip(), -value if negative else value, len(decimals), percent)

    @property
    def unit(self) -> Fraction:
        """One unit of the last printed digit, as a proportion."""
        return Fraction(1, 10 ** (self.decimals + 2 * self.percent))

    def __str__(self) -> str:
        return self.text if "%" in self.text or not self.percent else f"{self.text} %"

    def __repr__(self) -> str:
        return f"Printed({str(self)!r})"


@dataclass(frozen=True)
class Bounds:
    """An interval of exact values: its ends, as proportions, and whether they belong to it."""

    lower: Fraction
    upper: Fraction
    includes_lower: bool
    includes_upper: bool

    def contains(self, value: Fraction) -> bool:
        """Return whether `value` lies in the interval."""
        above = value > self.lower or (self.includes_lower and value == self.lower)
        below = value < self.upper or (self.includes_upper and value == self.upper)
        return above and below


def values_behind(printed: Printed, rounding: Rounding) -> Bounds:
    """Return the exact values that a rounding convention prints as `printed`, its ends in or out as it decides ties.

    With ``"half-up"`` ties go away from zero, with ``"half-even"`` to the even digit (as R, Python and NumPy do);
    with ``"truncation"`` digits are cut off.
    """
    value, unit = printed.value, printed.unit
    if rounding == "truncation":
        if value == 0:
            return Bounds(-unit, unit, includes_lower=False, includes_upper=False)
        toward_zero, away = value, value + (unit if value > 0 else -unit)
        ends = (toward_zero, away) if value > 0 else (away, toward_zero)
        return Bounds(*ends, includes_lower=value > 0, includes_upper=value < 0)
    lower, upper = value - unit / 2, value + unit / 2
    if rounding == "half-even":
        even = (value / unit) % 2 == 0
        return Bounds(lower, upper, includes_lower=even, includes_upper=even)
    return Bounds(lower, upper, includes_lower=value > 0, includes_upper=value < 0)


def _refused(problem: str, remedy: str) -> DataError:
    return DataError([Fault("", 0, "", problem, remedy, "RECONSTRUCTION-001")])
