"""Are the quality summaries those of the table's own section points?"""

import pytest

from livingreview.analysis.appraisal import (
    SECTION_MAXIMA,
    SECTION_TITLES,
    claim_scores,
    claim_sections,
    claim_table,
    quadas_counts,
)
from livingreview.review import Review


def test_claim_agrees_with_the_printed_mean_and_extremes(review: Review) -> None:
    percent = claim_scores(review)["percent"]
    printed = review.baseline["characteristics"].set_index("characteristic")["percent"]
    assert len(percent) == 62
    assert round(percent.mean(), 2) == printed["claim_mean_percent"]
    assert round(percent.max(), 2) == printed["claim_max_percent"]
    assert round(percent.min(), 2) == printed["claim_min_percent"]
    assert percent[0] == pytest.approx(100 * 31 / 42)


def test_totals_are_the_tables(review: Review) -> None:
    assert list(claim_scores(review)["total"]) == list(review.baseline["claim"]["total"])
    assert len(claim_table(review)) == 62


def test_sections_hold_the_instruments_items(review: Review) -> None:
    items = review.instruments["claim-2020"].items
    for section, maximum in SECTION_MAXIMA.items():
        assert sum(item.section == section for item in items) == maximum
    sections = claim_sections(review)
    assert list(sections) == [SECTION_TITLES[name] for name in SECTION_MAXIMA]
    assert all(0 < percent <= 100 for percent in sections.values())


def test_overall_judgements_add_up(review: Review) -> None:
    counts = quadas_counts(review)
    assert set(counts) == {"low", "some concerns", "high"}
    assert sum(counts.values()) == 62
