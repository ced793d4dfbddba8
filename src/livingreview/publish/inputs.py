"""What a build depends on, as digests: how it is known that nothing has to be done."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path

import livingreview
from livingreview.publish.kernel import reproducible_environment

__all__ = ["book_digest", "chapter_names", "digest_of_tree", "input_digest"]


def chapter_names(root: Path) -> list[str]:
    """Return the pages of the book, relative to its folder: ``index.md`` and ``chapters/*.md``."""
    pages = [root / "index.md", *sorted((root / "chapters").glob("*.md"))]
    return [page.relative_to(root).as_posix() for page in pages if page.is_file()]


def digest_of_tree(folder: Path, *, without: str = "__pycache__") -> str:
    """Return the SHA-256 of every file below a folder, by name and content.

    Parameters
    ----------
    folder
        Where the files are.
    without
        Name of folders in it that are left out.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and without not in path.relative_to(folder).parts:
            digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def input_digest(root: Path, parameters: Mapping[str, object]) -> str:
    """Return the digest of everything that all chapters of a book depend on.

    Parameters
    ----------
    root
        Folder of the book.
    parameters
        What the chapters are executed with; plain JSON types.
    """
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
    """Return the digest of everything that a whole site depends on, the day of the build aside.

    Parameters
    ----------
    root
        Folder of the book.
    parameters
        What the chapters are executed with; plain JSON types.
    """
    digest = hashlib.sha256(input_digest(root, parameters).encode())
    for name in ("_config.yml", "_toc.yml", "index.md"):
        path = root / name
        digest.update(path.read_bytes() if path.is_file() else b"")
        digest.update(b"\0")
    for name in ("_static", "chapters"):
        digest.update(digest_of_tree(root / name).encode())
    return digest.hexdigest()
