"""Is every page light, does it load only what it uses, and does it say where it belongs and when it last changed?"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from livingreview.publish.inputs import page_days
from page_weight import LIMIT, LIMITS, loaded, pages, weight
from tools import ROOT, built_site

# Script → what it works on: a page without that has no use of it.
WORKS_ON = {
    "copybutton.js": r'<div class="highlight',
    "clipboard.min.js": r'<div class="highlight',
    "livingreview-tables.js": r'<figure class="lr-table',
    "livingreview-terms.js": r'class="[^"]*\blr-term\b',
    "livingreview-explore.mjs": r'id="lr-explore"',
    "vega.mjs": r'id="lr-explore"',
    "searchtools.js": r'<div id="search-results"',
    "language_data.js": r'<div id="search-results"',
    "searchindex.js": r'<div id="search-results"',
    "design-tabs.js": r'class="[^"]*\bsd-tab-',
}
# The theme's: menus, tips, keys, light and dark, marks of what was searched for. On every page they have work.
THEME = {
    "bootstrap.js", "documentation_options.js", "doctools.js", "pydata-sphinx-theme.js", "sphinx-book-theme.js",
    "sphinx_highlight.js",
}  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Path:
    return built_site()


@pytest.mark.book
def test_is_no_page_heavier_than_its_limit(site):
    weights = {page: weight(site, page) for page in pages(site)}
    assert {page: size for page, size in weights.items() if size > LIMITS.get(page, LIMIT)} == {}


@pytest.mark.book
def test_loads_no_page_a_script_that_it_does_not_use(site):
    idle = []
    for page in pages(site):
        body = (site / page).read_text(encoding="utf-8").partition("</head>")[2]
        scripts = {PurePosixPath(name).name for name in loaded(site, page) if name.endswith(("js", "mjs"))} - THEME
        idle += [f"{page}: {name}" for name in scripts if name not in WORKS_ON or not re.search(WORKS_ON[name], body)]
    assert idle == []


@pytest.mark.book
def test_waits_no_page_for_a_script_before_it_shows(site):
    waits = re.compile(r"<script(?![^>]*\b(?:defer|async|module)\b)[^>]*\bsrc=[^>]*>")
    assert {page for page in pages(site) if waits.search((site / page).read_text(encoding="utf-8"))} == set()


@pytest.mark.book
def test_says_every_page_where_it_belongs(site):
    for page in set(pages(site)) - {"index.html", "search.html", "genindex.html"}:
        (way,) = re.findall(r'<nav aria-label="Breadcrumb".*?</nav>', (site / page).read_text("utf-8"), re.DOTALL)
        assert 'href="../index.html"' in way, page
        assert ('href="../chapters/explore.html"' in way) == page.startswith("studies/"), page


@pytest.mark.book
def test_says_every_page_that_git_knows_when_it_last_changed(site):
    said = {page for page in pages(site) if "Last updated on" in (site / page).read_text(encoding="utf-8")}
    assert said >= {f"{page}.html" for page in page_days(ROOT)} & set(pages(site))


def test_is_the_day_of_a_page_that_of_the_last_commit_to_its_file_and_absent_where_history_is_cut(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    (whole / "chapters").mkdir(parents=True)
    (whole / "data" / "studies").mkdir(parents=True)
    assert page_days(whole) == {}
    git = ["git", "-C", str(whole), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for day, path in (("2020-01-01", "chapters/a.md"), ("2020-02-02", "data/studies/b.yaml"), ("2020-03-03", "c.md")):
        (whole / path).write_text("x")
        subprocess.run([*git, "add", "."], check=True)
        dates = {"GIT_COMMITTER_DATE": f"{day}T12:00:00Z", "GIT_AUTHOR_DATE": f"{day}T12:00:00Z"}
        subprocess.run([*git, "commit", "-qm", "Say x"], check=True, env=dates)
    assert page_days(whole) == {"chapters/a": "2020-01-01", "studies/b": "2020-02-02", "c": "2020-03-03"}
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{whole}", str(cut)], check=True)
    assert page_days(cut) == {}
