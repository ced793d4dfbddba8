"""Are raw agreement, kappa and its interval those of the literature and of other programs?"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from livingreview.screening.agreement import agreement, disagreements, pairwise_agreement
from livingreview.screening.ledger import Decision

# statsmodels 0.15.0, stats.inter_rater.cohens_kappa: kappa, lower and upper limit.
STATSMODELS = {
    ((20, 5), (10, 15)): (0.3999999999999999, 0.151092290476661, 0.6489077095233389),
    ((118, 6), (4, 12)): (0.6653919694072661, 0.4727530554329914, 0.8580308833815408),
    ((4, 8), (7, 981)): (0.3402533427163957, 0.08830341046218138, 0.59220327497061),
}
# Both compute the same closed form in double precision.
ROUNDING = 1e-12


@pytest.mark.parametrize("table", STATSMODELS)
def test_kappa_and_interval_are_those_of_statsmodels(table: tuple[tuple[int, int], ...]) -> None:
    kappa = agreement(table).kappa
    assert kappa is not None
    assert (kappa.value, kappa.lower, kappa.upper) == pytest.approx(STATSMODELS[table], abs=ROUNDING)


@pytest.mark.slow
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[bool, bool]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    table = np.zeros((2, 2), dtype=int)
    for first, second in pairs:
        table[int(first), int(second)] += 1
    kappa = agreement(table).kappa
    if kappa is None:
        assert len({value for pair in pairs for value in pair}) == 1
        return
    expected = metrics.cohen_kappa_score(*zip(*pairs, strict=True), labels=[False, True])
    assert kappa.value == pytest.approx(expected, abs=ROUNDING)
    assert kappa.lower <= kappa.value <= kappa.upper


def test_the_kappa_paradox_shows_in_the_prevalence_adjusted_kappa() -> None:
    found = agreement(((4, 8), (7, 981)))
    assert found.raw.value == pytest.approx(0.985)
    assert found.pabak.value == pytest.approx(2 * 0.985 - 1)
    assert found.kappa is not None
    assert found.kappa.value < 0.4 < 0.9 < found.pabak.value
    wilson = binomtest(985, 1000).proportion_ci(method="wilson")
    assert (found.raw.lower, found.raw.upper) == pytest.approx((wilson.low, wilson.high), abs=ROUNDING)


def test_an_impossible_table_is_refused() -> None:
    for table in ([[0, 0], [0, 0]], [[1, -1], [0, 3]]):
        with pytest.raises(ValueError, match="counts of at least one record"):
            agreement(table)


def test_overlap_only_counts_and_unsure_goes_on() -> None:
    def row(record: str, person: str, decision: str, kind: str = "decision") -> Decision:
        return Decision(record, "title_abstract", person, decision, "", date(2026, 1, 1), kind)

    rows = [
        *(row("a", who, "include") for who in ("Ada", "Bob")),
        row("b", "Ada", "unsure"), row("b", "Bob", "exclude"),
        row("c", "Ada", "exclude"), row("c", "Bob", "exclude"),
        row("d", "Ada", "exclude"),
        row("e", "Ada", "exclude"), row("e", "Bob", "include"), row("e", "Cy", "include", "adjudication"),
    ]  # fmt: skip
    (found,) = pairwise_agreement(rows, "title_abstract")
    assert found.people == ("Ada", "Bob")
    assert found.table == ((1, 1), (1, 1))
    assert list(disagreements(rows, "title_abstract")) == ["b"]
    assert found.n == 4
    assert pairwise_agreement(rows, "full_text") == ()
