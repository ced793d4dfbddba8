"""Add one study to the review's files: find it, refuse what is none, write its draft or complete its report."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from livingreview.adding.draft import Wish, write_draft
from livingreview.adding.existing import Held, completed, free_id, held_studies, same_study
from livingreview.adding.facts import facts_of, refuse_hidden, stem
from livingreview.adding.lookup import look_up, notices, read_file
from livingreview.checks import cross_check
from livingreview.errors import DataError, Fault
from livingreview.model import Study
from livingreview.reading import Document, read_yaml, validate
from livingreview.search.sources.base import Found

__all__ = ["add_study"]


def add_study(
    wish: Wish, data: Path, *, today: date, environment: Mapping[str, str], warn: Callable[[object], None]
) -> str:
    """Write the study's file, complete it, or leave everything as it is; return what was done.

    Parameters
    ----------
    wish
        What to add.
    data
        The data folder.
    today
        Date of the standing.
    environment
        Addresses and keys of the services.
    warn
        Is given what a person should see: faults of an export, errata.

    Raises
    ------
    DataError, SearchError
        Nothing was written; see :mod:`.lookup`, :mod:`.facts` and :mod:`.existing`.
    """
    if wish.study_id and not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", wish.study_id):
        problem = f"{wish.study_id[:80]!a} is no id"
        raise _refused("id", problem, "use a-z, 0-9 and _, beginning with a letter: surname2026", "ADD-004")
    refuse_hidden({"--by": wish.by})
    studies = list(held_studies(data))
    named = next((held for held in studies if held.path.stem == wish.study_id), None)
    if named is None and isinstance(wish.study, tuple):
        kind, identifier = wish.study
        if already := _already(studies, {kind: identifier}):
            return already
    found = _found(wish.study, environment, warn)
    facts = facts_of(found.record)
    origin = {"kind": "page", "where": found.where} | ({"url": found.page} if found.page else {})
    if named is not None:
        return _complete(named, data, facts, origin)
    if already := _already(studies, facts, chosen=wish.study_id):
        return already
    study_id = wish.study_id or free_id(stem(found.record), {held.path.stem for held in studies})
    text, path = write_draft(study_id, wish, facts, origin, today), data / "studies" / f"{study_id}.yaml"
    study, document = _read_back(text, path)
    if faults := list(cross_check([(study, document)], [], {}, latest=today)):
        raise DataError(faults)
    # Exclusively: a file of that name that came in the meantime is left alone.
    with path.open("x", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
    return f"{document.path}: written from {found.where}"


def _found(study: tuple[str, str] | Path, environment: Mapping[str, str], warn: Callable[[object], None]) -> Found:
    if isinstance(study, tuple):
        found = look_up(*study, environment)
    else:
        found, faults = read_file(study)
        for fault in faults:
            warn(fault)
    against = list(notices(found))
    refusals = [text for refused, text in against if refused]
    if refusals:
        raise _refused("report", refusals[0], "if the record is wrong, write the file by hand", "ADD-007")
    for _, text in against:
        warn(text)
    return found


def _already(studies: Sequence[Held], facts: Mapping[str, Any], chosen: str = "") -> str:
    match = same_study(studies, facts)
    # A title may be that of two studies; somebody who gives the new one an id has seen that.
    if match is None or (chosen and match[1] == "this title"):
        return ""
    held, common = match
    return (
        f"{held.shown} has {common} already; nothing was changed. "
        f"To add what is missing of its report: --id {held.path.stem}"
    )


def _complete(held: Held, data: Path, facts: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    text, added = completed(held, data, facts, origin)
    if not added:
        return f"{held.shown}: nothing is missing; nothing was changed"
    _read_back(text, held.path)
    beside = held.path.with_name(f".{held.path.name}.new")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(held.path)
    return f"{held.shown}: added {', '.join(added)}"


def _read_back(text: str, path: Path) -> tuple[Study, Document]:
    """Read the text as ``livingreview check`` will, before it is written."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.absolute().parents[1].name / "studies" / path.name
        copy.parent.mkdir(parents=True)
        copy.write_text(text, encoding="utf-8", newline="\n")
        document = read_yaml(copy, copy.parents[1])
        return validate(document, Study), document


def _refused(field: str, problem: str, remedy: str, code: str) -> DataError:
    return DataError([Fault("", 0, field, problem, remedy, code)])
