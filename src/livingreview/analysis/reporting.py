"""Reporting checklists: which page of the site answers each item, and what is missing.

The items are instruments (``data/instruments``); the answers are ``data/reporting.csv``, one row per item.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from livingreview.errors import DataError, Fault
from livingreview.review import Review
from livingreview.review.model import Instrument
from livingreview.review.reading import read_csv

__all__ = ["CHECKLISTS", "STATUSES", "checklist_table", "read_answers", "tally_statuses"]

STATUSES = ("reported", "partly", "missing", "not applicable")
COLUMNS = ("checklist", "item", "page", "status", "remark")
#: Instruments that are checklists of this review's own reporting, in the order of the page.
CHECKLISTS = ("prisma-dta", "prisma-lsr", "cochrane-dta")
FILE = "reporting.csv"
PAGE = re.compile(r"[a-z][a-z-]*")


def read_answers(root: Path, instruments: Mapping[str, Instrument]) -> pd.DataFrame:
    """Read and check the answers in a data folder to these instruments, by name.

    Returns
    -------
    DataFrame
        One row per item, by ``checklist`` and ``item``: ``page``, the name of the chapter that answers it, without
        folder and suffix (``index`` for the front page; empty where none does), ``status`` (see `STATUSES`) and
        ``remark``, what a reader finds there, or what is missing.

    Raises
    ------
    DataError
        With every fault: an unknown checklist, item or status; an item answered twice or not at all; no page, or none
        that can be one, for something reported; no remark on something that is not fully reported.
    """
    rows = read_csv(root / FILE, root, COLUMNS)
    shown = f"{root.name}/{FILE}"
    expected = {(name, str(item.id)) for name in CHECKLISTS if name in instruments for item in instruments[name].items}
    faults: list[Fault] = []
    seen: set[tuple[str, str]] = set()
    for line, row in enumerate(rows, 2):
        key = (row["checklist"], row["item"])
        for field, problem, remedy, code in _faults(row, key, expected, seen):
            faults.append(Fault(shown, line, field, problem, remedy, code))
        seen.add(key)
    faults += [
        Fault(
            shown, len(rows) + 1, "item", f"{name} {item} has no row", "add one, if only to say missing", "REPORT-006"
        )
        for name, item in sorted(expected - seen)
    ]
    if faults:
        raise DataError(faults)
    return pd.DataFrame(rows, columns=COLUMNS).set_index(["checklist", "item"])


def _faults(
    row: Mapping[str, str], key: tuple[str, str], expected: set[tuple[str, str]], seen: set[tuple[str, str]]
) -> list[tuple[str, str, str, str]]:
    found = []
    if key not in expected:
        found.append(("item", f"no item {key[1]!r} in {key[0]!r}", "use the ids of data/instruments", "REPORT-001"))
    if key in seen:
        found.append(("item", f"{key[0]} {key[1]} is answered twice", "keep one row", "REPORT-002"))
    if row["page"] and not PAGE.fullmatch(row["page"]):
        found.append(("page", f"no page is named {row['page']!r}", "the name of a chapter, or index", "REPORT-003"))
    if row["status"] not in STATUSES:
        found.append(("status", f"unknown status {row['status']!r}", f"one of {', '.join(STATUSES)}", "REPORT-004"))
    if row["status"] in ("reported", "partly") and not row["page"]:
        found.append(("page", "reported, but nowhere", "name the page", "REPORT-003"))
    if row["status"] != "reported" and not row["remark"].strip():
        found.append(("remark", "does not say what is missing", "say it in a few words", "REPORT-005"))
    return found


def checklist_table(review: Review, answers: pd.DataFrame, checklist: str) -> pd.DataFrame:
    """Return one checklist: item, what it asks for, status, page (its name; empty where none answers it), remark."""
    asked = {str(item.id): item.asks for item in review.instruments[checklist].items}
    table = answers.loc[checklist].loc[list(asked), ["status", "page", "remark"]].reset_index()
    table.insert(1, "asks for", list(asked.values()))
    return table.rename(columns=str.capitalize)


def tally_statuses(answers: pd.DataFrame, checklist: str) -> dict[str, int]:
    """Return the number of items per status; every status is there."""
    found = answers.loc[checklist]["status"].tolist()
    return {status: found.count(status) for status in STATUSES}
