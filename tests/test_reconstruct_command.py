"""Does ``livingreview reconstruct`` print every table, or why there is none?"""

from __future__ import annotations

import json

import pytest

from livingreview.cli import main

MARTINI = ["reconstruct", "--sensitivity", "95", "--accuracy", "88", "--ppv", "83", "--n", "42"]


def test_are_the_tables_printed(capsys) -> None:
    assert main(MARTINI) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 tables, n 42, rounding half-up"
    assert [line.split() for line in lines[-3:]] == [
        ["tp", "fp", "fn", "tn"],
        ["19", "4", "1", "18"],
        ["20", "4", "1", "17"],
    ]


def test_does_another_metric_decide(capsys) -> None:
    assert main([*MARTINI, "--f1", "89", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["exact"] is True
    assert found["tables"] == [{"tp": 20, "fp": 4, "fn": 1, "tn": 17}]


def test_is_a_range_of_totals_understood(capsys) -> None:
    arguments = ["--sensitivity", "100 %", "--specificity", "0.90", "--ppv", "0.97", "--f1", "0.98"]
    assert main(["reconstruct", *arguments, "--n", "41-42"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 tables, n 41 to 42, rounding half-up"


def test_is_a_hull_printed_when_there_are_too_many(capsys) -> None:
    assert main(["reconstruct", "--sensitivity", "0.95", "--accuracy", "0.92", "--n", "10000"]) == 0
    out = capsys.readouterr().out
    assert "smallest and largest value of each cell" in out
    assert "counted, not listed" in out


def test_is_a_contradiction_an_error_that_names_it(capsys) -> None:
    arguments = ["--specificity", "0.90", "--accuracy", "100 %", "--n-nondiseased", "10", "--n", "42"]
    assert main(["reconstruct", *arguments]) == 2
    error = capsys.readouterr().err
    assert "specificity 0.90 and accuracy 100 %" in error
    assert "RECONSTRUCTION-003" in error


def test_is_a_total_that_is_no_number_refused(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["reconstruct", "--sensitivity", "0.9", "--n", "many"])
    assert "a range such as 40-60" in capsys.readouterr().err


def test_does_the_help_say_how_to_write_a_percentage(capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["reconstruct", "--help"])
    assert stopped.value.code == 0
    help_text = " ".join(capsys.readouterr().out.split())
    assert "0.94, 0.940 and 94 % are different. A bare number above 1, such as 95, is a percentage." in help_text


def test_are_many_tables_counted_and_listed_only_where_a_program_reads_them(capsys) -> None:
    arguments = ["reconstruct", "--sensitivity", "90", "--specificity", "80", "--n", "300"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "451 tables, n 300, rounding half-up"
    assert "--format json lists every table" in lines
    assert len(lines) < 10
    assert main([*arguments, "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["tables"]) == 451


def test_is_an_interval_that_ends_before_it_begins_refused(capsys) -> None:
    arguments = ["reconstruct", "--sensitivity", "0.9", "--sensitivity-ci", "0.94", "0.77", "--n", "30"]
    assert main(arguments) == 2
    assert "sensitivity_ci — 0.94 is above 0.77; give the lower limit first" in capsys.readouterr().err
