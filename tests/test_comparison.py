"""Does the rule give its reason for taking two records for one publication, and none where something objects?"""

from __future__ import annotations

from dataclasses import replace

import pytest

import test_dedupe
from livingreview.search.comparison import compare, objection, reports_of_one_study, same_publication
from livingreview.search.normalise import normalise

ARTICLE = replace(test_dedupe.ARTICLE, doi="", pmid="")
IDENTIFIED = {"doi": "10.5555/invented.2021.0042"}
SHORT = "Convolutional networks for segmentation of the ventricles"
EDITORIAL = "Editorial: the year in imaging"


def reason(first: dict[str, object], second: dict[str, object]) -> str:
    a, b = (normalise(replace(ARTICLE, **changes)) for changes in (first, second))
    like = compare(a, b)
    assert same_publication(b, a, compare(b, a)) == same_publication(a, b, like), "the order matters"
    return same_publication(a, b, like)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (IDENTIFIED, IDENTIFIED, "same DOI and title"),
        ({"pmid": "99000042"}, {"pmid": "99000042", "volume": "", "pages": ""}, "same PMID and title"),
        ({}, {}, "same title, volume and page"),
        ({}, {"volume": ""}, "same title, authors, journal and page"),
        ({}, {"volume": "", "issue": "", "pages": ""}, "same title, authors, journal and year"),
        ({}, {"title": SHORT}, "title cut short, same authors and place"),
        ({}, {"title": ARTICLE.title.replace("phantoms", "phants x")}, "similar title, same authors and place"),
        ({}, {"authors": ("Maria, Zoe",)}, "same title and place"),
        ({"title": EDITORIAL}, {"title": EDITORIAL}, "usual title, same authors and place"),
    ],
)
def test_does_a_vote_say_what_it_rests_on(first: dict[str, object], second: dict[str, object], expected: str) -> None:
    assert reason(first, second) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"year": 2024}),
        ({}, {"authors": ("Maria, Zoe",), "title": SHORT}),
        ({"title": EDITORIAL}, {"title": EDITORIAL, "issue": "4", "pages": "1-2"}),
        ({}, {"title": ""}),
        ({}, {"volume": "", "pages": "", "journal": "Annals of Trees"}),
        ({}, {"volume": "", "pages": "", "title": SHORT}),
        (IDENTIFIED, {**IDENTIFIED, "pages": "12-19", "volume": "13"}),
        (IDENTIFIED, {**IDENTIFIED, "title": EDITORIAL, "pages": "12-19", "volume": "13"}),
    ],
)
def test_is_there_no_vote_where_too_little_agrees(first: dict[str, object], second: dict[str, object]) -> None:
    assert reason(first, second) == ""


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {"title": "Erratum to: " + ARTICLE.title}, "one is a notice (erratum) and the other is not"),
        ({}, {"journal": "medRxiv"}, "one is a preprint"),
        ({}, {"title": ARTICLE.title + ": 2 year results"}, "numbers in the titles differ"),
        (IDENTIFIED, {**IDENTIFIED, "title": "A survey of tree bark"}, "same identifier, other title"),
        ({}, {"volume": "41", "pages": "12-19"}, "other volume and page"),
        ({"pmid": "99000042"}, {"pmid": "99000043"}, "other PMID"),
        (IDENTIFIED, {"doi": "10.5555/invented.2021.0077", "pages": "12-19"}, "other DOI"),
        ({}, {}, ""),
    ],
)
def test_does_an_objection_say_why(first: dict[str, object], second: dict[str, object], expected: str) -> None:
    a, b = (normalise(replace(ARTICLE, **changes)) for changes in (first, second))
    assert objection(a, b, compare(a, b)) == expected


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ({"journal": "J Invent Imaging"}, {}, True),
        ({"journal": "JII"}, {"journal": "Journal Invented Imaging"}, True),
        ({"journal": "Natl Rev Trees"}, {"journal": "National Review of Trees"}, True),
        ({"journal": "Annals of Bark"}, {}, False),
    ],
)
def test_are_journals_known_by_their_abbreviations(
    first: dict[str, object], second: dict[str, object], alike: bool
) -> None:
    a, b = (normalise(replace(ARTICLE, **changes)) for changes in (first, second))
    assert (compare(a, b).journal > 0) == alike


def test_is_a_preprint_linked_to_its_article_under_another_title() -> None:
    article = normalise(ARTICLE)
    posted = {"journal": "medRxiv", "volume": "", "issue": "", "pages": ""}
    renamed = normalise(replace(ARTICLE, title=SHORT + " in phantoms", **posted))
    assert reports_of_one_study(renamed, article, compare(renamed, article))
    other = normalise(replace(ARTICLE, authors=("Zimmer, Jo", "Yang, Li"), **posted))
    assert not reports_of_one_study(other, article, compare(other, article))
    assert not reports_of_one_study(article, article, compare(article, article))
