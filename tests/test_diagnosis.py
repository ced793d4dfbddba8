"""Does the diagnostic synthesis follow from the data, and say why where nothing can be pooled?"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from livingreview.analysis.diagnosis import (
    CHARACTERISTICS,
    FEWEST,
    Pooled,
    _fitted,
    central_table,
    changes_table,
    compared_levels,
    entries_table,
    facts,
    headline,
    leave_one_out_table,
    left_out_table,
    pool,
    provisos,
    sensitivity_table,
    size_weights,
    subgroup_table,
    used_table,
)
from livingreview.analysis.evidence import UNSIGNED, gather
from livingreview.analysis.segmentation import pool_groups
from livingreview.publish.figures import show_funnel
from livingreview.review import Review
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts
from livingreview.wording import percent, plural, with_interval
from signing import sign


@pytest.fixture(scope="module")
def pooled(review: Review) -> Pooled:
    return pool(review)


def test_the_main_synthesis_holds_its_point_and_carries_the_tables_along(pooled: Pooled) -> None:
    assert pooled.k >= FEWEST
    assert pooled.fit is not None
    assert pooled.imputed is not None
    assert pooled.extremes is not None
    for name in ("sensitivity", "specificity"):
        interval = getattr(pooled.imputed, name)
        assert interval.lower < interval.estimate < interval.upper
        low, high = getattr(pooled.extremes, name)
        assert low <= high
    assert all(pooled.imputed.widening > 1)


def test_the_same_tables_are_pooled_once_and_give_the_same_numbers_again(review: Review, pooled: Pooled) -> None:
    assert pool(replace(review, verified_only=False)).fit is pooled.fit
    _fitted.cache_clear()
    again = pool(review)
    assert again.imputed is not pooled.imputed
    assert again.imputed is not None
    assert pooled.imputed is not None
    assert again.imputed.measures_to_dict() == pooled.imputed.measures_to_dict()
    assert again.imputed.between.tolist() == pooled.imputed.between.tolist()


def test_on_the_day_of_the_base_search_nothing_can_be_pooled(review: Review) -> None:
    then = pool(review.as_of(date(2025, 7, 31)))
    assert then.fit is None
    assert str(FEWEST) in then.reason
    assert then.reason in headline(then)
    assert set(facts(then).values()) == {"not pooled"}
    assert leave_one_out_table(then).empty
    assert len(used_table(then)) == then.k


def test_one_changed_study_changes_every_number_that_rests_on_it(data_copy: Path, pooled: Pooled) -> None:
    path = data_copy / "studies" / "lvar2026.yaml"
    text = path.read_text()
    assert '"77.3%"' in text
    path.write_text(text.replace('"77.3%"', '"68.2%"').replace('"82.9%"', '"80.3%"').replace('    f1: "0.723"\n', ""))
    changed = pool(Review.load(data_copy))
    assert changed.k == pooled.k
    assert changed.fit is not None
    assert pooled.fit is not None
    assert changed.fit.sensitivity.estimate < pooled.fit.sensitivity.estimate
    assert headline(changed) != headline(pooled)
    assert facts(changed) != facts(pooled)


def test_every_evaluation_is_shown_and_is_pooled_or_left_out_with_a_reason(review: Review, pooled: Pooled) -> None:
    table = entries_table(review, pooled.selection)
    assert len(table) == len(gather(review))
    assert (table["Pooled"] == "yes").sum() == pooled.k
    out = left_out_table(pooled.selection.left_out)
    assert len(out) + pooled.k == len(table)
    assert (out["Reason"] != "").all()


def test_leaving_a_study_out_moves_the_estimate(pooled: Pooled) -> None:
    table = leave_one_out_table(pooled)
    assert list(table["Left out"]) == [*pooled.counts.study, "none"]
    assert table["Sensitivity"].iloc[-1] == with_interval(pooled.fit.sensitivity)
    assert table["Sensitivity"].nunique() > 1


def test_each_sensitivity_analysis_pools_or_says_why(review: Review) -> None:
    table = sensitivity_table(review)
    assert table["Analysis"].is_unique
    assert ((table["Sensitivity"] == "") == (table["If not pooled, why"] != "")).all()


def test_each_sensitivity_analysis_says_what_it_leaves_out_and_why(review: Review, pooled: Pooled) -> None:
    table = sensitivity_table(review).set_index("Analysis")["Studies"]
    changes = changes_table(review)
    assert (changes["Why"] != "").all()
    for analysis, studies in table.drop("main").items():
        rows = changes[changes["Analysis"] == analysis]["Change"].value_counts()
        assert studies == pooled.k - rows.get("left out", 0) + rows.get("added", 0)


@pytest.mark.slow
def test_the_verified_only_view_pools_signed_studies_and_leaves_the_others_out_with_a_reason(
    data_copy: Path, pooled: Pooled
) -> None:
    nobody = pool(Review.load(data_copy, verified_only=True))
    assert nobody.fit is None
    assert list(left_out_table(nobody.selection.left_out)["Reason"]).count(UNSIGNED) >= pooled.k
    for item in pooled.selection.used[:FEWEST]:
        sign(data_copy, item.study.id)
    some = pool(Review.load(data_copy, verified_only=True))
    assert [item.study.id for item in some.selection.used] == [item.study.id for item in pooled.selection.used[:FEWEST]]
    assert some.fit is not None
    assert pool(Review.load(data_copy)).k == pooled.k
    everything = Review.load(data_copy, verified_only=True)
    assert all(UNSIGNED in set(group.rows["refusal"]) or not group.studies for group in pool_groups(everything))
    assert sum(group.studies for group in pool_groups(everything)) < sum(
        group.studies for group in pool_groups(Review.load(data_copy))
    )


def test_every_size_weighs_the_same() -> None:
    tables = np.array([[1, 1, 1, 1], [2, 1, 0, 1], [5, 5, 5, 5]])
    assert size_weights(tables).tolist() == [0.5, 0.5, 1.0]


def test_the_central_table_is_one_of_the_tables() -> None:
    tables = np.array([[1, 0, 0, 9], [5, 0, 0, 5], [9, 0, 0, 1]])
    assert central_table(tables).tolist() == [5, 0, 0, 5]


def test_every_characteristic_is_listed_and_sums_to_the_studies_pooled(review: Review) -> None:
    pooled = pool(review)
    table = subgroup_table(review, pooled)
    assert table["Characteristic"].isin(CHARACTERISTICS.values()).all()
    for title in CHARACTERISTICS.values():
        rows = table[table["Characteristic"] == title]
        counts = rows["Studies"].astype(int)
        estimated = rows["Sensitivity"] != ""
        assert counts.sum() == pooled.k or estimated.all()
        assert ((counts >= FEWEST) | ~estimated).all()
        assert len(rows) != 1


def test_stand_the_four_counts_before_the_target(review: Review) -> None:
    columns = used_table(pool(review)).columns.tolist()
    assert columns[1:7] == ["Study", "TP", "FP", "FN", "TN", "Target"]


def test_is_no_funnel_drawn_below_ten_studies_but_said_why(review: Review) -> None:
    pooled = pool(review)
    shown = show_funnel(pooled)
    assert "of five studies" in shown.alt
    assert "at least 10 are needed" in shown.alt
    assert "<svg" not in shown.html
    assert facts(pooled)["funnel"] == ""


def test_two_levels_of_three_studies_are_compared(review: Review) -> None:
    rng = np.random.default_rng(3)
    diseased, healthy = rng.integers(30, 60, 7), rng.integers(30, 60, 7)
    tp, tn = rng.binomial(diseased, 0.8), rng.binomial(healthy, 0.85)
    counts = Counts.from_arrays(tp, healthy - tn, diseased - tp, tn)
    pooled = replace(pool(review), fit=fit(counts))
    object.__setattr__(pooled, "counts", counts)
    assert isinstance(pooled, Pooled)
    levels = ["a", "a", "a", "b", "b", "b", "c"]
    rows = compared_levels(pooled, levels)
    assert [(level, k) for level, k, *_ in rows] == [("a", 3), ("b", 3)]
    assert all(sensitivity and p.startswith("P ") for _, _, sensitivity, _, p in rows)
    assert compared_levels(pooled, ["a"] * 3 + ["b"] * 2 + ["c"] * 2) == []


def test_do_the_provisos_stand_beside_the_figures(review: Review, pooled: Pooled) -> None:
    told = provisos(review, pooled)
    assert f"from {percent(pooled.fit.prediction_interval_sensitivity.lower)} to" in told
    undecided = sum(item.study in review.awaiting for item in pooled.selection.used)
    assert f"Whether {plural(undecided, 'study belongs', 'studies belong')} here no person has decided yet." in told
    assert provisos(review, replace(pooled, fit=None, imputed=None)) == ""


def test_a_domain_judged_in_one_study_is_a_column_for_all(data_copy: Path) -> None:
    assert pool(Review.load(data_copy)).risk_of_bias == {}
    made_up = (
        "appraisal:\n  judgements:\n    - {tool: QUADAS-2, domain: index_test, kind: risk of bias, judgement: high,\n"
        "       reason: made up for a test, by: Nobody, on: 2026-11-22}\nextraction:"
    )
    path = data_copy / "studies" / "martini2020.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("extraction:", made_up, 1), encoding="utf-8")
    found = pool(Review.load(data_copy))
    by_study = dict(
        zip((item.study.id for item in found.selection.used), found.risk_of_bias["Index test"], strict=True)
    )
    assert by_study.pop("martini2020") == "high"
    assert set(by_study.values()) == {None}


def test_are_participants_a_range_where_the_size_is_not_known(pooled: Pooled) -> None:
    tables = [item.tables for item in pooled.selection.used]
    low, high = (sum(int(limit(t[:, 0] + t[:, 2])) for t in tables) for limit in (np.min, np.max))
    assert low < high
    assert pooled.participants("tp", "fn") == f"{low} to {high}"
    known = replace(
        pooled, selection=replace(pooled.selection, used=[i for i in pooled.selection.used if len(i.tables) == 1])
    )
    assert known.participants("tp", "fp", "fn", "tn").isdigit()
