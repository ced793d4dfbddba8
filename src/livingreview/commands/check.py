"""The sub-commands ``livingreview check``, ``extractions`` and ``schema``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from livingreview.commands import Command, add_data_option, require_data
from livingreview.errors import DataError, ReviewError

if TYPE_CHECKING:
    from livingreview.errors import Fault

__all__ = ["CHECK", "EXTRACTIONS", "SCHEMA", "as_github", "every_fault"]


def _configure_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="report only these files (default: all)")
    add_data_option(parser)
    parser.add_argument("--format", choices=["text", "github", "json"], default="text",
                        help="lines to read (the default), annotations of a pull request, or JSON")  # fmt: skip


def _run_check(options: argparse.Namespace) -> int:
    """Print every fault; return 1 if there is one that is more than a warning."""
    faults = every_fault(options.data, options.paths)
    warnings = sum(fault.is_warning for fault in faults)
    if options.format == "json":
        print(json.dumps([asdict(fault) for fault in faults], ensure_ascii=False, indent=1))
    elif faults:
        lines = (f"{'warning: ' if fault.is_warning else ''}{fault}" for fault in faults)
        print(as_github(faults) if options.format == "github" else "\n".join(lines))
    if options.format != "json":
        files = len({fault.path for fault in faults if not fault.is_warning})
        summary = f"{len(faults) - warnings} fault(s) in {files} file(s)" if files else "no fault found"
        print(summary + (f", {warnings} warning(s)" if warnings else ""), file=sys.stderr)
    return 1 if len(faults) > warnings else 0


def every_fault(data: Path, only: Sequence[Path] = ()) -> list[Fault]:
    """Return every fault of the review's files; parameters as for :func:`livingreview.review.check`."""
    from livingreview.analysis.flow import living_flow
    from livingreview.analysis.reporting import read_answers
    from livingreview.living.releases import release_faults
    from livingreview.living.results import rule_faults
    from livingreview.review import check
    from livingreview.review.extractions import extraction_faults
    from livingreview.screening.ledger import read_decisions
    from livingreview.screening.library import read_library
    from livingreview.search.strategy import search_faults

    return check(
        data,
        only,
        also=[
            search_faults,
            lambda root: _refusal(lambda: read_decisions(root, read_library(root).found)),
            rule_faults,
            release_faults,
            extraction_faults,
        ],
        whole=[
            lambda review: _refusal(lambda: living_flow(review)),
            lambda review: _refusal(lambda: read_answers(review.root, review.instruments)),
        ],
    )


def _refusal(read: Callable[[], object]) -> Sequence[Fault]:
    """Return what keeps something from being read or counted."""
    try:
        read()
    except DataError as error:
        return error.faults
    return ()


def as_github(faults: Sequence[Fault]) -> str:
    """Return workflow commands that annotate the faulty lines of a pull request.

    Everything from a file is escaped, so that a contributed value cannot start a command of its own.

    References
    ----------
    GitHub documentation, "Workflow commands for GitHub Actions", section "Setting an error message".
    """
    return "\n".join(_annotation(fault) for fault in faults)


def _annotation(fault: Fault) -> str:
    place = f"file={_property(fault.path)},line={max(fault.line, 1)}," if fault.path else ""
    body = ": ".join(part for part in (fault.field, fault.problem) if part)
    message = f"{body}; {fault.remedy}" if fault.remedy else body
    level = "warning" if fault.is_warning else "error"
    return f"::{level} {place}title={_property(fault.code)}::{_message(message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _run_schema(options: argparse.Namespace) -> int:
    """Write ``schema/<kind>.schema.json`` for every kind of file."""
    from livingreview.review.model import json_schemas

    require_data(options.data)
    folder = options.data / "schema"
    folder.mkdir(exist_ok=True)
    for name, schema in json_schemas().items():
        path = folder / f"{name}.schema.json"
        path.write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path)
    return 0


def _configure_extractions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "study", nargs="?", metavar="STUDY", help="only this study (default: all that people extracted)"
    )
    add_data_option(parser)


def _run_extractions(options: argparse.Namespace) -> int:
    """Print every field on which the readers of a study differ: what each gives, and where it stands."""
    from livingreview.analysis.double_extraction import compare, standing_of
    from livingreview.review.extractions import readers

    require_data(options.data)
    folder = options.data / "extraction" / (options.study or "")
    found = readers(options.data) if folder.is_dir() else {}
    if options.study and options.study not in found:
        raise ReviewError(f"nobody has extracted {options.study!r} into {options.data / 'extraction' / options.study}")
    for study, held in found.items():
        if options.study in (None, study):
            for item in compare(held):
                if not item.alike:
                    print(f"{study} {item.field}")
                    for reader in held:
                        given = item.values.get(reader.name)
                        line = f":{reader.document.line(given.where)}" if given else ""
                        print(f"    {reader.document.path}{line} {reader.name}: {given.text if given else 'nothing'}")
    print(standing_of(found), file=sys.stderr)
    return 0


CHECK = Command("check", "name every fault of the review's files, with line and way out", _configure_check, _run_check)
EXTRACTIONS = Command(
    "extractions", "compare people's extractions of a study with each other and with the study file",
    _configure_extractions, _run_extractions,
)  # fmt: skip
SCHEMA = Command(
    "schema", "write the JSON Schemas that editors use to complete and check the files", add_data_option, _run_schema,
)  # fmt: skip
