"""The sub-commands of ``livingreview``: arguments and messages; the work is done in the other folders.

Modules here import what a sub-command needs when it runs, so that ``--help`` is immediate and ``pool`` works where only
numpy and scipy are installed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from livingreview.errors import ReviewError

__all__ = ["Command", "add_data_option", "at_least_one", "day", "past_day", "require_data"]


@dataclass(frozen=True)
class Command:
    """A sub-command.

    Parameters
    ----------
    name, help
        As ``livingreview --help`` shows them.
    configure
        Adds the arguments to the sub-command's parser.
    run
        Does the work and returns the exit code.
    extra
        What has to be installed beside the engine.
    """

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    extra: str = "review"


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Let a sub-command be told where the data folder is."""
    parser.add_argument("--data", type=Path, default=Path("data"), help="the data folder (default: data)")


def require_data(folder: Path) -> None:
    """Raise a ReviewError unless there is a data folder, so that nobody mistakes a wrong folder for an empty review."""
    if not folder.is_dir():
        raise ReviewError(f"no data folder at {folder}; run this in the review, or give --data")


def day(text: str) -> date:
    """Return the date that an option gives."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date like 2025-07-31, found {text!r}") from None


def past_day(text: str) -> date:
    """Return the date of something that has happened, which an option gives."""
    given = day(text)
    if given > date.today():
        raise argparse.ArgumentTypeError(f"expected a day up to today, found {text!r}")
    return given


def at_least_one(text: str) -> int:
    """Return the number of things that an option asks for."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, found {text!r}")
    return int(text)
