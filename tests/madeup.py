"""A study that never was, for tests that add one to a copy of the review; its title is hostile."""

from __future__ import annotations

from pathlib import Path

HOSTILE = "A made-up <script>alert(1)</script> | @someone [x](javascript:alert(1)) `tick` <img src=x onerror=alert(1)>"
STUDY = f"""\
id: madeup2026
report:
  title: '{HOSTILE}'
  first_author: Madeup A
  year: 2026
  doi: 10.9999/made.up
  source: abstract
standing:
  - {{on: 2026-11-01, status: awaiting classification, route: other methods, reason: made up for a test}}
task: diagnosis
target_condition: made-up condition
source: abstract
accuracy:
  - {{id: main, primary: true, problem: binary, unit: patient, tp: 80, fp: 12, fn: 9, tn: 110, source: abstract}}
extraction:
  - {{by: nobody, kind: person, on: 2026-11-01}}
sources:
  abstract: {{kind: publication, where: abstract, doi: 10.9999/made.up}}
"""


def add_to(data: Path) -> Path:
    """Write the study's file into a data folder."""
    path = data / "studies" / "madeup2026.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path
