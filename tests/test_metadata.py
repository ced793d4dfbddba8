"""Do pages tell programs what they are and readers how current they are, and does no text break out of its place?"""

from __future__ import annotations

import json
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest

from livingreview.publish import beside
from livingreview.publish.metadata import (
    CREATOR,
    DOWNLOADS,
    LONGEST,
    Frame,
    banner_html,
    banner_until,
    page_metadata,
    shortened,
    site_metadata,
)
from livingreview.publish.site import build_book
from published import HOSTILE, SITE, with_site
from tiny_book import BIBLIOGRAPHY, tiny_book
from tools import ROOT


class Head(HTMLParser):
    """What the head of a page tells programs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.metas: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.data: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self._inside = tag == "script" and values.get("type") == "application/ld+json"
        if tag == "meta" and "content" in values:
            self.metas[values.get("property") or values.get("name")] = values["content"]
        if tag == "link":
            self.links[values.get("rel")] = values["href"]

    def handle_data(self, text):
        if self._inside:
            self.data.append(text)

    def handle_endtag(self, tag):
        self._inside = False

    @property
    def graph(self) -> list[dict[str, object]]:
        (text,) = self.data
        return json.loads(text)["@graph"]


@pytest.fixture(scope="module")
def site(review):
    return site_metadata(with_site(review))


def test_the_front_page_is_an_article_with_a_dataset_and_its_files(site):
    article, dataset = Head(page_metadata(site, "index.html", "Title", "Words.")).graph
    assert (article["@type"], dataset["@type"]) == ("ScholarlyArticle", "Dataset")
    assert article["url"] == dataset["url"] == f"{SITE}/"
    files = {item["contentUrl"]: item["encodingFormat"] for item in dataset["distribution"]}
    assert files == {f"{SITE}/{item.path}": item.media_type for item in DOWNLOADS}
    assert 50 <= len(dataset["description"]) <= 5000, "what search engines ask of a data set"
    assert dataset["license"].startswith("https://creativecommons.org/")


def test_a_chapter_is_an_article_and_part_of_the_review(site):
    head = Head(page_metadata(site, "chapters/one.html", "One", "Words."))
    (article,) = head.graph
    assert article["headline"] == "One"
    assert article["isPartOf"]["url"] == f"{SITE}/"
    assert head.metas["og:url"] == f"{SITE}/chapters/one.html"
    assert {"og:title", "og:type", "og:description", "og:site_name", "description"} <= set(head.metas)
    assert head.links["alternate"] == "../feed.xml"


def test_no_address_is_made_up_while_none_is_known(review):
    head = Head(page_metadata(site_metadata(review), "index.html", "Title", "Words."))
    assert "og:url" not in head.metas
    assert "url" not in head.graph[0]
    assert head.graph[1]["distribution"][0]["contentUrl"] == "data.zip"


def test_no_text_breaks_out_of_its_place(site):
    tags = page_metadata({**site, "name": HOSTILE}, "chapters/one.html", HOSTILE, HOSTILE)
    head = Head(tags)
    assert tags.count("</script>") == tags.count("<script") == 1
    assert head.graph[0]["headline"] == HOSTILE
    assert head.metas["og:title"] == HOSTILE
    assert head.graph[0]["isPartOf"]["name"] == HOSTILE


def test_a_long_description_is_cut_between_words():
    assert shortened("a\n b") == "a b"
    cut = shortened("word " * 100)
    assert cut.endswith("word …")
    assert len(cut) <= LONGEST + 2


def test_the_creator_is_the_one_that_the_citation_file_names():
    assert CREATOR in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_built_site_tells_all_of_it(review, tmp_path):
    book = tiny_book(tmp_path / "book")
    known = with_site(review)
    frame = Frame(bibliography=BIBLIOGRAPHY, review=known)
    site = build_book(book, tmp_path / "site", {"data_root": "data", "as_of": None}, frame, jobs=1).site
    front, one = (Head((site / name).read_text(encoding="utf-8")) for name in ("index.html", "chapters/one.html"))
    assert (front.links["canonical"], one.links["canonical"]) == (f"{SITE}/", f"{SITE}/chapters/one.html")
    assert one.metas["description"] == "A formula, x^2, and a paper."
    assert [item["@type"] for item in front.graph] == ["ScholarlyArticle", "Dataset"]
    assert [item.path for item in DOWNLOADS if not (site / item.path).is_file()] == []
    studies = {f"{SITE}/studies/{study.id}.html" for study in review.studies}
    assert set(locations(site)) == {f"{SITE}/chapters/one.html", f"{SITE}/", *studies}
    assert f"Sitemap: {SITE}/sitemap.xml" in (site / "robots.txt").read_text(encoding="utf-8")
    badge = json.loads((site / "badge.json").read_text(encoding="utf-8"))
    assert set(badge) == {"schemaVersion", "label", "message", "color"}
    assert badge["schemaVersion"] == 1
    assert badge["message"] == f"{review.file.version}, searched {review.last_search}"


def locations(site: Path) -> list[str]:
    tree = ET.fromstring((site / "sitemap.xml").read_bytes())
    return [element.text for element in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]


def test_without_an_address_there_is_no_sitemap_and_everybody_is_let_in(review, tmp_path):
    files = beside._for_robots(tmp_path, review)
    assert files == {"robots.txt": b"User-agent: *\nAllow: /\n"}


def shown_review(status: str = "living", included: int = 12) -> SimpleNamespace:
    return SimpleNamespace(
        included=("study",) * included,
        last_search=date(2025, 7, 31),
        next_search_due=date(2025, 8, 7),
        verified_only=False,
        file=SimpleNamespace(version="2026.1", living=SimpleNamespace(status=status)),
    )


def test_the_banner_tells_an_overdue_search_without_hiding_or_blaming():
    before = banner_html(shown_review(), date(2025, 8, 7))
    after = banner_html(shown_review(), date(2025, 8, 8))
    assert 'next search due <time datetime="2025-08-07">7 August 2025</time>' in before
    assert "next search was due" in after
    assert "later reports may be missing" in after
    assert "12 studies included by name" in before
    assert "1 study included by name" in banner_html(shown_review(included=1), date(2025, 8, 7))


def test_the_banner_says_how_old_the_last_search_is_and_how_long_that_holds():
    assert "31 July 2025</time> (less than a month ago)" in banner_html(shown_review(), date(2025, 8, 30))
    assert "(one month ago)" in banner_html(shown_review(), date(2025, 8, 31))
    assert "(13 months ago)" in banner_html(shown_review(), date(2026, 8, 31))
    assert banner_until(shown_review(), date(2025, 8, 1)) == date(2025, 8, 7), "then the next search is overdue"
    assert banner_until(shown_review(), date(2025, 8, 8)) == date(2025, 8, 30), "then it is a month old"


def test_a_paused_review_promises_no_search_and_a_past_one_says_which_day():
    assert "next search" not in banner_html(shown_review("paused"), date(2026, 1, 1))
    past = banner_html(shown_review(), date(2025, 7, 31), as_of=date(2025, 7, 31))
    assert 'as it stood on <time datetime="2025-07-31">' in past


def test_a_view_of_verified_extractions_says_so_on_every_page():
    shown = shown_review()
    assert "verified" not in banner_html(shown, date(2026, 1, 1))
    shown.verified_only = True
    assert "syntheses of verified extractions only" in banner_html(shown, date(2026, 1, 1))
