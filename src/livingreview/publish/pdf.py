"""The whole review as a PDF: the chapters of the built site as one page for paper, printed by Chromium.

The chapters are numbered, and links between them stay inside the document.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from livingreview.errors import BuildError
from livingreview.publish.metadata import API, LICENCE_NAME
from livingreview.publish.site import add_to_site
from livingreview.wording import day

__all__ = ["print_pdf"]

NAME: Final = "review.pdf"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS: Final = 300
_FLAGS: Final = (
    "--headless=new", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
_DOWNLOADS: Final = "chapters/data.html"
_ROW: Final = (
    f'<tr><th scope="row"><a href="../{NAME}">{NAME}</a></th><td class="lr-text">all chapters as one document, '
    'for paper</td><td class="lr-text">application/pdf</td></tr>'
)
FRONT: Final = "index.html"
# The last part of the contents: the reference of the software, which changes with the site.
_ON_SCREEN_ONLY: Final = "For contributors"
# Code, what needs a script or a screen, and the twin of each figure for narrow screens.
_NOT_PRINTED: Final = "details.hide, .headerlink, script, style, form, button, #lr-explore, .lr-compact, .lr-numbers"
_CAPTIONED: Final = {"lr-figure": "Figure", "lr-table": "Table", "lr-code": "Box"}
# Nothing runs and nothing is loaded, whatever a chapter holds.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_NAMING: Final = ("aria-labelledby", "aria-describedby", "headers", "for")


def print_pdf(site: Path, output: Path | None = None) -> Path:
    """Print the review in the folder of a built site as one PDF, and return where it is.

    By default it is ``review.pdf`` beside the pages: then the page of downloads leads to it, until the next build takes
    both away.

    Raises
    ------
    BuildError
        If there is no site or no Chromium, or Chromium fails.
    """
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        raise BuildError("a PDF is printed by Chromium or Chrome, 131 or newer, and none is on the PATH; install one "
                         "(Debian: apt install chromium)")  # fmt: skip
    content = _printed(chromium, printable(site))
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
        return output
    page = (site / _DOWNLOADS).read_text(encoding="utf-8")
    if _ROW not in page:
        before, table, after = page.partition('id="downloads"')
        page = before + table + after.replace("</tbody>", f"{_ROW}</tbody>", 1)
    add_to_site(site, {NAME: content, _DOWNLOADS: page.encode()})
    return site / NAME


def _printed(chromium: str, page: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="livingreview-pdf-", ignore_cleanup_errors=True) as folder:
        source, made = Path(folder) / "review.html", Path(folder) / NAME
        source.write_text(page, encoding="utf-8")
        # Chromium's sandbox refuses to run as root; the page runs no script and loads nothing.
        root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        profile = f"--user-data-dir={folder}/profile"
        command = [chromium, *_FLAGS, *root, profile, f"--print-to-pdf={made}", source.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(f"Chromium could not print the review: {error}") from error
        content = made.read_bytes() if made.is_file() else b""
    if not content.startswith(b"%PDF-"):
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise BuildError(f"{chromium} printed no PDF (exit code {done.returncode}): {said[-1]}")
    return content


def printable(site: Path) -> str:
    """Return the review in the folder of a built site as one HTML page that needs no other file."""
    try:
        front = _soup(site / FRONT)
        facts = json.loads((site / API / "index.json").read_text(encoding="utf-8"))
        styles = (site / "_static" / "livingreview-colours.css", site / "_static" / "livingreview.css")
        style = "\n".join(path.read_text(encoding="utf-8") for path in (*styles, Path(__file__).with_name("print.css")))
    except (OSError, ValueError) as error:
        raise BuildError(f"{site} holds no site of a review ({error}); run 'livingreview build' first") from error
    canonical = front.select_one("link[rel=canonical]")
    root = str(canonical["href"]).removesuffix(FRONT) if canonical else ""
    graph = json.loads(front.select('script[type="application/ld+json"]')[0].get_text())["@graph"]
    parts = {page: part for page, part in _chapters(front) if part != _ON_SCREEN_ONLY}
    articles = {page: _article(_soup(site / page), page, frozenset(parts), root) for page in parts}
    _number(articles)
    running = f"{facts['title'].partition(':')[0]} · version {facts['version']} · {_date(facts['day'])}"
    body = "".join(f'<div class="lr-chapter" id="{_key(page)}">{article}</div>' for page, article in articles.items())
    return (
        '<!DOCTYPE html>\n<html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(facts['title'])}, version {escape(facts['version'])}</title>"
        f"<style>{style}\n@page {{ @top-left {{ content: {_css_string(running)} }} }}</style></head>"
        f"<body>{_title_page(facts, root, graph[0]['isBasedOn'])}{_contents(articles, parts)}"
        f'<main class="bd-article">{body}</main></body></html>\n'
    )


def _soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def _chapters(front: BeautifulSoup) -> Iterator[tuple[str, str]]:
    """Yield each chapter's page with the part it belongs to, in the order of the contents."""
    for link in front.select("nav.bd-links a.internal"):
        caption = link.find_previous("p", class_="caption")
        yield posixpath.normpath(str(link["href"]).replace("#", FRONT)), caption.get_text() if caption else ""


def _key(page: str) -> str:
    return page.removeprefix("chapters/").removesuffix(".html").replace("/", "-")


def _article(soup: BeautifulSoup, page: str, chapters: frozenset[str], root: str) -> Tag:
    """Return what a page tells, without what paper cannot do; its ids begin with the page's name."""
    article = soup.select_one("article")
    if article is None:
        raise BuildError(f"{page} holds no article; run 'livingreview build' again")
    for element in article.select(_NOT_PRINTED):
        element.decompose()
    prefix = f"{_key(page)}--"
    for element in article.select("*"):
        for name, value in list(element.attrs.items()):
            if name in ("href", "xlink:href"):
                element[name] = _address(str(value), page, chapters, root)
            elif name == "id":
                element[name] = prefix + str(value)
            elif name in _NAMING:
                names = value if isinstance(value, list) else str(value).split()
                element[name] = " ".join(prefix + named for named in names)
            elif isinstance(value, str) and "url(#" in value:
                element[name] = value.replace("url(#", f"url(#{prefix}")
            elif name in ("tabindex", "onclick"):
                del element[name]
    for link in article.select('a[href=""]'):
        link.unwrap()
    return article


def _address(link: str, page: str, chapters: frozenset[str], root: str) -> str:
    """Return where a link leads on paper; nowhere, where it means a file of a site whose address is not known."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return link
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path))) if parts.path else page
    if target in chapters:
        return f"#{_key(target)}--{parts.fragment}".removesuffix("--")
    return f"{root}{target}#{parts.fragment}".removesuffix("#") if root else ""


def _number(articles: Mapping[str, Tag]) -> None:
    """Count headings by chapter; figures, tables and boxes from the first page to the last."""
    counts = dict.fromkeys(_CAPTIONED.values(), 0)
    for chapter, article in enumerate(articles.values(), 1):
        levels = [chapter - 1, 0, 0]
        for heading in article.find_all(re.compile("^h[123]$")):
            level = int(heading.name[1])
            levels[level - 1 :] = [levels[level - 1] + 1, *[0] * (3 - level)]
            _lead(heading, ".".join(map(str, levels[:level])))
        for caption in article.select("figure > figcaption"):
            kind = next(kind for name, kind in _CAPTIONED.items() if caption.find_parent("figure", class_=name))
            counts[kind] += 1
            _lead(caption, f"{kind} {counts[kind]}.")


def _lead(element: Tag, text: str) -> None:
    element.insert(0, *BeautifulSoup(f'<span class="lr-no">{text}</span> ', "html.parser").contents)


def _contents(articles: Mapping[str, Tag], parts: Mapping[str, str]) -> str:
    blocks = []
    for part, pages in groupby(articles, key=lambda page: parts[page]):
        sections = (
            (escape(str(section["id"])), heading)
            for page in pages
            for section in articles[page].select("section[id]:has(> h1), section[id]:has(> h2)")
            if (heading := section.find(["h1", "h2"]))
        )
        items = (
            f'<li class="lr-{heading.name}"><a href="#{name}">{escape(heading.get_text())}</a></li>'
            for name, heading in sections
        )
        blocks.append(f"<p>{escape(part)}</p><ol>{''.join(items)}</ol>")
    return f'<nav class="lr-contents"><h1>Contents</h1>{"".join(blocks)}</nav>'


def _title_page(facts: Mapping[str, Any], root: str, base: str) -> str:
    version, shown = facts["version"], _date(facts["day"])
    address = f" {root}" if root else ""
    rows = {
        "Version": escape(version),
        "Evidence as of": shown,
        "Last search": _date(facts["last_search"]),
        "How to cite": escape(f"{facts['creator']}. {facts['title']}. Version {version}, {shown}.{address}")
        + f' Please cite the base review too: <a href="{escape(base)}">{escape(base)}</a>',
        "Licence of text and data": f'<a href="{escape(facts["licence"])}">{escape(LICENCE_NAME)}</a>',
        "Not in this document": "The page of each study, the data, the code behind every number and the reference of "
        "the software are on the site.",
    }
    listed = "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in rows.items())
    return f'<header class="lr-title"><h1>{escape(facts["title"])}</h1><dl>{listed}</dl></header>'


def _date(text: str) -> str:
    return day(date.fromisoformat(text))


def _css_string(text: str) -> str:
    r"""Return a text as a CSS string that ends neither the string nor the style element, whatever it holds.

    >>> _css_string('a"<')
    '"a\\000022\\00003c"'
    """
    return '"' + "".join(sign if sign.isalnum() else f"\\{ord(sign):06x}" for sign in text) + '"'
