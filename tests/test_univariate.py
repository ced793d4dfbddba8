"""Does univariate pooling give metafor's numbers, obey its own algebra, and refuse what it cannot do?"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from golden_cases import EVERY, Case
from livingreview.errors import DataError, TooFewStudies
from livingreview.synthesis import refits, univariate
from livingreview.synthesis.counts import Counts, corrected

Array = NDArray[np.float64]

# Closed forms: both sides carry 13 digits.
CLOSED = 1e-9
# Roots and maxima: metafor stops at 1e-12 in τ², and its Fisher scoring is good to about 1e-7.
ITERATIVE = 1e-6
METHODS = {"FE": "fixed", "DL": "dl", "PM": "pm", "REML": "reml", "ML": "ml"}
MEANS = ("bcg_rr", "dice_sim22", "dice_sim4", "normand1999_arm1", "normand1999_md")


def tolerance(method: str) -> float:
    return CLOSED if method in ("fixed", "dl") else ITERATIVE


def assert_close(ours: Any, theirs: Any, rel: float, scale: float = 0.0) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=rel, atol=rel * scale)


# --- the diagnostic sets: logit proportions and log ratios ----------------------------------------------


def logit_proportions(counts: Counts, which: str, *, everywhere: bool) -> tuple[Array, Array]:
    x, n = {"sens": (counts.tp, counts.n_diseased), "spec": (counts.tn, counts.n_nondiseased)}[which]
    half = np.where(everywhere | (x == 0) | (x == n), 0.5, 0.0)
    a, b = x + half, n - x + half
    return np.log(a / b), 1 / a + 1 / b


def log_odds_ratios(counts: Counts, correction: str) -> tuple[Array, Array]:
    c = corrected(counts, correction)  # type: ignore[arg-type]
    return np.log(c.tp * c.tn / (c.fp * c.fn)), 1 / c.tp + 1 / c.tn + 1 / c.fp + 1 / c.fn


def blocks(case: Case) -> dict[str, tuple[tuple[Array, Array], dict[str, Any]]]:
    """Every block of the golden file that univariate models can be judged against, with its input."""
    d = case.expected["d_univariate"]
    found = {}
    for which in ("sens", "spec"):
        for block, everywhere in (("PLO_only0", False), ("PLO_all", True)):
            effects = logit_proportions(case.counts, which, everywhere=everywhere)
            found[f"{which} {block}"] = (effects, d[which][block])
    for block, correction in (
        ("correction_only0", "zero_only"),
        ("correction_if0all", "all_if_any"),
        ("correction_all", "all"),
    ):
        found[f"DOR {block}"] = (log_odds_ratios(case.counts, correction), d["DOR"][block])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_pooled_logits_and_odds_ratios_are_metafors(name: str, load_case: Callable[[str], Case]) -> None:
    compared = 0
    for label, ((effects, variances), golden) in blocks(load_case(name)).items():
        for key, expected in golden.items():
            method = METHODS.get(key.removesuffix("_HKSJ"))
            if method is None or not isinstance(expected, dict):
                continue
            test = "hartung_knapp" if key.endswith("_HKSJ") else "z"
            ours = univariate.fit(effects, variances, method=method, test=test)  # type: ignore[arg-type]
            if is_local_optimum(ours, expected):
                continue
            compare_fit(ours, expected, f"{name} {label} {key}")
            compared += 1
        if "QProfile" in golden:
            compare_profile(univariate.fit(effects, variances, method="dl", test="z"), golden["QProfile"])
    assert compared >= 20, "every set has at least FE and DL of seven blocks"


def is_local_optimum(ours: univariate.UnivariateFit, expected: dict[str, Any]) -> bool:
    """Fisher scoring can stop on the lower of two maxima; ours must then be strictly higher."""
    if ours.method not in ("reml", "ml") or "logLik" not in expected:
        return False
    return ours.log_likelihood > expected["logLik"] + 1e-6


def compare_fit(ours: univariate.UnivariateFit, expected: dict[str, Any], label: str) -> None:
    rel = tolerance(ours.method)
    np.testing.assert_allclose(ours.tau2, expected["tau2"], rtol=rel, atol=1e-9, err_msg=label)
    typical = float(np.median(ours.variances))
    assert_close(ours.estimate.estimate, expected["beta"], rel, 1)
    assert_close(ours.standard_errors[0], expected["se"], rel)
    assert_close([ours.estimate.lower, ours.estimate.upper], expected["ci"], rel, 1)
    assert_close(ours.p_values[0], expected["pval"], 1e3 * rel, 1e-300)
    assert_close(ours.q, expected["Q"], CLOSED, 1)
    assert_close(ours.i2, expected["I2"] / 100, rel, 1)
    assert_close(ours.h2, expected["H2"], rel)
    if expected.get("logLik") is not None:
        assert_close(ours.log_likelihood, expected["logLik"], CLOSED if rel == CLOSED else 1e-8, 1)
    if expected.get("se_tau2") is not None and expected["tau2"] > 1e-6 * typical:
        assert_close(ours.tau2_se, expected["se_tau2"], rel)
    if "pi" in expected:
        interval = ours.prediction_interval("normal" if ours.test == "z" else "riley")
        assert_close([interval.lower, interval.upper], expected["pi"], rel, 1)


def compare_profile(ours: univariate.UnivariateFit, golden: dict[str, Any]) -> None:
    for key, interval in (("tau2", ours.tau2_interval()), ("I2", ours.i2_interval())):
        expected = golden.get(f"{key}_DL", golden.get(key))
        if expected is None or None in expected:
            continue
        unit = 100 if key == "I2" else 1
        found = [interval.estimate * unit, interval.lower * unit, interval.upper * unit]
        # metafor looks for the upper limit no further than max(100, 10 τ²) and returns that when it is beyond.
        capped = ours.tau2_interval().upper > max(100.0, 10 * ours.tau2)
        assert_close(found[:2] if capped else found, expected[:2] if capped else expected, 1e-6, 1e-2)


# --- means and generic effects --------------------------------------------------------------------------


def mean_case(folder: Path, name: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    golden = json.loads((folder / "means" / "expected" / f"{name}.json").read_text("utf-8"))
    with (folder / "means" / "datasets" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return golden, list(csv.DictReader(lines))


@pytest.mark.parametrize("name", MEANS)
def test_means_and_generic_effects_are_metafors(name: str, reference_dir: Path) -> None:
    golden, _ = mean_case(reference_dir, name)
    compared = 0
    for key, g in golden["fits"].items():
        stem, _, suffix = key.partition("_")
        # Paule–Mandel is the same estimator as empirical Bayes; here metafor's root search for the former
        # was left at its default tolerance (1e-4), so the latter, which is iterated to 1e-12, is the golden.
        stem = {"PM": "", "EB": "PM"}.get(stem, stem)
        if stem not in METHODS:
            continue
        test = {"": "z", "HKSJ": "hartung_knapp", "HKSJ_adhoc": "hartung_knapp_safeguarded"}[suffix]
        ours = univariate.fit(golden["yi"], golden["vi"], method=METHODS[stem], test=test)  # type: ignore[arg-type]
        expected = {
            "beta": g["b"], "se": g["se"], "ci": [g["ci_lb"], g["ci_ub"]], "pval": g["pval"], "tau2": g["tau2"],
            "se_tau2": g["se_tau2"], "I2": g["I2"], "H2": g["H2"], "Q": g["QE"], "logLik": g["logLik"],
        }  # fmt: skip
        if "pi_lb" in g and suffix != "HKSJ_adhoc":
            expected["pi"] = [g["pi_lb"], g["pi_ub"]]
        compare_fit(ours, expected, f"{name} {key}")
        assert_close(ours.q_p, g["QEp"], 1e-8)
        if "pi_HTS_k2" in g:
            interval = ours.prediction_interval("higgins")
            assert_close([interval.lower, interval.upper], g["pi_HTS_k2"], tolerance(ours.method), 1)
        if "QProfile" in g:
            compare_profile(ours, g["QProfile"])
        compared += 1
    assert compared == 11, "five estimators, each with its Hartung–Knapp variants"


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("method", ["DL", "REML"])
def test_refits_and_shrunken_effects_are_metafors(name: str, method: str, reference_dir: Path) -> None:
    golden, _ = mean_case(reference_dir, name)
    g = golden["fits"][method]
    ours = univariate.fit(golden["yi"], golden["vi"], method=METHODS[method], test="z")  # type: ignore[arg-type]
    rel = tolerance(ours.method)
    for table, expected, p in (
        (refits.leave_one_out(ours), g["leave1out"], "pval"),
        (refits.cumulative(ours), g["cumul"], "pvals"),
    ):
        size = float(np.max(np.abs(golden["yi"])))
        assert_close(table.estimate, expected["estimate"], rel, size)
        assert_close(table.standard_error, expected["se"], rel)
        assert_close(table.lower, expected["ci.lb"], rel, size)
        assert_close(table.upper, expected["ci.ub"], rel, size)
        assert_close(table.p_value, expected[p], 1e3 * rel)
        assert_close(table.tau2, expected["tau2"], rel, float(np.max(golden["vi"])))
        assert_close(table.q, expected["Q"], CLOSED, 1)
        assert_close(table.i2, np.asarray(expected["I2"]) / 100, rel, 1)
        assert_close(table.h2, expected["H2"], rel)
    shrunken, se = ours.empirical_bayes()
    assert_close(shrunken, g["blup"]["pred"], rel, 1)
    assert_close(se, g["blup"]["se"], rel)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bcg_rr", "dice_sim22"])
def test_meta_regression_is_metafors(name: str, reference_dir: Path) -> None:
    golden, rows = mean_case(reference_dir, name)
    for key, g in golden["metareg"].items():
        formula, method, test = key.rsplit(" ", 2)
        columns = [design_columns(rows, term) for term in formula.lstrip("~").split(" + ")]
        ours = univariate.fit(
            golden["yi"],
            golden["vi"],
            method=METHODS[method],  # type: ignore[arg-type]
            test={"z": "z", "knha": "hartung_knapp"}[test],  # type: ignore[arg-type]
            moderators=np.column_stack(columns),
        )
        rel = tolerance(ours.method)
        assert_close(ours.tau2, g["tau2"], rel, float(np.median(golden["vi"])))
        assert_close(ours.coefficients, g["b"], 10 * rel)
        assert_close(ours.standard_errors, g["se"], 10 * rel)
        assert_close(ours.p_values, g["pval"], 1e3 * rel)
        assert_close([i.lower for i in ours.intervals], g["ci_lb"], 100 * rel)
        assert_close(ours.q, g["QE"], CLOSED)
        assert_close(ours.i2, g["I2"] / 100, rel, 1)
        statistic, p = ours.moderator_test()
        assert_close([statistic, p], [g["QM"], g["QMp"]], 1e3 * rel)
        if g["R2"] != []:
            assert_close(ours.r_squared, g["R2"] / 100, 10 * rel, 1)


def design_columns(rows: list[dict[str, str]], term: str) -> Array:
    values = [row[term] for row in rows]
    try:
        return np.asarray(values, dtype=float)[:, None]
    except ValueError:
        levels = sorted(set(values))[1:]  # treatment coding, alphabetical reference level
        return np.array([[float(value == level) for level in levels] for value in values])


def test_the_grid_of_reference_sets_is_complete(reference_dir: Path) -> None:
    present = {path.stem for path in (reference_dir / "means" / "expected").glob("*.json")}
    assert present == set(MEANS)
    assert {path.stem for path in (reference_dir / "expected").glob("*.json")} == set(EVERY)


# --- algebra --------------------------------------------------------------------------------------------

finite = st.floats(-5, 5).map(lambda x: round(x, 3))
studies = st.lists(st.tuples(finite, st.floats(0.01, 4.0)), min_size=3, max_size=12)
methods = st.sampled_from(["fixed", "dl", "pm", "reml", "ml"])


def solution(result: univariate.UnivariateFit) -> Array:
    return np.array([result.estimate.estimate, result.standard_errors[0] ** 2, result.tau2])


@pytest.mark.slow
@given(studies, methods, st.floats(-100, 100), st.floats(0.1, 50), st.randoms())
def test_shifting_scaling_and_reordering_the_effects_does_just_that(
    rows: list[tuple[float, float]], method: Any, shift: float, factor: float, random: Any
) -> None:
    y, v = map(np.array, zip(*rows, strict=True))
    base = univariate.fit(y, v, method=method, test="z")
    # Where the likelihood has two maxima of one height, rounding chooses between them.
    moved = univariate.fit(factor * y + shift, factor**2 * v, method=method, test="z")
    order = random.sample(range(len(y)), len(y))
    shuffled = univariate.fit(y[order], v[order], method=method, test="z")
    assume(abs(base.log_likelihood - shuffled.log_likelihood) < 1e-9 and unimodal(base, shuffled))
    scale = np.array([1, factor**2, factor**2])
    expected = scale * solution(base) + np.array([(factor - 1) * base.estimate.estimate + shift, 0, 0])
    np.testing.assert_allclose(solution(moved), expected, rtol=1e-6, atol=1e-6 * factor**2)
    np.testing.assert_allclose(solution(shuffled), solution(base), rtol=1e-6, atol=1e-7)


def unimodal(one: univariate.UnivariateFit, other: univariate.UnivariateFit) -> bool:
    return abs(one.tau2 - other.tau2) < 0.1 * (1 + one.tau2)


@pytest.mark.slow
@given(st.lists(finite, min_size=3, max_size=10), st.floats(0.01, 4.0), methods)
def test_with_equal_variances_every_estimator_is_a_sample_moment(y: list[float], v: float, method: Any) -> None:
    k = len(y)
    spread = float(np.var(y, ddof=0 if method == "ml" else 1))
    tau2 = 0.0 if method == "fixed" else max(0.0, spread - v)
    result = univariate.fit(y, np.full(k, v), method=method, test="z")
    assert result.tau2 == pytest.approx(tau2, abs=1e-9)
    assert result.estimate.estimate == pytest.approx(np.mean(y), abs=1e-9)
    assert result.standard_errors[0] == pytest.approx(math.sqrt((v + tau2) / k), rel=1e-8)


@pytest.mark.slow
@given(studies)
def test_no_tau2_nearby_is_more_likely_than_the_estimate(rows: list[tuple[float, float]]) -> None:
    y, v = map(np.array, zip(*rows, strict=True))
    result = univariate.fit(y, v, method="ml", test="z")
    for tau2 in np.concatenate([[0.0], result.tau2 * np.array([0.5, 0.9, 1.1, 2.0]), np.geomspace(1e-3, 100, 40)]):
        w = 1 / (v + tau2)
        mean = np.sum(w * y) / np.sum(w)
        height = -0.5 * np.sum(np.log(2 * np.pi * (v + tau2)) + w * (y - mean) ** 2)
        assert height <= result.log_likelihood + 1e-9


@pytest.mark.slow
@given(studies)
def test_the_q_profile_limits_put_q_at_its_quantiles(rows: list[tuple[float, float]]) -> None:
    from scipy.stats import chi2

    y, v = map(np.array, zip(*rows, strict=True))
    result = univariate.fit(y, v, method="pm", test="z")
    interval = result.tau2_interval()
    for bound, quantile in ((interval.lower, 0.975), (interval.upper, 0.025)):
        w = 1 / (v + bound)
        q = np.sum(w * (y - np.sum(w * y) / np.sum(w)) ** 2)
        target = chi2.ppf(quantile, len(y) - 1)
        assert q == pytest.approx(target, rel=1e-8) or (bound == 0 and q <= target)


def test_the_safeguard_never_narrows_and_matters_only_below_one() -> None:
    y, v = np.array([0.10, 0.11, 0.09, 0.10]), np.full(4, 0.04)
    plain = univariate.fit(y, v, method="dl", test="hartung_knapp")
    guarded = univariate.fit(y, v, method="dl", test="hartung_knapp_safeguarded")
    assert plain.scale < 1
    assert guarded.scale == 1
    assert guarded.standard_errors[0] == pytest.approx(math.sqrt(0.04 / 4))
    assert guarded.standard_errors[0] > plain.standard_errors[0]


# --- with equal variances: what every textbook has --------------------------------------------------------

SAME = 0.09
LINE_X = np.array([1998.0, 2001.0, 2004.0, 2006.0, 2011.0, 2015.0, 2016.0])
LINE_Y = np.array([0.1, 1.3, 0.4, 1.9, 1.2, 2.9, 1.6])


def same(**options: Any) -> univariate.UnivariateFit:
    return univariate.fit(LINE_Y, np.full(7, SAME), **options)


def test_hartung_and_knapps_interval_is_students_for_a_mean() -> None:
    result = same(level=0.9)
    expected = stats.ttest_1samp(LINE_Y, 0)
    assert (result.method, result.test) == ("reml", "hartung_knapp")
    interval = expected.confidence_interval(0.9)
    assert (result.estimate.lower, result.estimate.upper) == pytest.approx((interval.low, interval.high))
    assert result.p_values[0] == pytest.approx(expected.pvalue)
    assert result.weights == pytest.approx(np.full(7, 1 / 7))
    assert math.isnan(result.r_squared)


@pytest.mark.parametrize("test", ["hartung_knapp", "z"])
def test_a_meta_regression_is_the_ordinary_line(test: univariate.Test) -> None:
    result = same(moderators=LINE_X, moderator_names=["year"], test=test)
    line = stats.linregress(LINE_X, LINE_Y)
    assert result.coefficients == pytest.approx([line.intercept, line.slope])
    assert result.standard_errors == pytest.approx([line.intercept_stderr, line.stderr])
    t = line.slope / line.stderr
    statistic, p = result.moderator_test()
    assert statistic == pytest.approx(t**2)
    expected = line.pvalue if test == "hartung_knapp" else 2 * stats.norm.sf(abs(t))
    assert (p, result.p_values[1]) == pytest.approx((expected, expected))
    quantile = stats.t.ppf(0.975, 5) if test == "hartung_knapp" else 1.959963984540054
    assert result.intervals[1].upper == pytest.approx(line.slope + quantile * line.stderr)
    # τ² is the residual variance less the sampling variance, with the line and without it.
    left = np.sum((LINE_Y - line.intercept - line.slope * LINE_X) ** 2) / 5 - SAME
    assert result.tau2 == pytest.approx(left)
    assert result.r_squared == pytest.approx(1 - left / (np.var(LINE_Y, ddof=1) - SAME))
    with pytest.raises(ValueError, match="no single prediction interval"):
        result.prediction_interval()
    with pytest.raises(ValueError, match="no moderators to test"):
        same().moderator_test()


def test_two_moderators_are_tested_together_as_the_line_against_its_mean() -> None:
    columns = np.column_stack([LINE_X - 2000, (LINE_X - 2006) ** 2])
    result = same(moderators=columns)
    design = np.column_stack([np.ones(7), columns])
    residual = LINE_Y - design @ np.linalg.lstsq(design, LINE_Y)[0]
    explained = np.var(LINE_Y) * 7 - residual @ residual
    statistic, p = result.moderator_test()
    assert statistic == pytest.approx((explained / 2) / (residual @ residual / 4))
    assert p == pytest.approx(stats.f.sf(statistic, 2, 4))
    wald, p = same(moderators=columns, test="z").moderator_test()
    assert (wald, p) == pytest.approx((2 * statistic, stats.chi2.sf(2 * statistic, 2)))


def test_moderators_that_explain_nothing_have_no_share_below_0() -> None:
    assert same(moderators=[1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0]).r_squared == 0
    alike = univariate.fit([0.2, 0.21, 0.2, 0.19], [0.5] * 4, moderators=[1.0, 2.0, 3.0, 5.0])
    assert math.isnan(alike.r_squared)


@pytest.mark.parametrize("method", ["fixed", "dl"])
def test_heterogeneity_is_the_excess_of_q(method: univariate.Method) -> None:
    result = univariate.fit([0.1, 0.9, 0.5, 1.4], [0.02, 0.05, 0.01, 0.2], method=method, test="z")
    assert result.h2 == pytest.approx(result.q / 3)
    assert result.i2 == pytest.approx((result.q - 3) / result.q)
    assert result.q_p == pytest.approx(stats.chi2.sf(result.q, 3))
    assert result.scale == 1
    calm = univariate.fit([0.1, 0.11, 0.1], [0.02, 0.05, 0.01], method=method, test="z")
    assert calm.i2 == 0
    assert calm.h2 == (pytest.approx(calm.q / 2) if method == "fixed" else 1)


def test_the_interval_of_i2_is_that_of_tau2_over_the_total_variance() -> None:
    result = same()
    tau2, i2 = result.tau2_interval(), result.i2_interval()
    assert i2.estimate == pytest.approx(result.tau2 / (result.tau2 + SAME))
    assert (i2.lower, i2.upper) == pytest.approx([bound / (bound + SAME) for bound in (tau2.lower, tau2.upper)])
    squares = np.var(LINE_Y) * 7
    ends = [squares / stats.chi2.ppf(tail, 6) - SAME for tail in (0.975, 0.025)]
    assert (tau2.lower, tau2.upper) == pytest.approx(ends)


@pytest.mark.parametrize(
    ("convention", "fewest", "quantile"),
    [("higgins", 3, stats.t.ppf(0.975, 5)), ("riley", 2, stats.t.ppf(0.975, 6)), ("normal", 2, stats.norm.ppf(0.975))],
)
def test_each_prediction_interval_has_its_own_quantile(
    convention: univariate.Convention, fewest: int, quantile: float
) -> None:
    result = same()
    interval = result.prediction_interval(convention)
    half = quantile * math.sqrt(np.var(LINE_Y, ddof=1) * (1 + 1 / 7) - SAME)
    assert (interval.lower, interval.upper) == pytest.approx((np.mean(LINE_Y) - half, np.mean(LINE_Y) + half))
    least = univariate.fit(LINE_Y[:fewest], [SAME] * fewest)
    assert least.prediction_interval(convention).upper > least.estimate.estimate
    with pytest.raises(ValueError, match="higgins, riley, normal; found 'student'"):
        result.prediction_interval("student")  # type: ignore[arg-type]


def test_shrunken_effects_lie_between_the_study_and_the_mean() -> None:
    result = same(test="z")
    share, mean = 1 - SAME / np.var(LINE_Y, ddof=1), np.mean(LINE_Y)
    shrunken, error = result.empirical_bayes()
    assert shrunken == pytest.approx(mean + share * (LINE_Y - mean))
    # Posterior variance, and that of the mean in as far as the effect is shrunk to it.
    variance = share * SAME + (1 - share) ** 2 * np.var(LINE_Y, ddof=1) / 7
    assert error == pytest.approx(np.full(7, math.sqrt(variance)))


# --- what happens with bad or little input --------------------------------------------------------------


def test_every_bad_value_is_named_at_once() -> None:
    with pytest.raises(DataError) as caught:
        univariate.fit([0.1, math.nan, 0.3], [0.1, 0.2, 0.0], moderators=[math.inf, 2.0, 3.0])
    assert [(fault.line, fault.field, fault.code) for fault in caught.value.faults] == [
        (2, "effects", "EFFECT-002"),
        (3, "variances", "EFFECT-003"),
        (1, "moderators", "EFFECT-004"),
    ]


def test_columns_of_different_length_and_collinear_moderators_are_refused() -> None:
    with pytest.raises(DataError, match="EFFECT-001"):
        univariate.fit([0.1, 0.2], [0.1])
    with pytest.raises(DataError, match="EFFECT-005"):
        univariate.fit([0.1, 0.2, 0.5], [0.1] * 3, moderators=[2.0, 2.0, 2.0])


def test_one_study_has_a_fixed_effect_and_no_random_one() -> None:
    alone = univariate.fit([0.5], [0.04], method="fixed")
    assert alone.estimate.lower == pytest.approx(0.5 - 1.959963984540054 * 0.2)
    assert math.isnan(alone.q_p)
    assert alone.to_dict()["tau2"] is None
    with pytest.raises(TooFewStudies, match="no degrees of freedom"):
        alone.tau2_interval()
    assert alone.prediction_interval("normal") == alone.estimate
    for options in ({"method": "reml"}, {"method": "reml", "test": "z"}, {"method": "fixed", "test": "hartung_knapp"}):
        with pytest.raises(TooFewStudies, match="at least 2"):
            univariate.fit([0.5], [0.04], **options)  # type: ignore[arg-type]


def test_two_studies_have_no_higgins_prediction_interval() -> None:
    pair = univariate.fit([0.1, 0.9], [0.01, 0.01])
    with pytest.raises(TooFewStudies, match="higgins"):
        pair.prediction_interval()
    assert pair.to_dict()["prediction_interval"] is None


@pytest.mark.parametrize(
    ("options", "predicts"), [({}, True), ({"method": "fixed"}, False), ({"moderators": [1.0, 2.0, 4.0]}, False)]
)
def test_json_has_a_prediction_where_there_is_one(options: dict[str, Any], predicts: bool) -> None:
    result = univariate.fit([0.1, 0.4, 0.2], [0.01, 0.02, 0.03], test="z", **options)
    prediction = result.to_dict()["prediction_interval"]
    assert (prediction is not None) == predicts
    if prediction:
        assert (prediction["convention"], prediction["quantile"], prediction["df"]) == ("higgins", "t", 1)
    assert [c["p"] for c in result.to_dict()["coefficients"].values()] == pytest.approx(result.p_values)


@pytest.mark.parametrize("method", ["fixed", "reml"])
def test_the_pooled_effect_is_the_weighted_mean(method: univariate.Method) -> None:
    result = univariate.fit([0.1, 0.9, 0.2], [0.01, 0.02, 0.09], method=method, test="z")
    assert result.weights.sum() == pytest.approx(1)
    assert result.weights @ result.effects == pytest.approx(result.estimate.estimate)
    assert list(np.argsort(-result.weights)) == [0, 1, 2]


def test_results_are_plain_json_and_cannot_be_changed() -> None:
    result = univariate.fit([0.1, 0.4, 0.2], [0.01, 0.02, 0.03], study=["A", "B", "C"])
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == result.to_dict()
    with pytest.raises(ValueError, match="read-only"):
        result.effects[0] = 1.0


@pytest.mark.parametrize("bad", [{"method": "hs"}, {"test": "t"}, {"level": 95.0}])
def test_an_unknown_option_says_what_is_known(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"one of|between"):
        univariate.fit([0.1, 0.4, 0.2], [0.01, 0.02, 0.03], **bad)
