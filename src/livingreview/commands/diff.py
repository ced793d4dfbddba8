"""The command ``livingreview diff``: the review at a git reference against the files as they are now."""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from livingreview.commands import Command
from livingreview.errors import DataError, ReviewError

if TYPE_CHECKING:
    from livingreview.living.difference import Difference
    from livingreview.living.records import Kind

__all__ = ["DIFF", "difference_since"]

DATA = "data"
MAIN_BRANCHES = ("origin/main", "main")


def _configure_diff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reference",
        nargs="?",
        metavar="REF",
        help="a commit, branch or tag to compare with (default: where this branch left origin/main, or main)",
    )
    parser.add_argument("--root", type=Path, default=Path(), help="folder that holds data/ (default: .)")
    parser.add_argument("--format", choices=["markdown", "html", "json"], default="markdown",
                        help="markdown (the default), a page, or JSON")  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="FILE", help="write here instead of to the screen")


def _run_diff(options: argparse.Namespace) -> int:
    """Print or write the difference and return 0."""
    text = _writer(options.format)(difference_since(options.reference, options.root))
    if options.output is None:
        # In a terminal, nobody turns the signs into what they stand for.
        print(_unescaped(text) if options.format == "markdown" and sys.stdout.isatty() else text, end="")
    else:
        options.output.write_text(text, encoding="utf-8")
    return 0


def _unescaped(text: str) -> str:
    r"""Return Markdown without the backslashes that keep punctuation from being markup.

    >>> _unescaped(r"https\:\/\/doi\.org")
    'https://doi.org'
    """
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


def difference_since(reference: str | None, root: Path) -> Difference:
    """Compare the review at a git reference with its files as they are now.

    Parameters
    ----------
    reference
        A commit, branch or tag. By default the commit at which the current branch left ``origin/main`` (or ``main``,
        where there is no such remote branch): what a contributor changed, committed or not.
    root
        The folder that holds ``data/``.

    Raises
    ------
    ReviewError
        Without git, outside a repository, or for a reference that is not there; the message says what to type.
    DataError
        If the files as they are now have faults. Faults of the older files are told in the difference.
    """
    from livingreview.living.difference import Difference, compare
    from livingreview.review import Review

    commit, name = _commit(reference, root)
    after = Review.load(root / DATA)
    with tempfile.TemporaryDirectory() as folder:
        archive = _git(root, "archive", "--format=tar", commit, "--", DATA)
        if not archive:
            raise ReviewError(f"there is no folder {DATA} in {name}; give a later reference")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        try:
            before = Review.load(Path(folder) / DATA)
        except DataError as error:
            difference = Difference(unread=tuple(error.faults))
        else:
            difference = compare(before, after)
    return replace(difference, files=_files(root, commit), reference=name)


def _writer(form: str) -> Callable[[Difference], str]:
    if form == "html":
        from livingreview.publish.figures import difference_page

        return difference_page
    if form == "json":
        # Without "<" the object can stand in a page as it is.
        return lambda difference: json.dumps(difference.to_dict(), indent=1).replace("<", "\\u003c") + "\n"
    from livingreview.living.difference_markdown import as_markdown

    return as_markdown


def _commit(reference: str | None, root: Path) -> tuple[str, str]:
    """Return the commit to compare with, and what to call it."""
    if not _git(root, "rev-parse", "--is-inside-work-tree"):
        raise ReviewError(f"{root} is not in a git repository; give --root, or clone the review with git")
    if reference is None:
        main = next((branch for branch in MAIN_BRANCHES if _resolved(root, branch)), "HEAD")
        base = _git(root, "merge-base", "HEAD", main).decode().strip()
        if not base:
            raise ReviewError(f"no common ancestor of HEAD and {main} is here; type: git fetch --unshallow")
        return base, f"{base[:12]} (where this branch left {main})"
    if reference.startswith("-") or not (commit := _resolved(root, reference)):
        shallow = _git(root, "rev-parse", "--is-shallow-repository").strip() == b"true"
        remedy = "this clone is shallow; type: git fetch --unshallow" if shallow else "git branch --all lists branches"
        raise ReviewError(f"no commit is called {reference!r} here; {remedy}")
    return commit, f"{reference} ({commit[:12]})"


def _resolved(root: Path, reference: str) -> str:
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    return found.decode().strip()


def _files(root: Path, commit: str) -> tuple[tuple[str, Kind], ...]:
    """Return the files under the data folder that differ from a commit, new ones that git ignores left out."""
    told = _git(root, "diff", "--name-status", "--no-renames", "--relative", "-z", commit, "--", DATA)
    parts = told.decode(errors="replace").split("\0")[:-1]
    letters: dict[str, Kind] = {"A": "added", "D": "removed"}
    found = {file: letters.get(letter, "changed") for letter, file in zip(parts[::2], parts[1::2], strict=True)}
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", DATA)
    found |= dict.fromkeys(new.decode(errors="replace").split("\0")[:-1], "added")
    return tuple(sorted(found.items()))


def _git(root: Path, *arguments: str) -> bytes:
    """Return what git prints; nothing where it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except NotADirectoryError as error:
        raise ReviewError(f"{root} is not a folder; give --root") from error
    except FileNotFoundError as error:
        problem = "git was not found; install it" if root.is_dir() else f"{root} does not exist; give --root"
        raise ReviewError(problem) from error
    return done.stdout if done.returncode == 0 else b""


DIFF = Command(
    "diff", "show what your changes do to the review's files and estimates", _configure_diff, _run_diff, "book",
)  # fmt: skip
