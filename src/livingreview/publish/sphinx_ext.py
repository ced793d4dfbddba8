"""A small Sphinx extension of our own: formulas as MathML, terms led to the glossary, what a page is.

Formulas become MathML while the book is built, which every current browser shows by itself; no script is needed to
read them. Chapters need no mark-up for terms: one added to the glossary is explained everywhere at the next build.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from html import escape
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from livingreview.publish.mending import mend_site
from livingreview.publish.metadata import page_metadata
from livingreview.wording import day as written
from livingreview.wording import together

__all__ = ["definitions"]

GLOSSARY: Final = "chapters/glossary"
_LOGGER = logging.getLogger(__name__)


def mathml(latex: str, display: str) -> str:
    """Return a formula, without dollar signs, as a ``<math>`` element; `display` is ``"inline"`` or ``"block"``.

    Raises a ValueError if the formula cannot be read, or uses a command that is not known.

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
    self.body.append(f"{self.starttag(node, 'span', '', CLASS='lr-math')}{_element(node, 'inline')}</span>")
    raise nodes.SkipNode


def _display(self: Any, node: nodes.Element) -> None:
    # A wide formula scrolls by itself; the focus lets a keyboard do it.
    attributes = {"CLASS": "lr-math-block", "tabindex": "0", "role": "group", "aria-label": "formula"}
    number = f'<span class="eqno">({get_node_equation_number(self, node)})</span>' if node.get("number") else ""
    self.body.append(f"{self.starttag(node, 'div', '', **attributes)}{_element(node, 'block')}{number}</div>\n")
    raise nodes.SkipNode


def _author_wrote_markdown(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let "edit this page" lead to the chapter that somebody wrote, not to the notebook made of it."""
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
    context["last_updated"] = written(date.fromisoformat(day)) if day else None
    chapter = "chapters/explore"
    if page.startswith("studies/") and chapter in app.env.titles:
        context["parents"] = [{"link": context["pathto"](chapter), "title": app.env.titles[chapter].astext()}]


def _escape_title(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Escape the heading of the printed page, which the theme writes into it as it stands."""
    if "pagetitle" in context:
        context["pagetitle"] = escape(context["pagetitle"])


def definitions(glossary: nodes.document) -> dict[str, tuple[str, str]]:
    """Return each term of a glossary with the id of its entry and the first paragraph of its definition."""
    found: dict[str, tuple[str, str]] = {}
    for item in glossary.findall(nodes.definition_list_item):
        if isinstance(item.parent.parent, addnodes.glossary) and (text := item.next_node(nodes.paragraph)):
            terms = list(item.findall(nodes.term))
            found |= {term.astext(): (terms[0]["ids"][0], " ".join(text.astext().split())) for term in terms}
    return found


def link_terms(page: nodes.document, terms: Mapping[str, tuple[str, str]], address: str) -> None:
    """Make the first use of each entry in the sentences of a page a link that bears its definition as title.

    Headings, links, emphasised words and citations are left as they are. `terms` are as :func:`definitions` returns
    them, `address` is that of the glossary as seen from the page.
    """
    longest_first = sorted(terms, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(_either_case, longest_first))})s?(?![\w-])")
    by_name = {term.casefold(): entry for term, entry in terms.items()}
    met: set[str] = set()
    for text in [node for node in page.findall(nodes.Text) if _in_sentence(node)]:
        whole, parts, end = text.astext(), [], 0
        for match in pattern.finditer(whole):
            identity, definition = by_name[match[1].casefold()]
            if identity not in met:
                met.add(identity)
                link = nodes.reference("", match[0], refuri=f"{address}#{identity}", reftitle=definition, internal=True,
                                       classes=["lr-term"])  # fmt: skip
                parts += [nodes.Text(whole[end : match.start()]), link]
                end = match.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(whole[end:])])


def _either_case(term: str) -> str:
    """Return the pattern of a term: CLAIM is no claim, but Sensitivity begins a sentence."""
    return re.escape(term) if term.upper() == term else f"(?i:{re.escape(term)})"


def _in_sentence(text: nodes.Text) -> bool:
    holder = text.parent
    if "pasted-text" in holder.get("classes", ()):  # a glued result
        holder = holder.parent
    return isinstance(holder, nodes.paragraph) and not isinstance(holder.parent, nodes.citation)


def _link_page(app: Sphinx, page: nodes.document, name: str) -> None:
    if name == GLOSSARY or GLOSSARY not in app.env.found_docs or app.builder.format != "html":
        return
    terms = definitions(app.env.get_doctree(GLOSSARY))
    link_terms(page, terms, app.builder.get_relative_uri(name, GLOSSARY))


def _results_first(_app: Sphinx, page: nodes.document, _name: str) -> None:
    """Show what a cell found before the fold that says how."""
    for cell in list(page.findall(nodes.container)):
        if "cell" in cell["classes"]:
            cell.children.sort(key=lambda part: "cell_output" not in part.get("classes", ()))


def _keep_together(_app: Sphinx, page: nodes.document, _name: str) -> None:
    verbatim = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.comment)
    for text in list(page.findall(nodes.Text)):
        if not isinstance(text.parent, verbatim) and (kept := together(text)) != text:
            text.parent.replace(text, nodes.Text(kept))


def _mend(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        mend_site(Path(app.outdir))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.add_html_math_renderer("livingreview_mathml", (_inline, None), (_display, None))
    # Jupyter Book sets it even for a book without comments, whose extension is not loaded.
    app.add_config_value("comments_config", {}, "html")
    # Before the theme's own handlers (500), which make the link.
    app.connect("html-page-context", _author_wrote_markdown, priority=400)
    for name in ("livingreview_site", "livingreview_days"):
        app.add_config_value(name, {}, "html", types=dict)
    app.connect("html-page-context", _describe_page)
    app.connect("html-page-context", _place_page)
    # After the theme's own handlers, which make the title.
    app.connect("html-page-context", _escape_title, priority=900)
    app.connect("build-finished", _mend)
    app.connect("doctree-resolved", _link_page)
    app.connect("doctree-resolved", _results_first)
    # After the terms are found, some of which hold a percent sign.
    app.connect("doctree-resolved", _keep_together, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
