"""People's own extractions under ``data/extraction/``, read and checked; the folder need not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from livingreview.errors import DataError, Fault
from livingreview.review.checks import cross_check
from livingreview.review.model import Dataset, PersonExtraction, Study
from livingreview.review.reading import Document, read_record, shown_path

__all__ = ["LISTS", "SINGLE", "STUDY_FILE", "Reader", "extraction_faults", "readers"]

SINGLE = ("index_test", "setting", "sample", "translation")
LISTS = ("accuracy", "overlap")
STUDY_FILE = "study file"
FILE_NAME = re.compile(r"[a-z][a-z0-9-]{0,59}\.yaml")
Person = tuple[PersonExtraction, Document]


@dataclass(frozen=True)
class Reader:
    """One reading of a study: a person's extraction, or last the study file, on which they agreed."""

    name: str
    record: PersonExtraction | Study
    document: Document


def readers(root: Path, *, as_of: str | None = None) -> dict[str, list[Reader]]:
    """Return for each study the people who extracted it, up to a day (ISO text), and last the study file.

    Raises
    ------
    DataError
        With every fault of the extractions.
    """
    found, faults = _read(root, as_of)
    if not all(fault.is_warning for fault in faults):
        raise DataError(faults)
    return found


def extraction_faults(root: Path) -> list[Fault]:
    """Return every fault of the extractions, for ``livingreview check``."""
    return _read(root, None)[1]


def _read(root: Path, as_of: str | None) -> tuple[dict[str, list[Reader]], list[Fault]]:
    found: dict[str, list[Reader]] = {}
    faults: list[Fault] = []
    for folder in sorted((root / "extraction").glob("*")):
        file = root / "studies" / f"{folder.name}.yaml"
        if not file.exists():
            remedy = "name the folder by the id of a study"
            faults.append(Fault(shown_path(folder, root), 0, "", "not the folder of a study", remedy, "DOUBLE-001"))
            continue
        try:
            study, document = read_record(file, root, Study)
        except DataError as error:
            faults.extend(error.faults)
            continue
        people = []
        for path in sorted(folder.glob("*")):
            try:
                people.append(read_record(path, root, PersonExtraction))
            except DataError as error:
                faults.extend(error.faults)
        faults += [*_person_faults(people, study.id), *_value_faults(people, study, root)]
        held = [
            Reader(record.person, record, read) for record, read in people if as_of is None or str(record.on) <= as_of
        ]
        if held:
            found[study.id] = [*held, Reader(STUDY_FILE, study, document)]
    return found, faults


def _person_faults(people: Sequence[Person], study: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for record, document in people:
        if not FILE_NAME.fullmatch(document.path.rsplit("/", 1)[-1]):
            remedy = "name the file after the person, like jane-doe.yaml"
            yield document.fault(("person",), "the file's name is not a plain one", remedy, "DOUBLE-002")
        if record.study != study:
            problem = f"the study {record.study!r} in the folder of {study!r}"
            yield document.fault(("study",), problem, "move the file, or correct the id", "DOUBLE-003")
        name = " ".join(record.person.split()).casefold()
        if name in seen:
            problem = f"{record.person} extracts {study} twice"
            yield document.fault(("person",), problem, "keep one file for each person and study", "DOUBLE-004")
        seen.add(name)
        for key, source in record.sources.items():
            if source.kind.startswith("baseline"):
                problem, remedy = "a value of the base review", "extract from the study's own report"
                yield document.fault(("sources", key), problem, remedy, "DOUBLE-005")


def _value_faults(people: Sequence[Person], study: Study, root: Path) -> Iterator[Fault]:
    """Hold a person's values to the rules of a study file, by putting them into it."""
    try:
        datasets = [read_record(path, root, Dataset)[0] for path in sorted((root / "datasets").glob("*.yaml"))]
    except DataError:  # reported where datasets are checked
        return
    for record, document in people:
        every = list(record.sources)
        values = {name: getattr(record, name) for name in (*SINGLE, *LISTS, "sources")}
        report = study.report.model_copy(update={"source": every})
        whole = study.model_copy(update={**values, "source": every, "report": report, "appraisal": None})
        for fault in cross_check([(whole, document)], [(held, document) for held in datasets], {}, date.today()):
            # Which entry is the primary one is for the two to settle, in the study file.
            if fault.field.startswith(tuple(values)) and not fault.code.startswith(("BASE", "LINK-011")):
                yield fault
