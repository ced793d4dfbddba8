"""Is a 2×2 table used only where it is one, and does everything left out keep its reason?"""

from datetime import date

import pytest

from livingreview.analysis.evidence import (
    CASE_MIX,
    EFFORT,
    LACKING,
    MAIN,
    MOST_TABLES,
    SENSITIVITY_RULES,
    WHICH_ERRORS,
    WIDEST_SPAN,
    TableEvidence,
    _lacking,
    _printed,
    _span,
    awaiting_table,
    gather,
    select,
    table_of,
)
from livingreview.reconstruction import reconstruct
from livingreview.review import STUDY_ID, Review
from livingreview.review.model import AccuracyEntry


@pytest.fixture(scope="module")
def evidence(review: Review) -> tuple[TableEvidence, ...]:
    return gather(review)


def entry_of(review: Review, study: str, entry: str) -> TableEvidence:
    found = review.study(study)
    return table_of(found, next(e for e in found.accuracy if e.id == entry))


def test_known_tables_are_found(review: Review) -> None:
    martini = entry_of(review, "martini2020", "ensemble")
    assert martini.grade == "unique"
    assert martini.tables.tolist() == [[20, 4, 1, 17]]
    assert entry_of(review, "lvar2026", "cine").tables.tolist() == [[17, 8, 5, 46]]
    assert entry_of(review, "cmra2025", "segments").tables.tolist() == [[70, 142, 14, 725]]


@pytest.mark.parametrize("study", ["wang2024", "benkhalifa2025", "shaaf2023", "diao2023"])
def test_what_is_no_two_by_two_problem_is_never_used(review: Review, study: str) -> None:
    entries = review.study(study).accuracy
    assert entries
    assert not any(table_of(review.study(study), entry).usable for entry in entries)


def test_four_printed_counts_need_no_reconstruction(review: Review) -> None:
    entry = AccuracyEntry.model_validate(
        {"id": "x", "problem": "binary", "unit": "patient", "tp": 9, "fp": 2, "fn": 1, "tn": 8, "source": "s"}
    )
    found = table_of(review.study("martini2020"), entry)
    assert (found.grade, found.tables.tolist()) == ("printed", [[9, 2, 1, 8]])


def test_a_contradicted_value_is_left_out_of_the_reconstruction(review: Review) -> None:
    values = {"id": "x", "problem": "binary", "n": 42, "sensitivity": "100%", "specificity": "90%", "source": "s"}
    study = review.study("righetti2024")
    bad = AccuracyEntry.model_validate(values | {"accuracy": "100%"})
    assert table_of(study, bad).grade == "contradictory"
    told = values | {"accuracy": "100%", "ppv": "97%", "contradiction": {"leaves_out": ["accuracy"], "says": "both"}}
    assert table_of(study, AccuracyEntry.model_validate(told)).tables.tolist() == [[32, 1, 0, 9]]


def test_figures_of_a_cross_validation_need_not_be_those_of_one_table(review: Review) -> None:
    lge = entry_of(review, "germain2023", "lge")
    assert lge.grade == "too little printed"
    assert "accuracy 0.611 and n 120" in lge.reason
    assert lge.reason.endswith("the mean over the folds of a cross-validation need not have one")
    same = lge.entry.model_dump(exclude_none=True)
    for change in ({"split": "internal test"}, {"tp": 40}):
        assert table_of(lge.study, AccuracyEntry.model_validate(same | change)).grade == "contradictory"


def test_the_awaiting_table_tells_of_the_evaluation_that_is_pooled(review: Review) -> None:
    known = awaiting_table(review).set_index(STUDY_ID)["Known so far"]
    for item in select(gather(review), MAIN, review).used:
        if item.study in review.awaiting:
            assert known[item.study.id] == item.reason


def test_a_study_gives_at_most_one_table_and_the_rest_a_reason(
    review: Review, evidence: tuple[TableEvidence, ...]
) -> None:
    for rule in (MAIN, *SENSITIVITY_RULES):
        selection = select(evidence, rule, review)
        used = [item.study.id for item in selection.used]
        assert len(used) == len(set(used))
        assert len(selection.used) + len(selection.left_out) == len(evidence)
        assert all(reason for _, reason in selection.left_out)
        assert all(item.entry.unit in rule.units for item in selection.used)


def test_two_sequences_of_one_cohort_are_never_both_used(review: Review, evidence: tuple[TableEvidence, ...]) -> None:
    selection = select(evidence, MAIN, review)
    assert [item.entry.id for item in selection.used if item.study.id == "paciorek2024"] == ["psir"]
    reasons = {
        reason for item, reason in selection.left_out if (item.study.id, item.entry.id) == ("paciorek2024", "t1")
    }
    assert reasons == {"another evaluation of the study is its primary one"}


def test_segments_enter_only_where_the_rule_says_so(review: Review, evidence: tuple[TableEvidence, ...]) -> None:
    with_segments = next(rule for rule in SENSITIVITY_RULES if "segment" in rule.units)
    assert "cmra2025" not in {item.study.id for item in select(evidence, MAIN, review).used}
    assert "cmra2025" in {item.study.id for item in select(evidence, with_segments, review).used}


def test_tables_that_differ_too_much_are_not_used(evidence: tuple[TableEvidence, ...]) -> None:
    for item in evidence:
        if item.grade == "several":
            assert _span(item.tables) <= WIDEST_SPAN
        if item.reason.endswith("they differ too much"):
            found = reconstruct(_printed(item.entry), n=item.entry.size, limit=MOST_TABLES)
            assert not found.complete or _span(found.tables) > WIDEST_SPAN


def test_before_the_update_only_the_base_studies_can_be_used(review: Review) -> None:
    then = review.as_of(date(2025, 7, 31))
    assert {item.study.id for item in select(gather(then), MAIN, then).used} == {"righetti2024"}


def test_no_extraction_is_signed_yet_so_the_verified_rule_takes_none(
    review: Review, evidence: tuple[TableEvidence, ...]
) -> None:
    rule = next(rule for rule in SENSITIVITY_RULES if rule.verified_only)
    used = select(evidence, rule, review).used
    assert all(item.study.verified for item in used)


def test_every_study_awaiting_classification_is_listed_once(review: Review) -> None:
    table = awaiting_table(review)
    assert len(table) == len(review.awaiting)
    assert (table["Missing"] != "").all()
    texts = {LACKING[grade]: grade for grade in EFFORT} | {WHICH_ERRORS: "several"}
    order = [texts[text] for text in table["Missing"]]
    places = [EFFORT.index(grade) for grade in order]
    assert places == sorted(places)
    # A size that is known is not asked for again.
    missing = table.set_index(STUDY_ID)["Missing"]
    for item in gather(review):
        if item.entry.primary and missing.get(item.study.id) == LACKING["several"]:
            assert not isinstance(item.entry.size, int)
    assert missing["gabbert2024"] == WHICH_ERRORS


def test_of_several_tables_only_what_is_not_known_is_missing(review: Review) -> None:
    (entry,) = review.study("gabbert2024").accuracy
    assert _lacking("several", entry) == WHICH_ERRORS
    mixed = entry.model_copy(update={"n": entry.size, "n_diseased": None, "n_nondiseased": None})
    assert _lacking("several", mixed) == CASE_MIX
    assert _lacking("several", mixed.model_copy(update={"n": None})) == LACKING["several"]


def test_before_the_update_nothing_awaits(review: Review) -> None:
    assert awaiting_table(review.as_of(date(2025, 7, 31))).empty
