"""Are segmentation values described without being mixed?"""

from math import isnan

import pytest

from livingreview.analysis.overlap import STRUCTURE_GROUPS, describe, group_table, reported, tabulated
from livingreview.review import Review


def test_description_has_both_standard_deviations() -> None:
    summary = describe([1.0, 2.0, 3.0])
    assert (summary.mean, summary.sd, summary.median) == (2.0, 1.0, 2.0)
    assert summary.sd_population == pytest.approx((2 / 3) ** 0.5)
    assert isnan(describe([1.0]).sd)
    with pytest.raises(ValueError, match="no value"):
        describe([])


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
