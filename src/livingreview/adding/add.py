"""Add one study to the review's files: refuse it, find it there, write its draft, or complete its report."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from livingreview.adding.draft import Wish, quoted, write_draft
from livingreview.adding.record import facts_of, look_up, notices, read_file, refuse_hidden, stem
from livingreview.errors import DataError, Fault
from livingreview.review.checks import cross_check
from livingreview.review.model import Study
from livingreview.review.reading import Document, read_record, read_text, read_yaml
from livingreview.search.ledger import replace_whole
from livingreview.search.normalise import fold
from livingreview.search.sources.base import LookedUp

__all__ = ["Held", "add_study", "completed", "free_id"]

IDENTIFIERS = ("doi", "pmid", "pmcid")


def add_study(
    wish: Wish, data: Path, *, today: date, environment: Mapping[str, str], warn: Callable[[object], None]
) -> str:
    """Write the study's file, complete it, or leave everything as it is; return what was done.

    The data folder holds the studies, `today` is the date of the standing, the environment holds addresses and keys of
    the services, and `warn` is given what a person should see: faults of an export, errata.

    Raises
    ------
    DataError, SearchError
        Nothing was written; see :mod:`.record` and :func:`completed`.
    """
    if wish.study_id and not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", wish.study_id):
        problem = f"{wish.study_id[:80]!a} is no id"
        raise _refused("id", problem, "use a-z, 0-9 and _, beginning with a letter: surname2026", "ADD-004")
    refuse_hidden({"--by": wish.by})
    studies = list(_held_studies(data))
    named = next((held for held in studies if held.path.stem == wish.study_id), None)
    if named is None and isinstance(wish.study, tuple):
        kind, identifier = wish.study
        if already := _already(studies, {kind: identifier}):
            return already
    found = _found(wish.study, environment, warn)
    facts = facts_of(found.record)
    origin = {"kind": "page", "where": found.where} | ({"url": found.page} if found.page else {})
    if named is not None:
        text, added = completed(named, data, facts, origin)
        if not added:
            return f"{named.shown}: nothing is missing; nothing was changed"
        _read_back(text, named.path)
        replace_whole(named.path, text.encode())
        return f"{named.shown}: added {', '.join(added)}"
    if already := _already(studies, facts, chosen=wish.study_id):
        return already
    study_id = wish.study_id or free_id(stem(found.record), {held.path.stem for held in studies})
    text, path = write_draft(study_id, wish, facts, origin, today), data / "studies" / f"{study_id}.yaml"
    study, document = _read_back(text, path)
    faults = list(cross_check([(study, document)], [], {}, latest=today))
    if not all(fault.is_warning for fault in faults):
        raise DataError(faults)
    for fault in faults:
        warn(fault)
    # Exclusively: a file of that name that came in the meantime is left alone.
    with path.open("x", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
    return f"{document.path}: written from {found.where}"


def _found(study: tuple[str, str] | Path, environment: Mapping[str, str], warn: Callable[[object], None]) -> LookedUp:
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
    """Return which study has an identifier or the title in common with these facts, and the way out; or nothing."""
    shared = [
        (held, f"{name} {facts[name]}")
        for name in IDENTIFIERS
        for held in studies
        if name in facts and str(held.report.get(name, "")).lower() == str(facts[name]).lower()
    ]
    # A title may be that of two studies; somebody who gives the new one an id has seen that.
    title = "" if chosen else fold(str(facts.get("title", "")))
    shared += [(held, "this title") for held in studies if title and fold(str(held.report.get("title", ""))) == title]
    for held, common in shared:
        return (
            f"{held.shown} has {common} already; nothing was changed. "
            f"To add what is missing of its report: --id {held.path.stem}"
        )
    return ""


def _read_back(text: str, path: Path) -> tuple[Study, Document]:
    """Read the text as ``livingreview check`` will, before it is written."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.absolute().parents[1].name / "studies" / path.name
        copy.parent.mkdir(parents=True)
        copy.write_text(text, encoding="utf-8", newline="\n")
        return read_record(copy, copy.parents[1], Study)


def _refused(field: str, problem: str, remedy: str, code: str) -> DataError:
    return DataError([Fault("", 0, field, problem, remedy, code)])


class Held(NamedTuple):
    """A study that the review has a file for: the file, its name as people see it, and its bibliographic facts."""

    path: Path
    shown: str
    report: Mapping[str, Any]


def _held_studies(data: Path) -> Iterator[Held]:
    """Yield every study file of a data folder that can be read.

    Raises
    ------
    DataError
        There is no folder of studies, or a file is not YAML.
    """
    folder = data / "studies"
    if not folder.is_dir():
        problem, remedy = "no folder of studies", "run this in the review, or give --data"
        raise DataError([Fault(folder.as_posix(), 0, "", problem, remedy, "FILE-001")])
    for path in sorted(folder.glob("*.yaml")):
        document = read_yaml(path, data)
        report = document.data.get("report") if isinstance(document.data, dict) else None
        yield Held(path, document.path, report if isinstance(report, dict) else {})


def free_id(stem: str, taken: set[str]) -> str:
    """Return an id that no study has: the stem, or the stem with a letter.

    Raises
    ------
    DataError
        The stem is empty, or every letter is taken.

    Examples
    --------
    >>> free_id("li2026", {"li2026"})
    'li2026b'
    """
    names = (f"{stem}{letter}" for letter in ("", *ascii_lowercase[1:]) if stem)
    found = next((name for name in names if name not in taken), None)
    if found is None:
        problem = "no id can be made of the first author's surname"
        raise _refused("id", problem, "give one: --id surname2026", "ADD-004")
    return found


def completed(held: Held, data: Path, facts: Mapping[str, Any], origin: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the text of a study's file with the missing bibliographic facts, from one source, and their names.

    Raises
    ------
    DataError
        The file names another publication, or cannot be written back with every other line unchanged.
    """

    def refuse(problem: str, remedy: str) -> DataError:
        return DataError([Fault(held.shown, 0, "report", problem, remedy, "ADD-005")])

    known = {name: str(held.report[name]).lower() for name in IDENTIFIERS if name in held.report}
    shared = [name for name in known if name in facts]
    other = next((name for name in shared if known[name] != facts[name].lower()), None)
    titled = fold(str(held.report.get("title", ""))) == fold(facts["title"])
    if other or not (shared or titled):
        about = f"the {other} is {held.report[other]}, not {facts[other]}" if other else "no identifier or title agrees"
        raise refuse(f"this is another publication: {about}", "choose another --id, or correct the file by hand")
    missing = {name: value for name, value in facts.items() if name not in held.report}
    before = read_text(held.path, data)
    if not missing:
        return before, []
    after = _with(before, missing, origin)
    lines = iter(after.split("\n"))
    source = read_yaml(held.path, data).line(("report", "source"))
    kept = [line for number, line in enumerate(before.split("\n"), 1) if number != source]
    # Every other line has to be there still, in its order.
    if not all(line in lines for line in kept):
        wanted = "; ".join(f"{name}: {value}" for name, value in missing.items())
        raise refuse("the file cannot be written back as it is laid out", f"add by hand what is missing: {wanted}")
    return after, list(missing)


def _with(text: str, missing: Mapping[str, Any], origin: Mapping[str, str]) -> str:
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    content = yaml.load(text)
    report, sources = content["report"], content["sources"]
    key = next(name for name in ("record", *(f"record{n}" for n in range(2, 99))) if name not in sources)
    sources[key] = _flow(quoted(origin))
    if not isinstance(report["source"], dict):
        stated = report["source"]
        report["source"] = _flow({name: stated for name in report if name != "source"})
    position = list(report).index("source")
    for offset, (name, value) in enumerate(missing.items()):
        report["source"][name] = key
        report.insert(position + offset, name, _flow(quoted(value)))
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


def _flow(content: Any) -> Any:
    """Return lists and mappings so that they are written on one line."""
    if not isinstance(content, list | dict):
        return content
    collection = CommentedSeq(content) if isinstance(content, list) else CommentedMap(content)
    collection.fa.set_flow_style()
    return collection
