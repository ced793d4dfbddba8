"""How the cost of a build grows with the number of studies: synthetic reviews made of today's files.

Each copy of a study bears an id that begins with ``synthetic`` and identifiers that lead nowhere; all of it is made in
a temporary folder and removed. Times are processor seconds of this process and of those it starts.

Usage: ``python benchmarks/scale.py [COUNT …] [--build]`` (79, 316 and 1,000 studies by default; ``--build`` builds the
whole site as well, which takes minutes); exit code 1 if a part grows faster than the studies, by more than a quarter.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from build import copy_of_book
from livingreview.analysis.diagnosis import pool
from livingreview.analysis.evidence import gather
from livingreview.publish.study_pages import study_pages
from livingreview.review import Review, check

TOLERATED = 1.25
LIVINGREVIEW = Path(sys.executable).with_name("livingreview")


def enlarge(data: Path, count: int) -> None:
    """Add synthetic studies to a copy of the data until there are as many as asked for."""
    everything = sorted((data / "studies").glob("*.yaml"))
    # What two studies share, both say; a copy cannot.
    originals = [path for path in everything if "shares_patients_with" not in path.read_text(encoding="utf-8")]
    for number in range(count - len(everything)):
        original = originals[number % len(originals)]
        text = original.read_text(encoding="utf-8").replace(f"id: {original.stem}", f"id: synthetic{number}", 1)
        # A row of the base review belongs to one study.
        text = re.sub(r"kind: baseline, table: \w+, row: \d+", "kind: coding, how: synthetic", text)
        text = re.sub(r"\b(doi: ['\"]?10\.[^\s,}'\"]+)", rf"\1.synthetic{number}", text)
        text = re.sub(r"\b(pmid: ['\"]?)\d+", rf"\g<1>{90_000_000 + number}", text)
        text = re.sub(r"\b(pmcid: ['\"]?PMC)\d+", rf"\g<1>{90_000_000 + number}", text)
        text = re.sub(r"(?m)^( +accession: ['\"]?)([^\s'\"]+)", rf"\1\2.synthetic{number}", text)
        text = re.sub(r"(?m)^(  title: (?:>-\n    )?)", rf"\1Synthetic {number} ", text)
        text = re.sub(r"(?m)^(  (?:first_author: |authors: \[))", rf"\1Synthetic{number}-", text)
        (data / "studies" / f"synthetic{number}.yaml").write_text(text, encoding="utf-8")


def used(step: Callable, *arguments):
    """Call a step; return its result and the processor seconds that it took."""
    before = sum(os.times()[:4])
    result = step(*arguments)
    return result, sum(os.times()[:4]) - before


def measure(book: Path, *, whole: bool) -> dict[str, float]:
    """Return the processor seconds of each part of a build that depends on the number of studies."""
    times = {}
    _, times["check"] = used(check, book / "data")
    review, times["load"] = used(Review.load, book / "data")
    _, times["evidence"] = used(gather, review)
    _, times["pool"] = used(pool, review)
    _, times["study pages"] = used(lambda: study_pages(review, repository="", history={}))
    if whole:
        _, times["whole build"] = used(
            lambda: subprocess.run([LIVINGREVIEW, "build"], cwd=book, stdout=subprocess.DEVNULL, check=True)
        )
    return times


def main() -> int:
    """Measure, print and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", nargs="*", type=int, default=[79, 316, 1000], help="numbers of studies")
    parser.add_argument("--build", action="store_true", help="build the whole site as well")
    options = parser.parse_args()
    found = []
    for count in options.counts:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            book = copy_of_book(Path(folder) / "book")
            enlarge(book / "data", count)
            found.append(measure(book, whole=options.build))
            print(f"{count} studies: " + ", ".join(f"{name} {value:.1f} s" for name, value in found[-1].items()))
    growth = options.counts[-1] / options.counts[0]
    steep = [name for name, value in found[-1].items() if value > TOLERATED * growth * max(found[0][name], 0.1)]
    print(f"faster than the studies grow: {', '.join(steep) or 'nothing'}")
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
