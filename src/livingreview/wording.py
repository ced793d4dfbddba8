"""Numbers as the review writes them: one place decides decimals, signs and the word "to" of an interval.

>>> from livingreview.synthesis.intervals import Interval
>>> with_interval(Interval(0.9412, 0.8833, 0.9710, 0.95))
'94.1 % (95 % CI 88.3 to 97.1)'
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Protocol

__all__ = [
    "DIVIDER",
    "FORMULA",
    "OWN_NAME",
    "UNVERIFIED",
    "cell",
    "csv_text",
    "day",
    "decimal",
    "in_markdown",
    "in_words",
    "listing",
    "mark_explained",
    "p_value",
    "percent",
    "plural",
    "together",
    "with_interval",
]

#: Stands between several values in one cell of a CSV file.
DIVIDER = " | "
#: A spreadsheet takes a cell that begins so for a formula (full-width signs too, in some); the apostrophe is our mark.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
#: Follows the name of a study whose extraction no person has signed.
UNVERIFIED = "°"
#: How the name is written that this review gives a study whose authors were not seen.
OWN_NAME = "“{}”"
# Punctuation can be markup in Markdown; a word joiner after @ and # keeps a forge from making mentions and references.
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_REFERENCE = re.compile(r"([@#])")
# After a year, a letter or a name of our own, so that an angle or a temperature is not taken for it.
_MARKED = re.compile(rf"(\d{{4}}|[^\W\d_]|{OWN_NAME[-1]}|\([a-z]+\)){UNVERIFIED}(?!\w)")
# Where somebody has signed the extraction, an author was seen: such a name always bears the mark, too.
_OWN_NAME = re.compile(rf"{OWN_NAME.format('[a-z0-9_]+…?')}( \d{{4}}[a-z]*| \([a-z]+\))?{UNVERIFIED}")
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class HasInterval(Protocol):
    """An estimate with its limits."""

    @property
    def estimate(self) -> float:
        """Point estimate."""

    @property
    def lower(self) -> float:
        """Lower limit."""

    @property
    def upper(self) -> float:
        """Upper limit."""

    @property
    def level(self) -> float:
        """Coverage, e.g. 0.95."""


def decimal(value: float, decimals: int = 2) -> str:
    """Write a number with fixed decimals and a true minus sign; an infinite or undefined one in words.

    >>> decimal(-0.125, 2)
    '−0.12'
    """
    if math.isnan(value):
        return "not defined"
    if math.isinf(value):
        return "infinite" if value > 0 else "−infinite"
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def percent(proportion: float, decimals: int = 1) -> str:
    """Write a proportion as a percentage.

    >>> percent(0.9412)
    '94.1 %'
    """
    return f"{decimal(100 * proportion, decimals)} %"


def with_interval(interval: HasInterval, *, decimals: int = 1, scale: str = "percent") -> str:
    """Write an estimate with its interval.

    Parameters
    ----------
    interval
        Estimate and limits.
    decimals
        Decimals of all three numbers.
    scale
        ``"percent"`` for proportions, ``"plain"`` for ratios, distances and differences.
    """
    factor, unit = (100, " %") if scale == "percent" else (1, "")
    estimate, lower, upper = (
        decimal(factor * value, decimals) for value in (interval.estimate, interval.lower, interval.upper)
    )
    return f"{estimate}{unit} ({100 * interval.level:g} % CI {lower} to {upper})"


def p_value(p: float) -> str:
    """Write a P value the way journals do.

    >>> p_value(0.00004), p_value(0.1664)
    ('P < 0.001', 'P = 0.166')
    """
    return "P < 0.001" if p < 0.001 else f"P = {p:.3f}"


def in_words(count: int) -> str:
    """Write a count, a small one in words.

    >>> in_words(3), in_words(1510)
    ('three', '1,510')
    """
    return WORDS[count] if 0 <= count < len(WORDS) else f"{count:,}"


def plural(count: int, noun: str, plural_noun: str | None = None) -> str:
    """Write a count with its noun; small counts in words.

    >>> plural(1, "study", "studies"), plural(62, "study", "studies")
    ('one study', '62 studies')
    """
    return f"{in_words(count)} {noun if count == 1 else plural_noun or noun + 's'}"


def listing(items: Sequence[str]) -> str:
    """Write names as a list in a sentence.

    >>> listing(["A", "B", "C"])
    'A, B and C'
    """
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else "".join(items)


def day(when: date) -> str:
    """Write a date without ambiguity.

    >>> day(date(2025, 7, 31))
    '31 July 2025'
    """
    return f"{when.day} {when:%B %Y}"


def in_markdown(text: str) -> str:
    r"""Return text from outside as one line that Markdown shows as it is.

    >>> in_markdown("<b>|@you")
    '\\<b\\>\\|\\@\u2060you'
    """
    return _REFERENCE.sub("\\1\u2060", _PUNCTUATION.sub(r"\\\1", " ".join(text.split())))


def together(text: str) -> str:
    """Return text in which no line ends between a number and its percent sign.

    >>> together("94.1 % (95 % CI)") == "94.1\N{NO-BREAK SPACE}% (95\N{NO-BREAK SPACE}% CI)"
    True
    """
    return re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", text)


def mark_explained(shown: str) -> str:
    """Return what explains the mark of unverified extractions and the names that are this review's own, where used.

    >>> mark_explained("Righetti 2024°")
    '° No person has verified the extraction.'
    >>> mark_explained("“lvar” 2026°")
    "° No person has verified the extraction. “…” The authors were not seen: the name is this review's own."
    >>> mark_explained("flip angle 30°")
    ''
    """
    notes = (
        (_MARKED, f"{UNVERIFIED} No person has verified the extraction."),
        (_OWN_NAME, f"{OWN_NAME.format('…')} The authors were not seen: the name is this review's own."),
    )
    return " ".join(note for found, note in notes if found.search(shown))


def cell(value: Any) -> str:
    """Return a value as a CSV cell; a text that a spreadsheet could take for a formula gets an apostrophe before it.

    The way back is exact: of a text that begins with an apostrophe, take the first one off. Numbers stay numbers.

    >>> cell("=1+1"), cell("'tis"), cell(-0.5), cell(None)
    ("'=1+1", "''tis", '-0.5', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:.12g}"
    if isinstance(value, date):
        return value.isoformat()
    text = DIVIDER.join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_text(rows: Iterable[Iterable[Any]], end: str = "\n") -> str:
    r"""Write rows of cells as CSV; `end` ends every row.

    >>> csv_text([("a", "b"), (1, "x, y")])
    'a,b\n1,"x, y"\n'
    """
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=end).writerows(rows)
    return stream.getvalue()
