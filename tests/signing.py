"""Signatures that tests put under extractions, in copies of the data; nobody of that name exists."""

from __future__ import annotations

from pathlib import Path

SIGNATURE = "verified_by: A Made-up Person, verified_on:"


def sign(data: Path, study: str, on: str = "2026-11-22") -> None:
    """Sign the extraction of a study in a copy of the data folder."""
    path = data / "studies" / f"{study}.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(", kind: machine-assisted, on: 2026-11-22}") == 1
    path.write_text(text.replace(", on: 2026-11-22}", f", on: 2026-11-22, {SIGNATURE} {on}}}"), encoding="utf-8")
