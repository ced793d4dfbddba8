"""Are the measures of a study, and their intervals, those that the field defines?"""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from golden_cases import EVERY
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.measures import (
    accuracy,
    diagnostic_odds_ratio,
    likelihood_ratio_negative,
    likelihood_ratio_positive,
    npv,
    ppv,
    sensitivity,
    specificity,
)

# The reference numbers are printed with 13 significant digits.
CLOSED_FORM = 1e-9
TWO = Counts.from_arrays(tp=[45, 60], fp=[10, 0], fn=[5, 20], tn=[90, 40])

cells = st.integers(min_value=0, max_value=5000)
tables = st.lists(st.tuples(cells, cells, cells, cells).filter(any), min_size=1, max_size=12).map(
    lambda rows: Counts.from_arrays(*np.array(rows).T)
)


PROPORTIONS = {
    sensitivity: ("tp", "fn"),
    specificity: ("tn", "fp"),
    ppv: ("tp", "fp"),
    npv: ("tn", "fn"),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["wilson", "clopper_pearson"])
@pytest.mark.parametrize("measure", [*PROPORTIONS, accuracy])
@settings(max_examples=20)
@given(counts=tables, level=st.sampled_from([0.8, 0.95, 0.99]))
def test_proportions_agree_with_scipy(measure, method, counts, level):
    ours = measure(counts, level=level, method=method)
    for row in range(counts.k):
        if measure is accuracy:
            x = int(counts.tp[row] + counts.tn[row])
            n = x + int(counts.fp[row] + counts.fn[row])
        else:
            hit, miss = PROPORTIONS[measure]
            x = int(getattr(counts, hit)[row])
            n = x + int(getattr(counts, miss)[row])
        if n == 0:
            assert np.isnan([ours.estimate[row], ours.lower[row], ours.upper[row]]).all()
            continue
        theirs = stats.binomtest(x, n).proportion_ci(level, "exact" if method == "clopper_pearson" else method)
        assert ours.estimate[row] == pytest.approx(x / n)
        assert ours.lower[row] == pytest.approx(theirs.low, abs=CLOSED_FORM)
        assert ours.upper[row] == pytest.approx(theirs.high, abs=CLOSED_FORM)
        assert 0 <= ours.lower[row] <= ours.estimate[row] <= ours.upper[row] <= 1


@pytest.mark.parametrize("method", ["wilson", "clopper_pearson"])
def test_proportions_of_one_to_four_participants_agree_with_scipy(method):
    pairs = [(x, n) for n in range(1, 5) for x in range(n + 1)]
    ours = sensitivity(Counts.from_arrays(*zip(*((x, 1, n - x, 1) for x, n in pairs), strict=True)), method=method)
    for row, (x, n) in enumerate(pairs):
        theirs = stats.binomtest(x, n).proportion_ci(0.95, "exact" if method == "clopper_pearson" else method)
        expected = (x / n, theirs.low, theirs.high)
        assert (ours.estimate[row], ours.lower[row], ours.upper[row]) == pytest.approx(expected, abs=CLOSED_FORM)


@pytest.mark.slow
@given(tables)
def test_swapping_the_labels_swaps_sensitivity_and_specificity(counts):
    for ours, theirs in [(sensitivity, specificity), (ppv, npv), (accuracy, accuracy)]:
        for field in ("estimate", "lower", "upper"):
            np.testing.assert_array_equal(getattr(ours(counts), field), getattr(theirs(counts.swapped()), field))


@pytest.mark.slow
@given(tables)
def test_the_odds_ratio_is_the_ratio_of_the_likelihood_ratios_and_survives_the_swap(counts):
    dor = diagnostic_odds_ratio(counts)
    ratio = likelihood_ratio_positive(counts).estimate / likelihood_ratio_negative(counts).estimate
    np.testing.assert_allclose(dor.estimate, ratio, rtol=1e-9)
    np.testing.assert_allclose(dor.estimate, diagnostic_odds_ratio(counts.swapped()).estimate, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("measure", "key"),
    [
        (diagnostic_odds_ratio, "DOR"),
        (likelihood_ratio_positive, "LRpos"),
        (likelihood_ratio_negative, "LRneg"),
    ],
)
@pytest.mark.parametrize(
    ("correction", "golden_key"),
    [("single", "correction_only0"), ("all_if_any", "correction_if0all"), ("all", "correction_all")],
)
def test_ratios_and_their_intervals_agree_with_metafor(load_case, name, measure, key, correction, golden_key):
    # metafor's fixed-effect pool is a closed form of the study-level logs and variances, so it judges both.
    case = load_case(name)
    golden = case.expected["d_univariate"][key][golden_key]["FE"]
    ours = measure(case.counts, correction=correction)
    log_ratio = np.log(ours.estimate)
    weight = (2 * stats.norm.ppf(0.975) / np.log(ours.upper / ours.lower)) ** 2
    beta, se = np.average(log_ratio, weights=weight), weight.sum() ** -0.5
    assert [beta, se] == pytest.approx([golden["beta"], golden["se"]], rel=CLOSED_FORM)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(("measure", "key"), [(sensitivity, "sens"), (specificity, "spec")])
def test_the_exact_interval_agrees_with_r(load_case, name, measure, key):
    case = load_case(name)
    golden = case.expected["d_univariate"][key]["simple_pool"]
    totals = {cell: [int(getattr(case.counts, cell).sum())] for cell in ("tp", "fp", "fn", "tn")}
    ours = measure(Counts.from_arrays(**totals), method="clopper_pearson")[0]
    expected = [golden["est"], *golden["ci_clopper_pearson"]]
    assert [ours.estimate, ours.lower, ours.upper] == pytest.approx(expected, abs=CLOSED_FORM)


def test_a_zero_cell_without_correction_gives_an_unbounded_interval():
    ours = likelihood_ratio_positive(TWO, correction="none")[1]
    assert ours == Interval(np.inf, 0.0, np.inf, 0.95)
    assert ours.to_dict() == {"estimate": None, "ci": [0.0, None], "level": 0.95}


@pytest.mark.parametrize(
    "measure",
    [*PROPORTIONS, accuracy, diagnostic_odds_ratio, likelihood_ratio_positive, likelihood_ratio_negative],
)
def test_the_coverage_is_95_percent_unless_asked_otherwise(measure):
    assert measure(TWO)[0] == measure(TWO, level=0.95)[0]


def test_a_row_with_one_arm_has_no_ratio():
    one_arm = Counts.from_arrays([5], [0], [5], [0])
    assert np.isnan(diagnostic_odds_ratio(one_arm, correction="all").estimate[0])
    assert sensitivity(one_arm).estimate[0] == 0.5


def test_results_become_plain_json():
    ours = specificity(TWO)
    read = json.loads(json.dumps(ours.to_dict(), allow_nan=False))
    assert read["studies"][0]["estimate"] == 0.9
    assert str(ours[0]) == "0.900 [0.826, 0.945]"
    assert len(ours) == 2


def test_an_unknown_method_or_coverage_is_refused():
    with pytest.raises(ValueError, match="'wilson' or 'clopper_pearson'"):
        sensitivity(TWO, method="wald")
    with pytest.raises(ValueError, match="level is between 0 and 1"):
        sensitivity(TWO, level=95)
