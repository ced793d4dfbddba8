"""Web of Science by its Starter API; needs a key. It gives no abstracts.

References
----------
Web of Science Starter API, https://developer.clarivate.com/apis/wos-starter
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from livingreview.search.formats.blocks import plain
from livingreview.search.records import Record, find_arxiv, find_doi
from livingreview.search.sources.base import Page, Query, Resume, by_position, dig, raw_hash, text_at
from livingreview.search.sources.http import Service
from livingreview.search.strategy import serialise

__all__ = ["WebOfScience"]

PAGE = 50
BY_POSITION = 50_000


@dataclass(frozen=True)
class WebOfScience:
    """Web of Science Core Collection.

    Parameters
    ----------
    service
        The API, with the key among its headers.
    """

    service: Service
    database: str = "Web of Science"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records added or changed in the query's window; see :class:`~.base.Source`."""
        parameters: dict[str, str | int] = {
            "db": "WOS",
            "q": serialise(query.strategy, self.database).replace("\n", " "),
            "limit": PAGE,
            # Oldest first, so that a record added meanwhile does not move those that are still to come.
            "sortField": "LD+A",
        }
        if query.since is not None:
            parameters["modifiedTimeSpan"] = f"{query.since}+{query.until}"

        def fetch(position: int) -> Page:
            content = self.service.json("documents", {**parameters, "page": position // PAGE + 1})
            hits = content.get("hits") or []
            records = tuple(_record(hit, self.database, index) for index, hit in enumerate(hits))
            return Page(records, int(dig(content, "metadata", "total") or 0), "")

        yield from by_position(self.database, fetch, resume, BY_POSITION)

    def close(self) -> None:
        """Close the connections."""
        self.service.close()


def _record(hit: Mapping[str, Any], database: str, index: int) -> Record:
    source = dig(hit, "source")
    doi = find_doi(text_at(hit, "identifiers", "doi"))
    year = dig(source, "publishYear")
    authors = (text_at(author, "displayName") for author in dig(hit, "names", "authors") or [])
    return Record(
        database,
        index,
        title=plain(text_at(hit, "title")),
        authors=tuple(author for author in authors if author),
        year=year if isinstance(year, int) else None,
        journal=text_at(source, "sourceTitle"),
        volume=text_at(source, "volume"),
        issue=text_at(source, "issue"),
        pages=text_at(source, "pages", "range") or text_at(source, "articleNumber"),
        doi=doi,
        pmid=text_at(hit, "identifiers", "pmid"),
        arxiv=find_arxiv(doi),
        accession=text_at(hit, "uid"),
        issn=text_at(hit, "identifiers", "issn") or text_at(hit, "identifiers", "eissn"),
        keywords="; ".join(dig(hit, "keywords", "authorKeywords") or []),
        kind="; ".join(dig(hit, "types") or []),
        url=text_at(hit, "links", "record"),
        sha256=raw_hash(hit),
    )
