"""Out to ASReview and Rayyan, and back: people screen where they like, the ledger stays the one place of decisions.

The id of a record travels in a column (ASReview keeps it) and in the notes; where a tool drops both, a record is
known again by its DOI, then by its title. An import is taken whole or not at all.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from livingreview.errors import DataError, Fault
from livingreview.screening.ledger import EXCLUSION_REASONS, Decision
from livingreview.screening.library import Found
from livingreview.wording import csv_text

__all__ = ["export_text", "import_decisions"]

_ASREVIEW: Final = ("record", "title", "abstract", "authors", "year", "journal", "doi", "url", "keywords", "included")
_RAYYAN: Final = (
    "key", "title", "year", "month", "day", "journal", "issn", "volume", "issue", "pages", "authors", "url",
    "language", "publisher", "location", "abstract", "notes",
)  # fmt: skip
_LABELS: Final = ("asreview_label", "included", "label_included")
_MARK: Final = re.compile(r"livingreview:(\S+)")
_INCLUSION: Final = re.compile(r"RAYYAN-INCLUSION:\s*\{(.*?)\}", re.DOTALL)
_VOTE: Final = re.compile(r'"+([^"]+?)"+\s*=>\s*"+(Included|Excluded|Maybe)"+')
_REASONS: Final = re.compile(r"RAYYAN-EXCLUSION-REASONS:\s*([^|]*)")
_VOTES: Final = {"Included": "include", "Excluded": "exclude", "Maybe": "unsure"}
_RIS_LINE: Final = re.compile(r"^([A-Z][A-Z0-9])  - ?(.*)$")


def export_text(found: Iterable[Found], tool: str, form: str, verdicts: Mapping[str, bool] | None = None) -> str:
    """Return records, in order, as a file that a screening tool reads, to be written as UTF-8.

    A cell that a spreadsheet would take for a formula is preceded by an apostrophe.

    Parameters
    ----------
    tool, form
        ``"asreview"`` or ``"rayyan"``; ``"csv"`` or ``"ris"``.
    verdicts
        Whether a record was included, where that is known: ASReview learns from it.
    """
    known = verdicts or {}
    if form == "ris":
        return "".join(_ris(item, known.get(item.record) if tool == "asreview" else None) for item in found)
    columns = _ASREVIEW if tool == "asreview" else _RAYYAN
    cells = (_cells(item, known.get(item.record)) for item in found)
    return csv_text([columns, *([_harmless(row.get(column, "")) for column in columns] for row in cells)])


def import_decisions(
    path: Path,
    tool: str,
    found: Mapping[str, Found],
    *,
    stage: str,
    day: date,
    person: str = "",
    reasons: Mapping[str, str] | None = None,
) -> tuple[Decision, ...]:
    """Read the decisions that people made elsewhere at a stage.

    Parameters
    ----------
    path, tool
        A CSV or RIS export, and whose: ``"asreview"`` or ``"rayyan"``.
    found
        The records by id.
    day
        Day of the decisions; ASReview's own time of a decision goes before it.
    person
        Who screened; Rayyan's exports name the people themselves.
    reasons
        From the tool's words for a reason to a key of ``EXCLUSION_REASONS``; words equal to a key, or to what it
        stands for, need none.

    Raises
    ------
    DataError
        The file is no export of the tool, or with every row whose record, person or reason cannot be told.
    """
    words = {text.casefold(): key for key, text in EXCLUSION_REASONS.items()}
    words |= {key.replace("_", " "): key for key in EXCLUSION_REASONS} | {key: key for key in EXCLUSION_REASONS}
    words |= {text.casefold(): key for text, key in (reasons or {}).items()}
    find = _Finder(found)
    decisions: list[Decision] = []
    faults: list[Fault] = []
    rows = _ris_rows(path) if path.suffix.lower() == ".ris" else _csv_rows(path)
    needed = ("notes", *(_LABELS if tool == "asreview" else ()))
    if not any(name in cells for _, cells in rows for name in needed):
        problem = f"no row has a {' or '.join(needed)}, where {tool} writes decisions"
        raise DataError([Fault(str(path), 0, "", problem, f"give an export of {tool}", "SCREEN-010")])
    for line, cells in rows:
        votes = _asreview_votes(cells, person, day) if tool == "asreview" else _rayyan_votes(cells, person, day)
        if not votes:
            continue
        record = find(cells)
        noted = _REASONS.search(cells.get("notes", ""))
        given = [text.strip() for text in noted[1].split(",") if text.strip()] if noted else []
        reason = next((key for key in EXCLUSION_REASONS if key in {words.get(t.casefold()) for t in given}), "")
        unknown = [text for text in given if text.casefold() not in words]
        faults += [Fault(str(path), line, "", *said) for said in _vote_problems(record, votes, stage, reason, unknown)]
        if record is not None:
            why = {"exclude": reason}
            decisions += [Decision(record, stage, who, vote, why.get(vote, ""), on) for who, vote, on in votes]
    if faults:
        raise DataError(faults)
    return tuple(decisions)


def _vote_problems(
    record: str | None, votes: Sequence[Vote], stage: str, reason: str, unknown: Sequence[str]
) -> Iterable[tuple[str, str, str]]:
    """Yield problem, remedy and code."""
    if record is None:
        remedy = "export with the id, the DOI or the title as they were"
        yield "a decision on a record that is not known", remedy, "SCREEN-009"
        return
    if any(decision == "exclude" for _, decision, _ in votes):
        if unknown:
            remedy = f"say what it means: --reason '{unknown[0]}=KEY', a key of {', '.join(EXCLUSION_REASONS)}"
            yield f"unknown reason {unknown[0]!r}", remedy, "SCREEN-009"
        elif stage == "full_text" and not reason:
            remedy = "give one in the tool, and export with the reasons"
            yield "excluded on its full text without a reason", remedy, "SCREEN-009"
    for who, _, _ in votes:
        if not who:
            yield "the file does not say who decided", "give --person NAME", "SCREEN-009"


def _cells(item: Found, included: bool | None) -> dict[str, str]:  # noqa: FBT001 — a cell, not a switch
    record = item.details
    same = ("title", "abstract", "journal", "issn", "volume", "issue", "pages", "doi", "language", "keywords")
    return {name: getattr(record, name) for name in same} | {
        "record": item.record,
        "key": item.record,
        "authors": "; ".join(record.authors),
        "year": str(record.year or ""),
        "url": record.url or (f"https://doi.org/{record.doi}" if record.doi else ""),
        "included": "" if included is None else str(int(included)),
        "notes": f"livingreview:{item.record}",
    }


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def _ris(item: Found, included: bool | None) -> str:  # noqa: FBT001 — as above
    record, cells = item.details, _cells(item, included)
    note = {True: "ASReview_relevant", False: "ASReview_irrelevant", None: ""}[included]
    tags: list[tuple[str, str]] = [("TY", "JOUR"), ("ID", item.record), ("TI", record.title)]
    tags += [("AU", author) for author in record.authors]
    names = {"PY": "year", "T2": "journal", "VL": "volume", "IS": "issue", "SP": "pages", "SN": "issn", "DO": "doi"}
    tags += [(tag, cells[name]) for tag, name in {**names, "UR": "url", "AB": "abstract"}.items()]
    tags += [("N1", cells["notes"]), ("N1", note), ("ER", "")]
    return "".join(f"{tag}  - {' '.join(text.split())}\n" for tag, text in tags if text or tag == "ER") + "\n"


class _Finder:
    """Find a record again: by id, by DOI, by title; a title that two records share finds none."""

    def __init__(self, found: Mapping[str, Found]) -> None:
        self._found = found
        self._doi = {item.details.doi.casefold(): name for name, item in found.items() if item.details.doi}
        self._title: dict[str, str | None] = {}
        for name, item in found.items():
            title = _plain(item.details.title)
            self._title[title] = None if title in self._title else name

    def __call__(self, cells: Mapping[str, str]) -> str | None:
        mark = _MARK.search(cells.get("notes", ""))
        for name in (cells.get("record", ""), mark[1] if mark else "", cells.get("key", "")):
            if name in self._found:
                return name
        doi = re.search(r"10\.\d{4,9}/\S+", cells.get("doi", "") or cells.get("url", ""))
        if doi and doi[0].casefold() in self._doi:
            return self._doi[doi[0].casefold()]
        return self._title.get(_plain(cells.get("title", "")))


def _plain(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))


Vote = tuple[str, str, date]  # person, decision, day
Row = tuple[int, dict[str, str]]  # line and cells


def _asreview_votes(cells: Mapping[str, str], person: str, day: date) -> Sequence[Vote]:
    if "ASReview_relevant" in cells.get("notes", ""):
        label = "1"
    elif "ASReview_irrelevant" in cells.get("notes", ""):
        label = "0"
    else:
        label = next((cells[name].strip() for name in _LABELS if cells.get(name, "").strip()), "")
    # A column of ones, zeros and blanks that passed through a spreadsheet or a data frame has decimals.
    decision = {"1": "include", "1.0": "include", "0": "exclude", "0.0": "exclude"}.get(label)
    stamp = re.match(r"\d{4}-\d{2}-\d{2}", cells.get("asreview_time", ""))
    return [(person, decision, date.fromisoformat(stamp[0]) if stamp else day)] if decision else []


def _rayyan_votes(cells: Mapping[str, str], person: str, day: date) -> Sequence[Vote]:
    # With several people or several stages the notes may hold more than one list; the last is the current one.
    lists = _INCLUSION.findall(cells.get("notes", ""))
    votes = _VOTE.findall(lists[-1]) if lists else []
    return [(name, _VOTES[vote], day) for name, vote in votes if not person or name == person]


def _csv_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        return [
            (reader.line_num, {k.casefold(): v or "" for k, v in row.items() if isinstance(k, str)}) for row in reader
        ]


def _ris_rows(path: Path) -> list[Row]:
    names = {"ID": "record", "TI": "title", "T1": "title", "DO": "doi", "UR": "url"}
    rows: list[Row] = []
    cells: dict[str, str] = {}
    start = 1
    for number, text in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        found = _RIS_LINE.match(text)
        if found is None:
            continue
        tag, value = found.groups()
        if tag == "TY":
            cells, start = {}, number
        elif tag == "ER":
            rows.append((start, cells))
        elif tag in ("N1", "N2", "C1"):
            cells["notes"] = f"{cells.get('notes', '')} {value}".strip()
        elif tag in names:
            cells.setdefault(names[tag], value.strip())
    return rows
