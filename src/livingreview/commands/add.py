"""The sub-command ``livingreview add``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from livingreview.commands import Command, add_data_option
from livingreview.errors import DataError, Fault

if TYPE_CHECKING:
    from livingreview.adding.draft import Wish

__all__ = ["ADD"]


def _configure_add(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("study", nargs="?", metavar="DOI|PMID|FILE", help="a DOI, a PubMed number, or an export file")
    what.add_argument("--from-issue", type=Path, metavar="FILE", help="the saved body of a 'suggest a study' issue")
    parser.add_argument("--task", choices=["segmentation", "diagnosis", "prediction"], help="what the study is about")
    parser.add_argument("--id", default="", help="the study's id (default: surname and year); a known one is completed")
    parser.add_argument("--route", choices=["databases", "other methods"], default="other methods",
                        help="PRISMA's way into the review by which it came (default: other methods)")  # fmt: skip
    parser.add_argument("--by", metavar="NAME", help="who adds it (default: git's user.name)")
    add_data_option(parser)


def _run_add(options: argparse.Namespace) -> int:
    """Add the study, and say what was done."""
    from livingreview.adding.add import add_study

    def warn(what: object) -> None:
        print(what, file=sys.stderr)

    done = add_study(_wish(options), options.data, today=date.today(), environment=os.environ, warn=warn)
    print(done)
    return 0


def _wish(options: argparse.Namespace) -> Wish:
    from livingreview.adding.draft import Wish, read_form
    from livingreview.adding.record import identify

    by = options.by or _git_name()
    if not by:
        problem = "who adds the study is not known"
        raise DataError([Fault("", 0, "--by", problem, 'give --by "Your Name", or set git\'s user.name', "ADD-008")])
    chosen = {"by": by, "study_id": options.id, "route": options.route}
    if options.task:
        chosen["task"] = options.task
    if options.from_issue:
        return replace(read_form(options.from_issue), **chosen)
    study = Path(options.study) if Path(options.study).is_file() else identify(options.study)
    if study is None:
        problem = f"{options.study[:80]!a} is neither a DOI, nor a PubMed number, nor a file"
        remedy = "give 10.…/…, the number, or a citation exported as RIS, nbib or BibTeX"
        raise DataError([Fault("", 0, "", problem, remedy, "ADD-001")])
    return Wish(study, "added with its bibliographic record; not yet judged", **chosen)


def _git_name() -> str:
    try:
        asked = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()


ADD = Command(
    "add", "write the file of a study: its bibliographic facts, and an empty form for the rest",
    _configure_add, _run_add, "search",
)  # fmt: skip
