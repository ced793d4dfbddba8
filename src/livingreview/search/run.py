"""What makes a run: searching a database page by page through a journal outside of the data, or importing its exports.

Either way the run is recorded whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from livingreview.errors import DataError, Fault, SearchError
from livingreview.review.model import Strategy
from livingreview.search.formats import read_export
from livingreview.search.ledger import Ledger, Run, replace_whole, slug
from livingreview.search.records import Record
from livingreview.search.sources.base import Moved, Page, Query, Source

__all__ = ["Outcome", "fell_silent", "import_exports", "search_source", "window_start"]

Progress = Callable[[int, int], None]
# Databases add records with a date in the past; what an overlap finds again is not added again.
OVERLAP = timedelta(days=14)
# How often a run starts anew when the hits change while they are read by position.
STARTS = 3
# Records that may arrive during a run before its pages count as endless.
SLACK = 200


@dataclass(frozen=True)
class Outcome:
    """What came of a run: how many of its records the ledger did not have, and what the readers of exports report.

    `resumed` says whether a run that had broken off was finished; its `seconds` then are those of the last part.
    """

    run: Run
    new: int
    resumed: bool = False
    faults: tuple[Fault, ...] = ()


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
    fresh = Run(
        run_id=ledger.free_run_id(today, source.database),
        database=source.database,
        day=today,
        kind="update",
        strategy=strategy.id,
        strategy_hash=strategy_hash(strategy),
        source=f"{source.database} API",
        since=since,
    )
    begun = journal.begun(fresh)
    resumed = begun is not None and begun.run_id not in ledger.known_runs()
    run = begun if begun is not None and resumed else fresh
    if not resumed:
        journal.begin(run)
    _fetch_steadily(source, strategy, run, journal, maximum, progress)
    found = {record.accession: record for page in journal.pages() for record in page.records}
    run = replace(run, hits=len(found), seconds=time.monotonic() - started)
    new = ledger.append(run, found.values())
    journal.discard()
    return Outcome(run, new, resumed)


def window_start(ledger: Ledger, database: str, *, in_full: bool) -> date | None:
    """Return the first day of the window of the next search: the day of the database's last run, less an overlap.

    A database that was never searched is searched `in_full`, or since the last run of any.
    """
    last = ledger.last_search(database) or (None if in_full else ledger.last_search())
    return last - OVERLAP if last else None


def fell_silent(ledger: Ledger, outcome: Outcome) -> bool:
    """Return whether a database found nothing where it used to find something."""
    run = outcome.run
    earlier = [row for row in ledger.runs() if row["database"] == run.database and row["run_id"] != run.run_id]
    return run.hits == 0 and any(int(row["hits"]) > 0 for row in earlier)


def strategy_hash(strategy: Strategy) -> str:
    """Return a short hash of what a strategy searches for; notes and titles do not count."""
    content = strategy.model_dump_json(include={"concepts", "from_year", "to_year", "languages"}, exclude_none=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _fetch_steadily(
    source: Source, strategy: Strategy, run: Run, journal: Journal, maximum: int, progress: Progress | None
) -> None:
    """Fetch what is not there yet of a run; anew where the hits change while they are read by position."""
    moved = strategy.model_copy(update={"to_year": max(strategy.to_year, run.day.year)})
    query = Query(moved, run.since, run.day)
    for start in range(STARTS):
        try:
            _fetch(source, query, journal, maximum, progress)
            break
        except Moved as error:
            journal.begin(run)
            if start == STARTS - 1:
                raise SearchError(f"{error}, {STARTS} times; nothing was recorded, try again later") from None


def _fetch(source: Source, query: Query, journal: Journal, maximum: int, progress: Progress | None) -> None:
    done = list(journal.pages())
    accessions = {record.accession for page in done for record in page.records}
    passed, hits = sum(page.passed for page in done), [page.hits for page in done]
    received = 0
    for page in source.pages(query, done) if not done or done[-1].cursor else ():
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
    # Records may arrive or go while a search runs, so the least number ever told is what must be there.
    if hits and len(accessions) + passed < min(hits):
        journal.discard()
        raise SearchError(
            f"{source.database} said it has {min(hits):,} records and gave {len(accessions) + passed:,}; "
            "nothing was recorded, try again"
        )


@dataclass(frozen=True)
class Journal:
    """The folder of one unfinished run: ``plan.json`` and ``pages.jsonl``, one line per page."""

    folder: Path

    def begun(self, run: Run) -> Run | None:
        """Return a run with the name and day that it was begun with, None where no run would find the same.

        Its strategy and the start of its window decide what it finds, but for what is new since that day.
        """
        try:
            plan = json.loads((self.folder / "plan.json").read_text(encoding="utf-8"))
            day = date.fromisoformat(plan["day"])
            same = (plan["strategy_hash"], plan["since"]) == (run.strategy_hash, str(run.since))
            return replace(run, run_id=plan["run_id"], day=day) if same else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def begin(self, run: Run) -> None:
        """Forget what is there, and begin a run."""
        self.discard()
        self.folder.mkdir(parents=True)
        plan = {name: str(getattr(run, name)) for name in ("run_id", "day", "strategy_hash", "since")}
        replace_whole(self.folder / "plan.json", json.dumps(plan).encode())

    def add(self, page: Page) -> None:
        """Keep a page, on the disk to the last byte."""
        content = {"hits": page.hits, "cursor": page.cursor, "passed": page.passed}
        records = [asdict(record) for record in page.records]
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

    def discard(self) -> None:
        """Forget the run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _pages_path(self) -> Path:
        return self.folder / "pages.jsonl"


def import_exports(files: Sequence[Path], ledger: Ledger, *, database: str | None, platform: str, day: date) -> Outcome:
    """Add the records of exports to the ledger.

    `database` is its name, None to tell it from the records; `platform` its host, where it has several; `day` that of
    the search.

    Raises
    ------
    DataError
        A file has no record that can be read, or one with neither title nor DOI nor PubMed number, by which nobody
        could tell what it is; with all faults of all files. Nothing was added.
    SearchError
        The database cannot be told from the records; nothing was added.
    """
    started = time.monotonic()
    records: list[Record] = []
    faults: list[Fault] = []
    empty = False
    for path in files:
        read, found = read_export(path)
        records += read
        faults += found
        empty = empty or not read
    nameless = [
        Fault(record.source_file, record.line, "", "a record without title, DOI or PubMed number",
              "mend the record in the file, or delete it there; nothing was added", "IMPORT-015")
        for record in records
        if not (record.title or record.doi or record.pmid)
    ]  # fmt: skip
    if empty or nameless:
        raise DataError([*faults, *nameless])
    name = database or recognise(records)
    run = Run(
        run_id=ledger.free_run_id(day, f"{name}-import"),
        database=name,
        day=day,
        kind="import",
        hits=len(records),
        source="; ".join(f"{path.name} sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}" for path in files),
        seconds=time.monotonic() - started,
        platform=platform,
    )
    return Outcome(run, ledger.append(run, records), faults=tuple(faults))


# What only the exports of one database carry, in the number, the address or the file of a record.
_MARKS = (
    ("Embase", re.compile(r"(?:^|id=)L\d{6,12}$|embase\.com/")),
    ("Scopus", re.compile(r"2-s2\.0-\d+")),
    ("Web of Science", re.compile(r"^(?:WOS|ISI):[A-Z0-9]+$")),
    ("Cochrane", re.compile(r"^C[ND]-?\d{6,9}$|cochranelibrary\.com/")),
    ("IEEE Xplore", re.compile(r"ieeexplore\.ieee\.org/")),
    ("OpenAlex", re.compile(r"^(?:https://openalex\.org/)?W\d{4,12}$")),
)


def recognise(records: Sequence[Record]) -> str:
    """Return the database that most of the records carry the mark of.

    Raises
    ------
    SearchError
        Fewer than half carry the mark of any one.

    Examples
    --------
    >>> recognise([Record("a.ciw", 0, accession="WOS:000082252000006")])
    'Web of Science'
    """
    votes: Counter[str] = Counter()
    for record in records:
        found = next((name for name, mark in _MARKS if mark.search(record.accession) or mark.search(record.url)), None)
        if found is None and record.pmid and record.accession in ("", record.pmid):
            found = "PubMed"
        if found is not None:
            votes[found] += 1
    (name, count), *_ = [*votes.most_common(1), ("", 0)]
    if 2 * count < len(records) or not name:
        raise SearchError("cannot tell from the records which database they come from; name it with --database")
    return name
