"""Does `livingreview add` write what a record says and no more, and is a file safe from it, whatever is sent?"""

from __future__ import annotations

import argparse
import difflib
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_services import BOMB, HTML, Fault, Library, library, serving
from livingreview.adding import record
from livingreview.adding.add import Held, completed, free_id
from livingreview.adding.draft import FORM, LABELS, Wish, write_draft
from livingreview.adding.record import refuse_hidden
from livingreview.cli import main
from livingreview.commands.add import ADD
from livingreview.errors import DataError
from livingreview.review import Review, check
from livingreview.review.model.base import Task
from livingreview.review.reading import read_yaml
from livingreview.search.records import plain
from livingreview.search.sources.http import Limits

DOI = "10.5555/test.1"
RIS = f"""TY  - JOUR
AU  - Đorđević, Ana Mia
AU  - van der Berg, J.P.
TI  - A made-up study: with #hash, "quotes" and {{braces}}
T2  - Journal of cardiac tests
PY  - 2026
VL  - 3
IS  - 1
SP  - 10
EP  - 19
DO  - https://doi.org/{DOI}
ER  -
"""


@pytest.fixture
def data(data_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in (data_copy / "studies").iterdir():
        if path.stem not in ("lai2025", "gao", "shad2026"):
            path.unlink()
    monkeypatch.chdir(data_copy.parent)
    return data_copy


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    served = library(3)
    monkeypatch.setattr(record, "PATIENCE", Limits(attempts=2, first_pause=0.0, longest_pause=1.0, size=1_000_000))
    with serving(served) as address:
        monkeypatch.setenv("LIVINGREVIEW_CROSSREF_URL", address)
        monkeypatch.setenv("LIVINGREVIEW_PUBMED_URL", address)
        monkeypatch.setenv("LIVINGREVIEW_CONTACT", "tests@example.org")
        yield served


def add(*arguments: str) -> int:
    return main(["add", *arguments, "--by", "Jane Doe"])


def files(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data / "studies").iterdir()}


def export(text: str, name: str = "export.ris") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def put(held: Library, **changes: Any) -> None:
    held.items[0] = replace(held.items[0], **changes)


@pytest.mark.slow
def test_a_doi_becomes_a_sound_file_of_crossrefs_facts(data: Path, held: Library) -> None:
    assert add(f"https://doi.org/{DOI.upper()}", "--task", "diagnosis") == 0
    assert check(data) == []
    study = Review.load(data).study("muller2026")
    assert study.report.title == held.items[0].name
    assert (study.report.first_author, study.report.year, study.report.doi) == ("Müller J", 2026, DOI)
    assert (study.report.authors, study.report.kind) == (["Müller J", "A consortium"], "journal article")
    assert study.sources["record"].url == f"https://api.crossref.org/works/{DOI}"
    (name, asked, headers), *rest = held.requests
    assert (name, asked["doi"], asked["mailto"], rest) == ("work", DOI, "tests@example.org", [])
    assert "mailto:tests@example.org" in headers["User-Agent"]


@pytest.mark.slow
def test_a_pubmed_number_becomes_a_sound_file_of_pubmeds_facts(data: Path, held: Library) -> None:
    put(held, title="Networks of the heart.")
    assert add("PMID: 1") == 0
    assert check(data) == []
    report = Review.load(data).study("muller2026").report
    assert (report.title, report.pmid, report.doi) == ("Networks of the heart", "1", DOI)
    assert report.journal == "Journal of cardiac tests 2026;23(4):1-9"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.ris", RIS),
        ("b.nbib", "PMID- 1\nTI  - Networks of the heart.\nFAU - Dordevic, Ana\nDP  - 2026 Mar\nJT  - J Tests\n"),
        ("c.bib", '@article{x, title = {Networks}, author = {Dordevic, Ana and Li, B}, year = 2026, journal = "J"}\n'),
        ("d.csv", "title,authors,year,doi\nNetworks,Dordevic A,2026,10.5555/test.1\n"),
    ],
)
def test_an_export_file_does_without_any_service(data: Path, name: str, text: str) -> None:
    assert add(export(text, name)) == 0
    assert check(data) == []
    study = Review.load(data).study("dordevic2026")
    assert study.report.title
    assert "export" in str(study.sources["record"].where)


@pytest.mark.slow
@pytest.mark.parametrize("task", [*get_args(Task), ""])
def test_a_draft_holds_nothing_that_nobody_read(data: Path, task: str) -> None:
    assert add(export(RIS), *(["--task", task] if task else [])) == 0
    text = (data / "studies" / "dordevic2026.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../schema/study.schema.json\n")
    content = yaml.safe_load(text)
    assert set(content) == {"id", "report", "standing", "source", "extraction", "sources"} | (
        {"task"} if task else set()
    )
    assert content["extraction"] == [{"by": "Jane Doe", "kind": "machine-assisted", True: date.today()}]
    (standing,) = content["standing"]
    assert (standing["status"], standing[True]) == ("awaiting classification", date.today())
    assert not Review.load(data).study("dordevic2026").verified
    wanted = set(FORM) - {{"segmentation": "accuracy", "": ""}.get(task, "overlap")}
    assert {block for block in FORM if f"# {block}:" in text} == wanted


def test_the_form_is_yaml_of_the_model_once_its_marks_are_taken_away() -> None:
    text = write_draft("x", Wish(("pmid", "1"), "r", "J"), {"title": "T"}, {"kind": "page"}, date(2026, 1, 1))
    form = text[text.index("# index_test") : text.index("extraction:")]
    content = yaml.safe_load("\n".join(line.removeprefix("# ") for line in form.split("\n")))
    assert list(content) == list(FORM)
    for block, (model, _) in FORM.items():
        found = content[block][0] if isinstance(content[block], list) else content[block]
        assert set(found) <= set(model.model_fields)
        assert found.pop("source") == "paper"
        assert set(found.values()) == {None}


def test_the_command_offers_the_tasks_of_the_model() -> None:
    parser = argparse.ArgumentParser()
    ADD.configure(parser)
    (choices,) = [action.choices for action in parser._actions if action.dest == "task"]
    assert list(choices or ()) == list(get_args(Task))


@pytest.mark.slow
@pytest.mark.parametrize("again", [DOI, f"doi:{DOI.upper()}", "export.ris", "other.ris"])
def test_a_study_that_is_there_is_named_and_left_alone(data: Path, held: Library, again: str, capsys: Any) -> None:
    add(export(RIS))
    export(RIS.replace(DOI, "10.5555/elsewhere"), "other.ris")  # the same title
    before = files(data)
    capsys.readouterr()
    assert add(again) == 0
    assert "data/studies/dordevic2026.yaml has" in capsys.readouterr().out
    assert files(data) == before
    assert held.requests == []  # nobody was asked what the review knows


@pytest.mark.slow
def test_a_second_study_of_a_name_and_year_gets_a_letter(data: Path, held: Library) -> None:
    assert [add(f"10.5555/test.{n}") for n in (1, 2, 3)] == [0, 0, 0]
    assert {"muller2026.yaml", "muller2026b.yaml", "muller2026c.yaml"} <= set(files(data))
    assert check(data) == []


def test_no_id_is_made_of_nothing(data: Path, capsys: Any) -> None:
    before = files(data)
    assert add(export("TY  - JOUR\nTI  - Nobody's\nPY  - 2026\nER  -\n")) == 2
    assert "--id surname2026 [ADD-004]" in capsys.readouterr().err
    assert files(data) == before
    with pytest.raises(DataError):
        free_id("", set())


@pytest.mark.parametrize("study_id", ["../x", "/etc/passwd", "x/y", "X", "a" * 61, "x.yaml", "-x", "x\n", "ｘ", ""])
def test_an_id_is_never_a_path(data: Path, study_id: str) -> None:
    before = files(data)
    assert add(export(RIS), f"--id={study_id}") == (0 if study_id == "" else 2)
    assert set(files(data)) - set(before) == ({"dordevic2026.yaml"} if study_id == "" else set())
    assert {path.name for path in data.parent.iterdir()} == {"data", "export.ris"}


def stripped(path: Path) -> bytes:
    """Take the DOI out of a study's report, and return what is left."""
    text = path.read_text(encoding="utf-8")
    head, tail = text.split("\n  doi: ", 1)
    path.write_text(head + "\n" + tail.split("\n", 1)[1], encoding="utf-8")
    return path.read_bytes()


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that went and those that came."""
    lines = list(difflib.ndiff(before.split("\n"), after.split("\n")))
    return [line[2:] for line in lines if line[0] == "-"], [line[2:] for line in lines if line[0] == "+"]


def test_what_is_missing_is_added_and_every_other_byte_stays(data: Path) -> None:
    path = data / "studies" / "lai2025.yaml"
    before = stripped(path)
    citation = "PMID- 40603582\nTI  - T\nLID - 10.1038/s44161-025-00679-1 [doi]\nDP  - 2020\nPMC - PMC1\n"
    assert add(export(citation, "l.nbib"), "--id", "lai2025") == 0
    after = path.read_bytes()
    gone, come = changed(before.decode(), after.decode())
    assert gone == ["  source: abstract"]
    assert [line.split(":")[0].strip() for line in come] == ["doi", "pmcid", "source", "record"]
    assert b"year: 2025" in after
    assert check(data) == []
    report = Review.load(data).study("lai2025").report
    assert isinstance(report.source, dict)
    assert (report.source["doi"], report.source["title"], report.pmcid) == ("record", "abstract", "PMC1")
    assert add("l.nbib", "--id", "lai2025") == 0
    assert path.read_bytes() == after


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "data" / "studies").glob("*.yaml")), ids=lambda p: p.stem
)
def test_completing_any_study_leaves_its_other_lines_or_is_refused(path: Path) -> None:
    root = path.parents[1]
    report = read_yaml(path, root).data["report"]
    facts = {
        "title": report.get("title", "T"),
        "pmid": report.get("pmid", "1"),
        "pmcid": "PMC123456789",
        "url": "https://x.org/1",
    }
    if "title" not in report and "pmid" not in report:
        return
    before = path.read_text(encoding="utf-8")
    try:
        text, added = completed(Held(path, path.name, report), root, facts, {"kind": "page", "where": "test"})
    except DataError:
        return
    assert added
    gone, _ = changed(before, text)
    assert len(gone) <= 1
    assert all(line.startswith("  source:") for line in gone)


def test_another_publication_completes_nothing(data: Path, capsys: Any) -> None:
    before = files(data)
    assert add(export(RIS), "--id", "lai2025") == 2
    told = capsys.readouterr().err
    assert "this is another publication: the doi is 10.1038/s44161-025-00679-1" in told
    assert "[ADD-005]" in told
    assert add(export(RIS), "--id", "gao") == 2
    assert "no identifier or title agrees" in capsys.readouterr().err
    assert files(data) == before


LASTING = {
    "too many requests": (Fault(429, headers=(("Retry-After", "0"),)), "no usable answer in 2 attempts"),
    "asked to wait long": (Fault(429, headers=(("Retry-After", "3600"),)), "asks to wait 3,600 seconds"),
    "server error": (Fault(500), "status 500"),
    "web page": (Fault(200, HTML, "text/html"), "a web page instead of data"),
    "web page that says it is data": (Fault(200, HTML), "a web page instead of data"),
    "broken off": (Fault(keep=0.5), "breaks off"),
    "nothing": (Fault(keep=0.0), "breaks off"),
    "forbidden": (Fault(403, b"\x1b[31mno\x1b[0m"), "status 403"),
    "too long": (Fault(200, b" " * 1_100_000), "more than 1,000,000 bytes"),
    "a list": (Fault(200, b"[1]"), "usable answer|XML"),
    "a number without end": (Fault(200, b'{"message": ' + b"9" * 5000 + b"}"), "usable answer|XML"),
    "another's record": (Fault(200, b'{"message": {"DOI": "10.5555/other", "title": ["x"]}}'), "10.5555/other|XML"),
    "no record": (Fault(200, b'{"message": null}'), "answered with nothing|XML"),
    "unknown": (Fault(404, b"Resource not found.", "text/plain"), "does not know (10.5555/test.1|1)"),
}


@pytest.mark.slow
@pytest.mark.parametrize("identifier", [DOI, "1"])
@pytest.mark.parametrize("fault", LASTING)
def test_a_service_that_fails_leaves_one_line_with_the_way_out(
    data: Path, held: Library, identifier: str, fault: str, capsys: Any
) -> None:
    before = files(data)
    held.faults = [LASTING[fault][0]] * 5
    assert add(identifier) == 2
    told = capsys.readouterr().err
    assert re.search(LASTING[fault][1], told), told
    assert told.count("\n") == 1
    assert "\x1b" not in told
    assert "export the citation as RIS" in told
    assert files(data) == before


@pytest.mark.slow
def test_a_passing_fault_is_asked_again(data: Path, held: Library) -> None:
    held.faults = [Fault(503)]
    assert add(DOI) == 0
    assert len(held.requests) == 2


def test_a_service_that_is_not_there_is_one_line(data: Path, held: Library, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("LIVINGREVIEW_CROSSREF_URL", "http://127.0.0.1:9")
    assert add(DOI) == 2
    assert "export the citation as RIS" in capsys.readouterr().err


def test_an_entity_bomb_is_not_read(data: Path, held: Library, capsys: Any) -> None:
    held.faults = [Fault(200, BOMB, "text/xml")] * 3
    assert add("1") == 2
    assert "declares entities" in capsys.readouterr().err


def test_an_unknown_pubmed_number_is_said(data: Path, held: Library, capsys: Any) -> None:
    assert add("999") == 2
    assert "PubMed does not know 999" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("identifier", "changes"),
    [
        (DOI, {"title": "Retracted: Networks of the heart"}),
        (DOI, {"title": "Erratum to: Networks of the heart"}),
        (DOI, {"crossref": (("update-to", [{"type": "correction", "DOI": "10.5555/x"}]),)}),
        (DOI, {"crossref": (("updated-by", [{"type": "retraction", "DOI": "10.5555/x"}]),)}),
        (DOI, {"crossref": (("updated-by", [{"type": "withdrawal", "DOI": "10.5555/x"}]),)}),
        ("1", {"types": ("Journal Article", "Retracted Publication")}),
        ("1", {"types": ("Retraction of Publication",)}),
        ("1", {"types": ("Published Erratum",)}),
        ("1", {"links": ("RetractionIn",)}),
        ("1", {"links": ("ErratumFor",)}),
    ],
)
def test_notices_and_retracted_studies_are_refused(
    data: Path, held: Library, identifier: str, changes: dict[str, Any], capsys: Any
) -> None:
    before = files(data)
    put(held, **changes)
    assert add(identifier) == 2
    assert "[ADD-007]" in capsys.readouterr().err
    assert files(data) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("identifier", "changes", "warned"),
    [
        (DOI, {"crossref": (("updated-by", [{"type": "erratum", "DOI": "10.5555/x"}]),)}, True),
        (DOI, {"crossref": (("updated-by", [{"type": "partial_retraction", "DOI": "10.5555/x"}]),)}, True),
        (DOI, {"crossref": (("update-to", [{"type": "new_version", "DOI": "10.5555/x"}]),)}, False),
        (DOI, {"crossref": (("updated-by", "what?"), ("subject", 3), ("author", {"family": "X"}))}, False),
        (DOI, {"title": "Motion correction by deep learning"}, False),
        ("1", {"links": ("ErratumIn", "CommentIn")}, True),
        ("1", {"links": ("CommentIn", "UpdateOf")}, False),
    ],
)
def test_what_does_not_speak_against_a_study_is_at_most_a_warning(
    data: Path, held: Library, identifier: str, changes: dict[str, Any], warned: bool, capsys: Any
) -> None:
    put(held, **changes)
    assert add(identifier, "--id", "made2026") == 0
    assert ("a notice about this publication" in capsys.readouterr().err) is warned
    assert check(data) == []


HOSTILE = [
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1))",
    "x: !!python/object/apply:os.system ['id']",
    "*anchor &a {a: b} [c] #d | > % @ ` \" ' \\ \\n ---",
    "```{include} /etc/passwd\n```",
    "=HYPERLINK(1)",
    "no",
    "null",
    "2026-01-01 or so",
    ":words in square brackets",
    "- x\nid: evil\n",
    "x" * 1_999,
    "Heart" + "…" * 200 + " 🫀",
]


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_the_text_of_one_field(data: Path, held: Library, text: str) -> None:
    put(held, crossref=(("title", [text]), ("author", [{"family": "Li", "given": text}]), ("volume", text[:50])))
    assert add(DOI, "--id", "evil2026") == 0
    assert {fault.code for fault in check(data)} <= {"REF-004"}
    study = Review.load(data).study("evil2026")
    assert study.report.title == plain(text).removesuffix(".")
    assert study.standing[0].status == "awaiting classification"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("volume", "1\u202e2"),
        ("volume", "1\u200b2"),
        ("volume", "1\x1b[31m"),
        ("title", "Deep le\u0430rning"),  # a Cyrillic a
        ("title", "x" * 2_001),
        ("title", ""),
        ("title", "2026-01-01"),
    ],
)
def test_text_that_is_not_what_it_looks_like_is_refused(
    data: Path, held: Library, field: str, text: str, capsys: Any
) -> None:
    before = files(data)
    put(held, crossref=((field, [text] if field == "title" else text),))
    assert add(DOI) == 2
    told = capsys.readouterr().err
    assert told.isascii() or all(unicodedata.category(letter) != "Cf" for letter in told)
    assert "\u0430" not in told
    assert files(data) == before


@pytest.mark.slow
@settings(max_examples=60)
@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1, max_size=60))
def test_any_text_comes_back_from_the_file_as_it_went_in(text: str) -> None:
    text = " ".join(text.split())
    if not text:
        return
    try:
        refuse_hidden({"title": text})
    except DataError:
        return
    wish = Wish(("pmid", "1"), text, text, note=text)
    written = write_draft("x", wish, {"title": text, "authors": [text, text]}, {"where": text}, date(2026, 1, 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        path.write_text(written, encoding="utf-8", newline="\n")
        content = read_yaml(path, Path(folder)).data
    assert content["report"] == {"title": text, "authors": [text, text], "source": "record"}
    assert content["notes"] == [text]
    assert (
        content["extraction"][0]["by"]
        == content["standing"][0]["reason"]
        == content["sources"]["record"]["where"]
        == text
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.ris"], "neither a DOI, nor a PubMed number, nor a file"),
        (["two.ris"], "2 records; export the one study [ADD-001]"),
        (["empty.ris"], "empty"),
        (["untitled.ris"], "the record has no title (untitled.ris); export the citation anew [ADD-002]"),
        (["large.ris"], "larger than 1,000,000 bytes"),
        (["letter.txt"], "no format that a bibliographic database exports"),
        ([DOI, "--data", "elsewhere"], "no folder of studies"),
        (
            ["export.ris", "--by", "J\u202ed"],
            "an invisible character, U+202E; correct it in the export file or form, and give that [ADD-003]",
        ),
    ],
)
def test_a_wrong_argument_is_one_line_with_the_way_out(
    data: Path, arguments: list[str], told: str, capsys: Any
) -> None:
    before = files(data)
    for name, text in {
        "two": RIS * 2,
        "empty": "",
        "untitled": "TY  - JOUR\nPY  - 2026\nER  - \n",
        "large": RIS * 9_000,
        "export": RIS,
    }.items():
        export(text, f"{name}.ris")
    export("Dear all,\n", "letter.txt")
    assert main(["add", "--by", "Jane Doe", *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1 + ("IMPORT-013" in error)
    assert files(data) == before


def test_a_name_is_asked_for_where_git_has_none(data: Path, monkeypatch: Any, capsys: Any) -> None:
    export(RIS)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    assert main(["add", "export.ris"]) == 2
    assert "[ADD-008]" in capsys.readouterr().err
    Path("config").write_text("[user]\nname = Ada Example\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "config")
    assert main(["add", "export.ris"]) == 0
    assert Review.load(data).study("dordevic2026").extraction[0].by == "Ada Example"


def test_a_suggested_study_becomes_a_draft_with_what_was_said(data: Path, held: Library) -> None:
    answers = {"identifier": f"https://doi.org/{DOI}", "task": "prediction", "why": "New: <b>first</b> of its kind"}
    body = "\n\n".join(f"### {LABELS[name]}\n\n{answer}" for name, answer in answers.items())
    Path("issue.md").write_text(body, encoding="utf-8")
    assert add("--from-issue", "issue.md") == 0
    assert check(data) == []
    study = Review.load(data).study("muller2026")
    assert (study.task, study.notes) == ("prediction", ["New: <b>first</b> of its kind"])
    assert study.standing[0].reason == "suggested in an issue; not yet judged"
