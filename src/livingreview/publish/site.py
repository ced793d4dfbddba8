"""Build the site: executed chapters → staged book → HTML → swapped into place.

A half-built site never replaces a good one: everything is made aside, and only a book without a single warning
takes the place of the one before.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from livingreview.errors import BuildError
from livingreview.publish.frame import Frame, frame_of
from livingreview.publish.inputs import book_digest, chapter_names

__all__ = ["add_to_site", "build_site"]

STAMP: Final = "build.json"
# Left out of the site: for debugging the theme, a fingerprint of Sphinx's own, and icons that no page loads.
_NOT_PUBLISHED: Final = ("*.map", ".buildinfo", ".buildinfo.bak", "fontawesome.js*")


@dataclass(frozen=True)
class Built:
    """What a build did: the folder of the site, chapters that ran and whose result was there, and its duration."""

    site: Path
    executed: tuple[str, ...]
    cached: tuple[str, ...]
    seconds: float


def build_site(
    root: Path,
    output: Path | None = None,
    *,
    as_of: date | None = None,
    verified_only: bool = False,
    release: str | None = None,
    jobs: int | None = None,
) -> Built:
    """Build the site of the review in a folder, by default into its ``_site``.

    Parameters
    ----------
    as_of
        Show the review as it stood on that day.
    verified_only
        Let syntheses use only studies whose extraction a person has signed.
    release
        Version that the chapters name; by default the one in ``data/review.yaml``.
    jobs
        As for :func:`~livingreview.publish.chapters.execute_chapters`.

    Raises
    ------
    DataError
        If the data have faults.
    BuildError
        If a chapter fails, the book has a warning, or the output folder holds something else.
    """
    start = time.perf_counter()
    root, output = root.resolve(), (output or root / "_site").resolve()
    today = as_of or _today()
    # Relative, so that the site does not depend on where the repository was cloned to.
    parameters: dict[str, object] = {
        "data_root": "data",
        "as_of": as_of.isoformat() if as_of else None,
        "verified_only": verified_only,
        "release": release,
    }
    key = book_digest(root, parameters)
    if _is_current(output, key, today):
        return Built(output, (), tuple(chapter_names(root)), time.perf_counter() - start)
    frame = frame_of(root, today, as_of=as_of, verified_only=verified_only)
    built = build_book(root, output, parameters, frame, jobs=jobs)
    days = {"day": today.isoformat(), "until": (frame.until or date.max).isoformat()}
    _write_stamp(output, {"key": key, **days, **parameters})
    return Built(output, built.executed, built.cached, time.perf_counter() - start)


def build_book(
    root: Path, output: Path, parameters: Mapping[str, object], frame: Frame, *, jobs: int | None = None
) -> Built:
    """Execute the chapters of the book in a folder and make a site, which is replaced only if everything succeeded.

    `frame` is what stands around the chapters; the other parameters are those of :func:`build_site`.

    Raises
    ------
    BuildError
        If a chapter fails, the book has a warning, or the output folder holds something else.
    """
    from livingreview.publish.beside import publish_beside
    from livingreview.publish.chapters import execute_chapters
    from livingreview.publish.staging import run_jupyter_book, stage_book

    start = time.perf_counter()
    _refuse_foreign(output, root)
    executed = execute_chapters(root, parameters, jobs=jobs)
    cache = root / ".cache"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stage-", dir=cache) as folder:
        stage, made = Path(folder) / "book", Path(folder) / "made"
        stage_book(root, stage, executed.notebooks, frame)
        run_jupyter_book(stage, made)
        site = made / "_build" / "html"
        for pattern in _NOT_PUBLISHED:
            for path in site.rglob(pattern):
                path.unlink()
        if frame.review is not None:
            publish_beside(site, frame.review)
        _swap(site, output)
    return Built(output, executed.ran, executed.cached, time.perf_counter() - start)


def add_to_site(site: Path, files: Mapping[str, bytes]) -> None:
    """Write files, by their paths, into a built site; a site that was as its build left it stays current."""
    try:
        stamp = json.loads((site / STAMP).read_text(encoding="utf-8"))
        as_built = stamp["files"] == _inventory(site)
    except (OSError, ValueError, KeyError, TypeError):
        as_built = False
    for name, content in files.items():
        (site / name).write_bytes(content)
    if as_built:
        _write_stamp(site, stamp)


def _write_stamp(site: Path, stamp: Mapping[str, object]) -> None:
    content = {**stamp, "files": _inventory(site)}
    (site / STAMP).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _today() -> date:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC).date() if epoch else date.today()


def _inventory(site: Path) -> str:
    """Return a digest of names and sizes: enough to notice that somebody removed or edited a page."""
    files = sorted(
        (path.relative_to(site).as_posix(), path.stat().st_size)
        for path in site.rglob("*")
        if path.is_file() and path != site / STAMP
    )
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def _is_current(output: Path, key: str, today: date) -> bool:
    try:
        stamp = json.loads((output / STAMP).read_text(encoding="utf-8"))
        fresh = stamp["day"] <= today.isoformat() <= stamp["until"]
        return bool(stamp["key"] == key and fresh and stamp["files"] == _inventory(output))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _refuse_foreign(output: Path, root: Path) -> None:
    """Stop before a folder is replaced that no build made."""
    if root.is_relative_to(output):
        raise BuildError(f"{output} holds the book itself; give an output folder of its own")
    if output.exists() and not output.is_dir():
        raise BuildError(f"{output} is a file; give a folder")
    if output.is_dir() and any(output.iterdir()) and not (output / "objects.inv").is_file():
        raise BuildError(f"{output} holds files that no build made; give an empty folder or a site made before")


def _swap(new: Path, output: Path) -> None:
    """Put a finished site in the place of the old one."""
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        # First onto the same file system, so that what remains is two renames.
        shutil.move(new, beside / "new")
        if output.exists():
            output.rename(beside / "old")
        try:
            (beside / "new").rename(output)
        except OSError:
            if (beside / "old").exists():
                (beside / "old").rename(output)
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
