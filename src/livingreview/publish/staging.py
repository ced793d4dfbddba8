"""The book as Jupyter Book gets it, and its run over it."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from livingreview.errors import BuildError
from livingreview.publish.explorer import vega_script
from livingreview.publish.frame import Frame
from livingreview.publish.inputs import chapter_names, page_days
from livingreview.publish.kernel import reproducible_environment
from livingreview.publish.metadata import site_metadata
from livingreview.publish.study_pages import corrections, study_pages
from livingreview.review import Review

__all__ = ["run_jupyter_book", "stage_book"]


def stage_book(root: Path, stage: Path, notebooks: Mapping[str, Path], frame: Frame) -> None:
    """Lay out a book in a new folder as Jupyter Book reads it: executed notebooks in place of chapters."""
    stage.mkdir(parents=True)
    for name in ("_static", "chapters"):
        if (root / name).is_dir():
            shutil.copytree(root / name, stage / name, ignore=shutil.ignore_patterns("*.md", ".*"))
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
        (stage / "_static").mkdir(exist_ok=True)
        (stage / "_static" / "livingreview-colours.css").write_text(frame.styles, encoding="utf-8")
    yaml = YAML(typ="safe")
    config = _framed(yaml.load(root / "_config.yml") or {}, frame)
    config["sphinx"]["config"]["livingreview_days"] = page_days(root)
    with (stage / "_config.yml").open("w", encoding="utf-8") as file:
        yaml.dump(config, file)


def _add_pages(root: Path, stage: Path, review: Review) -> None:
    """Add the pages that no chapter makes, and the scripts of others that a chapter loads."""
    pages = study_pages(review, repository=review.file.addresses.repository, history=corrections(root))
    for name, text in pages.items():
        (stage / name).parent.mkdir(exist_ok=True)
        (stage / name).write_text(text, encoding="utf-8")
    (stage / "_static").mkdir(exist_ok=True)
    shutil.copyfile(vega_script(root / ".cache" / "scripts"), stage / "_static" / "vega.mjs")


def _relinked(text: str, page: Path, notebooks: Mapping[str, Path]) -> str:
    """Let links to a chapter, which its author knows as ``.md``, lead to the notebook in its place."""

    def relink(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(page.parent.as_posix(), f"{match[1]}.md"))
        return f"]({match[1]}.ipynb" if target in notebooks else match[0]

    return re.sub(r"\]\(([\w./-]+)\.md(?=[#)])", relink, text)


def _framed(config: dict[str, Any], frame: Frame) -> dict[str, Any]:
    """Return the book's configuration with what the data say: banner and addresses."""
    sphinx: dict[str, Any] = config.setdefault("sphinx", {}).setdefault("config", {})
    theme: dict[str, Any] = sphinx.setdefault("html_theme_options", {})
    theme["announcement"] = frame.banner
    # Jupyter Book's default is its own repository.
    theme["repository_url"] = frame.repository
    if frame.repository:
        theme |= {"use_repository_button": True, "use_edit_page_button": True, "use_issues_button": True}
        theme["repository_branch"] = theme.get("repository_branch", "main")
    # With its slash: the theme joins it to a page's name as it stands.
    sphinx["html_baseurl"] = f"{frame.address.rstrip('/')}/" if frame.address else ""
    if frame.review is not None:
        # The studies' pages stand in no table of contents: with a thousand of them it would be on every page.
        config["only_build_toc_files"] = False
        sphinx["livingreview_site"] = site_metadata(frame.review)
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
    text = re.sub(r"\x1b\[[0-9;]*m", "", log).replace(f"{stage}/", "")
    lines = [line for line in text.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL)\b|rror:", line)]
    # The lines are already those of the chapter: its notebook says on which line each cell begins.
    named = [re.sub(r"^(\S+)\.ipynb:", r"\1.md:", line) for line in dict.fromkeys(lines)]
    return "the book has faults:\n" + "\n".join(named or text.strip().splitlines()[-20:])
