"""Does `livingreview check` print every fault in every format, and never a traceback?"""

import json
from pathlib import Path

import pytest

from livingreview import cli
from livingreview.cli import main
from livingreview.commands.check import as_github
from livingreview.errors import Fault
from livingreview.review.model import json_schemas

DATA = Path(__file__).parent.parent / "data"


def test_a_sound_review_exits_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--data", str(DATA)]) == 0
    assert "no fault found" in capsys.readouterr().err


@pytest.mark.slow
def test_each_format_names_file_line_field_and_code(data_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = data_copy / "studies" / "kim.yaml"
    path.write_text(path.read_text() + "typo: 1\n")
    line = len(path.read_text().splitlines())
    arguments = ["check", "--data", str(data_copy)]
    assert main(arguments) == 1
    assert f"data/studies/kim.yaml:{line} typo" in capsys.readouterr().out
    assert main([*arguments, "--format", "github"]) == 1
    assert f"::error file=data/studies/kim.yaml,line={line},title=DATA-001::" in capsys.readouterr().out
    assert main([*arguments, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["code"] == "DATA-001"


def test_a_value_cannot_start_a_workflow_command_or_a_new_line() -> None:
    fault = Fault("a,b:c.yaml", 3, "x", "found '%0A\n::set-output name=a::b'", "do\r\nthis", "DATA-003")
    text = as_github([fault])
    assert len(text.splitlines()) == 1
    assert text.count("\n") == 0
    assert "%250A%0A::set-output" in text
    assert text.startswith("::error file=a%2Cb%3Ac.yaml,line=3,title=DATA-003::")
    assert len(str(fault).splitlines()) == 1


def test_the_exported_schemas_are_those_of_the_model() -> None:
    for name, schema in json_schemas().items():
        stored = json.loads((DATA / "schema" / f"{name}.schema.json").read_text())
        assert stored == schema, f"run 'livingreview schema': {name} differs"


def test_schemas_are_written_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--data", str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(list((tmp_path / "schema").iterdir()))


def test_an_interrupted_command_says_so_on_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "COMMANDS", (cli.Command("import", "help", lambda _: None, run),))
    assert main(["import"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: object) -> int:
        raise ModuleNotFoundError("No module named 'splink.blocking'", name="splink.blocking")

    monkeypatch.setattr(cli, "COMMANDS", (cli.Command("dedupe", "help", lambda _: None, run, "search"),))
    assert main(["dedupe"]) == 2
    assert capsys.readouterr().err == "this needs splink: pip install 'livingreview[search]'\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["schema", "--data", "nowhere"], "no data folder at nowhere"),
        (["extractions", "--data", "nowhere"], "no data folder at nowhere"),
        (["screen", "agreement", "--data", "nowhere"], "no data folder at nowhere"),
        (["import", "export.ris", "--data", "nowhere"], "no data folder at nowhere"),
        (["dedupe", "export.ris", "--output", "nowhere/clusters.csv"], "nowhere/clusters.csv cannot be read"),
        (["dedupe", "export.ris", "--output", "c.csv", "--decided", "d.csv"], "d.csv cannot be read or written"),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_is_named_and_no_traceback(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("export.ris").write_text("TY  - JOUR\nTI  - Made up\nER  - \n", encoding="utf-8")
    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(said)
    assert not Path("nowhere").exists()
