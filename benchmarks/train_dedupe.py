"""Train the numbers of the linkage model on labelled sets, and print them as ``dedupe_parameters.json``.

    LIVINGREVIEW_REFERENCE=… python benchmarks/train_dedupe.py > src/livingreview/search/dedupe_parameters.json

m is counted on every pair of records of one publication, u on pairs drawn at random; half a pair is added to every
level, so that a level that was never seen is unlikely and not impossible.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
from splink import DuckDBAPI, Linker

from labelled import TRAINING, LabelledSet, load_set, reference
from livingreview.search.linkage import COMPARISONS, Parameters, comparison_table, settings
from livingreview.search.normalise import normalise

VERSION = "2026.1"
# Duplicates are rare in a search's result: a few hundred in a few million pairs.
PRIOR = 1e-4
RANDOM_PAIRS = 300_000
SEED = 20261122

Pairs = list[tuple[int, int]]


def same_pairs(labelled: LabelledSet) -> Pairs:
    groups = defaultdict(list)
    for index, publication in enumerate(labelled.publications):
        groups[publication].append(index)
    return [pair for members in groups.values() for pair in combinations(members, 2)]


def random_pairs(labelled: LabelledSet, generator: random.Random) -> Pairs:
    drawn = (sorted(generator.sample(range(len(labelled.records)), 2)) for _ in range(RANDOM_PAIRS))
    return sorted({(a, b) for a, b in drawn if labelled.publications[a] != labelled.publications[b]})


def count_levels(labelled: LabelledSet, pairs: Pairs) -> dict[str, Counter[int]]:
    """Return how many pairs fall into each level (splink's gamma: −1 unknown, 0 unlike, higher more alike)."""
    table = comparison_table([normalise(record) for record in labelled.records])
    left, right = zip(*pairs, strict=True)
    columns = {"match_key": ["0"] * len(pairs), "join_key_l": list(left), "join_key_r": list(right)}
    engine = DuckDBAPI()
    even = {name: tuple([0.5] * (len(levels) + 1)) for name, _, levels in COMPARISONS}
    asked = replace(settings(Parameters("untrained", PRIOR, even, even)), retain_matching_columns=True)
    linker = Linker(engine.register(table), asked, log_level=None)
    linker.table_management.register_blocked_pairs_for_predict(engine.register(pa.table(columns)))
    scored = linker.inference.predict(warning_mode="never")
    counts = {}
    for name, _, _ in COMPARISONS:
        rows = engine.duckdb_con.execute(
            f"SELECT gamma_{name}, count(*) FROM {scored.physical_name} GROUP BY 1"
        ).fetchall()
        counts[name] = Counter(dict(rows))
    return counts


def probabilities(counts: Counter[int], levels: int) -> list[float]:
    numbers = [counts[gamma] + 0.5 for gamma in range(levels - 1, -1, -1)]
    return [round(number / sum(numbers), 9) for number in numbers]


def train(folder: Path) -> dict[str, Any]:
    generator = random.Random(SEED)
    same: dict[str, Counter[int]] = defaultdict(Counter)
    different: dict[str, Counter[int]] = defaultdict(Counter)
    n_same = n_different = 0
    for name in TRAINING:
        labelled = load_set(folder, name)
        for pairs, totals in ((same_pairs(labelled), same), (random_pairs(labelled, generator), different)):
            for column, counts in count_levels(labelled, pairs).items():
                totals[column].update(counts)
        n_same += len(same_pairs(labelled))
        n_different += RANDOM_PAIRS
    comparisons = {}
    for name, _, conditions in COMPARISONS:
        labels = [*conditions, "otherwise"]
        m, u = (probabilities(totals[name], len(labels)) for totals in (same, different))
        comparisons[name] = [{"level": a, "m": b, "u": c} for a, b, c in zip(labels, m, u, strict=True)]
    return {
        "version": VERSION,
        "source": {
            "how": "m counted on labelled pairs of one publication, u on pairs drawn at random, 0.5 added per level",
            "script": "benchmarks/train_dedupe.py",
            "sets": list(TRAINING),
            "pairs_same": n_same,
            "pairs_drawn": n_different,
            "seed": SEED,
            "references": ["doi:10.1186/2046-4053-4-6", "https://github.com/CoLRev-Environment/bib-dedupe"],
        },
        "probability_two_random_records_match": PRIOR,
        "comparisons": comparisons,
    }


if __name__ == "__main__":
    json.dump(train(reference()), sys.stdout, indent=1, ensure_ascii=False)
    print()
