"""When each file of the review changed, as its git repository remembers."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path, PurePosixPath

__all__ = ["Change", "changes", "page_days"]

Change = tuple[date, str]


def changes(root: Path, *places: str) -> dict[str, list[Change]]:
    """Return day and subject of each commit that touched a file, newest first.

    Parameters
    ----------
    root
        Folder of the review. Nothing is remembered without a git repository, or where its history is cut short: the
        oldest commit of such a copy seems to have made everything.
    places
        Files and folders below `root`.

    Returns
    -------
    dict
        Path below `root` → its changes.
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

    Parameters
    ----------
    root
        Folder of the review.

    Returns
    -------
    dict
        Name of the page without its ending → day; without what git does not know.
    """
    days = {}
    for path, made in changes(root, "*.md", "chapters", "data/studies").items():
        file = PurePosixPath(path)
        page = f"studies/{file.stem}" if file.suffix == ".yaml" else str(file.with_suffix(""))
        days[page] = made[0][0].isoformat()
    return days


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
