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
from scipy import stats

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


@pytest.mark.parametrize(
    ("effects", "variances"), [([0.1, 0.2, 0.3], [0.1, 0.1, 0.1]), ([0.0, 0.0, 0.0], [0.1, 0.2, 0.3])]
)
def test_ranks_that_do_not_vary_have_no_correlation(effects: list[float], variances: list[float]) -> None:
    rank = bias.begg(effects, variances)
    assert math.isnan(rank.tau)
    assert rank.to_dict()["tau"] is None


EFFECTS = np.array([0.9, 0.2, 0.6, 1.4, -0.3, 0.75, 1.1, 0.05, 0.4, 1.9])
VARIANCES = np.array([0.02, 0.05, 0.03, 0.4, 0.11, 0.07, 0.25, 0.01, 0.09, 0.6])


def test_eggers_slope_is_the_intercept_of_the_standardised_regression() -> None:
    found = bias.egger(EFFECTS, VARIANCES)
    error = np.sqrt(VARIANCES)
    line = stats.linregress(1 / error, EFFECTS / error)
    assert (found.slope, found.slope_se) == pytest.approx((line.intercept, line.intercept_stderr))
    assert (found.intercept, found.intercept_se) == pytest.approx((line.slope, line.stderr))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(line.intercept / line.intercept_stderr), 8))
    assert (found.k, found.df, found.reliable, found.notes) == (10, 8, True, ())
    assert (found.x**2, found.weights) == (pytest.approx(VARIANCES), pytest.approx(1 / VARIANCES))
    assert not bias.egger(EFFECTS[:9], VARIANCES[:9]).reliable
    for array in (found.x, found.effects, found.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_deeks_weighs_by_effective_size_and_says_whom_it_leaves_out() -> None:
    counts = Counts.from_arrays(
        tp=[45, 60, 31, 70, 12], fp=[10, 4, 6, 9, 0], fn=[5, 20, 9, 7, 3], tn=[90, 40, 52, 81, 0]
    )
    found = bias.deeks(counts)
    both = counts.subset([0, 1, 2, 3])
    size = 4 / (1 / both.n_diseased + 1 / both.n_nondiseased)
    effects, _ = log_ratios(both, "diagnostic_odds_ratio", "none")
    slope, intercept = np.polyfit(size**-0.5, effects, 1, w=np.sqrt(size))
    assert (found.slope, found.intercept, found.k) == pytest.approx((slope, intercept, 4))
    assert found.notes[-1] == "1 studies with one arm only are left out"
    assert not any("one arm" in note for note in bias.deeks(both).notes)


@pytest.mark.parametrize(("slope", "statistic", "p"), [(2.0, math.inf, 0), (-2.0, -math.inf, 0), (0.0, 0, 1)])
def test_effects_without_scatter_are_certain_of_any_slope_but_none(slope: float, statistic: float, p: float) -> None:
    found = bias.egger(slope * np.array([1.0, 2.0, 3.0, 4.0]), [1.0, 4.0, 9.0, 16.0])
    assert (found.slope, found.slope_se, found.statistic, found.p) == (slope, 0, statistic, p)


def test_the_rank_correlation_is_kendalls_of_standardised_effects() -> None:
    found = bias.begg(EFFECTS, VARIANCES)
    mean = np.average(EFFECTS, weights=1 / VARIANCES)
    apart = (EFFECTS - mean) / np.sqrt(VARIANCES - 1 / np.sum(1 / VARIANCES))
    expected = stats.kendalltau(apart, VARIANCES, method="exact")
    assert (found.tau, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert bias.begg(1e-9 * EFFECTS, 1e-18 * VARIANCES) == found  # in whatever unit


@pytest.mark.parametrize("case", ["tied effects", "tied variances", "a hundred studies", "99 studies"])
def test_with_ties_or_a_hundred_studies_ranks_have_the_normal_p_value(case: str) -> None:
    rng = np.random.default_rng(1)
    k = {"a hundred studies": 100, "99 studies": 99}.get(case, 6)
    y, v = np.arange(k) - (k - 1) / 2 + 0.1 * rng.normal(size=k), rng.uniform(0.9, 1.1, k)
    if case == "tied variances":
        v[1] = v[0]
    if case == "tied effects":
        # The second and third study mirror the fourth and fifth: twice the same standardised effect.
        y, v = np.array([0.0, 1.0, 1.0, -1.0, -1.0, 0.0]), np.array([0.5, 0.8, 0.8, 0.8, 0.8, 0.3])
    found = bias.begg(y, v)
    mean = np.average(y, weights=1 / v)
    apart = np.round((y - mean) / np.sqrt(v - 1 / np.sum(1 / v)), 10)
    expected = stats.kendalltau(apart, v, method="exact" if case == "99 studies" else "asymptotic")
    assert (found.tau, found.p) == pytest.approx((expected.statistic, expected.pvalue))


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
