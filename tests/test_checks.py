"""Does `check` find what only shows when values are read together, with the right line and code?"""

import re
from datetime import date
from pathlib import Path

import pytest

from livingreview.cli import main
from livingreview.errors import Fault
from livingreview.review import Review, check
from livingreview.review.checks import cross_check
from livingreview.review.documents import Document, parse_yaml
from livingreview.review.model import Instrument, Study
from livingreview.review.number_checks import number_problems
from livingreview.review.reading import validate

DATA = Path(__file__).parent.parent / "data"


def edit(data: Path, file: str, old: str, new: str) -> Path:
    path = data / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))
    return path


def codes(faults: list[Fault]) -> set[str]:
    return {fault.code for fault in faults}


@pytest.mark.slow
def test_the_review_as_it_stands_has_no_fault() -> None:
    assert check(DATA) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "code", "field"),
    [
        ("studies/bartoli.yaml", "id: bartoli", "id: bartholi", "LINK-001", "id"),
        ("studies/martini2020.yaml", "source: abstract", "source: abstrakt", "LINK-003", "report.source"),
        ("studies/tran2020.yaml", "row: 7}", "row: 6}", "BASE-003", "sources.dice_table"),
        ("studies/tran2020.yaml", "row: 7}", "row: 77}", "BASE-001", "sources.dice_table"),
        ("studies/kim.yaml", '"0.844"', '"0.884"', "BASE-002", "overlap[0].value"),
        ("studies/you2021.yaml", '"96.79%"', '"96.97%"', "BASE-002", "accuracy[0].accuracy"),
        ("studies/zarvani2021.yaml", "sunnybrook", "sunybrook", "LINK-006", "setting.datasets[0]"),
        ("studies/hu2023.yaml", "10.1016/j.cmpb.2023.107679", "10.1016/j.cmpb.2020.105889", "LINK-007", "report.doi"),
        ("studies/bartoli.yaml", 'sd: "0.01"', 'sd: "0.01"\n    iqr: ["0.1", "0.2"]', "RANGE-004", "overlap[1].iqr"),
        ("studies/bartoli.yaml", 'value: "0.89"', 'value: "89"', "RANGE-001", "overlap[2].value"),
        ("studies/martini2020.yaml", 'sensitivity: "95%"', 'sensitivity: "95"', "RANGE-001", "accuracy[0].sensitivity"),
        ("studies/martini2020.yaml", "n: 42", "n: 42\n    tp: 30\n    tn: 20", "METRIC-001", "accuracy[0].n"),
        ("studies/lvar2026.yaml", '"82.9%"', '"92.9%"', "METRIC-002", "accuracy[0].accuracy"),
        ("studies/arai2022.yaml", "n_train: 70", "n_train: 170", "SIZE-001", "sample.n"),
        ("studies/martini2020.yaml", "n: 42", "n: 43", "SIZE-002", "accuracy[0].n"),
        ("studies/tran2020.yaml", '"32476706"', '"39015506"', "LINK-008", "report.pmid"),
        ("studies/tran2020.yaml", '"32476706"', '"32476707"', "REF-001", "report.pmid"),
        ("studies/lvar2026.yaml", "primary: true", "primary: false", "LINK-011", "accuracy"),
        ("studies/kasmaee2024.yaml", "rlmdpa2022]", "bartoli]", "LINK-013", "shares_patients_with[1]"),
        ("studies/martini2020.yaml", '"89%"', '"99%"', "METRIC-004", "accuracy[0].f1"),
        ("studies/martini2020.yaml", '"88%"', '"87%"', "METRIC-005", "accuracy[0].accuracy"),
        ("studies/lvar2026.yaml", '"82.9%"', '"82.9%"\n    contradiction: {leaves_out: [npv], says: made up}',
         "METRIC-006", "accuracy[0].contradiction.leaves_out[0]"),
        ("studies/tran2020.yaml", 'hausdorff95\n    value: "5.1"', 'hausdorff95\n    value: "5.1%"', "RANGE-002",
         "overlap[3].value"),
        ("studies/bartoli.yaml", "statistic: mean", "statistic: median", "RANGE-003", "overlap[1].sd"),
        ("studies/lvar2026.yaml", '["0.755"', '["0.875"', "RANGE-005", "accuracy[0].auc.ci"),
        ("studies/martini2020.yaml", '"95%"', '"0.95%"', "RANGE-006", "accuracy[0].sensitivity"),
        ("studies/bartoli.yaml", 'sd: "0.01"', 'sd: "0.91"', "RANGE-007", "overlap[1].sd"),
        ("studies/tran2020.yaml", 'hausdorff95\n    value: "5.1"', 'hausdorff95\n    value: "5100"', "RANGE-008",
         "overlap[3].value"),
        ("studies/lvar2026.yaml", "n: 76", "n_between: [76, 70]", "RANGE-009", "accuracy[0].n_between"),
        ("studies/martini2020.yaml", "author: Martini N", "author: Aimo A", "REF-002", "report.first_author"),
        ("studies/lvar2026.yaml", "year: 2026", "year: 2025", "REF-003", "report.year"),
        ("studies/lvar2026.yaml", "machine-assisted, on: 2026-11-22", "machine-assisted, on: 2026-04-21", "DAY-002",
         "report.published"),
        ("studies/lvar2026.yaml", "on: 2026-11-22", "on: 1826-11-22", "DAY-001", "standing[0].on"),
        ("studies/bartoli.yaml", "coding: {kind: coding, how", "coding: {kind: coding, doi: 10.5555/x, how",
         "SOURCE-001", "sources.coding.doi"),
        ("studies/bartoli.yaml", "coding: {kind: coding, how: from the title and abstract}", "coding: {kind: coding}",
         "SOURCE-002", "sources.coding"),
        ("studies/righetti2024.yaml", "base_label: prediction", "base_label: diagnosis", "TASK-001", "base_label"),
        ("studies/martini2020.yaml", "task: diagnosis", "task: segmentation", "TASK-002", "task"),
        ("studies/tran2020.yaml", "metric: dice", "metric: iou", "BASE-006", "overlap[0].metric"),
    ],
)  # fmt: skip
def test_a_contradiction_is_found_where_it_stands(
    data_copy: Path, file: str, old: str, new: str, code: str, field: str
) -> None:
    edit(data_copy, file, old, new)
    faults = [fault for fault in check(data_copy) if fault.code == code]
    assert faults
    fault = next((f for f in faults if f.field == field), None)
    assert fault is not None, [str(f) for f in faults]
    lines = (data_copy.parent / fault.path).read_text().split("\n")
    assert re.split(r"[.\[]", field.removesuffix("]"))[-1] in lines[fault.line - 1] or field.endswith("]")
    assert fault.remedy


@pytest.mark.slow
def test_a_value_without_a_source_and_a_source_without_a_value(data_copy: Path) -> None:
    path = data_copy / "studies" / "martini2020.yaml"
    text = path.read_text()
    path.write_text(text + "  spare: {kind: page, where: nowhere}\n")
    assert codes(check(data_copy)) == {"LINK-004"}
    path.write_text(text.replace("topic: coding", "base_label: coding", 1))
    faults = check(data_copy)
    assert {(fault.code, fault.field) for fault in faults} == {("LINK-002", "topic"), ("LINK-005", "source.base_label")}


def test_counts_that_contradict_the_printed_sensitivity(data_copy: Path) -> None:
    counts = "n: 42\n    tp: 10\n    fp: 4\n    fn: 11\n    tn: 17"
    edit(data_copy, "studies/martini2020.yaml", "n: 42", counts)
    assert "METRIC-003" in codes(check(data_copy))


def test_a_contradiction_that_the_paper_prints_can_be_told(data_copy: Path) -> None:
    path = edit(data_copy, "studies/lvar2026.yaml", '"82.9%"', '"92.9%"')
    text = path.read_text()
    told = '"92.9%"\n    contradiction: {leaves_out: [accuracy], says: printed so in the abstract}'
    path.write_text(text.replace('"92.9%"', told, 1))
    assert check(data_copy) == []


@pytest.mark.slow
def test_standings_are_ordered_and_primaries_single(data_copy: Path) -> None:
    path = data_copy / "studies" / "martini2020.yaml"
    text = path.read_text()
    block = text[text.index("standing:\n") : text.index("task:")]
    path.write_text(text.replace(block, block + block.removeprefix("standing:\n")))
    assert "LINK-010" in codes(check(data_copy))
    edit(data_copy, "studies/paciorek2024.yaml", "id: t1", "id: psir")
    assert "LINK-012" in codes(check(data_copy))


def test_shared_patients_name_a_study(data_copy: Path) -> None:
    edit(data_copy, "studies/martini2020.yaml", "extraction:", "shares_patients_with: [nobody2020]\nextraction:")
    assert "LINK-009" in codes(check(data_copy))


@pytest.mark.slow
def test_only_the_named_files_are_reported(data_copy: Path) -> None:
    one = edit(data_copy, "studies/bartoli.yaml", 'value: "0.89"', 'value: "89"')
    edit(data_copy, "studies/kim.yaml", '"0.844"', '"0.884"')
    assert {fault.path for fault in check(data_copy, [one])} == {"data/studies/bartoli.yaml"}
    assert codes(check(data_copy, [data_copy.parent / "other.yaml"])) == {"FILE-007"}


def test_a_missing_folder_or_a_stray_file_is_said(data_copy: Path, tmp_path: Path) -> None:
    assert codes(check(tmp_path / "nothing")) == {"FILE-001"}
    (data_copy / "studies" / "notes.txt").write_text("hello")
    assert codes(check(data_copy)) == {"FILE-008"}


@pytest.mark.slow
def test_the_run_ledger_is_checked_cell_by_cell(data_copy: Path) -> None:
    edit(data_copy, "search/runs.csv", "2025-07-31", "31/07/2025")
    assert [(f.code, f.line, f.field) for f in check(data_copy)] == [("CSV-003", 2, "date")]


def test_an_undefined_source_of_an_entry_is_a_fault_and_no_traceback(data_copy: Path) -> None:
    edit(data_copy, "studies/you2021.yaml", "source: [accuracy_table, coding]", "source: [accuracy_tabel, coding]")
    assert "LINK-003" in codes(check(data_copy))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (b"", "BASE-005"),
        (b"row,dice\n1,2,3,4\n1", "BASE-005"),
        (b"row,author\nx,y\n", "BASE-005"),
        (b"\xff\xfe\x00", "FILE-005"),
        (b'row,a\n1,"b\n', "BASE-005"),
    ],
)
def test_a_spoiled_baseline_table_is_a_fault_and_no_traceback(data_copy: Path, spoiled: bytes, code: str) -> None:
    (data_copy / "baseline" / "dice.csv").write_bytes(spoiled)
    assert ("data/baseline/dice.csv", code) in {(fault.path, fault.code) for fault in check(data_copy)}


def test_a_baseline_table_without_its_numbers_is_a_fault_and_no_traceback(data_copy: Path) -> None:
    path = data_copy / "baseline" / "hausdorff.csv"
    path.write_text(path.read_text().replace("hausdorff_mm", "hausdorff"))
    assert codes(check(data_copy)) == {"BASE-004"}


def test_a_missing_baseline_table_is_a_fault_and_no_traceback(data_copy: Path) -> None:
    (data_copy / "baseline" / "dice.csv").unlink()
    assert "BASE-001" in codes(check(data_copy))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("topic: amyloidosis", "topic: scar", "'scar or fibrosis'"),
        ('"95%"', '"0,95"', 'write a decimal point: "0.95"'),
        ("n: 42", 'n: "42"', "write a whole number, without quotes"),
        ("on: 2026-11-22", "on: 22.11.2026", "write the date as 2026-01-31"),
        ('sensitivity: "95%"', 'sensitivity: {value: "95%", ci: 0.80-0.95}', 'such as ["0.80", "0.95"]'),
    ],
)
def test_a_usual_slip_is_one_fault_whose_way_out_mends_it(data_copy: Path, old: str, new: str, said: str) -> None:
    path = data_copy / "studies" / "martini2020.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    (fault,) = check(data_copy)
    assert said in fault.remedy


@pytest.mark.parametrize(
    ("cases", "printed", "said"),
    [
        ("n_diseased: 50", 'sensitivity: {value: "90%", ci: ["78%", "96%"]}', ""),
        ("n_diseased: 500", 'sensitivity: {value: "90%", ci: ["78%", "96%"]}', "too wide for 500 cases"),
        ("n_diseased: 50", 'sensitivity: {value: "90%", ci: ["87%", "92%"]}', "too narrow for 50 cases"),
        ("n: 50", 'sensitivity: {value: "90%", ci: ["87%", "92%"]}', "too narrow for 50 cases"),
        ("n: 500", 'sensitivity: {value: "90%", ci: ["78%", "96%"]}', ""),
        ("n: 500", 'accuracy: {value: "90%", ci: ["78%", "96%"]}', "too wide for 500 cases"),
        ("n_between: [400, 500]", 'accuracy: {value: "90%", ci: ["78%", "96%"]}', "too wide for 400 cases"),
        ("tp: 60\n    fp: 60", 'ppv: {value: "50%", ci: ["49%", "51%"]}', "too narrow for 120 cases"),
        ("tn: 20\n    fn: 20", 'npv: {value: "0.5", ci: ["0.35", "0.65"]}', ""),
        ("n_nondiseased: 9", 'specificity: {value: "1.00", ci: ["0.99", "1.00"]}', ""),
        ("n: 50\n    split: cross-validation", 'accuracy: {value: "90%", ci: ["89%", "91%"]}', ""),
        ("n: 50\n    note: 87% to 92% is printed", 'accuracy: {value: "90%", ci: ["87%", "92%"]}', ""),
        ("n: 5\n    contradiction: {leaves_out: [n], says: no}", 'accuracy: {value: "90%", ci: ["89%", "91%"]}', ""),
    ],
)  # fmt: skip
def test_an_interval_that_so_many_cases_cannot_have_is_a_warning(cases: str, printed: str, said: str) -> None:
    text = (DATA / "studies" / "martini2020.yaml").read_text(encoding="utf-8")
    entry = f"accuracy:\n  - id: made_up\n    problem: binary\n    {cases}\n    {printed}\n    source: abstract\nnotes:"
    document = parse_yaml(re.sub(r"^accuracy:.*^notes:", entry, text, flags=re.DOTALL | re.MULTILINE), "x.yaml")
    faults = [document.fault(*problem) for problem in number_problems(validate(document, Study), {})]
    assert [fault.problem.partition(" is ")[2] for fault in faults] == ([said] if said else [])
    assert all(fault.code == "SIZE-003" and fault.field.endswith(".ci") and fault.is_warning for fault in faults)


@pytest.mark.slow
def test_a_warning_is_printed_and_keeps_nobody_from_the_review(
    data_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = 'n_diseased: 21\n    sensitivity: {value: "95%", ci: ["94%", "96%"]}'
    edit(data_copy, "studies/martini2020.yaml", 'sensitivity: "95%"', printed)
    assert main(["check", "--data", str(data_copy)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("warning: data/studies/martini2020.yaml:48 accuracy[0].sensitivity.ci — the interval")
    assert told.err == "no fault found, 1 warning(s)\n"
    main(["check", "--data", str(data_copy), "--format", "github"])
    assert capsys.readouterr().out.startswith("::warning file=data/studies/martini2020.yaml,line=48,title=SIZE-003::")
    assert Review.load(data_copy).study("martini2020").accuracy[0].n_diseased == 21


HEAD = """report: {title: Made title, first_author: Made A, year: 2026, doi: 10.5555/a, source: paper}
standing: [{on: 2026-11-01, status: awaiting classification, route: other methods, reason: made up}]
source: {}
sample: {unit: patient, n: 400, source: paper}
extraction: [{by: Made B, kind: person, on: 2026-11-01}]
sources: {paper: {kind: page, where: made up}}
"""
ENTRY = "accuracy: [{id: main, problem: binary, unit: patient, split: external test, source: paper, "


def made(text: str = "", name: str = "made2026", **changes: str) -> tuple[Study, Document]:
    text = f"id: {name}\n{HEAD}{text}"
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    document = parse_yaml(text, f"data/studies/{name}.yaml")
    return validate(document, Study), document


def told(*studies: tuple[Study, Document]) -> list[tuple[str, str]]:
    return [(fault.code, fault.field) for fault in cross_check(studies, [], {}, date(2026, 11, 2))]


def test_one_study_in_two_files_is_a_fault_unless_they_say_that_they_are_two() -> None:
    other = {"5555/a": "5555/b"}
    assert told(made(), made(name="made2026b", **other)) == [("LINK-014", "report.title")]
    assert told(made(), made(name="made2026b", **other, **{"Made title": "MADE  <i>title</i>."}))[-1][0] == "LINK-014"
    assert told(made(), made(name="made2026b", **other, **{"Made title": "Other title"})) == []
    results = ENTRY + 'n: 90, sensitivity: "0.90", specificity: "0.80"}]\n'
    twins = made(results), made(results, "made2026b", **other, **{"Made title": "Other title"})
    assert told(*twins) == [("LINK-014", "report.title")]
    assert (
        told(made(results), made(results, "made2026b", **other, **{"Made A": "Else A", "Made title": "Other title"}))
        == []
    )
    shared = (f"{results}shares_patients_with: [{name}]\n" for name in ("made2026b", "made2026"))
    assert told(made(next(shared)), made(next(shared), "made2026b", **other)) == []
    assert told(made(), made(name="made2026b")) == [("LINK-007", "report.doi")]


def test_mark_up_in_what_is_cited_is_a_warning() -> None:
    (fault,) = cross_check([made(**{"Made title": '"<b>Made</b> title"'})], [], {}, date(2026, 11, 2))
    assert (fault.code, fault.field, fault.is_warning) == ("REF-004", "report.title", True)
    assert told(made(**{"Made title": '"AUC < 0.9 and p > 0.05"'})) == []


@pytest.mark.parametrize(
    ("n", "note", "warned"), [(150, "", True), (1500, "", False), (1500, ", note: 0.77 0.94 and so on", True)]
)
def test_intervals_that_no_share_of_the_diseased_makes_so_wide_are_a_warning(n: int, note: str, warned: bool) -> None:
    metrics = 'sensitivity: {value: "0.87", ci: ["0.77", "0.94"]}, specificity: {value: "0.82", ci: ["0.72", "0.90"]}'
    found = told(made(f"{ENTRY}n: {n}{note}, {metrics}}}]\n", **{"n: 400": "n: 4000"}))
    assert found == ([] if warned else [("SIZE-003", "accuracy[0].n")])


def test_a_second_value_of_one_thing_is_a_fault_and_more_cases_than_the_sample_a_warning() -> None:
    def entry(value: str, more: str) -> str:
        return (
            f'  - {{metric: dice, statistic: mean, structure: RV, phase: ED, value: "{value}", source: paper{more}}}\n'
        )

    twice = "overlap:\n" + entry("0.95", "") + entry("0.91", ", n: 40")
    assert told(made(twice)) == [("METRIC-007", "overlap[1]")]
    assert told(made(twice.replace("phase: ED", "phase: ES", 1))) == []
    assert told(made(twice.replace("n: 40", "label: second network"))) == []
    many = "overlap:\n" + entry("0.95", ", n: 12000")
    assert told(made(many)) == [("SIZE-004", "overlap[0].n")]
    assert told(made(many.replace("12000", "12000, unit: slice"))) == []


def test_two_standings_on_one_day_are_told_to_be_one() -> None:
    standing = "{on: 2026-11-01, status: included, route: other methods, reason: made up}]"
    (fault,) = cross_check([made(**{"reason: made up}]": "reason: made up}, " + standing})], [], {}, date(2026, 11, 2))
    assert (fault.code, "replace the line" in fault.remedy) == ("LINK-010", True)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ('"190.0%"', "check it against the paper"),
        ('"190"', "check it against the paper"),
        ('"90"', 'write "90%" for a percentage'),
    ],
)
def test_a_proportion_above_one_has_a_way_out_that_works(text: str, remedy: str) -> None:
    (fault,) = cross_check([made(f"{ENTRY}n: 90, sensitivity: {text}}}]\n")], [], {}, date(2026, 11, 2))
    assert (fault.code, fault.remedy) == ("RANGE-001", remedy)


def test_a_misspelt_domain_is_a_fault_that_names_the_domains_of_the_tool() -> None:
    tool = Instrument.model_validate(
        {"name": "QUADAS-2", "edition": "2", "doi": "10.5555/q", "domains": [
            {"id": "index_test", "applicability": True, "signalling": []}]}
    )  # fmt: skip
    judged = (
        "appraisal:\n  judgements:\n    - {{tool: {0}, domain: {1}, kind: risk of bias, judgement: low,\n"
        "       reason: made up, by: Made B, on: 2026-11-01}}\n"
    )
    for domain in ("index_test", "overall"):
        assert not list(cross_check([made(judged.format("QUADAS-2", domain))], [], {}, date(2026, 11, 2), [tool]))
    (fault,) = cross_check([made(judged.format("QUADAS-2", "index test"))], [], {}, date(2026, 11, 2), [tool])
    assert (fault.code, fault.field, fault.line) == ("JUDGEMENT-001", "appraisal.judgements[0].domain", 10)
    assert fault.remedy == "use one of index_test, overall"
    assert not list(cross_check([made(judged.format("QUADAS-3", "analysis"))], [], {}, date(2026, 11, 2), [tool]))
