"""OpenAlex: along a cursor with a key, by page number without one.

Since 2026 the service asks for a (free) key to page along a cursor, and for a paid one to filter by the day a work was
added. The window therefore looks back a year further by date of publication; what is known already is not added again.

References
----------
OpenAlex technical documentation, https://developers.openalex.org
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from livingreview.search.formats.blocks import plain
from livingreview.search.records import Record, find_arxiv, find_doi, find_openalex, find_pmcid, find_pmid
from livingreview.search.sources.base import Page, Query, Resume, by_cursor, by_position, dig, raw_hash, text_at
from livingreview.search.sources.http import Service
from livingreview.search.strategy import serialise

__all__ = ["OpenAlex"]

PAGE = 100
WITHOUT_KEY = 10_000
# A work may reach OpenAlex long after it was published.
LOOK_BACK = timedelta(days=365)


@dataclass(frozen=True)
class OpenAlex:
    """OpenAlex.

    Parameters
    ----------
    service
        The API.
    key
        Its key; may be empty.
    """

    service: Service
    key: str = field(default="", repr=False)
    database: str = "OpenAlex"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the works published in the query's window or the year before it; see :class:`~.base.Source`."""
        chosen = serialise(query.strategy, self.database).replace("\n,", ",").replace("\n", " ")
        if query.since is not None:
            chosen += f",from_publication_date:{query.since - LOOK_BACK}"
        parameters: dict[str, str | int] = {"filter": chosen, "per-page": PAGE}
        if not self.key:
            # Oldest first, so that a work added meanwhile does not move those that are still to come.
            parameters["sort"] = "publication_date:asc"
            yield from by_position(
                self.database,
                lambda position: self._page({**parameters, "page": position // PAGE + 1}),
                resume,
                WITHOUT_KEY,
            )
            return
        keyed = {**parameters, "api_key": self.key}
        yield from by_cursor(lambda cursor: self._page({**keyed, "cursor": cursor}), resume)

    def close(self) -> None:
        """Close the connections."""
        self.service.close()

    def _page(self, parameters: Mapping[str, str | int]) -> Page:
        content = self.service.json("works", parameters)
        works = content.get("results") or []
        records = tuple(_record(work, self.database, index) for index, work in enumerate(works))
        return Page(records, int(dig(content, "meta", "count") or 0), text_at(content, "meta", "next_cursor"))


def _record(work: Mapping[str, Any], database: str, index: int) -> Record:
    doi = find_doi(text_at(work, "doi"))
    number = find_openalex(text_at(work, "id"))
    first, last = text_at(work, "biblio", "first_page"), text_at(work, "biblio", "last_page")
    year = dig(work, "publication_year")
    keywords = (text_at(keyword, "display_name") for keyword in dig(work, "keywords") or [])
    authors = (text_at(entry, "author", "display_name") for entry in dig(work, "authorships") or [])
    return Record(
        database,
        index,
        title=plain(text_at(work, "title") or text_at(work, "display_name")),
        authors=tuple(author for author in authors if author),
        year=year if isinstance(year, int) else None,
        journal=text_at(work, "primary_location", "source", "display_name"),
        volume=text_at(work, "biblio", "volume"),
        issue=text_at(work, "biblio", "issue"),
        pages=first if not last or last == first else f"{first}-{last}",
        doi=doi,
        pmid=find_pmid(text_at(work, "ids", "pmid")),
        pmcid=find_pmcid(text_at(work, "ids", "pmcid")),
        arxiv=find_arxiv(doi),
        openalex=number,
        accession=number,
        issn=text_at(work, "primary_location", "source", "issn_l"),
        abstract=plain(_abstract(dig(work, "abstract_inverted_index"))),
        keywords="; ".join(keyword for keyword in keywords if keyword),
        language=text_at(work, "language"),
        kind=text_at(work, "type"),
        url=text_at(work, "primary_location", "landing_page_url"),
        sha256=raw_hash(work),
    )


def _abstract(inverted: Any) -> str:
    """Return an abstract from the positions of its words."""
    if not isinstance(inverted, dict):
        return ""
    placed = [(position, word) for word, positions in inverted.items() for position in positions]
    return " ".join(word for _, word in sorted(placed))
