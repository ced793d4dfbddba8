"""Is the one strategy written so that each database runs it, and runs what was meant?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from livingreview.cli import main
from livingreview.errors import SearchError
from livingreview.review.model import Concept, Strategy, Term
from livingreview.review.reading import Document, read_yaml
from livingreview.search.ledger import RECORD_COLUMNS
from livingreview.search.strategy import SYNTAXES, concept_query, limits, serialise, strategy_faults

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
    syntax = SYNTAXES[database]
    concepts, sign, limit = (
        serialise(strategy, database).removeprefix(syntax.opening).rpartition("\n" + syntax.limit_and.lstrip())
    )
    assert concepts.split("\nAND ") == [concept_query(c, database) for c in strategy.concepts]
    assert (sign.strip(), limit) == (syntax.limit_and.strip(), limits(strategy, database))


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        ("PubMed", "(T2[tiab])"),
        ("Embase", "(T2):ti,ab,kw"),
        ("Web of Science", "TS=(T2)"),
        ("Scopus", "TITLE-ABS-KEY(T2)"),
        ("Ovid", "(T2).ti,ab,kf."),
        ("Europe PMC", "(TITLE_ABS:T2)"),
        ("OpenAlex", "(T2)"),
        ("IEEE Xplore", '("All Metadata":T2)'),
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
        ("Ovid", '("magnetic resonan*" OR segment*).ti,ab,kf.'),
        ("IEEE Xplore", '("All Metadata":"magnetic resonan*" OR "All Metadata":segment*)'),
    ],
)
def test_truncation_is_asked_for_in_words(database, expected):
    terms = Term(text="magnetic resonan", truncated=True), Term(text="segment", truncated=True)
    assert concept_query(one_concept(*terms), database) == expected


@pytest.mark.parametrize(("database", "stem"), [("PubMed", "car"), ("Web of Science", "ca")])
def test_a_stem_too_short_for_a_database_is_refused_with_its_minimum(database, stem):
    with pytest.raises(SearchError, match=f"needs {len(stem) + 1} characters"):
        concept_query(one_concept(Term(text=stem, truncated=True)), database)


@pytest.mark.parametrize(("database", "text"), [("Europe PMC", "magnetic resonan"), ("OpenAlex", "segment")])
def test_a_truncation_that_a_database_would_not_search_is_refused(database, text):
    with pytest.raises(SearchError, match=f"{database} cannot truncate"):
        concept_query(one_concept(Term(text=text, truncated=True)), database)


def test_europe_pmc_truncates_single_words():
    assert concept_query(one_concept(Term(text="segment", truncated=True)), "Europe PMC") == "(TITLE_ABS:segment*)"


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
        ("Ovid", "((heart).ti,ab,kf. OR exp Magnetic Resonance Imaging, Cine/)"),
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


def test_limits_beside_a_query_are_joined_as_parameters(strategy):
    both = strategy.model_copy(update={"languages": ["English", "French"]})
    assert limits(both, "OpenAlex") == "publication_year:2020-2025,language:en|fr"
    assert limits(both, "IEEE Xplore") == "start_year=2020&end_year=2025"
    assert limits(both, "Ovid").endswith("(english OR french).la.")


def test_a_language_without_a_known_code_is_refused_where_a_code_is_wanted(strategy):
    klingon = strategy.model_copy(update={"languages": ["Klingon"]})
    with pytest.raises(SearchError, match="OpenAlex wants the code of 'Klingon'"):
        limits(klingon, "OpenAlex")
    assert limits(klingon, "Scopus").endswith("LANGUAGE(klingon)")


def linted(**terms: object) -> list[str]:
    """Return the codes and marked terms of the faults of a strategy with one concept."""
    strategy = Strategy(
        id="s", title="t", status="s", source="s", from_year=2020, to_year=2025, languages=["English"],
        databases=["PubMed"], concepts=[one_concept(Term(**terms))],
    )  # fmt: skip
    document = Document("data/search/strategy.yaml", {}, {("concepts", 0, "terms", 0, "text"): 7})
    faults = strategy_faults(strategy, document)
    assert all(fault.path == "data/search/strategy.yaml" for fault in faults)
    return [f"{fault.code} {fault.line} {fault.problem.rpartition(': ')[2]}" for fault in faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"deep learning', 'STRATEGY-004 7 ^"deep learning'),
        ("(deep learning", "STRATEGY-004 7 ^(deep learning"),
        ("learning) deep", "STRATEGY-004 7 learning^) deep"),
        ("“deep learning", "STRATEGY-004 7 ^“deep learning"),
        ("segment*", "STRATEGY-002 7 segment^*"),
        ("neural net$", "STRATEGY-002 7 neural net^$"),
        ("deep OR learning", "STRATEGY-003 7 deep ^OR learning"),
        ("heart[tiab]", "STRATEGY-001 7 heart^[tiab]"),
        ("heart:ti,ab", "STRATEGY-001 7 heart^:ti,ab"),
        ("TITLE-ABS-KEY(heart)", "STRATEGY-001 7 ^TITLE-ABS-KEY(heart)"),
    ],
)
def test_query_language_in_a_term_is_marked_where_it_stands(text, expected):
    assert linted(text=text) == [expected]


@pytest.mark.parametrize("text", ["T2*", "deep learning", '"deep learning"', "U-Net (2D)", "Fallot’s", "R2* mapping"])
def test_words_of_the_field_are_no_query_language(text):
    assert linted(text=text) == []


def test_a_term_for_a_database_that_does_not_exist_is_a_fault():
    assert [fault.partition(" ")[0] for fault in linted(text="heart", databases=["PubMed", "Pubmde"])] == [
        "STRATEGY-006"
    ]


def test_what_keeps_a_database_from_being_searched_is_a_fault_of_its_concept():
    assert linted(text="car", truncated=True)[0].startswith("STRATEGY-005")


def test_the_reviews_own_strategy_has_no_fault():
    document = read_yaml(ROOT / "data" / "search" / "strategy.yaml", ROOT / "data")
    assert strategy_faults(Strategy.model_validate(document.data), document) == []


@pytest.mark.parametrize(("database", "platform"), [("PubMed", "pubmed"), ("Web of Science", "wos")])
def test_an_independent_parser_reads_our_queries(strategy, database, platform, capsys):
    search_query = pytest.importorskip("search_query.parser", reason="needs search-query")
    # Limits are left out: the parser cuts the range of years to its first (search-query 0.15.0).
    text = " AND ".join(concept_query(concept, database) for concept in strategy.concepts)
    parsed = search_query.parse(text, platform=platform)
    assert "Fatal" not in capsys.readouterr().out
    assert re.findall(r"[A-Za-z]+", parsed.to_string()) == re.findall(r"[A-Za-z]+", text)


def test_years_in_the_wrong_order_are_refused(strategy):
    with pytest.raises(SearchError, match="ends in 2019"):
        limits(strategy.model_copy(update={"to_year": 2019}), "PubMed")


@given(text=st.text(min_size=1, max_size=40).filter(lambda text: re.search(r"\w", text) and text.strip()))
def test_no_term_can_leave_its_quotes_or_its_field_in_any_database(text):
    for database, syntax in SYNTAXES.items():
        query = concept_query(one_concept(Term(text=text)), database)
        before, after = syntax.terms.format(terms=syntax.term.format(term="\0")).split("\0")
        assert query.startswith(before)
        assert query.endswith(after)
        term = query[len(before) : len(query) - len(after)]
        inside = term[1:-1] if term.startswith(syntax.quote) and term.endswith(syntax.quote) else term
        assert syntax.quote not in inside
        assert not set(inside) & set('"()[]{}*?$/:=,#&|<>')
        assert re.findall(r"\w+", inside) == re.findall(r"\w+", text.strip())


def test_check_marks_query_language_in_the_strategy_with_its_line(data_copy, capsys):
    path = data_copy / "search" / "strategy.yaml"
    text = path.read_text(encoding="utf-8")
    line = text[: text.index("{text: heart}")].count("\n") + 1
    path.write_text(text.replace("{text: heart}", "{text: heart*}"), encoding="utf-8")
    assert main(["check", "--data", str(data_copy)]) == 1
    out = capsys.readouterr().out
    assert f"strategy.yaml:{line} concepts[1].terms[1].text" in out
    assert "heart^*" in out
    assert "STRATEGY-002" in out


def test_check_finds_a_record_of_a_run_that_was_never_recorded(data_copy, capsys):
    row = ["pubmed-1", "2026-11-22-pubmed", "PubMed", *[""] * (len(RECORD_COLUMNS) - 3)]
    (data_copy / "search" / "records.csv").write_text(f"{','.join(RECORD_COLUMNS)}\n{','.join(row)}\n")
    assert main(["check", "--data", str(data_copy)]) == 1
    assert "data/search/records.csv:2 run_id" in capsys.readouterr().out
