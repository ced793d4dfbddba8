"""Measure the screening ranker on labelled sets of real reviews.

    LIVINGREVIEW_REFERENCE=… python benchmarks/screening.py

Sets: SYNERGY (De Bruin et al. 2023, doi:10.34894/HE6NAQ), CC0. Beside each figure stands what ASReview 3.0.8 with its
default model ``elas_u4`` gave on the same set, from one included and one excluded record, learning anew after each.
"""

from __future__ import annotations

import csv
import gzip
import os
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from livingreview.errors import TooFewStudies
from livingreview.screening.ranking import backtest, matrix, scores, work_saved

# Work saved over sampling at 95 % recall of ASReview 3.0.8, one run each; None where it was not run.
ASREVIEW = {"Donners_2021": 0.547, "Meijboom_2021": 0.702, "Oud_2018": 0.825, "Sep_2021": None}
SEEDS = range(1, 6)


def load(folder: Path, name: str) -> tuple[list[str], np.ndarray, list[date]]:
    """Return texts, labels and dates of publication (to the year) of one set."""
    csv.field_size_limit(10_000_000)
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    texts = [f"{row['title']} {row['abstract']}" for row in rows]
    labels = np.array([row["label_included"] == "1" for row in rows])
    return texts, labels, [date(int(row["year"] or 1), 1, 1) for row in rows]


def simulate(texts: list[str], included: Sequence[bool], *, seed: int = 1, batch: int = 10) -> np.ndarray:
    """Return the order in which all records would have been read, learning anew after every `batch`.

    The seed draws the one included and the one excluded record that are known at the start, and stand first.

    Raises
    ------
    TooFewStudies
        Not both kinds of record occur.
    """
    labels = np.array(included, dtype=bool)
    if labels.all() or not labels.any():
        raise TooFewStudies("a simulation needs included and excluded records")
    rng = np.random.default_rng(seed)
    known = [int(rng.choice(np.flatnonzero(labels))), int(rng.choice(np.flatnonzero(~labels)))]
    features, _ = matrix(texts)
    unread = np.ones(labels.size, dtype=bool)
    unread[known] = False
    while unread.any():
        rows = np.array(known)
        score, _ = scores(features, rows, labels[rows])
        pool = np.flatnonzero(unread)
        chosen = pool[np.argsort(-score[pool], kind="stable")][:batch]
        known.extend(int(row) for row in chosen)
        unread[chosen] = False
    return np.array(known, dtype=np.intp)


def after_learning_from(texts: list[str], labels: np.ndarray, included: int) -> float:
    """Return the mean work saved on the rest after learning from so many included and ten times as many excluded."""
    features, _ = matrix(texts)
    saved = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        known = np.concatenate(
            [
                rng.choice(np.flatnonzero(labels), included, replace=False),
                rng.choice(np.flatnonzero(~labels), min(10 * included, int((~labels).sum()) // 2), replace=False),
            ]
        )
        score, _ = scores(features, known, labels[known])
        rest = np.setdiff1d(np.arange(labels.size), known)
        saved.append(work_saved(labels[rest[np.argsort(-score[rest], kind="stable")]]).value)
    return float(np.mean(saved))


def main() -> None:
    folder = Path(os.environ["LIVINGREVIEW_REFERENCE"]) / "records" / "screening_synergy"
    for name, asreview in ASREVIEW.items():
        texts, labels, days = load(folder, name)
        start = time.perf_counter()
        runs = [work_saved(labels[simulate(texts, labels, seed=seed)]) for seed in SEEDS]
        seconds = (time.perf_counter() - start) / len(runs)
        values = np.array([run.value for run in runs])
        print(f"{name}: {labels.size} records, {labels.sum()} included")
        print(
            f"  simulated screening, batches of 10: work saved {values.mean():.3f} "
            f"({values.min():.3f}–{values.max():.3f} over {len(runs)} starts; first with interval {runs[0]}), "
            f"{seconds:.1f} s each; ASReview {asreview if asreview is not None else 'not run'}"
        )
        try:
            print("  back-test by year of publication: " + str(backtest(texts, labels, days)).replace("\n", " "))
        except TooFewStudies as error:
            print(f"  back-test by year of publication: {error}")
        learned = {n: after_learning_from(texts, labels, n) for n in (1, 2, 5, 10) if n < labels.sum() - 3}
        print("  work saved after learning from n included: " + ", ".join(f"{n}: {w:.3f}" for n, w in learned.items()))


if __name__ == "__main__":
    main()
