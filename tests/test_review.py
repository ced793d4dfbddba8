"""Is the review one thing on every day, and do its tables say no more than its files?"""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from livingreview.errors import DataError
from livingreview.review import Review, label, plain_label
from livingreview.review.model import Appraisal, Judgement, Quoted, Standing, Study, number, source_keys
from livingreview.review.reports import told_apart
from livingreview.wording import mark_explained
from signing import sign

BASE = date(2025, 7, 31)


def test_on_the_day_of_the_base_search_nothing_newer_is_there(review: Review) -> None:
    then = review.as_of(BASE)
    assert {s.id for s in then.studies} == {s.id for s in review.studies if s.standing[0].on <= BASE}
    assert then.awaiting == ()
    assert then.other_methods.empty
    assert then.included
    assert then.last_search == BASE
    assert review.as_of(date(2020, 1, 1)).studies == ()


def test_a_day_can_be_given_as_text(data_copy: Path) -> None:
    assert Review.load(data_copy, as_of="2025-07-31").day == BASE


def test_looking_at_a_day_twice_changes_nothing(review: Review) -> None:
    once = review.as_of(BASE)
    twice = once.as_of(BASE)
    assert once.studies == twice.studies
    pd.testing.assert_frame_equal(once.studies_table(), twice.studies_table())


def test_the_last_standing_on_or_before_a_day_counts(data_copy: Path) -> None:
    path = data_copy / "studies" / "martini2020.yaml"
    text = path.read_text()
    older = "standing:\n  - {on: 2026-01-10, status: excluded, route: other methods, reason: title only}\n"
    path.write_text(
        text.replace("standing:\n", older, 1).replace("status: awaiting classification", "status: included", 1)
    )
    review = Review.load(data_copy)
    assert review.study("martini2020") in review.included
    before = review.as_of(date(2026, 1, 11))
    assert before.study("martini2020") in before.standing("excluded")


def test_every_fault_of_every_file_comes_at_once(data_copy: Path) -> None:
    for name in ("kim", "luo"):
        path = data_copy / "studies" / f"{name}.yaml"
        path.write_text(path.read_text() + "typo: 1\n")
    with pytest.raises(DataError) as caught:
        Review.load(data_copy)
    assert {fault.path for fault in caught.value.faults} == {"data/studies/kim.yaml", "data/studies/luo.yaml"}


def test_tables_have_a_row_per_study_and_per_entry(review: Review) -> None:
    assert len(review.studies_table()) == len(review.studies)
    overlap = review.overlap_table()
    assert len(overlap) == sum(len(s.overlap) for s in review.studies)
    assert set(overlap["kind_of_source"]) <= {"baseline", "publication", "page"}
    assert overlap["value"].dtype == float


def test_a_printed_number_becomes_a_proportion() -> None:
    assert number("93.99%") == 0.9399
    assert number(Quoted(value="0.98", ci=["0.75", "1.00"])) == 0.98
    assert number(None) is None


def test_studies_are_named_as_people_cite_them(review: Review) -> None:
    assert plain_label(review.study("benkhalifa2025")) == "Ben Khalifa 2025"
    assert plain_label(review.study("righetti2024")) == "Righetti 2024"
    assert plain_label(review.study("parikh")) == "Parikh"


def test_no_two_studies_have_one_name(review: Review) -> None:
    names = [plain_label(study).casefold() for study in review.studies]
    assert len(set(names)) == len(names)
    assert plain_label(review.study("alskaf2024hybrid")) == "Alskaf 2024a"
    assert label(review.study("alskaf2024plot")) == "Alskaf 2024b°"
    assert [plain_label(review.study(name)) for name in ("lin", "linph")] == ["Lin (a)", "Lin (b)"]
    # On the day of the base review there was one of each.
    assert plain_label(review.as_of(BASE).study("lin")) == "Lin"


def test_a_study_that_is_added_later_leaves_the_letters_as_they_are(review: Review) -> None:
    plot = review.study("alskaf2024plot")
    later = Standing(on=date(2026, 12, 1), status="included", route="databases", reason="made up for a test")
    # Its id would come first.
    added = plot.model_copy(update={"id": "alskaf2024", "standing": [later]})
    studies = {study.id: plain_label(study) for study in told_apart([added, *review.studies])}
    assert studies["alskaf2024hybrid"] == "Alskaf 2024a"
    assert studies["alskaf2024plot"] == "Alskaf 2024b"
    assert studies["alskaf2024"] == "Alskaf 2024c"
    many = [plot.model_copy(update={"id": f"alskaf2024x{i:02}"}) for i in range(30)]
    assert [plain_label(study) for study in told_apart(many)][24:28] == [
        f"Alskaf 2024{end}" for end in ["y", "z", "aa", "ab"]
    ]


def test_a_name_of_this_reviews_own_stands_in_quotation_marks(review: Review) -> None:
    assert plain_label(review.study("lvar2026")) == "“lvar” 2026"
    assert plain_label(review.study("deepstemi")) == "“deepstemi”"
    for study in review.studies:
        assert ("own" in mark_explained(label(study))) == (study.report.first_author is None)
    long = review.study("deepstemi").model_copy(update={"id": "a" * 40})
    assert plain_label(long) == f"“{'a' * 25}…”"
    assert "own" in mark_explained(label(long))


def judged(study: Study, *judgements: tuple[str, str, str, date, str | None]) -> Study:
    """Return a study with made-up judgements: tool, domain, judgement, day, estimate."""
    found = [
        Judgement(tool=tool, domain=domain, kind="risk of bias", judgement=says, reason="made up", by="Nobody", on=on,
                  estimate=estimate)
        for tool, domain, says, on, estimate in judgements
    ]  # fmt: skip
    return study.model_copy(update={"appraisal": Appraisal(judgements=found)})


def test_risk_of_bias_is_the_newest_judgement_of_a_tool_and_the_worst_of_several(review: Review) -> None:
    study, early, late = review.study("righetti2024"), date(2026, 11, 1), date(2026, 11, 20)
    assert study.risk_of_bias is None
    assert review.study("penso").appraisal is not None
    assert review.study("penso").risk_of_bias is None  # a CLAIM score is none
    assert judged(study, ("QUADAS-2", "patient_selection", "high", early, None)).risk_of_bias is None
    first, second = (("QUADAS-2", "overall", says, on, None) for says, on in (("high", early), ("low", late)))
    both = judged(study, second, first)
    assert both.risk_of_bias == "low"
    assert both.as_of(early).risk_of_bias == "high"
    assert both.as_of(date(2026, 10, 31)).risk_of_bias is None
    assert judged(study, second, ("QUADAS-3", "Overall", "unclear", early, "main")).risk_of_bias == "unclear"
    assert judged(study, second, ("QUADAS-2", "overall", "high", late, None)).risk_of_bias == "high"
    with_domain = judged(study, ("QUADAS-2", "Index_test", "high", early, None), first)
    assert with_domain.risk_of_bias_by_domain == {"index_test": "high", "overall": "high"}
    applicability = both.appraisal.judgements[0].model_copy(update={"kind": "applicability"})
    assert study.model_copy(update={"appraisal": Appraisal(judgements=[applicability])}).risk_of_bias is None


def test_a_name_bears_a_mark_until_a_person_has_signed(data_copy: Path) -> None:
    before = Review.load(data_copy)
    sign(data_copy, "righetti2024")
    signed = Review.load(data_copy)
    assert label(before.study("righetti2024")) == "Righetti 2024°"
    assert label(signed.study("righetti2024")) == "Righetti 2024"
    assert label(signed.study("martini2020")).endswith("°")
    assert set(signed.studies_table().query("verified")["label"]) == {"Righetti 2024"}
    # A signature counts from its day on.
    assert label(signed.as_of(date(2026, 11, 21)).study("righetti2024")) == "Righetti 2024°"
    assert label(signed.as_of(date(2026, 11, 22)).study("righetti2024")) == "Righetti 2024"


def test_source_keys_come_once_each_and_in_order() -> None:
    assert source_keys("a") == ("a",)
    assert source_keys(["a", "b", "a"]) == ("a", "b")
    assert source_keys({"x": "b", "y": ["a", "b"]}) == ("b", "a")


def test_an_unknown_study_is_a_key_error(review: Review) -> None:
    with pytest.raises(KeyError):
        review.study("nobody1999")
