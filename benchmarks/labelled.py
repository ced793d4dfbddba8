"""The labelled sets of records that de-duplication is measured on, read from the reference data."""

from __future__ import annotations

import csv
import os
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from livingreview.search.formats import read_export
from livingreview.search.ledger import records_from_csv
from livingreview.search.records import Record

# Rathbone et al. 2015, doi:10.1186/2046-4053-4-6, as labelled again by G. Wagner; and CoLRev's set of his.
GROUPED = ("cytology_screening", "haematology", "respiratory", "digital_work")
# One label per record: Hair et al. 2023, doi:10.1186/s12915-023-01686-z; IEBH/dedupe-sweep.
MARKED = ("diabetes_asysd", "tafenoquine")
SETS = (*GROUPED, *MARKED)
# The sets that the model's numbers are counted on.
TRAINING = ("cytology_screening", "respiratory", "digital_work")


@dataclass(frozen=True)
class LabelledSet:
    """Records and what is known of their publications.

    Parameters
    ----------
    name
        Name of the set.
    records
        The records.
    publications
        For a set labelled by groups: one number per record, equal for records of one publication; else empty.
    marked
        For a set labelled by record: whether each is a duplicate; else empty.
    originals_marked
        Whether `marked` marks every member of a group rather than all but one.
    """

    name: str
    records: tuple[Record, ...]
    publications: tuple[Hashable, ...] = ()
    marked: tuple[bool, ...] = ()
    originals_marked: bool = False


def reference() -> Path:
    """Return the folder of the reference data."""
    return Path(os.environ["LIVINGREVIEW_REFERENCE"])


def load_set(folder: Path, name: str) -> LabelledSet:
    """Read one labelled set of ``records/dedupe_labelled``."""
    labelled = folder / "records" / "dedupe_labelled"
    records = tuple(records_from_csv(labelled / f"{name}.records.csv", name))
    position = {record.accession: index for index, record in enumerate(records)}
    if name in MARKED:
        with (labelled / f"{name}.labels.csv").open(encoding="utf-8-sig", newline="") as stream:
            label = {row["ID"]: row["label"] for row in csv.DictReader(stream)}
        marked = tuple(label[record.accession] == "duplicate" for record in records)
        return LabelledSet(name, records, marked=marked, originals_marked=name == "tafenoquine")
    publications = list(range(len(records)))
    with (labelled / f"{name}.groups.csv").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            members = [position[identifier.strip()] for identifier in row["merged_ids"].split(";")]
            for member in members[1:]:
                publications[member] = publications[members[0]]
    return LabelledSet(name, records, publications=tuple(publications))


def load_cardiac(folder: Path) -> LabelledSet:
    """Read the synthetic set of six export files with hard negatives, ``records/synthetic_cardiac_a``."""
    cardiac = folder / "records" / "synthetic_cardiac_a"
    with (cardiac / "truth.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    study = {(row["file"], int(row["index"])): row["study"] for row in rows}
    names = dict.fromkeys(row["file"] for row in rows)
    records = tuple(record for name in names for record in read_export(cardiac / name, name)[0])
    publications = tuple(study[record.source_file, record.source_index] for record in records)
    return LabelledSet("synthetic_cardiac_a", records, publications=publications)
