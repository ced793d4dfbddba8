"""Are covariates coded, tested and compared as they were given, and refused where the studies cannot tell?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from golden_cases import Case, edge
from livingreview.errors import ConvergenceError, DataError, TooFewStudies
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.covariates import Coefficient, Contrast, Test, code
from livingreview.synthesis.intervals import Interval

LoadCase = Callable[[str], Case]

# The log-likelihood that the quadrature promises; the normal model is in closed form.
LOG_LIKELIHOOD = 1e-6
NORMAL = 1e-6

FIVE = Counts.from_arrays([40, 55, 20, 33, 71], [5, 9, 2, 14, 6], [10, 8, 7, 5, 30], [80, 60, 45, 70, 90])
ONE_ARMED = Counts.from_arrays(
    [45, 60, 23, 88, 70, 0, 30], [10, 4, 0, 32, 9, 5, 0], [5, 20, 4, 2, 14, 0, 9], [90, 40, 0, 120, 35, 60, 0]
)


def test_levels_of_a_covariate_are_the_coefficients_added_up() -> None:
    counts = edge("edge_sim500").subset(np.arange(40))
    by = ["a", "b", "c", "d"] * 10
    found = fit(counts, by=by)
    p = len(found.coefficients) // 2
    for j, level in enumerate(found.levels):
        shift = np.array([found.coefficients[j], found.coefficients[p + j]]) if j else 0.0
        assert level.mu == pytest.approx(found.coefficients[[0, p]] + shift, abs=1e-9)
        assert level.k == 10
    assert found.mu == pytest.approx(np.mean([level.mu for level in found.levels], axis=0), abs=1e-9)


def test_numeric_covariate_gives_the_same_fit_in_any_unit() -> None:
    counts = edge("edge_sim500").subset(np.arange(30))
    year = np.linspace(1990, 2020, 30)
    one = fit(counts, covariates={"year": year})
    other = fit(counts, covariates={"decades since 2000": (year - 2000) / 10})
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-7)
    assert other.coefficients[[1, 3]] == pytest.approx(10 * one.coefficients[[1, 3]], rel=1e-5)
    at_2000 = one.coefficients[[0, 2]] + 2000 * one.coefficients[[1, 3]]
    assert other.coefficients[[0, 2]] == pytest.approx(at_2000, rel=1e-5)
    assert one.tests[0].statistic == pytest.approx(other.tests[0].statistic, rel=1e-5)


def test_tests_of_covariates_are_nested() -> None:
    counts = edge("edge_sim500").subset(np.arange(60))
    found = fit(counts, by=["a", "b", "c"] * 20)
    for kind in ("wald", "likelihood_ratio"):
        both, sensitivity, specificity = (
            next(t for t in found.tests if (t.kind, t.effect_on) == (kind, on))
            for on in ("both", "sensitivity", "specificity")
        )
        assert both.statistic >= max(sensitivity.statistic, specificity.statistic) - 1e-6
        assert (both.df, sensitivity.df, specificity.df) == (4, 2, 2)
        assert 0 <= both.p_value <= 1


@pytest.mark.parametrize("quantile", ["normal", "t"])
def test_levels_are_compared_with_the_first_by_odds_ratios_and_ratios(quantile: Any) -> None:
    counts = edge("edge_sim500").subset(np.arange(60))
    by, year = ["a", "b", "c"] * 20, np.arange(60) % 7
    found = fit(counts, by=by, covariates={"year": year}, quantile=quantile)
    shown = {(contrast.level, contrast.measure): contrast for contrast in found.contrasts}
    assert sorted(shown) == [(level, arm) for level in "bc" for arm in ("sensitivity", "specificity")]
    table = {row.name: row for row in found.coefficient_table}
    df, p = (57 - 1 if quantile == "t" else np.inf), len(found.coefficients) // 2
    for position, name in enumerate(found.coefficient_names):
        row, error = table[name], np.sqrt(found.coefficient_cov[position, position])
        assert row.standard_error == pytest.approx(error)
        half = stats.t.ppf(0.975, df) * error
        assert (row.interval.lower, row.interval.upper) == pytest.approx(
            (found.coefficients[position] - half, found.coefficients[position] + half)
        )
        assert row.p_value == pytest.approx(2 * stats.t.sf(abs(found.coefficients[position]) / error, df))
    # The ratio's error by differences, in the units of the covariates as given.
    rows = {"a": [1, 0, 0, year.mean()], "b": [1, 1, 0, year.mean()], "c": [1, 0, 1, year.mean()]}
    for (level, measure), contrast in shown.items():
        part = slice(0, p) if measure == "sensitivity" else slice(p, 2 * p)
        beta, cov = found.coefficients[part], found.coefficient_cov[part, part]

        def log_ratio(beta: Any, level: str = level) -> float:
            return float(np.log(expit(np.dot(rows[level], beta)) / expit(np.dot(rows["a"], beta))))

        step = 1e-6 * np.eye(p)
        gradient = np.array([(log_ratio(beta + h) - log_ratio(beta - h)) / 2e-6 for h in step])
        half = stats.t.ppf(0.975, df) * np.sqrt(gradient @ cov @ gradient)
        assert np.log([contrast.ratio.lower, contrast.ratio.estimate, contrast.ratio.upper]) == pytest.approx(
            log_ratio(beta) + half * np.array([-1, 0, 1]), abs=1e-6
        )
        row = table[f"{measure}: {level}"]
        assert (contrast.odds_ratio.lower, contrast.odds_ratio.upper, contrast.p_value) == pytest.approx(
            (np.exp(row.interval.lower), np.exp(row.interval.upper), row.p_value)
        )
    assert fit(counts).contrasts == ()


@pytest.mark.parametrize("model", ["binomial", "normal"])
def test_a_mean_with_as_many_coefficients_as_studies_is_refused(model: Any) -> None:
    three = FIVE.subset([0, 1, 2])
    with pytest.raises(
        TooFewStudies, match=r"3 coefficients \(intercept, b, c\) need more than 3 studies with diseased"
    ):
        fit(three, by="abc", model=model)
    with pytest.raises(TooFewStudies, match="need more than 5 studies with non-diseased"):
        fit(ONE_ARMED, by="abecdea", model=model)


def test_notes_say_what_levels_share_and_which_rest_on_one_study() -> None:
    notes = fit(FIVE, by=["b", "a", "a", "a", "a"]).notes
    assert any("share one between-study covariance" in note and "the same people" in note for note in notes)
    assert any(note.startswith("levels of one study: b;") for note in notes)
    assert not any("case or spaces" in note for note in notes)
    plain = fit(FIVE).notes
    assert not any("level" in note for note in plain)
    assert any("every row is of one level, 'GE': no levels" in note for note in fit(FIVE, by=["GE"] * 5).notes)
    similar = fit(FIVE, by=["GE", "ge ", "GE", "ge ", "GE"]).notes
    assert any("levels that differ only in case or spaces: 'GE', 'ge '" in note for note in similar)


def test_separation_by_a_covariate_has_no_finite_estimate() -> None:
    counts = Counts.from_arrays([40, 30, 20, 11], [5, 9, 0, 0], [10, 3, 1, 4], [80, 44, 31, 20])
    with pytest.raises(ConvergenceError, match=r"specificity is 100 % .* of a level"):
        fit(counts, by=["a", "a", "b", "b"])
    assert fit(counts).specificity.estimate < 1


def test_unusable_covariates_are_all_named() -> None:
    with pytest.raises(DataError, match="by — expected a label, found nothing") as caught:
        fit(FIVE, by=["a", "", "b", None, "a"], covariates={"year": [1, 2, float("nan"), 4, 5], "n": [1, 2]})
    assert [fault.code for fault in caught.value.faults] == ["COVARIATE-001"] * 4
    named = {(2, "by"), (4, "by"), (3, "year"), (0, "n")}
    assert {(fault.line, fault.field) for fault in caught.value.faults} == named
    with pytest.raises(DataError, match="the same in every study") as caught:
        fit(FIVE, covariates={"year": [2000] * 5})
    assert caught.value.faults[0].line == 0
    with pytest.raises(DataError, match="cannot tell their effects apart") as caught:
        fit(FIVE, by=list("aabbb"), covariates={"b": [0, 0, 1, 1, 1]})
    assert caught.value.faults[0].line == 0
    with pytest.raises(DataError, match="by — 5 labels were expected, one per study, and 4 found") as caught:
        fit(FIVE, by="aabb")
    assert caught.value.faults[0].line == 0


METAREG = {"anti_ccp": "generation", "ascus_triage": "test", "scheidler_all": "modality", "smoking": "type"}


@pytest.mark.parametrize("name", METAREG)
def test_categorical_covariate_gives_the_exact_maximum(name: str, load_case: LoadCase) -> None:
    case = load_case(name)
    expected = case.expected["c_exact_ml_metareg"]
    found = fit(case.counts, by=[row[expected["covariate"]] for row in case.rows], structure="unstructured")
    assert [level.label for level in found.levels] == expected["levels"]
    assert found.log_likelihood == pytest.approx(expected["logLik"], abs=LOG_LIKELIHOOD)
    half = len(found.coefficients) // 2
    order = [f"{kind}{j or ''}" for kind in "sc" for j in range(half)]
    keys = {"s": "sens", "c": "spec"}
    wanted = [keys.get(key, f"{key[0]}x{key[1:]}") for key in order]
    assert found.coefficients == pytest.approx([expected["coef"][key] for key in wanted], rel=1e-4)
    errors = np.sqrt(np.diag(found.coefficient_cov))
    assert errors == pytest.approx([expected["se"][key] for key in wanted], rel=1e-4)
    ratio = next(t for t in found.tests if t.kind == "likelihood_ratio" and t.effect_on == "both")
    assert ratio.statistic == pytest.approx(expected["LRT_vs_no_covariate"]["chi2"], abs=1e-5)
    assert ratio.df == expected["LRT_vs_no_covariate"]["df"]
    assert ratio.p_value == pytest.approx(expected["LRT_vs_no_covariate"]["p"], rel=1e-4)


@pytest.mark.parametrize("name", METAREG)
def test_categorical_covariate_of_the_normal_model_is_what_mada_fits(name: str, load_case: LoadCase) -> None:
    case = load_case(name)
    expected = case.expected["metareg"]
    by = [row[expected["covariate"]] for row in case.rows]
    found = fit(case.counts, model="normal", method="reml", by=by, structure="unstructured")
    assert found.log_likelihood >= expected["reitsma_reml"]["logLik"] - NORMAL
    coef = list(expected["reitsma_reml"]["coef"].values())
    half = len(coef) // 2
    assert found.coefficients == pytest.approx(np.r_[coef[:half], -np.array(coef[half:])], abs=1e-3)


def test_the_tests_of_one_covariate_are_its_squared_ratio_and_the_gain_in_likelihood() -> None:
    counts = edge("edge_sim500").subset(np.arange(20))
    found = fit(counts, by=["a", "b"] * 10, structure="independent")
    tests = {(test.kind, test.effect_on): test for test in found.tests}
    # Without a correlation, the two arms are fits of their own.
    squares = {}
    for row in found.coefficient_table:
        if row.name.endswith(": b"):
            squares[row.name.partition(":")[0]] = (row.interval.estimate / row.standard_error) ** 2
    for measure, squared in squares.items():
        wald = tests["wald", measure]
        assert (wald.statistic, wald.df) == (pytest.approx(squared, rel=1e-6), 1)
        assert wald.p_value == pytest.approx(stats.chi2.sf(squared, 1), rel=1e-6)
    assert tests["wald", "both"].statistic == pytest.approx(sum(squares.values()), rel=1e-6)
    gain = 2 * (found.log_likelihood - fit(counts, structure="independent").log_likelihood)
    both, *alone = (tests["likelihood_ratio", name] for name in ("both", "sensitivity", "specificity"))
    assert both.statistic == pytest.approx(gain, abs=1e-5)
    assert both.p_value == pytest.approx(stats.chi2.sf(gain, 2), abs=1e-5)
    assert sum(test.statistic for test in alone) == pytest.approx(gain, abs=1e-5)


def test_a_statistic_below_zero_by_rounding_says_nothing() -> None:
    assert Test.chi_square("wald", "both", -1e-12, 2) == Test("wald", "both", 0.0, 2, 1.0)


def test_without_an_error_there_is_no_p_value() -> None:
    certain = Coefficient.wald("sensitivity: b", 0.4, 0.0, np.inf, 0.95)
    assert np.isnan(certain.p_value)
    assert certain.to_dict()["p"] is None
    assert Coefficient.wald("sensitivity: b", 0.4, 0.04, np.inf, 0.95).to_dict()["p"] == pytest.approx(0.0455, abs=1e-5)
    one = Interval(1.0, 1.0, 1.0)
    assert Contrast("b", "a", "sensitivity", one, one, np.nan).to_dict()["p"] is None
    assert Contrast("b", "a", "sensitivity", one, one, 0.5).to_dict()["p"] == 0.5


def test_a_level_of_one_patient_is_told_from_the_others_and_one_of_none_is_not() -> None:
    fp, fn, tn = [1, 2, 3], [4, 5, 0], [9, 8, 7]
    assert code(Counts.from_arrays([6, 7, 1], fp, fn, tn), ["a", "a", "b"], None).levels == ("a", "b")
    with pytest.raises(DataError, match="studies with diseased participants cannot tell"):
        code(Counts.from_arrays([6, 7, 0], fp, fn, tn), ["a", "a", "b"], None)
