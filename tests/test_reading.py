"""Does every kind of bad file end in one clear line, and does a good one keep its line numbers?"""

from pathlib import Path

import pytest

from livingreview.errors import DataError
from livingreview.review.documents import dotted, parse_yaml
from livingreview.review.model import Dataset, Study
from livingreview.review.reading import MAX_BYTES, read_csv, read_text, read_yaml, validate

GOOD = """\
id: acdc
name: ACDC
identification: {status: certain, reason: named by the base review}
n_subjects: 150
vendors: [Siemens]
source: page
sources:
  page: {kind: page, url: "https://example.org/acdc"}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def write(root: Path, text: str | bytes, name: str = "file.yaml") -> Path:
    path = root / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def only_fault(path: Path, root: Path):
    with pytest.raises(DataError) as caught:
        validate(read_yaml(path, root), Dataset)
    assert len(caught.value.faults) == 1
    return caught.value.faults[0]


def test_a_good_file_becomes_a_model_and_knows_its_lines(root: Path) -> None:
    document = read_yaml(write(root, GOOD), root)
    assert validate(document, Dataset).n_subjects == 150
    assert document.line(("n_subjects",)) == 4
    assert document.line(("sources", "page", "url")) == 8
    assert document.line(("nowhere",)) == 1
    assert document.path == "data/file.yaml"


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (GOOD.replace("  page", "\tpage"), "YAML-002", 8),
        (GOOD + "name: again\n", "YAML-003", 9),
        (GOOD.replace("[Siemens]", "&v [Siemens]"), "YAML-004", 5),
        (GOOD.replace("Siemens]", "!!python/object:os.system x]"), "YAML-004", 5),
        (GOOD.replace("name: ACDC", "name: 'ACDC"), "YAML-001", 2),
        (GOOD.replace("name: ACDC", "name: [ACDC"), "YAML-001", 2),
        (GOOD.encode().replace(b"ACDC", b"\xff\xfe"), "FILE-005", 2),
        (GOOD.replace("ACDC", "AC\x00DC"), "FILE-006", 2),
        ("", "YAML-001", 0),
        (GOOD.replace("n_subjects", "n_subject"), "DATA-001", 4),
        (GOOD.replace("150", "NR"), "DATA-003", 4),
        (GOOD.replace("status: certain", "status: sure"), "DATA-003", 3),
        (GOOD.replace("name: ACDC\n", ""), "DATA-002", 1),
        (GOOD.replace("n_subjects: 150", "n_subjects: -1"), "DATA-003", 4),
        (GOOD.replace("name: ACDC", "name:"), "YAML-006", 2),
    ],
)
def test_a_bad_file_ends_in_one_fault_with_its_line_and_code(
    root: Path, text: str | bytes, code: str, line: int
) -> None:
    fault = only_fault(write(root, text), root)
    assert (fault.code, fault.line) == (code, line)
    assert fault.path == "data/file.yaml"
    assert fault.problem
    assert fault.remedy


def test_an_unknown_field_gets_a_suggestion(root: Path) -> None:
    fault = only_fault(write(root, GOOD.replace("vendors", "vendor")), root)
    assert "did you mean 'vendors'" in str(fault)


def test_all_faults_of_a_file_come_at_once(root: Path) -> None:
    text = GOOD.replace("150", "many").replace("certain", "sure").replace("name: ACDC", "nam: ACDC")
    with pytest.raises(DataError) as caught:
        validate(read_yaml(write(root, text), root), Dataset)
    assert {fault.field for fault in caught.value.faults} == {"n_subjects", "identification.status", "nam", "name"}


def test_a_bomb_of_aliases_is_refused_without_growing(root: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    with pytest.raises(DataError) as caught:
        read_yaml(write(root, bomb), root)
    assert {fault.code for fault in caught.value.faults} == {"YAML-004"}


def test_deep_nesting_is_refused(root: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_yaml(write(root, "a: " + "[" * 500 + "]" * 500), root)
    assert caught.value.faults[0].code in {"YAML-005", "YAML-001"}


def test_yaml_1_2_keeps_no_as_a_word(root: Path) -> None:
    assert read_yaml(write(root, "answer: no\n"), root).data == {"answer": "no"}


def test_a_huge_file_is_not_read(root: Path) -> None:
    with pytest.raises(DataError, match="FILE-004"):
        read_text(write(root, "x" * (MAX_BYTES + 1)), root)


def test_a_link_out_of_the_review_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.yaml"
    outside.write_text("a: 1\n")
    (root / "link.yaml").symlink_to(outside)
    with pytest.raises(DataError, match="FILE-002"):
        read_text(root / "link.yaml", root)


def test_a_folder_or_nothing_is_no_file(root: Path) -> None:
    with pytest.raises(DataError, match="FILE-003"):
        read_text(root, root)
    with pytest.raises(DataError, match="FILE-001"):
        read_text(root / "absent.yaml", root)


def test_a_ledger_with_another_header_or_ragged_rows_is_refused(root: Path) -> None:
    assert read_csv(write(root, "a,b\n1,2\n", "ok.csv"), root, ("a", "b")) == [{"a": "1", "b": "2"}]
    with pytest.raises(DataError, match="CSV-001"):
        read_csv(write(root, "a,c\n1,2\n", "head.csv"), root, ("a", "b"))
    with pytest.raises(DataError, match=r"ragged.csv:3 .*CSV-002"):
        read_csv(write(root, "a,b\n1,2\n1\n", "ragged.csv"), root, ("a", "b"))


def test_field_paths_read_as_people_write_them() -> None:
    assert dotted(("accuracy", 0, "sensitivity", "ci", 1)) == "accuracy[0].sensitivity.ci[1]"
    assert dotted(()) == ""


def test_what_the_parser_cannot_even_read_is_no_yaml() -> None:
    with pytest.raises(DataError, match=r"made.yaml — not valid YAML.*YAML-001"):
        parse_yaml("a: \x01\n", "made.yaml")


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("report: {doi: 'https://doi.org/10.1234/a', source: a}", "write 10.1234/example, without https://doi.org/"),
        ("report: {pmid: 'PMID 1', source: a}", "write the number alone"),
        ("- a", "write each field as name: value"),
        ("sample: 120", "write each field as name: value"),
        ("report: {year: 20226, source: a}", "check it against the paper"),
        ("id: made up 2026", "use a-z, 0-9 and _, beginning with a letter: surname2026"),
        ("id: ../made2026", "use a-z, 0-9 and _, beginning with a letter: surname2026"),
        ("accuracy: [{id: a, tp: -45, source: a}]", "check it against the paper"),
        ("accuracy: [{id: a, sensitivity: “90.0%”, source: a}]", 'write straight quotes: "90.0%"'),
        ("accuracy: [{id: a, sensitivity: 'about .9', source: a}]", "write digits with a decimal point, in quotes"),
        ("overlap: [{metric: dice, value: '0.9', structure: RV cavity, source: a}]", "did you mean 'RV'?"),
        ("overlap: [{metric: dice, value: '0.9', structure: LV cavty, source: a}]", "did you mean 'LV cavity'?"),
    ],
)
def test_a_value_of_the_wrong_form_has_a_way_out_that_works(line: str, remedy: str) -> None:
    with pytest.raises(DataError) as caught:
        validate(parse_yaml(line + "\n", "made.yaml"), Study)
    (fault,) = (fault for fault in caught.value.faults if fault.code == "DATA-003")
    assert fault.remedy.startswith(remedy)
    assert "pattern" not in fault.problem
