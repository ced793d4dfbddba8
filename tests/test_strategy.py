"""Is the one strategy written so that each database runs it, and runs what was meant?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from livingreview.errors import SearchError
from livingreview.model import Concept, Strategy, Term
from livingreview.search.strategy import SYNTAXES, concept_query, limits, serialise

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden" / "strategies"


@pytest.fixture(scope="module")
def strategy() -> Strategy:
    text = (ROOT / "data" / "search" / "strategy.yaml").read_text(encoding="utf-8")
    return Strategy.model_validate(YAML(typ="safe", pure=True).load(text))


def one_concept(*terms: Term) -> Concept:
    return Concept(name="concept", terms=list(terms))


def test_every_database_of_the_strategy_has_a_syntax_and_a_golden_query(strategy):
    assert set(strategy.databases) <= set(SYNTAXES)
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {name.lower().replace(" ", "_") for name in SYNTAXES}


@pytest.mark.parametrize("database", SYNTAXES)
def test_query_is_the_one_that_was_checked_by_eye(strategy, database):
    golden = (GOLDEN / f"{database.lower().replace(' ', '_')}.txt").read_text(encoding="utf-8")
    assert serialise(strategy, database) + "\n" == golden


@pytest.mark.parametrize("database", SYNTAXES)
def test_query_is_its_concepts_and_its_limits_joined_by_and(strategy, database):
    parts = serialise(strategy, database).split("\nAND ")
    assert parts == [*(concept_query(c, database) for c in strategy.concepts), limits(strategy, database)]


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("PubMed", "(T2[tiab])"),
        ("Embase", "(T2):ti,ab,kw"),
        ("Web of Science", "TS=(T2)"),
        ("Scopus", "TITLE-ABS-KEY(T2)"),
    ],
)
def test_an_asterisk_in_a_term_is_not_a_wildcard(database, expected):
    assert concept_query(one_concept(Term(text="T2*")), database) == expected


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("PubMed", '("magnetic resonan*"[tiab] OR segment*[tiab])'),
        ("Embase", "('magnetic resonan*' OR segment*):ti,ab,kw"),
        ("Web of Science", 'TS=("magnetic resonan*" OR segment*)'),
        ("Scopus", 'TITLE-ABS-KEY("magnetic resonan*" OR segment*)'),
    ],
)
def test_truncation_is_asked_for_in_words(database, expected):
    terms = Term(text="magnetic resonan", truncated=True), Term(text="segment", truncated=True)
    assert concept_query(one_concept(*terms), database) == expected


@pytest.mark.parametrize(("database", "stem"), [("PubMed", "car"), ("Web of Science", "ca")])
def test_a_stem_too_short_for_a_database_is_refused_with_its_minimum(database, stem):
    with pytest.raises(SearchError, match=f"needs {len(stem) + 1} characters"):
        concept_query(one_concept(Term(text=stem, truncated=True)), database)


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("PubMed", '("Fallot\'s"[tiab])'),
        ("Embase", "('Fallot s'):ti,ab,kw"),
        ("Scopus", 'TITLE-ABS-KEY("Fallot\'s")'),
    ],
)
def test_an_apostrophe_does_not_end_a_phrase(database, expected):
    assert concept_query(one_concept(Term(text="Fallot’s")), database) == expected


@pytest.mark.parametrize("database", SYNTAXES)
def test_an_operator_word_is_searched_as_a_word(database):
    quote = SYNTAXES[database].quote
    assert f"{quote}NOT{quote}" in concept_query(one_concept(Term(text="NOT")), database)


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("PubMed", '((heart[tiab]) OR "Magnetic Resonance Imaging, Cine"[mh])'),
        ("Embase", "((heart):ti,ab,kw OR 'Magnetic Resonance Imaging, Cine'/exp)"),
        ("Scopus", '(TITLE-ABS-KEY(heart) OR INDEXTERMS("Magnetic Resonance Imaging, Cine"))'),
    ],
)
def test_headings_are_copied_as_they_stand_beside_free_text(database, expected):
    terms = Term(text="Magnetic Resonance Imaging, Cine", heading=True), Term(text="heart")
    assert concept_query(one_concept(*terms), database) == expected


def test_a_heading_needs_a_thesaurus():
    with pytest.raises(SearchError, match="Web of Science has no headings"):
        concept_query(one_concept(Term(text="Heart", heading=True)), "Web of Science")


def test_a_heading_with_the_databases_own_quote_is_refused():
    with pytest.raises(SearchError, match="cannot quote"):
        concept_query(one_concept(Term(text="Fallot's tetralogy", heading=True)), "Embase")


def test_a_term_for_one_database_is_left_out_of_the_others():
    concept = one_concept(Term(text="heart"), Term(text="Heart", heading=True, databases=["PubMed"]))
    assert concept_query(concept, "Web of Science") == "TS=(heart)"
    assert concept_query(concept, "PubMed") == '((heart[tiab]) OR "Heart"[mh])'


def test_a_concept_without_any_term_for_a_database_is_an_error_not_a_wider_search():
    with pytest.raises(SearchError, match="no term for Scopus"):
        concept_query(one_concept(Term(text="heart", databases=["PubMed"])), "Scopus")


def test_a_term_that_stands_twice_is_searched_once():
    assert concept_query(one_concept(Term(text="heart"), Term(text="heart")), "Scopus") == "TITLE-ABS-KEY(heart)"


@pytest.mark.parametrize("text", ["***", "()", "-", '""'])
def test_a_term_without_words_is_refused(text):
    with pytest.raises(SearchError, match="has no words"):
        concept_query(one_concept(Term(text=text)), "PubMed")


def test_an_unknown_database_names_the_known_ones(strategy):
    with pytest.raises(SearchError, match="PubMed, Embase, Web of Science, Scopus"):
        serialise(strategy, "Google Scholar")


def test_several_languages_are_alternatives_and_none_is_no_limit(strategy):
    both = strategy.model_copy(update={"languages": ["English", "French"]})
    assert limits(both, "PubMed") == "2020:2025[dp] AND (english[la] OR french[la])"
    assert limits(both, "Embase") == "[2020-2025]/py AND ([english]/lim OR [french]/lim)"
    assert limits(both, "Web of Science") == "PY=(2020-2025) AND LA=(english OR french)"
    assert limits(strategy.model_copy(update={"languages": []}), "Scopus") == "PUBYEAR > 2019 AND PUBYEAR < 2026"


def test_years_in_the_wrong_order_are_refused(strategy):
    with pytest.raises(SearchError, match="ends in 2019"):
        limits(strategy.model_copy(update={"to_year": 2019}), "PubMed")


@pytest.mark.parametrize("database", SYNTAXES)
@given(text=st.text(min_size=1, max_size=40).filter(lambda text: re.search(r"\w", text) and text.strip()))
def test_no_term_can_leave_its_quotes_or_its_field(database, text):
    syntax = SYNTAXES[database]
    query = concept_query(one_concept(Term(text=text)), database)
    before, after = syntax.terms.format(terms=syntax.term.format(term="\0")).split("\0")
    assert query.startswith(before)
    assert query.endswith(after)
    term = query[len(before) : len(query) - len(after)]
    inside = term[1:-1] if term.startswith(syntax.quote) and term.endswith(syntax.quote) else term
    assert syntax.quote not in inside
    assert not set(inside) & set('"()[]{}*?$/:=,#&|<>')
    assert re.findall(r"\w+", inside) == re.findall(r"\w+", text.strip())
