"""Is the feed what RFC 4287 asks for, and does it tell a subscriber each thing once, for good?"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import pytest

from livingreview.living.releases import read_releases
from livingreview.publish.beside import atom
from published import HOSTILE, SITE, with_site, with_study

A = "{http://www.w3.org/2005/Atom}"
# RFC 3339, as section 3.3 of RFC 4287 asks for.
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def entries(feed: ET.Element) -> list[ET.Element]:
    return feed.findall(f"{A}entry")


def texts(elements: list[ET.Element], name: str) -> list[str]:
    return [element.findtext(f"{A}{name}", "") for element in elements]


@pytest.fixture(scope="module")
def feed(review) -> ET.Element:
    return ET.fromstring(atom(review))


def test_it_has_what_rfc_4287_requires(feed):
    assert feed.tag == f"{A}feed"
    assert len(entries(feed)) > 0
    for element in (feed, *entries(feed)):
        # Sections 4.1.1 and 4.1.2: exactly one each of id, title and updated.
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{A}{name}")) == 1
            assert element.findtext(f"{A}{name}")
        assert STAMP.fullmatch(element.findtext(f"{A}updated"))
        # 4.1.2: an entry without content has an alternate link; 4.1.1: not two of one type and language.
        assert len([link for link in element.findall(f"{A}link") if link.get("rel") == "alternate"]) == 1
    # 4.1.1: an author for every entry that has none; 4.1.1: a link to itself.
    assert feed.findtext(f"{A}author/{A}name")
    assert [link.get("href") for link in feed.findall(f"{A}link") if link.get("rel") == "self"] == ["feed.xml"]
    # 4.2.6: an id is an IRI, and no two entries share one.
    ids = [feed.findtext(f"{A}id"), *texts(entries(feed), "id")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", name) for name in ids)


def test_every_version_has_one_entry_and_the_studies_of_the_first_none(review, feed):
    versions = [entry for entry in entries(feed) if entry.find(f"{A}category").get("term") == "version"]
    assert len(versions) == len(read_releases(review.root))
    assert "Studies included: 34" in versions[-1].findtext(f"{A}summary")
    assert len(entries(feed)) - len(versions) == sum(
        s.standing_on(review.day).on > date(2025, 7, 31) for s in review.included
    )


def test_a_newly_included_study_is_told_first_with_its_report_and_the_want_of_a_signature(review):
    found = entries(ET.fromstring(atom(with_study(review, title="A made-up title", doi="10.1000/made-up"))))
    newest = found[0]
    assert "A made-up title" in newest.findtext(f"{A}summary")
    assert "No person has signed" in newest.findtext(f"{A}summary")
    assert {link.get("href") for link in newest.findall(f"{A}link")} >= {"https://doi.org/10.1000/made-up"}
    stamps = texts(found, "updated")
    assert stamps == sorted(stamps, reverse=True)
    assert stamps[0] > stamps[1]


def test_ids_stay_when_the_site_moves_and_links_follow_it(review, feed):
    moved = ET.fromstring(atom(with_site(review)))
    assert texts([moved, *entries(moved)], "id") == texts([feed, *entries(feed)], "id")
    assert all(link.get("href").startswith("https://") for link in moved.iter(f"{A}link"))
    assert f"{SITE}/feed.xml" in {link.get("href") for link in moved.iter(f"{A}link")}


@pytest.mark.parametrize("text", [HOSTILE, "control \x0b\x00 sign \ufffe", "]]>&lt;"])
def test_hostile_texts_stay_text(review, text):
    told = atom(with_study(review, title=text, first_author=None))
    summary = entries(ET.fromstring(told))[0].findtext(f"{A}summary")
    assert summary.startswith(re.sub("[\x00\x0b\ufffe]", "\ufffd", text))
    assert b"<script" not in told


def test_the_same_review_gives_the_same_bytes_and_a_past_day_nothing_later(review):
    assert atom(review) == atom(review)
    early = replace(review, day=date(2020, 1, 1), studies=())
    assert entries(ET.fromstring(atom(early))) == []
