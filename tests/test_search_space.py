"""Is it known before the search whether there is a maximum, and are estimates on an edge put exactly there?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from livingreview.errors import ConvergenceError
from livingreview.synthesis import Counts, fit
from livingreview.synthesis.design import Design, Tables
from livingreview.synthesis.search_space import (
    all_or_none,
    is_separated,
    moment_start,
    observed_covariance,
    other_starts,
    settle,
    thorough_starts,
    why_impossible,
)

Array = NDArray[np.float64]
ONES = np.ones(4)


def arm(*pairs: tuple[int, int]) -> tuple[Array, Array]:
    """Return successes and trials."""
    y, n = np.array(pairs, dtype=float).T
    return y, n


# --- whether there is a maximum -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "lost"),
    [
        (((5, 5), (1, 1), (9, 9)), True),
        (((0, 5), (0, 1), (0, 9)), True),
        (((5, 5), (0, 0), (9, 9)), True),
        (((0, 5), (0, 0), (0, 9)), True),
        (((1, 1), (0, 0), (1, 1)), True),
        (((5, 5), (0, 5), (9, 9)), False),
        (((5, 5), (4, 5), (9, 9)), False),
        (((0, 0), (0, 0), (0, 0)), False),
    ],
)
def test_an_arm_is_lost_when_it_is_all_or_none_wherever_there_is_one(pairs: Any, lost: bool) -> None:
    y, n = arm(*pairs)
    other = arm((1, 2), (1, 2), (1, 2))
    found = all_or_none(np.stack([y, other[0]]), np.stack([n, other[1]]))
    assert found.tolist() == [lost, False]


LEVEL, NUMBER = np.array([0.0, 0.0, 1.0, 1.0]), np.array([1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize(
    ("pairs", "covariate", "separated"),
    [
        (((9, 9), (9, 9), (3, 9), (4, 9)), LEVEL, True),  # one level is perfect
        (((0, 9), (0, 9), (3, 9), (4, 9)), LEVEL, True),
        (((1, 1), (1, 1), (3, 9), (4, 9)), LEVEL, True),
        (((8, 9), (8, 9), (1, 9), (1, 9)), LEVEL, False),
        (((9, 9), (0, 9), (3, 9), (4, 9)), LEVEL, False),
        (((9, 9), (8, 9), (0, 9), (4, 9)), LEVEL, False),
        (((9, 9), (9, 9), (0, 9), (0, 9)), NUMBER, True),  # high values fail, low ones succeed
        (((9, 9), (0, 9), (9, 9), (0, 9)), NUMBER, False),
        (((9, 9), (9, 9), (3, 9), (0, 9)), NUMBER, True),  # all successes below the one in between, failures above
        (((9, 9), (9, 9), (3, 9), (9, 9)), NUMBER, False),
        (((9, 9), (0, 0), (3, 9), (0, 9)), NUMBER, True),  # whoever has no participants says nothing
        (((3, 9), (0, 0), (0, 0), (4, 9)), NUMBER, False),
    ],
)
def test_separation_is_a_direction_along_which_the_likelihood_rises(
    pairs: Any, covariate: Array, separated: bool
) -> None:
    y, n = arm(*pairs)
    x = np.column_stack([ONES, covariate])
    assert is_separated(y, n, x) == separated
    assert is_separated(n - y, n, x) == separated


def tables(*rows: tuple[int, int, int, int]) -> Tables:
    return Tables(np.array([rows], dtype=float))


GOOD = ((8, 2, 2, 8), (7, 3, 3, 7))


@pytest.mark.parametrize(
    ("rows", "model", "correction", "said"),
    [
        (GOOD, "binomial", "none", ""),
        (((8, 0, 2, 8), (7, 0, 3, 7)), "binomial", "none", "specificity is 100 %"),
        (((8, 0, 2, 8), (7, 0, 3, 7)), "normal", "none", "logit of a specificity"),
        (((8, 0, 2, 8), (7, 3, 3, 7)), "normal", "none", "logit of a specificity"),
        (((8, 2, 0, 8), (7, 3, 3, 7)), "normal", "none", "logit of a sensitivity"),
        (((0, 2, 9, 8), (7, 3, 3, 7)), "normal", "none", "logit of a sensitivity"),
        (((1, 2, 0, 8), (7, 3, 3, 7)), "normal", "none", "logit of a sensitivity"),
        (((0, 2, 0, 8), (7, 3, 3, 7)), "normal", "none", ""),
        (((8, 0, 2, 8), (7, 0, 3, 7)), "normal", "all_if_any", ""),
        (((0, 2, 0, 8), (0, 3, 0, 7)), "normal", "all", "no study has diseased participants"),
        (((8, 0, 2, 0), (7, 0, 3, 0)), "binomial", "none", "no study has non-diseased participants"),
    ],
)
def test_why_there_is_no_estimate_is_said(rows: Any, model: Any, correction: Any, said: str) -> None:
    (found,) = why_impossible(tables(*rows), Design.intercepts(2, "unstructured"), model, correction)
    assert said in found
    assert bool(found) == bool(said)


def test_a_level_without_a_miss_is_said_to_be_a_level() -> None:
    x = np.column_stack([ONES, LEVEL])
    data = tables((8, 2, 0, 8), (7, 3, 0, 7), (8, 2, 2, 8), (7, 3, 3, 7))
    (found,) = why_impossible(data, Design(x, x, "fixed"), "binomial", "none")
    assert "sensitivity is 100 % (or 0 %) in every study of a level" in found
    both = why_impossible(data, Design(np.ones((4, 1)), x, "fixed"), "binomial", "none")
    assert both == ("",)
    perfect = tables((8, 2, 0, 8), (7, 3, 0, 7), (8, 2, 0, 8), (7, 3, 0, 7))
    (everywhere,) = why_impossible(perfect, Design.intercepts(4, "fixed"), "binomial", "none")
    assert "in every study, so" in everywhere


# --- where to start -------------------------------------------------------------------------------------------


def large_studies(tau: tuple[float, float], rho: float, k: int = 4000) -> Tables:
    """Return one data set of so many studies that their moments are those of the population."""
    rng = np.random.default_rng(4)
    cov = np.array([[tau[0] ** 2, rho * tau[0] * tau[1]], [rho * tau[0] * tau[1], tau[1] ** 2]])
    chances = 1 / (1 + np.exp(-rng.multivariate_normal([1.0, 1.5], cov, size=k)))
    tp, tn = rng.binomial(400, chances).T
    return Tables(np.stack([tp, 400 - tn, 400 - tp, tn], axis=1)[None].astype(float))


@pytest.mark.parametrize("rho", [-0.6, 0.5])
def test_the_first_start_is_next_to_what_the_data_were_drawn_from(rho: float) -> None:
    data, design = large_studies((0.8, 1.1), rho), Design.intercepts(4000, "unstructured")
    (found,) = moment_start(data, design)
    l21 = 1.1 * rho
    assert found == pytest.approx([1.0, 1.5, 0.8, l21, 1.1 * np.sqrt(1 - rho**2)], abs=0.06)
    (uncorrelated,) = moment_start(data, design.with_structure("independent"))
    assert uncorrelated == pytest.approx([1.0, 1.5, 0.8, 1.1], abs=0.06)


def test_the_other_starts_turn_the_correlation_round_or_drop_it() -> None:
    data, design = large_studies((0.8, 1.1), -0.6), Design.intercepts(4000, "unstructured")
    opposite, none = other_starts(data, design)[:, 0]
    assert opposite == pytest.approx([1.0, 1.5, 0.4, 0.55 * 0.6, 0.55 * 0.8], abs=0.06)
    assert none == pytest.approx([1.0, 1.5, 0.8, 0.0, 1.1], abs=0.06)
    every = thorough_starts(data, design)
    assert every.shape == (6, 1, 5)
    np.testing.assert_array_equal(every[3:], 2 * every[:3])
    assert other_starts(data, design.with_structure("independent")).shape == (1, 1, 4)


def test_studies_that_agree_start_away_from_no_heterogeneity() -> None:
    (found,) = moment_start(
        tables((80, 20, 20, 80), (80, 20, 20, 80), (80, 20, 20, 80)), Design.intercepts(3, "independent")
    )
    logit = np.log(80.5 / 20.5)
    assert found == pytest.approx([logit, logit, 0.2, 0.2])


def test_the_first_start_has_the_moments_of_few_studies() -> None:
    rows = np.array([(8, 5, 5, 60), (30, 9, 1, 20), (3, 30, 9, 90)])
    (found,) = moment_start(tables(*map(tuple, rows)), Design.intercepts(3, "unstructured"))
    tp, fp, fn, tn = rows.T + 0.5
    logits = np.log([tp / fn, tn / fp])
    between = np.cov(logits)
    spreads = np.sqrt(np.diag(between) - np.mean([1 / tp + 1 / fn, 1 / tn + 1 / fp], axis=1))
    rho = between[0, 1] / spreads.prod()
    assert -0.9 < rho < -0.3
    expected = [*logits.mean(axis=1), spreads[0], rho * spreads[1], np.sqrt(1 - rho**2) * spreads[1]]
    assert found == pytest.approx(expected, abs=1e-6)


def test_rows_of_padding_and_empty_arms_do_not_move_the_start() -> None:
    rows = [(8, 2, 2, 8), (17, 5, 3, 30), (9, 1, 6, 25)]
    alone = moment_start(tables(*rows), Design.intercepts(3, "unstructured"))
    padded = moment_start(tables(*rows, (0, 0, 0, 0)), Design.intercepts(4, "unstructured"))
    np.testing.assert_allclose(padded, alone)
    one_arm = moment_start(tables(*rows, (0, 3, 0, 30)), Design.intercepts(4, "unstructured"))
    np.testing.assert_allclose(one_arm[0, [0, 2]], alone[0, [0, 2]])
    assert one_arm[0, 1] != alone[0, 1]


def test_each_level_starts_from_its_own_mean() -> None:
    x = np.column_stack([ONES, LEVEL])
    (found,) = moment_start(
        tables((8, 2, 2, 8), (8, 2, 2, 8), (5, 2, 5, 8), (5, 2, 5, 8)), Design(x, np.ones((4, 1)), "fixed")
    )
    logit = np.log(8.5 / 2.5)
    assert found == pytest.approx([logit, -logit, logit], abs=1e-6)


# --- edges ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "settled", "names"),
    [
        ((0.5, -0.2, 0.3), (0.5, -0.2, 0.3), ()),
        ((-0.5, -0.2, -0.3), (0.5, 0.2, 0.3), ()),
        ((1e-6, 0.3, -0.4), (0.0, 0.0, 0.5), ("tau_sensitivity = 0",)),
        ((0.5, 3e-6, 4e-6), (0.5, 0.0, 0.0), ("tau_specificity = 0",)),
        ((-1e-6, 3e-6, 4e-6), (0.0, 0.0, 0.0), ("tau_sensitivity = 0", "tau_specificity = 0")),
        ((0.5, 0.4, 1e-3), (0.5, 0.4, 1e-3), ()),
        ((0.5, 5.0, 2e-3), (0.5, 5.0, 2e-3), ()),
        ((0.5, 0.4, 1e-5), (0.5, 0.4, 0.0), ("rho = +1",)),
        ((-0.5, 0.4, -1e-5), (0.5, -0.4, 0.0), ("rho = -1",)),
    ],
)
def test_an_estimate_next_to_an_edge_is_put_on_it(entries: Any, settled: Any, names: Any) -> None:
    design = Design.intercepts(3, "unstructured")
    regular = (0.7, 0.1, 0.6)
    theta = np.array([[1.0, 2.0, *entries], [1.0, 2.0, *regular]])
    found, boundary = settle(design, theta)
    assert found[0] == pytest.approx([1.0, 2.0, *settled], abs=1e-5)
    assert [x == 0 for x in found[0, 2:]] == [x == 0 for x in settled]
    assert boundary == (names, ())
    assert found[1].tolist() == theta[1].tolist()


def test_a_variance_that_the_structure_fixes_is_no_boundary() -> None:
    assert settle(Design.intercepts(3, "fixed"), np.array([[1.0, 2.0]]))[1] == ((),)
    fixed = Design.intercepts(3, "fixed_sensitivity")
    assert settle(fixed, np.array([[1.0, 2.0, -0.4]]))[0].tolist() == [[1.0, 2.0, 0.4]]
    assert settle(fixed, np.array([[1.0, 2.0, 1e-7]]))[1] == (("tau_specificity = 0",),)
    independent = Design.intercepts(3, "independent")
    assert settle(independent, np.array([[1.0, 2.0, 0.3, 0.4]]))[1] == ((),)
    assert settle(independent, np.array([[1.0, 2.0, 1e-7, 0.4]]))[1] == (("tau_sensitivity = 0",),)


def test_the_covariance_is_the_inverse_of_the_information_and_not_a_number_where_that_is_singular() -> None:
    design = Design.intercepts(3, "unstructured")
    rng = np.random.default_rng(2)
    root = rng.normal(size=(5, 5))
    information = root @ root.T + np.eye(5)
    singular = np.diag([1.0, 1.0, 1.0, 1.0, 1e-12])
    theta = np.array([[1.0, 2.0, 0.5, 0.1, 0.3]] * 2)
    regular, lost = observed_covariance(design, theta, -np.stack([information, singular]))
    np.testing.assert_allclose(regular, np.linalg.inv(information), rtol=1e-9)
    assert np.isnan(lost).any()


def test_without_heterogeneity_of_sensitivity_its_covariance_is_known_to_be_none() -> None:
    design = Design.intercepts(3, "unstructured")
    rng = np.random.default_rng(3)
    root = rng.normal(size=(5, 5))
    information = root @ root.T + np.eye(5)
    theta = np.array([[1.0, 2.0, 0.0, 0.0, 0.3]])
    (cov,) = observed_covariance(design, theta, -information[None].copy())
    others = [0, 1, 2, 4]
    np.testing.assert_allclose(
        cov[np.ix_(others, others)], np.linalg.inv(information[np.ix_(others, others)]), rtol=1e-9
    )
    assert np.abs(cov[3]).max() == pytest.approx(0, abs=1e-12)
    assert cov[3, 3] == 0


def test_a_variance_of_which_single_patients_tell_nothing_is_refused() -> None:
    one_each = Counts.from_arrays([1, 1, 0, 1], [5] * 4, [0, 0, 1, 0], [40] * 4)
    for structure in ("independent", "fixed_specificity"):
        with pytest.raises(ConvergenceError, match="a simpler structure may have one"):
            fit(one_each, structure=structure)
    assert fit(one_each, structure="fixed").sensitivity.estimate == pytest.approx(0.75, abs=1e-6)
