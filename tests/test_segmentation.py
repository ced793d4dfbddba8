"""Are segmentation values described without being mixed, and pooled only where they may be?"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from livingreview.analysis.segmentation import (
    FEWEST,
    METRICS,
    MODERATORS,
    STRUCTURE_GROUPS,
    PooledGroup,
    _fit,
    facts,
    group_table,
    of_one_structure,
    pool_groups,
    pooling_table,
    refusals_table,
    regression_table,
    reported,
    tabulated,
    within_networks,
)
from livingreview.review import Review
from livingreview.synthesis import multilevel, univariate
from livingreview.wording import WORDS


def test_every_tabulated_value_belongs_to_a_study(review: Review) -> None:
    for metric, rows in (("dice", 15), ("hausdorff", 6)):
        table = tabulated(review, metric)
        assert len(table) == rows
        assert table["study"].notna().all()
        assert table["study"].is_unique


def test_reported_values_are_the_models_own_and_not_the_base_reviews(review: Review) -> None:
    table = reported(review, ["dice"])
    assert set(table["rater"]) == {"model"}
    assert "baseline" not in set(table["kind_of_source"])
    assert set(table["metric"]) == {"dice"}
    assert table["value"].between(0, 1).all()


def test_a_standard_error_needs_a_mean_an_sd_and_a_size(review: Review) -> None:
    table = reported(review, ["dice"])
    complete = (table["statistic"] == "mean") & table["sd"].notna() & table["n"].notna()
    assert complete.any()
    assert (table["se"].notna() == complete).all()
    cavity = table[(table["study"] == "bartoli") & (table["structure"] == "LV cavity")].iloc[0]
    assert cavity["se"] == pytest.approx(0.01 / 150**0.5)


def test_hausdorff_and_its_95th_percentile_stay_apart(review: Review) -> None:
    assert set(reported(review, ["hausdorff"])["metric"]) == {"hausdorff"}
    assert "tran2020" in set(reported(review, ["hausdorff95"])["study"])
    assert "tran2020" not in set(reported(review, ["hausdorff"])["study"])


def test_groups_count_studies_and_values_apart(review: Review) -> None:
    table = reported(review, ["dice"])
    groups = group_table(table, "group")
    assert groups["values"].sum() == len(table)
    assert (groups["studies"] <= groups["values"]).all()
    assert set(groups["group"]) <= set(STRUCTURE_GROUPS)


def test_every_value_is_usable_or_has_a_reason(review: Review) -> None:
    for group in pool_groups(review):
        assert ((group.rows["refusal"] == "") == group.rows["usable"]).all()
        assert (group.fit is None) == (group.studies < FEWEST)
        assert bool(group.reason) == (group.fit is None)


def test_no_median_and_no_slice_is_ever_used(review: Review) -> None:
    for group in pool_groups(review):
        used = group.rows[group.rows["usable"]]
        assert (used["statistic"] == "mean").all()
        assert not used["unit"].isin(["slice", "image", "voxel"]).any()
        assert used["metric"].nunique() <= 1


def add_dice(data: Path, study: str, value: str, sd: str, n: int) -> None:
    path = data / "studies" / f"{study}.yaml"
    entry = (
        f'  - {{metric: dice, value: "{value}", statistic: mean, sd: "{sd}", structure: LV cavity, unit: patient, '
        f"n: {n}, label: {value} of another network, source: invented_for_a_test}}\n"
    )
    text = path.read_text()
    if "invented_for_a_test:" not in text:
        text = text.replace("\nsources:\n", "\nsources:\n  invented_for_a_test: {kind: page, where: test}\n")
    head, _, tail = text.partition("\noverlap:\n")
    assert tail, f"{study} has no overlap block"
    path.write_text(f"{head}\noverlap:\n{entry}{tail}")


def test_three_studies_with_all_that_is_needed_are_pooled_on_the_logit_scale(data_copy: Path) -> None:
    for study, value, sd, n in (("hu2023", "0.93", "0.02", 100), ("zarvani2021", "0.90", "0.04", 45)):
        add_dice(data_copy, study, value, sd, n)
    group = next(g for g in pool_groups(Review.load(data_copy)) if (g.metric, g.group) == ("dice", "LV"))
    assert group.fit is not None
    assert group.estimate is not None
    assert group.prediction is not None
    assert 0.90 < group.estimate.estimate < 0.96
    assert group.prediction.lower < group.estimate.lower < group.estimate.upper < group.prediction.upper < 1
    value, sd, n = np.array([0.96, 0.93, 0.90]), np.array([0.01, 0.02, 0.04]), np.array([150, 100, 45])
    variance = (sd / np.sqrt(n) / (value * (1 - value))) ** 2
    expected = univariate.fit(np.log(value / (1 - value)), variance, method="reml").estimate.estimate
    assert group.fit.estimate.estimate == pytest.approx(expected, abs=1e-9)
    assert group.fit.k == 3
    row = pooling_table((group,)).iloc[0]
    assert row["Pooled"]
    assert row["If not, why"] == ""


def test_two_estimates_of_one_study_make_the_model_a_three_level_one(data_copy: Path) -> None:
    for study, value, sd, n in (
        ("hu2023", "0.93", "0.02", 100),
        ("zarvani2021", "0.90", "0.04", 45),
        ("hu2023", "0.92", "0.03", 100),
    ):
        add_dice(data_copy, study, value, sd, n)
    group = next(g for g in pool_groups(Review.load(data_copy)) if (g.metric, g.group) == ("dice", "LV"))
    assert isinstance(group.fit, multilevel.MultilevelFit)
    assert (group.fit.k, group.fit.n_estimates) == (3, 4)


def test_what_cannot_be_pooled_is_listed(review: Review) -> None:
    groups = pool_groups(review)
    table = refusals_table(groups)
    assert len(table) == sum(int((~group.rows["usable"]).sum()) for group in groups)
    assert set(table["Metric"]) <= set(METRICS.values())
    assert (table["Reason"] != "").all()


def test_a_meta_regression_is_made_from_ten_studies_on_and_finds_the_difference() -> None:
    rng = np.random.default_rng(5)
    access = ["public"] * 6 + ["private"] * 5
    value = np.where(np.array(access) == "public", 0.92, 0.88) + rng.normal(0, 0.003, 11)
    rows = pd.DataFrame(
        {
            "study": [f"s{i}" for i in range(11)],
            "value": value,
            "se": 0.003,
            "usable": True,
            "refusal": "",
            "access": access,
            "family": "U-Net",
            "dimensionality": None,
            "sequence": "cine",
        }
    )
    table = regression_table((PooledGroup("dice", "LV", rows, _fit(rows, "logit")),)).set_index("Moderator")
    assert table.at["Access to the data", "Compared"] == "private against public"
    assert table.at["Access to the data", "Difference"].startswith("-0.4")
    assert table.at["Access to the data", "P"] == "P < 0.001"
    assert table.at["Network family", "If not, why"]
    assert len(table) == len(MODERATORS)


def test_without_enough_studies_every_regression_says_why(review: Review) -> None:
    table = regression_table(pool_groups(review))
    assert ((table["If not, why"] != "") == (table["Difference"] == "")).all()


def test_say_the_sentences_of_the_chapter_what_its_tables_say(review: Review) -> None:
    groups = pool_groups(review)
    told = facts(groups)
    assert told["pooled_today"].startswith(f"None of the {len(groups)} combinations of metric and structure can be")
    usable = sum(int(group.rows["usable"].sum()) for group in groups if group.metric == "dice")
    assert WORDS[usable] in told["usable_values"]
    assert sum(int(n) for n in re.findall(r"\((\d+)\)", told["usable_values"])) == len(
        refusals_table(groups).query("Metric == 'Dice coefficient'")
    )
    assert "RV 0.90 (Tran 2020°, median of 40 patients)" in told["alone"]
    assert told["regressions"].startswith(f"Of {len(regression_table(groups))} such meta-regressions, none can be made")


def test_are_there_sentences_where_nothing_was_reported() -> None:
    told = facts(())
    assert told["alone"] == ""
    assert told["usable_values"] == "Of the 0 Dice values, none have all that."


def test_a_reason_counts_studies_in_words(review: Review) -> None:
    assert all(group.shortfall for group in pool_groups(review))
    reasons = {group.group: group.shortfall for group in pool_groups(review) if group.metric == "dice"}
    assert reasons["LV"] == "one of four studies can be used; at least three are needed"
    assert reasons["RV"] == "no study can be used; at least three are needed"
    assert reasons["LV myocardium"] == "its only study can be used; at least three are needed"


def test_how_far_structures_lie_apart_is_told_of_each_network_that_outlined_two() -> None:
    values = pd.DataFrame(
        [("A", "LV", 0.96), ("A", "Scar", 0.57), ("A", "Several structures", 0.99), ("B", "LV", 0.9), ("B", "LV", 0.8)],
        columns=["label_of_study", "group", "value"],
    )
    assert of_one_structure(values)["value"].max() == 0.96
    assert within_networks(values) == "What is outlined matters within one network: from 0.96 (LV) to 0.57 (Scar) in A."
    assert within_networks(values[values["label_of_study"] == "B"]) == ""
