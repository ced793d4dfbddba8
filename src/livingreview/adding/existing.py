"""Find a study among those the review has, and add to its report what is missing, every other byte left alone."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from livingreview.adding.draft import quoted
from livingreview.errors import DataError, Fault
from livingreview.reading import read_text, read_yaml
from livingreview.search.normalise import fold

__all__ = ["Held", "completed", "free_id", "held_studies", "same_study"]

IDENTIFIERS = ("doi", "pmid", "pmcid")


@dataclass(frozen=True)
class Held:
    """A study that the review has a file for.

    Parameters
    ----------
    path, shown
        The file, and its name as people see it.
    report
        Its bibliographic facts.
    """

    path: Path
    shown: str
    report: Mapping[str, Any]


def held_studies(data: Path) -> Iterator[Held]:
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


def same_study(studies: Sequence[Held], facts: Mapping[str, Any]) -> tuple[Held, str] | None:
    """Return the study that has an identifier or the title in common with these facts, and what that is."""
    for name in IDENTIFIERS:
        for held in studies:
            if name in facts and str(held.report.get(name, "")).lower() == str(facts[name]).lower():
                return held, f"{name} {facts[name]}"
    title = fold(str(facts.get("title", "")))
    found = next((held for held in studies if title and fold(str(held.report.get("title", ""))) == title), None)
    return (found, "this title") if found else None


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
        raise DataError([Fault("", 0, "id", problem, "give one: --id surname2026", "ADD-004")])
    return found


def completed(held: Held, data: Path, facts: Mapping[str, Any], origin: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the text of a study's file with the missing bibliographic facts, and their names.

    Parameters
    ----------
    held, data
        The study, and the data folder it is in.
    facts, origin
        Bibliographic facts, and the source that gave them.

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
