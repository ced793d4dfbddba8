"""Is the review one thing on every day, and do its tables say no more than its files?"""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from livingreview.errors import DataError
from livingreview.review import Review, label, plain_label
from livingreview.review.model import Quoted, number, source_keys
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
