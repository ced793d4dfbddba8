"""Execute the chapters: MyST → notebook → papermill, side by side, and only those that changed.

A result is kept in ``.cache/chapters/<key>.ipynb``.  The key is the SHA-256 of everything that a chapter's output
depends on: its own text, every file under ``data/``, every file of the installed ``livingreview`` package,
``requirements.lock``, the parameters, the version of Python and the reproducible environment.  Nothing in the
cache is ever changed; a result is found or computed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from livingreview.errors import BuildError, Fault
from livingreview.publish.inputs import (
    Chapter,
    chapter_names,
    finished,
    input_digest,
    plain,
    read_chapter,
    read_notebook,
    write_notebook,
)
from livingreview.publish.kernel import kernel_folders

__all__ = ["Executed", "execute_chapters"]

CELL_SECONDS: Final = 600
START_SECONDS: Final = 120
KEPT_RESULTS: Final = 200


@dataclass(frozen=True)
class Executed:
    """What became of the chapters: path of each one's executed notebook in the cache, and which ran or were cached."""

    notebooks: Mapping[str, Path]
    ran: tuple[str, ...]
    cached: tuple[str, ...]


def execute_chapters(root: Path, parameters: Mapping[str, object], *, jobs: int | None = None) -> Executed:
    """Execute every chapter of the book in a folder that has no result yet; that folder is their working directory.

    Parameters
    ----------
    parameters
        Values for the cell tagged ``parameters``; plain JSON types.
    jobs
        Chapters executed at the same time; by default one per core.

    Raises
    ------
    BuildError
        With every chapter that cannot be read, fails, or writes to standard error (a warning is a fault).
    """
    read = [read_chapter(root, name) for name in chapter_names(root)]
    _raise([fault for _, faults in read for fault in faults])
    chapters = [chapter for chapter, _ in read if chapter is not None and chapter.executable]
    shared = input_digest(root, parameters)
    cache = root / ".cache" / "chapters"
    keys = {c.name: hashlib.sha256("\0".join((shared, c.name, c.text)).encode()).hexdigest() for c in chapters}
    results = {name: cache / f"{key}.ipynb" for name, key in keys.items()}
    cached = tuple(name for name, path in results.items() if path.is_file())
    waiting = [chapter for chapter in chapters if chapter.name not in cached]
    if waiting:
        cache.mkdir(parents=True, exist_ok=True)
        _raise(sorted(_run_all(root, waiting, results, parameters, jobs=jobs or os.cpu_count() or 1)))
    _keep_newest(cache, results.values())
    return Executed(results, tuple(chapter.name for chapter in waiting), cached)


def _raise(faults: Sequence[Fault]) -> None:
    if faults:
        raise BuildError("\n".join(map(str, faults)))


def _run_all(
    root: Path, chapters: Sequence[Chapter], results: Mapping[str, Path], parameters: Mapping[str, object], *, jobs: int
) -> list[Fault]:
    from tqdm import tqdm

    # Papermill warns of a parameter that a chapter does not use, and repeats what a failing cell says.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    faults: list[Fault] = []
    # Threads suffice: the work is done by the kernels, each a process of its own. No bar where there is no terminal.
    with (
        tempfile.TemporaryDirectory(prefix="livingreview-") as scratch,
        kernel_folders(Path(scratch), set().union(*(chapter.imports for chapter in chapters))) as kernel,
        ThreadPoolExecutor(min(jobs, len(chapters))) as pool,
        tqdm(total=len(chapters), desc="chapters", unit="", disable=None) as bar,
    ):
        running = {
            pool.submit(_run, root, chapter, results[chapter.name], parameters, kernel): chapter for chapter in chapters
        }
        for done in as_completed(running):
            faults += done.result()
            bar.set_postfix_str(running[done].name)
            bar.update()
    return faults


def _run(root: Path, chapter: Chapter, result: Path, parameters: Mapping[str, object], kernel: str) -> list[Fault]:
    """Execute one chapter and keep its result; return what went wrong."""
    from papermill import PapermillExecutionError

    with tempfile.TemporaryDirectory(prefix="livingreview-") as folder:
        source, target = Path(folder) / "in.ipynb", Path(folder) / "out.ipynb"
        write_notebook(chapter.notebook, source)
        for last in (False, True):
            try:
                _papermill(source, target, dict(parameters), kernel, root)
            except PapermillExecutionError as error:
                return [_failure(chapter, target, error)]
            except (RuntimeError, TimeoutError) as error:  # the kernel died, did not start, or a cell took too long
                # One that never answered may have lost its ports to another program: another gets others.
                if last or _begun(target):
                    return [_death(chapter, target, error)]
            else:
                break
        notebook = read_notebook(target)
    faults = _warnings(chapter, notebook)
    if not faults:
        write_notebook(finished(notebook), result)
    return faults


def _papermill(source: Path, target: Path, parameters: dict[str, object], kernel: str, folder: Path) -> None:
    from jupyter_core.utils import ensure_event_loop
    from papermill import execute_notebook

    try:
        execute_notebook(
            source,
            target,
            parameters=parameters,
            kernel_name=kernel,
            language="python",
            progress_bar=False,
            start_timeout=START_SECONDS,
            execution_timeout=CELL_SECONDS,
            # The kernel's working directory; papermill's own `cwd` would change that of all threads.
            resources={"metadata": {"path": str(folder)}},
        )
    finally:
        # Jupyter makes an event loop for every thread and leaves it open.
        ensure_event_loop().close()


def _failure(chapter: Chapter, target: Path, error: Any) -> Fault:
    """Say where a chapter failed: the cell that failed is the one that holds an error."""
    failed = next(
        cell.id
        for cell in read_notebook(target).cells
        if cell.cell_type == "code" and any(output.output_type == "error" for output in cell.outputs)
    )
    frames = re.findall(r"Cell In\s*\[\d+\],? line (\d+)", plain("\n".join(error.traceback)))
    line, place = chapter.place_of(failed, int(frames[0]) if frames else 1)
    problem = f"{error.ename}: {_on_one_line(error.evalue)}"
    return Fault(chapter.name, line, place, problem, "mend the cell, or what it calls", "CHAPTER-003")


def _death(chapter: Chapter, target: Path, error: Exception) -> Fault:
    """Say in which cell a kernel ended: the last one that papermill began."""
    begun = _begun(target)
    line, place = chapter.place_of(begun[-1]) if begun else (0, "")
    reason = _on_one_line(str(error))
    return Fault(chapter.name, line, place, reason, "run the chapter by hand to see why", "CHAPTER-005")


def _begun(target: Path) -> list[str]:
    """Return the ids of the cells that papermill began, in their order."""
    cells = read_notebook(target).cells if target.is_file() else []
    return [cell.id for cell in cells if cell.cell_type == "code" and cell.metadata.papermill.start_time]


def _warnings(chapter: Chapter, notebook: Any) -> list[Fault]:
    """Return a fault for every cell that wrote to standard error; that is where warnings go."""
    faults = []
    for cell in notebook.cells:
        written = "".join(output.text for output in cell.get("outputs", []) if output.get("name") == "stderr")
        if written.strip():
            line, place = chapter.place_of(cell.id)
            problem = "wrote to standard error: " + _on_one_line(written)
            remedy = "mend what it warns about; a chapter gives no warnings"
            faults.append(Fault(chapter.name, line, place, problem, remedy, "CHAPTER-004"))
    return faults


def _on_one_line(text: str) -> str:
    return " ".join(plain(text).split())[:500]


def _keep_newest(cache: Path, used: Iterable[Path]) -> None:
    """Bound the cache: results not asked for lately go first."""
    for path in used:
        path.touch()
    results = sorted(cache.glob("*.ipynb"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in results[KEPT_RESULTS:]:
        path.unlink(missing_ok=True)
