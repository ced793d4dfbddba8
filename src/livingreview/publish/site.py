"""Build the site: executed chapters → staged book → HTML → swapped into place.

A half-built site never replaces a good one: everything is made aside, and only a book without a single warning
takes the place of the one before.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from livingreview.errors import BuildError
from livingreview.publish.beside import publish_beside
from livingreview.publish.chapters import execute_chapters
from livingreview.publish.explorer import vega_script
from livingreview.publish.inputs import book_digest, chapter_names, page_days, plain
from livingreview.publish.kernel import reproducible_environment
from livingreview.publish.metadata import Frame, frame_of, site_metadata, site_root
from livingreview.publish.study_pages import corrections, study_pages
from livingreview.review import Review

__all__ = ["add_to_site", "build_site", "run_jupyter_book", "stage_book"]

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
    key, made = book_digest(root, parameters), _stamp_of(output)
    if made.get("key") == key and made["day"] <= today.isoformat() <= made["until"]:
        return Built(output, (), tuple(chapter_names(root)), time.perf_counter() - start)
    frame = frame_of(root, today, as_of=as_of, verified_only=verified_only)
    built = build_book(root, output, parameters, frame, jobs=jobs)
    days = {"day": today.isoformat(), "until": (frame.until or date.max).isoformat()}
    _write_stamp(output, {"key": key, **days, **parameters})
    return Built(output, built.executed, built.cached, time.perf_counter() - start)


def build_book(
    root: Path, output: Path, parameters: Mapping[str, object], frame: Frame, *, jobs: int | None = None
) -> Built:
    """Execute the chapters of the book in a folder and make a site, which is replaced only if everything succeeded."""
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


def stage_book(root: Path, stage: Path, notebooks: Mapping[str, Path], frame: Frame) -> None:
    """Lay out a book in a new folder as Jupyter Book reads it: executed notebooks in place of chapters."""
    stage.mkdir(parents=True)
    (stage / "_static").mkdir()
    for name in ("_static", "chapters"):
        if (root / name).is_dir():
            unread = shutil.ignore_patterns("*.md", ".*")
            shutil.copytree(root / name, stage / name, ignore=unread, dirs_exist_ok=True)
    shutil.copyfile(root / "_toc.yml", stage / "_toc.yml")
    for name in chapter_names(root):
        page = Path(name)
        source, target = (notebooks[name], page.with_suffix(".ipynb")) if name in notebooks else (root / page, page)
        text = source.read_text(encoding="utf-8")
        (stage / target).write_text(_relinked(text, page, notebooks), encoding="utf-8")
    if frame.review is not None:
        _add_pages(root, stage, frame.review)
    (stage / "references.bib").write_text(frame.bibliography, encoding="utf-8")
    if frame.styles:
        (stage / "_static" / "livingreview-colours.css").write_text(frame.styles, encoding="utf-8")
    config = _framed(yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")) or {}, frame, page_days(root))
    (stage / "_config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")


def _add_pages(root: Path, stage: Path, review: Review) -> None:
    """Add the pages that no chapter makes, and the scripts of others that a chapter loads."""
    pages = study_pages(review, repository=review.file.addresses.repository, history=corrections(root))
    for name, text in pages.items():
        (stage / name).parent.mkdir(exist_ok=True)
        (stage / name).write_text(text, encoding="utf-8")
    shutil.copyfile(vega_script(root / ".cache" / "scripts"), stage / "_static" / "vega.mjs")


def _relinked(text: str, page: Path, notebooks: Mapping[str, Path]) -> str:
    """Let links to a chapter, which its author knows as ``.md``, lead to the notebook in its place."""

    def relink(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(page.parent.as_posix(), f"{match[1]}.md"))
        return f"]({match[1]}.ipynb" if target in notebooks else match[0]

    return re.sub(r"\]\(([\w./-]+)\.md(?=[#)])", relink, text)


def _framed(config: dict[str, Any], frame: Frame, days: Mapping[str, str]) -> dict[str, Any]:
    """Return the book's configuration with what the data say: banner and addresses; and the days of its pages."""
    review = frame.review
    sphinx: dict[str, Any] = config.setdefault("sphinx", {}).setdefault("config", {})
    sphinx["livingreview_days"] = days
    # With its slash: the theme joins it to a page's name as it stands.
    sphinx["html_baseurl"] = site_root(review) if review else ""
    theme: dict[str, Any] = sphinx.setdefault("html_theme_options", {})
    theme["announcement"] = frame.banner
    # Jupyter Book's default is its own repository.
    theme["repository_url"] = review.file.addresses.repository if review else ""
    if theme["repository_url"]:
        theme |= {"use_repository_button": True, "use_edit_page_button": True, "use_issues_button": True}
        theme.setdefault("repository_branch", "main")
    if review is not None:
        # The studies' pages stand in no table of contents: with a thousand of them it would be on every page.
        config["only_build_toc_files"] = False
        sphinx["livingreview_site"] = site_metadata(review)
    config.setdefault("execute", {})["execute_notebooks"] = "off"
    return config


def run_jupyter_book(stage: Path, made: Path) -> None:
    """Run Jupyter Book over a staged book, every warning an error; the pages are then in ``_build/html`` below `made`.

    Raises
    ------
    BuildError
        With everything that Jupyter Book complained of.
    """
    command = [
        sys.executable, "-c", "from jupyter_book.cli.main import main; main()",
        "build", str(stage), "--path-output", str(made), "--all", "-W", "-n", "--keep-going", "-q",
    ]  # fmt: skip
    environment = {**os.environ, **reproducible_environment(), "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise BuildError(_complaints(done.stderr + done.stdout, stage))


def _complaints(log: str, stage: Path) -> str:
    """Return what Sphinx complained of, in terms of the files that people edit."""
    text = plain(log).replace(f"{stage}/", "")
    lines = [line for line in text.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL)\b|rror:", line)]
    # The lines are already those of the chapter: its notebook says on which line each cell begins.
    named = [re.sub(r"^(\S+)\.ipynb:", r"\1.md:", line) for line in dict.fromkeys(lines)]
    return "the book has faults:\n" + "\n".join(named or text.strip().splitlines()[-20:])


def add_to_site(site: Path, files: Mapping[str, bytes]) -> None:
    """Write files, by their paths, into a built site; a site that was as its build left it stays current."""
    stamp = _stamp_of(site)
    for name, content in files.items():
        (site / name).write_bytes(content)
    if stamp:
        _write_stamp(site, stamp)


def _stamp_of(site: Path) -> dict[str, Any]:
    """Return what a build noted of a site that is still as it left it; nothing of any other folder."""
    try:
        stamp: dict[str, Any] = json.loads((site / STAMP).read_text(encoding="utf-8"))
        return stamp if stamp["files"] == _inventory(site) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


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


def _refuse_foreign(output: Path, root: Path) -> None:
    if root.is_relative_to(output):
        raise BuildError(f"{output} holds the book itself; give an output folder of its own")
    if output.exists() and not output.is_dir():
        raise BuildError(f"{output} is a file; give a folder")
    if output.is_dir() and any(output.iterdir()) and not (output / "objects.inv").is_file():
        raise BuildError(f"{output} holds files that no build made; give an empty folder or a site made before")


def _swap(new: Path, output: Path) -> None:
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
