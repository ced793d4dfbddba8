"""Are reported, not reported and not yet extracted kept apart?"""

from __future__ import annotations

from datetime import date

import pytest

from livingreview.analysis.translation import (
    TRANSLATION_ITEMS,
    begun,
    counts_table,
    evidence_studies,
    gap_states,
    reported_table,
    translation_states,
)
from livingreview.review import Review
from livingreview.review.model import Study, Translation


@pytest.fixture
def three(review: Review) -> tuple[Study, ...]:
    base = review.studies[0]
    said = Translation(source="abstract", calibration="slope 0.98", code="not reported")
    return tuple(base.model_copy(update={"translation": value}) for value in (said, None, said))


def test_is_a_plain_no_neither_a_yes_nor_a_gap(three: tuple[Study, ...]) -> None:
    table = counts_table(three).set_index("Item")
    assert table.loc["Calibration"].tolist() == [2, 0, 1]
    assert table.loc["Code"].tolist() == [0, 2, 1]
    assert table.loc["Runtime"].tolist() == [0, 0, 3]


def test_does_every_row_count_every_study(review: Review) -> None:
    studies = evidence_studies(review)
    assert len(studies) == len(review.included) + len(review.awaiting)
    assert set(counts_table(studies).set_index("Item").sum(axis=1)) == {len(studies)}


def test_does_the_map_show_only_studies_that_were_looked_at(three: tuple[Study, ...]) -> None:
    assert begun(three) == (three[0], three[2])
    states = gap_states(begun(three))
    assert list(states) == list(TRANSLATION_ITEMS.values())
    assert states["Calibration"] == ["reported", "reported"]


def test_is_only_what_is_reported_quoted(three: tuple[Study, ...]) -> None:
    table = reported_table(three)
    assert table["Item"].tolist() == ["Calibration", "Calibration"]
    assert set(table["What is reported"]) == {"slope 0.98"}
    assert reported_table([three[1]]).empty


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
