"""Is every publication screened once, by whom it waits for, and do the commands say what there is?"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from livingreview.cli import main
from livingreview.errors import DataError
from livingreview.screening.ledger import Decision, append, read_decisions
from livingreview.screening.library import conflicts, read_library, waiting, why_nothing_waits
from screening_data import SEARCHED, add_update, decide


@pytest.fixture
def data(data_copy: Path) -> Path:
    (data_copy / "search" / "other_methods.csv").write_text(
        (data_copy / "search" / "other_methods.csv").read_text(encoding="utf-8").splitlines()[0] + "\n"
    )
    # Each would be a report of its own, as no row names it.
    for path in (data_copy / "studies").glob("*.yaml"):
        if "status: awaiting classification" in path.read_text(encoding="utf-8"):
            path.unlink()
    add_update(data_copy)
    return data_copy


def names(data: Path, stage: str, person: str) -> list[str]:
    return [item.record for item in waiting(read_library(data), read_decisions(data), stage, person)]


def test_copies_are_screened_once_under_the_first(data: Path) -> None:
    library = read_library(data)
    assert library.publications == ("pubmed-1", "pubmed-2", "pubmed-3", "embase-3", "embase-4")
    append(data, Decision("embase-1", "title_abstract", "Ada", "include", "", SEARCHED))
    assert names(data, "title_abstract", "Ada") == ["pubmed-2", "pubmed-3", "embase-3", "embase-4"]


def test_what_enough_people_decided_waits_for_nobody_and_moves_on(data: Path) -> None:
    decide(data, "pubmed-1", "include")
    decide(data, "pubmed-2", "exclude")
    append(data, Decision("pubmed-3", "title_abstract", "Ada", "exclude", "", SEARCHED))
    assert names(data, "title_abstract", "Cy") == ["pubmed-3", "embase-3", "embase-4"]
    assert names(data, "full_text", "Cy") == ["pubmed-1"]
    append(data, Decision("pubmed-3", "title_abstract", "Bob", "include", "", SEARCHED))
    assert [item.record for item in conflicts(read_library(data), read_decisions(data), "title_abstract")] == [
        "pubmed-3"
    ]


def test_outcomes_keep_what_one_person_keeps(data: Path) -> None:
    decide(data, "pubmed-2", "exclude")
    append(
        data,
        Decision("pubmed-3", "title_abstract", "Ada", "exclude", "", SEARCHED),
        Decision("pubmed-3", "title_abstract", "Bob", "unsure", "", date(2026, 12, 5)),
    )
    outcomes = read_library(data).outcomes(read_decisions(data))
    assert outcomes == {"pubmed-2": (False, SEARCHED), "pubmed-3": (True, date(2026, 12, 5))}


def test_a_queue_that_may_hold_copies_says_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["screen", "agreement", "--data", str(data)]) == 0
    assert "copies" not in capsys.readouterr().err
    (data / "search" / "clusters.csv").unlink()
    assert main(["screen", "agreement", "--data", str(data)]) == 0
    assert "may stand here several times. Run livingreview dedupe" in capsys.readouterr().err


def test_an_empty_queue_says_why(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(stage: str) -> str:
        return why_nothing_waits(read_library(data), read_decisions(data), stage, "Cy")

    assert "two people have kept it on title and abstract; 5 wait there" in said("full_text")
    for record in ("pubmed-1", "pubmed-2", "pubmed-3", "embase-3"):
        decide(data, record, "exclude")
    append(data, Decision("embase-4", "title_abstract", "Cy", "include", "", SEARCHED))
    assert said("title_abstract") == "Nothing waits for Cy; 1 wait for a second person or an adjudication."
    append(data, Decision("embase-4", "title_abstract", "Ada", "exclude", "language", SEARCHED))
    append(data, Decision("embase-4", "title_abstract", "Bob", "exclude", "", SEARCHED, "adjudication"))
    assert said("title_abstract") == "Nothing waits: everything found has been decided at this stage."
    assert main(["screen", "rank", "--data", str(data)]) == 0
    assert "everything found has been decided" in capsys.readouterr().err
    (data / "search" / "records.csv").unlink()
    (data / "search" / "clusters.csv").unlink()
    assert "no search has added a record" in why_nothing_waits(read_library(data), (), "title_abstract", "Cy")


def test_clusters_of_other_records_are_a_fault(data: Path) -> None:
    with (data / "search" / "clusters.csv").open("a") as stream:
        stream.write("records.csv,7,9,merge\n")
    with pytest.raises(DataError, match=r"clusters.csv:9 .*position '7'.*SCREEN-008"):
        read_library(data)


def test_the_commands_report_what_there_is(data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        assert main(["screen", *arguments, "--data", str(data)]) == 0
        return capsys.readouterr().out

    assert main(["screen", "rank", "--format", "markdown", "--data", str(data)]) == 0
    ranked = capsys.readouterr()
    assert "|  | Made title B |  |  | PubMed |  |" in ranked.out
    assert "there are 0 and 0" in ranked.err
    decide(data, "pubmed-2", "exclude")
    append(data, Decision("pubmed-1", "title_abstract", "Ada", "include", "", SEARCHED))
    append(data, Decision("pubmed-1", "title_abstract", "Bob", "unsure", "", SEARCHED))
    assert "2 of 5 records screened, 1 of them relevant" in run("stopping")
    agreed = run("agreement")
    assert "Ada and Bob: 2 records of both, raw agreement 1.000" in agreed
    assert "to adjudicate: pubmed-1: Ada include, Bob unsure" in agreed
    output = tmp_path / "out.csv"
    assert "4 record(s) that wait" in run("export", str(output), "--for", "rayyan")
    assert main(["screen", "export", str(output), "--for", "rayyan", "--data", str(data)]) == 2
    back = tmp_path / "back.csv"
    back.write_text('key,notes\nembase-4,"RAYYAN-INCLUSION: {""Ada""=>""Included""}"\n')
    assert run("import", str(back), "--from", "rayyan").startswith("1 decision(s) added, 0 were")
    assert run("import", str(back), "--from", "rayyan").startswith("0 decision(s) added, 1 were")
    assert main(["screen", "--data", str(data)]) == 2
    assert "--person" in capsys.readouterr().err


def test_the_name_may_stand_before_the_action(data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    append(data, Decision("pubmed-1", "title_abstract", "Ada", "include", "", SEARCHED))
    for position, arguments in enumerate((["--person", "Ada", "export"], ["export", "--person", "Ada"], ["export"])):
        output = tmp_path / f"{position}.csv"
        assert main(["screen", *arguments, str(output), "--for", "rayyan", "--data", str(data)]) == 0
        assert f"{4 if '--person' in arguments else 5} record(s) that wait" in capsys.readouterr().out
    back = tmp_path / "back.csv"
    back.write_text('key,notes\nembase-4,"RAYYAN-INCLUSION: {""Bob""=>""Included"", ""Ada""=>""Included""}"\n')
    assert main(["screen", "--person", "Bob", "import", str(back), "--from", "rayyan", "--data", str(data)]) == 0
    assert [row.person for row in read_decisions(data)] == ["Ada", "Bob"]
