"""Do the chapters' tables show what the files hold, and keep reported, not reported and not yet extracted apart?"""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview.analysis.tabulate import (
    NOT_SEEN,
    SECTION_MAXIMA,
    SECTION_TITLES,
    TRANSLATION_ITEMS,
    begun,
    claim_scores,
    claim_sections,
    claim_table,
    dataset_table,
    eligibility_table,
    evidence_studies,
    gap_states,
    other_methods_table,
    pooled_as_printed,
    quadas_counts,
    question_table,
    readiness_counts,
    readiness_table,
    reference,
    rules_table,
    runs_table,
    study_table,
    tally,
    translation_states,
)
from livingreview.review import Review
from livingreview.review.model import Study, Translation


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
    table = pooled_as_printed(review).set_index("Measure")
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


def test_claim_agrees_with_the_printed_mean_and_extremes(review: Review) -> None:
    percent = claim_scores(review)["percent"]
    printed = review.baseline["characteristics"].set_index("characteristic")["percent"]
    assert len(percent) == 62
    assert round(percent.mean(), 2) == printed["claim_mean_percent"]
    assert round(percent.max(), 2) == printed["claim_max_percent"]
    assert round(percent.min(), 2) == printed["claim_min_percent"]
    assert percent[0] == pytest.approx(100 * 31 / 42)


def test_totals_are_the_tables(review: Review) -> None:
    assert list(claim_scores(review)["total"]) == list(review.baseline["claim"]["total"])
    assert len(claim_table(review)) == 62


def test_sections_hold_the_instruments_items(review: Review) -> None:
    items = review.instruments["claim-2020"].items
    for section, maximum in SECTION_MAXIMA.items():
        assert sum(item.section == section for item in items) == maximum
    sections = claim_sections(review)
    assert list(sections) == [SECTION_TITLES[name] for name in SECTION_MAXIMA]
    assert all(0 < percent <= 100 for percent in sections.values())


def test_overall_judgements_add_up(review: Review) -> None:
    counts = quadas_counts(review)
    assert set(counts) == {"low", "some concerns", "high"}
    assert sum(counts.values()) == 62


@pytest.fixture
def three(review: Review) -> tuple[Study, ...]:
    base = review.studies[0]
    said = Translation(source="abstract", calibration="slope 0.98", code="not reported")
    return tuple(base.model_copy(update={"translation": value}) for value in (said, None, said))


def test_is_a_plain_no_neither_a_yes_nor_a_gap(three: tuple[Study, ...]) -> None:
    table = readiness_counts(three).set_index("Item")
    assert table.loc["Calibration"].tolist() == [2, 0, 1]
    assert table.loc["Code"].tolist() == [0, 2, 1]
    assert table.loc["Runtime"].tolist() == [0, 0, 3]


def test_does_every_row_count_every_study(review: Review) -> None:
    studies = evidence_studies(review)
    assert len(studies) == len(review.included) + len(review.awaiting)
    assert set(readiness_counts(studies).set_index("Item").sum(axis=1)) == {len(studies)}


def test_does_the_map_show_only_studies_that_were_looked_at(three: tuple[Study, ...]) -> None:
    assert begun(three) == (three[0], three[2])
    states = gap_states(begun(three))
    assert list(states) == list(TRANSLATION_ITEMS.values())
    assert states["Calibration"] == ["reported", "reported"]


def test_is_only_what_is_reported_quoted(three: tuple[Study, ...]) -> None:
    table = readiness_table(three)
    assert table["Item"].tolist() == ["Calibration", "Calibration"]
    assert set(table["What is reported"]) == {"slope 0.98"}
    assert readiness_table([three[1]]).empty


def test_is_the_past_looked_at_with_its_own_studies(review: Review) -> None:
    then = evidence_studies(review.as_of(date(2025, 7, 31)))
    assert {study.id for study in then} < {study.id for study in evidence_studies(review)}


def test_silence_of_a_report_and_of_this_review_are_told_apart(review: Review) -> None:
    study = review.study("bartoli")
    assert set(translation_states(study).values()) == {"not yet extracted"}
    told = Study.model_validate(
        study.model_dump()
        | {"translation": {"runtime": "3 s per scan", "calibration": "not reported", "source": "abstract"}}
    )
    states = translation_states(told)
    assert (states["runtime"], states["calibration"], states["code"]) == (
        "reported",
        "not reported",
        "not yet extracted",
    )
    assert set(states) == set(TRANSLATION_ITEMS)
