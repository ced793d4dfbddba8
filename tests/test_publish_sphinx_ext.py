"""Is each hard word explained where a page uses it first, once, by the glossary, and each formula shown whole?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes

from livingreview.publish.sphinx_ext import definitions, link_terms, mathml

GLOSSARY = Path(__file__).parent.parent / "chapters" / "glossary.md"
TERMS = {
    "sensitivity": ("term-sensitivity", "found"),
    "sensitivity analysis": ("term-analysis", "done again"),
    "sensitivity analyses": ("term-analysis", "done again"),
    "CLAIM": ("term-CLAIM", "a checklist"),
    "2×2 table": ("term-table", "four counts"),
}
# What the review's own issue asks for.
ASKED = (
    "sensitivity", "specificity", "confidence interval", "prediction interval", "Dice coefficient",
    "Hausdorff distance", "heterogeneity", "I²", "SROC curve", "likelihood ratio", "risk of bias", "QUADAS-2", "CLAIM",
    "living review", "2×2 table", "imputation", "leave-one-out", "central table", "Wilson interval", "Rubin's rules",
    "Cook's distance", "PPV", "NPV", "F1", "U-Net", "CNN", "cine",
)  # fmt: skip


def page(*paragraphs: nodes.Node | str) -> nodes.document:
    made = new_document("page")
    for content in paragraphs:
        made += nodes.paragraph("", "", nodes.Text(content) if isinstance(content, str) else content)
    return made


def links(made: nodes.document) -> list[tuple[str, str]]:
    return [(link.astext(), link["refuri"]) for link in made.findall(nodes.reference) if "lr-term" in link["classes"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sensitivity and sensitivity.", [("Sensitivity", "g.html#term-sensitivity")]),
        ("A sensitivity analysis; sensitivity analyses.", [("sensitivity analysis", "g.html#term-analysis")]),
        ("They claim; the CLAIM list.", [("CLAIM", "g.html#term-CLAIM")]),
        ("Insensitivity, sensitivity-based.", []),
        ("Two 2×2 tables.", [("2×2 tables", "g.html#term-table")]),
    ],
)
def test_is_the_first_use_of_a_term_found_and_no_other_word(text, found):
    made = page(text)
    link_terms(made, TERMS, "g.html")
    assert links(made) == found
    assert made.astext() == text


def test_is_a_term_linked_once_a_page_and_with_its_definition():
    made = page("The sensitivity.", "Its sensitivity.")
    link_terms(made, TERMS, "g.html")
    assert len(links(made)) == 1
    assert next(iter(made.findall(nodes.reference)))["reftitle"] == "found"


def test_are_links_headings_and_citations_left_alone_but_glued_results_explained():
    made = page(
        nodes.reference("", "sensitivity", refuri="elsewhere"),
        nodes.emphasis("", "sensitivity"),
        nodes.inline("", "sensitivity is high", classes=["pasted-text"]),
    )
    made.insert(0, nodes.title("", "sensitivity"))
    citation = nodes.citation("", nodes.paragraph("", "CLAIM"))
    made += citation
    link_terms(made, TERMS, "g.html")
    assert links(made) == [("sensitivity", "g.html#term-sensitivity")]
    assert (
        "pasted-text"
        in next(link for link in made.findall(nodes.reference) if "lr-term" in link["classes"]).parent["classes"]
    )


def test_are_synonyms_one_entry_and_only_the_first_paragraph_the_definition():
    items = nodes.definition_list(
        "",
        nodes.definition_list_item(
            "",
            nodes.term("", "Dice coefficient", ids=["term-Dice"]),
            nodes.term("", "Dice", ids=["term-Dice-2"]),
            nodes.definition("", nodes.paragraph("", "Overlap\nof areas."), nodes.paragraph("", "More.")),
        ),
    )
    made = new_document("glossary")
    made += addnodes.glossary("", items)
    assert definitions(made) == dict.fromkeys(("Dice coefficient", "Dice"), ("term-Dice", "Overlap of areas."))


def entries() -> dict[str, str]:
    """Return each term of the glossary's page with the first paragraph of its definition."""
    body = re.search(r"```\{glossary\}\n(.*?)```", GLOSSARY.read_text(encoding="utf-8"), re.DOTALL)
    assert body
    found: dict[str, str] = {}
    for block in re.split(r"\n\n(?=\S)", body[1]):
        terms = re.findall(r"^\S.*$", block, re.MULTILINE)
        text = re.search(r"^  .*?(?=\n\n|\Z)", block, re.MULTILINE | re.DOTALL)
        found |= {term: " ".join(text[0].split()) for term in terms if text}
    return found


def test_has_the_glossary_every_word_asked_for_once():
    assert set(ASKED) <= set(entries())
    names = [term.casefold() for term in entries()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("term", "says"), entries().items(), ids=str)
def test_is_a_definition_short_and_free_of_citations(term, says):
    assert 20 < len(says) < 260, term
    assert "{" not in says, "what is cited stands in a paragraph of its own; the hover shows the first"


@pytest.mark.parametrize("latex", [r"\frac{1", r"\nosuchcommand{x}"])
def test_a_formula_that_cannot_be_shown_whole_is_refused(latex):
    with pytest.raises(ValueError, match="formula"):
        mathml(latex, "inline")


def test_a_formula_keeps_its_source_as_text():
    assert 'alttext="\\hat\\theta &lt; 1"' in mathml(r"\hat\theta < 1", "block")
