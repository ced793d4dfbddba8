"""Does a good site stay until a better one is whole, and is the same book the same site, byte for byte?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from livingreview.errors import BuildError
from livingreview.publish import site as site_module
from livingreview.publish.metadata import Frame
from livingreview.publish.site import build_book, build_site
from tiny_book import BIBLIOGRAPHY, chapter, tiny_book

PARAMETERS = {"data_root": "data", "as_of": None}
FRAME = Frame(banner='<p class="lr-banner">Living</p>', bibliography=BIBLIOGRAPHY, styles=":root { --lr-ink: #000; }")


def digests(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_the_same_book_in_another_place_gives_the_same_bytes(tmp_path):
    sites = []
    for name in ("here", "elsewhere/deeper"):
        book = tiny_book(tmp_path / name)
        built = build_book(book, book / "_site", PARAMETERS, FRAME, jobs=1)
        assert len(built.executed) == 2
        sites.append(digests(book / "_site"))
    assert sites[0] == sites[1]
    assert "index.html" in sites[0]
    page = (tmp_path / "here" / "_site" / "chapters" / "one.html").read_text(encoding="utf-8")
    assert '<p class="lr-banner">Living</p>' in page
    assert "there are 3 facts" in page
    assert "<math" in page
    assert "mathjax@" not in page.lower()
    assert "livingreview-colours.css" in page


@pytest.mark.slow
def test_a_good_site_stays_when_a_chapter_or_the_book_fails(tmp_path):
    book = tiny_book(tmp_path / "book")
    output = tmp_path / "public" / "site"
    build_book(book, output, PARAMETERS, FRAME)
    good = digests(output)

    one = book / "chapters" / "one.md"
    one.write_text(chapter(code="1 / 0"), encoding="utf-8")
    with pytest.raises(BuildError, match=r"chapters/one\.md:\d+ code cell 2 — ZeroDivisionError"):
        build_book(book, output, PARAMETERS, FRAME)
    assert digests(output) == good

    text = chapter() + "\nSee [home](../index.md#home) and {cite:p}`nobody1900`.\n"
    one.write_text(text, encoding="utf-8")
    line = text.splitlines().index("See [home](../index.md#home) and {cite:p}`nobody1900`.") + 1
    with pytest.raises(BuildError) as caught:
        build_book(book, output, PARAMETERS, FRAME)
    assert str(caught.value).splitlines()[1:] == [
        f'chapters/one.md:{line}: WARNING: could not find bibtex key "nobody1900"'
    ], "the citation alone is at fault; the link leads to a chapter"
    assert digests(output) == good
    assert [path.name for path in output.parent.iterdir()] == ["site"], "something was left beside the site"
    assert list((book / ".cache").glob("stage-*")) == []


def test_a_folder_that_no_build_made_is_never_replaced(tmp_path):
    book = tiny_book(tmp_path / "book")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years", encoding="utf-8")
    for output, reason in ((precious, "no build made"), (book, "holds the book"), (tmp_path, "holds the book")):
        with pytest.raises(BuildError, match=reason):
            build_book(book, output, PARAMETERS, FRAME)
    with pytest.raises(BuildError, match="is a file"):
        build_book(book, precious / "thesis.txt", PARAMETERS, FRAME)
    assert (precious / "thesis.txt").read_text(encoding="utf-8") == "years"


@pytest.mark.slow
def test_nothing_is_done_when_nothing_changed_but_a_lost_page_or_an_overdue_search_is_noticed(tmp_path, monkeypatch):
    book = tiny_book(tmp_path / "book")
    monkeypatch.setattr(site_module, "frame_of", lambda *_, **__: replace(FRAME, until=date(2025, 8, 7)))
    monkeypatch.setattr(site_module, "_today", lambda: date(2025, 8, 1))
    monkeypatch.setattr(site_module, "book_digest", lambda root, parameters: "the same")
    assert len(build_site(book).executed) == 2
    made = digests(book / "_site")
    stamp = json.loads((book / "_site" / "build.json").read_text(encoding="utf-8"))
    assert (stamp["data_root"], stamp["day"], stamp["until"]) == ("data", "2025-08-01", "2025-08-07")

    runs = []
    build = site_module.build_book
    monkeypatch.setattr(site_module, "build_book", lambda *args, **options: runs.append(1) or build(*args, **options))
    again = build_site(book)
    assert (again.executed, runs) == ((), [])
    assert digests(book / "_site") == made

    (book / "_site" / "chapters" / "one.html").unlink()
    build_site(book)
    assert runs == [1]
    assert digests(book / "_site") == made

    monkeypatch.setattr(site_module, "_today", lambda: date(2025, 8, 8))
    build_site(book)
    assert runs == [1, 1]
