"""The ledger of screening decisions, ``data/screening/decisions.csv``.

Rows are appended and never changed. Who changes their mind appends a row with the decision ``withdrawn``, and then
the new decision: the ledger shows both.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

from livingreview.errors import DataError, Fault
from livingreview.search.ledger import extend

__all__ = [
    "COLUMNS", "EXCLUSION_REASONS", "KINDS", "NOT_RETRIEVED", "STAGES", "Decision", "append", "read_decisions",
    "standing",
]  # fmt: skip

COLUMNS: Final = ("record", "stage", "person", "decision", "reason", "date", "kind")
STAGES: Final = ("title_abstract", "full_text")
DECISIONS: Final = ("include", "exclude", "unsure", "withdrawn")
KINDS: Final = ("decision", "adjudication")

NOT_RETRIEVED: Final = "not_retrieved"
"""The reason that PRISMA counts apart from the reports that were read and excluded."""

EXCLUSION_REASONS: Mapping[str, str] = MappingProxyType(
    {
        NOT_RETRIEVED: "the full text could not be had",
        "duplicate": "the same report as another record",
        "publication_type": "a conference paper, a review or a book chapter",
        "language": "not in English",
        "publication_date": "published before 2020",
        "animal_study": "an animal study",
        "not_cardiac_mri": "not about cardiac MRI",
        "vascular_mri": "about vascular MRI",
        "not_deep_learning": "artificial intelligence other than deep learning, or none",
        "other_application": "neither segmentation nor diagnosis nor prediction",
    }
)
"""Why a record is excluded, after the eligibility criteria of ``review.yaml``; of several the first counts."""

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Decision:
    """What one person decided about one record at one stage.

    Parameters
    ----------
    record
        Id of the record in the search ledger, or of a report found by other methods.
    stage, decision
        One of :data:`STAGES`, one of :data:`DECISIONS`.
    person
        Who decided, by the name they use throughout.
    reason
        A key of :data:`EXCLUSION_REASONS`: always at the full text, where wanted on title and abstract; empty for
        what is not excluded.
    on
        Day of the decision; the column is called ``date``.
    kind
        ``"decision"``, or ``"adjudication"``, which settles a disagreement.
    """

    record: str
    stage: str
    person: str
    decision: str
    reason: str
    on: date
    kind: str = "decision"

    @property
    def key(self) -> Key:
        """What a later row of the ledger replaces."""
        return (self.record, self.stage, self.person, self.kind)

    def row(self) -> tuple[str, ...]:
        """Return the cells of the ledger's row."""
        day = self.on.isoformat()
        return (self.record, self.stage, self.person, self.decision, self.reason, day, self.kind)


def decisions_path(root: Path) -> Path:
    """Return where the ledger of a data folder stands."""
    return root / "screening" / "decisions.csv"


def read_decisions(root: Path, known: Collection[str] | None = None) -> tuple[Decision, ...]:
    """Read every decision, in the order they were made.

    `root` is the data folder; without a ledger there is no decision. `known` are the ids that a decision may be about,
    None for any.

    Raises
    ------
    DataError
        With every fault of the ledger.
    """
    path = decisions_path(root)
    if not path.exists():
        return ()
    shown = _shown(root)
    faults: list[Fault] = []
    decisions: list[Decision] = []
    state: dict[Key, Decision] = {}
    for line, cells in _rows(path, shown):
        problems = list(_cell_problems(cells, known))
        if not problems:
            decision = Decision(**{k: v for k, v in cells.items() if k != "date"}, on=date.fromisoformat(cells["date"]))
            problems = list(_order_problems(decision, state))
            decisions.append(decision)
            _apply(decision, state)
        faults.extend(Fault(shown, line, *problem) for problem in problems)
    if faults:
        raise DataError(faults)
    return tuple(decisions)


def standing(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Return the decisions that stand: the last of each person, record, stage and kind, without the withdrawn."""
    state: dict[Key, Decision] = {}
    for decision in decisions:
        _apply(decision, state)
    return tuple(state.values())


def append(root: Path, *decisions: Decision) -> None:
    """Add decisions to the ledger, all or none; when this returns, they are on the disk.

    Raises
    ------
    DataError
        A decision does not fit the ledger, or the ledger cannot be read; nothing was written.
    """
    # Only writing needs the package, so that `livingreview check` reads the ledger without it.
    from filelock import FileLock

    path, lock = decisions_path(root), root.absolute().parent / ".cache" / "screening.lock"
    for folder in (path.parent, lock.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        state = {item.key: item for item in standing(read_decisions(root))}
        faults: list[Fault] = []
        for decision in decisions:
            cells = dict(zip(COLUMNS, decision.row(), strict=True))
            for field, problem, *rest in (*_cell_problems(cells, None), *_order_problems(decision, state)):
                faults.append(Fault(_shown(root), 0, field, f"{decision.record}: {problem}", *rest))
            _apply(decision, state)
        if faults:
            raise DataError(faults)
        extend(path, COLUMNS, (decision.row() for decision in decisions))


def _shown(root: Path) -> str:
    return f"{root.name}/screening/{decisions_path(root).name}"


def _rows(path: Path, shown: str) -> list[tuple[int, dict[str, str]]]:
    """Return line and cells of every row; a ledger of years is larger than the files that people write."""
    try:
        reader = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True)
        header = next(reader, [])
        rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        problem, remedy = f"cannot be read: {error}", "restore the file from git, and append what is new"
        raise DataError([Fault(shown, 0, "", problem, remedy, "CSV-005")]) from None
    if header != list(COLUMNS):
        problem = f"expected the header {','.join(COLUMNS)}; found {','.join(header) or 'nothing'}"
        raise DataError([Fault(shown, 1, "", problem, "restore the header", "CSV-001")])
    faults = [
        Fault(shown, line, "", f"expected {len(COLUMNS)} cells, found {len(row)}", "quote cells with commas", "CSV-002")
        for line, row in rows
        if len(row) != len(COLUMNS)
    ]
    if faults:
        raise DataError(faults)
    return [(line, dict(zip(COLUMNS, row, strict=True))) for line, row in rows]


def _apply(decision: Decision, state: dict[Key, Decision]) -> None:
    state.pop(decision.key, None)
    if decision.decision != "withdrawn":
        state[decision.key] = decision


Problem = tuple[str, str, str, str]  # field, problem, remedy and code of a fault


def _cell_problems(cells: Mapping[str, str], known: Collection[str] | None) -> Iterable[Problem]:
    for field, allowed in (("stage", STAGES), ("decision", DECISIONS), ("kind", KINDS)):
        yield from _not_one_of(field, cells[field], allowed)
    for field in ("record", "person"):
        if not cells[field].strip() or cells[field] != cells[field].strip() or not cells[field].isprintable():
            yield field, f"expected a plain word or name, found {cells[field]!r}", "correct the cell", "SCREEN-002"
    try:
        date.fromisoformat(cells["date"])
    except ValueError:
        yield "date", f"expected a date like 2025-07-31, found {cells['date']!r}", "correct the cell", "SCREEN-002"
    reason, excluded = cells["reason"], cells["decision"] == "exclude"
    if reason:
        yield from _not_one_of("reason", reason, EXCLUSION_REASONS)
        if not excluded:
            problem = f"a reason for exclusion, but the decision is {cells['decision']!r}"
            yield "reason", problem, "clear it", "SCREEN-003"
    elif excluded and cells["stage"] == "full_text":
        remedy = f"give one of {', '.join(EXCLUSION_REASONS)}"
        yield "reason", "a report excluded on its full text needs a reason", remedy, "SCREEN-003"
    if reason == NOT_RETRIEVED and cells["stage"] != "full_text":
        yield "reason", "only full texts are retrieved", "give another reason, or none", "SCREEN-003"
    if cells["kind"] == "adjudication" and cells["decision"] == "unsure":
        yield "decision", "an adjudication that leaves the matter open", "decide to include or exclude", "SCREEN-006"
    if known is not None and cells["record"] not in known:
        close = difflib.get_close_matches(cells["record"], list(known), n=1, cutoff=0.8)
        remedy = f"did you mean {close[0]!r}?" if close else "give the id of a record that the search found"
        yield "record", f"no record has the id {cells['record']!r}", remedy, "SCREEN-007"


def _order_problems(decision: Decision, state: Mapping[Key, Decision]) -> Iterable[Problem]:
    """Yield what is wrong with a decision after those that stand."""
    held = state.get(decision.key)
    if decision.decision == "withdrawn":
        if held is None:
            yield "decision", "nothing stands that could be withdrawn", "delete the row", "SCREEN-005"
    elif held is not None:
        remedy = "delete the row, or withdraw the earlier decision first"
        yield "decision", f"{held.person} already decided {held.decision!r} on {held.on}", remedy, "SCREEN-004"
    elif decision.kind == "adjudication":
        people = {key[2] for key in state if key[:2] == decision.key[:2] and key[3] == "decision"}
        if not people:
            yield "kind", "an adjudication where nobody has decided", "make it a decision", "SCREEN-006"
        if any(key[:2] == decision.key[:2] and key[3] == "adjudication" for key in state):
            yield "kind", "the record is already adjudicated", "withdraw the earlier adjudication", "SCREEN-004"


def _not_one_of(field: str, value: str, allowed: Collection[str]) -> Iterable[Problem]:
    if value not in allowed:
        close = difflib.get_close_matches(value, list(allowed), n=1)
        remedy = f"did you mean {close[0]!r}?" if close else f"give one of {', '.join(allowed)}"
        yield field, f"unknown {field} {value!r}", remedy, "SCREEN-001"
