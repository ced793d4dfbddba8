"""What a ranking looks like: a table for people, for a pull request, or for a program."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Final

from livingreview.errors import TooFewStudies
from livingreview.screening.ledger import Decision
from livingreview.screening.library import Found, Library
from livingreview.screening.ranking import Ranked, text_of

__all__ = ["backtest_line", "ranking_table"]

_COLUMNS: Final = ("rank", "record", "title", "journal", "year", "source", "score", "why")
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]<>#|@!~])")


def ranking_table(queue: Sequence[Found], ranking: Sequence[Ranked], form: str, top: int) -> str:
    """Return the records that wait, in order of rank.

    Parameters
    ----------
    queue
        The records.
    ranking
        Their places; empty where nothing could be learned: then they stand in the order found, without a rank.
    form
        ``"text"``, ``"markdown"`` (what a record says is escaped) or ``"csv"``.
    top
        How many to show.
    """
    found = {item.record: item for item in queue}
    rows: list[tuple[str, ...]]
    if ranking:
        rows = [_cells(found[item.record], item) for item in ranking[:top]]
    else:
        rows = [_cells(item, None) for item in queue[:top]]
    if form == "csv":
        stream = io.StringIO(newline="")
        csv.writer(stream, lineterminator="\n").writerows([_COLUMNS, *rows])
        return stream.getvalue().rstrip("\n")
    left_out = len(queue) - len(rows)
    if form == "markdown":
        lines = ["| Rank | Title | Journal | Year | Source | Why |", "| ---: | --- | --- | --- | --- | --- |"]
        lines += [
            "| " + " | ".join(_escape(cell) for cell in (place, title, journal, year, source, why)) + " |"
            for place, _, title, journal, year, source, _, why in rows
        ]
    else:
        lines = [
            f"{place or '–':>4}  {title or '(no title)'} ({', '.join(part for part in (journal, year) if part)})"
            f"\n      {record}" + (f" · {why}" if why else "")
            for place, record, title, journal, year, _, _, why in rows
        ]
    if left_out:
        lines += ["", f"and {left_out} more"]
    return "\n".join(lines) if rows else "No record is waiting."


def backtest_line(library: Library, decisions: Sequence[Decision]) -> str:
    """Return what the ranking would have saved so far, or why that cannot be said."""
    from livingreview.screening.backtest import backtest

    outcomes = library.outcomes(decisions)
    try:
        found = backtest(
            [text_of(library.found[record].details) for record in outcomes],
            [kept for kept, _ in outcomes.values()],
            [day for _, day in outcomes.values()],
        )
    except TooFewStudies as error:
        return f"No back-test: {error}."
    return str(found)


def _cells(item: Found, ranked: Ranked | None) -> tuple[str, ...]:
    record = item.details
    place, score, why = (
        ("", "", "") if ranked is None else (f"{ranked.rank}", f"{ranked.score:.4f}", ", ".join(ranked.why))
    )
    return (place, item.record, record.title, record.journal, str(record.year or ""), item.source, score, why)


def _escape(text: str) -> str:
    # A title is anybody's text: it must not become a link, a mention or a cell of its own.
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
