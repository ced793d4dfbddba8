"""Is the uncertainty of reconstructed tables carried into the pooled estimates, and by how much?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t

from livingreview.errors import ConvergenceError, DataError
from livingreview.reconstruction import reconstruct
from livingreview.reconstruction.imputation import _corners, combine, extremes, multiple_imputation
from livingreview.synthesis.batch import fit_many
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts

KNOWN = [
    [[40, 5, 10, 80]],
    [[55, 9, 8, 60]],
    [[20, 2, 7, 45]],
    [[62, 12, 11, 90]],
]
UNCERTAIN = [[33, 4, 5, 70], [30, 4, 8, 70], [25, 9, 13, 65]]


def test_do_known_tables_give_the_ordinary_fit() -> None:
    cells = np.array(KNOWN)[:, 0]
    ordinary = fit(Counts.from_arrays(*cells.T), structure="independent", quantile="t")
    imputed = multiple_imputation(KNOWN, draws=10, structure="independent")
    np.testing.assert_allclose(imputed.mu, ordinary.mu, rtol=1e-6)
    np.testing.assert_allclose(imputed.mu_cov, ordinary.mu_cov, rtol=1e-5)
    assert imputed.sensitivity.lower == pytest.approx(ordinary.sensitivity.lower, rel=1e-6)
    assert imputed.widening.tolist() == [1.0, 1.0]
    assert imputed.df == pytest.approx((3, 3))


def test_does_combining_follow_rubins_rules() -> None:
    # Three estimates of sensitivity −1, 0, 1: B = 1; W = 2; T = 2 + 4/3; ν = 2 (1 + 2 / (4/3))² = 12.5.
    mu = [[-1.0, 2.0], [0.0, 2.0], [1.0, 2.0]]
    covariance = [[[1.0, 0.1], [0.1, 0.5]], [[2.0, 0.1], [0.1, 0.5]], [[3.0, 0.1], [0.1, 0.5]]]
    result = combine(mu, covariance)
    assert result.mu.tolist() == [0.0, 2.0]
    assert result.mu_cov[0, 0] == pytest.approx(2 + 4 / 3)
    assert result.mu_cov[0, 1] == pytest.approx(0.1)
    assert result.df == (pytest.approx(12.5), np.inf)
    half = t.ppf(0.975, 12.5) * np.sqrt(10 / 3)
    assert (result.sensitivity.estimate, result.specificity.estimate) == pytest.approx((0.5, expit(2.0)))
    assert result.sensitivity.lower == pytest.approx(expit(-half))
    assert result.sensitivity.upper == pytest.approx(expit(half))
    assert result.widening[0] == pytest.approx(half / (1.959963984540054 * np.sqrt(2)))


def test_do_few_studies_leave_few_degrees_of_freedom() -> None:
    # As above, λ = (4/3) / (10/3) = 0.4; of four degrees of freedom remain 1 / (0.4² / 2 + 1 / (4 · 0.6)) = 2.0134.
    mu = [[-1.0, 2.0], [0.0, 2.0], [1.0, 2.0]]
    result = combine(mu, [np.diag([2.0, 0.5])] * 3, complete_df=(4.0, 6.0))
    assert result.df == pytest.approx((1 / (0.08 + 1 / 2.4), 6.0))
    half = t.ppf(0.975, result.df[0]) * np.sqrt(10 / 3)
    assert result.sensitivity.upper == pytest.approx(expit(half))
    assert result.widening == pytest.approx([half / (t.ppf(0.975, 4) * np.sqrt(2)), 1.0])
    ratio = np.log([result.diagnostic_odds_ratio.lower, result.diagnostic_odds_ratio.upper])
    assert np.ptp(ratio) / 2 == pytest.approx(t.ppf(0.975, result.df[0]) * np.sqrt(result.mu_cov.sum()))


def test_are_estimates_equal_that_differ_in_their_last_bits() -> None:
    result = combine([[1.0, 2.0], [np.nextafter(1.0, 2.0), 2.0]], [np.eye(2)] * 2)
    assert result.df == (np.inf, np.inf)
    apart = combine([[1.0, 2.0], [1.0 + 1e-8, 2.0]], [np.eye(2)] * 2)
    assert apart.between[0, 0] > 0


def test_does_the_result_say_how_much_wider_and_stay_as_it_is() -> None:
    result = combine([[-1.0, 2.0], [0.0, 2.0], [1.0, 2.0]], [np.diag([2.0, 0.5])] * 3)
    assert f"3 draws, intervals wider by {100 * (result.widening[0] - 1):.0f} %, 0 %)" in repr(result)
    for array in (result.mu, result.mu_cov, result.within, result.between):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_are_a_hundred_tables_drawn_from_seed_0_unless_asked_otherwise() -> None:
    tables = [*KNOWN, UNCERTAIN]
    found = multiple_imputation(tables, structure="fixed")
    assert found.draws == 100
    assert found.mu.tolist() == multiple_imputation(tables, draws=100, seed=0, structure="fixed").mu.tolist()
    assert multiple_imputation(tables, draws=2, structure="fixed").draws == 2


def test_are_weights_probabilities_up_to_scale() -> None:
    tables = [*KNOWN, UNCERTAIN]
    one, other = (
        multiple_imputation(tables, draws=40, seed=1, structure="fixed", weights=[[1.0]] * 4 + [last])
        for last in ([1.0, 3.0, 0.0], [0.25, 0.75, 0.0])
    )
    assert one.mu.tolist() == other.mu.tolist()
    for wrong in ([2.0, -1.0, 0.0], [0.0, 0.0, 0.0]):
        with pytest.raises(ValueError, match="not negative and not all zero"):
            multiple_imputation(tables, weights=[[1.0]] * 4 + [wrong])


def test_does_an_uncertain_table_widen_the_interval() -> None:
    imputed = multiple_imputation([*KNOWN, UNCERTAIN], draws=50, seed=3, structure="independent")
    assert np.all(imputed.widening > 1)
    assert np.all(np.linalg.eigvalsh(imputed.mu_cov - imputed.within) > -1e-12)


def test_does_a_failure_say_how_many_sets_of_tables_and_show_one() -> None:
    perfect = [[[40, 0, 10, 80]], [[55, 0, 8, 60]], [[20, 0, 7, 45]]]
    # Only where the last study has no false positive does specificity have no estimate.
    tables = [*perfect, [[33, 0, 5, 70], [30, 4, 8, 70]]]
    drawn = np.random.default_rng(5)
    for _ in perfect:
        drawn.choice(1, size=30)
    failing = int((drawn.choice(2, size=30) == 0).sum())
    assert 0 < failing < 30
    with pytest.raises(ConvergenceError, match=rf"^{failing} of 30 sets of tables .*; \[33, 0, 5, 70\]: .*specificity"):
        multiple_imputation(tables, draws=30, seed=5, structure="fixed")


def test_is_a_draw_decided_by_its_seed_and_weights() -> None:
    first, again, other = (
        multiple_imputation([*KNOWN, UNCERTAIN], draws=12, seed=seed, structure="independent") for seed in (5, 5, 6)
    )
    assert first.mu.tolist() == again.mu.tolist()
    assert first.mu.tolist() != other.mu.tolist()
    weights = [[1.0]] * 4 + [[0.0, 1.0, 0.0]]
    sure = multiple_imputation([*KNOWN, UNCERTAIN], weights=weights, draws=5, structure="independent")
    direct = fit_many(np.array([*KNOWN, [UNCERTAIN[1]]]).reshape(1, 5, 4), structure="independent")
    np.testing.assert_allclose(sure.mu, direct.mu[0], rtol=1e-6)
    assert sure.widening.tolist() == [1.0, 1.0]


def test_do_all_combinations_give_the_extremes() -> None:
    found = extremes([*KNOWN, UNCERTAIN], structure="independent")
    fits = fit_many(np.array([[*np.array(KNOWN)[:, 0], table] for table in UNCERTAIN]), structure="independent")
    assert (found.searched, found.fits) == ("all combinations", 3)
    assert found.sensitivity == pytest.approx((fits.sensitivity.min(), fits.sensitivity.max()), rel=1e-6)
    assert found.specificity == pytest.approx((fits.specificity.min(), fits.specificity.max()), rel=1e-6)


def test_do_corners_stay_within_all_combinations_and_reach_them_here() -> None:
    tables = [*KNOWN[:2], UNCERTAIN, [[20, 2, 7, 45], [18, 5, 9, 42], [22, 2, 5, 45]]]
    every = extremes(tables, structure="independent")
    corners = extremes(tables, structure="independent", most=1)
    assert (every.searched, corners.searched) == ("all combinations", "corners")
    assert corners.fits < every.fits
    assert every.sensitivity == pytest.approx(corners.sensitivity, rel=1e-6)
    assert every.specificity == pytest.approx(corners.specificity, rel=1e-6)


def test_are_corners_the_extremes_of_either_measure_of_their_sum_and_of_their_difference() -> None:
    # Sensitivity and specificity in hundredths; the last is inside, and the sizes tell counts from proportions.
    shares = {
        "highest sensitivity and difference": (90, 20), "lowest sensitivity": (10, 50), "highest specificity": (50, 95),
        "lowest specificity": (50, 5), "highest sum": (80, 80), "lowest sum": (20, 20), "lowest difference": (15, 75),
        "none": (50, 50),
    }  # fmt: skip
    sizes = [(1, 7), (9, 2), (1, 1), (3, 8), (1, 1), (9, 9), (6, 1), (20, 20)]
    tables = np.array(
        [
            (a * sens, b * (100 - spec), a * (100 - sens), b * spec)
            for (sens, spec), (a, b) in zip(shares.values(), sizes, strict=True)
        ]
    )
    corners = {tuple(table) for table in _corners(tables).tolist()}
    assert corners == {tuple(table) for table in tables[:-1].tolist()}
    without_an_arm = np.array([[0, 30, 0, 70], [1, 30, 1, 70], [1, 30, 0, 70]])
    assert _corners(without_an_arm)[[0, 2]].tolist() == [[0, 30, 0, 70], [1, 30, 0, 70]]


def test_are_both_the_smallest_and_the_largest_of_tied_tables_corners() -> None:
    perfect = np.array([[28, 1, 0, 6], [158, 5, 0, 29], [60, 2, 0, 12], [57, 3, 3, 27]])
    corners = {tuple(table) for table in _corners(perfect).tolist()}
    assert corners >= {(28, 1, 0, 6), (158, 5, 0, 29)}


def test_are_as_many_combinations_as_allowed_all_fitted() -> None:
    tables = [*KNOWN, UNCERTAIN]
    assert extremes(tables, structure="fixed", most=3).searched == "all combinations"
    assert extremes(tables, structure="fixed", most=2).searched == "corners"


def test_does_a_reconstruction_serve_as_tables() -> None:
    martini = reconstruct({"sensitivity": "95", "accuracy": "88", "ppv": "83"}, n=42)
    found = extremes([*KNOWN, martini.tables], structure="independent")
    assert found.fits == 2
    assert found.sensitivity[0] < found.sensitivity[1]


def test_are_impossible_requests_refused() -> None:
    with pytest.raises(DataError, match="IMPUTATION-001") as raised:
        multiple_imputation([KNOWN[0], np.empty((0, 4)), np.empty((0, 4))])
    assert [fault.line for fault in raised.value.faults] == [2, 3]
    with pytest.raises(ValueError, match="at least 2 draws"):
        multiple_imputation(KNOWN, draws=1)
    with pytest.raises(ValueError, match="not negative"):
        multiple_imputation(KNOWN, weights=[[1.0], [1.0], [1.0], [-1.0]])
