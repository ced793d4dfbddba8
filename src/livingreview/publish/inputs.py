"""What a build is made of: chapters as text and as notebooks, digests that tell what changed, and the days of it."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import Any, Final

import nbformat
import yaml
from jupytext.myst import MystMetadataParsingError, myst_to_notebook

import livingreview
from livingreview.errors import Fault
from livingreview.publish.kernel import reproducible_environment

__all__ = [
    "Change", "Chapter", "book_digest", "changes", "chapter_names", "digest_of_tree", "finished", "input_digest",
    "page_days", "plain", "read_chapter", "read_notebook", "write_notebook",
]  # fmt: skip

Change = tuple[date, str]
_PARAMETERS: Final = "parameters"


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
    files = [root / name for name in ("_config.yml", "_toc.yml", "index.md")]
    parts = [input_digest(root, parameters), *map(digest_of_tree, (root / "_static", root / "chapters"))]
    parts += [hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in files]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def changes(root: Path, *places: str) -> dict[str, list[Change]]:
    """Return day and subject of each commit that touched a file below `root`, newest first, by the file's path.

    Nothing is remembered without a git repository, or where its history is cut short: the oldest commit of such a copy
    seems to have made everything. `places` are files and folders below `root`.
    """
    try:
        shallow = _git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
        log = "" if shallow else _git(root, "log", "--relative", "--format=%x00%cs%x00%s", "--name-only", "--", *places)
    except (OSError, subprocess.CalledProcessError):
        return {}
    fields = log.split("\0")[1:]
    found: dict[str, list[Change]] = {}
    for day, rest in zip(fields[::2], fields[1::2], strict=True):
        subject, *paths = rest.split("\n")
        for path in filter(None, paths):
            found.setdefault(path, []).append((date.fromisoformat(day), subject))
    return found


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True).stdout


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


@dataclass(frozen=True)
class Chapter:
    """One page of the book, as its author wrote it.

    Parameters
    ----------
    name, text
        Path relative to the book, e.g. ``chapters/quality.md``, and the MyST source.
    notebook
        The same as a notebook with stable cell ids; without outputs.
    lines
        For each cell of the notebook, the 1-based line of `text` on which its content starts.
    """

    name: str
    text: str
    notebook: Any
    lines: tuple[int, ...]

    @property
    def executable(self) -> bool:
        """Whether there is anything to run."""
        return any(cell.cell_type == "code" for cell in self.notebook.cells)

    @property
    def imports(self) -> set[str]:
        """Names of the modules that its cells import."""
        nodes = [node for cell in self.notebook.cells if cell.cell_type == "code" for node in _syntax(cell.source)]
        whole = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        return whole | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}

    def place_of(self, cell_id: str, line_in_cell: int = 1) -> tuple[int, str]:
        """Return the line that holds a line of a code cell, and the cell by its number; 0 and "" if nobody wrote it."""
        code = [(cell.id, start) for cell, start in zip(self.notebook.cells, self.lines, strict=True)
                if cell.cell_type == "code"]  # fmt: skip
        for number, (identity, start) in enumerate(code, 1):
            if identity == cell_id:
                return start + line_in_cell - 1, f"code cell {number}"
        return 0, ""


def _syntax(source: str) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(source)))
    except SyntaxError:  # the kernel says so, and on which line
        return []


def read_chapter(root: Path, name: str) -> tuple[Chapter | None, list[Fault]]:
    """Return one chapter of the book in a folder, None when it cannot be read, and what is wrong with it."""
    try:
        text = (root / name).read_text(encoding="utf-8")
        notebook = myst_to_notebook(text, add_source_map=True)
    except UnicodeDecodeError as error:
        return None, [Fault(name, 0, "", f"not UTF-8 ({error.reason})", "save it as UTF-8", "CHAPTER-001")]
    except (MystMetadataParsingError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        return None, [Fault(name, 0, "", problem, "mend the options of the cell or the header", "CHAPTER-001")]
    starts = notebook.metadata.pop("source_map", [])
    lines = []
    for number, (cell, start) in enumerate(zip(notebook.cells, starts, strict=True)):
        # Random ids, the default, would make two builds of the same chapter differ.
        cell.id = f"cell-{number}"
        lines.append(_content_line(text.splitlines(), cell, start))
    # MyST-NB names its faults by these lines; the first line of a cell is, to it, line 2.
    notebook.metadata["source_map"] = [line - 2 for line in lines]
    chapter = Chapter(name, text, notebook, tuple(lines))
    tagged = sum(_PARAMETERS in cell.metadata.get("tags", []) for cell in notebook.cells)
    if chapter.executable and tagged != 1:
        problem = f"expected one cell tagged {_PARAMETERS!r}, found {tagged}"
        remedy = "give the cell that sets data_root, as_of and release the line ':tags: [parameters]'"
        return None, [Fault(name, 0, "", problem, remedy, "CHAPTER-002")]
    return chapter, []


def _content_line(lines: list[str], cell: Any, start: int) -> int:
    """Return the 1-based line on which a cell's content starts, given the line of its fence or before it."""
    first = cell.source.split("\n", 1)[0]
    for index in range(max(start - 1, 0), len(lines)):
        if lines[index].strip() == first.strip() and (cell.cell_type == "markdown" or index >= start):
            return index + 1
    return max(start, 1)


def finished(notebook: Any) -> Any:
    """Return an executed notebook as it goes into the book: results only, nothing that differs between two runs.

    The parameters are not shown, nor is anything that papermill noted: times, paths, execution states.
    """
    result = deepcopy(notebook)
    for key in ("papermill", "widgets"):
        result.metadata.pop(key, None)
    result.cells = [cell for cell in result.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for cell in result.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if _PARAMETERS in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [*cell.metadata["tags"], "remove-cell"]
    for count, cell in enumerate((cell for cell in result.cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count
    return result


def read_notebook(path: Path) -> Any:
    """Return the notebook in a file."""
    return nbformat.read(path, as_version=4)


def write_notebook(notebook: Any, path: Path) -> None:
    """Write a notebook to a file, which is there whole or not at all."""
    text = nbformat.writes(notebook)
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


def plain(text: str) -> str:
    """Return terminal output without its colour codes."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
