"""Is a record folded so that two spellings of one thing are equal, and two things are not?"""

from __future__ import annotations

import pytest

from livingreview.search.normalise import first_page, normalise
from livingreview.search.records import Record, find_doi, find_pmid


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ("01-Jun", ("", "")),
        ("Jan-06", ("", "")),
        ("1-6", ("1", "6")),
        ("no pages", ("", "")),
        ("123-8", ("123", "128")),
    ],
)
def test_is_a_page_that_a_spreadsheet_made_a_date_unknown(pages: str, found: tuple[str, str]) -> None:
    assert first_page(pages) == found


@pytest.mark.parametrize(
    ("title", "digits"),
    [
        ("Segmentation of the heart. Part II", "2"),
        ("Segmentation of the heart: part two", "2"),
        ("Segmentation of the heart II", "2"),
        ("Segmentation of the heart, 2", "2"),
        ("Segmentation of the heart i", ""),
        ("Segmentation of the heart", ""),
    ],
)
def test_does_a_number_at_the_end_of_a_title_count_however_it_is_written(title: str, digits: str) -> None:
    assert normalise(Record("made.csv", 0, title=title)).digits == digits


def test_are_identifiers_found_in_what_stands_around_them() -> None:
    assert find_doi("(see doi:10.5555/made(2021)1).") == "10.5555/made(2021)1"
    assert find_doi("[10.5555/made.1]).") == "10.5555/made.1"
    assert find_pmid("PMID: 99000042") == "99000042"
