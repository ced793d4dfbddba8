"""Do the figures of what the searches yielded follow from the ledgers, and stay blank where those are silent?"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from livingreview.analysis.ledgers import database_yield, inclusion_lag, overlap_of_databases, run_yield
from livingreview.review import Review, label
from screening_data import add_update, decide


def test_the_base_review_published_no_records(review: Review) -> None:
    assert overlap_of_databases(review) == {}
    table = run_yield(review)
    assert table["Records"].sum() == 1510
    assert table[["New", "Found nowhere else"]].isna().all(axis=None)
    assert database_yield(review)["Publications"].isna().all()


@pytest.mark.slow
def test_an_update_counts_what_only_one_database_found(data_copy: Path) -> None:
    add_update(data_copy)
    decide(data_copy, "embase-1", "include")
    review = Review.load(data_copy)
    assert overlap_of_databases(review) == {
        frozenset({"PubMed", "Embase"}): 2,
        frozenset({"PubMed"}): 1,
        frozenset({"Embase"}): 2,
    }
    runs = run_yield(review).set_index("Date").loc["2026-12-01"].set_index("Database")
    assert runs.loc["PubMed"].tolist() == [4, 3, 1, 1]
    assert runs.loc["Embase"].tolist() == [4, 4, 2, 1]
    bases = database_yield(review).set_index("Database")
    assert bases.loc["PubMed"].tolist() == [2, "2026-12-01", 588, 3, 1]
    assert bases.loc[["Scopus", "Web of Science"], "Publications"].isna().all()
    earlier = Review.load(data_copy, as_of="2026-11-30")
    assert overlap_of_databases(earlier) == {}


def test_without_a_look_for_copies_nothing_is_called_unique(data_copy: Path) -> None:
    add_update(data_copy, clusters=False)
    review = Review.load(data_copy)
    assert overlap_of_databases(review) == {}
    assert run_yield(review)["Found nowhere else"].isna().all()


def test_the_lag_counts_days_from_publication_to_the_version(review: Review) -> None:
    lag = inclusion_lag(review)
    assert lag[label(review.study("agibetov2021"))] == (date(2025, 7, 31) - date(2021, 12, 1)).days
    assert len(lag) == len(review.included)
    undated = {label(study) for study in review.included if study.report.published is None}
    assert set(lag.index[lag.isna()]) == undated
