"""Does the list of what is missing put the cheapest gain first, and keep three kinds of silence apart?"""

from datetime import date

from livingreview.analysis.gaps import EFFORT, MISSING, TRANSLATION_ITEMS, awaiting_table, translation_states
from livingreview.review import Review
from livingreview.review.model import Study


def test_every_study_awaiting_classification_is_listed_once(review: Review) -> None:
    table = awaiting_table(review)
    assert len(table) == len(review.awaiting)
    assert (table["Missing"] != "").all()
    order = [next(grade for grade in EFFORT if MISSING[grade] == text) for text in table["Missing"]]
    places = [EFFORT.index(grade) for grade in order]
    assert places == sorted(places)


def test_before_the_update_nothing_awaits(review: Review) -> None:
    assert awaiting_table(review.as_of(date(2025, 7, 31))).empty


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
