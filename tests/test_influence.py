"""Do deletion diagnostics agree with metafor, and with doing each deletion by hand?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden_cases import Case
from livingreview.errors import TooFewStudies
from livingreview.synthesis import bivariate, univariate
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.influence import influence, leave_one_out

MEANS = ("bcg_rr", "dice_sim22", "dice_sim4", "normand1999_arm1", "normand1999_md")
COLUMNS = {
    "rstudent": "studentized",
    "dffits": "dffits",
    "cook_d": "cook_distance",
    "cov_r": "covariance_ratio",
    "tau2_del": "tau2_deleted",
    "QE_del": "q_deleted",
    "hat": "hat",
}
# Closed forms (DL); metafor's REML is iterated to 1e-12 but its deletions magnify what is left of the error.
TOLERANCE = {"DL": 1e-9, "REML": 1e-5}


def assert_close(ours: Any, theirs: Any, rel: float, absolute: float = 0.0) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=rel, atol=absolute)


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("method", ["DL", "REML"])
def test_univariate_diagnostics_are_metafors(name: str, method: str, reference_dir: Path) -> None:
    golden = json.loads((reference_dir / "means" / "expected" / f"{name}.json").read_text("utf-8"))
    g = golden["fits"][method]
    result = univariate.fit(golden["yi"], golden["vi"], method=method.lower(), test="z")  # type: ignore[arg-type]
    ours, rel = influence(result), TOLERANCE[method]
    for theirs, column in COLUMNS.items():
        scale = float(np.max(np.abs(g["influence"][theirs])))
        assert_close(getattr(ours, column), g["influence"][theirs], rel, rel * scale)
    assert_close(ours.dfbetas[:, 0], g["influence"]["dfbetas"], rel, rel)
    assert_close(ours.residual, g["rstandard"]["resid"], rel, rel * float(np.max(np.abs(golden["yi"]))))
    assert_close(ours.standardized, g["rstandard"]["z"], rel, rel)


@pytest.mark.parametrize("test", ["z", "hartung_knapp"])
def test_diagnostics_of_a_regression_are_those_of_deleting_by_hand(test: Any) -> None:
    rng = np.random.default_rng(3)
    y, v, x = rng.normal(size=9), rng.uniform(0.05, 0.5, 9), rng.normal(2000, 8, 9)
    whole = univariate.fit(y, v, method="reml", test=test, moderators=x)
    ours = influence(whole)
    design = np.column_stack([np.ones(9), x])
    total = np.diag(v + whole.tau2)
    hat = design @ np.linalg.inv(design.T @ np.linalg.inv(total) @ design) @ design.T @ np.linalg.inv(total)
    assert ours.hat == pytest.approx(np.diag(hat), rel=1e-6)
    assert ours.residual == pytest.approx(y - hat @ y, rel=1e-5)
    left = np.eye(9) - hat
    assert ours.standardized == pytest.approx(left @ y / np.sqrt(np.diag(left @ total @ left.T)), rel=1e-5)
    for i in (0, 4, 8):
        keep = np.arange(9) != i
        part = univariate.fit(y[keep], v[keep], method="reml", test=test, moderators=x[keep])
        change = whole.coefficients - part.coefficients
        assert ours.tau2_deleted[i] == pytest.approx(part.tau2, abs=1e-9)
        assert ours.cook_distance[i] == pytest.approx(change @ np.linalg.solve(whole.covariance, change), rel=1e-5)
        row = np.array([1.0, x[i]])
        spread = np.sqrt(part.scale * (v[i] + part.tau2) + row @ part.covariance @ row)
        assert ours.studentized[i] == pytest.approx((y[i] - row @ part.coefficients) / spread, rel=1e-6)
        shifted = univariate.fit(y, v, method="reml", test=test, moderators=np.column_stack([x, ~keep]))
        shift = shifted.coefficients[2] / shifted.standard_errors[2]
        assert ours.studentized[i] == pytest.approx(shift, rel=1e-4)
        ratio = np.linalg.det(part.covariance) / np.linalg.det(whole.covariance)
        assert ours.covariance_ratio[i] == pytest.approx(ratio, rel=1e-5)
        assert ours.q_deleted[i] == pytest.approx(part.q)
        # DFBETAS and DFFITS are in standard errors of all studies at the heterogeneity without this one.
        scaled = np.linalg.inv(design.T @ (design / (v + part.tau2)[:, None])) * part.scale
        assert ours.dfbetas[i] == pytest.approx(change / np.sqrt(np.diag(scaled)), rel=1e-5)
        error = np.sqrt(part.scale * ours.hat[i] * (v[i] + part.tau2))
        assert ours.dffits[i] == pytest.approx(row @ change / error, rel=1e-5)


def test_an_outlier_is_the_influential_study() -> None:
    result = univariate.fit(
        [0.2, 0.25, 0.3, 0.22, 3.0], [0.04] * 5, method="dl", test="z", study=["a", "b", "c", "d", "far"]
    )
    ours = influence(result)
    assert ours.influential() == ("far",)
    assert abs(ours.studentized[-1]) > 1.96
    assert json.loads(json.dumps(ours.to_dict(), allow_nan=False))[-1]["study"] == "far"


@settings(max_examples=30)
@given(st.lists(st.floats(-3, 3).map(lambda x: round(x, 2)), min_size=4, max_size=9), st.floats(-20, 20))
def test_shifting_the_effects_changes_no_diagnostic(y: list[float], shift: float) -> None:
    v = np.linspace(0.5, 1.0, len(y))
    one = influence(univariate.fit(y, v, method="dl", test="z"))
    other = influence(univariate.fit(np.array(y) + shift, v, method="dl", test="z"))
    for column in one.columns:
        assert_close(getattr(other, column), getattr(one, column), 1e-6, 1e-6)


def test_a_study_is_influential_past_the_median_of_chi_square_or_a_standard_error() -> None:
    result = univariate.fit([0.2, 0.25, 0.3, 0.22], [0.04] * 4, method="fixed", study=list("abcd"))
    ours = influence(result)
    with pytest.raises(ValueError, match="read-only"):
        ours.hat[0] = 1.0
    still = {"cook_distance": np.array([0.46, 0.45, 0.0, 0.0]), "dfbetas": np.array([[0.0], [0.0], [1.01], [-1.01]])}
    assert replace(ours, **still).influential() == ("a", "c", "d")  # the median of χ² on 1 degree of freedom is 0.4549
    # Two coefficients, and a median of 1.3863.
    two = {
        "cook_distance": np.array([1.38, 1.39, 0.0, 0.0]),
        "dfbetas": np.array([[0, 0], [0, 0], [0.9, 1.1], [0.9, -0.9]]),
    }
    assert replace(ours, **two).influential() == ("b", "c")


def test_a_coefficient_that_rests_on_one_study_names_it() -> None:
    result = univariate.fit([0.1, 0.3, 0.2, 0.4], [0.1] * 4, moderators=[0, 0, 0, 1], study=["a", "b", "c", "only"])
    with pytest.raises(TooFewStudies, match="only"):
        influence(result)


def test_two_studies_are_too_few_to_delete_one() -> None:
    with pytest.raises(TooFewStudies, match="at least 3"):
        influence(univariate.fit([0.1, 0.3], [0.1, 0.1]))
    assert len(influence(univariate.fit([0.1, 0.3, 0.4], [0.1, 0.1, 0.1])).hat) == 3
    alone = bivariate.fit(Counts.from_arrays([40], [5], [10], [80]))
    with pytest.raises(TooFewStudies, match="found 1"):
        leave_one_out(alone)
    two = Counts.from_arrays([40, 30], [5, 9], [10, 3], [80, 44])
    assert leave_one_out(bivariate.fit(two, structure="fixed")).converged.all()


@pytest.mark.parametrize("model", ["binomial", "normal"])
def test_bivariate_deletions_are_the_fits_without_the_study(model: Any, load_case: Callable[[str], Case]) -> None:
    counts = load_case("edge_one_tau0").counts
    whole = bivariate.fit(counts, model=model, structure="unstructured")
    ours = leave_one_out(whole)
    assert ours.converged.all()
    for i in range(0, counts.k, 4):
        part = bivariate.fit(counts.subset(np.arange(counts.k) != i), model=model, structure="unstructured")
        assert_close(ours.mu[i], part.mu, 1e-5)
        assert_close(ours.between_study_cov[i], part.between_study_cov, 1e-3, 1e-5)
        interval = part.sensitivity
        assert_close(ours.sensitivity[i], [interval.estimate, interval.lower, interval.upper], 1e-5)
        change = whole.mu - part.mu
        assert_close(ours.cook_distance[i], change @ np.linalg.solve(whole.mu_cov, change), 1e-3, 1e-7)


def test_what_is_no_bivariate_fit_is_refused() -> None:
    table: Any = Counts.from_arrays([40, 30], [5, 9], [10, 3], [80, 44])
    with pytest.raises(TypeError, match=r"give a bivariate fit, as livingreview\.synthesis\.fit .*; found Counts"):
        leave_one_out(table)


def test_the_study_unlike_the_others_moves_the_bivariate_point_most() -> None:
    counts = Counts.from_arrays(
        tp=[45, 60, 31, 70, 52, 20], fp=[10, 8, 6, 9, 7, 60], fn=[5, 8, 4, 7, 6, 60], tn=[90, 70, 52, 81, 66, 20],
        study=["a", "b", "c", "d", "e", "odd"],
    )  # fmt: skip
    ours = leave_one_out(bivariate.fit(counts, structure="independent"))
    assert ours.study[int(np.argmax(ours.cook_distance))] == "odd"
    assert "odd" in repr(ours)
    assert json.loads(json.dumps(ours.to_dict(), allow_nan=False))[5]["study"] == "odd"
    with pytest.raises(ValueError, match="read-only"):
        ours.mu[0, 0] = 0


def test_a_deletion_without_a_fit_is_said_and_the_others_stand() -> None:
    # Only study "fp" has false positives: without it specificity is 100 % everywhere and has no finite estimate.
    counts = Counts.from_arrays(
        tp=[40, 33, 25, 50], fp=[3, 0, 0, 0], fn=[6, 5, 8, 4], tn=[50, 60, 45, 70], study=["fp", "b", "c", "d"]
    )
    ours = leave_one_out(bivariate.fit(counts, structure="fixed"))
    assert ours.converged.tolist() == [False, True, True, True]
    assert np.isnan(ours.cook_distance[0])
    assert "converged=3" in repr(ours)
    lost, kept = ours.to_dict()[:2]
    assert (lost["failure"], kept["failure"]) == (ours.failure[0], None)
    assert "specificity is 100 %" in ours.failure[0]
    assert (lost["sensitivity"]["estimate"], lost["cook_distance"]) == (None, None)
    assert kept["cook_distance"] == ours.cook_distance[1]
    assert kept["sensitivity"]["ci"] == ours.sensitivity[1, 1:].tolist()


def test_leave_one_out_of_a_fit_with_covariates_is_refused() -> None:
    counts = Counts.from_arrays(
        tp=[45, 60, 31, 70, 52, 20], fp=[10, 8, 6, 9, 7, 6], fn=[5, 8, 4, 7, 6, 5], tn=[90, 70, 52, 81, 66, 20]
    )
    with pytest.raises(ValueError, match="covariates"):
        leave_one_out(bivariate.fit(counts, structure="fixed", by=list("aaabbb")))
