"""Where the processor time of a cold build goes, part by part, with forked and with ordinary kernels.

Each chapter of a copy of the book gets a last cell that prints the processor time of its kernel, from the start of
that process. What runs in this process is timed here; what runs in others, by what they used until they ended.

Usage: ``python benchmarks/build_parts.py [--jobs N]``; exit code 1 if a chapter shows something else in a forked
kernel.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import date
from pathlib import Path
from unittest.mock import patch

from build import copy_of_book
from livingreview.publish import kernel
from livingreview.publish.beside import publish_beside
from livingreview.publish.chapters import Executed, execute_chapters
from livingreview.publish.inputs import read_notebook
from livingreview.publish.metadata import frame_of
from livingreview.publish.site import run_jupyter_book, stage_book

PARAMETERS = {"data_root": "data", "as_of": None, "verified_only": False, "release": None}
LAST_CELL = "\n\n```{code-cell} ipython3\nimport time\n\nprint(time.process_time())\n```\n"


def used(step, *arguments):
    """Call a step; return its result and the processor seconds that it took, here and in processes that ended."""
    before = sum(os.times()[:4])
    result = step(*arguments)
    return result, sum(os.times()[:4]) - before


def in_kernels(executed: Executed) -> dict[str, float]:
    """Return what the last cell of each chapter printed."""
    return {name: float(read_notebook(path).cells[-1].outputs[0].text) for name, path in executed.notebooks.items()}


def shown(executed: Executed) -> dict[str, list]:
    """Return everything else in the executed chapters."""
    return {name: read_notebook(path).cells[:-1] for name, path in executed.notebooks.items()}


def main() -> int:
    """Measure and print the parts; judge whether both ways show the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="chapters executed at once (default: cores)")
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Path(folder)
        book = copy_of_book(place / "book")
        for page in (book / "index.md", *(book / "chapters").glob("*.md")):
            text = page.read_text(encoding="utf-8")
            page.write_text(text + LAST_CELL * ("[parameters]" in text), encoding="utf-8")

        def execute() -> Executed:
            return execute_chapters(book, PARAMETERS, jobs=jobs)

        forked, forked_total = used(execute)
        (book / ".cache").rename(place / "forked")
        forked = Executed({name: place / "forked" / path.relative_to(book / ".cache")
                           for name, path in forked.notebooks.items()}, forked.ran, ())  # fmt: skip
        with patch.object(kernel, "can_fork", lambda _address: False):
            ordinary, ordinary_total = used(execute)
        frame, loading = used(frame_of, book, date.today())
        _, staging = used(stage_book, book, place / "stage", ordinary.notebooks, frame)
        _, sphinx = used(run_jupyter_book, place / "stage", place / "made")
        _, beside = used(publish_beside, place / "made" / "_build" / "html", frame.review)
        few, many = in_kernels(forked), in_kernels(ordinary)
        same = shown(forked) == shown(ordinary)
    shared, papermill = forked_total - sum(few.values()), ordinary_total - sum(many.values())
    rows = [
        *((name, few[name], many[name]) for name in sorted(few)),
        ("shared imports, papermill", shared, papermill),
        ("all chapters", forked_total, ordinary_total),
    ]
    print(f"{'processor seconds':<40}{'forked':>10}{'ordinary':>10}")
    for name, *seconds in rows:
        print(f"{name:<40}" + "".join(f"{value:10.1f}" for value in seconds))
    after = {"load and frame": loading, "staging, study pages": staging, "Jupyter Book": sphinx, "beside": beside}
    for name, value in after.items():
        print(f"{name:<40}{value:10.1f}")
    print("the chapters show the same" if same else "THE CHAPTERS DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
