"""Are the quality summaries those of the table's own section points?"""

import pytest

from livingreview.analysis.appraisal import SECTION_MAXIMA, SECTION_TITLES, claim_summary, quadas_summary
from livingreview.review import Review


def test_claim_agrees_with_the_printed_mean_and_extremes(review: Review) -> None:
    summary = claim_summary(review)
    printed = review.baseline["characteristics"].set_index("characteristic")["percent"]
    assert summary.studies == 62
    assert round(summary.mean_percent, 2) == printed["claim_mean_percent"]
    assert round(summary.max_percent, 2) == printed["claim_max_percent"]
    assert round(summary.min_percent, 2) == printed["claim_min_percent"]


def test_ties_are_told(review: Review) -> None:
    summary = claim_summary(review)
    assert summary.max_rows == (34,)
    assert summary.min_rows == (9, 48)


def test_sections_hold_the_instruments_items(review: Review) -> None:
    items = review.instruments["claim-2020"].items
    for section, maximum in SECTION_MAXIMA.items():
        assert sum(item.section == section for item in items) == maximum
    assert set(SECTION_TITLES) == set(SECTION_MAXIMA)
    sections = claim_summary(review).sections
    assert (sections["mean"] <= sections["maximum"]).all()


def test_totals_are_the_tables(review: Review) -> None:
    summary = claim_summary(review)
    assert list(summary.totals) == list(review.baseline["claim"]["total"])
    assert summary.percents[0] == pytest.approx(100 * 31 / 42)


def test_overall_judgements_add_up(review: Review) -> None:
    bias = quadas_summary(review)
    assert bias.studies == 62
    assert bias.percent("low") + bias.percent("some_concerns") + bias.percent("high") == pytest.approx(100)
