"""Search one database: fetch page by page into a journal outside of the data, then record the run whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from livingreview.errors import SearchError
from livingreview.review.model import Strategy
from livingreview.search.ledger import Ledger, Run, replace_whole, slug
from livingreview.search.records import Record
from livingreview.search.sources.base import Moved, Page, Query, Resume, Source

__all__ = ["Journal", "Outcome", "fell_silent", "search_source", "state_folder", "strategy_hash", "window_start"]

Progress = Callable[[int, int], None]
# Databases add records with a date in the past; what an overlap finds again is not added again.
OVERLAP = timedelta(days=14)
# How often a run starts anew when the hits change while they are read by position.
STARTS = 3
# Records that may arrive during a run before its pages count as endless.
SLACK = 200


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    `hits` are the records that the database gave, `new` those that the ledger did not have. `resumed` says whether a
    run that had broken off was finished; `seconds` then is the duration of the last part.
    """

    run_id: str
    database: str
    since: date | None
    hits: int
    new: int
    resumed: bool
    seconds: float


def search_source(
    source: Source,
    strategy: Strategy,
    ledger: Ledger,
    *,
    since: date | None,
    today: date,
    maximum: int,
    progress: Progress | None = None,
) -> Outcome:
    """Search one database and record the run, or finish the run that broke off before.

    Parameters
    ----------
    since, today
        First and last day of the window; without the first it searches in full. The strategy's last year is moved
        forward to the last.
    maximum
        More hits than this end the run before they are fetched: a query that has gone wrong finds everything.
    progress
        Called with the number of records fetched and of hits after every page.

    Raises
    ------
    SearchError
        The database cannot be searched; the ledger is as it was, and what was fetched is kept for the next run.
    """
    started = time.monotonic()
    journal = Journal(ledger.state / slug(source.database))
    begun = journal.plan()
    plan = Plan(ledger.free_run_id(today, source.database), source.database, strategy_hash(strategy), since, today)
    resumed = begun is not None and begun.goes_on_as(plan) and begun.run_id not in ledger.known_runs()
    if begun is not None and resumed:
        plan = begun
    else:
        journal.begin(plan)
    _fetch_steadily(source, strategy, plan, journal, maximum, progress)
    found = {record.accession: record for page in journal.pages() for record in page.records}
    run = Run(
        run_id=plan.run_id,
        database=source.database,
        day=plan.until,
        kind="update",
        strategy=strategy.id,
        strategy_hash=plan.fingerprint,
        hits=len(found),
        source=f"{source.database} API",
        since=plan.since,
        seconds=time.monotonic() - started,
    )
    new = ledger.append(run, found.values())
    journal.discard()
    return Outcome(run.run_id, run.database, run.since, run.hits, new, resumed, run.seconds)


def window_start(ledger: Ledger, database: str, *, in_full: bool) -> date | None:
    """Return the first day of the window of the next search: the day of the database's last run, less an overlap.

    A database that was never searched is searched `in_full`, or since the last run of any.
    """
    last = ledger.last_search(database) or (None if in_full else ledger.last_search())
    return last - OVERLAP if last else None


def fell_silent(ledger: Ledger, outcome: Outcome) -> bool:
    """Return whether a database found nothing where it used to find something."""
    earlier = [row for row in ledger.runs() if row["database"] == outcome.database and row["run_id"] != outcome.run_id]
    return outcome.hits == 0 and any(int(row["hits"]) > 0 for row in earlier)


def strategy_hash(strategy: Strategy) -> str:
    """Return a short hash of what a strategy searches for; notes and titles do not count."""
    content = strategy.model_dump_json(include={"concepts", "from_year", "to_year", "languages"}, exclude_none=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def state_folder(root: Path) -> Path:
    """Return the folder for unfinished runs, which is no part of the review."""
    return root / ".cache" / "search"


def _fetch_steadily(
    source: Source, strategy: Strategy, plan: Plan, journal: Journal, maximum: int, progress: Progress | None
) -> None:
    """Fetch what is not there yet of a run; anew where the hits change while they are read by position."""
    moved = strategy.model_copy(update={"to_year": max(strategy.to_year, plan.until.year)})
    query = Query(moved, plan.since, plan.until)
    for start in range(STARTS):
        try:
            _fetch(source, query, journal, maximum, progress)
            break
        except Moved as error:
            journal.begin(plan)
            if start == STARTS - 1:
                raise SearchError(f"{error}, {STARTS} times; nothing was recorded, try again later") from None


def _fetch(source: Source, query: Query, journal: Journal, maximum: int, progress: Progress | None) -> None:
    done = list(journal.pages())
    accessions = {record.accession for page in done for record in page.records}
    passed, hits = sum(page.passed for page in done), [page.hits for page in done]
    received = 0

    def keep(page: Page) -> None:
        nonlocal passed, received
        received += max(1, len(page.records) + page.passed)
        if received > 2 * min([*hits, page.hits]) + SLACK:
            raise SearchError(f"{source.database} gives pages without end; nothing was recorded")
        if page.hits > maximum:
            raise SearchError(
                f"{source.database} has {page.hits:,} hits, more than {maximum:,}; nothing was recorded. "
                "Narrow the strategy or the window, or raise --max"
            )
        journal.add(page)
        hits.append(page.hits)
        accessions.update(record.accession for record in page.records)
        passed += page.passed
        if progress is not None:
            progress(len(accessions) + passed, page.hits)

    if not done or done[-1].cursor:
        for page in source.pages(query, journal.resume()):
            keep(page)
    # Records may arrive or go while a search runs, so the least number ever told is what must be there.
    if hits and len(accessions) + passed < min(hits):
        journal.discard()
        raise SearchError(
            f"{source.database} said it has {min(hits):,} records and gave {len(accessions) + passed:,}; "
            "nothing was recorded, try again"
        )


@dataclass(frozen=True)
class Plan:
    """What a run set out to do.

    `fingerprint` hashes all that decides what the run finds, its window from `since` to `until` aside.
    """

    run_id: str
    database: str
    fingerprint: str
    since: date | None
    until: date

    def goes_on_as(self, other: Plan) -> bool:
        """Return whether a run with another plan would find the same, but for what is new since this one."""
        return (self.fingerprint, self.since) == (other.fingerprint, other.since)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types."""
        since = self.since.isoformat() if self.since else None
        return {**vars(self), "since": since, "until": self.until.isoformat()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Plan:
        """Return the plan that :meth:`to_dict` wrote."""
        since = date.fromisoformat(content["since"]) if content["since"] else None
        return cls(**{**content, "since": since, "until": date.fromisoformat(content["until"])})


@dataclass(frozen=True)
class Journal:
    """The folder of one unfinished run: ``plan.json`` and ``pages.jsonl``, one line per page."""

    folder: Path

    def plan(self) -> Plan | None:
        """Return the plan of the unfinished run, or None."""
        try:
            return Plan.from_dict(json.loads((self.folder / "plan.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def begin(self, plan: Plan) -> None:
        """Forget what is there, and begin a run."""
        self.discard()
        self.folder.mkdir(parents=True)
        replace_whole(self.folder / "plan.json", json.dumps(plan.to_dict()).encode())

    def add(self, page: Page) -> None:
        """Keep a page, on the disk to the last byte."""
        content = {"hits": page.hits, "cursor": page.cursor, "passed": page.passed}
        records = [record.to_dict() for record in page.records]
        with self._pages_path.open("ab") as stream:
            stream.write(json.dumps({**content, "records": records}).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def pages(self) -> Iterator[Page]:
        """Yield the pages that are there; a last one that was cut short is cut off."""
        if not self._pages_path.exists():
            return
        whole = 0
        with self._pages_path.open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                content = json.loads(line)
                found = content.pop("records")
                records = tuple(Record(**{**record, "authors": tuple(record["authors"])}) for record in found)
                yield Page(records, **content)
        if whole < self._pages_path.stat().st_size:
            os.truncate(self._pages_path, whole)

    def resume(self) -> Resume:
        """Return where the run broke off."""
        resume = Resume()
        for page in self.pages():
            found = resume.accessions.union(record.accession for record in page.records)
            resume = replace(resume, cursor=page.cursor, accessions=found)
        return resume

    def discard(self) -> None:
        """Forget the run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _pages_path(self) -> Path:
        return self.folder / "pages.jsonl"
