"""What there is to screen: the records that the searches found, and the reports found by other methods.

Copies of one publication are screened once, under the record that came first. Which records are copies is read from
``search/clusters.csv``, which ``livingreview dedupe data/search/records.csv --output data/search/clusters.csv`` writes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from livingreview.errors import DataError, Fault
from livingreview.review.model import Study
from livingreview.review.reading import read_record
from livingreview.review.reports import OTHER_METHODS, OTHER_METHODS_COLUMNS, added_reports
from livingreview.screening.agreement import verdicts
from livingreview.screening.ledger import Decision, standing
from livingreview.search.ledger import records_from_csv
from livingreview.search.records import FIELD_LIMIT, Record, year_of

__all__ = ["Found", "Library", "conflicts", "read_library", "waiting", "why_nothing_waits"]

_IN_REVIEW: Final = "already in the base review"


@dataclass(frozen=True)
class Found:
    """A record by its id, and where it came from.

    `source` is the database, or ``"other methods"``; `run` the run that found it first, empty for other methods.
    """

    record: str
    details: Record
    source: str
    run: str = ""


@dataclass(frozen=True)
class Library:
    """Everything found, by record id in the order of the ledgers.

    `publication` names the record under which a record is screened: the first of its copies, often itself.
    `deduplicated` says that every record of the search ledger was looked at for copies.
    """

    found: Mapping[str, Found]
    publication: Mapping[str, str]
    deduplicated: bool

    @property
    def publications(self) -> tuple[str, ...]:
        """Records to screen: one per publication."""
        return tuple(record for record in self.found if self.publication[record] == record)

    def unified(self, decisions: Iterable[Decision]) -> tuple[Decision, ...]:
        """Return decisions as if each had been made about the first copy; of one person's several the last."""
        return tuple(
            replace(decision, record=self.publication.get(decision.record, decision.record))
            for decision in standing(decisions)
        )

    def outcomes(self, decisions: Iterable[Decision]) -> dict[str, tuple[bool, date]]:
        """Return what was decided on title and abstract, by record in the order in which records were first looked at.

        It is whether the record goes on, and the day of the last decision. One person who keeps a record keeps it
        until an adjudication says otherwise.
        """
        rows: dict[str, list[Decision]] = {}
        for row in self.unified(decisions):
            if row.stage == "title_abstract" and row.record in self.found:
                rows.setdefault(row.record, []).append(row)
        outcomes = {}
        for record, held in rows.items():
            counted = [row for row in held if row.kind == "adjudication"] or held
            kept = any(row.decision != "exclude" for row in counted)
            outcomes[record] = (kept, max(row.on for row in counted))
        return outcomes


def read_library(root: Path) -> Library:
    """Read both ledgers of found records in the data folder, and the copies among them; none of the files need exist.

    A study that was found by other methods and stands in no ledger is a report of its own.

    Raises
    ------
    DataError
        A ledger or a study's file cannot be read.
    """
    folder = root / "search"
    records = _search_records(folder / "records.csv")
    clusters = _clusters(folder / "clusters.csv", list(records))
    found = records | _other_records(root)
    first: dict[str, str] = {}
    publication = {record: first.setdefault(clusters.get(record, record), record) for record in found}
    return Library(found, publication, deduplicated=all(record in clusters for record in records))


def waiting(library: Library, decisions: Sequence[Decision], stage: str, person: str) -> tuple[Found, ...]:
    """Return what one person still has to look at, in the order of the ledgers.

    On title and abstract that is every publication, at the full text every one that title and abstract did not rule
    out; without what the person has decided, and without what enough others have.
    """
    unified = library.unified(decisions)
    mine = {row.record for row in unified if (row.stage, row.person, row.kind) == (stage, person, "decision")}
    decided = {r for r, verdict in verdicts(unified, stage).items() if verdict.outcome in ("include", "exclude")}
    pool: Iterable[str] = library.publications
    if stage == "full_text":
        earlier = verdicts(unified, "title_abstract")
        pool = [record for record in pool if record in earlier and earlier[record].outcome == "include"]
    return tuple(library.found[record] for record in pool if record not in mine and record not in decided)


def why_nothing_waits(library: Library, decisions: Sequence[Decision], stage: str, person: str) -> str:
    """Return in words why the queue of one person is empty, and what would fill it."""
    first = waiting(library, decisions, "title_abstract", "")
    if not library.publications:
        return "Nothing waits: no search has added a record, and no study was added by other methods."
    if stage == "full_text" and first:
        return (
            f"Nothing waits for {person or 'anybody'} at the full text. A report comes here when two people have kept "
            f"it on title and abstract; {len(first):,} wait there (without --stage full_text)."
        )
    others = waiting(library, decisions, stage, "")
    if others:
        return f"Nothing waits for {person}; {len(others):,} wait for a second person or an adjudication."
    return "Nothing waits: everything found has been decided at this stage."


def conflicts(library: Library, decisions: Sequence[Decision], stage: str) -> tuple[Found, ...]:
    """Return the publications that wait for an adjudication, in the order of the ledgers."""
    held = verdicts(library.unified(decisions), stage)
    return tuple(library.found[r] for r in library.publications if r in held and held[r].outcome == "conflict")


def _search_records(path: Path) -> dict[str, Found]:
    if not path.exists():
        return {}
    details = records_from_csv(path, path.name)
    rows = _rows(path, {"record", "run_id", "source"})
    return {
        row["record"]: Found(row["record"], record, row["source"], row["run_id"])
        for row, record in zip(rows, details, strict=True)
    }


def _other_records(root: Path) -> dict[str, Found]:
    path = root / "search" / "other_methods.csv"
    if not path.exists():
        return {}
    rows = _rows(path, OTHER_METHODS_COLUMNS)
    studies = (read_record(file, root, Study)[0] for file in sorted((root / "studies").glob("*.yaml")))
    return {
        row["candidate"]: Found(
            row["candidate"],
            Record(
                path.name,
                index,
                line=index + 2,
                authors=tuple(filter(None, [row["first_author"]])),
                year=year_of(row["published"]),
                **{name: row[name] for name in ("title", "journal", "doi", "pmid")},
            ),
            OTHER_METHODS,
        )
        for index, row in enumerate([*rows, *added_reports(studies, rows)])
        if row["suggestion"] != _IN_REVIEW
    }


def _clusters(path: Path, records: Sequence[str]) -> dict[str, str]:
    """Return the name of the cluster of every record that was looked at for copies."""
    clusters: dict[str, str] = {}
    for line, row in enumerate(_rows(path, {"source_index", "cluster"}), 2):
        index = row["source_index"]
        if not index.isascii() or not index.isdigit() or int(index) >= len(records):
            problem = f"no record stands at position {index!r} of records.csv"
            remedy = "run livingreview dedupe on records.csv again"
            raise DataError([Fault(_shown(path), line, "source_index", problem, remedy, "SCREEN-008")])
        clusters[records[int(index)]] = f"cluster {row['cluster']}"
    return clusters


def _rows(path: Path, needed: Iterable[str]) -> list[dict[str, str]]:
    if not path.exists():
        return []
    csv.field_size_limit(FIELD_LIMIT)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = sorted(set(needed) - set(reader.fieldnames or ()))
        if missing:
            problem = f"the header lacks {', '.join(missing)}"
            raise DataError([Fault(_shown(path), 1, "", problem, "restore the file from git", "SCREEN-008")])
        return list(reader)


def _shown(path: Path) -> str:
    return Path(*path.parts[-3:]).as_posix()
