"""OpenAlex: along a cursor with a key, by page number without one.

Since 2026 the service asks for a (free) key to page along a cursor, and for a paid one to filter by the day a work was
added. The window therefore looks back a year further by date of publication; what is known already is not added again.

References
----------
OpenAlex technical documentation, https://developers.openalex.org
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from livingreview.search.records import find_arxiv, find_doi, find_openalex, find_pmcid, find_pmid
from livingreview.search.sources.base import (
    JsonSource,
    Page,
    Query,
    Resume,
    by_cursor,
    by_position,
    dig,
    page_range,
    text_at,
    texts_at,
)  # fmt: skip
from livingreview.search.strategy import serialise

__all__ = ["OpenAlex"]

PAGE = 100
WITHOUT_KEY = 10_000
# A work may reach OpenAlex long after it was published.
LOOK_BACK = timedelta(days=365)


class OpenAlex(JsonSource):
    """OpenAlex; its key may be empty."""

    database = "OpenAlex"

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

    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of a work."""
        doi, number, year = (
            find_doi(text_at(item, "doi")),
            find_openalex(text_at(item, "id")),
            dig(item, "publication_year"),
        )
        source = dig(item, "primary_location", "source")
        return {
            "title": text_at(item, "title") or text_at(item, "display_name"),
            "authors": tuple(texts_at(dig(item, "authorships"), "author", "display_name")),
            "year": year if isinstance(year, int) else None,
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
        hits = int(dig(content, "meta", "count") or 0)
        return Page(self.records(content.get("results")), hits, text_at(content, "meta", "next_cursor"))


def _abstract(inverted: Any) -> str:
    """Return an abstract from the positions of its words."""
    if not isinstance(inverted, dict):
        return ""
    placed = [(position, word) for word, positions in inverted.items() for position in positions]
    return " ".join(word for _, word in sorted(placed))
