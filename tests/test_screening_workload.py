"""Is the stopping test the published one, and does it stay information?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview.screening.workload import recall_test, stopping_report

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
    before = recall_test(labels, total)
    assert 0 <= recall_test([*labels, False], total) <= before + 1e-12 <= 1 + 1e-12


def test_nothing_is_left_to_miss_when_all_is_read() -> None:
    assert recall_test([0, 1, 0], 3) == 0


def test_the_report_counts_and_says_that_it_is_no_decision() -> None:
    report = stopping_report([False, True, False, False], 10)
    assert (report.screened, report.relevant, report.irrelevant_run) == (4, 1, 2)
    assert "no decision to stop" in str(report)
    assert stopping_report([], 10).p is None
    assert "Nothing relevant" in str(stopping_report([False], 10))


@pytest.mark.parametrize(("labels", "total", "target"), [([], 3, 0.9), ([1, 0], 1, 0.9), ([1], 3, 0.0), ([1], 3, 1.1)])
def test_what_cannot_be_tested_is_refused(labels: list[int], total: int, target: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        recall_test(labels, total, recall_target=target)
