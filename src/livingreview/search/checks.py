"""What `livingreview check` says of the search: terms that would not be searched as meant, and faults of the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from livingreview.errors import DataError, Fault, SearchError
from livingreview.review.model import Strategy, Term
from livingreview.review.reading import Document, read_record
from livingreview.search.ledger import Ledger
from livingreview.search.strategy import SYNTAXES, concept_query, limits

__all__ = ["search_faults"]


def search_faults(root: Path) -> list[Fault]:
    """Return the faults of strategy and ledger in the data folder that the files' schemas do not see."""
    ledger = Ledger(root / "search", root)
    faults = ledger.faults() if ledger.records_path.is_file() else []
    try:
        strategy, document = read_record(root / "search" / "strategy.yaml", root, Strategy)
        return [*faults, *strategy_faults(strategy, document)]
    except DataError:
        # The check of the file itself says what is wrong with it.
        return faults


# Services that are searched without a query language of their own.
WITHOUT_SYNTAX = frozenset({"Crossref"})

# What a person who knows one database's language may write into a term, and the way out. A term is words: all of this
# is left out of the query, which then is another one than was meant. T2* stays a word, as no one truncates after a
# digit; so does a single letter with an asterisk.
_WRITTEN = (
    (re.compile(r"\[[A-Za-z/ -]+\]|:(?:ti|ab|kw|de|exp)\b|\b(?:TITLE-ABS-KEY|TS|TI|AB)\s*[=(]|\.(?:ti|ab|kf|mp|tw)\b"),
     "the field tag of one database", "write the words alone, every database gets its own tags", "STRATEGY-001"),
    (re.compile(r"(?<=[a-z]{3})[*$?#]+(?=\s|$|[\"”])"),
     "a truncation sign, which is not searched", "leave it out and set truncated: true", "STRATEGY-002"),
    (re.compile(r"(?<=\s)(?:AND|OR|NOT|NEAR|ADJ\d*|NEXT|W/\d+|NEAR/\d+)(?=\s)"),
     "an operator, which is searched as a word", "write one term per entry; terms are joined by OR", "STRATEGY-003"),
)  # fmt: skip
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"))


def strategy_faults(strategy: Strategy, document: Document) -> list[Fault]:
    """Return every fault of a strategy that its schema does not see; the document it was read from knows the lines.

    In a term: a quote or bracket without its partner, a field tag, a truncation sign, an operator; each is shown
    in the term with ``^`` before it. For a database: whatever keeps it from being searched.
    """
    faults: list[Fault] = []
    for number, concept in enumerate(strategy.concepts):
        for place, term in enumerate(concept.terms):
            where = ("concepts", number, "terms", place, "text")
            for position, problem, remedy, code in _in_term(term):
                marked = f"{term.text[:position]}^{term.text[position:]}"
                faults.append(document.fault(where, f"{problem}: {marked}", remedy, code))
            for name in term.databases or ():
                if name not in SYNTAXES and name not in WITHOUT_SYNTAX:
                    known = f"known are {', '.join(SYNTAXES)}"
                    faults.append(
                        document.fault((*where[:-1], "databases"), f"no database {name!r}", known, "STRATEGY-006")
                    )
    for place, database in enumerate(strategy.databases):
        faults += _of_database(strategy, database, document, place)
    return faults


def _in_term(term: Term) -> Iterator[tuple[int, str, str, str]]:
    text = term.text
    if text.count('"') % 2:
        yield text.rindex('"'), "a quote without its partner", "leave quotes out, phrases get them", "STRATEGY-004"
    for opening, closing in _PAIRS:
        position = _unpaired(text, opening, closing)
        if position is not None:
            yield position, f"{text[position]} without its partner", "leave it out, or close it", "STRATEGY-004"
    if term.heading:
        return
    for pattern, problem, remedy, code in _WRITTEN:
        for match in pattern.finditer(text):
            yield match.start(), problem, remedy, code


def _unpaired(text: str, opening: str, closing: str) -> int | None:
    open_at: list[int] = []
    for position, character in enumerate(text):
        if character == opening:
            open_at.append(position)
        elif character == closing:
            if not open_at:
                return position
            open_at.pop()
    return open_at[-1] if open_at else None


def _of_database(strategy: Strategy, database: str, document: Document, place: int) -> Iterator[Fault]:
    if database in WITHOUT_SYNTAX:
        return
    if database not in SYNTAXES:
        problem = f"no query syntax for {database!r}"
        yield document.fault(("databases", place), problem, f"known are {', '.join(SYNTAXES)}", "STRATEGY-006")
        return
    parts: list[tuple[tuple[str | int, ...], Callable[[], object]]] = [
        (("concepts", number), partial(concept_query, concept, database))
        for number, concept in enumerate(strategy.concepts)
    ]
    parts.append((("from_year",), partial(limits, strategy, database)))
    for where, written in parts:
        try:
            written()
        except SearchError as error:
            problem, _, remedy = str(error).partition("; ")
            yield document.fault(where, f"for {database}: {problem}", remedy, "STRATEGY-005")
