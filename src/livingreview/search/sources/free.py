"""The databases that anybody may search over the network: Europe PMC, OpenAlex and Crossref.

Europe PMC is read along a cursor, preprints included. OpenAlex asks since 2026 for a (free) key to page along a cursor,
and for a paid one to filter by the day a work was added: its window looks back a year further by date of publication,
and without a key it is read by page number. Crossref has no Boolean search: it is asked for the concept with the fewest
words, as every record that the strategy matches has a word of each, and what it gives is kept where title, abstract or
keywords match all concepts.

References
----------
Europe PMC RESTful Web Service, https://europepmc.org/RestfulWebService
OpenAlex technical documentation, https://developers.openalex.org
Crossref REST API, https://api.crossref.org/swagger-ui/index.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from livingreview.errors import SearchError
from livingreview.review.model import Concept, Strategy, Term
from livingreview.search.normalise import fold
from livingreview.search.records import (
    Record,
    find_arxiv,
    find_doi,
    find_openalex,
    find_pmcid,
    find_pmid,
    full_name,
    plain,
    year_of,
)
from livingreview.search.sources.base import (
    JsonSource,
    LookedUp,
    Page,
    Query,
    Resume,
    by_cursor,
    by_position,
    dig,
    list_at,
    number_at,
    page_range,
    text_at,
    texts_at,
)
from livingreview.search.strategy import serialise

__all__ = ["Crossref", "EuropePMC", "OpenAlex"]

EUROPE_PMC_PAGE = 1_000
OPENALEX_PAGE = 100
OPENALEX_WITHOUT_KEY = 10_000
# A work may reach OpenAlex long after it was published.
OPENALEX_LOOK_BACK = timedelta(days=365)
CROSSREF_PAGE = 1_000
CROSSREF_FIELDS = (
    "DOI,title,subtitle,author,issued,container-title,volume,issue,page,article-number,ISSN,abstract,subject,language,"
    "type,URL"
)


class EuropePMC(JsonSource):
    """Europe PMC."""

    database = "Europe PMC"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records first indexed in the query's window; see :class:`~.base.Source`."""
        text = serialise(query.strategy, self.database).replace("\n", " ")
        if query.since is not None:
            text = f"({text}) AND (FIRST_IDATE:[{query.since} TO {query.until}])"

        def fetch(cursor: str) -> Page:
            # By POST, as a long strategy does not fit into an address; without the service's own synonyms.
            parameters: dict[str, str | int] = {"query": text, "format": "json", "resultType": "core"}
            parameters |= {"synonym": "false", "pageSize": EUROPE_PMC_PAGE, "cursorMark": cursor}
            content = self.service.json("searchPOST", parameters, method="POST")
            results = dig(content, "resultList", "result") or []
            following = text_at(content, "nextCursorMark")
            last = not results or following == cursor
            return Page(self.records(results), number_at(content, "hitCount") or 0, "" if last else following)

        yield from by_cursor(fetch, resume)

    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of a result."""
        doi = find_doi(text_at(item, "doi"))
        journal = dig(item, "journalInfo", "journal")
        return {
            "title": text_at(item, "title"),
            "authors": tuple(_author(author) for author in dig(item, "authorList", "author") or []),
            "year": year_of(text_at(item, "pubYear")),
            "journal": text_at(journal, "title") or text_at(item, "bookOrReportDetails", "publisher"),
            "volume": text_at(item, "journalInfo", "volume"),
            "issue": text_at(item, "journalInfo", "issue"),
            "pages": text_at(item, "pageInfo"),
            "doi": doi,
            "pmid": text_at(item, "pmid"),
            "pmcid": text_at(item, "pmcid"),
            "arxiv": find_arxiv(doi),
            "accession": f"{text_at(item, 'source')}:{text_at(item, 'id')}",
            "issn": text_at(journal, "issn") or text_at(journal, "essn"),
            "abstract": text_at(item, "abstractText"),
            "keywords": "; ".join(dig(item, "keywordList", "keyword") or []),
            "language": text_at(item, "language"),
            "kind": "; ".join(dig(item, "pubTypeList", "pubType") or []),
        }


def _author(author: Any) -> str:
    name = full_name(text_at(author, "lastName"), text_at(author, "firstName") or text_at(author, "initials"))
    return name or text_at(author, "collectiveName") or text_at(author, "fullName")


class OpenAlex(JsonSource):
    """OpenAlex; its key may be empty."""

    database = "OpenAlex"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the works published in the query's window or the year before it; see :class:`~.base.Source`."""
        chosen = serialise(query.strategy, self.database).replace("\n,", ",").replace("\n", " ")
        if query.since is not None:
            chosen += f",from_publication_date:{query.since - OPENALEX_LOOK_BACK}"
        parameters: dict[str, str | int] = {"filter": chosen, "per-page": OPENALEX_PAGE}
        if not self.key:
            # Oldest first, so that a work added meanwhile does not move those that are still to come.
            parameters["sort"] = "publication_date:asc"

            def fetch(position: int) -> Page:
                return self._page({**parameters, "page": position // OPENALEX_PAGE + 1})

            yield from by_position(self.database, fetch, resume, OPENALEX_WITHOUT_KEY)
            return
        keyed = {**parameters, "api_key": self.key}
        yield from by_cursor(lambda cursor: self._page({**keyed, "cursor": cursor}), resume)

    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of a work."""
        doi, number = find_doi(text_at(item, "doi")), find_openalex(text_at(item, "id"))
        source = dig(item, "primary_location", "source")
        return {
            "title": text_at(item, "title") or text_at(item, "display_name"),
            "authors": tuple(texts_at(dig(item, "authorships"), "author", "display_name")),
            "year": number_at(item, "publication_year"),
            "journal": text_at(source, "display_name"),
            "volume": text_at(item, "biblio", "volume"),
            "issue": text_at(item, "biblio", "issue"),
            "pages": page_range(text_at(item, "biblio", "first_page"), text_at(item, "biblio", "last_page")),
            "doi": doi,
            "pmid": find_pmid(text_at(item, "ids", "pmid")),
            "pmcid": find_pmcid(text_at(item, "ids", "pmcid")),
            "arxiv": find_arxiv(doi),
            "openalex": number,
            "accession": number,
            "issn": text_at(source, "issn_l"),
            "abstract": _abstract(dig(item, "abstract_inverted_index")),
            "keywords": "; ".join(texts_at(dig(item, "keywords"), "display_name")),
            "language": text_at(item, "language"),
            "kind": text_at(item, "type"),
            "url": text_at(item, "primary_location", "landing_page_url"),
        }

    def _page(self, parameters: Mapping[str, str | int]) -> Page:
        content = self.service.json("works", parameters)
        hits = number_at(content, "meta", "count") or 0
        return Page(self.records(content.get("results")), hits, text_at(content, "meta", "next_cursor"))


def _abstract(inverted: Any) -> str:
    """Return an abstract from the positions of its words."""
    if not isinstance(inverted, dict):
        return ""
    placed = [(position, word) for word, positions in inverted.items() for position in positions]
    return " ".join(word for _, word in sorted(placed))


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
            "select": CROSSREF_FIELDS,
            "rows": CROSSREF_PAGE,
        }
        if self.contact:
            parameters["mailto"] = self.contact

        def fetch(cursor: str) -> Page:
            message = dig(self.service.json("works", {**parameters, "cursor": cursor}), "message")
            items = dig(message, "items") or []
            found = self.records(items)
            kept = tuple(record for record in found if matches(query.strategy, record, self.database))
            following = text_at(message, "next-cursor") if items else ""
            return Page(kept, number_at(message, "total-results") or 0, following, len(found) - len(kept))

        yield from by_cursor(fetch, resume)

    def look_up(self, doi: str) -> LookedUp:
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
        return LookedUp(
            self.record(message), "the record at Crossref", page, notices["update-to"], notices["updated-by"]
        )

    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of a work."""
        doi = text_at(item, "DOI").lower()
        return {
            "title": ": ".join(part for part in (text_at(item, "title", 0), text_at(item, "subtitle", 0)) if part),
            "authors": tuple(_authors(item)),
            "year": number_at(item, "issued", "date-parts", 0, 0),
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
        yield full_name(text_at(author, "family"), text_at(author, "given")) or text_at(author, "name")


def _free_words(concept: Concept, database: str) -> list[str]:
    """Return the distinct words of a concept's free-text terms, in order."""
    return list(dict.fromkeys(word for term in _terms(concept, database) for word in fold(term.text).split()))


def matches(strategy: Strategy, record: Record, database: str) -> bool:
    """Return whether title, abstract or keywords hold a term of every concept, and the year is not another one.

    Headings are left out, and so is the language, which such services rarely know; a record without a year passes.
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
