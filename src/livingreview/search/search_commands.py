"""The sub-commands ``livingreview search`` and ``livingreview import``.

Light to import, as the command line shows their options also where only the engine is installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from livingreview.errors import SearchError

if TYPE_CHECKING:
    from livingreview.search.ledger import Ledger
    from livingreview.search.run import Outcome

__all__ = ["IMPORT_HELP", "SEARCH_HELP", "configure_import", "configure_search", "run_import", "run_search"]

SEARCH_HELP = "search the databases for new records and add them to the ledger"
IMPORT_HELP = "add the exports of a database to the ledger"

# A living review's window holds hundreds of records; more than this is a strategy that has gone wrong.
MAXIMUM = 20_000


def configure_search(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``livingreview search``."""
    parser.add_argument("--data", type=Path, default=Path("data"), help="the data folder (default: data)")
    parser.add_argument(
        "--since",
        type=_day,
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
        "--max", type=int, default=MAXIMUM, metavar="N", help=f"refuse a search with more hits (default: {MAXIMUM:,})"
    )
    parser.add_argument("--summary", type=Path, metavar="FILE", help="also append what was found to a Markdown file")


def run_search(options: argparse.Namespace) -> int:
    """Search every source; one that fails does not keep the others from being searched.

    Returns
    -------
    int
        0, or 1 when a source failed.

    Raises
    ------
    ReviewError
        If the review cannot be read, a source is unknown.
    """
    from livingreview.review import Review
    from livingreview.search.run import fell_silent, search_source, window_start
    from livingreview.search.sources.catalogue import connect

    review = Review.load(options.data)
    ledger = _ledger(options.data)
    addresses = review.file.addresses
    contact = os.environ.get("LIVINGREVIEW_CONTACT") or addresses.repository or addresses.site
    sources, lines = connect(options.source, os.environ, contact)
    if not sources:
        raise SearchError("no source to search: " + "; ".join(lines))
    failed = 0
    for entry, source in sources:
        since = options.since or window_start(ledger, source.database, in_full=entry.in_full)
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
            source.close()
    print("\n".join(lines))
    if options.summary:
        with options.summary.open("a", encoding="utf-8") as stream:
            stream.writelines(f"* {_markdown(line)}\n" for line in lines)
    return 1 if failed else 0


def configure_import(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``livingreview import``."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an export; its format is recognised")
    parser.add_argument("--data", type=Path, default=Path("data"), help="the data folder (default: data)")
    parser.add_argument("--database", metavar="NAME", help="the database searched (default: told from the records)")
    parser.add_argument("--platform", default="", metavar="NAME", help="its host, where it has several, e.g. Ovid")
    parser.add_argument("--date", type=_day, metavar="DATE", help="day of the search (default: today)")


def run_import(options: argparse.Namespace) -> int:
    """Add the records of all files as one run, and print what a reader reports.

    Raises
    ------
    DataError
        If a file has no record that can be read; nothing is added.
    ReviewError
        If the database cannot be told from the records.
    """
    from livingreview.search.intake import import_exports

    imported = import_exports(
        options.files,
        _ledger(options.data),
        database=options.database,
        platform=options.platform,
        day=options.date or date.today(),
    )
    for fault in imported.faults:
        print(fault, file=sys.stderr)
    print(f"{imported.database}: {imported.hits} records, {imported.new} new; run {imported.run_id}")
    return 0


def _ledger(data: Path) -> Ledger:
    from livingreview.search.ledger import Ledger
    from livingreview.search.run import state_folder

    return Ledger(data / "search", state_folder(data.absolute().parent))


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
    window = f"since {outcome.since}" if outcome.since else "in full"
    resumed = ", resumed" if outcome.resumed else ""
    return (
        f"{outcome.database}: {outcome.hits:,} records {window}, {outcome.new:,} new "
        f"({outcome.seconds:.0f} s{resumed}); run {outcome.run_id}"
    )


def _markdown(text: str) -> str:
    # What a service answered may stand in the text.
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#@" else character for character in text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date like 2025-07-31, found {text!r}") from None
