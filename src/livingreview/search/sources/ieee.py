"""IEEE Xplore by its Metadata API; needs a key.

The service filters by year of publication only. The window therefore begins with the year before it; what is known
already is not added again.

References
----------
IEEE Xplore API, https://developer.ieee.org/docs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from livingreview.search.formats.blocks import plain
from livingreview.search.records import Record, find_doi, year_of
from livingreview.search.sources.base import Page, Query, Resume, by_position, dig, raw_hash, text_at
from livingreview.search.sources.http import Service
from livingreview.search.strategy import concept_query

__all__ = ["IEEEXplore"]

PAGE = 200
BY_POSITION = 40_000


@dataclass(frozen=True)
class IEEEXplore:
    """IEEE Xplore.

    Parameters
    ----------
    service
        The API.
    key
        Its key.
    """

    service: Service
    key: str = field(repr=False)
    database: str = "IEEE Xplore"

    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records of the query's years; see :class:`~.base.Source`."""
        strategy = query.strategy
        first = strategy.from_year if query.since is None else max(strategy.from_year, query.since.year - 1)
        parameters: dict[str, str | int] = {
            "querytext": " AND ".join(concept_query(concept, self.database) for concept in strategy.concepts),
            "start_year": first,
            "end_year": strategy.to_year,
            "max_records": PAGE,
            # By number, so that a record added meanwhile does not move those that are still to come.
            "sort_field": "article_number",
            "sort_order": "asc",
            "format": "json",
            "apikey": self.key,
        }

        def fetch(position: int) -> Page:
            content = self.service.json("api/v1/search/articles", {**parameters, "start_record": position + 1})
            articles = content.get("articles") or []
            records = tuple(_record(article, self.database, index) for index, article in enumerate(articles))
            return Page(records, int(content.get("total_records") or 0), "")

        yield from by_position(self.database, fetch, resume, BY_POSITION)

    def close(self) -> None:
        """Close the connections."""
        self.service.close()


def _record(article: Mapping[str, Any], database: str, index: int) -> Record:
    first, last = text_at(article, "start_page"), text_at(article, "end_page")
    authors = (text_at(author, "full_name") for author in dig(article, "authors", "authors") or [])
    terms = dig(article, "index_terms", "author_terms", "terms") or dig(article, "index_terms", "ieee_terms", "terms")
    return Record(
        database,
        index,
        title=plain(text_at(article, "title")),
        authors=tuple(author for author in authors if author),
        year=year_of(text_at(article, "publication_year")),
        journal=text_at(article, "publication_title"),
        volume=text_at(article, "volume"),
        issue=text_at(article, "issue"),
        pages=first if not last or last == first else f"{first}-{last}",
        doi=find_doi(text_at(article, "doi")),
        accession=text_at(article, "article_number"),
        issn=text_at(article, "issn"),
        abstract=plain(text_at(article, "abstract")),
        keywords="; ".join(terms or []),
        kind=text_at(article, "content_type"),
        url=text_at(article, "html_url"),
        sha256=raw_hash(article),
    )
