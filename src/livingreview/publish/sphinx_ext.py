"""A small Sphinx extension of our own: formulas as MathML, only the scripts that a page uses, what a page is.

Formulas become MathML while the book is built, which every current browser shows by itself; no script from a
third party, and none of our own, is needed to read them.
"""

from __future__ import annotations

import json
import re
from datetime import date
from html import escape
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from livingreview.publish.banner import long_date
from livingreview.publish.glossary import connect_glossary
from livingreview.publish.lean import lean
from livingreview.publish.metadata import page_metadata

__all__ = ["excerpting", "mathml", "mended", "searchable", "setup"]

RENDERER: Final = "livingreview_mathml"
_LOGGER = logging.getLogger(__name__)


def mathml(latex: str, display: str) -> str:
    """Return a formula as a ``<math>`` element.

    Parameters
    ----------
    latex
        The formula, without dollar signs.
    display
        ``"inline"`` or ``"block"``.

    Raises
    ------
    ValueError
        If the formula cannot be read, or uses a command that is not known.

    Examples
    --------
    >>> "<mi>x</mi>" in mathml("x", "inline")
    True
    """
    unescaped = re.sub(r"\\[\\{}]", "", latex)
    if unescaped.count("{") != unescaped.count("}"):
        raise ValueError(f"formula {latex!r} has a brace without its partner")
    try:
        element = convert(latex, display=display)
    except Exception as error:  # latex2mathml raises a dozen unrelated types
        raise ValueError(f"formula {latex!r} cannot be read: {error or type(error).__name__}") from error
    # An unknown command comes out as its own name in an <mi>; that is no formula.
    if "<mi>\\" in element:
        raise ValueError(f"formula {latex!r} uses a command that is not known")
    return element.replace("<math ", f"<math alttext={quoteattr(latex)} ", 1)


def _element(node: nodes.Element, display: str) -> str:
    try:
        return mathml(node.astext().strip(), display)
    except ValueError as error:
        _LOGGER.warning("%s", error, location=node, type="livingreview", subtype="math")
        return ""


def _inline(self: Any, node: nodes.Element) -> None:
    self.body.append(self.starttag(node, "span", "", CLASS="lr-math"))
    self.body.append(f"{_element(node, 'inline')}</span>")
    raise nodes.SkipNode


def _display(self: Any, node: nodes.Element) -> None:
    # A wide formula scrolls by itself; the focus lets a keyboard do it.
    self.body.append(
        self.starttag(node, "div", "", CLASS="lr-math-block", tabindex="0", role="group", **{"aria-label": "formula"})
    )
    self.body.append(_element(node, "block"))
    if node.get("number"):
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})</span>')
    self.body.append("</div>\n")
    raise nodes.SkipNode


def _author_wrote_markdown(*event: Any) -> None:
    """Let "edit this page" lead to the chapter that somebody wrote, not to the notebook made of it."""
    _app, _page, _template, context, doctree = event
    if doctree is not None:
        context["page_source_suffix"] = ".md"


def _describe_page(app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: Any) -> None:
    """Add what the page says of itself to programs: its title, and its first paragraph as the description."""
    site = app.config.livingreview_site
    if not site or doctree is None:
        return
    if page == app.config.root_doc and site["root"]:
        context["pageurl"] = site["root"]  # the canonical address has no file name
    title = doctree.next_node(nodes.title)
    prose = (node.astext() for node in doctree.findall(nodes.paragraph) if isinstance(node.parent, nodes.section))
    heading = title.astext() if title else site["name"]
    # What stands in brackets leads to the list of references, which a description does not have.
    description = re.sub(r"\s*\[[^\]]*\]", "", next(prose, heading))
    context["metatags"] += page_metadata(site, f"{page}.html", heading, description)


def _place_page(app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Say when the page was last changed, and where a study's page, which no table of contents holds, belongs."""
    day = app.config.livingreview_days.get(page)
    context["last_updated"] = long_date(date.fromisoformat(day)) if day else None
    chapter = "chapters/explore"
    if page.startswith("studies/") and chapter in app.env.titles:
        context["parents"] = [{"link": context["pathto"](chapter), "title": app.env.titles[chapter].astext()}]


def _escape_printed_title(*event: Any) -> None:
    """Escape the heading of the printed page, which the theme writes into it as it stands."""
    context = event[3]
    if "pagetitle" in context:
        context["pagetitle"] = escape(context["pagetitle"])


def searchable(index: str) -> str:
    """Return Sphinx's search index with its headings escaped, because its script writes them as markup.

    Examples
    --------
    >>> searchable('Search.setIndex({"alltitles":{"<b>":[[0,null]]}})')
    'Search.setIndex({"alltitles":{"&lt;b&gt;":[[0,null]]}})'
    """
    prefix, suffix = "Search.setIndex(", ")"
    content = json.loads(index.removeprefix(prefix).removesuffix(suffix))
    content["alltitles"] = {escape(title): places for title, places in content["alltitles"].items()}
    return prefix + json.dumps(content, separators=(",", ":"), sort_keys=True) + suffix


def excerpting(script: str) -> str:
    """Return Sphinx's search script so that its excerpts are from the text of a page: without menus, heading and code.

    Notes
    -----
    What stands in cells side by side is kept apart.
    """
    apart = r'htmlString.replace(/<\/(?=t[dh]|h\d|p>|li|fig|title|desc)/g, " $&"),'
    script = script.replace("parseFromString(htmlString,", f"parseFromString({apart}")
    script = script.replace("""'[role="main"]'""", "'article'")
    return script.replace('[".headerlink",', '["details", "h1", ".headerlink",')


def mended(html: str) -> str:
    """Return a page without what the theme and docutils get wrong for readers who listen to it.

    Parameters
    ----------
    html
        A whole page.

    Notes
    -----
    * A list role without list items inside (docutils' citations, which carry a role of their own).
    * An ``aria-label`` that differs from the text on the button, so that saying that text does not press it; the
      keyboard shortcut shown on it is no part of its name.
    * The same on the line that folds code in and out.
    * Titles of icons inside a button that already has a name.
    * The words of a figure's description, which Sphinx would frame where it marks what was searched for, and fails.
    """
    content = max(html.find("</head>"), 0)  # the page has a title of its own
    html = html[:content] + re.sub(r"<(title|desc)(?=[ >])", r'<\1 class="nohighlight"', html[content:])
    html = html.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    html = html.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    html = re.sub(r'(<button class="btn search-button-field[^>]*?) title="[^"]*" aria-label="[^"]*"', r"\1", html)
    html = html.replace(
        '<span class="search-button__kbd-shortcut">', '<span aria-hidden="true" class="search-button__kbd-shortcut">'
    )
    return re.sub(r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"', r"\1", html)


def _mend_pages(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            path.write_text(lean(mended(path.read_text(encoding="utf-8"))), encoding="utf-8")
        for path in Path(app.outdir).glob("searchindex.js"):
            path.write_text(searchable(path.read_text(encoding="utf-8")), encoding="utf-8")
        for path in Path(app.outdir, "_static").glob("searchtools.js"):
            path.write_text(excerpting(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_html_math_renderer(RENDERER, (_inline, None), (_display, None))
    # Jupyter Book sets it even for a book without comments, whose extension is not loaded.
    app.add_config_value("comments_config", {}, "html")
    # Before the theme's own handlers (500), which make the link.
    app.connect("html-page-context", _author_wrote_markdown, priority=400)
    app.add_config_value("livingreview_site", {}, "html", types=dict)
    app.connect("html-page-context", _describe_page)
    app.add_config_value("livingreview_days", {}, "html", types=dict)
    app.connect("html-page-context", _place_page)
    # After the theme's own handlers, which make the title.
    app.connect("html-page-context", _escape_printed_title, priority=900)
    app.connect("build-finished", _mend_pages)
    connect_glossary(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
