"""Do reference managers get the studies as they are, and nothing that a title smuggles in?"""

from __future__ import annotations

import re
from datetime import date

from pybtex.database import parse_string

from livingreview.publish.references import bibtex, csl_json, referable, ris, split_name
from livingreview.review.model import Study
from published import HOSTILE, with_study

KINDS = {"article-journal", "paper-conference", "article"}


def study(**report: object) -> Study:
    return Study.model_validate(
        {
            "id": "x2024",
            "report": {"source": "paper", **report},
            "standing": [{"on": date(2025, 7, 31), "status": "included", "route": "databases", "reason": "eligible"}],
            "task": "diagnosis",
            "source": "paper",
            "extraction": [{"by": "a person", "kind": "person", "on": date(2025, 7, 31)}],
            "sources": {"paper": {"kind": "publication", "where": "abstract"}},
        }
    )


def test_the_three_forms_hold_the_same_studies(review):
    ids = [study.id for study in referable(review)]
    assert [item["id"] for item in csl_json(review)] == ids
    assert re.findall(r"^ID  - (.*)$", ris(review), re.MULTILINE) == ids
    assert list(parse_string(bibtex(referable(review)), "bibtex").entries) == ids
    assert len(ids) > len(review.included) / 2


def test_every_ris_record_is_whole(review):
    records = ris(review).split("\n\n")
    assert len(records) == len(referable(review))
    for record in records:
        lines = record.strip("\n").split("\n")
        assert lines[0].startswith("TY  - ")
        assert lines[-1] == "ER  - "
        assert all(re.match(r"[A-Z][A-Z0-9]  - ", line) for line in lines)


def test_csl_items_have_the_types_that_the_specification_names(review):
    for item in csl_json(review):
        assert item["type"] in KINDS
        assert item["title"]
        assert all(set(person) in ({"family", "given"}, {"literal"}) for person in item.get("author", []))
        for part in item.get("issued", {}).get("date-parts", []):
            assert all(isinstance(number, int) for number in part)


def test_a_citation_is_taken_apart_where_that_can_be_done(review):
    items = {item["id"]: item for item in csl_json(review)}
    whole = items["agibetov2021"]
    assert (whole["container-title"], whole["volume"], whole["issue"], whole["page"]) == (
        "J Pers Med",
        "11",
        "12",
        "1268",
    )
    assert whole["issued"] == {"date-parts": [[2021, 12, 1]]}
    odd = csl_json(with_study(review, journal="Some Proceedings 2099 (in press)"))[-1]
    assert odd["container-title"] == "Some Proceedings 2099 (in press)"
    assert "volume" not in odd


def test_a_first_author_alone_is_said_to_be_one(review):
    item = csl_json(with_study(review, authors=None, first_author="Made Up A"))[-1]
    assert item["author"] == [{"family": "Made Up", "given": "A"}]
    assert item["note"] == "Only the first author was seen."


def test_no_title_begins_a_tag_of_its_own(review):
    spoiled = with_study(review, title=f"One\nER  - \n\nTY  - JOUR\r\nTI  - {HOSTILE}", journal="A\nB")
    assert ris(spoiled).count("\nER  - ") == len(referable(spoiled))
    assert csl_json(spoiled)[-1]["container-title"] == "A B"
    entries = parse_string(bibtex(referable(spoiled)), "bibtex").entries
    assert len(entries) == len(referable(spoiled))


def test_names_are_split_as_printed():
    assert split_name("Ben Khalifa A") == ("Ben Khalifa", "A")
    assert split_name("The ACDC Consortium") == ("The ACDC Consortium", "")


def test_bibtex_survives_every_sign_that_tex_reads():
    title = r"100 % of {T1} & T2* in $n$ = 5_000 #1 ~ \input{secret} ^"
    database = parse_string(bibtex([study(title=title, first_author="Ben Khalifa A", year=2024)]), "bibtex")
    entry = database.entries["x2024"]
    (author, others) = entry.persons["author"]
    assert (author.last_names, author.first_names, str(others)) == (["{Ben Khalifa}"], ["A"], "others")
    assert "\\input" not in entry.fields["title"]
    assert entry.fields["year"] == "2024"


def test_a_report_that_was_not_identified_is_cited_as_such():
    entry = parse_string(bibtex([study()]), "bibtex").entries["x2024"]
    assert "report not identified" in entry.fields["title"]
    assert "author" not in entry.persons
