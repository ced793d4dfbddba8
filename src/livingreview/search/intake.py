"""Take the exports of a database into the ledger, as one run."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from livingreview import __version__
from livingreview.errors import DataError, Fault, SearchError
from livingreview.search.imports import read_export
from livingreview.search.ledger import Ledger, Run
from livingreview.search.records import Record

__all__ = ["Imported", "import_exports", "recognise"]

# What only the exports of one database carry, in the number, the address or the file of a record.
_MARKS = (
    ("Embase", re.compile(r"(?:^|id=)L\d{6,12}$|embase\.com/")),
    ("Scopus", re.compile(r"2-s2\.0-\d+")),
    ("Web of Science", re.compile(r"^(?:WOS|ISI):[A-Z0-9]+$")),
    ("Cochrane", re.compile(r"^C[ND]-?\d{6,9}$|cochranelibrary\.com/")),
    ("IEEE Xplore", re.compile(r"ieeexplore\.ieee\.org/")),
    ("OpenAlex", re.compile(r"^(?:https://openalex\.org/)?W\d{4,12}$")),
)


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Parameters
    ----------
    run_id, database
        Of the run.
    hits, new
        Records in the files, and those that the ledger did not have.
    faults
        What the readers report; every record that could be read was kept.
    """

    run_id: str
    database: str
    hits: int
    new: int
    faults: tuple[Fault, ...]


def import_exports(
    files: Sequence[Path], ledger: Ledger, *, database: str | None, platform: str, day: date
) -> Imported:
    """Add the records of exports to the ledger.

    Parameters
    ----------
    files
        Exports of one search of one database.
    ledger
        Where the records go.
    database
        Its name; None tells it from the records.
    platform
        Host of the database, where it has several.
    day
        Day of the search.

    Raises
    ------
    DataError
        A file has no record that can be read, with all faults of all files; nothing was added.
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
    if empty:
        raise DataError(faults)
    name = database or recognise(records)
    run = Run(
        run_id=ledger.free_run_id(day, f"{name}-import"),
        database=name,
        day=day,
        kind="import",
        strategy="",
        strategy_hash="",
        hits=len(records),
        source="; ".join(f"{path.name} sha256 {_digest(path)}" for path in files),
        since=None,
        seconds=time.monotonic() - started,
        tool_version=f"livingreview {__version__}",
        platform=platform,
    )
    return Imported(run.run_id, name, len(records), ledger.append(run, records), tuple(faults))


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


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
