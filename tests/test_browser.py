"""Does the built site work for somebody who opens it: any width, light or dark, keyboard or screen reader?"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools import built_site, node_module, program

pytestmark = pytest.mark.browser

WIDTHS = (360, 1280)
THEMES = ("light", "dark")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SERIOUS = ("serious", "critical")

# Run in the page: figures without a text alternative, as descriptions that find them again. A figure with links in it
# is a group, because what stands inside an image cannot be reached.
UNNAMED_IMAGES = """() => [...document.querySelectorAll("main img, main svg")]
  .filter((image) => !image.closest("button, a, [aria-hidden=true]"))
  .filter((image) => image.tagName === "IMG"
    ? !image.alt.trim()
    : image.getAttribute("role") !== (image.querySelector("a") ? "group" : "img")
      || !(image.getAttribute("aria-label") || image.querySelector("title, desc")?.textContent || "").trim())
  .map((image) => image.outerHTML.slice(0, 120))"""

# The texts of a column, after what script did to the table.
COLUMN = "(table, column) => [...table.tBodies[0].rows].map((row) => row.cells[column].textContent.trim())"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *message: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Path:
    return built_site()


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = program("chromium", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


def pages(site: Path) -> list[str]:
    found = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts)
    assert "index.html" in found
    return found


# A table may be in a fold.
UNFOLD = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"


def varied(site: Path) -> list[str]:
    """Every page but those of studies, which one template makes; of these one in ten."""
    names = pages(site)
    studies = [name for name in names if name.startswith("studies/")]
    return [name for name in names if name not in studies] + studies[::10]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_sound(browser, site, address, width, theme):
    axe = node_module("axe-core/axe.min.js")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce")
    problems = []
    # On the narrowest screen all of them.
    for name in pages(site) if (width, theme) == (WIDTHS[0], THEMES[0]) else varied(site):
        page = context.new_page()
        said, asked = [], []
        page.on("console", lambda message, said=said: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(address + name, wait_until="load")
        page.wait_for_load_state("networkidle")
        problems += [f"{name}: console: {text}" for text in said]
        problems += [f"{name}: asks {url}" for url in asked if not url.startswith((address, "data:", "blob:"))]
        problems += [f"{name}: {text}" for text in _faults_of_layout(page, width, theme)]
        page.add_script_tag(path=str(axe))
        problems += [f"{name}: {text}" for text in _faults_of_access(page)]
        page.close()
    context.close()
    assert problems == [], "\n".join(problems)


def _faults_of_layout(page: Any, width: int, theme: str) -> list[str]:
    faults = []
    banner = page.locator(".lr-banner")
    if banner.count() != 1 or not banner.is_visible():
        faults.append("no banner")
    elif not re.search(r"version .+last search .+stud(y|ies) included", banner.inner_text(), re.DOTALL):
        faults.append(f"banner says {banner.inner_text()!r}")
    if page.evaluate("document.documentElement.dataset.theme") != theme:
        faults.append("does not follow the reader's light or dark setting")
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        faults.append(f"is {wide} px wide on a screen of {width} px")
    faults += [f"image without a text alternative: {image}" for image in page.evaluate(UNNAMED_IMAGES)]
    return faults


def _faults_of_access(page: Any) -> list[str]:
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]} {json.dumps(node['target'])}"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"][:3]
    ]


def _number(text: str) -> float:
    found = re.match(r"[<>≤≥]?\s?(-?\d[\d,\s]*(?:\.\d+)?)", text.replace("−", "-"))
    assert found, f"{text!r} stands in a column of numbers"
    return float(re.sub(r"[,\s]", "", found[1]))


def test_tables_sort_by_mouse_and_by_keyboard(browser, site, address):
    page = browser.new_page()
    sorted_tables = 0
    for name in varied(site):
        page.goto(address + name)
        page.evaluate(UNFOLD)
        for table in page.locator("figure.lr-table:not(.lr-facts) table").all():
            if table.locator("tbody tr").count() < 3:
                continue
            for column, heading in enumerate(table.locator("thead th").all()):
                before = sorted(table.evaluate(f"(table) => ({COLUMN})(table, {column})"))
                button = heading.get_by_role("button")
                button.click()
                assert heading.get_attribute("aria-sort") == "ascending"
                ascending = table.evaluate(f"(table) => ({COLUMN})(table, {column})")
                assert sorted(ascending) == before, "sorting lost or changed a row"
                present = [text for text in ascending if text]
                assert ascending[: len(present)] == present, "blank cells come last"
                if "lr-number" in (heading.get_attribute("class") or ""):
                    values = [_number(text) for text in present]
                    assert values == sorted(values), f"{name}: column {column}"
                button.press("Enter")
                assert heading.get_attribute("aria-sort") == "descending"
                if "lr-number" in (heading.get_attribute("class") or ""):
                    texts = table.evaluate(f"(table) => ({COLUMN})(table, {column})")
                    values = [_number(text) for text in texts if text]
                    assert values == sorted(values, reverse=True), f"{name}: column {column}"
            sorted_tables += 1
    page.close()
    assert sorted_tables > 0


def test_a_long_table_is_filtered_as_one_types(browser, site, address):
    page = browser.new_page()
    filtered = 0
    for name in varied(site):
        page.goto(address + name)
        page.evaluate(UNFOLD)
        for figure in page.locator("figure.lr-table:has(.lr-filter)").all():
            rows = figure.locator("tbody tr")
            first = rows.first.locator("th, td").first.inner_text()
            field = figure.get_by_role("searchbox")
            field.fill("no row holds this text")
            assert rows.locator("visible=true").count() == 0
            field.fill(first)
            assert 1 <= figure.locator("tbody tr:visible").count() <= rows.count()
            field.fill("")
            assert figure.locator("tbody tr:visible").count() == rows.count()
            filtered += 1
    page.close()
    assert filtered > 0


def test_pages_are_complete_without_script(browser, site, address):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    page = context.new_page()
    for name in pages(site):
        page.goto(address + name)
        assert page.locator(".lr-banner").is_visible(), name
        for table in page.locator("figure.lr-table table").all():
            assert table.locator("tbody tr").count() > 0, name
    context.close()


def test_counts_the_table_of_the_explorer_the_rows_that_neither_filter_hides(browser, site, address):
    page = browser.new_page()
    page.goto(address + "chapters/explore.html")
    table = page.locator("#tab-explore")
    rows, count = table.locator("tbody tr"), table.locator("output")
    every = rows.count()
    assert count.inner_text() == f"{every} rows"
    page.locator('select[name="task"]').select_option("segmentation")
    left = table.locator("tbody tr:visible").count()
    assert 0 < left < every
    assert count.inner_text() == f"{left} of {every} rows"
    table.get_by_role("searchbox").fill("20")
    both = table.locator("tbody tr:visible").count()
    assert 0 < both <= left
    assert count.inner_text() == f"{both} of {every} rows"
    page.get_by_role("button", name="Clear all filters").click()
    page.wait_for_function("() => !document.querySelector('.lr-left-out')")
    wide = table.locator("tbody tr:visible").count()
    assert both < wide
    assert count.inner_text() == f"{wide} of {every} rows"
    table.get_by_role("searchbox").fill("")
    assert count.inner_text() == f"{every} rows"
    page.close()


def test_shows_the_explorer_no_empty_chart_and_says_where_there_is_no_number(browser, site, address):
    page = browser.new_page()
    page.goto(address + "chapters/explore.html")
    charts, unknown = page.locator("#lr-explore figure:visible"), page.locator(".lr-explore-unknown")
    page.locator('[data-view="plane"] svg').wait_for()
    assert not unknown.is_visible()
    page.locator('select[name="topic"]').select_option("amyloidosis")
    unknown.wait_for()
    assert unknown.get_by_role("link").get_attribute("href") == "plain-summary.html"
    assert "of all diseases taken together" in unknown.inner_text()
    page.locator('select[name="topic"]').select_option("")
    page.locator('select[name="task"]').select_option("segmentation")
    page.locator('[data-view="plane"] svg').wait_for(state="detached")
    assert [text.split("\n")[0] for text in charts.all_inner_texts()] == ["Segmentation"]
    page.get_by_role("button", name="Clear all filters").click()
    page.locator('[data-view="plane"] svg').wait_for()
    page.locator('[data-view="overlap"] svg').wait_for()
    assert charts.count() == 4
    assert page.locator('[data-view="plane"] svg').bounding_box()["width"] > 200
    page.close()


@pytest.mark.parametrize("answer", ["nothing", "a script that fails", "a script that draws nothing"])
def test_shows_the_static_figure_where_the_explorer_cannot_draw_its_charts(browser, site, address, answer):
    page = browser.new_page()
    body = {"a script that fails": "throw new Error('made up');", "a script that draws nothing": ""}.get(answer)
    page.route(
        "**/vega.mjs",
        lambda route: route.abort() if body is None else route.fulfill(body=body, content_type="text/javascript"),
    )
    page.goto(address + "chapters/explore.html")
    charts, still, said = (page.locator(name) for name in (".lr-explore-views", "#fig-forest", ".lr-explore-failed"))
    charts.evaluate("(charts) => charts.scrollIntoView()")
    said.wait_for()
    assert "could not be drawn" in said.inner_text()
    assert still.is_visible()
    assert not charts.is_visible()
    # The filters work on, and the next choice tries again.
    page.locator('select[name="topic"]').select_option("amyloidosis")
    page.locator(".lr-explore-answers li").first.wait_for()
    assert still.is_visible()
    page.unroute("**/vega.mjs")
    page.locator('select[name="topic"]').select_option("")
    if answer == "nothing":  # what was loaded once is not asked for again
        page.locator('[data-view="plane"] svg').wait_for()
        assert charts.is_visible()
        assert not said.is_visible()
        assert not still.is_visible()
    page.close()


def test_shows_the_static_figure_where_the_script_of_the_explorer_fails(browser, address):
    page = browser.new_page()

    def without_results(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace('"pooled": {', '"nothing": {', 1))

    page.route("**/explore.html", without_results)
    page.goto(address + "chapters/explore.html")
    page.locator(".lr-explore-failed").wait_for()
    assert page.locator("#fig-forest").is_visible()
    assert page.locator("#tab-explore tbody tr").count() > 0
    page.close()


def test_answers_the_explorer_a_condition_study_by_study_and_says_what_it_does_not_know(browser, site, address):
    page = browser.new_page()
    page.goto(address + "chapters/explore.html?topic=Amyloidosis&task=cooking")
    assert page.locator('select[name="topic"]').input_value() == "amyloidosis"
    assert "“cooking” is no value of the filter “Task”" in page.locator(".lr-explore-refused").inner_text()
    answers = page.locator(".lr-explore-answers")
    martini = answers.locator("li", has_text="Martini")
    assert "computed; 42 patients tested" in martini.inner_text()
    assert martini.get_by_role("link").get_attribute("href") == "../studies/martini2020.html"
    assert answers.locator("li", has_text="accuracy 96.2%").count() == 1  # a study of several conditions
    page.locator('select[name="topic"]').select_option("myocarditis")
    assert not page.locator(".lr-explore-refused").is_visible()
    page.go_back()
    page.wait_for_function("() => document.querySelector('select[name=topic]').value === 'amyloidosis'")
    page.goto(address + "chapters/explore.html?structure=rv")
    assert "Dice coefficient 0.90" in answers.locator("li", has_text="Tran").inner_text()
    assert not page.locator(".lr-explore-unknown").is_visible()
    page.goto(address + "chapters/explore.html?from=2026&to=2020")
    assert "No study is published" in page.locator(".lr-explore-refused").inner_text()
    page.close()
