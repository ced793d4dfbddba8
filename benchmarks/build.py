"""Cold and warm builds of the book beside stock ``jupyter-book build`` executing the same chapters.

Everything is built in one run, one after the other, from copies of the book in a temporary folder:

* *stock*: ``jupyter-book build --all`` with ``execute_notebooks: force``, as its manual describes, on the chapters as
  they are (parameters at their defaults); each chapter in turn, from the folder it expects;
* *ours, cold*: ``livingreview build`` with an empty cache;
* *ours, one chapter edited*: a sentence added to one chapter;
* *ours, warm*: again, with nothing changed.

Usage: ``python benchmarks/build.py [--jobs N]``; exit code 1 if a build fails or the warm build is less than ten times
faster than stock.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from ruamel.yaml import YAML

from history import record
from livingreview.publish.metadata import frame_of

ROOT = Path(__file__).parents[1]
BOOK = ("_config.yml", "_toc.yml", "_static", "index.md", "chapters", "data", "requirements.lock")
WARM_AT_LEAST = 10.0


def copy_of_book(folder: Path) -> Path:
    """Copy what a build reads; nothing that an earlier build made."""
    folder.mkdir()
    for name in BOOK:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copyfile(source, folder / name)
    return folder


def make_stock(book: Path) -> list[str]:
    """Turn a copy into a book that Jupyter Book executes by itself; return the command."""
    frame = frame_of(book, date.today())
    (book / "references.bib").write_text(frame.bibliography, encoding="utf-8")
    # Chapters are executed in their own folder there, and look for `data` beside them.
    (book / "chapters" / "data").symlink_to(book / "data", target_is_directory=True)
    yaml = YAML(typ="safe")
    config = yaml.load(book / "_config.yml")
    config["execute"] = {"execute_notebooks": "force", "timeout": 600}
    with (book / "_config.yml").open("w", encoding="utf-8") as file:
        yaml.dump(config, file)
    return [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(book), "--all", "-q"]


def seconds(command: list[str], place: Path) -> float:
    """Run a command and return how long it took; stop everything if it fails."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command[-4:])} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return taken


def main() -> int:
    """Measure, print the times and their ratios, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="chapters executed at once (default: cores)")
    jobs = parser.parse_args().jobs
    livingreview = [str(Path(sys.executable).with_name("livingreview")), "build", "--jobs", str(jobs)]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stock_book = copy_of_book(Path(folder) / "stock")
        stock = seconds(make_stock(stock_book), stock_book)
        book = copy_of_book(Path(folder) / "ours")
        cold = seconds(livingreview, book)
        chapter = book / "chapters" / "protocol.md"
        chapter.write_text(chapter.read_text(encoding="utf-8") + "\nOne more sentence.\n", encoding="utf-8")
        edited = seconds(livingreview, book)
        warm = seconds(livingreview, book)
    rows = (("stock", stock), ("ours, cold", cold), ("ours, one chapter edited", edited), ("ours, warm", warm))
    print(f"{os.cpu_count()} cores, {jobs} jobs, {len(list((ROOT / 'chapters').glob('*.md'))) + 1} pages")
    record("build", dict(rows))
    for name, taken in rows:
        print(f"{name:<26}{taken:8.1f} s   {stock / taken:6.1f} × stock")
    return 0 if stock / warm >= WARM_AT_LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
