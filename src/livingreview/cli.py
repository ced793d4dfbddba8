"""The command ``livingreview``: arguments in, one function call, exit code out.

Every sub-command is one row of `COMMANDS`. What a sub-command needs is imported when it runs, so that ``--help``
is immediate and ``pool`` works where only numpy and scipy are installed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from livingreview import __version__
from livingreview import check_commands as checks
from livingreview.errors import ReviewError
from livingreview.publish import commands as publish

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from livingreview.synthesis.bivariate import BivariateFit
    from livingreview.synthesis.counts import Correction
    from livingreview.tables import CountsTable

__all__ = ["COMMANDS", "Command", "main"]

# What every error made on purpose exits with; argparse exits with the same for a wrong argument.
EXIT_ERROR = 2
FIGURE_FORMATS = (".svg", ".pdf", ".png")


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
    """

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


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
        subparser.set_defaults(run=command.run)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except ReviewError as error:
        print(error, file=sys.stderr)
        return EXIT_ERROR
    return code


def _configure_pool(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "table", type=Path, metavar="TABLE.csv", help="columns study, tp, fp, fn, tn; others may follow"
    )
    parser.add_argument("--model", choices=["binomial", "normal", "metadisc"], default="binomial")
    parser.add_argument("--method", choices=["reml", "ml"], help="of the normal model (reml by default)")
    parser.add_argument(
        "--structure",
        choices=["auto", "unstructured", "independent", "fixed_sensitivity", "fixed_specificity", "fixed"],
        help="of the between-study covariance (auto by default: simplified in a stated order if need be)",
    )
    parser.add_argument(
        "--correction",
        choices=["all_if_any", "zero_only", "all", "none"],
        help="which studies get 0.5 in every cell (normal: all_if_any by default; metadisc: zero_only)",
    )
    parser.add_argument("--by", metavar="COLUMN", help="estimate each level of this column and test their difference")
    parser.add_argument("--level", type=_level, default=0.95, help="coverage of every interval (0.95)")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    parser.add_argument(
        "--plot", type=_figure_path, metavar="sroc.svg", help="write the SROC plane (.svg, .pdf or .png)"
    )
    parser.add_argument("--forest", type=_figure_path, metavar="forest.svg", help="draw the coupled forest plot")


def _run_pool(arguments: argparse.Namespace) -> int:
    from livingreview.pooling import as_text
    from livingreview.tables import read_counts

    table = read_counts(arguments.table)
    _refuse_what_does_not_apply(arguments)
    result = _pool_metadisc(arguments, table) if arguments.model == "metadisc" else _pool_bivariate(arguments, table)
    print(json.dumps(result, indent=2, allow_nan=False) if arguments.format == "json" else as_text(result))
    return 0


def _refuse_what_does_not_apply(arguments: argparse.Namespace) -> None:
    if arguments.model == "metadisc":
        given = [name for name in ("method", "structure", "by", "plot", "forest") if getattr(arguments, name)]
        if given:
            options = ", ".join(f"--{name}" for name in given)
            raise ReviewError(f"{options}: for --model binomial or normal only; leave it out or choose one of these")
    if arguments.model == "binomial" and arguments.method == "reml":
        raise ReviewError("--method reml: only for --model normal; the binomial model is fitted by maximum likelihood")


def _pool_metadisc(arguments: argparse.Namespace, table: CountsTable) -> dict[str, Any]:
    from livingreview.pooling import metadisc_object
    from livingreview.synthesis.metadisc import analyse

    correction: Correction = arguments.correction or "zero_only"
    return metadisc_object(analyse(table.counts, correction=correction, level=arguments.level))


def _pool_bivariate(arguments: argparse.Namespace, table: CountsTable) -> dict[str, Any]:
    from livingreview.pooling import bivariate_object
    from livingreview.synthesis.bivariate import fit

    result = fit(
        table.counts,
        model=arguments.model,
        method=arguments.method or ("reml" if arguments.model == "normal" else "ml"),
        structure=arguments.structure or "auto",
        correction=arguments.correction or "all_if_any",
        by=table.column(arguments.by) if arguments.by else None,
        level=arguments.level,
    )
    _draw(arguments, result)
    return bivariate_object(result)


def _draw(arguments: argparse.Namespace, fit: BivariateFit) -> None:
    if not (arguments.plot or arguments.forest):
        return
    try:
        from livingreview.plots.forest import forest
        from livingreview.plots.sroc import sroc
        from livingreview.plots.svg import save
    except ModuleNotFoundError as error:
        raise ReviewError(f"drawing needs {error.name}: pip install 'livingreview[plots]'") from error
    summary = f"{fit.k} studies; summary sensitivity {fit.sensitivity}, specificity {fit.specificity}."
    for path, draw, title in (
        (arguments.plot, sroc, "Summary ROC plane"),
        (arguments.forest, forest, "Forest plot of sensitivity and specificity"),
    ):
        if path is None:
            continue
        figure = cast("Figure", draw(fit).get_figure(root=True))
        try:
            save(figure, path, title, summary)
        except OSError as error:
            raise ReviewError(f"{path} cannot be written ({error.strerror or error})") from error


def _level(text: str) -> float:
    try:
        level = float(text)
    except ValueError:
        level = math.nan
    if not 0 < level < 1:
        raise argparse.ArgumentTypeError(f"a level is between 0 and 1, such as 0.95; found {text!r}")
    return level


def _figure_path(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in FIGURE_FORMATS:
        raise argparse.ArgumentTypeError(f"a figure ends in {', '.join(FIGURE_FORMATS)}; found {text!r}")
    return path


COMMANDS = (
    Command("check", checks.CHECK_HELP, checks.configure_check, checks.run_check),
    Command("schema", checks.SCHEMA_HELP, checks.configure_schema, checks.run_schema),
    Command("pool", "Pool a table of 2×2 counts.", _configure_pool, _run_pool),
    Command("build", publish.BUILD_HELP, publish.configure_build, publish.run_build),
    Command("serve", publish.SERVE_HELP, publish.configure_serve, publish.run_serve),
)
