"""What a source of records is: it takes a query and gives pages."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from livingreview.errors import SearchError
from livingreview.review.model import Strategy
from livingreview.search.records import Record, plain
from livingreview.search.sources.http import Service

__all__ = [
    "JsonSource",
    "LookedUp",
    "Moved",
    "Page",
    "Query",
    "Resume",
    "Source",
    "by_cursor",
    "by_position",
    "dig",
    "list_at",
    "number_at",
    "page_range",
    "text_at",
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
class Resume:
    """What is there already of a run that broke off: the cursor of its last page, the numbers of its records."""

    cursor: str = ""
    accessions: frozenset[str] = frozenset()


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
    """A database that can be searched over the network; `database` is its name in the strategy and the search log.

    Parameters
    ----------
    service
        Its web service, with the key among the headers where it is taken there.
    key, contact
        Its key, and the e-mail address that it is told; either may be empty.
    """

    database: ClassVar[str]
    service: Service
    key: str = field(default="", repr=False)
    contact: str = ""

    @abstractmethod
    def pages(self, query: Query, resume: Resume) -> Iterator[Page]:
        """Yield the records that the query finds, page by page.

        Raises
        ------
        SearchError
            The service fails, refuses, or gives fewer records than it said there are.
        """

    def close(self) -> None:
        """Close the connections."""
        self.service.close()


class JsonSource(Source):
    """A source whose service describes each record by a JSON object."""

    @abstractmethod
    def fields(self, item: Any) -> dict[str, Any]:
        """Return the fields of a record that an object gives, title and abstract still with their mark-up."""

    def records(self, items: Any) -> tuple[Record, ...]:
        """Return the records of a list of objects; of none where there is no list."""
        return tuple(self.record(item, index) for index, item in enumerate(items or ()))

    def record(self, item: Any, index: int = 0) -> Record:
        """Return the record of one object."""
        found = self.fields(item)
        found |= {name: plain(found[name]) for name in ("title", "abstract") if name in found}
        raw = json.dumps(item, sort_keys=True, ensure_ascii=True).encode()
        return Record(self.database, index, sha256=hashlib.sha256(raw).hexdigest(), **found)


def by_cursor(fetch: Callable[[str], Page], resume: Resume) -> Iterator[Page]:
    """Yield pages that each name the next one, as `fetch` returns them; an expired cursor is replaced by the first."""
    cursor = resume.cursor or FIRST_CURSOR
    while cursor:
        try:
            page = fetch(cursor)
        except SearchError:
            if cursor != resume.cursor:
                raise
            page = fetch(FIRST_CURSOR)
        yield page
        cursor = page.cursor


def by_position(name: str, fetch: Callable[[int], Page], resume: Resume, limit: int) -> Iterator[Page]:
    """Yield pages that are asked for by the position of their first record, counted from 0.

    `fetch` returns the page at a position (its cursor is not read), `limit` is what the service gives that way.

    Raises
    ------
    Moved
        The number of hits changed between two pages.
    SearchError
        There are more hits than the limit.
    """
    position, hits = int(resume.cursor or 0), None
    while hits is None or position < hits:
        page = fetch(position)
        if page.hits > limit:
            raise SearchError(f"{name} has {page.hits:,} hits and gives out {limit:,}; narrow the query or the window")
        if hits is not None and page.hits != hits:
            raise Moved(f"{name} went from {hits:,} to {page.hits:,} hits while they were read")
        hits = page.hits
        position += len(page.records)
        if not page.records and position < hits:
            raise SearchError(f"{name} said it has {hits:,} records and gave {position:,}; nothing was recorded")
        yield Page(page.records, hits, str(position))


def dig(content: Any, *path: str | int) -> Any:
    """Return a value deep in JSON, or None where the path leaves it.

    >>> dig({"a": [{"b": 1}]}, "a", 0, "b"), dig({"a": None}, "a", 0, "b")
    (1, None)
    """
    for step in path:
        if isinstance(step, int):
            content = content[step] if isinstance(content, list) and len(content) > step else None
        else:
            content = content.get(step) if isinstance(content, dict) else None
    return content


def text_at(content: Any, *path: str | int) -> str:
    """Return a text or number deep in JSON as text; empty where there is none."""
    value = dig(content, *path)
    return " ".join(str(value).split()) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def number_at(content: Any, *path: str | int) -> int | None:
    """Return a whole number deep in JSON, or None where there is none."""
    text = text_at(content, *path)
    return int(text) if text.isdecimal() else None


def list_at(content: Any, *path: str | int) -> list[Any]:
    """Return a list deep in JSON; empty where there is none."""
    value = dig(content, *path)
    return value if isinstance(value, list) else []


def texts_at(content: Any, *path: str | int) -> list[str]:
    """Return the texts that are not empty of every entry of a list, each at the same `path` in its entry."""
    return [text for entry in content or () if (text := text_at(entry, *path))]


def page_range(first: str, last: str) -> str:
    """Return the pages of an article from its first and its last, which may be the same or not known."""
    return first if last in ("", first) else f"{first}-{last}"
