"""A chapter as text (MyST) and as a notebook, and the way from a cell back to its line."""

from __future__ import annotations

import ast
import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import nbformat
import yaml
from jupytext.myst import MystMetadataParsingError, myst_to_notebook

from livingreview.errors import Fault

__all__ = ["Chapter", "finished", "plain", "read_chapter", "read_notebook", "write_notebook"]

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"


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

    def line_of(self, cell_id: str, line_in_cell: int = 1) -> int:
        """Return the line of the chapter that holds a line of a cell; 0 for a cell that the author did not write."""
        for cell, start in zip(self.notebook.cells, self.lines, strict=True):
            if cell.id == cell_id:
                return start + line_in_cell - 1
        return 0

    def number_of(self, cell_id: str) -> int:
        """Return the number of a code cell, counting from 1; 0 for a cell that the author did not write."""
        code = [cell.id for cell in self.notebook.cells if cell.cell_type == "code"]
        return code.index(cell_id) + 1 if cell_id in code else 0


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
    tagged = sum(PARAMETERS_TAG in cell.metadata.get("tags", []) for cell in notebook.cells)
    if chapter.executable and tagged != 1:
        problem = f"expected one cell tagged {PARAMETERS_TAG!r}, found {tagged}"
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
    result.metadata.pop("papermill", None)
    result.metadata.pop("widgets", None)
    result.cells = [cell for cell in result.cells if INJECTED_TAG not in cell.metadata.get("tags", [])]
    count = 0
    for cell in result.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        tags = cell.metadata.get("tags", [])
        if PARAMETERS_TAG in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
        if cell.cell_type == "code":
            count += 1
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
