"""Is the printed review whole, do its links stay inside it or lead out, is every page numbered and dated?"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from livingreview.cli import main
from livingreview.errors import BuildError
from livingreview.publish.pdf import print_pdf, printable
from livingreview.publish.site import add_to_site
from tools import ROOT, built_site, program

# A site of two chapters that do the same with different words.
PAGE = """<html><body><nav class="bd-links"><a class="internal" href="{up}index.html">Front</a>
<p class="caption">Part</p><a class="internal" href="{up}chapters/two.html">Two</a></nav>
<script type="application/ld+json">{{"@graph": [{{"isBasedOn": "https://doi.org/10.1000/made-up"}}]}}</script>
<article class="bd-article"><section id="top"><h1>{title}<a class="headerlink" href="#top">#</a></h1>
<details class="hide"><summary>How this was computed</summary><pre>1 + 1</pre></details>
<p><a href="{other}#figure">there</a> <a href="{up}data.zip">data</a> <a href="https://example.org/">out</a></p>
<figure class="lr-figure" id="figure"><svg class="lr-wide"><defs><path id="m"></path></defs><use xlink:href="#m"></use>
<g clip-path="url(#m)"></g></svg><figcaption>A figure.</figcaption></figure>
<section id="more"><h2>More</h2><figure class="lr-table" id="t"><figcaption id="c">A table.</figcaption>
<table aria-labelledby="c"><tbody><tr><td>1</td></tr></tbody></table></figure></section>
<script>alert(1)</script></section></article></body></html>"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    for folder in ("chapters", "api/v1", "_static"):
        (site / folder).mkdir(parents=True)
    (site / "index.html").write_text(PAGE.format(up="", other="chapters/two.html", title="Front"))
    (site / "chapters" / "two.html").write_text(PAGE.format(up="../", other="../index.html", title="Two"))
    facts = {
        "title": 'A made-up </style> "review": of nothing', "version": "2000.1", "day": "2000-02-03",
        "last_search": "2000-01-01", "creator": "Nobody", "licence": "https://example.org/licence",
    }  # fmt: skip
    (site / "api" / "v1" / "index.json").write_text(json.dumps(facts))
    for name in ("livingreview.css", "livingreview-colours.css"):
        (site / "_static" / name).write_text("")
    return site


def faults(page: BeautifulSoup) -> list[str]:
    """Return what is wrong with ids, links and numbers of a printable page."""
    ids = [str(element["id"]) for element in page.select("[id]")]
    found = [f"id {name} twice" for name in {name for name in ids if ids.count(name) > 1}]
    for element in page.select("[href], [xlink\\:href]"):
        target = str(element.get("href") or element.get("xlink:href"))
        if target.startswith("#"):
            found += [] if target[1:] in ids else [f"no {target}"]
        elif not re.match(r"(https?|mailto):", target):
            found.append(f"leads nowhere on paper: {target}")
    for name in re.findall(r"url\(#([^)]+)\)", str(page.body)):
        found += [] if name in ids else [f"no url(#{name})"]
    for kind in ("Figure", "Table", "Box"):
        texts = [number.get_text() for number in page.select("figcaption > .lr-no:first-child")]
        numbers = [int(text.removeprefix(kind).strip(" .")) for text in texts if text.startswith(kind)]
        found += [] if numbers == list(range(1, len(numbers) + 1)) else [f"{kind}: {numbers}"]
    return found + [f"a {element.name}" for element in page.select("script, button, form, main nav, details.hide")]


def test_a_small_site_becomes_one_numbered_page(small):
    page = BeautifulSoup(printable(small), "html.parser")
    assert faults(page) == []
    headings = [heading.get_text() for heading in page.select("main :is(h1, h2)")]
    assert headings == ["1 Front", "1.1 More", "2 Two", "2.1 More"]
    captions = [caption.get_text() for caption in page.select("figcaption")]
    assert captions == ["Figure 1. A figure.", "Table 1. A table.", "Figure 2. A figure.", "Table 2. A table."]
    links = {link.get_text(): link.get("href") for link in page.select("#two p a")}
    assert links == {"there": "#index--figure", "out": "https://example.org/"}, "a file beside the pages is no link"


def test_a_title_cannot_end_the_style_sheet(small):
    page = BeautifulSoup(printable(small), "html.parser")
    assert len(page.select("style")) == 1
    assert "@page { @top-left { content:" in page.style.get_text()


def test_what_is_missing_is_said(small, tmp_path, monkeypatch, capsys):
    assert main(["pdf", "--site", str(tmp_path / "nothing"), "--output", str(tmp_path / "x.pdf")]) == 2
    assert "livingreview build" in capsys.readouterr().err or shutil.which("chromium") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="install"):
        print_pdf(small)
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho out of paper >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(BuildError, match=r"exit code 3.*out of paper"):
        print_pdf(small)


def test_the_downloads_lead_to_the_pdf_only_when_it_is_there(small, tmp_path, monkeypatch):
    downloads = small / "chapters" / "data.html"
    downloads.write_text('<table id="downloads"><tbody></tbody></table>')
    fake = tmp_path / "chromium"
    fake.write_text('#!/bin/sh\nfor a; do case $a in --print-to-pdf=*) echo %PDF-1.4 >"${a#*=}";; esac; done\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    print_pdf(small, tmp_path / "elsewhere.pdf")
    assert "review.pdf" not in downloads.read_text()
    for _ in range(2):
        assert print_pdf(small).read_bytes().startswith(b"%PDF-")
        assert downloads.read_text().count('href="../review.pdf"') == 1


def test_a_site_stays_as_current_as_it_was(small):
    from livingreview.publish import site as built

    stamp = small / built.STAMP
    stamp.write_text(json.dumps({"files": built._inventory(small)}))
    add_to_site(small, {"review.pdf": b"1"})
    assert json.loads(stamp.read_text())["files"] == built._inventory(small)
    (small / "index.html").write_text("edited")
    add_to_site(small, {"review.pdf": b"22"})
    assert json.loads(stamp.read_text())["files"] != built._inventory(small), "an edited site is built again"


@pytest.mark.book
def test_the_review_is_printed_whole():
    site = built_site()
    page = BeautifulSoup(printable(site), "html.parser")
    assert faults(page) == []
    contents, contributors, software = (
        (ROOT / "_toc.yml").read_text(encoding="utf-8").partition("caption: For contributors")
    )
    assert contributors
    assert "chapters/engine" in software
    chapters = ["index", *re.findall(r"file: chapters/([\w-]+)", contents)]
    assert [chapter["id"] for chapter in page.select("div.lr-chapter")] == chapters


@pytest.mark.browser
def test_every_page_of_the_pdf_bears_version_date_and_number(tmp_path):
    site, reader = built_site(), program("pdftotext")
    program("chromium", "google-chrome")
    made = print_pdf(site, tmp_path / "review.pdf")
    text = subprocess.run([reader, "-layout", str(made), "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")[:-1]
    facts = json.loads((site / "api" / "v1" / "index.json").read_text(encoding="utf-8"))
    year = facts["day"][:4]
    assert len(pages) > 20
    for number, page in enumerate(pages, 1):
        lines = [line for line in page.splitlines() if line.strip()]
        assert f"version {facts['version']}" in lines[0], (number, lines[:2])
        assert year in lines[0], (number, lines[0])
        assert f"page {number} of {len(pages)}" in lines[-1], (number, lines[-2:])
        assert len(lines) > 3, f"page {number} is blank"
