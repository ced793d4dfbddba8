"""Lead the first use of each term of the glossary on a page to its definition, and carry the definition with the link.

Chapters need no mark-up for it, so that a term added to the glossary is explained everywhere at the next build.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

__all__ = ["connect_glossary", "definitions", "link_terms"]

GLOSSARY: Final = "chapters/glossary"


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

    Parameters
    ----------
    page
        Changed in place. Headings, links, emphasised words and citations are left as they are.
    terms
        As :func:`definitions` returns them.
    address
        Of the glossary, as seen from the page.
    """
    longest_first = sorted(terms, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(_either_case, longest_first))})s?(?![\w-])")
    by_name = {term.casefold(): entry for term, entry in terms.items()}
    met: set[str] = set()
    for text in [node for node in page.findall(nodes.Text) if _in_sentence(node)]:
        whole, parts, end = text.astext(), [], 0
        for match in pattern.finditer(whole):
            identity, definition = by_name[match[1].casefold()]
            if identity in met:
                continue
            met.add(identity)
            link = nodes.reference(
                "", match[0], refuri=f"{address}#{identity}", reftitle=definition, internal=True, classes=["lr-term"]
            )
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


def connect_glossary(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("doctree-resolved", _link_page)
