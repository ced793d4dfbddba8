"""Europe PMC by its REST service, page by page along a cursor; preprints included.

References
----------
Europe PMC RESTful Web Service, https://europepmc.org/RestfulWebService
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from livingreview.search.formats.blocks import plain
from livingreview.search.records import Record, find_arxiv, find_doi, year_of
from livingreview.search.sources.base import Page, Query, Resume, by_cursor, dig, raw_hash, text_at
from livingreview.search.sources.http import Service
from livingreview.search.strategy import serialise

__all__ = ["EuropePMC"]

PAGE = 1_000


@dataclass(frozen=True)
class EuropePMC:
    """Europe PMC.

    Parameters
    ----------
    service
        The REST service.
    """

    service: Service
    database: str = "Europe PMC"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records first indexed in the query's window; see :class:`~.base.Source`."""
        text = serialise(query.strategy, self.database).replace("\n", " ")
        if query.since is not None:
            text = f"({text}) AND (FIRST_IDATE:[{query.since} TO {query.until}])"

        def fetch(cursor: str) -> Page:
            # By POST, as a long strategy does not fit into an address; without the service's own synonyms.
            parameters: dict[str, str | int] = {"query": text, "format": "json", "resultType": "core"}
            parameters |= {"synonym": "false", "pageSize": PAGE, "cursorMark": cursor}
            content = self.service.json("searchPOST", parameters, method="POST")
            results = dig(content, "resultList", "result") or []
            following = text_at(content, "nextCursorMark")
            records = tuple(_record(result, self.database, index) for index, result in enumerate(results))
            last = not results or following == cursor
            return Page(records, int(content.get("hitCount", 0)), "" if last else following)

        yield from by_cursor(fetch, resume)

    def close(self) -> None:
        """Close the connections."""
        self.service.close()


def _record(result: Mapping[str, Any], database: str, index: int) -> Record:
    doi = find_doi(text_at(result, "doi"))
    journal = dig(result, "journalInfo", "journal")
    return Record(
        database,
        index,
        title=plain(text_at(result, "title")),
        authors=tuple(_authors(result)),
        year=year_of(text_at(result, "pubYear")),
        journal=text_at(journal, "title") or text_at(result, "bookOrReportDetails", "publisher"),
        volume=text_at(result, "journalInfo", "volume"),
        issue=text_at(result, "journalInfo", "issue"),
        pages=text_at(result, "pageInfo"),
        doi=doi,
        pmid=text_at(result, "pmid"),
        pmcid=text_at(result, "pmcid"),
        arxiv=find_arxiv(doi),
        accession=f"{text_at(result, 'source')}:{text_at(result, 'id')}",
        issn=text_at(journal, "issn") or text_at(journal, "essn"),
        abstract=plain(text_at(result, "abstractText")),
        keywords="; ".join(dig(result, "keywordList", "keyword") or []),
        language=text_at(result, "language"),
        kind="; ".join(dig(result, "pubTypeList", "pubType") or []),
        sha256=raw_hash(result),
    )


def _authors(result: Mapping[str, Any]) -> Iterator[str]:
    for author in dig(result, "authorList", "author") or []:
        family, given = text_at(author, "lastName"), text_at(author, "firstName") or text_at(author, "initials")
        name = ", ".join(part for part in (family, given) if part)
        yield name or text_at(author, "collectiveName") or text_at(author, "fullName")
