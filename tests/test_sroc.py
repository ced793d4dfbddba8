"""Are the curves, their areas and the regions the ones that the literature defines and R prints?"""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit

from golden_cases import EVERY
from livingreview.errors import ConvergenceError, TooFewStudies
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.regions import confidence_region, prediction_region
from livingreview.synthesis.sroc import (
    KINDS,
    auc,
    curve,
    observed_fpr_range,
    partial_auc,
    rutter_gatsonis,
    youden,
)

AREA = 1e-9  # the reference areas are integrals printed with 13 digits
DELTA = 1e-6  # central differences of an area that is itself good to 1e-11
TABLES = Counts.from_arrays(tp=[45, 60, 30], fp=[10, 4, 25], fn=[5, 20, 10], tn=[90, 36, 75])


@dataclass(frozen=True)
class Summary:
    """The part of a bivariate fit that curves and regions read."""

    mu: np.ndarray
    between_study_cov: np.ndarray
    mu_cov: np.ndarray = field(default_factory=lambda: np.array([[0.05, -0.01], [-0.01, 0.03]]))
    parameter_cov: np.ndarray = field(default_factory=lambda: np.diag([0.05, 0.03, 0.02, 0.02, 0.01]))
    counts: Counts = TABLES
    level: float = 0.95
    df: tuple[float, float] = (np.inf, np.inf)
    prediction_df: tuple[int, int] = (8, 8)
    has_covariates: bool = False

    def swapped(self):
        """Return the same fit with the disease labels swapped."""
        return Summary(self.mu[::-1], self.between_study_cov[::-1, ::-1], self.mu_cov[::-1, ::-1])


def summary(mu=(1.5, 2.0), sd=(0.8, 0.5), rho=-0.4, **more):
    c = rho * sd[0] * sd[1]
    return Summary(np.array(mu), np.array([[sd[0] ** 2, c], [c, sd[1] ** 2]]), **more)


means = st.floats(-3, 4)
deviations = st.floats(0.1, 2.5)
summaries = st.builds(
    lambda m1, m2, s1, s2, rho: summary((m1, m2), (s1, s2), rho),
    means, means, deviations, deviations, st.floats(-1, -0.05),
)  # fmt: skip


def test_the_interval_of_an_area_has_the_quantile_of_the_fit():
    def half_width(fit):
        area = auc(fit)
        return np.ptp(logit([area.lower, area.upper])) / 2

    ratio = half_width(summary(df=(4, 9))) / half_width(summary())
    assert ratio == pytest.approx(stats.t.isf(0.025, 4) / stats.norm.isf(0.025))


def of_mada(case, method):
    """Return mada's fit, turned from logit(fpr) to logit(specificity)."""
    result = case.expected["a_reitsma"][method]
    turn = np.array([1, -1])
    mu = np.array([result["coef"]["tsens"], result["coef"]["tfpr"]]) * turn
    return result, Summary(mu, np.array(result["Psi"]) * np.outer(turn, turn), counts=case.counts)


# --- against R ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_curve_and_its_area_are_those_of_mada(load_case, name, method):
    result, fit = of_mada(load_case(name), method)
    if result.get("AUC_integral") is None:
        with pytest.raises(ConvergenceError, match="report the summary point"):
            auc(fit)
        return
    assert auc(fit).estimate == pytest.approx(result["AUC_integral"], abs=AREA)
    # mada sums 98 trapezoids over fpr = 0.01 … 0.99 and divides by the 99 points.
    grid = np.arange(1, 100) / 100
    for kind, key in [("rutter_gatsonis", "AUC"), ("sensitivity_on_fpr", "AUC_naive")]:
        heights = curve(fit, kind, fpr=grid).sensitivity
        assert (heights[1:] + heights[:-1]).sum() / 2 / 99 == pytest.approx(result[key], abs=AREA)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_partial_area_is_that_of_mada_but_for_its_grid(load_case, name, method):
    result, fit = of_mada(load_case(name), method)
    if result.get("pAUC") is None:
        pytest.skip("mada gives no partial area")
    # mada's grid has 99 points between the observed ends, the lower raised to 0.01 and the upper cut to 0.99 (so it
    # runs backwards where all studies lie below 0.01); it divides as above.
    low, high = observed_fpr_range(fit.counts)
    low, high = max(low, 0.01), min(high, 0.99)
    heights = rutter_gatsonis(fit, np.linspace(low, high, 99)).sensitivity
    assert (heights[1:] + heights[:-1]).sum() / 2 / 99 == pytest.approx(result["pAUC"], abs=AREA)
    if low < high:
        trapezoids_lose = (heights[-1] - heights[0]) / 98  # at most, as the curve rises throughout
        ours = partial_auc(fit, (low, high)).estimate
        assert ours == pytest.approx(result["pAUC"] * 99 / 98, abs=trapezoids_lose)


@pytest.mark.parametrize("name", EVERY)
def test_the_line_is_the_harbord_mapping_of_the_exact_fit(load_case, name):
    case = load_case(name)
    exact = case.expected.get("c_exact_ml", {})
    hsroc = exact.get("HSROC")
    if not hsroc:
        pytest.skip("the reference has no HSROC parameters: a variance is 0 or the maximum does not exist")
    cov = exact["cov_sens_spec"]
    psi = np.array([[exact["tau2_sens"], cov], [cov, exact["tau2_spec"]]])
    fit = Summary(np.array([exact["coef"]["sens"], exact["coef"]["spec"]]), psi, counts=case.counts)
    line = rutter_gatsonis(fit)
    assert line.slope == pytest.approx(np.exp(-hsroc["beta"]), rel=1e-9)
    assert line.intercept == pytest.approx(hsroc["Lambda"] * np.exp(-hsroc["beta"] / 2), rel=1e-9, abs=1e-9)
    assert auc(fit).estimate == pytest.approx(exact["AUC_integral"], abs=AREA)


# --- closed forms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log_dor", [0.5, 2.0, 5.0])
def test_equal_variances_give_the_symmetric_curve_with_its_area_error_and_youden_point(log_dor):
    odds = np.exp(log_dor)
    only_means = np.zeros((5, 5))
    only_means[:2, :2] = [[0.05, -0.01], [-0.01, 0.03]]
    fit = summary((log_dor / 2, log_dor / 2), (0.7, 0.7), -0.3, parameter_cov=only_means)
    area = auc(fit)
    expected = odds / (odds - 1) ** 2 * ((odds - 1) - log_dor)
    # Walter 2002, doi 10.1002/sim.1099; the variance of the log odds ratio is 0.05 + 0.03 − 2 · 0.01.
    error = odds / (odds - 1) ** 3 * ((odds + 1) * log_dor - 2 * (odds - 1)) * np.sqrt(0.06)
    half = stats.norm.ppf(0.975) * error / (expected * (1 - expected))
    assert area.estimate == pytest.approx(expected, abs=AREA)
    assert [area.lower, area.upper] == pytest.approx(expit(logit(expected) + np.array([-half, half])), abs=DELTA)
    wide = summary((log_dor / 2, log_dor / 2), (0.7, 0.7), counts=Counts.from_arrays([5, 5], [1, 99], [5, 5], [99, 1]))
    best = youden(wide)
    assert best.index == pytest.approx(np.tanh(log_dor / 4), abs=1e-9)
    assert best.sensitivity == pytest.approx(best.specificity, abs=1e-4)


def test_a_useless_test_has_area_one_half():
    assert auc(summary((0.0, 0.0), (0.6, 0.6))).estimate == pytest.approx(0.5, abs=AREA)


@pytest.mark.slow
@given(summaries, st.sampled_from(KINDS))
def test_the_delta_method_uses_the_gradient_of_the_area(fit, kind):
    def moved(step):
        mu = fit.mu + step[:2]
        factor = np.linalg.cholesky(fit.between_study_cov + 1e-13 * np.eye(2))
        lower = factor + np.array([[step[2], 0], [step[3], step[4]]])
        return auc(Summary(mu, lower @ lower.T), kind)

    # Elsewhere the differences are not good enough to judge by.
    assume(np.linalg.det(fit.between_study_cov) > 1e-4 and abs(curve(fit, kind).slope) < 20)
    size = 1e-4
    steps = size * np.eye(5)
    gradient = np.array([(moved(h).estimate - moved(-h).estimate) / (2 * size) for h in steps])
    area = auc(fit, kind)
    error = np.sqrt(gradient @ fit.parameter_cov @ gradient) / (area.estimate * (1 - area.estimate))
    # An interval that wide ends at 0 or 1 in floating point, and has no width on the logit scale.
    assume(error < 5)
    width = logit(area.upper) - logit(area.lower)
    assert width == pytest.approx(2 * stats.norm.ppf(0.975) * error, rel=1e-3, abs=1e-6)


# --- curves ---------------------------------------------------------------------------------------------------


@given(summaries, st.sampled_from(KINDS))
def test_every_curve_passes_through_the_summary_point(fit, kind):
    assert curve(fit, kind).at(expit(-fit.mu[1])) == pytest.approx(expit(fit.mu[0]), abs=1e-9)


@given(summaries)
def test_the_regressions_enclose_the_other_slopes(fit):
    slope = {kind: curve(fit, kind).slope for kind in KINDS}
    for between in ("rutter_gatsonis", "major_axis", "moses_littenberg"):
        assert slope["sensitivity_on_fpr"] <= slope[between] * (1 + 1e-9)
        assert slope[between] <= slope["fpr_on_sensitivity"] * (1 + 1e-9)


SWAPPED_KIND = {
    "rutter_gatsonis": "rutter_gatsonis",
    "major_axis": "major_axis",
    "moses_littenberg": "moses_littenberg",
    "sensitivity_on_fpr": "fpr_on_sensitivity",
    "fpr_on_sensitivity": "sensitivity_on_fpr",
}


@given(summaries, st.sampled_from(KINDS))
def test_swapping_the_labels_mirrors_the_curve_and_keeps_its_area(fit, kind):
    mirrored = curve(fit.swapped(), SWAPPED_KIND[kind])
    assert mirrored.slope == pytest.approx(1 / curve(fit, kind).slope, rel=1e-6)
    assert auc(fit.swapped(), SWAPPED_KIND[kind]).estimate == pytest.approx(auc(fit, kind).estimate, abs=1e-8)


def test_the_curve_is_drawn_over_the_observed_range_unless_asked_otherwise():
    assert observed_fpr_range(TABLES) == (0.1, 0.25)
    observed = rutter_gatsonis(summary())
    assert (observed.fpr[0], observed.fpr[-1]) == (0.1, 0.25)
    full = rutter_gatsonis(summary(), span="full")
    assert [full.fpr[0], full.fpr[-1], full.sensitivity[0], full.sensitivity[-1]] == [0, 1, 0, 1]
    np.testing.assert_allclose(observed.at(full.fpr), full.sensitivity)
    with pytest.raises(ValueError, match="read-only"):
        observed.fpr[0] = 0


def test_a_study_without_nondiseased_has_no_part_in_the_observed_range():
    assert observed_fpr_range(Counts.from_arrays([5, 5, 5], [1, 3, 0], [5, 5, 5], [9, 7, 0])) == (0.1, 0.3)


@pytest.mark.parametrize(
    ("sd", "rho", "kind"),
    [
        ((0.0, 0.5), 0.0, "rutter_gatsonis"),
        ((0.5, 0.0), 0.0, "rutter_gatsonis"),
        ((0.0, 0.0), 0.0, "major_axis"),
        ((0.5, 0.4), 0.0, "fpr_on_sensitivity"),
    ],
)
def test_a_covariance_without_a_slope_says_so_and_names_the_way_out(sd, rho, kind):
    named = "summary ROC" if kind == "rutter_gatsonis" else kind
    with pytest.raises(ConvergenceError, match=f"no {named} curve .* summary point"):
        curve(summary(sd=sd, rho=rho), kind)


def test_studies_with_one_fpr_have_no_observed_range_to_average_over():
    fit = summary(counts=Counts.from_arrays([5, 6], [1, 2], [5, 5], [9, 18]))
    with pytest.raises(ConvergenceError, match="no range to average over"):
        partial_auc(fit)
    assert partial_auc(fit, (0.05, 0.2)).estimate > 0.5


def test_unknown_names_and_empty_ranges_are_refused():
    with pytest.raises(ValueError, match=r"rutter_gatsonis, .*found 'moses'"):
        curve(summary(), "moses")
    with pytest.raises(ValueError, match="'observed' or 'full'"):
        curve(summary(), span="all")
    for wrong in [(0.3, 0.3), (0.4, 0.2), (-0.1, 0.5), (0.5, 1.1)]:
        with pytest.raises(ValueError, match="two increasing numbers between 0 and 1"):
            partial_auc(summary(), wrong)


# --- areas ----------------------------------------------------------------------------------------------------


@given(summaries, st.floats(0.05, 0.95))
def test_the_partial_areas_add_up_to_the_area(fit, cut):
    parts = cut * partial_auc(fit, (0, cut)).estimate + (1 - cut) * partial_auc(fit, (cut, 1)).estimate
    assert parts == pytest.approx(auc(fit).estimate, abs=1e-8)


@given(summaries)
def test_the_partial_area_lies_between_the_ends_of_the_curve_and_in_its_interval(fit):
    part = partial_auc(fit)
    drawn = rutter_gatsonis(fit).sensitivity
    assert drawn[0] - 1e-12 <= part.estimate <= drawn[-1] + 1e-12
    assert 0 <= part.lower <= part.estimate <= part.upper <= 1
    wider = partial_auc(fit, level=0.99)
    assert wider.lower <= part.lower
    assert part.upper <= wider.upper


@pytest.mark.parametrize("mean", [22.0, 14.0, -14.0, -22.0])
def test_an_area_next_to_0_or_1_has_an_interval_that_stays_between_them(mean):
    area = auc(summary((mean, mean), (0.5, 0.5), -0.3))
    # On the scale of its logit the whole interval is next to the same end.
    assert 0 <= area.lower <= area.estimate <= area.upper <= 1
    assert {area.lower > 0.999, area.upper < 0.001} == {True, False}
    # A curve this close to a corner has the area of ln D = 2 μ, D large: 1 − (ln D − 1) / D.
    gap = (2 * abs(mean) - 1) * np.exp(-2 * abs(mean))
    assert area.estimate == pytest.approx(1 - gap if mean > 0 else gap, abs=1e-12)
    if abs(mean) < 20:
        assert 0 < area.upper - area.estimate == pytest.approx(area.estimate - area.lower, rel=1e-3)


def test_steep_and_flat_curves_do_not_lose_the_quadrature():
    steep = summary((1.0, 2.0), (2.0, 0.002), -1.0)
    assert auc(steep).estimate == pytest.approx(expit(steep.mu[1]), abs=0.01)
    flat = summary((1.0, 2.0), (0.002, 2.0), -1.0)
    assert auc(flat).estimate == pytest.approx(expit(flat.mu[0]), abs=0.01)


@given(summaries, st.sampled_from(KINDS))
def test_no_point_of_the_drawn_curve_beats_the_youden_point(fit, kind):
    best = youden(fit, kind)
    drawn = curve(fit, kind)
    assert best.index >= (drawn.sensitivity - drawn.fpr).max() - 1e-12
    assert best.index == pytest.approx(best.sensitivity + best.specificity - 1)
    assert 0.1 - 1e-12 <= 1 - best.specificity <= 0.25 + 1e-12


# --- regions --------------------------------------------------------------------------------------------------


@given(summaries, st.sampled_from(["f", "chi2"]), st.sampled_from([0.5, 0.95]))
def test_the_regions_contain_the_summary_point_and_the_wider_ones_the_narrower(fit, quantile, level):
    inner = confidence_region(fit, level, quantile=quantile)
    outer = prediction_region(fit, level, quantile=quantile)
    assert inner.contains(fit.mu).all()
    assert outer.contains(fit.mu).all()
    assert outer.contains(inner.logit).all()
    assert confidence_region(fit, 0.99, quantile=quantile).contains(inner.logit).all()


@given(summaries)
def test_the_boundary_lies_at_the_quantile(fit):
    region = confidence_region(fit, 0.9)
    apart = region.logit - fit.mu
    distance2 = np.einsum("ij,jk,ik->i", apart, np.linalg.inv(fit.mu_cov), apart)
    np.testing.assert_allclose(distance2, 2 * stats.f.ppf(0.9, 2, 8), rtol=1e-9)
    assert confidence_region(fit, 0.9, quantile="chi2").radius2 == pytest.approx(stats.chi2.ppf(0.9, 2))
    np.testing.assert_allclose(region.logit[0], region.logit[-1])


@given(summaries)
def test_swapping_the_labels_mirrors_the_region(fit):
    mirrored = prediction_region(fit.swapped())
    assert mirrored.contains(fit.mu[::-1] + 0.999 * (prediction_region(fit).logit - fit.mu)[:, ::-1]).all()
    assert not mirrored.contains(fit.mu[::-1] + 1.001 * (prediction_region(fit).logit - fit.mu)[:, ::-1]).any()


def test_a_chi_square_region_covers_its_level():
    fit = summary()
    draws = np.random.default_rng(7).multivariate_normal(fit.mu, fit.mu_cov, size=20_000)
    inside = confidence_region(fit, 0.95, quantile="chi2").contains(draws).mean()
    assert inside == pytest.approx(0.95, abs=0.006)  # four standard errors


def test_the_boundary_on_the_roc_plane_has_the_false_positive_rate_first():
    region = prediction_region(summary((3.0, -1.0), (0.3, 0.1), 0.2))
    sensitivities, specificities = expit(region.logit).T
    np.testing.assert_allclose(region.roc, np.stack([1 - specificities, sensitivities], axis=1), rtol=1e-12)
    assert (region.roc[:, 0] > 0.5).all()
    with pytest.raises(ValueError, match="read-only"):
        region.cov[0, 0] = 1.0


def test_two_studies_have_no_f_region_but_a_chi_square_one():
    fit = summary(prediction_df=(4, 0))
    with pytest.raises(TooFewStudies, match="quantile='chi2' needs no more"):
        confidence_region(fit)
    assert confidence_region(fit, quantile="chi2").contains(fit.mu).all()
    assert confidence_region(summary(prediction_df=(1, 5))).radius2 == pytest.approx(2 * stats.f.ppf(0.95, 2, 1))
    with pytest.raises(ValueError, match="'f' or 'chi2'"):
        confidence_region(fit, quantile="t")


def test_results_become_plain_json():
    fit = summary()
    read = json.loads(
        json.dumps([youden(fit).to_dict(), rutter_gatsonis(fit).to_dict(), prediction_region(fit).to_dict()])
    )
    assert read[1]["kind"] == "rutter_gatsonis"
    assert np.array(read[2]["roc"]).shape == (201, 2)
    assert (np.array(read[2]["roc"]) > 0).all()


@pytest.mark.parametrize("level", [95, 1.5, 0, -0.1])
@pytest.mark.parametrize("ask", [auc, partial_auc, confidence_region, prediction_region])
def test_a_level_outside_0_and_1_is_refused(ask, level):
    with pytest.raises(ValueError, match="level is between 0 and 1"):
        ask(summary(), level=level)


@pytest.mark.parametrize("fpr", [[-1, 2], [np.nan]])
def test_a_rate_outside_0_and_1_has_no_sensitivity(fpr):
    with pytest.raises(ValueError, match="1 − specificity is between 0 and 1"):
        curve(summary(), fpr=fpr)
    with pytest.raises(ValueError, match="1 − specificity is between 0 and 1"):
        curve(summary()).at(fpr)


@pytest.mark.parametrize("ask", [curve, auc, partial_auc, youden])
def test_the_average_of_a_covariate_has_no_curve(ask):
    with pytest.raises(ValueError, match="fits without covariates"):
        ask(summary(has_covariates=True))
