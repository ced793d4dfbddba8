"""Does a bivariate fit give the exact answers, obey the model's symmetries, and say what it cannot do?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit

from golden_cases import EDGE, EVERY, GOLDEN, Case
from livingreview.errors import ConvergenceError, DataError, ReviewError, TooFewStudies
from livingreview.synthesis.bivariate import BivariateFit, Structure, fit, fit_many
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.regions import confidence_region

# The log-likelihood that the quadrature promises, and that the reference has with 61 × 61 nodes.
LOG_LIKELIHOOD = 1e-6
# Means and standard errors: the score noise that 1e-6 in the log-likelihood leaves, in relative terms.
MEAN = 1e-5
# The reference's information comes from differences of scores, which at 1e8 counts lose five digits: its standard
# errors there are off the closed form by 3.4e-5 (test_standard_errors_of_huge_counts_have_their_limit has ours).
HUGE_COUNTS_ERROR = 5e-5
# Variances and correlations are flatter directions than means.
SPREAD = 1e-4
# The normal model is in closed form; the reference's optimiser went to 1e-10.
NORMAL = 1e-6
# Transformations of the estimates inherit the tolerance of the spreads.
DERIVED = 1e-4

NO_MLE = ("edge_perfect_spec",)
METAREG = {"anti_ccp": "generation", "ascus_triage": "test", "scheidler_all": "modality", "smoking": "type"}
LoadCase = Callable[[str], Case]


def small() -> Counts:
    """Return five studies with moderate heterogeneity and no zero cell."""
    return Counts.from_arrays([40, 55, 20, 33, 71], [5, 9, 2, 14, 6], [10, 8, 7, 5, 30], [80, 60, 45, 70, 90])


def edge(name: str) -> Counts:
    """Return a simulated set."""
    return Case(name, GOLDEN).counts


def test_every_reference_set_is_in_the_grid(reference_dir: Any) -> None:
    assert sorted(path.stem for path in (reference_dir / "datasets").glob("*.csv")) == sorted(EVERY)


def test_every_simulated_set_is_kept_here() -> None:
    for folder in ("datasets", "expected"):
        assert sorted(path.stem for path in (GOLDEN / folder).iterdir()) == sorted(EDGE)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in NO_MLE])
def test_binomial_fit_is_the_exact_maximum(name: str, load_case: LoadCase) -> None:
    case = load_case(name)
    expected = case.expected["c_exact_ml"]
    found = fit(case.counts, structure="unstructured")
    assert found.log_likelihood == pytest.approx(expected["logLik"], abs=LOG_LIKELIHOOD)
    assert found.aic == pytest.approx(expected["AIC"], abs=2 * LOG_LIKELIHOOD)
    coef, se = expected["coef"], expected["se"]
    assert found.mu == pytest.approx([coef["sens"], coef["spec"]], rel=MEAN)
    se_tolerance = HUGE_COUNTS_ERROR if name == "edge_huge_counts" else MEAN
    assert np.sqrt(np.diag(found.mu_cov)) == pytest.approx([se["sens"], se["spec"]], rel=se_tolerance)
    psi = np.array([[expected["tau2_sens"], expected["cov_sens_spec"] if expected["rho_sens_spec"] else 0.0]])
    assert found.between_study_cov[0] == pytest.approx(psi[0], rel=SPREAD, abs=1e-9)
    assert found.between_study_cov[1, 1] == pytest.approx(expected["tau2_spec"], rel=SPREAD, abs=1e-9)
    if expected["rho_sens_spec"] is None:
        assert np.isnan(found.rho)
    else:
        assert found.rho == pytest.approx(expected["rho_sens_spec"], abs=SPREAD)
    names = {"rho_sens_spec=+1": "rho = +1", "rho_sens_spec=-1": "rho = -1"}
    names |= {"tau_sens=0": "tau_sensitivity = 0", "tau_spec=0": "tau_specificity = 0"}
    assert found.boundary == tuple(names[boundary] for boundary in expected["boundary"])


@pytest.mark.parametrize("name", [name for name in EVERY if name not in NO_MLE])
def test_what_follows_from_the_binomial_fit(name: str, load_case: LoadCase) -> None:
    case = load_case(name)
    expected = case.expected["c_exact_ml"]
    found = fit(case.counts, structure="unstructured")
    point = expected["summary_point"]
    for ours, estimate, ci in (
        (found.sensitivity, point["sens"], point["sens_ci"]),
        (found.specificity, point["spec"], point["spec_ci"]),
        (found.diagnostic_odds_ratio, point["DOR"]["est"], point["DOR"]["ci"]),
        (found.likelihood_ratio_positive, point["LRpos"]["est"], point["LRpos"]["ci"]),
        (found.likelihood_ratio_negative, point["LRneg"]["est"], point["LRneg"]["ci"]),
    ):
        assert [ours.estimate, ours.lower, ours.upper] == pytest.approx([estimate, *ci], rel=DERIVED)
    i2 = expected["I2_zhou_dendukuri"]
    assert [found.i2.sensitivity, found.i2.specificity] == pytest.approx([i2["sens"], i2["spec"]], rel=1e-3, abs=1e-9)
    # At rho = ±1 the determinant is zero but for the reference's rounding, whose square root this is.
    assert found.i2.bivariate == pytest.approx(i2["bivariate"], rel=1e-3, abs=1e-6)
    if expected["HSROC"] is None or found.hsroc is None:
        assert expected["HSROC"] is None
        assert found.hsroc is None
    else:
        assert found.hsroc.to_dict() == pytest.approx(expected["HSROC"], rel=1e-3, abs=1e-3 * MEAN)


@pytest.mark.parametrize("method", ["ml", "reml"])
@pytest.mark.parametrize("name", EVERY)
def test_normal_fit_is_the_exact_maximum(name: str, method: Any, load_case: LoadCase) -> None:
    case = load_case(name)
    expected = case.expected["a_exact_normal_normal"][method]
    found = fit(case.counts, model="normal", method=method, structure="unstructured")
    assert found.log_likelihood == pytest.approx(expected["logLik_mada"], abs=NORMAL)
    assert found.mu == pytest.approx([expected["tsens"], -expected["tfpr"]], abs=NORMAL)
    flip = np.array([[1, -1], [-1, 1]])  # mada models 1 − specificity
    assert found.between_study_cov == pytest.approx(expected["Psi"] * flip, abs=NORMAL)
    assert found.mu_cov == pytest.approx(expected["vcov"] * flip, abs=NORMAL)


@pytest.mark.parametrize("name", [name for name in EVERY if name != "edge_zero_cells"])
def test_normal_fit_with_zero_only_correction_is_what_mada_fits(name: str, load_case: LoadCase) -> None:
    case = load_case(name)
    expected = case.expected["a_reitsma"]["reml_correction_single"]
    found = fit(case.counts, model="normal", method="reml", correction="zero_only", structure="unstructured")
    # mada's optimiser may stop early: never above the maximum, and near it.
    assert found.log_likelihood >= expected["logLik"] - NORMAL
    if found.log_likelihood < expected["logLik"] + 1e-7:
        assert found.mu == pytest.approx([expected["coef"]["tsens"], -expected["coef"]["tfpr"]], abs=1e-3)


@pytest.mark.parametrize("name", NO_MLE)
def test_perfect_specificity_has_no_finite_estimate_and_says_so(name: str, load_case: LoadCase) -> None:
    case = load_case(name)
    assert case.expected["c_exact_ml"]["no_finite_mle"] == ["spec"]
    for structure in ("auto", *get_args(Structure)):
        with pytest.raises(ConvergenceError, match=r"does not exist: specificity is 100 %"):
            fit(case.counts, structure=structure)


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


@pytest.mark.parametrize("name", ["edge_huge_counts"])
def test_standard_errors_of_huge_counts_have_their_limit(name: str) -> None:
    counts = edge(name)
    found = fit(counts, structure="unstructured")
    within = [np.mean(1 / counts.tp + 1 / counts.fn), np.mean(1 / counts.tn + 1 / counts.fp)]
    limit = np.sqrt((np.diag(found.between_study_cov) + within) / counts.k)
    assert np.sqrt(np.diag(found.mu_cov)) == pytest.approx(limit, rel=1e-6)


def test_fixed_structure_is_the_homogeneous_binomial_model() -> None:
    counts = small()
    found = fit(counts, structure="fixed")
    tp, n1, tn, n2 = (x.sum() for x in (counts.tp, counts.n_diseased, counts.tn, counts.n_nondiseased))
    assert [found.sensitivity.estimate, found.specificity.estimate] == pytest.approx([tp / n1, tn / n2], rel=1e-9)
    variance = [1 / tp + 1 / (n1 - tp), 1 / tn + 1 / (n2 - tn)]
    assert np.diag(found.mu_cov) == pytest.approx(variance, rel=MEAN)
    assert found.mu_cov[0, 1] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["edge_sim500", "edge_one_tau0", "edge_k4"])
def test_independent_structure_is_two_univariate_fits(name: str) -> None:
    case = Case(name, GOLDEN)
    univariate = case.expected["c_exact_univariate"]
    found = fit(case.counts, structure="independent")
    margins = [univariate["sens"], univariate["spec"]]
    assert found.log_likelihood == pytest.approx(sum(m["loglik"] for m in margins), abs=2 * LOG_LIKELIHOOD)
    assert found.mu == pytest.approx([m["mu"] for m in margins], rel=MEAN)


@pytest.mark.parametrize("model", ["binomial", "normal"])
def test_structures_are_nested_and_keep_what_they_fix_at_zero(model: Any) -> None:
    counts = edge("edge_rho_neg1")
    fits = {structure: fit(counts, model=model, structure=structure) for structure in get_args(Structure)}
    value = {structure: found.log_likelihood for structure, found in fits.items()}
    assert value["unstructured"] >= value["independent"] >= value["fixed_sensitivity"] >= value["fixed"]
    assert value["independent"] >= value["fixed_specificity"] >= value["fixed"]
    assert fits["independent"].between_study_cov[0, 1] == 0
    assert fits["fixed_sensitivity"].between_study_cov[0, 0] == 0 < fits["fixed_sensitivity"].between_study_cov[1, 1]
    assert fits["fixed_specificity"].between_study_cov[1, 1] == 0 < fits["fixed_specificity"].between_study_cov[0, 0]
    assert not fits["fixed"].between_study_cov.any()
    assert [found.n_parameters for found in fits.values()] == [5, 4, 3, 3, 2]
    for found in fits.values():
        fixed = np.array([0, 0, *(found.parameter_cov.diagonal()[2:] == 0)], dtype=bool)
        assert not found.parameter_cov[fixed].any()


@pytest.mark.parametrize(
    ("name", "structure", "reason"),
    [
        ("edge_sim500", "unstructured", "regular maximum"),
        (
            "edge_zero_cells",
            "fixed_sensitivity",
            "unstructured model gave rho = -1; the independent model gave tau_sens",
        ),
        ("edge_one_tau0", "fixed_sensitivity", "independent model gave tau_sensitivity = 0"),
        ("edge_zero_cells", "fixed_sensitivity", "unstructured model gave rho = -1"),
        ("edge_tau0", "fixed", "tau_sensitivity = 0, tau_specificity = 0"),
    ],
)
def test_auto_takes_the_first_regular_structure_and_says_why(name: str, structure: str, reason: str) -> None:
    found = fit(edge(name))
    assert found.structure == structure
    assert reason in found.structure_reason
    assert not found.boundary
    assert any(reason in note for note in found.notes)
    assert found.log_likelihood == pytest.approx(fit(edge(name), structure=found.structure).log_likelihood, abs=1e-9)


def test_auto_keeps_a_correlation_of_one_that_the_likelihood_asks_for() -> None:
    counts = edge("edge_rho_neg1")
    found, without = fit(counts), fit(counts, structure="independent")
    assert found.boundary == ("rho = -1",)
    assert (found.structure, found.k) == ("unstructured", without.k)
    assert 2 * (found.log_likelihood - without.log_likelihood) > 3.84
    assert (
        f"the independent model's log-likelihood of {without.log_likelihood:.2f} is significantly"
        in found.structure_reason
    )


def test_swapped_labels_swap_sensitivity_and_specificity() -> None:
    counts = small()
    for model in ("binomial", "normal"):
        one, other = (fit(table, model=model, structure="unstructured") for table in (counts, counts.swapped()))
        assert one.mu == pytest.approx(other.mu[::-1], rel=1e-6)
        assert one.between_study_cov == pytest.approx(other.between_study_cov[::-1, ::-1], rel=1e-4)
        assert one.mu_cov == pytest.approx(other.mu_cov[::-1, ::-1], rel=1e-4)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=LOG_LIKELIHOOD)


tables = st.lists(st.tuples(*[st.integers(1, 60)] * 4), min_size=3, max_size=7)


def fitted(rows: list[tuple[int, ...]], structure: Any = "unstructured") -> BivariateFit:
    try:
        return fit(Counts.from_arrays(*zip(*rows, strict=True)), structure=structure)
    except ConvergenceError:
        assume(False)
        raise


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rows=tables, seed=st.integers(0, 99))
def test_order_of_the_studies_does_not_matter(rows: list[tuple[int, ...]], seed: int) -> None:
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    one, other = fitted(rows), fitted(shuffled)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=LOG_LIKELIHOOD)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rows=tables)
@example(rows=[(1, 9, 21, 1), (2, 2, 3, 3), (4, 5, 1, 3)])  # whose coarsest error is small by accident
def test_every_study_twice_doubles_the_log_likelihood_and_halves_the_variance(rows: list[tuple[int, ...]]) -> None:
    one, twice = fitted(rows), fitted(rows + rows)
    assert twice.log_likelihood == pytest.approx(2 * one.log_likelihood, abs=4 * LOG_LIKELIHOOD)
    if not one.boundary:
        assert twice.mu == pytest.approx(one.mu, abs=1e-4)
        assert twice.mu_cov == pytest.approx(one.mu_cov / 2, rel=1e-2, abs=1e-4)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rows=tables)
def test_unstructured_maximum_is_never_below_a_simpler_one(rows: list[tuple[int, ...]]) -> None:
    best = fitted(rows).log_likelihood
    for structure in ("independent", "fixed_sensitivity", "fixed_specificity", "fixed"):
        assert best >= fitted(rows, structure).log_likelihood - LOG_LIKELIHOOD


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


ONE_ARMED = Counts.from_arrays(
    [45, 60, 23, 88, 70, 0, 30], [10, 4, 0, 32, 9, 5, 0], [5, 20, 4, 2, 14, 0, 9], [90, 40, 0, 120, 35, 60, 0]
)


def test_a_prediction_spends_a_degree_of_freedom_per_empty_arm_and_per_coefficient() -> None:
    found = fit(ONE_ARMED)
    assert found.prediction_df == (4, 3)  # six studies with diseased participants, five with others
    half = stats.t.ppf(0.975, 3) * np.sqrt(found.mu_cov[1, 1] + found.between_study_cov[1, 1])
    predicted = found.prediction_interval_specificity
    assert (predicted.lower, predicted.upper) == pytest.approx(tuple(expit(found.mu[1] + np.array([-half, half]))))
    assert any("cannot be predicted" in note for note in fit(ONE_ARMED.subset([0, 1, 2, 6])).notes)
    assert confidence_region(found).radius2 == pytest.approx(2 * stats.f.ppf(0.95, 2, 3))
    by = fit(small(), by="aabbb")
    assert by.prediction_df == (2, 2)
    assert {level.prediction_df for level in by.levels} == {(2, 2)}
    first = by.levels[0]
    assert first.prediction_interval_sensitivity.lower < first.sensitivity.lower
    assert confidence_region(first).centre.tolist() == first.mu.tolist()
    assert fit(small(), by="aabbb", covariates={"year": [1, 2, 4, 3, 5]}).prediction_df == (1, 1)


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
    three = small().subset([0, 1, 2])
    with pytest.raises(
        TooFewStudies, match=r"3 coefficients \(intercept, b, c\) need more than 3 studies with diseased"
    ):
        fit(three, by="abc", model=model)
    with pytest.raises(TooFewStudies, match="need more than 5 studies with non-diseased"):
        fit(ONE_ARMED, by="abecdea", model=model)


def test_notes_say_what_levels_share_and_which_rest_on_one_study() -> None:
    notes = fit(small(), by=["b", "a", "a", "a", "a"]).notes
    assert any("share one between-study covariance" in note and "the same people" in note for note in notes)
    assert any(note.startswith("levels of one study: b;") for note in notes)
    plain = fit(small()).notes
    assert not any("level" in note for note in plain)
    assert any("every row is of one level, 'GE': no levels" in note for note in fit(small(), by=["GE"] * 5).notes)
    similar = fit(small(), by=["GE", "ge ", "GE", "ge ", "GE"]).notes
    assert any("levels that differ only in case or spaces: 'GE', 'ge '" in note for note in similar)


def test_an_average_over_covariates_has_no_curve_and_no_i2() -> None:
    by = fit(small(), by="aabbb", structure="independent")
    assert by.hsroc is None
    plain = by.to_dict()
    assert plain["hsroc"] is None
    assert plain["i2"] == {"sensitivity": None, "specificity": None, "bivariate": None}
    assert fit(small(), structure="independent").hsroc is not None


def test_a_profile_interval_refuses_a_level_outside_0_and_1() -> None:
    with pytest.raises(ValueError, match="level is between 0 and 1"):
        fit(small()).profile_interval("sensitivity", 95)


def test_empirical_bayes_estimates_shrink_towards_the_mean() -> None:
    counts = edge("edge_sim500")
    for model in ("binomial", "normal"):
        found = fit(counts, model=model)
        observed = np.log((counts.tp + 0.5) / (counts.fn + 0.5))
        apart, shrunk = np.abs(observed - found.mu[0]), np.abs(found.empirical_bayes[:, 0] - found.mu[0])
        assert found.empirical_bayes.shape == (500, 2)
        assert shrunk.mean() < apart.mean()
        # The mean of the posteriors is the estimated mean: the score equation of the binomial model.
        if model == "binomial":
            assert found.empirical_bayes.mean(axis=0) == pytest.approx(found.mu, abs=1e-6)


def test_prediction_interval_contains_the_confidence_interval() -> None:
    found = fit(edge("edge_sim500"))
    inner, outer = found.sensitivity, found.prediction_interval_sensitivity
    assert outer.lower < inner.lower < inner.estimate == outer.estimate < inner.upper < outer.upper


def test_profile_interval_ends_where_the_deviance_says() -> None:
    counts = small()
    found = fit(counts, structure="independent")
    for which, index in (("sensitivity", 0), ("specificity", 1)):
        interval = found.profile_interval(which)
        wald = (found.sensitivity, found.specificity)[index]
        assert interval.lower < interval.estimate < interval.upper
        assert interval.estimate == pytest.approx(wald.estimate, rel=1e-9)
        # With five studies the profile is wider than the Wald interval, but no other order of magnitude.
        assert 0.8 < (interval.upper - interval.lower) / (wald.upper - wald.lower) < 2


def test_profile_interval_of_a_proportion_without_heterogeneity_is_the_likelihood_ratio_interval() -> None:
    counts = Counts.from_arrays([40, 40], [5, 5], [10, 10], [80, 80])
    interval = fit(counts, structure="fixed").profile_interval("sensitivity")
    for end in (interval.lower, interval.upper):
        deviance = 2 * (80 * np.log(0.8 / end) + 20 * np.log(0.2 / (1 - end)))
        assert deviance == pytest.approx(3.841458820694124, rel=1e-6)


@pytest.mark.slow
def test_profile_interval_of_a_spread_starts_at_zero_where_zero_is_not_excluded() -> None:
    found = fit(small(), structure="independent")
    assert found.profile_interval("tau_sensitivity").lower == 0.0
    wide = fit(edge("edge_sim500")).profile_interval("tau_specificity")
    assert 0 < wide.lower < wide.estimate < wide.upper < 2 * wide.estimate


def test_profile_interval_refuses_what_it_is_not_for() -> None:
    with pytest.raises(ValueError, match="which is one of"):
        fit(small(), structure="independent").profile_interval("rho")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="does not estimate tau_sensitivity"):
        fit(small(), structure="fixed").profile_interval("tau_sensitivity")
    with pytest.raises(ValueError, match="no profile in the means"):
        fit(small(), model="normal", method="reml").profile_interval("sensitivity")
    with pytest.raises(ValueError, match="without covariates"):
        fit(edge("edge_sim500"), by=["a", "b"] * 250).profile_interval("sensitivity")


def test_to_dict_is_plain_json_with_every_key_the_command_line_promises() -> None:
    for name in ("edge_sim500", "edge_tau0", "edge_k2"):
        found = fit(edge(name), structure="unstructured")
        plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert {
            "model", "method", "structure", "k", "mu", "mu_cov", "between_study_cov", "rho", "log_likelihood", "aic",
            "bic", "sensitivity", "specificity", "likelihood_ratio_positive", "likelihood_ratio_negative",
            "diagnostic_odds_ratio", "hsroc", "i2", "boundary", "converged", "notes",
        } <= plain.keys()  # fmt: skip
        assert plain["mu"] == found.mu.tolist()
        assert plain["sensitivity"]["ci"] == [found.sensitivity.lower, found.sensitivity.upper]


def test_result_cannot_be_changed() -> None:
    found = fit(small())
    with pytest.raises(ValueError, match="read-only"):
        found.mu[0] = 0.0
    with pytest.raises(AttributeError):
        found.mu = np.zeros(2)  # type: ignore[misc]


def test_repr_shows_the_numbers_that_matter() -> None:
    shown = repr(fit(edge("edge_k3"), structure="unstructured"))
    assert "binomial, ml, unstructured, k=3" in shown
    assert "boundary: rho = -1" in shown


def test_one_study_is_pooled_as_fixed_and_refused_a_variance() -> None:
    one = Counts.from_arrays([40], [5], [10], [80])
    found = fit(one)
    assert found.structure == "fixed"
    assert "one study" in found.structure_reason
    assert found.sensitivity.estimate == pytest.approx(0.8)
    assert (found.prediction_interval_sensitivity.lower, found.prediction_interval_sensitivity.upper) == (0, 1)
    for structure in ("unstructured", "independent", "fixed_sensitivity"):
        with pytest.raises(TooFewStudies, match="at least two studies, found 1"):
            fit(one, structure=structure)


def test_two_studies_are_fitted_and_the_boundary_named() -> None:
    found = fit(edge("edge_k2"), structure="unstructured")
    assert found.boundary == ("rho = +1",)
    assert any("fewer than three studies" in note for note in found.notes)
    same = fit(Counts.from_arrays([40, 40], [5, 5], [10, 10], [80, 80]), structure="unstructured")
    assert same.boundary == ("tau_sensitivity = 0", "tau_specificity = 0")
    assert same.sensitivity.estimate == pytest.approx(0.8)


def test_one_arm_rows_are_used_and_said_to_be_used() -> None:
    both = Counts.from_arrays([40, 30, 20, 25], [5, 9, 2, 6], [10, 3, 6, 7], [80, 44, 31, 40])
    more = Counts.from_arrays([40, 30, 20, 25, 0], [5, 9, 2, 6, 30], [10, 3, 6, 7, 0], [80, 44, 31, 40, 90])
    for model in ("binomial", "normal"):
        with_row, without = (fit(x, model=model, structure="independent", correction="all") for x in (more, both))
        # Without a correlation the extra non-diseased say nothing about sensitivity, and much about specificity.
        assert with_row.mu[0] == pytest.approx(without.mu[0], abs=1e-6)
        assert with_row.specificity.estimate < without.specificity.estimate - 0.01
        assert any("used for the arm that they have" in note for note in with_row.notes)
        assert with_row.k == 5


def test_rows_without_participants_change_nothing() -> None:
    tp, fp, fn, tn = ([*column, 0] for column in ([40, 30, 20], [5, 9, 2], [10, 3, 1], [80, 44, 31]))
    padded = Counts(*(np.array(column) for column in (tp, fp, fn, tn)), study=("a", "b", "c", "d"))
    for model in ("binomial", "normal"):
        found, expected = fit(padded, model=model), fit(padded.subset([0, 1, 2]), model=model)
        assert found.k == 3
        assert found.mu == pytest.approx(expected.mu, rel=1e-9)
        assert found.bic == pytest.approx(expected.bic, rel=1e-9)
        assert any("1 rows without participants are left out" in note for note in found.notes)


def test_empty_arm_in_every_study_is_too_few() -> None:
    counts = Counts.from_arrays([0, 0], [3, 2], [0, 0], [10, 12])
    for model in ("binomial", "normal"):
        with pytest.raises(TooFewStudies, match="no study has diseased participants"):
            fit(counts, model=model)


def test_huge_counts_keep_their_digits() -> None:
    counts = Counts.from_arrays([10**8, 9 * 10**7], [10**8, 10**8], [10**7, 9 * 10**6], [10**9, 10**9])
    found = fit(counts, structure="fixed")
    assert found.sensitivity.estimate == pytest.approx(10 / 11, rel=1e-12)
    n = np.array([1.1e8, 9.9e7, 1.1e9, 1.1e9])
    # Stirling: a binomial probability at its maximum is 1 / √(2π n p q) to O(1/n).
    expected = -0.5 * np.log(2 * np.pi * n * (10 / 11) * (1 / 11)).sum()
    assert found.log_likelihood == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_all_successes_or_all_failures_study_by_study_has_no_finite_spread() -> None:
    counts = Counts.from_arrays([10, 0, 12, 0, 9], [1, 2, 3, 2, 1], [0, 10, 0, 8, 0], [20, 30, 20, 30, 20])
    with pytest.raises(ConvergenceError, match="no finite maximum"):
        fit(counts, structure="unstructured")
    with pytest.raises(ConvergenceError, match=r"the fixed model's .* is significantly below the highest"):
        fit(counts)


def test_repeated_labels_are_separate_rows_and_said_so() -> None:
    counts = Counts.from_arrays([40, 30, 20], [5, 9, 2], [10, 3, 1], [80, 44, 31], study=["A", "A", "B"])
    found = fit(counts)
    assert found.k == 3
    (note,) = (note for note in found.notes if "used for more than one row: A; " in note)
    assert "pooled as independent studies; leave one out if they are the same people" in note


@pytest.mark.parametrize("cell", ["x", None, float("nan"), -1, 1.5])
def test_bad_cells_never_reach_the_fit(cell: object) -> None:
    with pytest.raises(DataError, match="COUNTS-001"):
        fit(Counts.from_arrays([40, cell], [5, 5], [10, 10], [80, 80]))


def test_what_is_no_table_or_mapping_is_answered_with_what_is_wanted() -> None:
    cells: Any = [[40, 5, 10, 80]]
    with pytest.raises(TypeError, match=r"give Counts, such as Counts\.from_arrays\(tp=….*; found list"):
        fit(cells)
    values: Any = [1, 2, 3, 4, 5]
    with pytest.raises(TypeError, match="covariates is a mapping from name to values; found list"):
        fit(small(), covariates=values)


def test_separation_by_a_covariate_has_no_finite_estimate() -> None:
    counts = Counts.from_arrays([40, 30, 20, 11], [5, 9, 0, 0], [10, 3, 1, 4], [80, 44, 31, 20])
    with pytest.raises(ConvergenceError, match=r"specificity is 100 % .* of a level"):
        fit(counts, by=["a", "a", "b", "b"])
    assert fit(counts).specificity.estimate < 1


def test_unusable_covariates_are_all_named() -> None:
    with pytest.raises(DataError, match="by — expected a label, found nothing") as caught:
        fit(small(), by=["a", "", "b", None, "a"], covariates={"year": [1, 2, float("nan"), 4, 5], "n": [1, 2]})
    assert [fault.code for fault in caught.value.faults] == ["COVARIATE-001"] * 4
    with pytest.raises(DataError, match="the same in every study"):
        fit(small(), covariates={"year": [2000] * 5})
    with pytest.raises(DataError, match="cannot tell their effects apart"):
        fit(small(), by=list("aabbb"), covariates={"b": [0, 0, 1, 1, 1]})


@pytest.mark.parametrize(
    ("argument", "value"),
    [("model", "metadisc"), ("method", "dl"), ("structure", "full"), ("correction", "half"), ("level", 95)],
)
def test_unknown_names_are_answered_with_the_known_ones(argument: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{argument} is (one of|between)"):
        fit(small(), **{argument: value})


def test_without_a_method_the_normal_model_is_reml_as_in_mada() -> None:
    found = fit(small(), model="normal")
    assert (found.method, fit(small()).method) == ("reml", "ml")
    asked = fit_many([small()], model="normal", method="reml", structure=found.structure)
    assert fit_many([small()], model="normal", structure=found.structure).mu.tolist() == asked.mu.tolist()
    assert found.mu == pytest.approx(asked.mu[0], rel=1e-9)


def test_reml_belongs_to_the_normal_model() -> None:
    with pytest.raises(ValueError, match="belongs to model='normal'"):
        fit(small(), method="reml")


def test_zero_cells_without_correction_have_no_logit() -> None:
    with pytest.raises(ReviewError, match="choose a continuity correction other than 'none'"):
        fit(edge("edge_zero_cells"), model="normal", correction="none")
    assert fit(edge("edge_k3"), model="normal", correction="none").converged


def test_students_intervals_are_wider_and_few_normal_ones_are_noted() -> None:
    counts = edge("edge_k5")
    normal, student = fit(counts), fit(counts, quantile="t")
    assert student.df == (4, 4)
    for name in ("sensitivity", "specificity", "diagnostic_odds_ratio", "likelihood_ratio_positive"):
        scale = np.log if name.startswith(("d", "l")) else logit
        widths = [np.ptp(scale([getattr(f, name).lower, getattr(f, name).upper])) for f in (normal, student)]
        assert widths[1] / widths[0] == pytest.approx(stats.t.isf(0.025, 4) / stats.norm.isf(0.025))
    assert any("too narrow" in note for note in normal.notes)
    assert not any("too narrow" in note for note in (*student.notes, *fit(edge("edge_sim500")).notes))
    with pytest.raises(ValueError, match="quantile is one of normal, t"):
        fit(counts, quantile="z")  # type: ignore[arg-type]  # what a script may pass
