"""Do free parameters become those of each study and back, whatever the structure, and tables one array?"""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from livingreview.synthesis.counts import Correction, Counts, corrected
from livingreview.synthesis.design import FREE_ENTRIES, Design, Structure, Tables, covariance

K = 3
X1, X2 = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, -1.0]]), np.ones((K, 1))
STRUCTURES = get_args(Structure)
RANDOM = np.random.default_rng(5)


def design(structure: Structure) -> Design:
    return Design(X1, X2, structure)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_study_has_its_predictors_and_the_entries_that_are_free(structure: Structure) -> None:
    about = design(structure)
    entries = np.where(np.isin(np.arange(3), FREE_ENTRIES[structure]), [0.7, -0.4, 0.5], 0.0)
    coefficients = np.array([[1.0, 0.3, 2.0], [0.5, -0.2, 1.5]])
    theta = about.parameters(coefficients, np.array([entries, 2 * entries]))
    assert theta.shape == (2, about.n_free) == (2, 3 + len(FREE_ENTRIES[structure]))
    assert about.cholesky(theta).tolist() == [entries.tolist(), (2 * entries).tolist()]
    local = about.local(theta).reshape(5, 2, K)
    for row, (a, b, c) in enumerate(coefficients):
        np.testing.assert_allclose(local[0, row], a + b * X1[:, 1])
        np.testing.assert_allclose(local[1, row], c)
        np.testing.assert_allclose(local[2:, row], np.tile((row + 1) * entries[:, None], K))


@pytest.mark.parametrize(
    ("structure", "varies"),
    [
        ("unstructured", [[1, 1], [1, 1]]),
        ("independent", [[1, 0], [0, 1]]),
        ("fixed_sensitivity", [[0, 0], [0, 1]]),
        ("fixed_specificity", [[1, 0], [0, 0]]),
        ("fixed", [[0, 0], [0, 0]]),
    ],
)
def test_a_structure_leaves_free_the_variances_that_its_name_does_not_fix(
    structure: Structure, varies: list[list[int]]
) -> None:
    about = design(structure)
    entries = about.cholesky(np.ones((1, about.n_free)))
    assert (covariance(entries)[0] != 0).astype(int).tolist() == varies


@pytest.mark.parametrize("structure", STRUCTURES)
def test_derivatives_of_the_studies_add_up_to_those_of_the_free_parameters(structure: Structure) -> None:
    about, rows = design(structure), 2
    score = RANDOM.normal(size=(rows * K, 5))
    root = RANDOM.normal(size=(rows * K, 5, 5))
    hessian = root + root.transpose(0, 2, 1)

    def value(theta: np.ndarray) -> np.ndarray:
        local = about.local(theta).T
        each = (score * local).sum(axis=1) + 0.5 * np.einsum("na,nab,nb->n", local, hessian, local)
        return each.reshape(rows, K).sum(axis=1)

    gradient, total = about.gather(score, hessian)
    p = about.n_free
    # Of a quadratic function, differences give the derivatives at 0 exactly.
    unit = [np.tile(axis, (rows, 1)) for axis in np.eye(p)]
    for i in range(p):
        np.testing.assert_allclose(gradient[:, i], (value(unit[i]) - value(-unit[i])) / 2, atol=1e-12)
        for j in range(p):
            mixed = value(unit[i] + unit[j]) - value(unit[i]) - value(unit[j])
            np.testing.assert_allclose(total[:, i, j], mixed, atol=1e-12)


def test_beyond_sixty_in_a_mean_or_thirty_in_a_spread_nothing_is_searched() -> None:
    about = design("unstructured")
    inner = np.array([59.9, -59.9, 59.9, 29.9, -29.9, 29.9])
    assert about.inside(np.array([inner])).tolist() == [True]
    beyond = np.array([np.where(np.arange(6) == i, np.sign(inner) * ([60] * 3 + [30] * 3), inner) for i in range(6)])
    assert not about.inside(beyond).any()


def test_a_design_without_covariates_has_a_mean_for_each_arm() -> None:
    about = Design.intercepts(4, "independent")
    assert (about.k, about.n_means, about.n_free) == (4, 2, 4)
    assert about.with_structure("fixed").n_free == 2
    np.testing.assert_allclose(
        about.local(np.array([[1.0, 2.0, 0.5, 0.6]])), np.tile([[1.0], [2.0], [0.5], [0.0], [0.6]], 4)
    )


def test_a_covariance_is_its_factor_times_itself_turned() -> None:
    entries = np.array([[0.7, -0.4, 0.5], [1.2, 0.0, 0.0]])
    for (l11, l21, l22), found in zip(entries, covariance(entries), strict=True):
        factor = np.array([[l11, 0.0], [l21, l22]])
        np.testing.assert_allclose(found, factor @ factor.T)


ONE = Counts.from_arrays([40, 0, 12], [5, 9, 0], [10, 8, 0], [80, 60, 7])
OTHER = Counts.from_arrays([20], [3], [4], [50])


def test_data_sets_of_any_size_are_stacked_and_the_shorter_filled_with_nobody() -> None:
    tables = Tables.stack([ONE, OTHER])
    assert tables.shape == (2, 3)
    assert tables.cells[0].tolist() == [[40, 5, 10, 80], [0, 9, 8, 60], [12, 0, 0, 7]]
    assert tables.cells[1].tolist() == [[20, 3, 4, 50], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert tables.y[:, 0].tolist() == [ONE.tp.tolist(), ONE.tn.tolist()]
    assert tables.n[:, 0].tolist() == [ONE.n_diseased.tolist(), ONE.n_nondiseased.tolist()]
    assert tables.n[:, 1].tolist() == [[24, 0, 0], [53, 0, 0]]
    assert tables.take(np.array([1])).cells.tolist() == [tables.cells[1].tolist()]


@pytest.mark.parametrize("correction", get_args(Correction))
def test_each_data_set_is_corrected_as_if_it_were_alone(correction: Correction) -> None:
    found = Tables.stack([ONE, OTHER]).correct(correction)
    assert found[0].tolist() == np.stack(corrected(ONE, correction), axis=1).tolist()
    assert found[1, :1].tolist() == np.stack(corrected(OTHER, correction), axis=1).tolist()
    assert not found[1, 1:].any()
