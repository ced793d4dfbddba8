"""The command ``livingreview``: arguments in, one function call, exit code out; `COMMANDS` are the sub-commands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from livingreview import __version__
from livingreview.commands import Command
from livingreview.commands.add import ADD
from livingreview.commands.build import BUILD, PDF, SERVE
from livingreview.commands.check import CHECK, EXTRACTIONS, SCHEMA
from livingreview.commands.diff import DIFF
from livingreview.commands.pool import POOL, RECONSTRUCT
from livingreview.commands.release import RELEASE
from livingreview.commands.screen import SCREEN
from livingreview.commands.search import DEDUPE, IMPORT, SEARCH
from livingreview.errors import ReviewError

__all__ = ["COMMANDS", "Command", "help_text", "main"]

EXIT_CODES = "Exit codes: 0 done; 1 check found faults, or a source could not be searched; 2 an error; 130 interrupted."
# Of every error made on purpose; argparse exits with the same for a wrong argument.
EXIT_ERROR = 2
# As shells report what a signal ended: 128 and its number.
EXIT_INTERRUPTED = 130


COMMANDS = (
    CHECK, EXTRACTIONS, SCHEMA, DIFF, POOL, RECONSTRUCT, ADD, SEARCH, IMPORT, DEDUPE, SCREEN, BUILD, PDF, RELEASE,
    SERVE,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        As `EXIT_CODES` says; what went wrong is printed to the standard error, one line per fault.
    """
    parser = argparse.ArgumentParser(
        prog="livingreview", description="A living systematic review and its engine.", epilog=EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"livingreview {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        subparser = commands.add_parser(command.name, help=command.help, description=command.help)
        command.configure(subparser)
        subparser.set_defaults(run=command.run, extra=command.extra)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has read enough. What is left must go somewhere, or Python complains when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except ReviewError as error:
        print(error, file=sys.stderr)
        return EXIT_ERROR
    except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        if error.filename is None:
            raise
        print(f"{error.filename} cannot be read or written ({error.strerror}); check the path", file=sys.stderr)
        return EXIT_ERROR
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in {"", "livingreview"}:
            raise
        print(f"this needs {package}: pip install 'livingreview[{arguments.extra}]'", file=sys.stderr)
        return EXIT_ERROR
    return code


def help_text(command: Command) -> str:
    """Return what a sub-command answers to ``--help``."""
    parser = argparse.ArgumentParser(prog=f"livingreview {command.name}", description=command.help)
    command.configure(parser)
    return parser.format_help()
