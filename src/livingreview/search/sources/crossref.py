"""Crossref, which has no Boolean search: asked for one concept, filtered by the whole strategy here.

Every record that the strategy matches has a word of each concept. The service is asked for the concept with the fewest
words, and what it gives is kept where title, abstract or keywords match all of them.

References
----------
Crossref REST API, https://api.crossref.org/swagger-ui/index.html

"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from livingreview.errors import SearchError
from livingreview.review.model import Concept, Strategy, Term
from livingreview.search.formats.blocks import plain
from livingreview.search.normalise import fold
from livingreview.search.records import Record, find_arxiv
from livingreview.search.sources.base import Found, JsonSource, Page, Query, Resume, by_cursor, dig, list_at, text_at

__all__ = ["Crossref", "matches"]

PAGE = 1_000
FIELDS = (
    "DOI,title,subtitle,author,issued,container-title,volume,issue,page,article-number,ISSN,abstract,subject,language,"
    "type,URL"
)


class Crossref(JsonSource):
    """Crossref; a contact puts requests into the polite pool."""

    database = "Crossref"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the matching records registered in the query's window; see :class:`~.base.Source`.

        Raises
        ------
        SearchError
            The query has no window: there are millions of records with a word of it.
        """
        if query.since is None:
            raise SearchError("Crossref has no Boolean search and cannot be searched in full; give --since")
        words = min((_free_words(concept, self.database) for concept in query.strategy.concepts), key=len)
        window = f"from-created-date:{query.since},until-created-date:{query.until}"
        parameters: dict[str, str | int] = {
            "query.bibliographic": " ".join(words),
            "filter": f"{window},type:journal-article,type:posted-content",
            "select": FIELDS,
            "rows": PAGE,
        }
        if self.contact:
            parameters["mailto"] = self.contact

        def fetch(cursor: str) -> Page:
            message = dig(self.service.json("works", {**parameters, "cursor": cursor}), "message")
            items = dig(message, "items") or []
            found = self.records(items)
            kept = tuple(record for record in found if matches(query.strategy, record, self.database))
            following = text_at(message, "next-cursor") if items else ""
            return Page(kept, int(dig(message, "total-results") or 0), following, len(found) - len(kept))

        yield from by_cursor(fetch, resume)

    def look_up(self, doi: str) -> Found:
        """Return the work of a DOI.

        Raises
        ------
        SearchError
            :class:`~.http.Absent` where Crossref has no such DOI; otherwise no usable answer came.
        """
        path = f"works/{quote(doi, safe='')}"
        message = dig(self.service.json(path, {"mailto": self.contact} if self.contact else {}), "message")
        if not isinstance(message, dict) or text_at(message, "DOI").lower() != doi.lower():
            raise SearchError(f"{self.database} answered with {text_at(message, 'DOI')[:80] or 'nothing'} for {doi}")
        notices = {
            field: tuple(f"{text_at(item, 'type')} {text_at(item, 'DOI')}" for item in list_at(message, field))
            for field in ("update-to", "updated-by")
        }
        page = f"https://api.crossref.org/works/{quote(doi, safe='/')}"
        return Found(self.record(message), "the record at Crossref", page, notices["update-to"], notices["updated-by"])

    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of a work."""
        doi, year = text_at(item, "DOI").lower(), dig(item, "issued", "date-parts", 0, 0)
        return {
            "title": ": ".join(part for part in (text_at(item, "title", 0), text_at(item, "subtitle", 0)) if part),
            "authors": tuple(_authors(item)),
            "year": year if isinstance(year, int) else None,
            "journal": plain(text_at(item, "container-title", 0)),
            "volume": text_at(item, "volume"),
            "issue": text_at(item, "issue"),
            "pages": text_at(item, "page") or text_at(item, "article-number"),
            "doi": doi,
            "arxiv": find_arxiv(doi),
            "accession": doi,
            "issn": text_at(item, "ISSN", 0),
            "abstract": text_at(item, "abstract"),
            "keywords": "; ".join(str(subject) for subject in list_at(item, "subject")),
            "language": text_at(item, "language"),
            "kind": text_at(item, "type"),
            "url": text_at(item, "URL"),
        }


def _authors(item: Mapping[str, Any]) -> Iterator[str]:
    for author in list_at(item, "author"):
        name = ", ".join(part for part in (text_at(author, "family"), text_at(author, "given")) if part)
        yield name or text_at(author, "name")


def _free_words(concept: Concept, database: str) -> list[str]:
    """Return the distinct words of a concept's free-text terms, in order."""
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
