"""Can a definition be had by pointer, keyboard and touch, and put away again (WCAG 1.4.13)?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools import program

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parent.parent / "_static"
PAGE = """<main class="bd-article" style="padding: 100px 20px"><p><button>before</button> The
<a class="lr-term" href="#there" title="What is found.">sensitivity</a> and <b>more</b>.</p></main>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium", "google-chrome"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=["mouse", "touch"])
def page(request, browser) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 360, "height": 640}, has_touch=request.param == "touch")
    page = context.new_page()
    page.set_content(PAGE)
    page.add_style_tag(path=str(STATIC / "livingreview.css"))
    page.add_script_tag(path=str(STATIC / "livingreview-terms.js"))
    page.touch = request.param == "touch"
    yield page
    context.close()


def test_it_comes_with_the_focus_describes_the_word_and_goes_with_escape_or_the_focus(page):
    tip, term = page.get_by_role("tooltip"), page.locator("a.lr-term")
    assert tip.count() == 0
    page.locator("button").focus()
    page.keyboard.press("Tab")
    assert tip.inner_text() == "What is found."
    assert term.get_attribute("aria-describedby") == tip.get_attribute("id")
    assert term.get_attribute("title") is None
    page.keyboard.press("Escape")
    assert tip.count() == 0
    assert term.evaluate("link => document.activeElement === link"), "Escape moves no focus"
    term.blur()
    term.focus()
    term.blur()
    page.wait_for_timeout(400)
    assert tip.count() == 0


def test_it_stays_while_the_pointer_is_on_it_and_on_the_screen(page):
    if page.touch:
        pytest.skip("no pointer hovers")
    tip, term = page.get_by_role("tooltip"), page.locator("a.lr-term")
    term.hover()
    tip.hover()
    page.wait_for_timeout(400)
    assert tip.is_visible()
    box = tip.bounding_box()
    assert 0 <= box["x"] <= 360 - box["width"]
    page.locator("b").hover()
    page.wait_for_timeout(400)
    assert tip.count() == 0


def test_the_first_tap_shows_it_the_second_follows_the_link_and_a_tap_elsewhere_puts_it_away(page):
    if not page.touch:
        pytest.skip("needs touch")
    tip, term = page.get_by_role("tooltip"), page.locator("a.lr-term")
    term.tap()
    assert tip.is_visible()
    assert not page.url.endswith("#there")
    page.locator("b").tap()
    page.wait_for_timeout(400)
    assert tip.count() == 0
    term.tap()
    term.tap()
    assert page.url.endswith("#there")
