"""Does a bivariate fit give the exact answers, obey the model's symmetries, and say what it cannot do?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit

from golden_cases import EVERY, GOLDEN, Case, edge
from livingreview.errors import ConvergenceError, ReviewError, TooFewStudies
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
LoadCase = Callable[[str], Case]


def small() -> Counts:
    """Return five studies with moderate heterogeneity and no zero cell."""
    return Counts.from_arrays([40, 55, 20, 33, 71], [5, 9, 2, 14, 6], [10, 8, 7, 5, 30], [80, 60, 45, 70, 90])


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


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rows=tables, seed=st.integers(0, 99))
def test_order_of_the_studies_does_not_matter(rows: list[tuple[int, ...]], seed: int) -> None:
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    one, other = fitted(rows), fitted(shuffled)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=LOG_LIKELIHOOD)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rows=tables)
@example(rows=[(1, 9, 21, 1), (2, 2, 3, 3), (4, 5, 1, 3)])  # whose coarsest error is small by accident
def test_every_study_twice_doubles_the_log_likelihood_and_halves_the_variance(rows: list[tuple[int, ...]]) -> None:
    one, twice = fitted(rows), fitted(rows + rows)
    assert twice.log_likelihood == pytest.approx(2 * one.log_likelihood, abs=4 * LOG_LIKELIHOOD)
    if not one.boundary:
        assert twice.mu == pytest.approx(one.mu, abs=1e-4)
        assert twice.mu_cov == pytest.approx(one.mu_cov / 2, rel=1e-2, abs=1e-4)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(rows=tables)
def test_unstructured_maximum_is_never_below_a_simpler_one(rows: list[tuple[int, ...]]) -> None:
    best = fitted(rows).log_likelihood
    for structure in ("independent", "fixed_sensitivity", "fixed_specificity", "fixed"):
        assert best >= fitted(rows, structure).log_likelihood - LOG_LIKELIHOOD


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


def test_prediction_interval_contains_the_confidence_interval() -> None:
    found = fit(edge("edge_sim500"))
    inner, outer = found.sensitivity, found.prediction_interval_sensitivity
    assert outer.lower < inner.lower < inner.estimate == outer.estimate < inner.upper < outer.upper


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


def test_what_is_no_table_or_mapping_is_answered_with_what_is_wanted() -> None:
    cells: Any = [[40, 5, 10, 80]]
    with pytest.raises(TypeError, match=r"give Counts, such as Counts\.from_arrays\(tp=….*; found list"):
        fit(cells)
    values: Any = [1, 2, 3, 4, 5]
    with pytest.raises(TypeError, match="covariates is a mapping from name to values; found list"):
        fit(small(), covariates=values)


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
