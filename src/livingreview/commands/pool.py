"""The sub-commands that need no review: ``livingreview pool`` and ``livingreview reconstruct``.

A table of 2×2 counts in, a pooled result out; printed metrics in, every compatible 2×2 table out.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from livingreview.commands import Command
from livingreview.errors import ReviewError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from livingreview.pool.tables import CountsTable
    from livingreview.reconstruction import Reconstruction
    from livingreview.synthesis.bivariate import BivariateFit
    from livingreview.synthesis.counts import Correction
    from livingreview.synthesis.summary import PooledModel

__all__ = ["POOL", "RECONSTRUCT"]

FIGURE_FORMATS = (".svg", ".pdf", ".png")


def _configure_pool(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "table", type=Path, metavar="TABLE.csv", help="columns study, tp, fp, fn, tn; others may follow"
    )
    parser.add_argument(
        "--model",
        choices=["binomial", "normal", "metadisc"],
        default="binomial",
        help="exact bivariate model (the default), Reitsma's approximation to it, or the arithmetic of Meta-DiSc 1.4",
    )
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
    parser.add_argument(
        "--by",
        metavar="COLUMN",
        help="estimate each level of this column and test their difference; levels share one between-study covariance, "
        "and rows count as independent studies",
    )
    parser.add_argument(
        "--covariate", metavar="COLUMN", action="append", help="let both means depend on the numbers of this column"
    )
    parser.add_argument(
        "--quantile",
        choices=["normal", "t"],
        help="of the intervals of pooled accuracy (normal by default; t holds its level better with few studies)",
    )
    parser.add_argument("--level", type=_level, default=0.95, help="coverage of every interval (0.95)")
    parser.add_argument(
        "--format",
        choices=["text", "json"],
        default="text",
        help="text to read (the default), or JSON with every number",
    )
    parser.add_argument(
        "--plot", type=_figure_path, metavar="sroc.svg", help="write the SROC plane (.svg, .pdf or .png)"
    )
    parser.add_argument("--forest", type=_figure_path, metavar="forest.svg", help="draw the coupled forest plot")


def _run_pool(arguments: argparse.Namespace) -> int:
    """Pool a table, print the result and return the exit code."""
    from livingreview.pool.pooling import as_text
    from livingreview.pool.tables import read_counts

    table = read_counts(arguments.table)
    _refuse_what_does_not_apply(arguments)
    result = _pool_metadisc(arguments, table) if arguments.model == "metadisc" else _pool_bivariate(arguments, table)
    print(json.dumps(result, indent=2, allow_nan=False) if arguments.format == "json" else as_text(result))
    return 0


def _refuse_what_does_not_apply(arguments: argparse.Namespace) -> None:
    from livingreview.pool.tables import REQUIRED

    if arguments.model == "metadisc":
        given = [
            name
            for name in ("method", "structure", "by", "covariate", "quantile", "plot", "forest")
            if getattr(arguments, name)
        ]
        if given:
            options = ", ".join(f"--{name}" for name in given)
            raise ReviewError(f"{options}: for --model binomial or normal only; leave it out or choose one of these")
    if arguments.model == "binomial" and arguments.method == "reml":
        raise ReviewError("--method reml: only for --model normal; the binomial model is fitted by maximum likelihood")
    if arguments.model == "binomial" and arguments.correction:
        raise ReviewError("--correction: not for --model binomial, which needs none; leave it out")
    for option, names in (("by", [arguments.by]), ("covariate", arguments.covariate or [])):
        if taken := [name for name in names if name and name.strip().lower() in REQUIRED]:
            raise ReviewError(f"--{option} {taken[0]}: part of the 2×2 table; name a column that describes the studies")


def _pool_metadisc(arguments: argparse.Namespace, table: CountsTable) -> dict[str, Any]:
    from livingreview.pool.pooling import metadisc_object
    from livingreview.synthesis.metadisc import analyse

    correction: Correction = arguments.correction or "zero_only"
    return metadisc_object(analyse(table.counts, correction=correction, level=arguments.level))


def _pool_bivariate(arguments: argparse.Namespace, table: CountsTable) -> dict[str, Any]:
    from livingreview.pool.pooling import bivariate_object
    from livingreview.pool.tables import is_number
    from livingreview.synthesis.bivariate import fit

    by = table.column(arguments.by) if arguments.by else None
    result = fit(
        table.counts,
        model=arguments.model,
        method=arguments.method,
        structure=arguments.structure or "auto",
        correction=arguments.correction or "all_if_any",
        by=by,
        covariates={name: table.numbers(name) for name in arguments.covariate or []},
        level=arguments.level,
        quantile=arguments.quantile or "normal",
    )
    pooled = bivariate_object(result)
    _draw(arguments, result, by, pooled["methods"])
    if by and len(set(by)) > 2 and all(is_number(value) for value in by):
        pooled["notes"].append(
            f"{arguments.by} has numbers: taken as {len(set(by))} categories; --covariate takes them as numbers"
        )
    return pooled


def _draw(
    arguments: argparse.Namespace, fit: BivariateFit, by: Sequence[str] | None, methods: Mapping[str, str]
) -> None:
    if not (arguments.plot or arguments.forest):
        return
    from livingreview.plots.forest import forest
    from livingreview.plots.sroc import sroc
    from livingreview.plots.svg import save

    estimates: list[tuple[str, PooledModel]] = [("summary", fit)]
    if fit.levels:
        estimates = [(f"{level.label}:", level) for level in fit.levels]
    accuracy = "; ".join(f"{name} sensitivity {e.sensitivity}, specificity {e.specificity}" for name, e in estimates)
    made = "; ".join(f"{name.replace('_', ' ')}: {method}" for name, method in methods.items())
    summary = f"{fit.k} studies; {accuracy}. Intervals: {made}."
    # Studies of one level stand together, beside its name.
    groups: dict[str, Any] = {}
    if by:
        groups = {"descriptors": {arguments.by: by}, "order": sorted(range(fit.k), key=lambda row: by[row])}
    for path, draw, title in (
        (arguments.plot, partial(sroc, fit, levels=fit.levels), "Summary ROC plane"),
        (
            arguments.forest,
            partial(forest, fit, levels=fit.levels, **groups),
            "Forest plot of sensitivity and specificity",
        ),
    ):
        if path is not None:
            save(cast("Figure", draw().get_figure(root=True)), path, title, summary)


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


POOL = Command("pool", "pool a table of 2×2 counts", _configure_pool, _run_pool, "plots")


METRICS = ("sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "prevalence", "balanced-accuracy", "mcc")
COUNTS = ("n-diseased", "n-nondiseased", "tp", "fp", "fn", "tn")
# More than these say nothing to a reader.
MOST_ROWS = 20
INTERVALS = ("sensitivity-ci", "specificity-ci")


def _configure_reconstruct(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Give numbers with the decimals that are printed: 0.94, 0.940 and 94 % are different. "
        "A bare number above 1, such as 95, is a percentage."
    )
    for name in METRICS:
        parser.add_argument(f"--{name}", metavar="PRINTED", help="as printed")
    for name in COUNTS:
        parser.add_argument(f"--{name}", metavar="COUNT")
    for name in INTERVALS:
        parser.add_argument(f"--{name}", nargs=2, metavar=("LOWER", "UPPER"), help="its printed confidence interval")
    parser.add_argument("--n", type=_size, metavar="N", help="the total, or its range as LOWEST-HIGHEST")
    parser.add_argument("--rounding", choices=["half-up", "half-even", "truncation"], help="tried in turn by default")
    parser.add_argument("--format", choices=["text", "json"], default="text",
                        help="text to read (the default), or JSON")  # fmt: skip


def _run_reconstruct(arguments: argparse.Namespace) -> int:
    """Print the tables and return the exit code."""
    from livingreview.reconstruction import reconstruct

    names = [name.replace("-", "_") for name in (*METRICS, *COUNTS, *INTERVALS)]
    printed = {name: getattr(arguments, name) for name in names}
    found = reconstruct(printed, n=arguments.n, rounding=arguments.rounding)
    if arguments.format == "json":
        print(json.dumps(found.to_dict(), indent=1, ensure_ascii=False))
    else:
        print(_as_text(found))
    return 0


def _as_text(found: Reconstruction) -> str:
    lowest, highest = found.sizes
    size = f"n {lowest}" if lowest == highest else f"n {lowest} to {highest}"
    tables = "1 table" if found.exact else f"{found.count} tables"
    lines = [f"{tables}, {size}, rounding {found.rounding}", *found.notes]
    if found.interval_methods:
        lines.append(f"confidence intervals reproduced by {', '.join(found.interval_methods)}")
    listed = found.complete and found.count <= MOST_ROWS
    if found.complete and not listed:
        lines.append("--format json lists every table")
    lines += ["" if listed else "smallest and largest value of each cell", _row("tp", "fp", "fn", "tn")]
    lines += [_row(*row) for row in (found.tables if listed else found.hull).tolist()]
    return "\n".join(lines)


def _row(*cells: object) -> str:
    return "".join(f"{cell:>8}" for cell in cells)


def _size(text: str) -> int | tuple[int, int]:
    """Return the total, or its range, that an argument says."""
    parts = text.replace("–", "-").split("-")
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    raise argparse.ArgumentTypeError(f"expected a number such as 42, or a range such as 40-60; found {text!r}")


RECONSTRUCT = Command(
    "reconstruct", "find every 2×2 table that fits printed metrics", _configure_reconstruct, _run_reconstruct,
)  # fmt: skip
