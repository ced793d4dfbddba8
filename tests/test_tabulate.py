"""Do the chapters' tables show what the files hold?"""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from livingreview.analysis.tabulate import (
    NOT_SEEN,
    dataset_table,
    eligibility_table,
    other_methods_table,
    pooled_as_printed,
    question_table,
    reference,
    rules_table,
    runs_table,
    study_table,
    tally,
)
from livingreview.review import Review


def test_each_table_has_a_row_per_thing(review: Review) -> None:
    assert len(question_table(review)) == len(review.file.question)
    assert len(eligibility_table(review)) == sum(map(len, review.file.eligibility.values()))
    assert len(rules_table(review)) == len(review.file.conclusion_rules)
    assert len(runs_table(review)) == len(review.runs)
    assert len(other_methods_table(review)) == len(review.other_methods)
    assert len(dataset_table(review)) == len(review.datasets)
    assert len(study_table(review, review.included)) == len(review.included)
    assert study_table(review, []).empty


def test_absent_values_stay_blank_and_are_never_the_word_none(review: Review) -> None:
    for table in (study_table(review, review.studies), dataset_table(review)):
        text = table.astype(object).where(table.notna(), "")
        assert not text.map(lambda cell: str(cell) in {"None", "nan"}).any().any()


def test_the_base_reviews_dataset_row_stands_beside_the_datasets_own(review: Review) -> None:
    row = dataset_table(review).set_index("Dataset").filter(like="ACDC", axis=0).iloc[0]
    assert row["Base review: vendors"] == "Multi-vendor"
    assert "Siemens" in row["Own pages: vendors"]


def test_a_reference_is_the_most_stable_identifier_there_is(review: Review) -> None:
    assert reference(review.study("martini2020")) == "https://doi.org/10.1186/s12968-020-00690-4"
    assert reference(review.study("parikh")) == ""


def test_printed_pooled_results_are_shown_as_printed(review: Review) -> None:
    table = pooled_as_printed(review, "diagnosis_prediction").set_index("Measure")
    assert table.at["Sensitivity", "Estimate"] == "0.94"
    assert table.at["Sensitivity", "95 % CI"] == "0.92 to 0.96"
    assert table.at["Q*", "SE"] == "0.0088"
    assert isinstance(table, pd.DataFrame)


@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))))
def test_single_values_add_up_to_the_number_of_studies(values: list[str | None]) -> None:
    assert sum(tally(values).values()) == len(values)


def test_not_seen_comes_last_and_lists_count_in_each_category() -> None:
    counts = tally([None, ["x", "y"], "x", float("nan"), []])
    assert counts == {"x": 2, "y": 1, NOT_SEEN: 3}
    assert list(counts)[-1] == NOT_SEEN


def test_a_given_order_keeps_empty_categories() -> None:
    assert tally(["b"], order=["a", "b"]) == {"a": 0, "b": 1}
