"""The command ``livingreview``: arguments in, one function call, exit code out.

Every sub-command is one row of `COMMANDS`. What a sub-command needs is imported when it runs, so that ``--help``
is immediate and ``pool`` works where only numpy and scipy are installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livingreview import __version__
from livingreview import check_commands as checks
from livingreview import diff_command as diff
from livingreview import pool_command as pool
from livingreview import reconstruct_command as reconstruct
from livingreview import release_command as release
from livingreview.adding import commands as adding
from livingreview.errors import ReviewError
from livingreview.publish import commands as publish
from livingreview.screening import commands as screening
from livingreview.search import commands as search

__all__ = ["COMMANDS", "Command", "main"]

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


COMMANDS = (
    Command("check", checks.CHECK_HELP, checks.configure_check, checks.run_check),
    Command("extractions", checks.EXTRACTIONS_HELP, checks.configure_extractions, checks.run_extractions),
    Command("schema", checks.SCHEMA_HELP, checks.configure_schema, checks.run_schema),
    Command("diff", diff.DIFF_HELP, diff.configure_diff, diff.run_diff, "book"),
    Command("pool", pool.POOL_HELP, pool.configure_pool, pool.run_pool, "plots"),
    Command(
        "reconstruct",
        reconstruct.RECONSTRUCT_HELP,
        reconstruct.configure_reconstruct,
        reconstruct.run_reconstruct,
    ),
    Command("add", adding.ADD_HELP, adding.configure_add, adding.run_add, "search"),
    Command("search", search.SEARCH_HELP, search.configure_search, search.run_search, "search"),
    Command("import", search.IMPORT_HELP, search.configure_import, search.run_import, "search"),
    Command("dedupe", search.DEDUPE_HELP, search.configure_dedupe, search.run_dedupe, "search"),
    Command("screen", screening.SCREEN_HELP, screening.configure_screen, screening.run_screen, "search"),
    Command("build", publish.BUILD_HELP, publish.configure_build, publish.run_build, "book"),
    Command("pdf", publish.PDF_HELP, publish.configure_pdf, publish.run_pdf, "book"),
    Command("release", release.RELEASE_HELP, release.configure_release, release.run_release, "book"),
    Command("serve", publish.SERVE_HELP, publish.configure_serve, publish.run_serve),
)
