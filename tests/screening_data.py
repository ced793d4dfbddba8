"""A made search ledger of a few records in two databases, for the tests of screening and flow."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from livingreview.screening.ledger import Decision, append
from livingreview.search.ledger import RECORD_COLUMNS

# Two runs found seven records of five publications: A and C twice.
FOUND = (
    ("pubmed-1", "u-pubmed", "PubMed", "A", 0),
    ("pubmed-2", "u-pubmed", "PubMed", "B", 1),
    ("pubmed-3", "u-pubmed", "PubMed", "C", 2),
    ("embase-1", "u-embase", "Embase", "A", 0),
    ("embase-2", "u-embase", "Embase", "C", 2),
    ("embase-3", "u-embase", "Embase", "D", 3),
    ("embase-4", "u-embase", "Embase", "E", 4),
)
SEARCHED = date(2026, 12, 1)


def add_update(data: Path, *, clusters: bool = True) -> None:
    """Add an update of two runs to a copy of the data; PubMed's also found one record again."""
    search = data / "search"
    with (search / "runs.csv").open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        for run, database, hits, new in (("u-pubmed", "PubMed", 4, 3), ("u-embase", "Embase", 4, 4)):
            writer.writerow([run, database, "", SEARCHED, "update", "base", hits, new, "made", "", "", "", ""])
    with (search / "records.csv").open("w", encoding="utf-8", newline="") as stream:
        records = csv.DictWriter(stream, RECORD_COLUMNS, restval="", lineterminator="\n")
        records.writeheader()
        for name, run, source, title, _ in FOUND:
            doi = f"10.1234/{title.lower()}" if source == "PubMed" else ""
            records.writerow(
                {"record": name, "run_id": run, "source": source, "title": f"Made title {title}", "doi": doi}
            )
    if clusters:
        with (search / "clusters.csv").open("w", encoding="utf-8", newline="") as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(["source_file", "source_index", "cluster", "decision"])
            rows.writerows(["records.csv", i, cluster, "merge"] for i, (*_, cluster) in enumerate(FOUND))


def decide(data: Path, record: str, decision: str, reason: str = "", stage: str = "title_abstract") -> None:
    """Let two people decide alike."""
    append(data, *(Decision(record, stage, who, decision, reason, SEARCHED) for who in ("Ada", "Bob")))
