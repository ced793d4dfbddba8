"""Does the ledger of decisions keep what it is given, refuse what is wrong, and survive a crash?"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from livingreview.cli import main
from livingreview.errors import DataError
from livingreview.screening.agreement import verdicts
from livingreview.screening.ledger import (
    COLUMNS,
    Decision,
    append,
    decisions_path,
    read_decisions,
    standing,
)

DAY = date(2026, 1, 2)
ADA = Decision("r1", "title_abstract", "Ada", "include", "", DAY)
BOB = Decision("r1", "title_abstract", "Bob", "exclude", "language", DAY)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def write(root: Path, *rows: str) -> None:
    path = decisions_path(root)
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")


def test_what_is_appended_is_read_back_and_old_bytes_stay(root: Path) -> None:
    append(root, ADA)
    before = decisions_path(root).read_bytes()
    append(root, BOB, replace(BOB, record='r,"2', person="Ångström, J"))
    assert read_decisions(root) == (ADA, BOB, replace(BOB, record='r,"2', person="Ångström, J"))
    assert decisions_path(root).read_bytes().startswith(before)


def test_a_change_of_mind_shows_both(root: Path) -> None:
    later = replace(ADA, decision="exclude")
    append(root, ADA)
    with pytest.raises(DataError, match="SCREEN-004"):
        append(root, later)
    append(root, replace(ADA, decision="withdrawn"), later)
    assert len(read_decisions(root)) == 3
    assert standing(read_decisions(root)) == (later,)


def test_nothing_is_written_when_one_of_several_is_wrong(root: Path) -> None:
    append(root, ADA)
    before = decisions_path(root).read_bytes()
    with pytest.raises(DataError, match="SCREEN-001"):
        append(root, BOB, replace(BOB, person="Cy", reason="boring"))
    assert decisions_path(root).read_bytes() == before


def test_a_crash_leaves_the_ledger_as_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(root, ADA)
    whole = decisions_path(root).read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    for owner, step in ((os, "fsync"), (Path, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, step, crash)
            with pytest.raises(KeyboardInterrupt):
                append(root, BOB)
        assert decisions_path(root).read_bytes() == whole
    append(root, BOB)
    assert read_decisions(root) == (ADA, BOB)


def test_a_row_without_a_line_end_stays_a_row(root: Path) -> None:
    append(root, ADA)
    path = decisions_path(root)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))  # as some editors leave it
    append(root, BOB)
    assert read_decisions(root) == (ADA, BOB)


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("r1,title,Ada,include,,2026-01-02,decision", "stage — unknown stage 'title'"),
        ("r1,full_text,Ada,includ,,2026-01-02,decision", "did you mean 'include'"),
        ("r1,full_text,Ada,exclude,,2026-01-02,decision", "needs a reason"),
        ("r1,full_text,Ada,exclude,langage,2026-01-02,decision", "did you mean 'language'"),
        ("r1,full_text,Ada,include,language,2026-01-02,decision", "clear it [SCREEN-003]"),
        ("r1,title_abstract,Ada,exclude,not_retrieved,2026-01-02,decision", "only full texts are retrieved"),
        ("r1,full_text,,include,,2026-01-02,decision", "person — expected a plain word"),
        ("r1,full_text,Ada,include,,02.01.2026,decision", "date — expected a date like"),
        ("r1,full_text,Ada,withdrawn,,2026-01-02,decision", "SCREEN-005"),
        ("r1,full_text,Ada,include,,2026-01-02,adjudication", "SCREEN-006"),
        ("r1,full_text,Ada,include,,2026-01-02", "expected 7 cells, found 6"),
    ],
)
def test_a_fault_names_its_line_and_the_way_out(root: Path, row: str, line: str) -> None:
    write(root, "r0,full_text,Ada,include,,2026-01-02,decision", row)
    with pytest.raises(DataError) as caught:
        read_decisions(root)
    assert len(caught.value.faults) == 1
    assert f"{root.name}/screening/decisions.csv:3" in str(caught.value)
    assert line in str(caught.value)


def test_a_ledger_that_is_no_table_is_one_fault(root: Path) -> None:
    write(root)
    decisions_path(root).write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="CSV-005"):
        read_decisions(root)


def test_check_reports_a_decision_on_an_unknown_record(data_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(data_copy, "martini202,title_abstract,Ada,include,,2026-01-02,decision")
    assert main(["check", "--data", str(data_copy)]) == 1
    assert "did you mean 'martini2020'? [SCREEN-007]" in capsys.readouterr().out


def test_a_verdict_needs_two_who_agree_or_an_adjudication() -> None:
    def outcome(*rows: Decision) -> tuple[str, str]:
        verdict = verdicts(rows, "title_abstract")["r1"]
        return verdict.outcome, verdict.reason

    settled = replace(BOB, person="Cy", kind="adjudication")
    assert outcome(ADA) == ("pending", "")
    assert outcome(ADA, replace(ADA, person="Bob")) == ("include", "")
    assert outcome(ADA, BOB) == ("conflict", "")
    assert outcome(replace(ADA, decision="unsure"), replace(ADA, person="Bob", decision="unsure"))[0] == "conflict"
    assert outcome(ADA, BOB, settled) == ("exclude", "language")
    # Of two reasons the one that stands first in the list counts.
    assert outcome(BOB, replace(BOB, person="Ada", reason="publication_type")) == ("exclude", "publication_type")
    assert verdicts([ADA, replace(ADA, decision="withdrawn")], "title_abstract") == {}
