"""The command ``livingreview reconstruct``: printed metrics in, every compatible 2×2 table out."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from livingreview.commands import Command

if TYPE_CHECKING:
    from livingreview.reconstruction import Reconstruction

__all__ = ["RECONSTRUCT"]

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
