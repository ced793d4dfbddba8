"""Europe PMC by its REST service, page by page along a cursor; preprints included.

References
----------
Europe PMC RESTful Web Service, https://europepmc.org/RestfulWebService
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from livingreview.search.records import find_arxiv, find_doi, year_of
from livingreview.search.sources.base import JsonSource, Page, Query, Resume, by_cursor, dig, text_at
from livingreview.search.strategy import serialise

__all__ = ["EuropePMC"]

PAGE = 1_000


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
            parameters |= {"synonym": "false", "pageSize": PAGE, "cursorMark": cursor}
            content = self.service.json("searchPOST", parameters, method="POST")
            results = dig(content, "resultList", "result") or []
            following = text_at(content, "nextCursorMark")
            last = not results or following == cursor
            return Page(self.records(results), int(content.get("hitCount", 0)), "" if last else following)

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
    family, given = text_at(author, "lastName"), text_at(author, "firstName") or text_at(author, "initials")
    name = ", ".join(part for part in (family, given) if part)
    return name or text_at(author, "collectiveName") or text_at(author, "fullName")
