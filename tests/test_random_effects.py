"""Is every input of a univariate model checked by name, and are quantiles and P values those of the test asked for?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from livingreview.errors import DataError
from livingreview.synthesis.between_study_variance import Method
from livingreview.synthesis.random_effects import (
    finite_or_none,
    full_rank,
    orthonormal,
    p_value,
    quantile,
    solve,
    validated,
)
from livingreview.synthesis.univariate import fit

GOOD: dict[str, Any] = {
    "effects": [0.1, 0.2, 0.3],
    "variances": [0.1, 0.2, 0.3],
    "moderators": None,
    "moderator_names": None,
    "study": None,
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"variances": [0.1]}, "effects 3, variances 1; 0 moderator"),
        ({"moderators": [1.0, 2.0]}, "effects 3, moderators 2; 1 moderator"),
        ({"study": ["a", "b", "c", "d"]}, "effects 3, study 4; 0"),
        ({"effects": [], "variances": []}, "effects 0; 0"),
        ({"moderators": [1.0, 2.0, 4.0], "moderator_names": ["a", "b"]}, "effects 3; 2 moderator"),
    ],
)
def test_columns_that_do_not_fit_together_are_counted(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as raised:
        validated(**GOOD | changed)
    (fault,) = raised.value.faults
    assert (fault.line, fault.code) == (0, "EFFECT-001")
    assert said in fault.problem


def test_each_bad_value_is_shown_with_its_row() -> None:
    with pytest.raises(DataError) as raised:
        validated([0.1, math.nan, 0.3], [-0.1, 0.0, math.inf], [[1, 2], [3, math.inf], [5, 7]], None, None)
    found = [(fault.line, fault.field, fault.code) for fault in raised.value.faults]
    assert found == [
        (2, "effects", "EFFECT-002"),
        (1, "variances", "EFFECT-003"), (2, "variances", "EFFECT-003"), (3, "variances", "EFFECT-003"),
        (2, "moderators", "EFFECT-004"),
    ]  # fmt: skip
    assert all(fault.problem.startswith(f"row {fault.line}: ") for fault in raised.value.faults)


def test_the_design_starts_with_the_intercept_and_names_its_columns() -> None:
    y, v, x, names, labels = validated(**GOOD | {"moderators": [[1, 5], [2, 5], [4, 6]]})
    assert x.tolist() == [[1, 1, 5], [1, 2, 5], [1, 4, 6]]
    assert names == ("intercept", "moderator 1", "moderator 2")
    assert labels == ("1", "2", "3")
    assert (y.tolist(), v.tolist()) == (GOOD["effects"], GOOD["variances"])
    one = validated(0.5, 0.1, None, None, ["only"])
    assert one[2].tolist() == [[1]]
    assert one[3:] == (("intercept",), ("only",))


@pytest.mark.parametrize("moderators", [[2.0, 2.0, 2.0], [0.0, 0.0, 0.0], [[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]])
def test_collinear_moderators_are_refused(moderators: Any) -> None:
    with pytest.raises(DataError) as raised:
        validated(**GOOD | {"moderators": moderators})
    assert [(fault.line, fault.code) for fault in raised.value.faults] == [(0, "EFFECT-005")]


def test_independence_does_not_depend_on_units() -> None:
    year = np.array([1998.0, 2003.0, 2011.0, 2020.0])
    assert full_rank(np.column_stack([np.ones(4), year, 1e-12 * year**2]))
    assert not full_rank(np.column_stack([np.ones(4), year, 1e-12 * year]))
    assert not full_rank(np.column_stack([np.ones(4), np.zeros(4)]))


def test_quantiles_and_p_values_are_normal_or_students() -> None:
    assert quantile("z", 3, 0.9) == pytest.approx(stats.norm.ppf(0.95))
    found = quantile("hartung_knapp", [0, 1, 5], 0.9)
    assert found == pytest.approx([math.nan, stats.t.ppf(0.95, 1), stats.t.ppf(0.95, 5)], nan_ok=True)
    statistic = np.array([-2.0, 2.0])
    assert p_value(statistic, "z", 3) == pytest.approx(2 * stats.norm.sf(2) * np.ones(2))
    assert p_value(statistic, "hartung_knapp_safeguarded", [0, 1]) == pytest.approx(
        [math.nan, 2 * stats.t.sf(2, 1)], nan_ok=True
    )


@pytest.mark.parametrize("method", ["fixed", "dl"])
def test_a_problem_without_a_degree_of_freedom_has_no_heterogeneity_and_no_factor(method: Method) -> None:
    include = np.array([[True, False, False], [True, True, True]])
    basis = orthonormal(np.array([0.0, 2.0, 5.0]), np.full(3, 0.5), np.ones((3, 1)), include)
    plain, scaled = solve(basis, method, "z"), solve(basis, method, "hartung_knapp_safeguarded")
    assert (plain.i2[0], plain.h2[0], plain.scale[0]) == (0, 1, 1)
    assert math.isnan(scaled.scale[0])
    assert plain.h2[1] == pytest.approx(plain.q[1] / 2)
    assert plain.i2[1] == pytest.approx(1 - 2 / plain.q[1])
    assert scaled.scale[1] == pytest.approx(plain.q[1] / 2 if method == "fixed" else 1)


def test_a_regression_of_unequal_variances_is_weighted_least_squares() -> None:
    rng = np.random.default_rng(6)
    y, v, year = rng.normal(size=6), rng.uniform(0.1, 2, 6), rng.normal(2010, 5, 6)
    x = np.column_stack([np.ones(6), year, rng.normal(size=6)])
    found = solve(orthonormal(y, v, x), "fixed", "z")
    precision = x.T @ (x / v[:, None])
    assert found.covariance[0] == pytest.approx(np.linalg.inv(precision), rel=1e-6)
    assert found.coefficients[0] == pytest.approx(np.linalg.solve(precision, x.T @ (y / v)), rel=1e-6)
    fitted = fit(y, v, moderators=x[:, 1:], moderator_names=["year", "size"], method="fixed")
    assert "intercept, year, size" in repr(fitted)
    assert f"{fitted.estimate}" not in repr(fitted)


def test_what_json_cannot_hold_becomes_none() -> None:
    assert [finite_or_none(x) for x in (math.nan, math.inf, -math.inf, np.float64(0.5))] == [None, None, None, 0.5]
