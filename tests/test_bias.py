"""Do the funnel tests give R's numbers, carry their cautions, and refuse what cannot be regressed?"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden_cases import EVERY, Case
from livingreview.errors import DataError, TooFewStudies
from livingreview.synthesis import bias, univariate
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.simple_pooling import log_ratios

# Closed forms; both sides carry 13 digits.
CLOSED = 1e-9
CORRECTIONS = {"only0": "zero_only", "all": "all", "if0all": "all_if_any"}
MEANS = ("bcg_rr", "dice_sim22", "dice_sim4", "normand1999_arm1", "normand1999_md")


def assert_close(ours: Any, theirs: Any, rel: float = CLOSED) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=rel, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_deeks_test_is_the_weighted_regression_of_r(name: str, load_case: Callable[[str], Case]) -> None:
    case = load_case(name)
    golden = case.expected["d_univariate"].get("deeks")
    if golden is None:
        with pytest.raises(TooFewStudies):
            bias.deeks(case.counts)
        return
    assert set(golden) >= set(CORRECTIONS)
    for key, correction in CORRECTIONS.items():
        ours, g = bias.deeks(case.counts, correction=correction), golden[key]  # type: ignore[arg-type]
        # Slope and intercept cancel where all studies have about one size (1e8 in edge_huge_counts).
        assert_close([ours.slope, ours.slope_se, ours.statistic], [g["slope"], g["se_slope"], g["t"]], 1e-8)
        assert_close([ours.intercept, ours.intercept_se], [g["intercept"], g["se_intercept"]], 1e-8)
        assert_close([ours.p, ours.df], [g["p"], g["df"]], 1e-8)
        assert ours.reliable == (case.counts.k >= 10)


@pytest.mark.parametrize("name", EVERY)
def test_egger_and_begg_on_log_odds_ratios_are_rs(name: str, load_case: Callable[[str], Case]) -> None:
    case = load_case(name)
    golden = case.expected["d_univariate"]
    if "egger" not in golden:
        assert case.counts.k < 3
        return
    y, v = log_ratios(case.counts, "diagnostic_odds_ratio", "zero_only")
    ours, g = bias.egger(y, v), golden["egger"]
    assert_close([ours.slope, ours.slope_se, ours.statistic], [g["bias"], g["se"], g["t"]], 1e-8)
    assert_close([ours.intercept, ours.intercept_se, ours.p], [g["slope"], g["se_slope"], g["p"]], 1e-8)
    rank = bias.begg(y, v)
    # R leaves a tie of variances that were summed in another order to rounding: one pair of tau.
    assert rank.tau == pytest.approx(golden["begg"]["kendall_tau"], abs=2 / (case.counts.k * (case.counts.k - 1) / 2))
    if golden["begg"]["p"] is not None:  # R's exact P value overflows at k = 500
        assert rank.p == pytest.approx(golden["begg"]["p"], abs=1e-8)


@pytest.mark.parametrize("name", MEANS)
def test_egger_and_begg_on_means_are_metafors(name: str, reference_dir: Path) -> None:
    golden = json.loads((reference_dir / "means" / "expected" / f"{name}.json").read_text("utf-8"))
    g = golden["fits"]["DL"]
    ours = bias.egger(golden["yi"], golden["vi"])
    assert_close([ours.statistic, ours.p, ours.df], [g["egger_lm"]["t"], g["egger_lm"]["p"], g["egger_lm"]["df"]], 1e-8)
    assert_close(ours.intercept, g["egger_lm"]["limit_est"], 1e-8)
    rank = bias.begg(golden["yi"], golden["vi"])
    assert_close([rank.tau, rank.p], [g["begg"]["tau"], g["begg"]["p"]], 1e-8)
    # The mixed-effects variant is a meta-regression on the standard error.
    for method in ("DL", "REML"):
        mixed = univariate.fit(
            golden["yi"], golden["vi"], method=method.lower(), test="z", moderators=np.sqrt(golden["vi"])  # type: ignore[arg-type]
        )  # fmt: skip
        z = mixed.coefficients[1] / mixed.standard_errors[1]
        assert_close([z, mixed.p_values[1]], [golden["fits"][method]["egger_rma"][key] for key in ("z", "p")], 1e-5)


def test_the_caution_below_ten_studies_travels_with_the_result() -> None:
    rows = [(45, 10, 5, 90), (60, 4, 20, 40), (31, 6, 9, 52), (70, 9, 7, 81), (12, 2, 3, 20)]
    few = bias.deeks(Counts.from_arrays(*np.array(rows).T))
    assert not few.reliable
    assert few.notes[0].startswith("only 5 studies")
    assert "too few" in repr(few)
    assert few.to_dict()["notes"] == list(few.notes)
    many = bias.deeks(Counts.from_arrays(*np.array(rows * 2).T))
    assert many.reliable
    assert not any(note.startswith("only") for note in many.notes)


def test_a_funnel_without_slope_to_find_is_refused() -> None:
    same = Counts.from_arrays(tp=[40, 41, 42], fp=[5, 6, 7], fn=[10, 9, 8], tn=[45, 44, 43])
    with pytest.raises(TooFewStudies, match="alike"):
        bias.deeks(same)
    with pytest.raises(TooFewStudies, match="three"):
        bias.egger([0.1, 0.2], [0.1, 0.2])
    with pytest.raises(TooFewStudies, match="three"):
        bias.begg([0.1, 0.2], [0.1, 0.2])
    with pytest.raises(DataError):
        bias.egger([0.1, math.nan, 0.2], [0.1, 0.2, 0.3])


def test_ranks_that_do_not_vary_have_no_correlation() -> None:
    rank = bias.begg([0.1, 0.2, 0.3], [0.1, 0.1, 0.1])
    assert math.isnan(rank.tau)
    assert rank.to_dict()["tau"] is None


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=4, max_size=12), st.floats(-9, 9))
def test_shifting_every_effect_moves_the_intercept_and_not_the_test(rows: list[Any], shift: float) -> None:
    y, v = (np.round(column, 3) for column in map(np.array, zip(*rows, strict=True)))
    if np.ptp(v) < 0.01:
        return
    here, there = bias.egger(y, v), bias.egger(y + shift, v)
    assert there.slope == pytest.approx(here.slope, abs=1e-7)
    assert there.intercept == pytest.approx(here.intercept + shift, abs=1e-7)


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_points_on_a_line_give_that_line(intercept: float, slope: float) -> None:
    v = np.array([0.01, 0.04, 0.09, 0.16])
    found = bias.egger(intercept + slope * np.sqrt(v), v)
    assert (found.intercept, found.slope) == pytest.approx((intercept, slope), abs=1e-9)
