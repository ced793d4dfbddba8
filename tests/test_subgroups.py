"""Is a subgroup estimated only where two levels have enough studies?"""

from dataclasses import replace

import numpy as np

from livingreview.analysis.diagnosis import FEWEST, Pooled, pool
from livingreview.analysis.subgroups import CHARACTERISTICS, COLUMNS, _compared, subgroup_table
from livingreview.review import Review
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts


def test_every_characteristic_is_listed_and_sums_to_the_studies_pooled(review: Review) -> None:
    pooled = pool(review)
    table = subgroup_table(review, pooled)
    assert list(table.columns) == COLUMNS
    for title in CHARACTERISTICS.values():
        rows = table[table["Characteristic"] == title]
        counts = rows["Studies"].astype(int)
        estimated = rows["Sensitivity"] != ""
        assert counts.sum() == pooled.k or estimated.all()
        assert ((counts >= FEWEST) | ~estimated).all()


def test_two_levels_of_three_studies_are_compared(review: Review) -> None:
    rng = np.random.default_rng(3)
    diseased, healthy = rng.integers(30, 60, 7), rng.integers(30, 60, 7)
    tp, tn = rng.binomial(diseased, 0.8), rng.binomial(healthy, 0.85)
    counts = Counts.from_arrays(tp, healthy - tn, diseased - tp, tn)
    pooled = replace(pool(review), fit=fit(counts))
    object.__setattr__(pooled, "counts", counts)
    assert isinstance(pooled, Pooled)
    levels = ["a", "a", "a", "b", "b", "b", "c"]
    rows = _compared(pooled, "Title", levels)
    assert [(row["Level"], row["Studies"]) for row in rows] == [("a", 3), ("b", 3)]
    assert all(row["Sensitivity"] and str(row["P of the difference"]).startswith("P ") for row in rows)
    assert _compared(pooled, "Title", ["a"] * 3 + ["b"] * 2 + ["c"] * 2) == []
