"""How long ``livingreview diff`` takes on the whole review with one study more, and beside a full build of the site.

The command is run as a contributor runs it, each time in a new process: in a clone of this repository whose working
tree has one made-up study more than its last commit. Both sides of the diagnostic synthesis are then computed. The
smallest of several runs counts, because whatever else the machine does only adds to it; the processor time beside it
tells a busy machine from a slow command.

Usage: ``python benchmarks/diff.py [--runs N] [--build]``; exit code 1 if the Markdown report takes more than `LIMIT`
seconds. ``--build`` also builds the book of the clone with an empty cache, which takes minutes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT = 5.0
FORMATS = ("markdown", "html", "json")
STUDY = """\
id: madeup2026
report: {title: A study made up for a benchmark, first_author: Madeup A, year: 2026, source: abstract}
standing:
  - {on: 2026-11-01, status: awaiting classification, route: other methods, reason: made up for a benchmark}
task: diagnosis
target_condition: made-up condition
source: abstract
accuracy:
  - {id: main, primary: true, problem: binary, unit: patient, tp: 80, fp: 12, fn: 9, tn: 110, source: abstract}
extraction:
  - {by: nobody, kind: person, on: 2026-11-01}
sources:
  abstract: {kind: publication, where: abstract, doi: 10.9999/made.up}
"""


def timed(folder: Path, *arguments: str) -> tuple[float, float]:
    """Return wall and processor seconds of one run of the program."""
    code = "import sys; from livingreview.cli import main; sys.exit(main())"
    start, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--build", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "review"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        (clone / "data" / "studies" / "madeup2026.yaml").write_text(STUDY, encoding="utf-8")
        best = {}
        for form in FORMATS:
            best[form] = min(timed(clone, "diff", "HEAD", "--format", form) for _ in range(options.runs))
            print(f"diff --format {form:<8}  {best[form][0]:6.2f} s wall  {best[form][1]:6.2f} s processor")
        if options.build:
            wall, used = timed(clone, "build", "--output", str(Path(folder) / "site"))
            print(f"build, empty cache      {wall:6.2f} s wall  {used:6.2f} s processor")
            print(f"the build takes {wall / best['markdown'][0]:.0f} times as long as the Markdown report")
    return int(best["markdown"][0] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
