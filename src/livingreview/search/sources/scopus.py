"""Scopus by the Scopus Search API; needs a key, and usually the network of an institution that subscribes.

References
----------
Scopus Search API, https://dev.elsevier.com/documentation/ScopusSearchAPI.wadl
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from livingreview.search.formats.blocks import plain
from livingreview.search.records import Record, find_doi, find_pmid, year_of
from livingreview.search.sources.base import Page, Query, Resume, by_cursor, by_position, dig, raw_hash, text_at
from livingreview.search.sources.http import Service
from livingreview.search.strategy import serialise

__all__ = ["Scopus"]

PAGE = 25
# Beyond this the service wants a cursor, which it gives to subscribers only.
BY_POSITION = 5_000


@dataclass(frozen=True)
class Scopus:
    """Scopus.

    Parameters
    ----------
    service
        The API, with the key among its headers.
    """

    service: Service
    database: str = "Scopus"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records first loaded since the query's window began; see :class:`~.base.Source`."""
        text = serialise(query.strategy, self.database).replace("\n", " ")
        if query.since is not None:
            text += f" AND ORIG-LOAD-DATE AFT {query.since - timedelta(days=1):%Y%m%d}"
        if self._page(text, {"start": 0}).hits > BY_POSITION:
            yield from by_cursor(lambda cursor: self._page(text, {"cursor": cursor}), resume)
        else:
            # Oldest first, so that a record added meanwhile does not move those that are still to come.
            yield from by_position(
                self.database,
                lambda position: self._page(text, {"start": position, "sort": "+orig-load-date"}),
                resume,
                BY_POSITION,
            )

    def close(self) -> None:
        """Close the connections."""
        self.service.close()

    def _page(self, text: str, paging: Mapping[str, str | int]) -> Page:
        content = self.service.json("content/search/scopus", {"query": text, "count": PAGE, **paging})
        results = dig(content, "search-results")
        # No hits are told by one entry that holds an error.
        entries = [entry for entry in dig(results, "entry") or [] if "error" not in entry]
        records = tuple(_record(entry, self.database, index) for index, entry in enumerate(entries))
        following = text_at(results, "cursor", "@next") if entries else ""
        return Page(records, int(text_at(results, "opensearch:totalResults") or 0), following)


def _record(entry: Mapping[str, Any], database: str, index: int) -> Record:
    authors = tuple(text_at(author, "authname") for author in dig(entry, "author") or [])
    record = Record(
        database,
        index,
        title=plain(text_at(entry, "dc:title")),
        authors=authors or tuple(name for name in (text_at(entry, "dc:creator"),) if name),
        year=year_of(text_at(entry, "prism:coverDate")),
        journal=plain(text_at(entry, "prism:publicationName")),
        volume=text_at(entry, "prism:volume"),
        issue=text_at(entry, "prism:issueIdentifier"),
        pages=text_at(entry, "prism:pageRange") or text_at(entry, "article-number"),
        doi=find_doi(text_at(entry, "prism:doi")),
        pmid=find_pmid(text_at(entry, "pubmed-id")),
        accession=text_at(entry, "eid"),
    )
    return replace(
        record,
        issn=text_at(entry, "prism:issn") or text_at(entry, "prism:eIssn"),
        abstract=plain(text_at(entry, "dc:description")),
        keywords="; ".join(part.strip() for part in text_at(entry, "authkeywords").split("|") if part.strip()),
        kind=text_at(entry, "subtypeDescription"),
        url=text_at(entry, "prism:url"),
        sha256=raw_hash(entry),
    )
