"""Measure de-duplication: accuracy on the labelled sets, and time and memory on synthetic records.

    LIVINGREVIEW_REFERENCE=… python benchmarks/dedupe.py accuracy
    python benchmarks/dedupe.py scale 10000 100000 1000000

A cluster that holds k publications has k − 1 false merges; a publication left in k clusters has k − 1 missed merges.
In a set that is labelled by record, false merges are the clusters' records beyond one that are marked as originals,
and missed is every cluster without one; where every member of a group is marked, the other way about.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

from labelled import SETS, LabelledSet, load_cardiac, load_set, reference
from livingreview.search.dedupe import Deduplication, dedupe
from synthetic_records import RecordGenerator

SEED = 20261122


def grouped_faults(clusters: Sequence[int], publications: Sequence[Hashable]) -> tuple[int, int]:
    """Return false and missed merges against known publications."""
    held, left = defaultdict(set), defaultdict(set)
    for cluster, publication in zip(clusters, publications, strict=True):
        held[cluster].add(publication)
        left[publication].add(cluster)
    return sum(len(members) - 1 for members in held.values()), sum(len(pieces) - 1 for pieces in left.values())


def marked_faults(clusters: Sequence[int], marked: Sequence[bool], *, originals_marked: bool) -> tuple[int, int]:
    """Return false and missed merges against labels per record."""
    members = defaultdict(list)
    for cluster, duplicate in zip(clusters, marked, strict=True):
        members[cluster].append(duplicate)
    if originals_marked:
        false = sum(not mark for marks in members.values() if len(marks) > 1 for mark in marks)
        return false, sum(marks == [True] for marks in members.values())
    return sum(max(0, marks.count(False) - 1) for marks in members.values()), sum(map(all, members.values()))


def faults(labelled: LabelledSet, found: Deduplication) -> tuple[int, int]:
    """Return false and missed merges of one set."""
    if labelled.publications:
        return grouped_faults(found.clusters, labelled.publications)
    return marked_faults(found.clusters, labelled.marked, originals_marked=labelled.originals_marked)


def accuracy(folder: Path) -> None:
    """Print one line per labelled set."""
    print(f"{'set':<20}{'records':>9}{'false':>7}{'missed':>8}{'queue':>7}{'seconds':>9}")
    totals = [0, 0, 0, 0]
    for labelled in (*(load_set(folder, name) for name in SETS), load_cardiac(folder)):
        start = time.perf_counter()
        found = dedupe(labelled.records)
        seconds = time.perf_counter() - start
        row = (len(labelled.records), *faults(labelled, found), found.count("queue"))
        totals = [total + number for total, number in zip(totals, row, strict=True)]
        print(f"{labelled.name:<20}{row[0]:>9,}{row[1]:>7}{row[2]:>8}{row[3]:>7}{seconds:>9.1f}")
    print(f"{'all':<20}{totals[0]:>9,}{totals[1]:>7}{totals[2]:>8}{totals[3]:>7}")


def scale(count: int) -> None:
    """Print time, peak memory and faults of one size."""
    records, publications = RecordGenerator(SEED).records(count)
    start, used = time.perf_counter(), time.process_time()
    found = dedupe(records)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    false, missed = grouped_faults(found.clusters, publications)
    recall = 1 - missed / max(1, count - len(set(publications)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{count:>9,} records: {seconds:6.1f} s ({used:.1f} s of processor), peak {peak:.2f} GiB, "
        f"{false} false merges, recall {recall:.4f}, {found.count('queue')} queued",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["accuracy", "scale"])
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000])
    options = parser.parse_args()
    if options.what == "accuracy":
        accuracy(reference())
        return 0
    context = multiprocessing.get_context("spawn")
    for size in options.sizes:
        # A process of its own, so that the peak is this size's.
        process = context.Process(target=scale, args=(size,))
        process.start()
        process.join()
        if process.exitcode:
            return process.exitcode
    return 0


if __name__ == "__main__":
    sys.exit(main())
