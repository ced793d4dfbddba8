"""Does simple pooling count whom it should, and refuse the sums that have no ratio? Its numbers: `test_metadisc`."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from livingreview.errors import DataError, TooFewStudies
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.simple_pooling import (
    Measure,
    log_ratios,
    mantel_haenszel,
    pooled_ratio,
    pooled_sensitivity,
    pooled_specificity,
)

THREE = Counts.from_arrays(tp=[45, 60, 31], fp=[10, 4, 6], fn=[5, 20, 9], tn=[90, 40, 52])
MEASURES: tuple[Measure, ...] = ("diagnostic_odds_ratio", "likelihood_ratio_positive", "likelihood_ratio_negative")


def test_a_study_of_one_participant_counts() -> None:
    pooled = pooled_sensitivity(Counts.from_arrays(tp=[1, 8, 0], fp=[3, 1, 2], fn=[0, 2, 0], tn=[9, 9, 9]))
    assert (pooled.x, pooled.n, pooled.df) == (9, 11, 1)


def test_heterogeneity_is_the_likelihood_ratio_test_of_the_cross_table() -> None:
    pooled = pooled_specificity(THREE)
    table = np.stack([THREE.tn, THREE.fp])
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert (pooled.chi2, pooled.df, pooled.p) == pytest.approx((expected.statistic, expected.dof, expected.pvalue))
    assert pooled.i2 == pytest.approx(max(0.0, (pooled.chi2 - pooled.df) / pooled.chi2))


def test_without_the_participants_that_it_needs_a_margin_is_refused() -> None:
    diseased_only = Counts.from_arrays(tp=[4, 5], fp=[0, 0], fn=[1, 2], tn=[0, 0])
    assert pooled_sensitivity(diseased_only).n == 12
    with pytest.raises(TooFewStudies, match="that specificity needs"):
        pooled_specificity(diseased_only)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_ratio_of_equal_studies_is_that_of_each_whatever_the_method(measure: Measure) -> None:
    alike = THREE.subset([1, 1, 1, 1])
    (y, *_), (v, *_) = log_ratios(alike, measure, "none")
    for method in ("mantel_haenszel", "dersimonian_laird"):
        pooled = pooled_ratio(alike, measure, method)  # type: ignore[arg-type]
        assert (pooled.log_estimate, pooled.log_se**2, pooled.tau2) == pytest.approx((y, v / 4, 0))
        assert (pooled.q, pooled.i2) == pytest.approx((0, 0), abs=1e-12)


def test_the_fixed_effect_has_no_variance_between_studies() -> None:
    spread = Counts.from_arrays(tp=[45, 20, 31], fp=[10, 30, 2], fn=[5, 40, 9], tn=[90, 40, 52])
    assert pooled_ratio(spread, "diagnostic_odds_ratio", "dersimonian_laird").tau2 > 0.5
    assert pooled_ratio(spread, "diagnostic_odds_ratio", "mantel_haenszel").tau2 == 0


@pytest.mark.parametrize(
    ("measure", "cell"),
    [
        ("diagnostic_odds_ratio", "tp"),
        ("diagnostic_odds_ratio", "fn"),
        ("likelihood_ratio_positive", "tp"),
        ("likelihood_ratio_positive", "fp"),
        ("likelihood_ratio_negative", "fn"),
        ("likelihood_ratio_negative", "tn"),
    ],
)
def test_a_zero_in_the_same_place_of_every_study_leaves_no_sum_to_divide(measure: Measure, cell: str) -> None:
    cells = {"tp": [4, 5], "fp": [2, 1], "fn": [1, 2], "tn": [7, 9]} | {cell: [0, 0]}
    with pytest.raises(DataError) as raised:
        mantel_haenszel(Counts.from_arrays(**cells), measure)
    assert [(fault.line, fault.code) for fault in raised.value.faults] == [(0, "RATIO-002")]


def test_a_ratio_without_sampling_variance_is_refused() -> None:
    everybody_positive = Counts.from_arrays(tp=[5, 6], fp=[4, 2], fn=[0, 1], tn=[0, 3])
    with pytest.raises(DataError, match="row 1"):
        log_ratios(everybody_positive, "likelihood_ratio_positive", "none")


def test_a_coverage_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="level is between 0 and 1"):
        pooled_ratio(THREE, "diagnostic_odds_ratio", "mantel_haenszel", level=95)
    with pytest.raises(ValueError, match="level is between 0 and 1"):
        pooled_sensitivity(THREE, level=95)
