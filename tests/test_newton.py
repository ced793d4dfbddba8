"""Does Newton's method climb to the top of functions whose top is known, in bounds, and say where it did not?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from livingreview.synthesis.arrays import BoolArray, FloatArray, IndexArray
from livingreview.synthesis.newton import LONGEST_STEP, Evaluation, Objective, Optimum, maximise

Function = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]
PEAK, BEND = np.array([0.5, -0.25]), np.array([[-2.0, 0.6], [0.6, -1.0]])


def quadratic(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return 3 less a quadratic form about the peak, with its derivatives."""
    return 3 + 0.5 * (x - PEAK) @ BEND @ (x - PEAK), BEND @ (x - PEAK), BEND


def two_hills(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return x²/2 − x⁴/4 of the first coordinate: tops of 1/4 at ±1, a valley at 0; flat, but for rounding, in y."""
    return (
        float(x[0] ** 2 / 2 - x[0] ** 4 / 4),
        np.array([x[0] - x[0] ** 3, 1e-12]),
        np.diag([1 - 3 * x[0] ** 2, 0.0]),
    )


def roof(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return −√(1 + x²), whose full Newton steps from beyond 1 lead ever farther away."""
    root = np.sqrt(1 + x @ x)
    return -root, -x / root, -np.eye(x.size) / root + np.outer(x, x) / root**3


def ridge(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return Σ −(x² + 0.01)^0.55, whose full Newton steps lead far past its top at 0."""
    u = x * x + 0.01
    return float(-(u**0.55).sum()), -1.1 * u**-0.45 * x, np.diag(-1.1 * u**-1.45 * (0.01 + 0.1 * x * x))


def slope(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return what rises for ever, ever less steeply."""
    return float(-np.exp(-x).sum()), np.exp(-x), -np.diag(np.exp(-x))


def together(functions: list[Function], seen: list[tuple[IndexArray, FloatArray]] | None = None) -> Objective:
    """Return one objective of several problems, which notes what it is called with."""

    def objective(rows: IndexArray, theta: FloatArray) -> Evaluation:
        if seen is not None:
            seen.append((rows.copy(), theta.copy()))
        each = [functions[row](x) for row, x in zip(rows, theta, strict=True)]
        return Evaluation(*map(np.array, zip(*each, strict=True)))

    return objective


def everywhere(theta: FloatArray) -> BoolArray:
    return np.ones(len(theta), dtype=bool)


def climbed(function: Function, start: list[float], *, iterations: int = 50, **options: object) -> Optimum:
    options = {"inside": everywhere, "tolerance": 1e-12} | options
    return maximise(together([function]), np.array([start]), iterations=iterations, **options)  # type: ignore[arg-type]


def test_a_quadratic_is_climbed_in_one_step() -> None:
    seen: list[tuple[IndexArray, FloatArray]] = []
    start = np.array([[1.0, 0.5]])
    found = maximise(together([quadratic], seen), start, inside=everywhere, tolerance=1e-12, iterations=9)
    assert [theta.tolist() for _, theta in seen] == [start.tolist(), pytest.approx(PEAK[None])]
    assert found.theta[0] == pytest.approx(PEAK)
    assert found.value[0] == pytest.approx(3.0)
    assert found.gradient[0] == pytest.approx([0, 0], abs=1e-12)
    assert found.hessian[0] == pytest.approx(BEND)
    assert found.step[0] == pytest.approx([0, 0], abs=1e-12)
    assert (found.converged.tolist(), found.left.tolist()) == ([True], [False])


def test_the_step_that_is_left_leads_to_the_top_and_its_length_in_standard_errors_is_what_is_tolerated() -> None:
    start = PEAK + np.array([0.3, -0.2])
    decrement = -(start - PEAK) @ BEND @ (start - PEAK)
    near = climbed(quadratic, start.tolist(), tolerance=1.01 * decrement)
    assert near.converged.all()
    assert near.theta[0].tolist() == start.tolist()
    assert (near.theta + near.step)[0] == pytest.approx(PEAK)
    far = climbed(quadratic, start.tolist(), tolerance=0.99 * decrement)
    assert far.theta[0] == pytest.approx(PEAK)


def test_a_valley_is_left_uphill_and_a_flat_direction_is_not_walked() -> None:
    for x in (0.05, -0.05):
        found = climbed(two_hills, [x, 0.7])
        assert found.converged.all()
        assert found.theta[0] == pytest.approx([np.sign(x), 0.7], abs=1e-3)
        assert found.value[0] == pytest.approx(0.25)


def test_no_step_is_longer_than_is_allowed_and_none_leads_down() -> None:
    seen: list[tuple[IndexArray, FloatArray]] = []
    start = np.array([[7.0, -3.0]])
    found = maximise(together([roof], seen), start, inside=everywhere, tolerance=1e-12, iterations=99)
    assert found.converged.all()
    assert found.theta[0] == pytest.approx([0, 0], abs=1e-6)
    accepted, values = [start[0]], [roof(start[0])[0]]
    for _, (theta,) in seen[1:]:
        assert np.abs(theta - accepted[-1]).max() <= LONGEST_STEP + 1e-12
        if roof(theta)[0] >= values[-1]:
            accepted.append(theta)
            values.append(roof(theta)[0])
    assert accepted[-1] == pytest.approx(found.theta[0])
    # From 7, the full Newton step would be to −343.
    assert np.abs(accepted[1] - accepted[0]).max() == pytest.approx(LONGEST_STEP)


def test_a_step_that_leads_down_is_shortened_to_a_quarter_until_it_does_not() -> None:
    seen: list[tuple[IndexArray, FloatArray]] = []
    start = np.array([0.2])
    found = maximise(together([ridge], seen), start[None], inside=everywhere, tolerance=1e-12, iterations=99)
    assert found.theta[0] == pytest.approx([0], abs=1e-6)
    (first,), (second,) = (theta for _, theta in seen[1:3])
    assert ridge(first)[0] < ridge(start)[0] < ridge(second)[0]
    assert first - start == pytest.approx(4 * (second - start))


def test_what_has_no_top_runs_out_of_its_limits() -> None:
    def inside(theta: FloatArray) -> BoolArray:
        return np.asarray((np.abs(theta) < 5).all(axis=1))

    found = climbed(slope, [0.0], inside=inside)
    assert (found.converged.tolist(), found.left.tolist()) == ([False], [True])
    assert 3 < found.theta[0, 0] < 5
    assert found.value[0] == slope(found.theta[0])[0]


def test_the_search_ends_after_as_many_steps_as_are_granted() -> None:
    found = climbed(roof, [9.0], iterations=2)
    assert (found.converged.tolist(), found.left.tolist()) == ([False], [False])
    assert found.theta[0, 0] == pytest.approx(9 - 2 * LONGEST_STEP)


def test_a_parameter_that_may_not_move_stays_and_the_others_find_their_top_given_it() -> None:
    found = climbed(quadratic, [1.5, 0.5], free=np.array([False, True]))
    assert found.converged.all()
    assert found.theta[0, 0] == 1.5
    assert found.theta[0, 1] == pytest.approx(PEAK[1] + BEND[0, 1] * (1.5 - PEAK[0]))
    assert found.step[0, 0] == 0
    assert found.gradient[0, 0] == pytest.approx(quadratic(found.theta[0])[1][0])


def test_problems_together_end_where_each_ends_alone_and_what_is_done_is_not_called_again() -> None:
    def inside(theta: FloatArray) -> BoolArray:
        return np.asarray((np.abs(theta) < 5).all(axis=1))

    seen: list[tuple[IndexArray, FloatArray]] = []
    functions = [roof, quadratic, slope, two_hills, ridge]
    start = np.array([[3.0, 1.0], [1.0, 0.5], [0.0, 0.5], [0.05, 0.7], [0.2, 0.2]])
    options = {"inside": inside, "tolerance": 1e-12, "iterations": 50}
    found = maximise(together(functions, seen), start, **options)  # type: ignore[arg-type]
    for row, function in enumerate(functions):
        alone = maximise(together([function]), start[row : row + 1], **options)  # type: ignore[arg-type]
        for whole, part in zip(found, alone, strict=True):
            np.testing.assert_allclose(whole[row], part[0], atol=1e-12)
    assert found.converged.tolist() == [True, True, False, True, True]
    assert [row for rows, _ in seen for row in rows].count(1) == 2


def test_rounding_that_looks_like_a_fall_does_not_stop_the_search() -> None:
    # A log-likelihood of 1e6 is known to about 1e-10; next to its top a step gains less than that.
    calls = iter(range(100))

    def noisy(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, gradient, hessian = quadratic(x)
        return 1e6 + 1e-8 * value - 1e-6 * next(calls), 1e-8 * gradient, 1e-8 * hessian

    found = climbed(noisy, (PEAK + 0.01).tolist(), tolerance=1e-16)
    assert found.converged.all()
    assert found.theta[0] == pytest.approx(PEAK)
