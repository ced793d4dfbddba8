"""Does nothing that a contributed file says run, load or read anything on the pages built from it?"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hostile import SEEN, STUDY, hostile_book
from test_browser import FLAGS, _Quiet, pages
from tools import program

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Run in the page: what an attack leaves in the document where it was taken for markup.
MARKUP = """() => [
  ...[...document.querySelectorAll("script")].filter((e) => /^[^"]*__pwned/.test(e.textContent.trim())),
  ...document.querySelectorAll("[src=x], [srcdoc], [onload], [onerror], [onclick*=pwned], iframe"),
  ...[...document.querySelectorAll("[href], [src], [action]")].filter((e) =>
    // The numbers of a figure hold names as CSV, which a browser saves and never opens.
    !e.matches('a.lr-numbers[download][href^="data:text/csv;charset=utf-8,"]') &&
    ["href", "src", "action"].some((name) => /^\\s*(javascript|data|vbscript):/i.test(e.getAttribute(name) || "")
      && /pwned/.test(e.getAttribute(name)))),
].map((element) => element.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site of a book that holds the hostile files, built as any other."""
    root = hostile_book(tmp_path_factory.mktemp("hostile") / "book")
    command = [program("livingreview"), "build", "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    return root / "_site"


@pytest.fixture(scope="module")
def opened(site: Path) -> dict[str, dict[str, Any]]:
    """Return what each page that holds a hostile text did and shows, by its name."""
    from playwright.sync_api import sync_playwright

    found: dict[str, dict[str, Any]] = {}
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        browser = playwright.chromium.launch(executable_path=program("chromium", "google-chrome"), args=list(FLAGS))
        touched = [name for name in pages(site) if "pwned" in (site / name).read_text(encoding="utf-8")]
        # The search writes what it finds by script.
        for name in [*touched, "search.html?q=HYPERLINK"]:
            found[name] = _open(browser.new_page(), address, name)
        browser.close()
        server.shutdown()
    return found


def _open(page: Any, address: str, name: str) -> dict[str, Any]:
    said: list[str] = []
    asked: list[str] = []
    page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address + name, wait_until="load")
    page.wait_for_load_state("networkidle")
    if name.startswith("search.html"):
        page.wait_for_selector("#search-results li")
        page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelectorAll('details').forEach((element) => element.open = true)")
    shown = {
        "ran": page.evaluate("typeof window.__pwned"),
        "markup": page.evaluate(MARKUP),
        "text": page.evaluate("document.querySelector('main').textContent"),
        "said": said,
        "asked": [url for url in asked if not url.startswith((address, "data:", "blob:")) or url.endswith("/x")],
    }
    page.close()
    return shown


def test_nothing_runs_and_nothing_is_asked_of_another_host(opened):
    assert {name: page["ran"] for name, page in opened.items() if page["ran"] != "undefined"} == {}
    assert {name: page["said"] for name, page in opened.items() if page["said"]} == {}
    assert {name: page["asked"] for name, page in opened.items() if page["asked"]} == {}


def test_no_text_became_markup(opened):
    assert {name: page["markup"] for name, page in opened.items() if page["markup"]} == {}


def test_the_search_finds_no_markup_in_headings(site):
    index = json.loads(re.sub(r"^[^(]*\(|\)$", "", (site / "searchindex.js").read_text(encoding="utf-8")))
    assert [title for title in index["alltitles"] if "pwned" in title], "no page of the hostile study has a heading"
    assert [title for title in [*index["alltitles"], *index["titles"]] if "<" in title] == []


def test_no_file_of_this_computer_was_read_and_no_template_was_filled(opened):
    # The first line of /etc/passwd, and the result of 7 × 7 in the place of a substitution.
    for name, page in opened.items():
        assert not re.search(r"root:[^:]*:0:0:", page["text"]), name
        assert not re.search(r"@everyone #1 (49|(?!\{\{))", page["text"]), name


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("chapters/characteristics.html", ["target_condition", "architecture", "dataset_name", "dataset_discrepancy"]),
        ("chapters/diagnosis.html", ["label"]),
        (f"studies/{STUDY}.html", ["title", "journal", "architecture", "note", "runtime"]),
        ("chapters/search.html", ["found_title", "found_reason"]),
    ],
)
def test_what_was_written_is_shown_as_it_was_written(opened, page, fields):
    # Sphinx sets straight quotes as curly ones in headings.
    text = re.sub("[“”]", '"', " ".join(opened[page]["text"].split()))
    for field in fields:
        assert f"{field} {SEEN}" in text, field


def test_what_lies_beside_the_pages_is_well_formed_and_holds_no_formula(site):
    """Feeds are XML, data are JSON, and no cell of a table is a formula to a spreadsheet."""
    for path in site.rglob("*"):
        if path.suffix in {".xml", ".svg"}:
            ElementTree.parse(path)
        elif path.suffix in {".json", ".jsonld"} and path.name != "build.json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".csv":
            assert list(_formulas(path.read_text(encoding="utf-8"))) == [], path.name
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    assert not name.startswith("/"), name
                    assert ".." not in Path(name).parts
                    if name.endswith(".csv"):
                        assert list(_formulas(archive.read(name).decode("utf-8"))) == [], name


def _formulas(text: str) -> Iterator[str]:
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            if cell[:1] in tuple("=+-@\t\r") and not re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?%?", cell):
                yield cell[:60]
