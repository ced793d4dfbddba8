"""Load the review from its files, look at it on any day, and lay it out as tidy tables.

>>> from livingreview.review import Review
>>> review = Review.load("data")  # doctest: +SKIP
>>> review.as_of(date(2025, 7, 31)).included  # doctest: +SKIP
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from pydantic import BaseModel

from livingreview.errors import DataError, Fault
from livingreview.review.checks import cross_check
from livingreview.review.model import (
    Dataset,
    Instrument,
    OverlapEntry,
    ReviewFile,
    Strategy,
    Study,
    number,
    source_keys,
)
from livingreview.review.reading import Document, read_csv, read_record, read_text, shown_path
from livingreview.review.reports import OTHER_METHODS_COLUMNS, added_reports, label, told_apart

__all__ = ["RUN_COLUMNS", "STUDY_ID", "Review", "check"]

RUN_COLUMNS = (
    "run_id", "database", "platform", "date", "kind", "strategy", "hits", "new", "source", "strategy_hash",
    "from_date", "duration_s", "tool_version",
)  # fmt: skip
# Column of a table of studies that holds their ids; pages do not show it but link by it.
STUDY_ID = "study_id"
ModelT = TypeVar("ModelT", bound=BaseModel)
ReadT = TypeVar("ReadT")


@dataclass(frozen=True)
class Review:
    """The review as it stands on one day.

    Parameters
    ----------
    root
        The data folder.
    day
        The day the review is looked at; standings and searches after it are not seen.
    file
        ``review.yaml``.
    studies
        Every study met by that day, ordered by id.
    datasets, instruments, strategy, runs, other_methods
        The other files; ``runs`` and ``other_methods`` hold one row per search and per report found, the reports of
        studies that somebody added as a file among them.
    baseline
        The base review's tables as transcribed, by name.
    verified_only
        Whether syntheses leave out every study whose extraction no person has signed. They are still shown.
    """

    root: Path
    day: date
    file: ReviewFile
    studies: tuple[Study, ...]
    datasets: Mapping[str, Dataset]
    instruments: Mapping[str, Instrument]
    strategy: Strategy
    runs: pd.DataFrame
    other_methods: pd.DataFrame
    baseline: Mapping[str, pd.DataFrame]
    verified_only: bool = False

    @classmethod
    def load(cls, path: str | Path, *, as_of: date | str | None = None, verified_only: bool = False) -> Review:
        """Read and check every file.

        Parameters
        ----------
        path
            The data folder.
        as_of
            Look at the review as it stood on that day (a date or ISO text); by default on the newest day that its
            files speak of.
        verified_only
            Let no synthesis use a study whose extraction no person has signed.

        Raises
        ------
        DataError
            With every fault of every file.
        """
        reader = _Reader(Path(path))
        review = reader.review()
        if review is None:
            raise DataError(reader.faults)
        review = replace(review, verified_only=verified_only)
        if as_of is None:
            return review
        return review.as_of(date.fromisoformat(as_of) if isinstance(as_of, str) else as_of)

    def as_of(self, day: date) -> Review:
        """Return the review as it stood at the end of a day."""
        return replace(
            self,
            day=day,
            studies=told_apart(study.as_of(day) for study in self.studies if study.standing_on(day)),
            runs=self.runs[self.runs["date"] <= day].reset_index(drop=True),
            other_methods=self.other_methods[self.other_methods["found"] <= day].reset_index(drop=True),
        )

    def standing(self, status: str) -> tuple[Study, ...]:
        """Return the studies of one status on this day, e.g. ``"included"``."""
        held = ((study, study.standing_on(self.day)) for study in self.studies)
        return tuple(study for study, standing in held if standing is not None and standing.status == status)

    @property
    def included(self) -> tuple[Study, ...]:
        """Studies that the review includes by name on this day."""
        return self.standing("included")

    @property
    def awaiting(self) -> tuple[Study, ...]:
        """Studies awaiting classification: suggested as eligible, not yet decided on by a person."""
        return self.standing("awaiting classification")

    @property
    def last_search(self) -> date:
        """Day of the last database search."""
        day: date = self.runs["date"].max()
        return day

    @property
    def next_search_due(self) -> date:
        """Day by which the next database search is due."""
        return self.last_search + timedelta(days=self.file.living.search_every_days)

    def study(self, study_id: str) -> Study:
        """Return one study.

        Raises
        ------
        KeyError
            The review has no study of that id on this day.
        """
        for study in self.studies:
            if study.id == study_id:
                return study
        raise KeyError(study_id)

    def studies_table(self) -> pd.DataFrame:
        """Return one row per study: identity, standing, method, setting and sizes; absent is ``None``."""
        return pd.DataFrame([_study_row(study, self.day) for study in self.studies])

    def overlap_table(self) -> pd.DataFrame:
        """Return one row per Dice, Jaccard or Hausdorff value; numbers as floats (Dice in 0–1, distances in mm)."""
        fields = [name for name in OverlapEntry.model_fields if name != "source"]
        rows: list[dict[str, Any]] = []
        for study in self.studies:
            for entry in study.overlap:
                row: dict[str, Any] = {"study": study.id, "label_of_study": label(study)}
                row |= {name: getattr(entry, name) for name in fields}
                row |= {"value": number(entry.value), "sd": number(entry.sd)}
                rows.append(row | {"kind_of_source": study.sources[source_keys(entry.source)[0]].kind})
        return pd.DataFrame(rows, columns=["study", "label_of_study", *fields, "kind_of_source"])


def _study_row(study: Study, day: date) -> dict[str, Any]:
    standing = study.standing_on(day)
    row: dict[str, Any] = {
        "study": study.id,
        "label": label(study),
        "status": standing.status if standing else None,
        "route": standing.route if standing else None,
        "identification": study.identification.status if study.identification else None,
        "task": study.task,
        "topic": study.topic,
        "target_condition": study.target_condition,
        "verified": study.verified,
        "risk_of_bias": study.risk_of_bias,
    }
    for block, names in {
        "report": ("title", "journal", "year", "doi", "pmid", "pmcid", "url"),
        "index_test": ("architecture", "family", "dimensionality", "sequences", "learning"),
        "setting": ("datasets", "description", "access", "centres", "vendors", "validation"),
        "sample": ("unit", "n", "n_train", "n_test", "n_diseased", "n_nondiseased"),
    }.items():
        part = getattr(study, block)
        row |= {name: getattr(part, name, None) for name in names}
    return row


def check(
    root: Path,
    only: Sequence[Path] = (),
    also: Sequence[Callable[[Path], Sequence[Fault]]] = (),
    whole: Sequence[Callable[[Review], Sequence[Fault]]] = (),
) -> list[Fault]:
    """Return every fault of the review's files, sorted by file and line.

    Parameters
    ----------
    root
        The data folder.
    only
        Report just the faults of these files (all files are read either way, because files refer to each other).
    also
        Further checks, of files that the review itself does not read; each takes the data folder.
    whole
        Further checks of what is computed from the review, where it can be read.
    """
    reader = _Reader(root)
    review = reader.review()
    faults = reader.faults
    if root.is_dir() and not _links_out(root):
        faults = [*faults, *(fault for find in also for fault in find(root))]
    if review is not None:
        faults = [*faults, *(fault for judge in whole for fault in judge(review))]
    if only:
        wanted = {path.resolve() for path in only}
        parent = root.absolute().parent
        faults = [fault for fault in faults if (parent / fault.path).resolve() in wanted]
        known = {file.resolve() for file in root.rglob("*") if file.is_file()}
        faults += [
            Fault(path.as_posix(), 0, "", f"not a file of the review in {root}", "give a path inside it", "FILE-007")
            for path in only
            if path.resolve() not in known
        ]
    # Two checks that read one ledger both say what is wrong with it.
    return sorted(set(faults))


def _links_out(root: Path) -> list[Fault]:
    """Return a fault for every symbolic link that leads out of the review; then no file is read, whoever would."""
    remedy = "copy the file in instead"
    return [
        Fault(shown_path(path, root), 0, "", "a symbolic link leads out of the review", remedy, "FILE-002")
        for path in sorted(root.rglob("*"))
        if path.is_symlink() and not path.resolve().is_relative_to(root.resolve())
    ]


class _Reader:
    """Read a data folder file by file, and gather the faults of all of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[Fault] = []

    def review(self) -> Review | None:
        """Return the review on the newest day that its files speak of, or None where any file has a fault."""
        root = self.root
        if not root.is_dir():
            problem, remedy = "the data folder does not exist", "run this in the review, or give --data"
            self.faults.append(Fault(root.as_posix(), 0, "", problem, remedy, "FILE-001"))
            return None
        if links := _links_out(root):
            self.faults += links
            return None
        file = self._record(root / "review.yaml", ReviewFile)
        strategy = self._record(root / "search" / "strategy.yaml", Strategy)
        studies = list(self._folder("studies", Study))
        datasets = list(self._folder("datasets", Dataset))
        loaded = {path.stem: self._record(path, Instrument) for path in sorted((root / "instruments").glob("*.yaml"))}
        runs = self._ledger("runs.csv", RUN_COLUMNS, {"date": date.fromisoformat, "hits": int})
        other = self._ledger("other_methods.csv", OTHER_METHODS_COLUMNS, {"found": date.fromisoformat})
        baseline, rows = self._baseline()
        days = [] if runs is None or other is None else [*runs["date"], *other["found"], *self._decision_days()]
        # The ledgers count beside today, for machines whose clock is behind.
        tools = [item[0] for item in loaded.values() if item is not None]
        self.faults += cross_check(studies, datasets, rows, max([date.today(), *days]), tools)
        if (
            not all(fault.is_warning for fault in self.faults)
            or file is None
            or strategy is None
            or runs is None
            or other is None
        ):
            return None
        models = tuple(sorted((study for study, _ in studies), key=lambda study: study.id))
        listed = [dict(zip(OTHER_METHODS_COLUMNS, row, strict=True)) for row in other.to_numpy()]
        added = pd.DataFrame(added_reports(models, listed), columns=list(OTHER_METHODS_COLUMNS))
        days += [standing.on for study in models for standing in study.standing]
        days += [item.verified_on for study in models for item in study.extraction if item.verified_on]
        days += [item.on for study in models if study.appraisal for item in study.appraisal.judgements]
        return Review(
            root=root,
            day=max(days),
            file=file[0],
            studies=told_apart(models),
            datasets={dataset.id: dataset for dataset, _ in datasets},
            instruments={name: item[0] for name, item in loaded.items() if item is not None},
            strategy=strategy[0],
            runs=runs,
            other_methods=pd.concat([other, added], ignore_index=True) if len(added) else other,
            baseline=baseline,
        )

    def _gathered(self, read: Callable[[], ReadT]) -> ReadT | None:
        try:
            return read()
        except DataError as error:
            self.faults += error.faults
            return None

    def _record(self, path: Path, model: type[ModelT]) -> tuple[ModelT, Document] | None:
        return self._gathered(lambda: read_record(path, self.root, model))

    def _folder(self, name: str, model: type[ModelT]) -> Iterator[tuple[ModelT, Document]]:
        folder = self.root / name
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name.startswith("."):
                continue
            if path.suffix != ".yaml":
                remedy = "name it <id>.yaml or move it elsewhere"
                place = f"{self.root.name}/{name}/{path.name}"
                self.faults.append(Fault(place, 0, "", "not a .yaml file", remedy, "FILE-008"))
            elif (loaded := self._record(path, model)) is not None:
                yield loaded

    def _ledger(
        self, name: str, columns: Sequence[str], typed: Mapping[str, Callable[[str], Any]]
    ) -> pd.DataFrame | None:
        rows = self._gathered(lambda: read_csv(self.root / "search" / name, self.root, columns, typed))
        return None if rows is None else pd.DataFrame(rows, columns=list(columns))

    def _baseline(self) -> tuple[dict[str, pd.DataFrame], dict[str, dict[int, dict[str, Any]]]]:
        """Return the base review's tables, and the cells of those that number their rows."""
        tables: dict[str, pd.DataFrame] = {}
        rows: dict[str, dict[int, dict[str, Any]]] = {}
        for path in sorted((self.root / "baseline").glob("*.csv")):
            try:
                table = pd.read_csv(io.StringIO(read_text(path, self.root)))
                if "row" in table.columns:
                    cells = table.to_dict("records")
                    rows[path.stem] = {int(row["row"]): {str(key): cell for key, cell in row.items()} for row in cells}
                tables[path.stem] = table
            except DataError as error:
                self.faults += error.faults
            except ValueError as error:  # pandas' own errors are of this kind
                problem = f"not the table that it was ({' '.join(str(error).split())})"
                place = f"{self.root.name}/baseline/{path.name}"
                self.faults.append(Fault(place, 0, "", problem, "restore it: the baseline is never edited", "BASE-005"))
        return tables, rows

    def _decision_days(self) -> Iterator[date]:
        """Yield the days of the screening decisions; what is wrong with them is for the screening to say."""
        path = self.root / "screening" / "decisions.csv"
        if not path.exists():
            return
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            for row in csv.DictReader(stream):
                with suppress(ValueError, TypeError):
                    yield date.fromisoformat(row.get("date", ""))
