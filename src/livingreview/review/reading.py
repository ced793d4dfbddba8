"""Read one untrusted text file under ``data/`` strictly, and remember where each value stands.

YAML 1.2 without anchors, aliases or tags: a file can only say what it shows, so that it cannot grow when it is read.
Every fault becomes a :class:`~livingreview.errors.Fault` with file, line and field; nothing is ever evaluated.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from livingreview.errors import DataError, Fault

__all__ = ["Document", "read_csv", "read_text", "read_yaml", "validate"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_ITEMS = 1000
Path_ = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)
# The C parser where it was built in: the same events, some twenty times faster.
_PARSER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

# YAML 1.2's core schema: only these plain words are not text, so that `no` and `1:30` stay what they look like.
_CORE: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]{1,30}"), int),
    (re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,4})?"), float),
)

# What an eye cannot tell: controls, soft hyphens, marks of no width or of direction; letters of two alphabets in one
# word, and full-width letters and digits. Greek beside Latin is common in medicine (μm), except where it looks alike.
_ALIKE = "\u0400-\u04ffΑΒΕΖΗΙΚΜΝΟΡΤΥΧονι"
_UNSEEN = (
    (
        re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"),
        "FILE-006", "a control or invisible character", "delete it",
    ),
    (
        re.compile(f"[A-Za-z][{_ALIKE}]|[{_ALIKE}][A-Za-z]|[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"),
        "FILE-009", "a letter or digit that only looks like a Latin one", "type it anew",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Document:
    """A parsed file: plain Python data, and the line of every value.

    Parameters
    ----------
    path
        The file's path as shown to people (relative to the review's root).
    data
        Plain ``dict``, ``list`` and scalars.
    lines
        1-based line of each field, keyed by its path, e.g. ``("accuracy", 0, "tp")``.
    """

    path: str
    data: Any
    lines: Mapping[Path_, int] = field(repr=False)

    def line(self, where: Path_) -> int:
        """Return the line of a field, or of its closest parent that stands in the file."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def fault(self, where: Path_, problem: str, remedy: str, code: str) -> Fault:
        """Return a fault at a field of this document."""
        return Fault(self.path, self.line(where), dotted(where), problem, remedy, code)


def dotted(where: Path_) -> str:
    """Write a field's path the way people do.

    >>> dotted(("accuracy", 0, "tp"))
    'accuracy[0].tp'
    """
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_text(path: Path, root: Path) -> str:
    """Return the text of a file inside ``root``.

    Raises
    ------
    DataError
        The file is missing (FILE-001), a link that leaves ``root`` (FILE-002), not a regular file (FILE-003), larger
        than 1 MB (FILE-004), not UTF-8 (FILE-005), or holds characters that an eye cannot tell: invisible ones
        (FILE-006) and lookalikes (FILE-009).
    """
    shown = shown_path(path, root)

    def fail(problem: str, remedy: str, code: str, line: int = 0) -> DataError:
        return DataError([Fault(shown, line, "", problem, remedy, code)])

    if not path.exists():
        raise fail("the file does not exist", "check the name", "FILE-001")
    if not path.resolve().is_relative_to(root.resolve()):
        raise fail("a symbolic link leads out of the review", "copy the file in instead", "FILE-002")
    if not path.is_file():
        raise fail("not a regular file", "remove it or give the path of a file", "FILE-003")
    size = path.stat().st_size
    if size > MAX_BYTES:
        problem = f"expected at most {MAX_BYTES:,} bytes, found {size:,}"
        raise fail(problem, "keep long material in the paper and cite it", "FILE-004")
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise fail(f"not UTF-8 (byte {error.start})", "save the file as UTF-8", "FILE-005", line) from None
    for start, problem, remedy, code in _unseen(text):
        raise fail(problem, remedy, code, text.count("\n", 0, start) + 1)
    return text


def _unseen(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield where a character stands that an eye cannot tell, what it is, what to do, and the code."""
    for pattern, code, problem, remedy in _UNSEEN:
        if (found := pattern.search(text)) is not None:
            yield found.start(), f"{problem}: {found[0]!a}", remedy, code


def read_yaml(path: Path, root: Path) -> Document:
    """Parse one YAML 1.2 file strictly.

    Raises
    ------
    DataError
        The file cannot be read (see :func:`read_text`), is not one YAML document (YAML-001), or uses tabs (YAML-002),
        duplicate keys (YAML-003), anchors, aliases or tags (YAML-004), too many levels (YAML-005), keys without
        a value (YAML-006) or too long a list (YAML-007).
    """
    shown = shown_path(path, root)
    text = read_text(path, root)
    builder = _Builder(shown)
    event = None
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            builder.take(event)
            if len(builder.open) > MAX_DEPTH:  # the time to read on grows with the square of the depth
                break
    except yaml.MarkedYAMLError as error:
        raise DataError([_syntax_fault(shown, text, error, event)]) from None
    except yaml.YAMLError as error:
        problem = f"not valid YAML: {str(error).splitlines()[0]}"
        raise DataError([Fault(shown, 0, "", problem, "write one plain YAML document", "YAML-001")]) from None
    if builder.documents == 0:
        builder.faults.append(Fault(shown, 0, "", "the file is empty", "write one plain YAML document", "YAML-001"))
    if builder.faults:
        raise DataError(builder.faults)
    return Document(shown, builder.root, builder.lines)


def _syntax_fault(shown: str, text: str, error: yaml.MarkedYAMLError, last: yaml.Event | None) -> Fault:
    # What is left open is noticed later, at the next quote or key at best; where it opens is where to look.
    opened = re.search("quoted scalar|flow|simple key", error.context or "")
    mark = error.context_mark if opened else error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 0
    lines = text.split("\n")
    if isinstance(last, yaml.ScalarEvent) and last.style in ("'", '"') and last.start_mark and last.end_mark:
        line = last.start_mark.line + 1 if last.end_mark.line > last.start_mark.line else line
    if error.problem_mark and "mapping values" in (error.problem or ""):
        # A key that lost its colon runs on into the lines below, up to the next colon.
        while line > 1 and ": " not in lines[error.problem_mark.line][: error.problem_mark.column]:
            if re.search(r":( |$)|^ *- ", lines[line - 2]):
                break
            line -= 1
    content = lines[line - 1] if line else ""
    if "\t" in content[: len(content) - len(content.lstrip())]:
        return Fault(shown, line, "", "a tab in the indentation", "indent with two spaces", "YAML-002")
    problem = f"not valid YAML: {error.problem or error.context or 'it cannot be parsed'}"
    return Fault(shown, line, "", problem, "check quotes, colons and indentation on this line", "YAML-001")


@dataclass
class _Open:
    """A mapping or list that is being filled."""

    where: Path_
    value: Any
    key: str | None = None


class _Builder:
    """Build plain data from parser events: without recursion, so that depth cannot exhaust the stack."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.faults: list[Fault] = []
        self.lines: dict[Path_, int] = {}
        self.root: Any = None
        self.documents = 0
        self.open: list[_Open] = []

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents == 2:
                self._fault(line, "more than one document", "write one plain YAML document", "YAML-001")
        elif isinstance(event, yaml.AliasEvent):
            self._refuse_hidden(line, "an alias")
            self._place(None, line)
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_decorated(event, line)
            plain = not event.style and event.implicit[0]
            value = _plain_value(event.value) if plain else event.value
            where = self._place(value, line, text=event.value)
            if event.style == '"':  # what the file does not show, it can still spell: "\\u202e"
                for _, problem, remedy, code in _unseen(event.value):
                    self.faults.append(Fault(self.shown, line, dotted(where), problem, remedy, code))
            if value is None and self.open and self.open[-1].key is None:
                remedy = "give the value, or leave the field out"
                at = self.lines.get(where, line)
                self.faults.append(Fault(self.shown, at, dotted(where), "no value", remedy, "YAML-006"))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._refuse_decorated(event, line)
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
            self.open.append(_Open(self._place(value, line), value))
            if len(self.open) == MAX_DEPTH + 1:
                self._fault(line, f"nested deeper than {MAX_DEPTH} levels", "flatten it", "YAML-005")
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()

    def _place(self, value: Any, line: int, text: str | None = None) -> Path_:
        """Put a value where it belongs, or take it as the key of the next one; return its path."""
        if not self.open:
            self.root = value
            self.lines[()] = line
            return ()
        parent = self.open[-1]
        if isinstance(parent.value, list):
            where: Path_ = (*parent.where, len(parent.value))
            parent.value.append(value)
            if len(parent.value) == MAX_ITEMS + 1:
                remedy = "give what the review uses"
                problem = f"a list of more than {MAX_ITEMS} items"
                self.faults.append(Fault(self.shown, line, dotted(parent.where), problem, remedy, "YAML-007"))
        elif parent.key is None:
            parent.key = self._key(parent, text, line)
            return (*parent.where, parent.key)
        else:
            where = (*parent.where, parent.key)
            parent.value.setdefault(parent.key, value)
            parent.key = None
            return where
        self.lines.setdefault(where, line)
        return where

    def _key(self, parent: _Open, text: str | None, line: int) -> str:
        key = text or ""
        where = (*parent.where, key)
        if not key or key == "<<":
            self._fault(line, "a key that is not a word", "write field names as plain words", "YAML-004")
        elif key in parent.value:
            problem = f"the key {key!r} stands twice (first on line {self.lines[where]})"
            self.faults.append(Fault(self.shown, line, dotted(where), problem, "keep one of them", "YAML-003"))
        self.lines.setdefault(where, line)
        return key

    def _refuse_decorated(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
        if event.anchor:
            self._refuse_hidden(line, "an anchor")
        if event.tag:
            self._refuse_hidden(line, f"the tag {event.tag!r}")

    def _refuse_hidden(self, line: int, what: str) -> None:
        self._fault(line, what, "write the value out where it is needed", "YAML-004")

    def _fault(self, line: int, problem: str, remedy: str, code: str) -> None:
        where = self.open[-1].where if self.open else ()
        self.faults.append(Fault(self.shown, line, dotted(where), problem, remedy, code))


def _plain_value(text: str) -> Any:
    for pattern, convert in _CORE:
        if pattern.fullmatch(text):
            return convert(text)
    return text


def validate(document: Document, model: type[ModelT]) -> ModelT:
    """Turn a document into a model.

    Raises
    ------
    DataError
        With one fault for every field that does not fit the schema: unknown ones with a suggestion (DATA-001),
        missing ones (DATA-002), and those of another type or range (DATA-003).
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise DataError(list(_schema_faults(document, model, error))) from None


def _schema_faults(document: Document, model: type[BaseModel], error: ValidationError) -> Iterator[Fault]:
    seen: set[tuple[Path_, str]] = set()
    for item in error.errors(include_url=False):
        where = _in_document(item["loc"], document.data)
        kind, context, found = item["type"], item.get("ctx", {}), item.get("input")
        if (where, kind) in seen:
            continue
        seen.add((where, kind))
        if kind == "extra_forbidden":
            known = sorted(_fields(model, where[:-1]))
            yield document.fault(
                where, f"unknown field {where[-1]!r}", _did_you_mean(str(where[-1]), known), "DATA-001"
            )
        elif kind == "missing":
            yield document.fault(where, "a required field is missing", "add it", "DATA-002")
        elif kind == "literal_error":
            allowed = [str(value) for value in _literals(context.get("expected", ""))]
            problem = f"expected one of {', '.join(allowed)}; found {_show(found)}"
            yield document.fault(where, problem, _did_you_mean(str(found), allowed), "DATA-003")
        else:
            yield document.fault(
                where, f"{_say(item['msg'])}, found {_show(found)}", _way_out(where, found), "DATA-003"
            )


def _in_document(location: Sequence[int | str], data: Any) -> Path_:
    """Drop from pydantic's location what names a branch of a union rather than a place in the file."""
    where: list[str | int] = []
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if isinstance(data, dict) and isinstance(part, str) and (part in data or last):
            where.append(part)
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            where.append(part)
            data = data[part]
    return tuple(where)


def _fields(model: Any, where: Path_) -> list[str]:
    """Return the field names that the schema knows at a place."""
    for part in where:
        if isinstance(part, str):
            info = getattr(model, "model_fields", {}).get(part)
            model = _inner_model(info.annotation) if info is not None else _inner_model(model)
    return list(getattr(model, "model_fields", {}))


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _inner_model(arg)) is not None), None)


def _literals(expected: str) -> list[str]:
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(",") if part.strip()]


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"the fields here are {', '.join(known)}" if known else "remove it"


def _say(message: str) -> str:
    message = message.replace("Input should be ", "expected ").replace("Value error, ", "")
    return message[:1].lower() + message[1:]


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _way_out(where: Path_, found: Any) -> str:
    if isinstance(found, int | float) and not isinstance(found, bool):
        return 'write it in quotes, exactly as printed, e.g. "0.90" or "95.2%"'
    if isinstance(found, str) and found.strip().upper() in {"NR", "NA", "N/A", "UNKNOWN", "-", "?", ""}:
        return "leave the field out when it is not reported"
    if found is None:
        return "leave the field out when it is unknown"
    return f"see {where[0]} in CONTRIBUTING.md" if where else "see CONTRIBUTING.md"


LONGEST_CELL = 131_072


def read_csv(path: Path, root: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV ledger whose header must name exactly ``columns``; cells stay text.

    Raises
    ------
    DataError
        The header differs (CSV-001), or a row has too many or too few cells (CSV-002) or cannot be read (CSV-004).
    """
    shown = shown_path(path, root)
    reader = csv.reader(io.StringIO(read_text(path, root), newline=""))
    try:
        rows = list(reader)
    except csv.Error as error:
        raise DataError([Fault(shown, reader.line_num, "", str(error), "shorten the cell", "CSV-004")]) from None
    if not rows or rows[0] != list(columns):
        found = ",".join(rows[0]) if rows else "nothing"
        problem = f"expected the header {','.join(columns)}; found {found}"
        raise DataError([Fault(shown, 1, "", problem, "restore the header", "CSV-001")])
    faults = [
        Fault(shown, line, "", f"expected {len(columns)} cells, found {len(row)}", "quote cells with commas", "CSV-002")
        for line, row in enumerate(rows[1:], 2)
        if len(row) != len(columns)
    ]
    # Here and not only by the reader's limit, which other readers of exports raise for the whole process.
    faults += [
        Fault(shown, line, "", f"a cell has more than {LONGEST_CELL:,} characters", "shorten the cell", "CSV-004")
        for line, row in enumerate(rows[1:], 2)
        if any(len(cell) > LONGEST_CELL for cell in row)
    ]
    if faults:
        raise DataError(faults)
    return [dict(zip(columns, row, strict=True)) for row in rows[1:]]


def shown_path(path: Path, root: Path) -> str:
    """Return the path as people see it: relative to the review's parent folder where it is inside it."""
    absolute, base = path.absolute(), root.absolute().parent
    return absolute.relative_to(base).as_posix() if absolute.is_relative_to(base) else path.as_posix()
