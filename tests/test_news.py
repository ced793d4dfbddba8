"""Is a reader told what changed since the last version, and how the estimates came to be what they are?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gallery import STEPS
from livingreview.analysis.diagnosis import pool
from livingreview.living.difference import compare_results
from livingreview.living.news import (
    News,
    Step,
    base_table,
    by_publication,
    by_version,
    moved_table,
    news,
    notices,
    standings_table,
    steps_table,
    summary,
    versions_items_table,
)
from livingreview.living.releases import read_releases
from livingreview.living.results import results_of
from livingreview.publish.elements import notices_html, show_notices
from livingreview.review import Review
from livingreview.review.model import Release
from livingreview.review.model.files import FrozenMeasure
from livingreview.wording import WORDS


@pytest.fixture(scope="module")
def updated(base_only: Path) -> Review:
    return Review.load(base_only, as_of="2026-11-22")


@pytest.fixture(scope="module")
def latest(updated: Review) -> News:
    return news(updated)


@pytest.fixture(scope="module")
def steps(review: Review) -> tuple[Step, ...]:
    return by_publication(review)


@pytest.mark.slow
def test_are_the_studies_that_came_in_listed_with_their_standing(updated: Review, latest: News) -> None:
    assert latest.last is not None
    before = Review.load(updated.root, as_of=latest.last.day)
    came = {study.id for study in updated.studies} - {study.id for study in before.studies}
    table = standings_table(latest)
    assert (table["Then"] == "not met").sum() == len(came)
    assert set(table["Now"]) <= {"included", "awaiting classification", "cited as background", "excluded", "not met"}
    pooled = set(latest.today["diagnosis"].studies) & came
    assert (table["Pooled now"] == "yes").sum() == len(pooled)


@pytest.mark.slow
def test_is_a_first_pooling_told_and_its_reason_before(latest: News) -> None:
    assert notices(latest) == ("Pooled for the first time by this review: Diagnosis and prediction.",)
    moved = moved_table(latest).set_index("Measure")
    assert moved.loc["sensitivity", "Then"] == "not pooled: 1 usable, at least 3 are needed"
    assert "95 % CI" in moved.loc["sensitivity", "Now"]


@pytest.mark.slow
def test_stands_what_the_base_review_printed_beside_today_and_why_they_differ(review: Review, latest: News) -> None:
    table = base_table(latest).set_index("What")
    printed = review.baseline["pooled"].set_index(["synthesis", "measure"])["estimate"].astype(float)
    for measure in ("sensitivity", "specificity"):
        row = table.loc[measure.capitalize()]
        before = f"7 studies: {printed['diagnosis_prediction', measure]:.2f} ("
        assert row["The base review printed"].startswith(before)
        assert f": {latest.today['diagnosis'].value(measure):.2f} (" in row["Here today"]
    pooled = set(latest.today["diagnosis"].studies)
    included = {study.id for study in latest.review.included}
    assert f"it names none of its seven; of the {WORDS[len(pooled)]} here" in table["Why they differ"].iloc[0]
    assert f"{WORDS[len(pooled & included)]} is included" in table["Why they differ"].iloc[0]
    assert table.loc["Dice coefficient", "Why they differ"] == "they agree"
    assert table.loc["Hausdorff distance (mm)", "The base review printed"] == "6 studies: 8.99 ± 6.45"
    assert table.loc["Hausdorff distance (mm)", "Here today"] == "6 studies: 8.99 ± 6.18"
    assert table.loc["Specificity of segmentation", "Here today"] == "not pooled"
    named = table.loc["Studies included"]
    assert named["The base review printed"] == f"{review.file.base_review['studies']}"
    assert named["Here today"] == f"{len(included)} named"


@pytest.mark.slow
def test_is_nothing_pooled_where_nothing_is_said_to_be(latest: News) -> None:
    silent = latest.today["diagnosis"].model_copy(update={"measures": {}, "reason": "1 usable"})
    today = latest.today.model_copy(
        update={"syntheses": [silent, *(s for s in latest.today.syntheses if s.id != "diagnosis")]}
    )
    table = base_table(replace(latest, today=today)).set_index("What")
    assert table.loc["Sensitivity", "Here today"] == "not pooled: 1 usable"


@pytest.mark.slow
def test_is_a_rule_that_fires_told_with_what_was_concluded(latest: News) -> None:
    low = {"sensitivity": FrozenMeasure(estimate=0.95, ci=[0.85, 0.99], level=0.95)}
    synthesis = latest.today["diagnosis"].model_copy(update={"measures": low})
    before = latest.today.model_copy(update={"syntheses": [synthesis]})
    change = compare_results(before, latest.today, rules=latest.review.file.conclusion_rules)
    (notice,) = notices(replace(latest, change=change))
    assert notice.startswith("The lower confidence limit of the pooled sensitivity has crossed 0.80.")
    data = latest.releases[-1].model_dump(mode="json", exclude_unset=True)
    data["conclusions"] = [{"rule": "sensitivity_080", "says": "Made up.", "text": "Made-up meaning."}]
    released = replace(latest, change=change, releases=(*latest.releases, Release.model_validate(data)))
    assert notices(released)[0].endswith("Made-up meaning.")


@pytest.mark.slow
def test_does_the_base_version_stand_alone(updated: Review, latest: News) -> None:
    alone = news(updated.as_of(latest.releases[0].day))
    assert alone.last is None
    assert alone.current == latest.releases[0]
    assert notices(alone) == ()
    assert summary(alone) == "No version of this review came before this one."
    assert len(moved_table(alone)) == 0
    assert "2025.1 (31 July 2025)" in summary(latest)


@pytest.mark.slow
def test_is_the_comparison_the_same_where_only_signed_extractions_are_pooled(updated: Review, latest: News) -> None:
    assert news(replace(updated, verified_only=True)).today == latest.today


@pytest.mark.slow
def test_is_what_nobody_stated_of_a_version_said_to_be_so(latest: News) -> None:
    table = versions_items_table(latest.releases).set_index("Item")
    assert table.loc["Changes to the methods", "Stated"] == "not stated"
    assert table.loc["Authors and roles", "Stated"].startswith("Aladwani F (author of the base review); ")
    assert latest.releases[0].results.day == latest.releases[0].day


def test_is_a_notice_escaped_and_absent_without_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    page = notices_html(["<script>"], title='"><b>')
    assert "<script>" not in page
    assert "<b>" not in page
    show_notices([], title="Nothing")
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_is_the_last_step_the_main_synthesis(review: Review, steps: tuple[Step, ...]) -> None:
    pooled = pool(review)
    assert pooled.imputed is not None
    assert (steps[-1].sensitivity, steps[-1].specificity) == (pooled.imputed.sensitivity, pooled.imputed.specificity)
    assert sum(len(step.joined) for step in steps) == steps[-1].k == pooled.k


@pytest.mark.slow
def test_does_each_step_hold_what_was_published_by_then(review: Review, steps: tuple[Step, ...]) -> None:
    years = sorted(item.study.report.year or 0 for item in pool(review).selection.used)
    for step in steps:
        until = int(step.label.removeprefix("to "))
        assert step.k == sum(year <= until for year in years)
        assert (step.sensitivity is None) == (step.k < 3) == bool(step.reason)


@pytest.mark.slow
def test_do_studies_without_a_year_join_last(review: Review) -> None:
    used = pool(review).selection.used[0].study
    undated = used.model_copy(update={"report": used.report.model_copy(update={"year": None})})
    studies = tuple(undated if study.id == used.id else study for study in review.studies)
    *dated, last = by_publication(replace(review, studies=studies))
    assert last.label == "with year not known"
    assert len(last.joined) == 1
    assert last.k == dated[-1].k + 1


@pytest.mark.slow
def test_do_versions_show_what_was_frozen_and_then_today(review: Review) -> None:
    releases, today = read_releases(review.root), results_of(review)
    *frozen, now = by_version(review, releases, today)
    for step, release in zip(frozen, releases, strict=True):
        assert step.label.startswith(release.version)
        assert step.k == len(release.results["diagnosis"].studies)
    assert now.sensitivity is not None
    assert now.sensitivity.lower == today["diagnosis"].value("sensitivity_lower")
    early = releases[0].results
    assert by_version(review, releases, early)[-1].k == len(early["diagnosis"].studies)


def test_does_the_table_say_why_nothing_was_pooled() -> None:
    table = steps_table(STEPS)
    assert table["Sensitivity"].tolist() == [
        STEPS[0].reason, "80.0 % (95 % CI 60.0 to 90.0)", "85.0 % (95 % CI 70.0 to 95.0)",
    ]  # fmt: skip
    assert list(steps_table(()).columns) == list(table.columns)
