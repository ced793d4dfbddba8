"""Do figures of a printed page lead back to what they were computed from?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from livingreview.reconstruction import implied
from livingreview.synthesis import metadisc


def test_a_printed_auc_and_its_q_star_come_from_one_odds_ratio() -> None:
    log_dor = implied.log_dor_from_auc(0.9831)
    assert metadisc.q_star_from_log_dor(log_dor) == pytest.approx(0.9432, abs=5e-5)
    from_auc = implied.log_dor_se_from_auc_se(0.9831, 0.0044)
    # The slope of Q* along the log odds ratio is Q*(1 − Q*) / 2.
    assert from_auc == pytest.approx(0.0088 / (0.5 * 0.9432 * (1 - 0.9432)), rel=0.02)


def test_heterogeneity_figures_imply_the_number_of_studies() -> None:
    by_df = {df: implied.heterogeneity_from_i2(0.343, df).p for df in (5, 6, 7)}
    assert {df: f"{p:.3f}" for df, p in by_df.items()} == {5: "0.179", 6: "0.166", 7: "0.154"}


@pytest.mark.parametrize(
    "printed",
    [
        ("0.80", "0.44", "0.97"), ("0.800", "0.70", "0.88"), ("0.778", "0.4", "1.0"), ("0.222", "0.0", "0.6"),
        ("0.00", "0.00", "0.31"), ("1.00", "0.69", "1.00"),
    ],
)  # fmt: skip
def test_the_totals_behind_a_rounded_interval_are_those_a_direct_search_finds(printed: tuple[str, str, str]) -> None:
    def prints(figure: float, text: str) -> bool:
        return f"{figure:.{len(text) - 2}f}" == text

    estimate, lower, upper = printed
    expected = [
        (x, n)
        for n in range(1, 200)
        for x in range(n + 1)
        if prints(x / n, estimate)
        and prints(special.betaincinv(x, n - x + 1, 0.025) if x else 0.0, lower)
        and prints(special.betaincinv(x + 1, n - x, 0.975) if x < n else 1.0, upper)
    ]
    found = implied.totals_behind(*printed)
    assert expected
    assert list(zip(found.x.tolist(), found.n.tolist(), strict=True)) == expected


@pytest.mark.parametrize("estimate", ["0.12", "0.13"])
def test_an_eighth_is_half_way_and_prints_either_way(estimate: str) -> None:
    found = implied.totals_behind(estimate, "0.00", "0.53")
    assert (1, 8) in set(zip(found.x.tolist(), found.n.tolist(), strict=True))


def test_heterogeneity_refuses_what_is_not_such_a_figure() -> None:
    for i2 in (0, 1):
        with pytest.raises(ValueError, match="both excluded"):
            implied.heterogeneity_from_i2(i2, 3)
    with pytest.raises(ValueError, match="degree"):
        implied.heterogeneity_from_i2(0.5, 0)


@pytest.mark.slow
def test_larger_totals_are_searched_past_the_first_block() -> None:
    found = implied.totals_behind("0.691", "0.684", "0.698")
    assert (11236, 16261) in set(zip(found.x.tolist(), found.n.tolist(), strict=True))
    assert found.range is not None
    assert found.range[1] > 2 * implied.BLOCK


def test_figures_that_contradict_one_another_have_no_totals_and_coarse_ones_no_bound() -> None:
    assert implied.totals_behind("0.90", "0.10", "0.95").range is None
    with pytest.raises(ValueError, match="too close"):
        implied.totals_behind("0.94", "0.94", "0.94")
    with pytest.raises(ValueError, match="proportion"):
        implied.totals_behind("94", "92", "96")
    with pytest.raises(ValueError, match="proportion"):
        implied.totals_behind("1.01", "0.92", "0.96")


@pytest.mark.parametrize("figure", [0, 1, 1.2])
def test_no_odds_ratio_has_an_area_of_none_or_all(figure: float) -> None:
    with pytest.raises(ValueError, match="AUC is between 0 and 1"):
        implied.log_dor_from_auc(figure)


@given(st.floats(-30, 30), st.floats(0.001, 3))
def test_every_symmetric_curve_figure_inverts(log_dor: float, se: float) -> None:
    curve = metadisc.symmetric_sroc(log_dor, se)
    if 1e-9 < curve.auc.estimate < 1 - 1e-9:
        conditioning = 1e-14 / metadisc.auc_slope(log_dor)
        assert implied.log_dor_from_auc(curve.auc.estimate) == pytest.approx(log_dor, abs=1e-9 + conditioning)
        implied_se = implied.log_dor_se_from_auc_se(curve.auc.estimate, curve.auc_se)
        assert implied_se == pytest.approx(se, rel=1e-6 + 10 * conditioning)


@given(st.floats(0.001, 0.999), st.integers(1, 60))
def test_heterogeneity_is_the_same_test_in_each_of_its_forms(i2: float, df: int) -> None:
    one = implied.heterogeneity_from_i2(i2, df)
    assert one.i2 == pytest.approx(i2, abs=1e-12)
    if one.p > 1e-300:
        assert special.chdtri(df, one.p) == pytest.approx(one.q, rel=1e-8)
