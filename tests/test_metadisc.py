"""Does the arithmetic of Meta-DiSc agree with its published formulas?"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from golden_cases import EVERY, Case
from livingreview.errors import DataError, TooFewStudies
from livingreview.synthesis import metadisc, moses, simple_pooling
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.metadisc import analyse

# Closed forms; both sides carry 13 digits.
CLOSED = 1e-9
# The reference integrates the regression SROC with R's integrate() at its default relative tolerance.
QUADRATURE = 1e-7
MEASURES = {
    "DOR": "diagnostic_odds_ratio",
    "LRpos": "likelihood_ratio_positive",
    "LRneg": "likelihood_ratio_negative",
}
WEIGHTINGS = {"unweighted": "unweighted", "invvar": "inverse_variance", "size": "size"}


def close(ours: Any, theirs: Any, rel: float = CLOSED, absolute: float = 1e-12) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=rel, atol=absolute)


# --- goldens --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_simple_pooling_is_the_published_arithmetic(name: str, load_case: Callable[[str], Case]) -> None:
    case = load_case(name)
    for which, pooled in (
        ("sens", simple_pooling.pooled_sensitivity(case.counts)),
        ("spec", simple_pooling.pooled_specificity(case.counts)),
    ):
        golden = case.expected["d_univariate"][which]["simple_pool"]
        assert (pooled.x, pooled.n, pooled.df) == (golden["x"], golden["n"], golden["df"])
        close(pooled.interval.estimate, golden["est"])
        close([pooled.interval.lower, pooled.interval.upper], golden["ci_clopper_pearson"])
        # G² is a difference of sums of x ln x, which at 1e8 counts costs eight of the sixteen digits.
        close(pooled.chi2, golden["LR_chi2"], absolute=1e-15 * pooled.n * math.log(pooled.n + 1))
        close(pooled.p, golden["p"], 1e-7, 1e-7)
        close(pooled.i2, golden["I2"] / 100 if golden["I2"] else 0.0)


@pytest.mark.parametrize("name", EVERY)
def test_ratios_are_mantel_haenszel_and_dersimonian_laird(name: str, load_case: Callable[[str], Case]) -> None:
    case = load_case(name)
    compared = 0
    for key, measure in MEASURES.items():
        golden = case.expected["d_univariate"][key]
        raw = golden.get("MH_uncorrected")
        if raw and raw.get("log_est") is not None and math.isfinite(raw["log_est"]):
            ours = simple_pooling.mantel_haenszel(case.counts, measure, "none")  # type: ignore[arg-type]
            close(ours, [raw["log_est"], raw["se"]])
        mh = simple_pooling.pooled_ratio(case.counts, measure, "mantel_haenszel")  # type: ignore[arg-type]
        close([mh.log_estimate, mh.log_se], [golden["MH_only0"]["log_est"], golden["MH_only0"]["se"]])
        close([mh.interval.lower, mh.interval.upper], golden["MH_only0"]["ci"])
        like = golden["MetaDisc_like"]
        for about, short in (("inverse_variance", "iv"), ("mantel_haenszel", "mh")):
            dl = simple_pooling.pooled_ratio(
                case.counts, measure, "dersimonian_laird", q_about=about  # type: ignore[arg-type]
            )  # fmt: skip
            expected = like[f"DL_from_Q_{short}"]
            close([dl.q, dl.df], [like[f"Q_{short}"], like["df"]])
            close(dl.tau2, expected["tau2"])
            close([dl.log_estimate, dl.log_se], [expected["log_est"], expected["se"]])
            close([dl.interval.estimate, dl.interval.lower, dl.interval.upper], [expected["est"], *expected["ci"]])
            compared += 1
        close(mh.i2, like["I2_iv"] / 100)
    assert compared == 6


@pytest.mark.parametrize("name", EVERY)
def test_curves_and_threshold_correlation_are_the_published_ones(name: str, load_case: Callable[[str], Case]) -> None:
    case = load_case(name)
    result = analyse(case.counts)
    golden = case.expected["d_univariate"]
    if "moses" not in golden:
        assert case.counts.k < 3
        assert result.moses == {}
        assert result.threshold is None
        return
    for method, g in golden["symmetric_SROC"].items():
        curve = result.sroc[{"MH": "mantel_haenszel", "DL": "dersimonian_laird"}[method]]  # type: ignore[index]
        close(
            [math.exp(curve.log_dor), curve.auc.estimate, curve.auc_se, curve.q_star.estimate, curve.q_star_se],
            [g["DOR"], g["AUC"], g["SE_AUC"], g["Qstar"], g["SE_Qstar"]],
        )
    for correction, block in (("zero_only", "corr_only0"), ("all", "corr_all")):
        for weighting, g in golden["moses"][block].items():
            ours = moses.moses_littenberg(
                case.counts, weighting=WEIGHTINGS[weighting], correction=correction  # type: ignore[arg-type]
            )  # fmt: skip
            compare_regression(ours, g)
    assert result.threshold is not None
    g = golden["spearman"]
    close(result.threshold.rho, g["rho_logitTPR_logitFPR"])
    close(result.threshold.p, g["p_R"])


def compare_regression(ours: moses.MosesLittenberg, g: dict[str, Any]) -> None:
    close([ours.a, ours.a_se, ours.b, ours.b_se], [g["a"], g["se_a"], g["b"], g["se_b"]])
    close([ours.covariance, ours.a_p, ours.b_p], [g["cov_ab"], g["p_a"], g["p_b"]], 1e-8)
    if abs(ours.b) >= 1:
        assert g.get("AUC") is None
        assert math.isnan(ours.auc)
        return
    close([ours.auc, ours.auc_se], [g["AUC"], g["SE_AUC_delta"]], QUADRATURE)
    close([ours.q_star, ours.q_star_se], [g["Qstar"], g["SE_Qstar"]])


# Two tables of seven studies each that were constructed to reproduce the pooled figures printed by the base review.
# SYNTHETIC: they differ from one another by up to a factor of eight in the size of a study, which shows that the
# printed figures do not determine the data. They are no study results and are used nowhere else.
SYNTHETIC = (
    [(83, 78, 5, 699), (66, 1, 3, 41), (80, 0, 9, 38), (17, 7, 0, 17), (32, 1, 0, 9), (50, 2, 2, 37), (71, 3, 5, 125)],
    [(65, 78, 4, 700), (52, 0, 3, 40), (86, 0, 10, 41), (39, 5, 1, 12), (32, 1, 0, 9), (181, 6, 8, 135), (8, 0, 1, 16)],
)


@pytest.mark.parametrize("tables", SYNTHETIC, ids=["one", "two"])
def test_both_synthetic_tables_reproduce_the_printed_pooled_figures(tables: list[tuple[int, ...]]) -> None:
    result = analyse(Counts.from_arrays(*np.array(tables).T))
    sens, spec = result.sensitivity, result.specificity
    assert [f"{x:.2f}" for x in (sens.interval.estimate, sens.interval.lower, sens.interval.upper)] == [
        "0.94", "0.92", "0.96",
    ]  # fmt: skip
    assert [f"{x:.2f}" for x in (spec.interval.estimate, spec.interval.lower, spec.interval.upper)] == [
        "0.91", "0.89", "0.93",
    ]  # fmt: skip
    assert (f"{sens.i2:.1%}", f"{spec.i2:.1%}") == ("34.3%", "79.7%")
    assert sens.p == pytest.approx(0.1664, abs=3e-4)
    assert spec.p < 0.001
    curve = result.sroc["dersimonian_laird"]
    assert result.ratios["diagnostic_odds_ratio"]["dersimonian_laird"].tau2 == 0
    assert (f"{curve.auc.estimate:.4f}", f"{curve.auc_se:.4f}") == ("0.9831", "0.0044")
    assert curve.q_star.estimate == pytest.approx(0.9432, abs=1.1e-4)
    assert f"{curve.q_star_se:.4f}" == "0.0088"


@pytest.mark.parametrize("log_dor", [-6, -0.9, -0.049, 0, 1e-3, 0.03, 0.049, 0.051, 0.5, 0.99, 1.04, 3, 8])
def test_area_and_slope_are_the_integral_and_its_derivative(log_dor: float) -> None:
    def integral(height: Callable[[float], float]) -> float:
        def weighted(t: float) -> float:
            return float(height(log_dor + t) * special.expit(t) * special.expit(-t))

        return sum(integrate.quad(weighted, *ends, epsabs=1e-14)[0] for ends in ((-50, 0), (0, 50)))

    assert metadisc.auc_from_log_dor(log_dor) == pytest.approx(integral(special.expit), abs=1e-12)
    slope = integral(lambda x: special.expit(x) * special.expit(-x))
    assert metadisc.auc_slope(log_dor) == pytest.approx(slope, abs=1e-12)


def test_the_intervals_of_the_symmetric_curve_are_normal_and_of_95_percent_unless_asked_otherwise() -> None:
    curve = metadisc.symmetric_sroc(2.0, 0.3)
    assert curve == metadisc.symmetric_sroc(2.0, 0.3, level=0.95)
    for interval, error in ((curve.auc, curve.auc_se), (curve.q_star, curve.q_star_se)):
        half = 1.959963984540054 * error
        assert (interval.lower, interval.upper) == pytest.approx((interval.estimate - half, interval.estimate + half))


# --- algebra and edges ----------------------------------------------------------------------------------

cells = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda t: t[0] + t[2] > 0 and t[1] + t[3] > 0)
table_lists = st.lists(cells, min_size=3, max_size=8)


@pytest.mark.slow
@given(table_lists)
def test_swapping_the_disease_labels_swaps_the_margins_and_keeps_the_odds_ratio(tables: list[Any]) -> None:
    counts = Counts.from_arrays(*np.array(tables).T)
    here, there = analyse(counts), analyse(counts.swapped())
    assert here.sensitivity.interval == there.specificity.interval
    assert here.sensitivity.chi2 == pytest.approx(there.specificity.chi2, abs=1e-9)
    for method, ratio in here.ratios["diagnostic_odds_ratio"].items():
        other = there.ratios["diagnostic_odds_ratio"][method]
        assert (ratio.log_estimate, ratio.log_se) == pytest.approx((other.log_estimate, other.log_se), abs=1e-9)


@pytest.mark.slow
@given(table_lists, st.randoms())
def test_the_order_of_the_studies_does_not_matter(tables: list[Any], random: Any) -> None:
    counts = Counts.from_arrays(*np.array(tables).T)
    shuffled = counts.subset(random.sample(range(counts.k), counts.k))
    one, other = analyse(counts), analyse(shuffled)
    assert one.sensitivity.interval == other.sensitivity.interval
    for measure, by_method in one.ratios.items():
        for method, ratio in by_method.items():
            assert ratio.log_estimate == pytest.approx(other.ratios[measure][method].log_estimate, abs=1e-9)


def test_a_study_with_one_arm_counts_in_its_margin_only() -> None:
    counts = Counts.from_arrays(tp=[40, 30, 20, 9], fp=[3, 5, 4, 0], fn=[5, 6, 2, 1], tn=[60, 50, 30, 0])
    result = analyse(counts)
    assert (result.sensitivity.df, result.specificity.df) == (3, 2)
    assert result.ratios["diagnostic_odds_ratio"]["mantel_haenszel"].df == 2
    assert any("only diseased" in note for note in result.notes)


def test_one_table_has_estimates_and_no_heterogeneity() -> None:
    result = analyse(Counts.from_arrays([40], [3], [5], [60]))
    assert result.sensitivity.df == 0
    assert math.isnan(result.sensitivity.p)
    assert result.ratios["diagnostic_odds_ratio"]["dersimonian_laird"].tau2 == 0
    assert result.threshold is None
    assert any("three studies" in note for note in result.notes)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["model"] == "metadisc"


def test_a_zero_cell_without_correction_is_named_by_row() -> None:
    counts = Counts.from_arrays(tp=[40, 30, 0], fp=[3, 0, 2], fn=[5, 6, 4], tn=[60, 50, 8])
    with pytest.raises(DataError, match=r"row 2.*RATIO-001") as raised:
        simple_pooling.pooled_ratio(counts, "diagnostic_odds_ratio", "mantel_haenszel", correction="none")
    assert [fault.line for fault in raised.value.faults] == [2, 3]
    perfect = Counts.from_arrays(tp=[40, 30], fp=[0, 0], fn=[5, 6], tn=[60, 50])
    with pytest.raises(DataError, match="RATIO-002"):
        simple_pooling.mantel_haenszel(perfect, "diagnostic_odds_ratio")
    with pytest.raises(TooFewStudies, match="both|diseased"):  # noqa: RUF043 — either wording
        simple_pooling.mantel_haenszel(Counts.from_arrays([4], [0], [1], [0]), "diagnostic_odds_ratio")
