"""Is every record of every export kept, or reported with its line?"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fake_services import BOMB
from livingreview.errors import SearchError
from livingreview.search import formats
from livingreview.search.formats import detect, read_export
from livingreview.search.records import Record
from livingreview.search.run import recognise

EXPORTS = Path(__file__).parent / "exports"
FILES = sorted(path for path in EXPORTS.iterdir() if path.name != "README.md")
# Faults that files of this folder are made to have.
FAULTS = {"scopus.bib": ["IMPORT-006"]}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_both_records_are_read_whatever_the_format(path):
    records, faults = read_export(path, path.name)
    assert [fault.code for fault in faults] == FAULTS.get(path.name, [])
    assert [record.title.rstrip(".") for record in records] == [
        "Deep learning for T2* maps: an invented study",
        "A second invented study",
    ]
    first, second = records
    assert (first.year, second.year) == (2024, 2025)
    assert (first.volume, first.issue, first.pages) in {("3", "2", "10-19"), ("3", "", "10-19")}
    assert first.journal.lower() == second.journal.lower() == "journal of invented imaging"
    assert len(first.authors) == 2
    assert "Ä" in first.authors[0] or path.suffix == ".ciw"
    assert len(second.authors) == 1
    assert first.doi == ("" if path.name == "embase.csv" else "10.5555/invented.1")
    assert first.abstract.replace('"', "").startswith("Methods: a network")
    assert [record.source_index for record in records] == [0, 1]
    assert 0 < first.line < second.line
    assert len({record.sha256 for record in records}) == 2


def test_lines_are_those_where_the_records_start():
    for path in FILES:
        if path.name == "wos.tsv":
            continue
        lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
        start = re.compile(
            rb"\W{0,3}(?:TY  -|PMID-|PT J|%0|Record|@|<PubmedArt|<record>|Test|Deep|rayyan|Sample|A sec)"
        )
        for record in read_export(path)[0]:
            assert start.match(lines[record.line - 1]), (path.name, record.line, lines[record.line - 1][:40])


# Records that a file of the reference exports holds where its format does not say so by a start tag of its own.
ROWS = {"truth.csv": 0}


def _begin(path: Path) -> int:
    """Count the records that begin in a file, without any of the package's readers."""
    text = path.read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if path.name in ROWS:
        return ROWS[path.name]
    if path.suffix == ".csv":
        return sum(1 for _ in csv.DictReader(io.StringIO(text)))
    for pattern in (r"^TY  - ", r"^PT [A-Z]$", r"^PMID- ", r"^\s*@\w+\{", r"<PubmedArticle>", r"^OWN - "):
        found = len(re.findall(pattern, text, re.MULTILINE))
        if found:
            return found
    raise AssertionError(path.name)


@pytest.mark.slow
@pytest.mark.reference
@pytest.mark.parametrize("folder", ["exports", "synthetic_cardiac_a"])
def test_every_record_of_real_exports_is_kept(reference_dir, folder):
    paths = sorted((reference_dir / "records" / folder).iterdir())
    assert paths
    # The record of bom_rispy.ris has a DOI and no title.
    known_faults = {"ebsco_colrev.bib": ["IMPORT-006"], "truth.csv": ["IMPORT-002"], "bom_rispy.ris": ["IMPORT-013"]}
    for path in paths:
        records, faults = read_export(path)
        assert len(records) == _begin(path), path.name
        assert [fault.code for fault in faults] == known_faults.get(path.name, []), path.name
        titled = sum(bool(record.title) for record in records)
        assert titled == len(records) or path.name == "bom_rispy.ris", path.name


@pytest.mark.slow
@pytest.mark.reference
def test_the_synthetic_searches_are_read_as_they_were_written(reference_dir):
    folder = reference_dir / "records" / "synthetic_cardiac_a"
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as stream:
        truth = {(row["file"], int(row["index"])): row["accession"] for row in csv.DictReader(stream)}
    read = {name: read_export(folder / name)[0] for name in {name for name, _ in truth}}
    assert sum(map(len, read.values())) == len(truth)
    for (name, index), accession in truth.items():
        record = read[name][index]
        given = {record.accession, record.pmid} | ({record.title} if name == "scopus_2.bib" else set())
        # Embase and the second Scopus file carry their number in another field than the one that names a record.
        assert any(accession in text for text in given) or name in ("embase.ris", "scopus_2.bib"), (name, index)


@pytest.mark.parametrize(
    ("content", "codes", "count"),
    [
        (b"", ["IMPORT-002"], 0),
        (b"Dear colleague,\nplease find attached\n", ["IMPORT-002"], 0),
        (b"TY  - JOUR\nTI  - Cut\n", ["IMPORT-003"], 1),
        (b"TY  - JOUR\nTI  - First\nTY  - JOUR\nTI  - Second\nER  - \n", ["IMPORT-003"], 2),
        (b"TY  - JOUR\nTI  - First\nER  - \nAU  - Nobody\n", ["IMPORT-004"], 1),
        (b"title,authors\nA,B\nC,D,E,F\n", ["IMPORT-007"], 2),
        (b"title,authors\nCaf\xe9,B\n", ["IMPORT-011"], 1),
        (b"<?xml version='1.0'?><PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID></MedlineCitation>"
         b"</PubmedArticle><PubmedArticle><Medl", ["IMPORT-009", "IMPORT-013"], 1),
        (b"title,authors,year\nA,B,2020\nC\n", ["IMPORT-007"], 2),
        (b"TY  - JOUR\nTI  - \nDO  - 10.5555/1\nER  - \n", ["IMPORT-013"], 1),
        (b"TY  - JOUR\nTI  - A\nPY  - 20026\nER  - \n", ["IMPORT-014"], 1),
        (b"TY  - JOUR\nTI  - A\nDO  - not-a-doi\nER  - \n", ["IMPORT-014"], 1),
        (BOMB, ["IMPORT-010"], 0),
        (b"TY  - JOUR\nTI  - First\n> TY  - JOUR\n> TI  - Second\nER  - \n", ["IMPORT-005"], 1),
        (b"title,authors\n", ["IMPORT-012"], 0),
        (b"@article{a, title={Never closed, year=2020\n@article{b, title={B}}\n", ["IMPORT-006"], 2),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported_and_the_rest_is_kept(tmp_path, content, codes, count):
    path = tmp_path / "export"
    path.write_bytes(content)
    records, faults = read_export(path)
    assert [fault.code for fault in faults] == codes
    assert len(records) == count


def test_a_file_or_a_cell_larger_than_any_export_is_a_fault(tmp_path, monkeypatch):
    path = tmp_path / "export.csv"
    path.write_text(f"title,authors\nA,B\n{'x' * 200},C\n")
    monkeypatch.setattr(formats, "FIELD_LIMIT", 100)
    records, faults = read_export(path)
    assert ([record.title for record in records], [fault.code for fault in faults]) == (["A"], ["IMPORT-008"])
    monkeypatch.setattr(formats, "MAX_BYTES", 100)
    assert [fault.code for fault in read_export(path)[1]] == ["IMPORT-001"]


def test_a_missing_file_is_a_fault(tmp_path):
    assert [fault.code for fault in read_export(tmp_path / "none.ris")[1]] == ["IMPORT-000"]


def test_a_record_with_another_format_in_its_abstract_is_of_its_own_format():
    assert detect("TY  - JOUR\nAB  - as in\nPMID- 1\n@article{x,\nER  - \n") == "RIS"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.binary(max_size=300))
def test_no_file_makes_a_reader_fail(tmp_path, data):
    path = tmp_path / "any"
    for head in (b"", b"TY  - JOUR\n", b"@article{", b"title,authors\n", b"<xml>", b"PMID- 1\n", b"%0 Book\n"):
        path.write_bytes(head + data)
        records, faults = read_export(path)
        assert records or faults


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    titles=st.lists(
        st.from_regex(r"[A-Za-z0-9*,;:%&é—()-][^\r\n\x00-\x1f\x7f-\x9f<>&]{0,40}", fullmatch=True),
        min_size=1,
        max_size=6,
    )
)
def test_ris_of_any_titles_gives_as_many_records(tmp_path, titles):
    path = tmp_path / "any.ris"
    text = "".join(f"TY  - JOUR\nTI  - {title}\nPY  - 2020\nER  - \n\n" for title in titles)
    path.write_text(text, encoding="utf-8-sig")
    records, faults = read_export(path)
    assert faults == []
    assert [record.title for record in records] == [
        "".join(c for c in " ".join(title.split()) if c.isprintable()) for title in titles
    ]


def test_the_database_is_told_from_the_records_or_has_to_be_named():
    told = {path.name: read_export(path)[0] for path in FILES}
    expected = {
        "embase.ris": "Embase", "pubmed.nbib": "PubMed", "pubmed.xml": "PubMed", "wos.ciw": "Web of Science",
        "wos.tsv": "Web of Science", "scopus.csv": "Scopus", "central.txt": "Cochrane", "ieee.csv": "IEEE Xplore",
    }  # fmt: skip
    assert {name: recognise(told[name]) for name in expected} == expected
    for name in ("endnote.enw", "rayyan.csv", "ovid.ris"):
        with pytest.raises(SearchError, match="--database"):
            recognise(told[name])
    with pytest.raises(SearchError):
        recognise([Record("a", 0)])


def test_an_entry_on_one_line_keeps_its_fields_where_a_brace_is_missing(tmp_path):
    path = tmp_path / "one.bib"
    path.write_text("@article{a, title = {Networks, author = {Li, B}, year = 2020, doi={10.5555/1}}\n")
    (record,), (fault,) = read_export(path)
    assert (record.title, record.authors, record.year, record.doi) == ("Networks", ("Li, B",), 2020, "10.5555/1")
    assert (fault.code, fault.line) == ("IMPORT-006", 1)


def test_a_folder_is_called_one(tmp_path):
    assert read_export(tmp_path)[1][0].problem == "a folder, not a file"
