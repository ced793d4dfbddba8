"""The sub-command ``livingreview dedupe``.

Light to import, as the command line shows its options also where only the engine is installed.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from livingreview.errors import DataError, Fault

if TYPE_CHECKING:
    from livingreview.search.dedupe import Deduplication
    from livingreview.search.records import Record

__all__ = ["DEDUPE_HELP", "configure_dedupe", "run_dedupe"]

DEDUPE_HELP = "find the records of one publication in exports or tables of records"

CLUSTER_COLUMNS = ("source_file", "source_index", "cluster", "decision")
PAIR_COLUMNS = (
    *("left_file", "left_index", "right_file", "right_index", "outcome"),
    *("probability", "reason", "left_title", "right_title", "parameters"),
)


def configure_dedupe(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``livingreview dedupe``."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an export, or a CSV table of records")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="clusters.csv", help=f"columns {', '.join(CLUSTER_COLUMNS)}"
    )
    parser.add_argument(
        "--pairs",
        type=Path,
        metavar="pairs.csv",
        help="every merge, queued pair and link with its reason (default: beside the output, as *.pairs.csv)",
    )
    parser.add_argument(
        "--decided",
        type=Path,
        metavar="decided.csv",
        help="rows of pairs.csv whose outcome a person changed to merge or distinct; they override",
    )


def run_dedupe(options: argparse.Namespace) -> int:
    """Write the clusters and the pairs, and print what was found.

    Raises
    ------
    ReviewError
        If a file has no record that can be read.
    """
    from livingreview.search.dedupe import dedupe

    records = _read(options.files)
    decided = _read_decided(options.decided, records) if options.decided else {}
    found = dedupe(records, decided=decided)
    pairs = options.pairs or options.output.with_suffix(".pairs.csv")
    _write(options.output, CLUSTER_COLUMNS, _cluster_rows(records, found))
    _write(pairs, PAIR_COLUMNS, _pair_rows(records, found))
    publications = max(found.clusters, default=0)
    print(f"{len(records)} records, {publications} publications: {options.output}")
    queued, linked = found.count("queue"), found.count("link")
    print(f"{found.count('merge')} merged, {queued} waiting for a person, {linked} linked pair(s): {pairs}")
    return 0


def _read(files: Sequence[Path]) -> list[Record]:
    """Return the records of all files; print what a reader reports, fail when a file gave nothing."""
    from livingreview.search.imports import read_export
    from livingreview.search.records import is_record_table, records_from_csv

    named = Counter(path.name for path in files)
    records: list[Record] = []
    empty: list[Fault] = []
    for path in files:
        # The file's name where it tells the files apart, so that the table does not depend on the folder.
        name = path.name if named[path.name] == 1 else str(path)
        if not path.is_file():
            empty.append(Fault(name, 0, "", "expected a file, found none", "check the path", "DEDUPE-002"))
            continue
        read, faults = (records_from_csv(path, name), []) if is_record_table(path) else read_export(path, name)
        records.extend(read)
        for fault in faults if read else ():
            print(fault, file=sys.stderr)
        empty.extend(() if read else faults)
    if empty:
        raise DataError(empty)
    return records


def _cluster_rows(records: Sequence[Record], found: Deduplication) -> Iterable[tuple[object, ...]]:
    for record, cluster, decision in zip(records, found.clusters, found.decisions, strict=True):
        yield record.source_file, record.source_index, cluster, decision


def _pair_rows(records: Sequence[Record], found: Deduplication) -> Iterable[tuple[object, ...]]:
    for pair in found.pairs:
        a, b = records[pair.left], records[pair.right]
        place = (a.source_file, a.source_index, b.source_file, b.source_index)
        yield *place, pair.outcome, f"{pair.probability:.6f}", pair.reason, a.title, b.title, found.version


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _read_decided(path: Path, records: Sequence[Record]) -> Mapping[tuple[int, int], bool]:
    """Return people's decisions by the positions of the records; rows with another outcome are not decisions."""
    position = {(record.source_file, str(record.source_index)): index for index, record in enumerate(records)}
    decided: dict[tuple[int, int], bool] = {}
    faults: list[Fault] = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [column for column in PAIR_COLUMNS[:5] if column not in (reader.fieldnames or ())]
        if missing:
            problem = f"expected the columns of pairs.csv, found no {', '.join(missing)}"
            raise DataError([Fault(str(path), 1, "", problem, "start from pairs.csv", "DEDUPE-003")])
        for row in reader:
            if row["outcome"] not in ("merge", "distinct"):
                continue
            ends = [position.get((row[f"{side}_file"], row[f"{side}_index"])) for side in ("left", "right")]
            left, right = ends
            if left is None or right is None:
                problem = "the row names a record that is in none of the files"
                faults.append(Fault(str(path), reader.line_num, "", problem, "give its file too", "DEDUPE-004"))
            else:
                decided[left, right] = row["outcome"] == "merge"
    if faults:
        raise DataError(faults)
    return decided
