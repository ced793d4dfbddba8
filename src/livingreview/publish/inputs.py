"""What a build is made of: its pages, digests that tell when nothing has to be done, and when each file changed."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path, PurePosixPath

import livingreview
from livingreview.publish.kernel import reproducible_environment

__all__ = ["Change", "book_digest", "changes", "chapter_names", "digest_of_tree", "input_digest", "page_days"]

Change = tuple[date, str]


def chapter_names(root: Path) -> list[str]:
    """Return the pages of the book, relative to its folder: ``index.md`` and ``chapters/*.md``."""
    pages = [root / "index.md", *sorted((root / "chapters").glob("*.md"))]
    return [page.relative_to(root).as_posix() for page in pages if page.is_file()]


def digest_of_tree(folder: Path, *, without: str = "__pycache__") -> str:
    """Return the SHA-256 of every file below a folder, by name and content, but those in folders named `without`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and without not in path.relative_to(folder).parts:
            digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def input_digest(root: Path, parameters: Mapping[str, object]) -> str:
    """Return the digest of everything that all chapters of a book depend on; parameters are plain JSON types."""
    lock = root / "requirements.lock"
    parts = {
        "data": digest_of_tree(root / "data"),
        "package": digest_of_tree(Path(livingreview.__file__).parent),
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
        "parameters": dict(parameters),
        "python": platform.python_version(),
        "environment": reproducible_environment(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def book_digest(root: Path, parameters: Mapping[str, object]) -> str:
    """Return the digest of everything that a whole site depends on, the day of the build aside."""
    digest = hashlib.sha256(input_digest(root, parameters).encode())
    for name in ("_config.yml", "_toc.yml", "index.md"):
        path = root / name
        digest.update(path.read_bytes() if path.is_file() else b"")
        digest.update(b"\0")
    for name in ("_static", "chapters"):
        digest.update(digest_of_tree(root / name).encode())
    return digest.hexdigest()


def changes(root: Path, *places: str) -> dict[str, list[Change]]:
    """Return day and subject of each commit that touched a file below `root`, newest first, by the file's path.

    Nothing is remembered without a git repository, or where its history is cut short: the oldest commit of such a copy
    seems to have made everything. `places` are files and folders below `root`.
    """
    git = ["git", "-C", str(root)]
    log = [*git, "log", "--relative", "--format=%x00%cs%x00%s", "--name-only", "--", *places]
    try:
        shallow = _said([*git, "rev-parse", "--is-shallow-repository"]).strip() == "true"
        fields = [] if shallow else _said(log).split("\0")[1:]
    except (OSError, subprocess.CalledProcessError):
        return {}
    found: dict[str, list[Change]] = {}
    for day, rest in zip(fields[::2], fields[1::2], strict=True):
        subject, *paths = rest.split("\n")
        for path in filter(None, paths):
            found.setdefault(path, []).append((date.fromisoformat(day), subject))
    return found


def page_days(root: Path) -> dict[str, str]:
    """Return the day (ISO 8601) on which what a page is written from last changed: its chapter, its study's file.

    Keys are the names of pages without their ending; what git does not know is not there.
    """
    days = {}
    for path, made in changes(root, "*.md", "chapters", "data/studies").items():
        file = PurePosixPath(path)
        page = f"studies/{file.stem}" if file.suffix == ".yaml" else str(file.with_suffix(""))
        days[page] = made[0][0].isoformat()
    return days


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
