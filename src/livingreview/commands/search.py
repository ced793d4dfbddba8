"""The sub-commands ``livingreview search``, ``livingreview import`` and ``livingreview dedupe``."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from livingreview.commands import Command, add_data_option, at_least_one, day, past_day, require_data
from livingreview.errors import DataError, Fault, SearchError
from livingreview.wording import csv_text, in_markdown

if TYPE_CHECKING:
    from livingreview.search.dedupe import Deduplication
    from livingreview.search.ledger import Ledger
    from livingreview.search.records import Record
    from livingreview.search.run import Outcome

__all__ = ["DEDUPE", "IMPORT", "SEARCH"]

# A living review's window holds hundreds of records; more than this is a strategy that has gone wrong.
MAXIMUM = 20_000


def _configure_search(parser: argparse.ArgumentParser) -> None:
    add_data_option(parser)
    parser.add_argument(
        "--since",
        type=day,
        metavar="DATE",
        help="records new to the database since DATE (default: its last run, with an overlap of two weeks)",
    )
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME",
        help="search only this source; may be repeated (pubmed, europepmc, openalex, crossref, scopus, webofscience, "
        "ieee; default: all but crossref, those without a key left out)",
    )
    parser.add_argument(
        "--max",
        type=at_least_one,
        default=MAXIMUM,
        metavar="N",
        help=f"refuse a search with more hits (default: {MAXIMUM:,})",
    )
    parser.add_argument("--summary", type=Path, metavar="FILE", help="also append what was found to a Markdown file")


def _run_search(options: argparse.Namespace) -> int:
    """Search every source, and return 1 when one failed, which does not keep the others from being searched."""
    from livingreview.review import Review
    from livingreview.search.run import fell_silent, search_source, window_start
    from livingreview.search.sources import connect

    review = Review.load(options.data)
    ledger = _ledger(options.data)
    addresses = review.file.addresses
    contact = os.environ.get("LIVINGREVIEW_CONTACT") or addresses.repository or addresses.site
    sources, lines = connect(options.source, os.environ, contact)
    if not sources:
        raise SearchError("no source to search: " + "; ".join(lines))
    failed = 0
    for source in sources:
        since = options.since or window_start(ledger, source.database, in_full=source.in_full)
        try:
            with _progress(source.database) as progress:
                outcome = search_source(
                    source,
                    review.strategy,
                    ledger,
                    since=since,
                    today=date.today(),
                    maximum=options.max,
                    progress=progress,
                )
            lines.append(_line(outcome))
            if fell_silent(ledger, outcome):
                lines.append(f"{source.database}: WARNING, it found nothing where it used to find something")
        except SearchError as error:
            failed += 1
            lines.append(f"{source.database}: FAILED, {error}")
        finally:
            source.service.close()
    print("\n".join(lines))
    if options.summary:
        with options.summary.open("a", encoding="utf-8") as stream:
            stream.writelines(f"* {in_markdown(line)}\n" for line in lines)
    return 1 if failed else 0


def _configure_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an export; its format is recognised")
    add_data_option(parser)
    parser.add_argument("--database", metavar="NAME", help="the database searched (default: told from the records)")
    parser.add_argument("--platform", default="", metavar="NAME", help="its host, where it has several, e.g. Ovid")
    parser.add_argument("--date", type=past_day, metavar="DATE", help="day of the search (default: today)")


def _run_import(options: argparse.Namespace) -> int:
    """Add the records of all files as one run, and print what a reader reports."""
    from livingreview.search.run import import_exports

    require_data(options.data)
    outcome = import_exports(
        options.files,
        _ledger(options.data),
        database=options.database,
        platform=options.platform,
        day=options.date or date.today(),
    )
    for fault in outcome.faults:
        print(fault, file=sys.stderr)
    run = outcome.run
    print(f"{run.database}: {run.hits} records, {outcome.new} new; run {run.run_id}")
    if outcome.new:
        search = options.data / "search"
        print(f"Next, look for copies: livingreview dedupe {search}/records.csv --output {search}/clusters.csv")
    return 0


def _ledger(data: Path) -> Ledger:
    from livingreview.search.ledger import Ledger

    # Unfinished runs are no part of the review.
    return Ledger(data / "search", data.absolute().parent / ".cache" / "search")


@contextmanager
def _progress(database: str) -> Iterator[Callable[[int, int], None]]:
    from tqdm import tqdm

    # None: no bar where the standard error is no terminal.
    with tqdm(desc=database, unit=" records", disable=None, leave=False) as bar:

        def show(fetched: int, hits: int) -> None:
            bar.total = hits
            bar.update(fetched - bar.n)

        yield show


def _line(outcome: Outcome) -> str:
    run = outcome.run
    window = f"since {run.since}" if run.since else "in full"
    resumed = ", resumed" if outcome.resumed else ""
    return (
        f"{run.database}: {run.hits:,} records {window}, {outcome.new:,} new "
        f"({run.seconds:.0f} s{resumed}); run {run.run_id}"
    )


CLUSTER_COLUMNS = ("source_file", "source_index", "cluster", "decision")
PAIR_COLUMNS = (
    *("left_file", "left_index", "right_file", "right_index", "outcome"),
    *("probability", "reason", "left_title", "right_title", "parameters"),
)


def _configure_dedupe(parser: argparse.ArgumentParser) -> None:
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


def _run_dedupe(options: argparse.Namespace) -> int:
    """Write the clusters and the pairs, and print what was found."""
    from livingreview.search.dedupe import dedupe

    _refuse_other(options.output, {path.name for path in options.files})
    records = _read(options.files)
    decided = _read_decided(options.decided, records) if options.decided else {}
    found = dedupe(records, decided=decided)
    pairs = options.pairs or options.output.with_suffix(".pairs.csv")
    places = [(record.source_file, record.source_index) for record in records]
    clusters = zip(places, found.clusters, found.decisions, strict=True)
    _write(options.output, CLUSTER_COLUMNS, ((*place, cluster, decision) for place, cluster, decision in clusters))
    _write(pairs, PAIR_COLUMNS, _pair_rows(records, found))
    publications = max(found.clusters, default=0)
    print(f"{len(records)} records, {publications} publications: {options.output}")
    queued, linked = found.count("queue"), found.count("link")
    print(f"{found.count('merge')} merged, {queued} waiting for a person, {linked} linked pair(s): {pairs}")
    return 0


def _refuse_other(output: Path, names: set[str]) -> None:
    """Raise unless the output is new, or holds what was found in these files before."""
    if not output.exists():
        return
    with output.open(encoding="utf-8", errors="replace", newline="") as stream:
        reader = csv.DictReader(stream)
        ours = tuple(reader.fieldnames or ()) == CLUSTER_COLUMNS
        held = {Path(row["source_file"] or "").name for row in reader} if ours else set()
    if not ours or not held <= names:
        about = f"the clusters of {', '.join(sorted(held - names))}" if ours else "something else than clusters"
        raise DataError([Fault(str(output), 0, "", f"it holds {about}", "give another name", "DEDUPE-005")])


def _read(files: Sequence[Path]) -> list[Record]:
    """Return the records of all files; print what a reader reports, fail when a file gave nothing."""
    from livingreview.search.formats import read_export
    from livingreview.search.ledger import is_record_table, records_from_csv

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


def _pair_rows(records: Sequence[Record], found: Deduplication) -> Iterable[tuple[object, ...]]:
    for pair in found.pairs:
        a, b = records[pair.left], records[pair.right]
        place = (a.source_file, a.source_index, b.source_file, b.source_index)
        yield *place, pair.outcome, f"{pair.probability:.6f}", pair.reason, a.title, b.title, found.version


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.write_text(csv_text([columns, *rows]), encoding="utf-8", newline="")


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


SEARCH = Command(
    "search", "search the databases for new records and add them to the ledger",
    _configure_search, _run_search, "search",
)  # fmt: skip
IMPORT = Command("import", "add the exports of a database to the ledger", _configure_import, _run_import, "search")
DEDUPE = Command(
    "dedupe", "find the records of one publication in exports or tables of records",
    _configure_dedupe, _run_dedupe, "search",
)  # fmt: skip
