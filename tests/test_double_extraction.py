"""Are two people's extractions compared field by field, and is their agreement that of the literature?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from livingreview.analysis import double_extraction
from livingreview.analysis.double_extraction import agreement_table, compare, disagreement_table, standing_of
from livingreview.cli import main
from livingreview.commands.check import every_fault
from livingreview.errors import DataError
from livingreview.review.extractions import STUDY_FILE, readers
from livingreview.review.model import PersonExtraction
from livingreview.review.model.study import AccuracyEntry, IndexTest, OverlapEntry, Sample, Setting
from livingreview.screening.agreement import cohen_kappa

# Nobody of these names exists, and nobody has extracted these values.
MADE_UP = """study: {study}
person: {person}
on: 2026-11-22
index_test: {{family: {family}, sequences: {sequences}, source: paper}}
sample: {{unit: patient, n: {n}, source: paper}}
accuracy:
  - {{id: main, problem: binary, unit: patient, n: {n}, sensitivity: "{sensitivity}", source: paper}}
{more}translation: {{calibration: {calibration}, source: paper}}
sources:
  paper: {{kind: publication, where: Table 2}}
"""
USUAL = {
    "family": "CNN", "sequences": "[cine, LGE]", "n": 100, "sensitivity": "0.90", "calibration": "not reported",
    "more": "",
}  # fmt: skip
Write = Callable[..., Path]


@pytest.fixture
def data_copy(data_copy: Path) -> Path:
    """Return a copy of the data without the studies that no test reads."""
    for path in (data_copy / "studies").iterdir():
        if path.stem not in ("righetti2024", "martini2020", "lvar2026", "agibetov2021"):
            path.unlink()
    return data_copy


@pytest.fixture
def write(data_copy: Path) -> Write:
    """Return a function that writes a made-up extraction into a copy of the data."""

    def written(folder: str, by: str, file: str | None = None, **changed: object) -> Path:
        path = data_copy / "extraction" / folder / (file or f"{by.lower().replace(' ', '-')}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MADE_UP.format(**{**USUAL, "study": folder, "person": by, **changed}), encoding="utf-8")
        return path

    return written


def test_without_any_extraction_everything_says_so(data_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert readers(data_copy) == {}
    assert "No person has extracted" in standing_of({})
    assert agreement_table({}).empty
    assert disagreement_table({}).empty
    assert main(["extractions", "--data", str(data_copy)]) == 0
    assert "No person has extracted" in capsys.readouterr().err
    assert main(["extractions", "righetti2024", "--data", str(data_copy)]) == 2


def test_two_people_are_compared_field_by_field(data_copy: Path, write: Write) -> None:
    write("righetti2024", "Made Up A")
    write("righetti2024", "Made Up B", n=101, sequences="[LGE, cine]", sensitivity="0.9", calibration="a curve")
    held = readers(data_copy)["righetti2024"]
    assert [reader.name for reader in held] == ["Made Up A", "Made Up B", STUDY_FILE]
    unlike = {item.field: item for item in compare(held[:2]) if not item.alike}
    assert set(unlike) == {"sample.n", "accuracy[main].n", "accuracy[main].sensitivity", "translation.calibration"}
    first, second = unlike["accuracy[main].n"].values.values()
    assert (first and first.text, second and second.text) == ("100", "101")
    assert first is not None
    assert held[0].document.line(first.where) == 7
    assert not all(item.alike for item in compare(held))


def test_an_entry_that_one_lacks_is_one_disagreement(data_copy: Path, write: Write) -> None:
    write("righetti2024", "Made Up A")
    more = '  - {id: second, problem: binary, unit: patient, n: 50, sensitivity: "0.8", source: paper}\n'
    write("righetti2024", "Made Up B", more=more)
    pair = readers(data_copy)["righetti2024"][:2]
    assert [(item.field, item.kind) for item in compare(pair) if not item.alike] == [("accuracy[second]", "entry")]


def test_values_of_the_base_review_are_no_disagreement(data_copy: Path, write: Write) -> None:
    write("agibetov2021", "Made Up A")
    fields = [item.field for item in compare(readers(data_copy)["agibetov2021"])]
    assert "accuracy[as_tabulated]" not in fields
    assert "index_test.family" in fields


def test_a_few_pairs_give_no_kappa_and_nothing_is_no_category(
    data_copy: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("righetti2024", "Made Up A")
    write("righetti2024", "Made Up B", family="U-Net")
    write("martini2020", "Made Up A")
    path = write("martini2020", "Made Up B")
    path.write_text(path.read_text(encoding="utf-8").replace("family: CNN, ", ""), encoding="utf-8")
    table = agreement_table(readers(data_copy)).set_index("What")
    assert table.loc["index test: family", "Kappa"] == "too few: 1 of 10"
    assert table.loc["index test: family", "Compared"] == 2
    monkeypatch.setattr(double_extraction, "FEWEST", 1)
    table = agreement_table(readers(data_copy)).set_index("What")
    assert table.loc["index test: family", "Kappa"] == str(cohen_kappa([[0, 1], [0, 0]]))


def test_what_no_person_read_is_no_difference(data_copy: Path, write: Write) -> None:
    write("righetti2024", "Made Up A")
    held = readers(data_copy)["righetti2024"]
    assert getattr(held[-1].record.setting, "access", None)
    assert not [item.field for item in compare(held) if item.field.startswith("setting")]


def test_agreement_is_counted_over_all_studies_extracted_twice(
    data_copy: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(double_extraction, "FEWEST", 3)
    for study, first, second in (
        ("righetti2024", "CNN", "CNN"), ("martini2020", "CNN", "U-Net"), ("lvar2026", "U-Net", "U-Net"),
    ):  # fmt: skip
        write(study, "Made Up A", family=first)
        write(study, "Made Up B", family=second, n=99 if study == "lvar2026" else 100)
    write("agibetov2021", "Made Up A")
    found = readers(data_copy)
    table = agreement_table(found).set_index("What")
    assert table.loc["index test: family", "Compared"] == 3
    assert table.loc["index test: family", "Kappa"] == str(cohen_kappa([[1, 1], [0, 1]]))
    assert table.loc["index test: family", "Share alike"].startswith("0.667 [0.208, 0.939]")
    assert table.loc["sample: numbers as printed", "Share alike"].startswith("0.667")
    assert table.loc["accuracy: numbers as printed", "Compared"] == 6
    assert table.loc["index test: sequences", "Kappa"] == "not defined: one category only"
    assert standing_of(found) == "People have extracted four studies independently; three studies at least twice."
    rows = disagreement_table(found)
    family = rows[(rows["Field"] == "index_test.family") & rows["Study"].str.startswith("Martini")]
    assert "Made Up A: CNN; Made Up B: U-Net" in family["What each gives"].item()
    assert set(readers(data_copy, as_of="2026-11-21")) == set()


@pytest.mark.parametrize(
    ("folder", "file", "changed", "code", "field"),
    [
        ("nobody1999", None, {}, "DOUBLE-001", ""),
        ("righetti2024", "../x.yaml", {}, "DOUBLE-001", ""),
        ("righetti2024", "Jane Doe.yaml", {}, "DOUBLE-002", "person"),
        ("righetti2024", None, {"study": "martini2020"}, "DOUBLE-003", "study"),
        ("righetti2024", "again.yaml", {"person": "made up  A"}, "DOUBLE-004", "person"),
        ("righetti2024", None, {"sensitivity": "95"}, "RANGE-001", "accuracy[0].sensitivity"),
        ("righetti2024", None, {"n": '"many"'}, "DATA-003", "sample.n"),
        ("righetti2024", None, {"more": "verdict: good\n"}, "DATA-001", "verdict"),
        ("righetti2024", None, {"more": "overlap: [{metric: dice, value: '0.9', source: papr}]\n"}, "LINK-003", None),
    ],
)
def test_check_names_what_is_wrong_with_an_extraction(
    data_copy: Path, write: Write, folder: str, file: str | None, changed: dict[str, str], code: str, field: str | None
) -> None:
    write("righetti2024", "Made Up A", file="a-first.yaml")
    path = write(folder, "Made Up B", file, **changed)
    faults = [fault for fault in every_fault(data_copy) if fault.code == code]
    assert faults
    assert all(fault.path.startswith("data/extraction/") and fault.remedy for fault in faults)
    if field:
        (fault,) = (fault for fault in faults if fault.field == field)
        word = field.rpartition(".")[2]
        assert word in path.read_text(encoding="utf-8").split("\n")[fault.line - 1]
    with pytest.raises(DataError):
        readers(data_copy)


def test_a_fault_of_the_study_file_is_no_fault_of_its_folder(
    data_copy: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("righetti2024", "Made Up A")
    path = data_copy / "studies" / "righetti2024.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "typo: 1\n", encoding="utf-8")
    (fault,) = every_fault(data_copy)
    assert (fault.code, fault.path) == ("DATA-001", "data/studies/righetti2024.yaml")
    assert main(["extractions", "righetti2024", "--data", str(data_copy)]) == 2
    assert "typo" in capsys.readouterr().err
    assert main(["extractions", "nosuch", "--data", str(data_copy)]) == 2
    assert "nobody has extracted 'nosuch'" in capsys.readouterr().err


def test_a_value_of_the_base_review_is_no_extraction(data_copy: Path, write: Write) -> None:
    path = write("righetti2024", "Made Up A")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{kind: publication, where: Table 2}", "{kind: baseline, table: accuracy, row: 7}"))
    (fault,) = every_fault(data_copy)
    assert (fault.code, fault.field, fault.line) == ("DOUBLE-005", "sources.paper", 10)


@pytest.mark.parametrize(
    ("signature", "code"),
    [
        ("verified_by: Made Up A", "SIGN-001"),
        ("verified_by: Made Up A, verified_on: 2026-11-21", "SIGN-002"),
        ("verified_by: Contributors of this review, verified_on: 2026-11-22", "SIGN-003"),
        ("verified_by: Made Up A, verified_on: 2026-11-22", None),
    ],
)
def test_a_signature_has_a_name_and_a_day_and_is_not_the_extractor_s_own(
    data_copy: Path, signature: str, code: str | None
) -> None:
    path = data_copy / "studies" / "righetti2024.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count("on: 2026-11-22}") == 1
    path.write_text(text.replace("on: 2026-11-22}", f"on: 2026-11-22, {signature}}}"), encoding="utf-8")
    assert [fault.code for fault in every_fault(data_copy)] == ([code] if code else [])


def test_the_command_prints_both_values_with_their_lines(
    data_copy: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("righetti2024", "Made Up A")
    write("righetti2024", "Made Up B", n=101)
    assert main(["extractions", "righetti2024", "--data", str(data_copy)]) == 0
    printed = capsys.readouterr().out
    assert "righetti2024 sample.n\n" in printed
    assert "data/extraction/righetti2024/made-up-a.yaml:5 Made Up A: 100\n" in printed
    assert "data/extraction/righetti2024/made-up-b.yaml:5 Made Up B: 101\n" in printed


def test_every_field_is_a_category_a_number_wording_or_left_out_on_purpose() -> None:
    known = double_extraction.CATEGORIES | double_extraction.WORDING | double_extraction.NOT_COMPARED
    numbers = {
        name: f"{info.annotation} {info.metadata}"
        for model in (IndexTest, Setting, Sample, AccuracyEntry, OverlapEntry)
        for name, info in model.model_fields.items()
        if name not in known
    }
    assert numbers
    assert not {name for name, annotation in numbers.items() if "int" not in annotation and "pattern" not in annotation}
    assert "translation" in PersonExtraction.model_fields
