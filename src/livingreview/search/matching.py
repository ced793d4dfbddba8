"""Match a record against the strategy here, for services that have no Boolean search."""

from __future__ import annotations

import re
from functools import lru_cache

from livingreview.model import Concept, Strategy, Term
from livingreview.search.records import Record
from livingreview.search.titles import fold

__all__ = ["free_words", "matches"]


def free_words(concept: Concept, database: str) -> list[str]:
    """Return the distinct words of a concept's free-text terms, in order.

    Examples
    --------
    >>> free_words(Concept(name="modality", terms=[Term(text="MRI"), Term(text="magnetic resonance")]), "Crossref")
    ['mri', 'magnetic', 'resonance']
    """
    return list(dict.fromkeys(word for term in _terms(concept, database) for word in fold(term.text).split()))


def matches(strategy: Strategy, record: Record, database: str) -> bool:
    """Return whether title, abstract or keywords hold a term of every concept, and the year is not another one.

    Parameters
    ----------
    strategy
        The review's strategy. Headings are left out, and so is the language, which such services rarely know.
    record
        The record; one without a year passes.
    database
        Name of the database, for terms that are meant for some only.
    """
    if record.year is not None and not strategy.from_year <= record.year <= strategy.to_year:
        return False
    text = f" {fold(' . '.join((record.title, record.abstract, record.keywords)))} "
    return all(
        any(_pattern(term.text, truncated=term.truncated).search(text) for term in _terms(concept, database))
        for concept in strategy.concepts
    )


def _terms(concept: Concept, database: str) -> list[Term]:
    return [term for term in concept.terms if not term.heading and (not term.databases or database in term.databases)]


@lru_cache(maxsize=1024)
def _pattern(text: str, *, truncated: bool) -> re.Pattern[str]:
    return re.compile(rf" {re.escape(fold(text))}{'' if truncated else ' '}")
