"""The databases that are searched with a subscriber's key: Scopus, Web of Science and IEEE Xplore.

References
----------
Scopus Search API, https://dev.elsevier.com/documentation/ScopusSearchAPI.wadl
Web of Science Starter API, https://developer.clarivate.com/apis/wos-starter
IEEE Xplore API, https://developer.ieee.org/docs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from livingreview.search.records import find_arxiv, find_doi, find_pmid, plain, year_of
from livingreview.search.sources.base import (
    JsonSource,
    Page,
    Query,
    Resume,
    by_cursor,
    by_position,
    dig,
    number_at,
    page_range,
    text_at,
    texts_at,
)
from livingreview.search.strategy import concept_query, serialise

__all__ = ["IEEEXplore", "Scopus", "WebOfScience"]

SCOPUS_PAGE = 25
# Beyond this the service wants a cursor, which it gives to subscribers only.
SCOPUS_BY_POSITION = 5_000
WOS_PAGE = 50
WOS_BY_POSITION = 50_000
IEEE_PAGE = 200
IEEE_BY_POSITION = 40_000


class Scopus(JsonSource):
    """Scopus; usually asked from the network of an institution that subscribes."""

    database = "Scopus"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records first loaded since the query's window began; see :class:`~.base.Source`."""
        text = serialise(query.strategy, self.database).replace("\n", " ")
        if query.since is not None:
            text += f" AND ORIG-LOAD-DATE AFT {query.since - timedelta(days=1):%Y%m%d}"
        if self._page(text, {"start": 0}).hits > SCOPUS_BY_POSITION:
            yield from by_cursor(lambda cursor: self._page(text, {"cursor": cursor}), resume)
            return

        def fetch(position: int) -> Page:
            # Oldest first, so that a record added meanwhile does not move those that are still to come.
            return self._page(text, {"start": position, "sort": "+orig-load-date"})

        yield from by_position(self.database, fetch, resume, SCOPUS_BY_POSITION)

    def _page(self, text: str, paging: Mapping[str, str | int]) -> Page:
        content = self.service.json("content/search/scopus", {"query": text, "count": SCOPUS_PAGE, **paging})
        results = dig(content, "search-results")
        # No hits are told by one entry that holds an error.
        entries = [entry for entry in dig(results, "entry") or [] if "error" not in entry]
        following = text_at(results, "cursor", "@next") if entries else ""
        return Page(self.records(entries), number_at(results, "opensearch:totalResults") or 0, following)

    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of an entry."""
        authors = tuple(text_at(author, "authname") for author in dig(item, "author") or [])
        return {
            "title": text_at(item, "dc:title"),
            "authors": authors or tuple(texts_at([item], "dc:creator")),
            "year": year_of(text_at(item, "prism:coverDate")),
            "journal": plain(text_at(item, "prism:publicationName")),
            "volume": text_at(item, "prism:volume"),
            "issue": text_at(item, "prism:issueIdentifier"),
            "pages": text_at(item, "prism:pageRange") or text_at(item, "article-number"),
            "doi": find_doi(text_at(item, "prism:doi")),
            "pmid": find_pmid(text_at(item, "pubmed-id")),
            "accession": text_at(item, "eid"),
            "issn": text_at(item, "prism:issn") or text_at(item, "prism:eIssn"),
            "abstract": text_at(item, "dc:description"),
            "keywords": "; ".join(part.strip() for part in text_at(item, "authkeywords").split("|") if part.strip()),
            "kind": text_at(item, "subtypeDescription"),
            "url": text_at(item, "prism:url"),
        }


class WebOfScience(JsonSource):
    """Web of Science Core Collection, which gives no abstracts."""

    database = "Web of Science"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records added or changed in the query's window; see :class:`~.base.Source`."""
        parameters: dict[str, str | int] = {
            "db": "WOS",
            "q": serialise(query.strategy, self.database).replace("\n", " "),
            "limit": WOS_PAGE,
            # Oldest first, as above.
            "sortField": "LD+A",
        }
        if query.since is not None:
            parameters["modifiedTimeSpan"] = f"{query.since}+{query.until}"

        def fetch(position: int) -> Page:
            content = self.service.json("documents", {**parameters, "page": position // WOS_PAGE + 1})
            return Page(self.records(content.get("hits")), number_at(content, "metadata", "total") or 0, "")

        yield from by_position(self.database, fetch, resume, WOS_BY_POSITION)

    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of a hit."""
        source, numbers = dig(item, "source"), dig(item, "identifiers")
        doi = find_doi(text_at(numbers, "doi"))
        return {
            "title": text_at(item, "title"),
            "authors": tuple(texts_at(dig(item, "names", "authors"), "displayName")),
            "year": number_at(source, "publishYear"),
            "journal": text_at(source, "sourceTitle"),
            "volume": text_at(source, "volume"),
            "issue": text_at(source, "issue"),
            "pages": text_at(source, "pages", "range") or text_at(source, "articleNumber"),
            "doi": doi,
            "pmid": text_at(numbers, "pmid"),
            "arxiv": find_arxiv(doi),
            "accession": text_at(item, "uid"),
            "issn": text_at(numbers, "issn") or text_at(numbers, "eissn"),
            "keywords": "; ".join(dig(item, "keywords", "authorKeywords") or []),
            "kind": "; ".join(dig(item, "types") or []),
            "url": text_at(item, "links", "record"),
        }


class IEEEXplore(JsonSource):
    """IEEE Xplore, which filters by year of publication only.

    The window therefore begins with the year before it; what is known already is not added again.
    """

    database = "IEEE Xplore"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records of the query's years; see :class:`~.base.Source`."""
        strategy = query.strategy
        first = strategy.from_year if query.since is None else max(strategy.from_year, query.since.year - 1)
        parameters: dict[str, str | int] = {
            "querytext": " AND ".join(concept_query(concept, self.database) for concept in strategy.concepts),
            "start_year": first,
            "end_year": strategy.to_year,
            "max_records": IEEE_PAGE,
            # By number, so that a record added meanwhile does not move those that are still to come.
            "sort_field": "article_number",
            "sort_order": "asc",
            "format": "json",
            "apikey": self.key,
        }

        def fetch(position: int) -> Page:
            content = self.service.json("api/v1/search/articles", {**parameters, "start_record": position + 1})
            return Page(self.records(content.get("articles")), number_at(content, "total_records") or 0, "")

        yield from by_position(self.database, fetch, resume, IEEE_BY_POSITION)

    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of an article."""
        terms = dig(item, "index_terms", "author_terms", "terms") or dig(item, "index_terms", "ieee_terms", "terms")
        return {
            "title": text_at(item, "title"),
            "authors": tuple(texts_at(dig(item, "authors", "authors"), "full_name")),
            "year": year_of(text_at(item, "publication_year")),
            "journal": text_at(item, "publication_title"),
            "volume": text_at(item, "volume"),
            "issue": text_at(item, "issue"),
            "pages": page_range(text_at(item, "start_page"), text_at(item, "end_page")),
            "doi": find_doi(text_at(item, "doi")),
            "accession": text_at(item, "article_number"),
            "issn": text_at(item, "issn"),
            "abstract": text_at(item, "abstract"),
            "keywords": "; ".join(terms or []),
            "kind": text_at(item, "content_type"),
            "url": text_at(item, "html_url"),
        }
