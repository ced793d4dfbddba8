"""Is the three-level model that of rma.mv with CR2, and does it reduce to what it must reduce to?"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.errors import DataError, TooFewStudies
from livingreview.synthesis import multilevel, univariate

GOLDEN = Path(__file__).parent / "golden" / "multilevel"
CASES = ("dice_like", "few_studies", "hausdorff_like", "no_between", "no_heterogeneity")

# rma.mv maximises with BFGS at a relative tolerance of 1e-15 in the log-likelihood, which leaves the variances
# good to about half the digits (and at the boundary, which its logarithms never reach, a little above 0).
VARIANCE = 2e-5
INFERENCE = 2e-5
LIKELIHOOD = 5e-7


def golden(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return document


def assert_close(ours: Any, theirs: Any, rel: float, absolute: float) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=rel, atol=absolute)


def test_the_grid_of_golden_cases_is_complete() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CASES)
    for name in CASES:
        document = golden(name)
        assert set(document["source"]) >= {"R", "metafor", "clubSandwich", "call", "script"}
        assert [(fit["method"], fit["moderators"]) for fit in document["fits"]] == [
            ("REML", []), ("ML", []), ("REML", ["x"]), ("REML", ["x", "group"]),
        ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_fit_is_metafors_and_the_inference_clubsandwichs(name: str) -> None:
    document = golden(name)
    data = document["data"]
    for g in document["fits"]:
        columns = [data[moderator] for moderator in g["moderators"]]
        ours = multilevel.fit(
            data["y"],
            data["v"],
            data["study"],
            method=g["method"].lower(),
            moderators=np.column_stack(columns) if columns else None,
            moderator_names=g["moderators"] or None,
        )
        unit = float(np.mean(data["v"]))
        assert ours.log_likelihood >= g["log_likelihood"] - 1e-9
        assert_close(ours.log_likelihood, g["log_likelihood"], 0, LIKELIHOOD)
        # At the boundary metafor, which searches over logarithms, stops just above 0.
        assert_close([ours.between, ours.within], [g["between"], g["within"]], VARIANCE, VARIANCE * unit)
        assert_close(ours.coefficients, g["coefficients"], INFERENCE, INFERENCE * math.sqrt(unit))
        assert_close(ours.covariance, g["covariance"], INFERENCE, INFERENCE * unit)
        assert_close(ours.standard_errors, g["robust_se"], INFERENCE, 0)
        assert_close(ours.robust_covariance, g["cr2"], 5 * INFERENCE, INFERENCE * unit)
        assert_close(ours.df, g["df"], INFERENCE, 0)
        assert_close(ours.p_values, g["p"], 20 * INFERENCE, 1e-12)
        assert_close([i.lower for i in ours.intervals], g["lower"], 5 * INFERENCE, INFERENCE * math.sqrt(unit))
        assert_close([i.upper for i in ours.intervals], g["upper"], 5 * INFERENCE, INFERENCE * math.sqrt(unit))
        assert_close([ours.q, ours.q_p], [g["q"], g["q_p"]], 1e-8, 1e-12)


def test_no_nearby_pair_of_components_is_more_likely() -> None:
    data = golden("hausdorff_like")["data"]
    y, v = np.array(data["y"]), np.array(data["v"])
    same = np.equal.outer(data["study"], data["study"])
    ours = multilevel.fit(y, v, data["study"], method="ml")

    def height(between: float, within: float) -> float:
        precision = np.linalg.inv(np.diag(v + within) + between * same)
        residual = y - np.sum(precision @ y) / np.sum(precision)
        log_det = np.linalg.slogdet(precision)[1]
        return 0.5 * float(log_det - residual @ precision @ residual - len(y) * np.log(2 * np.pi))

    assert height(ours.between, ours.within) == pytest.approx(ours.log_likelihood, abs=1e-9)
    for between in ours.between * np.array([0.0, 0.5, 0.99, 1.0, 1.01, 2.0]):
        for within in ours.within * np.array([0.0, 0.5, 0.99, 1.0, 1.01, 2.0]):
            assert height(between, within) <= ours.log_likelihood + 1e-9


def test_a_boundary_component_is_named_not_failed_on() -> None:
    document = golden("no_between")
    data = document["data"]
    ours = multilevel.fit(data["y"], data["v"], data["study"])
    assert ours.between == 0
    assert ours.boundary == ("between = 0",)
    assert ours.i2.between == 0
    assert ours.i2.total == pytest.approx(ours.i2.within)
    # Without variation between studies the model is the two-level one over estimates.
    flat = univariate.fit(data["y"], data["v"], method="reml", test="z")
    assert ours.within == pytest.approx(flat.tau2, rel=1e-6)
    assert ours.coefficients[0] == pytest.approx(flat.estimate.estimate, rel=1e-6)
    assert ours.i2.total == pytest.approx(flat.i2, rel=1e-6)


def test_balanced_data_have_the_analysis_of_variance_estimates() -> None:
    rng = np.random.default_rng(5)
    k, m, v = 12, 4, 0.3
    y = 5 + rng.normal(0, 2, k)[:, None] + rng.normal(0, 1, (k, m))
    study = np.repeat(np.arange(k), m)
    ours = multilevel.fit(y.ravel(), np.full(k * m, v), study)
    within_mean_square = float(np.sum((y - y.mean(axis=1, keepdims=True)) ** 2) / (k * (m - 1)))
    between_mean_square = float(m * np.var(y.mean(axis=1), ddof=1))
    assert ours.within == pytest.approx(within_mean_square - v, rel=1e-6)
    assert ours.between == pytest.approx((between_mean_square - within_mean_square) / m, rel=1e-6)
    # CR2 of a balanced mean is the variance of the study means over k, on exactly k − 1 degrees of freedom.
    assert ours.standard_errors[0] == pytest.approx(math.sqrt(between_mean_square / m / k), rel=1e-8)
    assert ours.df[0] == pytest.approx(k - 1, rel=1e-8)


def test_the_prediction_interval_uses_both_components() -> None:
    data = golden("dice_like")["data"]
    ours = multilevel.fit(data["y"], data["v"], data["study"])
    interval = ours.prediction_interval()
    from scipy.stats import t

    spread = math.sqrt(ours.between + ours.within + ours.robust_covariance[0, 0])
    assert interval.upper - interval.estimate == pytest.approx(t.ppf(0.975, ours.df[0]) * spread)
    assert interval.lower < ours.estimate.lower
    told = ours.to_dict()["prediction_interval"]
    assert (told["ci"], told["quantile"], told["df"]) == ([interval.lower, interval.upper], "t", ours.df[0])


@pytest.mark.slow
@settings(max_examples=25)
@given(st.floats(-50, 50), st.floats(0.01, 100), st.randoms())
def test_shifting_scaling_reordering_and_relabelling_do_just_that(shift: float, factor: float, random: Any) -> None:
    data = golden("few_studies")["data"]
    y, v, study = np.array(data["y"]), np.array(data["v"]), np.array(data["study"])
    base = multilevel.fit(y, v, study)
    order = random.sample(range(len(y)), len(y))
    other = multilevel.fit((factor * y + shift)[order], (factor**2 * v)[order], [f"{s}!" for s in study[order]])
    assert_close([other.between, other.within], factor**2 * np.array([base.between, base.within]), 1e-5, 0)
    assert_close(other.coefficients, factor * base.coefficients + shift, 1e-6, 1e-6 * factor)
    assert_close(other.standard_errors, factor * base.standard_errors, 1e-5, 0)
    assert_close(other.df, base.df, 1e-5, 0)


def test_what_cannot_be_fitted_is_refused_with_the_way_out() -> None:
    with pytest.raises(TooFewStudies, match=r"univariate\.fit"):
        multilevel.fit([0.1, 0.2, 0.4], [0.1] * 3, ["a", "b", "c"])
    with pytest.raises(TooFewStudies, match="more than 1 studies"):
        multilevel.fit([0.1, 0.2, 0.4], [0.1] * 3, ["a", "a", "a"])
    with pytest.raises(TooFewStudies, match="more than 2"):
        multilevel.fit([0.1, 0.2, 0.4], [0.1] * 3, ["a", "a", "b"], moderators=[1.0, 2.0, 4.0])
    with pytest.raises(DataError, match="EFFECT-003"):
        multilevel.fit([0.1, 0.2, 0.4], [0.1, 0.0, 0.1], ["a", "a", "b"])
    with pytest.raises(ValueError, match="reml or ml"):
        multilevel.fit([0.1, 0.2, 0.4], [0.1] * 3, ["a", "a", "b"], method="dl")  # type: ignore[arg-type]


def test_a_coverage_outside_0_and_1_is_refused() -> None:
    for level in (0, 1, 95):
        with pytest.raises(ValueError, match="between 0 and 1"):
            multilevel.fit([0.1, 0.2, 0.4], [0.1] * 3, ["a", "a", "b"], level=level)


def test_one_study_more_than_coefficients_is_enough() -> None:
    ours = multilevel.fit([0.1, 0.2, 0.4], [0.1] * 3, ["a", "a", "b"])
    assert (ours.k, ours.n_estimates, ours.q_df) == (2, 3, 2)


def test_the_shares_of_variance_add_up_and_a_typical_estimate_has_the_rest() -> None:
    data = golden("hausdorff_like")["data"]
    ours = multilevel.fit(data["y"], np.full(len(data["y"]), 0.25), data["study"])
    assert ours.i2.total == pytest.approx(ours.i2.between + ours.i2.within)
    total = ours.between + ours.within + 0.25
    assert (ours.i2.between, ours.i2.within) == pytest.approx((ours.between / total, ours.within / total))
    for array in (ours.effects, ours.robust_covariance, ours.df):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_few_degrees_of_freedom_are_said() -> None:
    data = golden("few_studies")["data"]
    ours = multilevel.fit(data["y"], data["v"], data["study"])
    assert ours.df[0] < 4
    assert "unreliable" in ours.notes[0]
    (note,) = multilevel._notes(("intercept", "year", "size"), np.array([3.96, 4.0, 2.51]))
    assert note.endswith(": intercept (4.0), size (2.5)")
    assert multilevel._notes(("intercept",), np.array([4.0])) == ()


def test_identical_estimates_have_no_heterogeneity_and_no_interval_width_from_it() -> None:
    ours = multilevel.fit([0.9] * 6, [0.01] * 6, ["a", "a", "b", "b", "c", "c"])
    assert ours.boundary == ("between = 0", "within = 0")
    assert ours.coefficients[0] == pytest.approx(0.9)


def test_results_are_plain_json_and_cannot_be_changed() -> None:
    data = golden("dice_like")["data"]
    ours = multilevel.fit(data["y"], data["v"], data["study"], moderators=data["x"], moderator_names=["x"])
    assert json.loads(json.dumps(ours.to_dict(), allow_nan=False)) == ours.to_dict()
    assert ours.to_dict()["prediction_interval"] is None
    with pytest.raises(ValueError, match="moderators"):
        ours.prediction_interval()
    with pytest.raises(ValueError, match="read-only"):
        ours.effects[0] = 0
