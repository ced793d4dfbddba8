"""The command ``livingreview``: arguments in, one function call, exit code out.

Every sub-command is one row of `COMMANDS`. What a sub-command needs is imported when it runs, so that ``--help``
is immediate and ``pool`` works where only numpy and scipy are installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livingreview import __version__
from livingreview.commands import add, build, check, diff, pool, reconstruct, release, screen, search
from livingreview.errors import ReviewError

__all__ = ["COMMANDS", "Command", "help_text", "main"]

# What every error made on purpose exits with; argparse exits with the same for a wrong argument.
EXIT_ERROR = 2


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        0, or 2 after an error, which is printed to the standard error: one line per fault.
    """
    parser = argparse.ArgumentParser(prog="livingreview", description="A living systematic review and its engine.")
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
    except ReviewError as error:
        print(error, file=sys.stderr)
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


COMMANDS = (
    Command("check", check.CHECK_HELP, check.configure_check, check.run_check),
    Command("extractions", check.EXTRACTIONS_HELP, check.configure_extractions, check.run_extractions),
    Command("schema", check.SCHEMA_HELP, check.configure_schema, check.run_schema),
    Command("diff", diff.DIFF_HELP, diff.configure_diff, diff.run_diff, "book"),
    Command("pool", pool.POOL_HELP, pool.configure_pool, pool.run_pool, "plots"),
    Command(
        "reconstruct",
        reconstruct.RECONSTRUCT_HELP,
        reconstruct.configure_reconstruct,
        reconstruct.run_reconstruct,
    ),
    Command("add", add.ADD_HELP, add.configure_add, add.run_add, "search"),
    Command("search", search.SEARCH_HELP, search.configure_search, search.run_search, "search"),
    Command("import", search.IMPORT_HELP, search.configure_import, search.run_import, "search"),
    Command("dedupe", search.DEDUPE_HELP, search.configure_dedupe, search.run_dedupe, "search"),
    Command("screen", screen.SCREEN_HELP, screen.configure_screen, screen.run_screen, "search"),
    Command("build", build.BUILD_HELP, build.configure_build, build.run_build, "book"),
    Command("pdf", build.PDF_HELP, build.configure_pdf, build.run_pdf, "book"),
    Command("release", release.RELEASE_HELP, release.configure_release, release.run_release, "book"),
    Command("serve", build.SERVE_HELP, build.configure_serve, build.run_serve),
)
