"""Is a run recorded whole or not at all, and is the ledger only ever added to?"""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fake_services import library, serving
from livingreview.cli import main
from livingreview.errors import DataError
from livingreview.search.ledger import RECORD_COLUMNS, Ledger, Run, record_id, records_from_csv
from livingreview.search.records import Record

DATA = Path(__file__).parents[1] / "data"
DAY = date(2026, 11, 22)


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    (tmp_path / "data" / "search").mkdir(parents=True)
    shutil.copy(DATA / "search" / "runs.csv", tmp_path / "data" / "search")
    return Ledger(tmp_path / "data" / "search", tmp_path / "state")


def run(run_id: str = "2026-11-22-pubmed", database: str = "PubMed", hits: int = 1) -> Run:
    return Run(run_id, database, DAY, "update", "base", "abc", hits, "PubMed API", None, 1.0, "livingreview 1")


def article(number: int, **fields) -> Record:
    return Record("PubMed", 0, accession=str(number), pmid=str(number), sha256=f"{number:064d}", **fields)


def test_records_are_added_behind_the_old_ones_byte_for_byte(ledger):
    ledger.append(run(), [article(5), article(3)])
    before = ledger.records_path.read_bytes()
    assert ledger.append(run("2026-11-29-pubmed"), [article(3), article(1), article(5)]) == 1
    after = ledger.records_path.read_bytes()
    assert after.startswith(before)
    assert list(ledger.known()) == ["pubmed-5", "pubmed-3", "pubmed-1"]


def test_the_same_run_twice_adds_nothing_twice(ledger):
    assert ledger.append(run(), [article(1)]) == ledger.append(run(), [article(1), article(2)]) == 1
    assert list(ledger.known()) == ["pubmed-1"]
    assert len(ledger.runs()) == 5


def test_a_run_whose_row_was_never_written_is_a_fault_and_is_finished(ledger):
    runs = ledger.runs_path.read_bytes()
    ledger.append(run(), [article(1), article(2)])
    ledger.runs_path.write_bytes(runs)  # as if the machine had stopped between the two files
    assert [fault.code for fault in ledger.faults()] == ["LEDGER-001", "LEDGER-001"]
    assert ledger.append(run(), [article(1), article(2)]) == 2
    assert ledger.faults() == []
    assert ledger.runs()[-1]["new"] == "2"


def test_a_half_written_file_beside_the_ledger_is_cleared_away(ledger):
    (ledger.folder / ".records.csv.partial").write_bytes(b"record,run")
    ledger.append(run(), [article(1)])
    assert {path.name for path in ledger.folder.iterdir()} == {"records.csv", "runs.csv"}


def test_a_record_twice_in_one_batch_is_one_row_and_in_two_databases_two(ledger):
    assert ledger.append(run(), [article(1), article(1)]) == 1
    assert ledger.append(run("e", "Europe PMC"), [Record("e", 0, accession="MED:1", pmid="1")]) == 1
    assert list(ledger.known()) == ["pubmed-1", "europe-pmc-MED:1"]


def test_positions_in_a_file_do_not_name_a_record():
    first, second = (Record("a.ris", 0, accession="1", sha256=letter * 64) for letter in "ab")
    assert record_id("ProQuest", first) != record_id("ProQuest", second)
    assert record_id("Embase", first) != record_id("Embase", second)


@pytest.mark.parametrize("name", ["records_path", "runs_path"])
def test_a_ledger_with_another_header_is_refused_and_left_alone(ledger, name):
    path = getattr(ledger, name)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="LEDGER-003"):
        ledger.append(run(), [article(1)])
    assert path.read_text() == "a,b\n1,2\n"


def test_a_row_twice_or_with_a_cell_too_many_is_a_fault(ledger):
    ledger.append(run(), [article(1)])
    header, row = ledger.records_path.read_text().splitlines()
    ledger.records_path.write_text(f"{header}\n{row}\n{row}\n")
    assert [(fault.line, fault.code) for fault in ledger.faults()] == [(3, "LEDGER-002")]
    ledger.records_path.write_text(f"{header}\n{row},spare\n")
    assert [fault.code for fault in ledger.faults()] == ["LEDGER-004"]


TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(titles=st.lists(st.tuples(TEXT, st.lists(TEXT.filter(str.strip), max_size=3)), min_size=1, max_size=5))
def test_whatever_a_record_says_it_is_one_line_and_is_read_again(tmp_path_factory, titles):
    folder = tmp_path_factory.mktemp("ledger")
    shutil.copy(DATA / "search" / "runs.csv", folder)
    ledger = Ledger(folder, folder / "state")
    records = [article(n + 1, title=title, authors=tuple(names)) for n, (title, names) in enumerate(titles)]
    ledger.append(run(), records)
    assert ledger.records_path.read_bytes().count(b"\n") == len(records) + 1
    read = records_from_csv(ledger.records_path)
    assert [record.pmid for record in read] == [record.pmid for record in records]
    for ours, theirs in zip(records, read, strict=True):
        assert theirs.title == "".join(c for c in " ".join(ours.title.split()) if c.isprintable()).strip()


@pytest.mark.parametrize("authors", [("Food and Drug Administration",), ("Smith, Jane",), ("Smith, J", "Doe, A"), ()])
def test_authors_are_the_same_after_the_ledger(ledger, authors):
    ledger.append(run(), [article(1, authors=authors)])
    assert records_from_csv(ledger.records_path)[0].authors == authors


def test_the_ledgers_columns_hold_every_identifier_of_a_record():
    assert {"doi", "pmid", "pmcid", "arxiv", "openalex", "source", "run_id", "sha256"} <= set(RECORD_COLUMNS)


SCRIPT = """
import sys
from datetime import date
from pathlib import Path
from livingreview.review.model import Strategy
from livingreview.review.reading import read_yaml
from livingreview.search.ledger import Ledger
from livingreview.search.run import search_source
from livingreview.search.sources.http import Service
from livingreview.search.sources.pubmed import PubMed

data, address = Path(sys.argv[1]), sys.argv[2]
strategy = Strategy.model_validate(read_yaml(data / "search" / "strategy.yaml", data).data)
ledger = Ledger(data / "search", data.parent / "state")
outcome = search_source(
    PubMed(Service("PubMed", address, 0.0)), strategy, ledger,
    since=date(2026, 10, 1), today=date(2026, 11, 22), maximum=50_000,
)
print(outcome.new, outcome.resumed)
"""


@pytest.mark.slow
def test_a_run_killed_in_the_middle_is_finished_by_the_next_and_nothing_is_lost_or_doubled(data_copy):
    held = library(1_800)
    before = {path.name: path.read_bytes() for path in (data_copy / "search").iterdir()}
    with serving(held) as address:
        command = [sys.executable, "-c", SCRIPT, str(data_copy), address]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        # The fifth batch never comes: the process is killed while it waits for it.
        held.before = lambda number: os.kill(process.pid, signal.SIGKILL) if number == 6 else None
        assert process.wait(timeout=60) == -signal.SIGKILL
        process.communicate()
        assert {path.name: path.read_bytes() for path in (data_copy / "search").iterdir()} == before
        held.before = None
        asked = len(held.requests)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1800 True\n"
    assert len(held.requests) - asked == 1 + 5
    with (data_copy / "search" / "records.csv").open(newline="") as stream:
        assert [row["pmid"] for row in csv.DictReader(stream)] == [str(n + 1) for n in range(1_800)]
    assert (data_copy / "search" / "runs.csv").read_bytes().startswith(before["runs.csv"])


@pytest.mark.slow
def test_a_run_killed_at_any_moment_of_its_recording_ends_up_recorded_once(data_copy):
    held = library(400)
    with serving(held) as address:
        command = [sys.executable, "-c", SCRIPT, str(data_copy), address]
        for delay in (0.0, 0.01, 0.03):
            asked = len(held.requests)
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while len(held.requests) < asked + 1 and process.poll() is None:
                time.sleep(0.001)
            time.sleep(delay)
            process.kill()
            process.wait()
        subprocess.run(command, timeout=60, check=True, stdout=subprocess.DEVNULL)
    ledger = Ledger(data_copy / "search", data_copy.parent / "state")
    assert len(ledger.known()) == 400
    assert ledger.faults() == []


@pytest.mark.slow
def test_the_command_searches_imports_and_says_what_failed(data_copy, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LIVINGREVIEW_CONTACT", "jane@example.org")
    summary = tmp_path / "summary.md"
    with serving(library(3)) as address:
        monkeypatch.setenv("LIVINGREVIEW_PUBMED_URL", address)
        monkeypatch.setenv("LIVINGREVIEW_EUROPEPMC_URL", f"{address}/nowhere")
        arguments = ["search", "--data", str(data_copy), "--since", "2026-10-01", "--summary", str(summary)]
        assert main([*arguments, "--source", "pubmed"]) == 0
        assert "PubMed: 3 records since 2026-10-01, 3 new" in capsys.readouterr().out
        assert main([*arguments, "--source", "pubmed", "--max", "2"]) == 1
        assert "PubMed: FAILED, PubMed has 3 hits, more than 2" in capsys.readouterr().out
    assert summary.read_text().count("\n") == 2
    export = tmp_path / "more.nbib"
    export.write_text("PMID- 2\nTI  - Known\n\nPMID- 77\nTI  - New\nLA  - eng\n")
    assert main(["import", str(export), "--data", str(data_copy), "--date", "2026-11-20"]) == 0
    told, following = capsys.readouterr().out.splitlines()
    assert told == "PubMed: 2 records, 1 new; run 2026-11-20-pubmed-import"
    assert "livingreview dedupe" in following
    records = (data_copy / "search" / "records.csv").read_bytes()
    export.write_text("TY  - JOUR\nAU  - Li, B\nER  - \n")
    assert main(["import", str(export), "--data", str(data_copy), "--database", "Made"]) == 2
    assert "a record without title, DOI or PubMed number" in capsys.readouterr().err
    assert (data_copy / "search" / "records.csv").read_bytes() == records
    with pytest.raises(SystemExit):
        main(["import", str(export), "--data", str(data_copy), "--date", "2999-01-01"])
    assert "expected a day up to today" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "absent.ris"), "--data", str(data_copy)]) == 2
    assert "IMPORT-000" in capsys.readouterr().err
    search = data_copy / "search"
    assert main(["dedupe", str(search / "records.csv"), "--output", str(search / "clusters.csv")]) == 0
    assert main(["check", "--data", str(data_copy)]) == 0
