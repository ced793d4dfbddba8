"""One checkable statement of the base review, and the comparison that gives its verdict.

A verdict is always the result of a comparison, never an opinion:

``agrees``
    what was recomputed gives, rounded, exactly what is printed;
``agrees within rounding``
    it does so only when digits were cut instead of rounded, or within what the rounding of the printed figures allows;
``cannot be derived``
    what is printed does not suffice to recompute the statement, or does not single out one answer;
``contradicts``
    no rounding reconciles the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args

import pandas as pd

__all__ = [
    "TOPICS",
    "VERDICTS",
    "Link",
    "Statement",
    "Topic",
    "Verdict",
    "audit_table",
    "compare",
    "is_cut",
    "rounds_to",
    "span",
    "verdict_counts",
    "worst",
]

Verdict = Literal["agrees", "agrees within rounding", "cannot be derived", "contradicts"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Topic = Literal[
    "study selection", "characteristics", "quality", "segmentation metrics", "diagnostic metrics", "pooled estimates",
    "rows of the accuracy table", "primary studies", "public datasets",
]  # fmt: skip
TOPICS: tuple[Topic, ...] = get_args(Topic)
Link: TypeAlias = tuple[str, str]

# Far below any printed digit, far above what sums of floats lose.
SLACK = 1e-9


@dataclass(frozen=True)
class Statement:
    """One statement, recomputed.

    Parameters
    ----------
    id
        Stable name.
    topic
        Part of the base review it belongs to.
    statement
        What the base review says, in this review's words.
    printed, recomputed
        The figures compared, as text.
    verdict
        Result of the comparison.
    explanation
        One line: why.
    sources
        (label, address) of every source, the base review's place first; the address is empty where the source has no
        identifier that was seen.
    """

    id: str
    topic: Topic
    statement: str
    printed: str
    recomputed: str
    verdict: Verdict
    explanation: str
    sources: tuple[Link, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self) | {"sources": [{"label": label, "link": link} for label, link in self.sources]}


def span(printed: str) -> tuple[float, float]:
    """Return the lowest and highest value that rounds to a printed number.

    >>> span("0.94")
    (0.935, 0.945)
    """
    value = Decimal(printed)
    half = _unit(value) / 2
    return float(value - half), float(value + half)


def rounds_to(printed: str, value: float) -> bool:
    """Return whether a value, rounded to the printed decimals, is the printed number; a tie may go either way.

    >>> rounds_to("0.93", 0.936), rounds_to("8.99", 8.9933)
    (False, True)
    """
    low, high = span(printed)
    return low - SLACK <= value <= high + SLACK


def is_cut(printed: str, value: float) -> bool:
    """Return whether a value, cut (not rounded) after the printed decimals, is the printed number.

    >>> is_cut("0.93", 0.936), is_cut("0.93", 0.94)
    (True, False)
    """
    low = float(printed)
    return low - SLACK <= value < low + float(_unit(Decimal(printed))) - SLACK


def compare(printed: str, value: float, low: float | None = None, high: float | None = None) -> Verdict:
    """Compare a printed number with its recomputed value.

    Parameters
    ----------
    printed
        The number as printed: its decimals say how far it was rounded.
    value
        Recomputed from the printed figures as they stand.
    low, high
        Range of the recomputed value when the figures behind it are moved within their own rounding; by default
        the value alone.

    Examples
    --------
    >>> compare("8.99", 8.9933), compare("0.93", 0.936), compare("6.45", 6.18)
    ('agrees', 'agrees within rounding', 'contradicts')
    """
    if rounds_to(printed, value):
        return "agrees"
    bottom, top = span(printed)
    reachable = (value if low is None else low) <= top and (value if high is None else high) >= bottom
    return "agrees within rounding" if reachable or is_cut(printed, value) else "contradicts"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the least favourable of several verdicts.

    >>> worst(["agrees", "contradicts", "cannot be derived"])
    'contradicts'
    """
    return max(verdicts, key=VERDICTS.index)


def verdict_counts(statements: Sequence[Statement]) -> dict[Verdict, int]:
    """Return the number of statements per verdict, in the order of :data:`VERDICTS`; zeros are kept."""
    return {verdict: sum(item.verdict == verdict for item in statements) for verdict in VERDICTS}


def audit_table(statements: Sequence[Statement]) -> pd.DataFrame:
    """Return the statements as a reader sees them, one row each; sources are lists of addresses."""
    rows = [
        {
            "Statement of the base review": item.statement,
            "Verdict": item.verdict,
            "Printed": item.printed,
            "Recomputed": item.recomputed,
            "Explanation": item.explanation,
            "Topic": item.topic,
            "Where": "; ".join(label for label, _ in item.sources),
            "Sources": list(dict.fromkeys(link for _, link in item.sources if link)),
        }
        for item in statements
    ]
    return pd.DataFrame(rows)


def _unit(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"expected a finite number as it was printed, found {value}")
    return Decimal(1).scaleb(min(exponent, 0))
