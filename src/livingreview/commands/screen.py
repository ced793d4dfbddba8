"""The sub-command ``livingreview screen``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from livingreview.commands import Command, at_least_one, past_day, require_data
from livingreview.errors import ReviewError, TooFewStudies

if TYPE_CHECKING:
    from livingreview.screening.ledger import Decision
    from livingreview.screening.library import Found, Library
    from livingreview.screening.ranking import Ranked

__all__ = ["SCREEN"]

STAGES = ("title_abstract", "full_text")


def _configure_screen(parser: argparse.ArgumentParser) -> None:
    _common(parser)
    parser.add_argument("--person", default="", metavar="NAME", help="who screens, by the name used throughout")
    parser.add_argument("--adjudicate", action="store_true", help="settle what others decided differently")
    parser.set_defaults(action=_screen)
    actions = parser.add_subparsers(metavar="ACTION", help="without one, screen in the terminal")

    def action(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        _common(sub, default=argparse.SUPPRESS)
        sub.set_defaults(action=run)
        return sub

    rank = action("rank", _rank, "put the records that wait in the order in which to read them; excludes none")
    rank.add_argument("--top", type=at_least_one, metavar="N", help="show only the first N (default: all)")
    rank.add_argument("--format", choices=["text", "markdown", "csv"], default="text")
    export = action("export", _export, "write the records that wait for ASReview or Rayyan")
    export.add_argument("output", type=Path, metavar="FILE", help="a new .csv or .ris file")
    export.add_argument("--for", dest="tool", choices=["asreview", "rayyan"], required=True)
    unset = argparse.SUPPRESS  # a default of its own would overwrite the name that stands before the action
    export.add_argument("--person", default=unset, metavar="NAME", help="leave out what this person has decided")
    back = action("import", _import, "add the decisions made in ASReview or Rayyan to the ledger")
    back.add_argument("file", type=Path, metavar="FILE", help="the tool's export, .csv or .ris")
    back.add_argument("--from", dest="tool", choices=["asreview", "rayyan"], required=True)
    back.add_argument("--person", default=unset, metavar="NAME", help="who screened; of Rayyan's people, only this one")
    back.add_argument("--date", type=past_day, metavar="DATE", help="day of decisions without one of their own (today)")
    back.add_argument(
        "--reason", action="append", default=[], metavar="WORDS=KEY", help="what a reason there means here"
    )
    action("agreement", _agreement, "report how well people agree, and where they do not")
    stopping = action("stopping", _stopping, "report how likely it is that something was missed; decides nothing")
    stopping.add_argument("--recall", type=float, default=0.95, metavar="R", help="recall to test (default: 0.95)")


def _run_screen(options: argparse.Namespace) -> int:
    """Do what was asked for; without an action, screen in the terminal."""
    code: int = options.action(options)
    return code


def _common(parser: argparse.ArgumentParser, default: object = None) -> None:
    data, stage = (default or Path("data")), (default or STAGES[0])
    parser.add_argument("--data", type=Path, default=data, help="the data folder (default: data)")
    parser.add_argument("--stage", choices=STAGES, default=stage, help=f"default: {STAGES[0]}")


def _read(options: argparse.Namespace) -> tuple[Library, tuple[Decision, ...]]:
    from livingreview.screening.ledger import read_decisions
    from livingreview.screening.library import read_library

    require_data(options.data)
    library = read_library(options.data)
    if not library.deduplicated:
        print("Nobody has looked for copies since records were added: one publication may stand here several times. "
              "Run livingreview dedupe first, as CONTRIBUTING.md says.", file=sys.stderr)  # fmt: skip
    return library, read_decisions(options.data, library.found)


def _screen(options: argparse.Namespace) -> int:
    from livingreview.review import Review
    from livingreview.screening.agreement import disagreements
    from livingreview.screening.library import conflicts, waiting
    from livingreview.screening.session import Session, run, terms_pattern

    if not options.person.strip():
        raise ReviewError("who screens? Give --person NAME, the same name every time")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ReviewError("screening needs a terminal; or use: livingreview screen export")
    library, decisions = _read(options)
    if options.adjudicate:
        queue = conflicts(library, decisions, options.stage)
    else:
        queue = waiting(library, decisions, options.stage, options.person)
        places = {item.record: item.rank for item in _ranking(library, decisions, queue, quiet=True)}
        queue = tuple(sorted(queue, key=lambda item: places.get(item.record, 0)))
    if not queue:
        print(_nothing(library, decisions, options))
        return 0
    session = Session(
        options.data,
        queue,
        options.stage,
        options.person.strip(),
        date.today(),
        kind="adjudication" if options.adjudicate else "decision",
        terms=terms_pattern(Review.load(options.data).strategy),
        earlier=disagreements(library.unified(decisions), options.stage) if options.adjudicate else {},
    )
    run(session)
    print(f"{len(session.decided)} decision(s) added to {options.data / 'screening' / 'decisions.csv'}")
    return 0


def _nothing(library: Library, decisions: tuple[Decision, ...], options: argparse.Namespace) -> str:
    from livingreview.screening.library import why_nothing_waits

    if getattr(options, "adjudicate", False):
        return "Nothing waits for an adjudication: no two people differ."
    return why_nothing_waits(library, decisions, options.stage, getattr(options, "person", "").strip())


def _ranking(
    library: Library, decisions: tuple[Decision, ...], queue: tuple[Found, ...], *, quiet: bool
) -> tuple[Ranked, ...]:
    """Return the ranking of a queue, or nothing and the reason on the standard error."""
    try:
        from livingreview.screening.ranking import rank

        known = {r: (library.found[r].details, kept) for r, (kept, _) in library.outcomes(decisions).items()}
        return rank({item.record: item.details for item in queue}, known)
    except ImportError as error:
        reason = f"{error}; install the extra: pip install 'livingreview[search]'"
    except TooFewStudies as error:
        reason = str(error)
    if not quiet:
        print(f"Not ranked: {reason}.", file=sys.stderr)
    return ()


def _rank(options: argparse.Namespace) -> int:
    from livingreview.screening.library import waiting
    from livingreview.screening.ranking import backtest_line, ranking_table

    library, decisions = _read(options)
    queue = waiting(library, decisions, options.stage, "")
    if not queue:
        print(_nothing(library, decisions, options), file=sys.stderr)
        return 0
    ranking = _ranking(library, decisions, queue, quiet=False)
    print(ranking_table(queue, ranking, options.format, options.top or len(queue)))
    if ranking and options.format != "csv":
        print(f"\n{backtest_line(library, decisions)}")
    return 0


def _export(options: argparse.Namespace) -> int:
    from livingreview.screening.exchange import export_text
    from livingreview.screening.library import waiting

    form = options.output.suffix.lower().lstrip(".")
    if form not in ("csv", "ris"):
        raise ReviewError(f"expected a name that ends in .csv or .ris, found {options.output.name}")
    if options.output.exists():
        raise ReviewError(f"{options.output} exists already; give another name")
    library, decisions = _read(options)
    queue = waiting(library, decisions, options.stage, options.person)
    if not queue:
        print(_nothing(library, decisions, options), file=sys.stderr)
    learned = {r: kept for r, (kept, _) in library.outcomes(decisions).items()} if options.tool == "asreview" else {}
    known = tuple(library.found[record] for record in learned if record not in {item.record for item in queue})
    text = export_text((*known, *queue), options.tool, form, learned)
    options.output.write_text(text, encoding="utf-8", newline="")
    print(f"{len(queue)} record(s) that wait, {len(known)} with a verdict to learn from: {options.output}")
    return 0


def _import(options: argparse.Namespace) -> int:
    from livingreview.screening.exchange import import_decisions
    from livingreview.screening.ledger import append, standing

    if not options.file.is_file():
        raise ReviewError(f"no file at {options.file}; check the name")
    wrong = [text for text in options.reason if "=" not in text]
    if wrong:
        raise ReviewError(f"expected --reason 'WORDS=KEY', found {wrong[0]!r}")
    library, decisions = _read(options)
    read = import_decisions(
        options.file,
        options.tool,
        library.found,
        stage=options.stage,
        day=options.date or date.today(),
        person=options.person,
        reasons={words.strip(): key.strip() for words, _, key in (text.rpartition("=") for text in options.reason)},
    )
    # What an earlier import brought stands already, perhaps with another day.
    held = {(row.key, row.decision, row.reason) for row in standing(decisions)}
    fresh = [row for row in read if (row.key, row.decision, row.reason) not in held]
    append(options.data, *fresh)
    print(f"{len(fresh)} decision(s) added, {len(read) - len(fresh)} were there already")
    return 0


def _agreement(options: argparse.Namespace) -> int:
    from livingreview.screening.agreement import disagreements, pairwise_agreement

    library, decisions = _read(options)
    unified = library.unified(decisions)
    found = pairwise_agreement(unified, options.stage)
    print("\n".join(map(str, found)) or "No two people have decided on the same record.")
    for record, rows in disagreements(unified, options.stage).items():
        print(f"to adjudicate: {record}: " + ", ".join(f"{row.person} {row.decision}" for row in rows))
    return 0


def _stopping(options: argparse.Namespace) -> int:
    from livingreview.screening.ranking import stopping_report

    library, decisions = _read(options)
    if options.stage != STAGES[0]:
        raise ReviewError("full texts are read to the last one: there is no stopping rule for them")
    outcomes = library.outcomes(decisions)
    labels = [kept for kept, _ in outcomes.values()]
    try:
        print(stopping_report(labels, len(library.publications), recall_target=options.recall))
    except ValueError as error:
        raise ReviewError(str(error)) from error
    return 0


SCREEN = Command(
    "screen", "screen records in the terminal; rank them, exchange them with other tools, report on the screening",
    _configure_screen, _run_screen, "search",
)  # fmt: skip
