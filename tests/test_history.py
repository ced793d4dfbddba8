"""Does the history of the estimates end where the review stands, and say where nothing was pooled?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from gallery import STEPS, texts
from livingreview.analysis.diagnosis import pool
from livingreview.living.news import Step, by_publication, by_version, steps_table
from livingreview.living.releases import frozen_results, read_releases
from livingreview.living.results import results_of
from livingreview.plots.rows import cumulative
from livingreview.review import Review


@pytest.fixture(scope="module")
def steps(review: Review) -> tuple[Step, ...]:
    return by_publication(review)


def test_is_the_last_step_the_main_synthesis(review: Review, steps: tuple[Step, ...]) -> None:
    pooled = pool(review)
    assert pooled.imputed is not None
    assert (steps[-1].sensitivity, steps[-1].specificity) == (pooled.imputed.sensitivity, pooled.imputed.specificity)
    assert sum(len(step.joined) for step in steps) == steps[-1].k == pooled.k


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


def test_do_versions_show_what_was_frozen_and_then_today(review: Review) -> None:
    releases, today = read_releases(review.root), results_of(review)
    *frozen, now = by_version(review, releases, today)
    for step, release in zip(frozen, releases, strict=True):
        assert step.label.startswith(release.version)
        assert step.k == len(frozen_results(release)["diagnosis"].studies)
    assert now.sensitivity is not None
    assert now.sensitivity.lower == today["diagnosis"].value("sensitivity_lower")
    early = frozen_results(releases[0])
    assert by_version(review, releases, early)[-1].k == len(early["diagnosis"].studies)


def test_does_the_table_say_why_nothing_was_pooled() -> None:
    table = steps_table(STEPS)
    assert table["Sensitivity"].tolist() == [
        STEPS[0].reason, "80.0 % (95 % CI 60.0 to 90.0)", "85.0 % (95 % CI 70.0 to 95.0)",
    ]  # fmt: skip
    assert list(steps_table(()).columns) == list(table.columns)


def test_does_the_figure_show_every_step_twice_and_the_last_as_a_diamond() -> None:
    ax = cumulative(STEPS)
    shown = texts(ax)
    assert shown.count("not pooled") == 2
    assert {"0.80 [0.60, 0.90]", "0.75 [0.60, 0.85]"} <= set(shown)
    corners = [patch.get_xy()[:, 0] for patch in ax.patches]
    assert [(min(xs), max(xs)) for xs in corners] == [(0.7, 0.95), (0.6, 0.85)]
    with pytest.raises(ValueError, match="no step"):
        cumulative(())
