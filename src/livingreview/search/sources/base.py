"""What a source of records is: it takes a query and gives pages; and how one reads a service's JSON by a table."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar

from livingreview.errors import SearchError
from livingreview.review.model import Strategy
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
from livingreview.search.sources.http import Parameters, Service

__all__ = [
    "JsonSource", "LookedUp", "Moved", "Page", "Query", "Source", "dig", "page_range", "person", "text_at",
    "texts_at",
]  # fmt: skip

# By which every service with cursors names the first page.
FIRST_CURSOR = "*"


@dataclass(frozen=True)
class Query:
    """What to search for, and the window of the records that are new to the database, without `since` all.

    The strategy's last year is moved to that of `until`.
    """

    strategy: Strategy
    since: date | None
    until: date


@dataclass(frozen=True)
class Page:
    """Some of the records that a query found, in the service's order.

    `hits` is how many the service says there are in all, `cursor` where the next page begins, in the source's own terms
    and empty after the last; `passed` counts records that it gave and the strategy does not match.
    """

    records: tuple[Record, ...]
    hits: int
    cursor: str
    passed: int = 0


@dataclass(frozen=True)
class LookedUp:
    """One record, asked for by its identifier; what was read, and its public address, which may be empty.

    `is_notice_of` is what it corrects or retracts, `has_notices` what does so to it, in the service's words.
    """

    record: Record
    where: str
    page: str = ""
    is_notice_of: tuple[str, ...] = ()
    has_notices: tuple[str, ...] = ()


class Moved(SearchError):
    """The set of hits changed while it was read by position, so that a record may have slipped past."""


@dataclass(frozen=True)
class Source(ABC):
    """A database that can be searched over the network.

    A kind of source says its `name` on the command line and in ``LIVINGREVIEW_<NAME>_URL``, which overrides its
    `address`; the `database`, as strategy and search log name it; the `spacing` of requests in seconds, from the rate
    that the service documents; the environment's `key_variable` and the `key_header` that carries the key, if any, and
    whether it `needs_key`; whether it can be searched `in_full` where it never was; and whether it is searched only
    when it is `asked_for` by name.

    Parameters
    ----------
    service
        Its web service, with the key among the headers where it is taken there.
    key, contact
        Its key, and the e-mail address that it is told; either may be empty.
    """

    name: ClassVar[str]
    database: ClassVar[str]
    address: ClassVar[str]
    spacing: ClassVar[float]
    key_variable: ClassVar[str] = ""
    key_header: ClassVar[str] = ""
    needs_key: ClassVar[bool] = False
    in_full: ClassVar[bool] = True
    asked_for: ClassVar[bool] = False
    service: Service
    key: str = field(default="", repr=False)
    contact: str = ""

    @abstractmethod
    def pages(self, query: Query, done: Sequence[Page]) -> Iterator[Page]:
        """Yield the records that the query finds, page by page, from where the pages end that are `done` already.

        Raises
        ------
        SearchError
            The service fails, refuses, or gives fewer records than it said there are.
        """


class JsonSource(Source):
    """A source whose service answers with JSON; `path` is where it is asked.

    `results`, `hits` and `following` are the places of results, of their number, and of the next cursor in an answer,
    `fields` those of a record's fields in a result, `marked_up` names the fields with mark-up or entities. Places are
    keys joined by dots, ``[]`` after a list stands for each of its entries, and of several divided by ``|`` the first
    that holds anything counts.
    """

    path: ClassVar[str]
    results: ClassVar[str]
    hits: ClassVar[str]
    following: ClassVar[str] = ""
    fields: ClassVar[Mapping[str, str]]
    marked_up: ClassVar[tuple[str, ...]] = ("title", "abstract")

    def page(self, parameters: Parameters, *, method: str = "GET") -> Page:
        """Return the page that the service gives for these parameters."""
        content = self.service.json(self.path, parameters, method=method)
        items = dig(content, self.results)
        # Scopus tells no hits by one entry that holds an error.
        items = [item for item in items if "error" not in item] if isinstance(items, list) else []
        following = text_at(content, self.following) if items else ""
        hits = text_at(content, self.hits)
        records = tuple(self.record(item, index) for index, item in enumerate(items))
        return Page(records, int(hits) if hits.isdecimal() else 0, following)

    def by_cursor(self, asked: Parameters, name: str, done: Sequence[Page], *, method: str = "GET") -> Iterator[Page]:
        """Yield pages that each name the next one by a parameter; an expired cursor is replaced by the first."""
        held = done[-1].cursor if done else ""
        cursor = held or FIRST_CURSOR
        while cursor:
            try:
                page = self.page({**asked, name: cursor}, method=method)
            except SearchError:
                if cursor != held:
                    raise
                cursor = FIRST_CURSOR
                page = self.page({**asked, name: cursor}, method=method)
            cursor = "" if page.cursor == cursor else page.cursor
            yield replace(page, cursor=cursor)

    def by_position(
        self, asked: Parameters, name: str, done: Sequence[Page], limit: int, *, size: int = 1, first: int = 1
    ) -> Iterator[Page]:
        """Yield pages that are asked for by a parameter: the number of the `first` is given, and the `size` of each.

        Raises
        ------
        Moved
            The number of hits changed between two pages.
        SearchError
            There are more hits than the limit of what the service gives that way.
        """
        who, position, hits = self.database, int(done[-1].cursor or 0) if done else 0, None
        while hits is None or position < hits:
            page = self.page({**asked, name: position // size + first})
            if page.hits > limit:
                raise SearchError(
                    f"{who} has {page.hits:,} hits and gives out {limit:,}; narrow the query or the window"
                )
            if hits is not None and page.hits != hits:
                raise Moved(f"{who} went from {hits:,} to {page.hits:,} hits while they were read")
            hits = page.hits
            position += len(page.records)
            if not page.records and position < hits:
                raise SearchError(f"{who} said it has {hits:,} records and gave {position:,}; nothing was recorded")
            yield replace(page, cursor=str(position))

    def record(self, item: Any, index: int = 0) -> Record:
        """Return the record that a result describes."""
        found: dict[str, Any] = {name: text_at(item, places) for name, places in self.fields.items()}
        found |= {name: find(found[name]) for name, find in _IDENTIFIERS.items() if name in found}
        found["year"] = int(found["year"]) if found["year"].isdecimal() else year_of(found["year"])
        found["authors"] = tuple(texts_at(item, self.fields.get("authors", "")))
        found |= self.composed(item)
        found |= {name: plain(found[name]) for name in self.marked_up if name in found}
        raw = json.dumps(item, sort_keys=True, ensure_ascii=True).encode()
        return Record(self.database, index, sha256=hashlib.sha256(raw).hexdigest(), **found)

    def composed(self, item: Any) -> dict[str, Any]:  # noqa: ARG002 — few sources have such fields
        """Return the fields that stand at no one place of a result."""
        return {}


_IDENTIFIERS = {
    "doi": find_doi, "pmid": find_pmid, "pmcid": find_pmcid, "arxiv": find_arxiv, "openalex": find_openalex,
}  # fmt: skip


def dig(content: Any, place: str) -> Any:
    """Return a value deep in JSON, or None where the place is not there.

    >>> dig({"a": [{"b": 1}, {"b": 2}]}, "a.0.b"), dig({"a": None}, "a.b"), dig({"a": [{"b": 1}, {}]}, "a[].b")
    (1, None, [1, None])
    """
    for step in place.split(".") if place else ():
        key = step.removesuffix("[]")
        if key.isdecimal():
            content = content[int(key)] if isinstance(content, list) and len(content) > int(key) else None
        else:
            content = content.get(key) if isinstance(content, dict) else None
        if step.endswith("[]"):
            rest = place.partition("[]")[2].removeprefix(".")
            return [dig(entry, rest) for entry in content] if isinstance(content, list) else None
    return content


def texts_at(content: Any, places: str) -> list[str]:
    """Return the texts and numbers that stand at the first of several places that has any, blanks put in order."""
    for place in places.split("|"):
        value = dig(content, place.strip())
        values = [part for part in (value if isinstance(value, list) else [value]) if not isinstance(part, bool)]
        texts = [" ".join(str(part).split()) for part in values if isinstance(part, str | int | float)]
        if found := [text for text in texts if text]:
            return found
    return []


def text_at(content: Any, places: str) -> str:
    """Return what :func:`texts_at` returns as one text."""
    return "; ".join(texts_at(content, places))


def page_range(item: Any, first: str, last: str) -> str:
    """Return the pages of an article from the places of its first and its last, which may be the same or missing."""
    begin, end = text_at(item, first), text_at(item, last)
    return begin if end in ("", begin) else f"{begin}-{end}"


def person(entry: Any, family: str, given: str, whole: str) -> str:
    """Return the name of a person or a group from its parts or as a whole."""
    return full_name(text_at(entry, family), text_at(entry, given)) or text_at(entry, whole)
