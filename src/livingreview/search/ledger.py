"""The append-only ledger of records, the log of the runs that found them, and other tables of records.

A run is written whole: its records are added behind the old ones, then its row behind the old runs. Each file is
replaced in one step by itself plus what is new, so that a reader never sees half a run; old bytes are copied, not
parsed. Where a machine stops between the two steps, appending the same run again finishes it.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

from livingreview import __version__
from livingreview.errors import DataError, Fault
from livingreview.review import RUN_COLUMNS
from livingreview.search.records import FIELD_LIMIT, Record, find_doi, find_pmid, one_line, split_authors, year_of
from livingreview.wording import csv_text

__all__ = ["Ledger", "Run", "extend", "is_record_table", "records_from_csv", "replace_whole", "slug"]

RECORD_COLUMNS = (
    "record", "run_id", "source", "title", "authors", "year", "journal", "volume", "issue", "pages", "doi", "pmid",
    "pmcid", "arxiv", "openalex", "accession", "issn", "abstract", "keywords", "language", "kind", "url", "sha256",
)  # fmt: skip

# Numbers by which a database names a record for good. In an export a number may be a mere position in the file, which
# the next export uses again: there, only these count, and other records are known by their content.
_ACCESSIONS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "PubMed": re.compile(r"[1-9]\d{0,8}"),
        "Europe PMC": re.compile(r"[A-Z]{3}:[A-Za-z0-9./-]+"),
        "OpenAlex": re.compile(r"W\d+"),
        "Crossref": re.compile(r"10\.\d{4,9}/\S+"),
        "Scopus": re.compile(r"2-s2\.0-\d+"),
        "Web of Science": re.compile(r"[A-Z]+:[A-Z0-9]+"),
        "IEEE Xplore": re.compile(r"\d{4,12}"),
        "Embase": re.compile(r"L\d{6,12}"),
        "Cochrane": re.compile(r"C[ND]-?\d+"),
    }
)
_PLAIN = re.compile(r"[A-Za-z0-9.:_-]{1,60}")


@dataclass(frozen=True)
class Run:
    """One search of one database, or one import of its exports.

    Parameters
    ----------
    kind, source
        ``"update"`` for a search over the network, ``"import"`` for exports; where the records came from: the service,
        or the files.
    strategy, strategy_hash
        Id of the strategy and hash of its content; empty where an export's query is not known.
    since
        First day of the window, None when the database was searched in full.
    platform
        Host of the database where it has several, e.g. ``"Ovid"``.
    """

    run_id: str
    database: str
    day: date
    kind: str
    source: str
    strategy: str = ""
    strategy_hash: str = ""
    since: date | None = None
    hits: int = 0
    seconds: float = 0.0
    tool_version: str = f"livingreview {__version__}"
    platform: str = ""

    def row(self, new: int) -> list[str]:
        """Return the cells of ``runs.csv``; `new` is the number of records that it added to the ledger."""
        cells = {**vars(self), "date": self.day, "new": new, "from_date": self.since or ""}
        cells["duration_s"] = f"{self.seconds:.1f}"
        return [one_line(str(cells[column])) for column in RUN_COLUMNS]


@dataclass(frozen=True)
class Ledger:
    """The two files of a review's searches in ``data/search``; `state` is a folder outside of it, for the lock."""

    folder: Path
    state: Path

    @property
    def records_path(self) -> Path:
        """Return the path of ``records.csv``, which need not exist yet."""
        return self.folder / "records.csv"

    @property
    def runs_path(self) -> Path:
        """Return the path of ``runs.csv``."""
        return self.folder / "runs.csv"

    def runs(self) -> list[dict[str, str]]:
        """Return the rows of ``runs.csv``; a :class:`DataError` tells that its header is not the expected one."""
        return list(_rows(self.runs_path, RUN_COLUMNS))

    def known(self) -> dict[str, str]:
        """Return the run of every record in the ledger, by record; errors as for :meth:`runs`."""
        return {row["record"]: row["run_id"] for row in _rows(self.records_path, RECORD_COLUMNS)}

    def known_runs(self) -> set[str]:
        """Return the names of all runs."""
        return {row["run_id"] for row in self.runs()}

    def free_run_id(self, day: date, name: str) -> str:
        """Return a name for a new run that no run has yet, e.g. ``2026-11-22-pubmed``."""
        used = self.known_runs()
        plain = f"{day}-{slug(name)}"
        return next(name for name in (plain, *(f"{plain}-{n}" for n in range(2, len(used) + 3))) if name not in used)

    def last_search(self, database: str | None = None) -> date | None:
        """Return the day of the newest run of a database, or of any; None when there is none."""
        days = [row["date"] for row in self.runs() if database in (None, row["database"])]
        return date.fromisoformat(max(days)) if days else None

    def append(self, run: Run, records: Iterable[Record]) -> int:
        """Add a run and those of its records that the ledger does not have; return how many those are.

        Appending a run that is there, wholly or in part, adds nothing twice.

        Raises
        ------
        DataError
            A header is not the expected one; nothing was written.
        """
        # Only writing needs the package, so that `livingreview check` reads the ledger without it.
        from filelock import FileLock

        self.state.mkdir(parents=True, exist_ok=True)
        with FileLock(self.state / "ledger.lock"):
            for path in self.folder.glob(".*.partial"):
                path.unlink()
            runs = {row["run_id"]: row["new"] for row in self.runs()}
            if run.run_id in runs:
                return int(runs[run.run_id] or 0)
            known = self.known()
            rows: dict[str, list[str]] = {}
            for record in records:
                name = record_id(run.database, record)
                if name not in known:
                    rows.setdefault(name, _row(name, run, record))
            if rows:
                extend(self.records_path, RECORD_COLUMNS, rows.values())
            new = len(rows) + sum(run_id == run.run_id for run_id in known.values())
            extend(self.runs_path, RUN_COLUMNS, [run.row(new)])
        return new

    def faults(self) -> list[Fault]:
        """Return what is wrong in the ledger: a record twice, or of a run that was never recorded."""
        shown = _shown(self.records_path)
        try:
            runs = self.known_runs()
            rows = list(_rows(self.records_path, RECORD_COLUMNS))
        except DataError as error:
            return list(error.faults)
        faults: list[Fault] = []
        seen: set[str] = set()
        for line, row in enumerate(rows, 2):
            if row["run_id"] not in runs:
                problem = f"the run {row['run_id']!r} is not in runs.csv"
                remedy = "run the search again, which finishes it"
                faults.append(Fault(shown, line, "run_id", problem, remedy, "LEDGER-001"))
            if row["record"] in seen:
                problem = f"the record {row['record']!r} stands here twice"
                faults.append(Fault(shown, line, "record", problem, "restore the file from git", "LEDGER-002"))
            seen.add(row["record"])
        return faults


def record_id(database: str, record: Record) -> str:
    """Return the name of a record in the ledger: of its number in the database, or else of its content.

    >>> record_id("PubMed", Record("PubMed", 0, accession="39857091"))
    'pubmed-39857091'
    >>> record_id("ProQuest", Record("a.ris", 0, title="T", accession="1", sha256="ab" * 32))
    'proquest-abababababababab'
    """
    accession = record.accession or (record.pmid if database == "PubMed" else "")
    pattern = _ACCESSIONS.get(database)
    if pattern is not None and pattern.fullmatch(accession):
        plain = _PLAIN.fullmatch(accession)
        return f"{slug(database)}-{accession if plain else _hash(accession)}"
    content = record.sha256 or _hash("\0".join((record.title, *record.authors, str(record.year), record.journal)))
    return f"{slug(database)}-{content[:16]}"


def slug(name: str) -> str:
    """Return a name for files and ids.

    >>> slug("Web of Science")
    'web-of-science'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _row(name: str, run: Run, record: Record) -> list[str]:
    cells = {column: str(getattr(record, column, "") or "") for column in RECORD_COLUMNS}
    cells |= {"record": name, "run_id": run.run_id, "source": run.database}
    # The sign at the end of a single author keeps "Food and Drug Administration" one author when it is read again.
    authors = "; ".join(author.replace(";", ",") for author in record.authors)
    cells["authors"] = f"{authors};" if len(record.authors) == 1 else authors
    cells["doi"] = find_doi(record.doi)
    cells["pmid"] = find_pmid(record.pmid)
    # One record, one line: what git shows of an update are whole records.
    return [one_line(cells[column]) for column in RECORD_COLUMNS]


def _shown(path: Path) -> str:
    return Path(*path.absolute().parts[-3:]).as_posix()


def _rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    if not path.exists():
        return
    csv.field_size_limit(FIELD_LIMIT)
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        if header != list(columns):
            problem = f"expected the header {','.join(columns)}, found {','.join(header) or 'nothing'}"
            raise DataError([Fault(_shown(path), 1, "", problem, "restore the file from git", "LEDGER-003")])
        for row in reader:
            if len(row) != len(columns):
                problem = f"expected {len(columns)} cells, found {len(row)}"
                place = _shown(path), reader.line_num, ""
                raise DataError([Fault(*place, problem, "restore the file from git", "LEDGER-004")])
            yield dict(zip(columns, row, strict=True))


def extend(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Replace a file, which need not exist, by itself and further rows, in one step."""
    text = csv_text(rows if path.exists() else [columns, *rows])
    old = path.read_bytes() if path.exists() else b""
    joint = b"" if not old or old.endswith(b"\n") else b"\n"
    replace_whole(path, old + joint + text.encode())


def replace_whole(path: Path, content: bytes) -> None:
    """Write a file beside another, on the disk to the last byte, and put it in its place."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


# Column of a table of records → field of `Record`. The last four are names of BibTeX and of other tools.
COLUMNS = {name: name for name in Record.__slots__ if name not in ("source_file", "source_index", "line", "sha256")}
COLUMNS |= {"author": "authors", "number": "issue", "id": "accession", "isbn": "issn"}


def is_record_table(path: Path) -> bool:
    """Return whether a file is a CSV table of records rather than a database's own CSV export.

    The columns of a table of records are lower-case field names; of databases' exports none has both ``title``
    and ``author`` or ``authors`` in that form.
    """
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = set(next(csv.reader(stream), []))
    except UnicodeDecodeError:
        return False
    return "title" in header and bool(header & {"author", "authors"})


def records_from_csv(path: Path, name: str | None = None) -> list[Record]:
    """Read a UTF-8 table whose columns are the fields of :class:`Record`, or BibTeX's names; others are ignored.

    The `source_file` of the records is `name`, by default the path as given.

    Raises
    ------
    DataError
        A row has more cells than the header has columns, or the file is not UTF-8.
    """
    source = name if name is not None else str(path)
    csv.field_size_limit(FIELD_LIMIT)
    records: list[Record] = []
    faults: list[Fault] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            for index, row in enumerate(reader):
                if None in row:
                    problem = f"expected {len(reader.fieldnames or ())} cells, found more"
                    faults.append(
                        Fault(source, reader.line_num, "", problem, "quote cells that hold commas", "RECORD-001")
                    )
                records.append(_record(row, source, index, reader.line_num))
    except UnicodeDecodeError as error:
        faults.append(Fault(source, 0, "", f"expected UTF-8, found {error.reason}", "save it as UTF-8", "RECORD-002"))
    if faults:
        raise DataError(faults)
    return records


def _record(row: dict[str, str | None], source: str, index: int, line: int) -> Record:
    fields: dict[str, str] = {}
    for column, value in row.items():
        field = COLUMNS.get(column.lower()) if isinstance(column, str) else None
        if field and isinstance(value, str) and not fields.get(field):
            fields[field] = value.strip()
    authors = split_authors(fields.pop("authors", ""))
    year = year_of(fields.pop("year", ""))
    return Record(source, index, authors=authors, year=year, line=line, **fields)
