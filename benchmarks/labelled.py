"""The labelled sets of records that de-duplication is measured on, read from the reference data."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from livingreview.search.records import Record, records_from_csv

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
    """

    name: str
    records: tuple[Record, ...]
    publications: tuple[int, ...] = ()
    marked: tuple[bool, ...] = ()


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
        return LabelledSet(name, records, marked=tuple(label[record.accession] == "duplicate" for record in records))
    publications = list(range(len(records)))
    with (labelled / f"{name}.groups.csv").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            members = [position[identifier.strip()] for identifier in row["merged_ids"].split(";")]
            for member in members[1:]:
                publications[member] = publications[members[0]]
    return LabelledSet(name, records, publications=tuple(publications))
