"""Do records come back from other tools with every decision, and is nothing taken that is in doubt?"""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest

from livingreview.errors import DataError
from livingreview.screening.exchange import export_text, import_decisions
from livingreview.screening.library import Found
from livingreview.search.formats import read_export
from livingreview.search.records import Record

DAY = date(2026, 1, 2)
FOUND = {
    "a": Found("a", Record("m", 0, title="Título, α", abstract='say "x"\n=1+1', doi="10.1234/a", year=2024), "PubMed"),
    "b": Found("b", Record("m", 1, title="=cmd()", authors=("Doe, J", "Roe, R")), "Embase"),
    "c": Found("c", Record("m", 2, title="Same title"), "Embase"),
    "d": Found("d", Record("m", 3, title="Same title"), "Embase"),
}


def read(path: Path, tool: str, text: str, **options: object) -> list[tuple[str, ...]]:
    path.write_text(text, encoding="utf-8")
    settings = {"stage": "title_abstract", "day": DAY} | options
    return [row.row() for row in import_decisions(path, tool, FOUND, **settings)]  # type: ignore[arg-type]


def test_asreview_takes_our_csv_and_gives_labels_back(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(export_text(FOUND.values(), "asreview", "csv", {"a": True}))))
    assert [row["included"] for row in rows] == ["1", "", "", ""]
    assert rows[1]["title"] == "'=cmd()"
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*rows[0], "asreview_label", "asreview_time"])
    writer.writeheader()
    labels = {"a": ("1", ""), "b": ("0.0", "2026-03-04T11:00:00Z")}
    for row in rows:
        label, time = labels.get(row["record"], ("", ""))
        writer.writerow({**row, "included": "", "asreview_label": label, "asreview_time": time})
    assert read(tmp_path / "x.csv", "asreview", stream.getvalue(), person="Ada") == [
        ("a", "title_abstract", "Ada", "include", "", "2026-01-02", "decision"),
        ("b", "title_abstract", "Ada", "exclude", "", "2026-03-04", "decision"),
    ]


@pytest.mark.parametrize("tool", ["asreview", "rayyan"])
def test_our_ris_is_ris_to_a_reader_of_exports(tmp_path: Path, tool: str) -> None:
    path = tmp_path / "x.ris"
    path.write_text(export_text(FOUND.values(), tool, "ris", {"a": False}), encoding="utf-8")
    records, faults = read_export(path)
    assert not faults
    assert [record.title for record in records] == [item.details.title for item in FOUND.values()]
    assert (records[0].doi, records[1].authors) == ("10.1234/a", ("Doe, J", "Roe, R"))


def test_an_asreview_ris_comes_back(tmp_path: Path) -> None:
    text = export_text(FOUND.values(), "asreview", "ris", {"a": True, "d": False})
    found = read(tmp_path / "x.ris", "asreview", text, person="Ada")
    assert [(row[0], row[3]) for row in found] == [("a", "include"), ("d", "exclude")]


RAYYAN = (
    "key,title,url,notes\n"
    'rayyan-1,"titulo",https://doi.org/10.1234/A,"RAYYAN-INCLUSION: {""Ada""=>""Included"", ""Bob""=>""Excluded""} '
    '| RAYYAN-LABELS: x | RAYYAN-EXCLUSION-REASONS: foreign language"\n'
    'rayyan-2,"=CMD( )",,"RAYYAN-INCLUSION: {""Ada""=>""Maybe""}"\n'
    "rayyan-3,Nobody decided,,\n"
)


def test_rayyan_gives_every_persons_vote(tmp_path: Path) -> None:
    found = read(tmp_path / "x.csv", "rayyan", RAYYAN, reasons={"Foreign language": "language"})
    assert [row[:5] for row in found] == [
        ("a", "title_abstract", "Ada", "include", ""),
        ("a", "title_abstract", "Bob", "exclude", "language"),
        ("b", "title_abstract", "Ada", "unsure", ""),
    ]
    assert {row[2] for row in read(tmp_path / "x.csv", "rayyan", RAYYAN, person="Ada")} == {"Ada"}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (RAYYAN, {}, r"unknown reason 'foreign language'.*\[SCREEN-009\]"),
        ('title,notes\nSame title,"RAYYAN-INCLUSION: {""A""=>""Included""}"\n', {}, ":2 — a decision on a record"),
        (
            'key,notes\na,"RAYYAN-INCLUSION: {""A""=>""Excluded""}"\n',
            {"stage": "full_text"},
            "excluded on its full text without a reason",
        ),
    ],
)
def test_what_is_in_doubt_is_named_and_nothing_is_taken(
    tmp_path: Path, text: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path / "x.csv", "rayyan", text, **options)


def test_a_decision_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--person"):
        read(tmp_path / "x.csv", "asreview", "record,included\na,1\n")


@pytest.mark.parametrize("tool", ["asreview", "rayyan"])
def test_a_file_that_is_no_export_of_the_tool_is_refused(tmp_path: Path, tool: str) -> None:
    with pytest.raises(DataError, match=rf"no row has a notes.*where {tool} writes decisions.*SCREEN-010"):
        read(tmp_path / "bad.csv", tool, "a,b\n1,2\n")
