"""Is an interval what it says, on any scale, and is a coverage that is none refused?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from livingreview.synthesis.intervals import Interval, Intervals, require_level


def test_an_interval_keeps_its_coverage_on_another_scale() -> None:
    logit = Interval.about(0.4, 0.25, 0.9)
    assert (logit.estimate, logit.lower, logit.upper) == pytest.approx((0.4, 0.15, 0.65))
    assert logit.map(math.exp) == Interval(math.exp(0.4), math.exp(logit.lower), math.exp(logit.upper), 0.9)
    assert Interval(0.9, 0.8, 0.95).to_dict() == {"estimate": 0.9, "ci": [0.8, 0.95], "level": 0.95}


def test_what_is_not_finite_is_none_in_json() -> None:
    assert Interval(math.nan, -math.inf, math.inf).to_dict()["ci"] == [None, None]


def test_intervals_are_read_only_copies_with_one_interval_for_each_study() -> None:
    mine = np.array([0.5, 0.6])
    intervals = Intervals("sensitivity", "wilson", mine, mine - 0.1, mine + 0.2, 0.8)
    mine[0] = 9.0
    assert len(intervals) == 2
    assert intervals[0] == Interval(0.5, 0.4, 0.7, 0.8)
    for array in (intervals.estimate, intervals.lower, intervals.upper):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@pytest.mark.parametrize("level", [0, 1, 1.5, 95, -0.5, math.nan])
def test_a_coverage_is_between_nothing_and_everything(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        require_level(level)
