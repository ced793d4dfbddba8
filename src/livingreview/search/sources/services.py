"""The databases whose services answer with JSON, searched by anybody or with a subscriber's key.

Europe PMC is read along a cursor, preprints included. OpenAlex asks since 2026 for a (free) key to page along a cursor,
and for a paid one to filter by the day a work was added: its window looks back a year further by date of publication,
and without a key it is read by page number. Crossref has no Boolean search: it is asked for the concept with the fewest
words, as every record that the strategy matches has a word of each, and what it gives is kept where title, abstract or
keywords match all concepts. Scopus, Web of Science and IEEE Xplore are read by position. All that are go from the
oldest record on, so that one added meanwhile does not move those that are still to come.

References
----------
Europe PMC RESTful Web Service, https://europepmc.org/RestfulWebService
OpenAlex technical documentation, https://developers.openalex.org
Crossref REST API, https://api.crossref.org/swagger-ui/index.html
Scopus Search API, https://dev.elsevier.com/documentation/ScopusSearchAPI.wadl
Web of Science Starter API, https://developer.clarivate.com/apis/wos-starter
IEEE Xplore API, https://developer.ieee.org/docs
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import quote

from livingreview.errors import SearchError
from livingreview.review.model import Concept, Strategy, Term
from livingreview.search.normalise import fold
from livingreview.search.records import Record, find_openalex
from livingreview.search.sources.base import JsonSource, LookedUp, Page, Query, dig, page_range, person, text_at
from livingreview.search.strategy import concept_query, serialise

__all__ = ["Crossref", "EuropePMC", "IEEEXplore", "OpenAlex", "Scopus", "WebOfScience"]

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
SCOPUS_PAGE = 25
# Beyond this the service wants a cursor, which it gives to subscribers only.
SCOPUS_BY_POSITION = 5_000
WOS_PAGE = 50
WOS_BY_POSITION = 50_000
IEEE_PAGE = 200
IEEE_BY_POSITION = 40_000


class EuropePMC(JsonSource):
    """Europe PMC."""

    name, database = "europepmc", "Europe PMC"
    address, spacing, path = "https://www.ebi.ac.uk/europepmc/webservices/rest", 0.5, "searchPOST"
    results, hits, following = "resultList.result", "hitCount", "nextCursorMark"
    fields: ClassVar[Mapping[str, str]] = {
        "title": "title", "year": "pubYear", "journal": "journalInfo.journal.title|bookOrReportDetails.publisher",
        "volume": "journalInfo.volume", "issue": "journalInfo.issue", "pages": "pageInfo", "doi": "doi",
        "pmid": "pmid", "pmcid": "pmcid", "arxiv": "doi",
        "issn": "journalInfo.journal.issn|journalInfo.journal.essn", "abstract": "abstractText",
        "keywords": "keywordList.keyword", "language": "language", "kind": "pubTypeList.pubType",
    }  # fmt: skip

    def pages(self, query: Query, done: Sequence[Page]) -> Iterator[Page]:
        """Yield the records first indexed in the query's window; see :class:`~.base.Source`."""
        text = serialise(query.strategy, self.database).replace("\n", " ")
        if query.since is not None:
            text = f"({text}) AND (FIRST_IDATE:[{query.since} TO {query.until}])"
        parameters = {"query": text, "format": "json", "resultType": "core"}
        # Without the service's own synonyms.
        parameters |= {"synonym": "false", "pageSize": str(EUROPE_PMC_PAGE)}
        # By POST, as a long strategy does not fit into an address.
        yield from self.by_cursor(parameters, "cursorMark", done, method="POST")

    def composed(self, item: Any) -> dict[str, Any]:
        """Return the authors, and the number with the part of the database that it belongs to."""
        authors = dig(item, "authorList.author") or ()
        return {
            "authors": tuple(
                person(one, "lastName", "firstName|initials", "collectiveName|fullName") for one in authors
            ),
            "accession": f"{text_at(item, 'source')}:{text_at(item, 'id')}",
        }


class OpenAlex(JsonSource):
    """OpenAlex; its key may be empty."""

    name, database, key_variable = "openalex", "OpenAlex", "OPENALEX_API_KEY"
    address, spacing, path = "https://api.openalex.org", 0.15, "works"
    results, hits, following = "results", "meta.count", "meta.next_cursor"
    fields: ClassVar[Mapping[str, str]] = {
        "title": "title|display_name", "authors": "authorships[].author.display_name", "year": "publication_year",
        "journal": "primary_location.source.display_name", "volume": "biblio.volume", "issue": "biblio.issue",
        "doi": "doi", "pmid": "ids.pmid", "pmcid": "ids.pmcid", "arxiv": "doi", "openalex": "id",
        "issn": "primary_location.source.issn_l", "keywords": "keywords[].display_name", "language": "language",
        "kind": "type", "url": "primary_location.landing_page_url",
    }  # fmt: skip

    def pages(self, query: Query, done: Sequence[Page]) -> Iterator[Page]:
        """Yield the works published in the query's window or the year before it; see :class:`~.base.Source`."""
        chosen = serialise(query.strategy, self.database).replace("\n,", ",").replace("\n", " ")
        if query.since is not None:
            chosen += f",from_publication_date:{query.since - OPENALEX_LOOK_BACK}"
        asked = {"filter": chosen, "per-page": str(OPENALEX_PAGE)}
        if self.key:
            asked["api_key"] = self.key
            yield from self.by_cursor(asked, "cursor", done)
        else:
            asked["sort"] = "publication_date:asc"
            yield from self.by_position(asked, "page", done, OPENALEX_WITHOUT_KEY, size=OPENALEX_PAGE)

    def composed(self, item: Any) -> dict[str, Any]:
        """Return the number, the pages, and the abstract, which is told by the positions of its words."""
        inverted = dig(item, "abstract_inverted_index")
        places = inverted.items() if isinstance(inverted, dict) else ()
        words = sorted((position, word) for word, positions in places for position in positions)
        return {
            "accession": find_openalex(text_at(item, "id")),
            "pages": page_range(item, "biblio.first_page", "biblio.last_page"),
            "abstract": " ".join(word for _, word in words),
        }


class Crossref(JsonSource):
    """Crossref; a contact puts requests into the polite pool, outside of which lists are limited to one a second."""

    name, database, in_full, asked_for = "crossref", "Crossref", False, True
    address, spacing, path = "https://api.crossref.org", 1.0, "works"
    results, hits, following = "message.items", "message.total-results", "message.next-cursor"
    marked_up = ("title", "abstract", "journal")
    fields: ClassVar[Mapping[str, str]] = {
        "year": "issued.date-parts.0.0", "journal": "container-title.0", "volume": "volume", "issue": "issue",
        "pages": "page|article-number", "arxiv": "DOI", "issn": "ISSN.0", "abstract": "abstract",
        "keywords": "subject", "language": "language", "kind": "type", "url": "URL",
    }  # fmt: skip

    def pages(self, query: Query, done: Sequence[Page]) -> Iterator[Page]:
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
        asked = {"query.bibliographic": " ".join(words), "select": CROSSREF_FIELDS, "rows": str(CROSSREF_PAGE)}
        asked |= {"filter": f"{window},type:journal-article,type:posted-content", **self._polite()}
        for page in self.by_cursor(asked, "cursor", done):
            kept = tuple(record for record in page.records if matches(query.strategy, record, self.database))
            yield replace(page, records=kept, passed=len(page.records) - len(kept))

    def look_up(self, doi: str) -> LookedUp:
        """Return the work of a DOI.

        Raises
        ------
        SearchError
            :class:`~.http.Absent` where Crossref has no such DOI; otherwise no usable answer came.
        """
        message = dig(self.service.json(f"works/{quote(doi, safe='')}", self._polite()), "message")
        if text_at(message, "DOI").lower() != doi.lower():
            raise SearchError(f"{self.database} answered with {text_at(message, 'DOI')[:80] or 'nothing'} for {doi}")
        is_notice_of, has_notices = (
            tuple(f"{text_at(notice, 'type')} {text_at(notice, 'DOI')}" for notice in dig(message, f"{name}[]") or ())
            for name in ("update-to", "updated-by")
        )
        page = f"https://api.crossref.org/works/{quote(doi, safe='/')}"
        return LookedUp(self.record(message), "the record at Crossref", page, is_notice_of, has_notices)

    def composed(self, item: Any) -> dict[str, Any]:
        """Return the title with its subtitle, the authors, and the DOI with all of its characters."""
        doi = text_at(item, "DOI").lower()
        title = ": ".join(part for part in (text_at(item, "title.0"), text_at(item, "subtitle.0")) if part)
        authors = tuple(person(one, "family", "given", "name") for one in dig(item, "author[]") or ())
        return {"title": title, "authors": authors, "doi": doi, "accession": doi}

    def _polite(self) -> dict[str, str]:
        return {"mailto": self.contact} if self.contact else {}


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


def _free_words(concept: Concept, database: str) -> list[str]:
    """Return the distinct words of a concept's free-text terms, in order."""
    return list(dict.fromkeys(word for term in _terms(concept, database) for word in fold(term.text).split()))


def _terms(concept: Concept, database: str) -> list[Term]:
    return [term for term in concept.terms if not term.heading and (not term.databases or database in term.databases)]


@lru_cache(maxsize=1024)
def _pattern(text: str, *, truncated: bool) -> re.Pattern[str]:
    return re.compile(rf" {re.escape(fold(text))}{'' if truncated else ' '}")


class Scopus(JsonSource):
    """Scopus; usually asked from the network of an institution that subscribes."""

    name, database = "scopus", "Scopus"
    key_variable, key_header, needs_key = "SCOPUS_API_KEY", "X-ELS-APIKey", True
    address, spacing, path = "https://api.elsevier.com", 0.2, "content/search/scopus"
    results, hits = "search-results.entry", "search-results.opensearch:totalResults"
    following = "search-results.cursor.@next"
    marked_up = ("title", "abstract", "journal")
    fields: ClassVar[Mapping[str, str]] = {
        "title": "dc:title", "authors": "author[].authname|dc:creator", "year": "prism:coverDate",
        "journal": "prism:publicationName", "volume": "prism:volume", "issue": "prism:issueIdentifier",
        "pages": "prism:pageRange|article-number", "doi": "prism:doi", "pmid": "pubmed-id", "accession": "eid",
        "issn": "prism:issn|prism:eIssn", "abstract": "dc:description", "kind": "subtypeDescription",
        "url": "prism:url",
    }  # fmt: skip

    def pages(self, query: Query, done: Sequence[Page]) -> Iterator[Page]:
        """Yield the records first loaded since the query's window began; see :class:`~.base.Source`."""
        text = serialise(query.strategy, self.database).replace("\n", " ")
        if query.since is not None:
            text += f" AND ORIG-LOAD-DATE AFT {query.since - timedelta(days=1):%Y%m%d}"
        asked = {"query": text, "count": str(SCOPUS_PAGE)}
        if self.page({**asked, "start": 0}).hits > SCOPUS_BY_POSITION:
            yield from self.by_cursor(asked, "cursor", done)
        else:
            asked["sort"] = "+orig-load-date"
            yield from self.by_position(asked, "start", done, SCOPUS_BY_POSITION, first=0)

    def composed(self, item: Any) -> dict[str, Any]:
        """Return the keywords, which stand in one text."""
        words = text_at(item, "authkeywords").split("|")
        return {"keywords": "; ".join(word.strip() for word in words if word.strip())}


class WebOfScience(JsonSource):
    """Web of Science Core Collection, which gives no abstracts."""

    name, database = "webofscience", "Web of Science"
    key_variable, key_header, needs_key = "WOS_API_KEY", "X-ApiKey", True
    address, spacing, path = "https://api.clarivate.com/apis/wos-starter/v1", 1.0, "documents"
    results, hits = "hits", "metadata.total"
    fields: ClassVar[Mapping[str, str]] = {
        "title": "title", "authors": "names.authors[].displayName", "year": "source.publishYear",
        "journal": "source.sourceTitle", "volume": "source.volume", "issue": "source.issue",
        "pages": "source.pages.range|source.articleNumber", "doi": "identifiers.doi", "pmid": "identifiers.pmid",
        "arxiv": "identifiers.doi", "accession": "uid", "issn": "identifiers.issn|identifiers.eissn",
        "keywords": "keywords.authorKeywords", "kind": "types", "url": "links.record",
    }  # fmt: skip

    def pages(self, query: Query, done: Sequence[Page]) -> Iterator[Page]:
        """Yield the records added or changed in the query's window; see :class:`~.base.Source`."""
        text = serialise(query.strategy, self.database).replace("\n", " ")
        asked = {"db": "WOS", "q": text, "limit": str(WOS_PAGE), "sortField": "LD+A"}
        if query.since is not None:
            asked["modifiedTimeSpan"] = f"{query.since}+{query.until}"
        yield from self.by_position(asked, "page", done, WOS_BY_POSITION, size=WOS_PAGE)


class IEEEXplore(JsonSource):
    """IEEE Xplore, which filters by year of publication only.

    The window therefore begins with the year before it; what is known already is not added again.
    """

    name, database, key_variable, needs_key = "ieee", "IEEE Xplore", "IEEE_API_KEY", True
    address, spacing, path = "https://ieeexploreapi.ieee.org", 0.2, "api/v1/search/articles"
    results, hits = "articles", "total_records"
    fields: ClassVar[Mapping[str, str]] = {
        "title": "title", "authors": "authors.authors[].full_name", "year": "publication_year",
        "journal": "publication_title", "volume": "volume", "issue": "issue", "doi": "doi",
        "accession": "article_number", "issn": "issn", "abstract": "abstract", "kind": "content_type",
        "keywords": "index_terms.author_terms.terms|index_terms.ieee_terms.terms", "url": "html_url",
    }  # fmt: skip

    def pages(self, query: Query, done: Sequence[Page]) -> Iterator[Page]:
        """Yield the records of the query's years; see :class:`~.base.Source`."""
        strategy = query.strategy
        first = strategy.from_year if query.since is None else max(strategy.from_year, query.since.year - 1)
        asked = {
            "querytext": " AND ".join(concept_query(concept, self.database) for concept in strategy.concepts),
            "start_year": str(first),
            "end_year": str(strategy.to_year),
            "max_records": str(IEEE_PAGE),
            "sort_field": "article_number",
            "sort_order": "asc",
            "format": "json",
            "apikey": self.key,
        }
        yield from self.by_position(asked, "start_record", done, IEEE_BY_POSITION)

    def composed(self, item: Any) -> dict[str, Any]:
        """Return the pages."""
        return {"pages": page_range(item, "start_page", "end_page")}
