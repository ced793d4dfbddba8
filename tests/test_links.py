"""Does every link inside the built site lead somewhere, anchors included, and does no page load from elsewhere?"""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

from tools import built_site

pytestmark = pytest.mark.book

# Attributes whose address is fetched by opening the page, and those that are followed by choice.
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("object", "data"), ("embed", "src")}
NUMBERS = "data:text/csv;charset=utf-8,"
LOADED_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "manifest"}


class Page(HTMLParser):
    """The ids of a page, what it links to and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: set[str] = set()
        self.repeated: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name = values.get("id")
        if name:
            (self.repeated if name in self.ids else self.ids).add(name)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and LOADED_RELATIONS & set(values.get("rel", "").split()):
            self.loads.append(values["href"])
        self.loads += [values[attribute] for owner, attribute in LOADED if owner == tag and attribute in values]


@pytest.fixture(scope="module")
def site() -> Path:
    return built_site()


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    found = {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.parts
    }
    assert len(found) > 2
    return found


def test_every_internal_link_and_anchor_exists(site, pages):
    broken = []
    for name, page in pages.items():
        for link in page.links:
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            address, anchor = urldefrag(urljoin(name, link))
            target = unquote(address.partition("?")[0]) or name  # the explorer's choice of filters follows
            if target.endswith("/"):
                target += "index.html"
            if not (site / target).is_file():
                broken.append(f"{name} → {link}: no such file")
            elif anchor and target in pages and unquote(anchor) not in pages[target].ids:
                broken.append(f"{name} → {link}: no such anchor")
    assert broken == []


def test_every_loaded_file_is_part_of_the_site(site, pages):
    wrong = []
    for name, page in pages.items():
        for address in page.loads:
            if address.startswith("data:"):
                continue
            path = unquote(urlsplit(urljoin(name, address)).path)
            if urlsplit(address).scheme or address.startswith("//") or not (site / path).is_file():
                wrong.append(f"{name} loads {address}")
    assert wrong == []


def test_every_figure_brings_its_numbers(site, pages):
    """A link holds them: a heading, and rows of as many cells."""
    figures = {
        f"{name}#{figure['id']}": [str(link["href"]) for link in figure.select("figcaption a.lr-numbers[download]")]
        for name in pages
        for figure in BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser").select(".lr-figure")
    }
    assert len(figures) > 20
    for name, links in figures.items():
        assert len(links) == 1, name
        head, *rows = csv.reader(io.StringIO(unquote(links[0].removeprefix(NUMBERS)), newline=""), strict=True)
        assert rows, name
        assert {len(row) for row in rows} == {len(head)}, name


def test_ids_are_unique(pages):
    assert {name: sorted(page.repeated) for name, page in pages.items() if page.repeated} == {}


def test_links_out_of_the_site_are_to_pages_or_mail(pages):
    outside = {link for page in pages.values() for link in page.links if urlsplit(link).scheme}
    outside -= {link for link in outside if link.startswith(NUMBERS)}
    assert {link for link in outside if urlsplit(link).scheme not in ("http", "https", "mailto")} == set()


def test_no_style_asks_another_host(site):
    elsewhere = re.compile(r"""(url\(\s*|@import\s+)["']?(https?:)?//""")
    asking = [path.name for path in sorted(site.rglob("*.css")) if elsewhere.search(path.read_text(encoding="utf-8"))]
    assert asking == []
