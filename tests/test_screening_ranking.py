"""Does the ranking put first what resembles the included records, and are its saving and the stopping test honest?"""

from __future__ import annotations

import csv
import gzip
import runpy
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from livingreview.errors import TooFewStudies
from livingreview.screening.ranking import FEWEST, backtest, rank, recall_test, stopping_report, work_saved
from livingreview.search.records import Record

simulate = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "screening.py"))["simulate"]

ABOUT = "deep learning segmentation of the left ventricle in cardiac magnetic resonance"
AWAY = "dietary habits of adolescents in a rural survey"


def record(text: str, number: int) -> Record:
    return Record("made", number, title=f"{text} number{number}")


def decided(included: int, excluded: int) -> dict[str, tuple[Record, bool]]:
    kept = {f"in{i}": (record(ABOUT, i), True) for i in range(included)}
    return kept | {f"out{i}": (record(AWAY, i), False) for i in range(excluded)}


def test_it_ranks_and_excludes_nothing() -> None:
    waiting = {f"w{i}": record(ABOUT if i in (3, 7) else AWAY, 100 + i) for i in range(10)}
    found = rank(waiting, decided(6, 30))
    assert {item.record for item in found} == set(waiting)
    assert {item.record for item in found[:2]} == {"w3", "w7"}
    assert [item.rank for item in found] == list(range(1, 11))
    assert all(a.score >= b.score for a, b in pairwise(found))
    assert set(" ".join(found[0].why).split()) & set(ABOUT.split())
    assert rank(waiting, decided(6, 30)) == found


@pytest.mark.parametrize(("included", "excluded"), [(0, 0), (FEWEST - 1, 50), (50, FEWEST - 1)])
def test_too_little_to_learn_from_is_said(included: int, excluded: int) -> None:
    with pytest.raises(TooFewStudies, match=f"there are {included} and {excluded}"):
        rank({"w": record(ABOUT, 0)}, decided(included, excluded))


def test_records_without_words_are_no_basis() -> None:
    blank = {f"r{i}": (Record("made", i), i < 6) for i in range(12)}
    with pytest.raises(TooFewStudies, match="no words"):
        rank({"w": Record("made", 99)}, blank)


def test_work_saved_is_the_published_figure() -> None:
    # 20 of 100 records included, in places 1 to 20: the 19th ends the reading at 95 % recall.
    assert work_saved([True] * 20 + [False] * 80).value == pytest.approx(0.95 - 0.19)
    assert work_saved([False] * 80 + [True] * 20).value == pytest.approx(0.95 - 0.99)
    with pytest.raises(TooFewStudies, match="nothing to find"):
        work_saved([False] * 5)


@pytest.mark.slow
def test_the_interval_covers_what_other_draws_of_records_give() -> None:
    rng = np.random.default_rng(1)

    def draw(n: int) -> np.ndarray:  # half of the places of included records are uniform, half are early
        labels = np.zeros(n, dtype=bool)
        labels[rng.choice(n // 4, n // 20, replace=False)] = True
        labels[rng.choice(n, n // 20, replace=False)] = True
        return labels

    truth = work_saved(draw(100_000)).value
    hits = [(found := work_saved(draw(1000))).lower <= truth <= found.upper for _ in range(200)]
    # A percentile interval of a quantile is a little short of its 95 %.
    assert 0.88 <= np.mean(hits) <= 1


def test_the_back_test_learns_from_the_past_only() -> None:
    # What included records are about changes with the years: past decisions then rank later ones last.
    texts = [ABOUT] * 10 + [AWAY] * 40 + ["a third thing, ultrasound of kidneys"] * 10 + [AWAY] * 40
    labels = ([True] * 10 + [False] * 40) * 2
    days = [date(2025, 1, 1)] * 50 + [date(2026, 1, 1)] * 50
    found = backtest(texts, labels, days)
    assert (found.learned, found.learned_included, found.ranked, found.ranked_included) == (50, 10, 50, 10)
    same = backtest([ABOUT if label else AWAY for label in labels], labels, days)
    assert same.saved.value == pytest.approx(0.95 - 10 / 50)
    assert found.learned_until == date(2025, 1, 1)
    with pytest.raises(TooFewStudies, match="nothing to try"):
        backtest(texts, labels, [date(2025, 1, 1)] * 100)


def test_a_simulation_reads_every_record_once() -> None:
    texts = [ABOUT, AWAY] * 15
    order = simulate(texts, [True, False] * 15, batch=4)
    assert sorted(order) == list(range(30))
    with pytest.raises(TooFewStudies):
        simulate(texts, [True] * 30)


@pytest.mark.slow
@pytest.mark.reference
# ASReview 3.0.8, elas_u4, on the same sets; the starting records differ, and with them the figure: by up to 0.03.
@pytest.mark.parametrize(("name", "asreview"), [("Donners_2021", 0.547), ("Oud_2018", 0.825)])
def test_it_is_no_worse_than_asreview(reference_dir: Path, name: str, asreview: float) -> None:
    csv.field_size_limit(10_000_000)
    path = reference_dir / "records" / "screening_synergy" / f"{name}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    labels = np.array([row["label_included"] == "1" for row in rows])
    order = simulate([f"{row['title']} {row['abstract']}" for row in rows], labels)
    assert work_saved(labels[order]).value >= asreview - 0.03


# buscarpy 0.0.2, calculate_h0(labels, N, recall_target).
BUSCARPY = [
    ([1] * 5 + [0, 1] * 5 + [0] * 300, 400, 0.95, 0.22077922077922077),
    ([1, 0, 1, 1, 0, 0, 1] + [0] * 60, 100, 0.95, 0.3548387096774193),
    ([1, 0, 0] * 20 + [0] * 200, 1000, 0.8, 0.23398540017141772),
]


@pytest.mark.parametrize(("labels", "total", "target", "p"), BUSCARPY)
def test_the_p_value_is_that_of_buscarpy(labels: list[int], total: int, target: float, p: float) -> None:
    assert recall_test(labels, total, recall_target=target) == pytest.approx(p, rel=1e-12)


@pytest.mark.slow
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 100))
def test_more_irrelevant_records_never_raise_the_doubt(labels: list[bool], unread: int) -> None:
    total = len(labels) + unread + 1
    before = recall_test(labels, total, recall_target=0.95)
    assert 0 <= recall_test([*labels, False], total, recall_target=0.95) <= before + 1e-12 <= 1 + 1e-12


def test_nothing_is_left_to_miss_when_all_is_read() -> None:
    assert recall_test([0, 1, 0], 3, recall_target=0.95) == 0


def test_the_report_counts_and_says_that_it_is_no_decision() -> None:
    report = stopping_report([False, True, False, False], 10, recall_target=0.95)
    assert report.startswith("4 of 10 records screened, 1 of them relevant; 2 irrelevant in a row.\n")
    assert "no decision to stop" in report
    assert "Nothing relevant" in stopping_report([], 10, recall_target=0.95)
    assert "Nothing relevant" in stopping_report([False], 10, recall_target=0.95)


@pytest.mark.parametrize(("labels", "total", "target"), [([], 3, 0.9), ([1, 0], 1, 0.9), ([1], 3, 0.0), ([1], 3, 1.1)])
def test_what_cannot_be_tested_is_refused(labels: list[int], total: int, target: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        recall_test(labels, total, recall_target=target)
