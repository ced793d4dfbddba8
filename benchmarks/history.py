"""Add what a benchmark measured to ``benchmarks/history.csv``, a row for each value; nobody edits it."""

from __future__ import annotations

import csv
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

HISTORY = Path(__file__).with_name("history.csv")


def record(benchmark: str, seconds: Mapping[str, float]) -> None:
    """Add a run: name of each measure → seconds."""
    commit = _git("rev-parse", "--short", "HEAD") + ("-dirty" if _git("status", "--porcelain", "../src") else "")
    run = (datetime.now(UTC).date().isoformat(), commit, platform.python_version(), benchmark)
    with HISTORY.open("a", encoding="utf-8", newline="") as file:
        rows = ((*run, measure, f"{value:.4g}") for measure, value in seconds.items())
        csv.writer(file, lineterminator="\n").writerows(rows)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=HISTORY.parent, capture_output=True, text=True, check=True)
    return done.stdout.strip()
