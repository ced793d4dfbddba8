"""Is the data package whole, valid, explained, reproducible, and harmless in a spreadsheet?"""

from __future__ import annotations

import csv
import io
import json
import warnings
import zipfile
from datetime import date
from pathlib import Path

import pytest

from livingreview.publish.datapackage import data_package, zipped
from livingreview.publish.tidy import tidy_tables
from livingreview.wording import FORMULA
from published import FORMULAS, with_study

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # those of the libraries that it brings
    from frictionless import Package


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(files: dict[str, bytes], table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"{table}.csv"].decode(), newline="")))


@pytest.fixture(scope="module")
def content(review) -> bytes:
    return data_package(review)


@pytest.fixture(scope="module")
def files(content) -> dict[str, bytes]:
    return unpacked(content)


def faults(files: dict[str, bytes], folder: Path) -> list[list[object]]:
    path = folder / "data.zip"
    path.write_bytes(zipped(files))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = Package(str(path)).validate()
    return report.flatten(["name", "type", "message"]) + [[error.type, error.message] for error in report.errors]


@pytest.mark.slow
def test_frictionless_finds_it_valid(files, tmp_path):
    assert faults(files, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "old", "new", "kind"),
    [
        ("overlap", b"\r\narai2022,1,", b"\r\nnobody2099,1,", "foreign-key"),
        ("accuracy_values", b",sensitivity,", b",sensibility,", "constraint-error"),
        ("studies", b"\r\narai2022,", b"\r\nagibetov2021,", "primary-key"),
        ("compatible_tables", b",false,", b",perhaps,", "type-error"),
    ],
)
def test_frictionless_would_notice(files, tmp_path, table, old, new, kind):
    name = f"{table}.csv"
    assert old in files[name]
    spoiled = {**files, name: files[name].replace(old, new, 1)}
    descriptor = json.loads(spoiled["datapackage.json"])
    for resource in descriptor["resources"]:  # or it would stop at the digests
        resource.pop("hash"), resource.pop("bytes")
    spoiled["datapackage.json"] = json.dumps(descriptor).encode()
    assert kind in {fault[1] for fault in faults(spoiled, tmp_path)}


@pytest.mark.slow
def test_frictionless_would_notice_a_changed_file(files, tmp_path):
    spoiled = {**files, "studies.csv": files["studies.csv"].replace(b"included", b"excluded", 1)}
    assert "hash-count" in {fault[1] for fault in faults(spoiled, tmp_path)}


def test_the_codebook_explains_every_field_of_every_table(files):
    descriptor = json.loads(files["datapackage.json"])
    fields = {(r["name"], f["name"]) for r in descriptor["resources"] for f in r["schema"]["fields"]}
    book = {(row["table"], row["field"]): row["meaning"] for row in rows(files, "codebook")}
    unexplained = {name for name in fields if len(book.get(name, "")) < 8 and name[0] != "codebook"}
    assert unexplained == set()
    assert {f"{resource['name']}.csv" for resource in descriptor["resources"]} == set(files) - {
        "datapackage.json",
        "README.md",
    }


def test_every_table_names_its_rows_and_every_value_its_source(review, files):
    descriptor = json.loads(files["datapackage.json"])
    without = {resource["name"] for resource in descriptor["resources"] if "primaryKey" not in resource["schema"]}
    assert all(name.startswith("baseline_") for name in without)
    named = {(row["study"], row["source"]) for row in rows(files, "provenance")}
    assert named <= {(row["study"], row["source"]) for row in rows(files, "sources")}
    assert {study for study, _ in named} == {study.id for study in review.studies}
    entries = sum(len(study.overlap) for study in review.studies)
    assert (
        len({(row["study"], row["place"]) for row in rows(files, "provenance") if row["place"][:8] == "overlap["})
        == entries
    )


def test_the_licence_and_the_base_review_are_named(files):
    descriptor = json.loads(files["datapackage.json"])
    assert [licence["name"] for licence in descriptor["licenses"]] == ["CC-BY-4.0"]
    assert descriptor["sources"][0]["path"] == "https://doi.org/10.1093/ehjimp/qyag045"
    assert "homepage" not in descriptor, "no address is known yet"


def test_baseline_tables_keep_every_printed_character(review, files):
    for name in review.baseline:
        original = (review.root / "baseline" / f"{name}.csv").read_text(encoding="utf-8")
        assert list(csv.reader(io.StringIO(original))) == list(
            csv.reader(io.StringIO(files[f"baseline_{name}.csv"].decode()))
        )


def test_the_same_review_gives_the_same_bytes_without_the_day_of_making(review, content):
    assert data_package(review) == content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())


@pytest.mark.slow
@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula_and_the_way_back_is_exact(review, text, tmp_path):
    spoiled = unpacked(data_package(with_study(review, title=text, authors=[text, "B"])))
    (row,) = [row for row in rows(spoiled, "studies") if row["study"] == "madeup2099"]
    assert row["report_title"] == f"'{text}"
    assert row["report_title"].removeprefix("'") == text
    assert row["report_authors"] == f"'{text} | B"
    assert faults(spoiled, tmp_path) == []


def test_no_text_of_the_whole_package_begins_like_a_formula(files):
    signs = tuple(sign for sign in FORMULA if sign != "'")
    for name, content in files.items():
        if name.endswith(".csv"):
            cells = [value for row in csv.reader(io.StringIO(content.decode(), newline="")) for value in row]
            assert [value for value in cells if value.startswith(signs)] == []


def test_the_tables_of_a_past_day_hold_nothing_later(review):
    then = review.as_of(date(2025, 7, 31))
    tables = {table.name: table for table in tidy_tables(then)}
    assert {row[3] for row in tables["studies"].rows} == {date(2025, 7, 31)}
    assert len(tables["other_methods"].rows) == 0
