"""What somebody wants to add, as an issue may say it, and the file of a study that is to be read: an empty form."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, get_args

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from livingreview.adding.record import identify, refuse_hidden
from livingreview.errors import DataError, Fault
from livingreview.review.model import AccuracyEntry, IndexTest, OverlapEntry, Sample, Setting, Study, Translation
from livingreview.review.model.base import FileModel, Task

__all__ = ["LABELS", "Wish", "quoted", "read_form", "write_draft"]

HEAD = """\
# yaml-language-server: $schema=../schema/study.schema.json
# The lines behind "#" are an empty form. Take the "# " away where the paper says something, and fill it in; delete the
# rest. Numbers exactly as printed, in quotes. What the paper does not say is left out. "source" is a key of "sources".
"""
FORM: dict[str, tuple[type[FileModel], str]] = {
    "index_test": (IndexTest, "the deep-learning method"),
    "setting": (Setting, "where the data came from and how the method was tested"),
    "sample": (Sample, "sizes of the whole cohort and its parts"),
    "accuracy": (AccuracyEntry, "one entry per evaluation, each with an id such as main"),
    "overlap": (OverlapEntry, "one entry per Dice or Hausdorff value"),
    "translation": (Translation, 'the text reported, or "not reported" once the whole paper was read'),
}
WORDS = re.compile(r"[\w .,;()/+-]*")
# Needed by few; the schema has them.
RARE = frozenset({"source", "note", "label", "contradiction", "n_between", "rater", "iqr"})
# The labels of the form's fields, which GitHub makes the headings of the issue.
LABELS = {"identifier": "DOI or PubMed number", "task": "Task", "why": "Why it belongs into the review"}
EMPTY = "_No response_"
# GitHub's own limit of an issue.
LONGEST = 65_536
LONGEST_REASON = 1_000


@dataclass(frozen=True)
class Wish:
    """What somebody wants to add.

    Parameters
    ----------
    study
        ``("doi", …)`` or ``("pmid", …)``, or an export file.
    reason, by
        Why it awaits classification, and who adds it.
    study_id
        Its id; empty for surname and year. That of a study in the review asks to complete it.
    task, route, note
        As in the file; task and note may be empty.
    """

    study: tuple[str, str] | Path
    reason: str
    by: str = ""
    study_id: str = ""
    task: str = ""
    route: str = "other methods"
    note: str = ""


def write_draft(study_id: str, wish: Wish, facts: Mapping[str, Any], origin: Mapping[str, str], on: date) -> str:
    """Return the text of the study's file: facts with their origin, and a form without any value."""
    standing = {"on": on, "status": "awaiting classification", "route": wish.route, "reason": wish.reason}
    signed = {"by": wish.by, "kind": "machine-assisted", "on": on}
    coding = {"kind": "coding", "how": "named by the person who added the study"}
    paper = {"kind": "publication", **{name: facts[name] for name in ("doi", "pmid") if name in facts}}
    left_out = {"segmentation": "accuracy", "": ""}.get(wish.task, "overlap")
    parts = [
        HEAD,
        _lines({"id": study_id}),
        "report:\n",
        *(_lines({name: value}, "  ") for name, value in facts.items()),
        "  source: record\n",
        "standing:\n",
        "  # Leave this: the numbers count while it stands. Two people decide on inclusion, as CONTRIBUTING.md says.\n",
        _lines([standing], "  "),
        _lines({"task": wish.task}) if wish.task else _field("# task", Study, "task"),
        "# target_condition:  # in the paper's words\n",
        _field("# topic", Study, "topic"),
        f"source: {'{task: coding}' if wish.task else '{}'}  # one for each field you fill in above, ",
        "e.g. target_condition: paper, topic: coding\n",
        *(line for block in FORM if block != left_out for line in _form(block)),
        _lines({"notes": [wish.note]}) if wish.note else "",
        "extraction:\n",
        "  # A machine fetched the facts above. Who reads the paper adds a line of their own.\n",
        _lines([signed], "  "),
        _lines([signed | {"kind": "person"}], "  # "),
        "sources:\n",
        _lines({"record": dict(origin)}, "  "),
        _lines({"coding": coding}, "  ") if wish.task else "",
        _lines({"paper": paper | {"where": "full text"}}, "  # "),
        _lines({"table2": paper | {"where": "Table 2"}}, "  # "),
    ]
    return "".join(parts)


def quoted(content: Any) -> Any:
    """Return plain data whose texts will be quoted unless they are mere words, which no reader of YAML mistakes."""
    if isinstance(content, Mapping):
        return {name: quoted(value) for name, value in content.items()}
    if isinstance(content, list):
        return [quoted(value) for value in content]
    return DoubleQuotedScalarString(content) if isinstance(content, str) and not WORDS.fullmatch(content) else content


def _form(block: str) -> Iterator[str]:
    """Yield the lines of an empty block, from the model: what the model does not know is not asked for."""
    model, about = FORM[block]
    first, rest = ("- ", "  ") if block in ("accuracy", "overlap") else ("", "")
    names = [name for name in model.model_fields if name not in RARE]
    yield f"# {block}:  # {about}\n"
    for dash, name in zip([first, *[rest] * len(names)], names, strict=False):
        yield _field(f"#   {dash}{name}", model, name)
    yield f"#   {rest}source: paper\n"


def _field(start: str, model: type[FileModel], name: str) -> str:
    """Return an empty field with a comment that says what goes there, from its JSON Schema."""
    field = _properties(model)[name]
    kind = next(part for part in field.get("anyOf", [field]) if part.get("type") != "null")
    if words := kind.get("enum") or kind.get("items", {}).get("enum"):
        listed = "a list of: " if kind["type"] == "array" else ""
        hint = listed + textwrap.shorten(", ".join(words), 85, placeholder=" … (the editor lists all)")
    elif {"$ref": "#/$defs/Quoted"} in field.get("anyOf", []):
        hint = 'as printed, in quotes, or {value: "…", ci: ["…", "…"]}'
    elif name in ("value", "sd"):
        hint = "as printed, in quotes"
    else:
        hint = {"integer": "a whole number", "boolean": "true or false", "array": "a list"}.get(kind["type"], "")
    about = str(field.get("description", "")).partition(".")[0]
    hint = "; ".join(part for part in (hint, about[:1].lower() + about[1:]) if part)
    return f"{start}:  # {hint}\n" if hint else f"{start}:\n"


@cache
def _properties(model: type[FileModel]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = model.model_json_schema()["properties"]
    return properties


def _lines(content: Any, start: str = "") -> str:
    """Return YAML for plain data, inner lists and mappings on one line each."""
    nested = isinstance(content, list) or any(isinstance(value, dict | list) for value in content.values())
    yaml, text = YAML(), io.StringIO()
    yaml.default_flow_style, yaml.width = None if nested else False, 1_000_000
    yaml.dump(quoted(content), text)
    return textwrap.indent(text.getvalue(), start)


def read_form(path: Path) -> Wish:
    """Return what a saved issue body suggests.

    Raises
    ------
    DataError
        The body is none of the form's, or an answer is not what the form asks for.
    """

    def refuse(field: str, problem: str, remedy: str = "ask in the issue, and correct it there") -> DataError:
        return DataError([Fault(path.name, 0, field, problem, remedy, "ADD-006")])

    try:
        with path.open(encoding="utf-8") as stream:
            body = stream.read(LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise refuse("", f"not a text file ({type(error).__name__})", "save the body of the issue as UTF-8") from None
    if len(body) > LONGEST:
        raise refuse("", f"longer than {LONGEST:,} characters", "give the body of one issue")
    answers: dict[str, str] = {}
    _, *sections = re.split(r"^### +(.*?) *$", body, flags=re.MULTILINE)
    for label, answer in zip(sections[::2], sections[1::2], strict=True):
        # The first of each counts: a later heading of the same name stands inside of an answer.
        answers.setdefault(label, "" if answer.strip() == EMPTY else " ".join(answer.split()))
    identifier, task, why = (answers.get(label, "") for label in LABELS.values())
    found = identify(identifier) if len(identifier) <= 300 else None
    if found is None:
        raise refuse(LABELS["identifier"], f"neither a DOI nor a PubMed number: {identifier[:80]!a}")
    if task not in ("", *get_args(Task)):
        raise refuse(LABELS["task"], f"expected one of {', '.join(get_args(Task))}; found {task[:80]!a}")
    if len(why) > LONGEST_REASON:
        raise refuse(LABELS["why"], f"longer than {LONGEST_REASON:,} characters", "say it shorter")
    refuse_hidden({LABELS["why"]: why})
    return Wish(found, "suggested in an issue; not yet judged", task=task, note=why)
