"""Is a reader told what changed since the last version, and nothing where nothing did?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from livingreview.living.difference import compare_results
from livingreview.living.news import News, moved_table, news, notices, standings_table, summary, versions_items_table
from livingreview.living.releases import frozen_results
from livingreview.publish.elements import notices_html, show_notices
from livingreview.review import Review
from livingreview.review.model import Release


@pytest.fixture(scope="module")
def review(base_only: Path) -> Review:
    return Review.load(base_only, as_of="2026-11-22")


@pytest.fixture(scope="module")
def latest(review: Review) -> News:
    return news(review)


def test_are_the_studies_that_came_in_listed_with_their_standing(review: Review, latest: News) -> None:
    assert latest.last is not None
    before = Review.load(review.root, as_of=latest.last.day)
    came = {study.id for study in review.studies} - {study.id for study in before.studies}
    table = standings_table(latest)
    assert (table["Then"] == "not met").sum() == len(came)
    assert set(table["Now"]) <= {"included", "awaiting classification", "cited as background", "excluded", "not met"}
    pooled = set(latest.today["diagnosis"].studies) & came
    assert (table["Pooled now"] == "yes").sum() == len(pooled)


def test_is_a_first_pooling_told_and_its_reason_before(latest: News) -> None:
    assert notices(latest) == ("Pooled for the first time: Diagnosis and prediction.",)
    moved = moved_table(latest).set_index("Measure")
    assert moved.loc["sensitivity", "Then"] == "not pooled: 1 usable, at least 3 are needed"
    assert "95 % CI" in moved.loc["sensitivity", "Now"]


def test_is_a_rule_that_fires_told_with_what_was_concluded(latest: News) -> None:
    low = {"sensitivity": {"estimate": 0.95, "ci": [0.4, 0.99], "level": 0.95}}
    before = replace(latest.today, syntheses=(replace(latest.today["diagnosis"], measures=low),))
    change = compare_results(before, latest.today, rules=latest.review.file.conclusion_rules)
    (notice,) = notices(replace(latest, change=change))
    assert notice.startswith("The lower confidence limit of the pooled sensitivity has crossed 0.80.")
    data = latest.releases[-1].model_dump(mode="json", exclude_unset=True)
    data["conclusions"] = [{"rule": "sensitivity_080", "says": "Made up.", "text": "Made-up meaning."}]
    released = replace(latest, change=change, releases=(*latest.releases, Release.model_validate(data)))
    assert notices(released)[0].endswith("Made-up meaning.")


def test_does_the_base_version_stand_alone(review: Review, latest: News) -> None:
    alone = news(review.as_of(latest.releases[0].day))
    assert alone.last is None
    assert alone.current == latest.releases[0]
    assert notices(alone) == ()
    assert summary(alone) == "No version of this review came before this one."
    assert len(moved_table(alone)) == 0
    assert "2025.1 (31 July 2025)" in summary(latest)


def test_is_the_comparison_the_same_where_only_signed_extractions_are_pooled(review: Review, latest: News) -> None:
    assert news(replace(review, verified_only=True)).today == latest.today


def test_is_what_nobody_stated_of_a_version_said_to_be_so(latest: News) -> None:
    table = versions_items_table(latest.releases).set_index("Item")
    assert table.loc["Changes to the methods", "Stated"] == "not stated"
    assert table.loc["Authors and roles", "Stated"].startswith("Aladwani F (author of the base review); ")
    assert frozen_results(latest.releases[0]).day == latest.releases[0].day


def test_is_a_notice_escaped_and_absent_without_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    page = notices_html(["<script>"], title='"><b>')
    assert "<script>" not in page
    assert "<b>" not in page
    show_notices([], title="Nothing")
    assert capsys.readouterr().out == ""
