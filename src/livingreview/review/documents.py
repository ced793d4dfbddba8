"""Parse YAML 1.2 strictly: a document says only what it shows, and remembers on which line each value stands.

Without anchors, aliases or tags it cannot grow when it is read, and without recursion its depth cannot exhaust the
stack; nothing is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from livingreview.errors import DataError, Fault

__all__ = ["Document", "Place", "dotted", "parse_yaml", "unseen"]

MAX_DEPTH = 20
MAX_ITEMS = 1000
#: Where a field stands: its path, e.g. ``("accuracy", 0, "tp")``.
Place = tuple[str | int, ...]
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
        "a control or invisible character", "delete it", "FILE-006",
    ),
    (
        re.compile(f"[A-Za-z][{_ALIKE}]|[{_ALIKE}][A-Za-z]|[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"),
        "a letter or digit that only looks like a Latin one", "type it anew", "FILE-009",
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
    lines: Mapping[Place, int] = field(repr=False)

    def line(self, where: Place) -> int:
        """Return the line of a field, or of its closest parent that stands in the file."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def fault(self, where: Place, problem: str, remedy: str, code: str) -> Fault:
        """Return a fault at a field of this document."""
        return Fault(self.path, self.line(where), dotted(where), problem, remedy, code)


def dotted(where: Place) -> str:
    """Write a field's path the way people do.

    >>> dotted(("accuracy", 0, "tp"))
    'accuracy[0].tp'
    """
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def unseen(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield where a character stands that an eye cannot tell, what it is, what to do, and the code."""
    for pattern, problem, remedy, code in _UNSEEN:
        if (found := pattern.search(text)) is not None:
            yield found.start(), f"{problem}: {found[0]!a}", remedy, code


def parse_yaml(text: str, shown: str) -> Document:
    """Parse one YAML 1.2 document; `shown` is what its faults call the file.

    Raises
    ------
    DataError
        The text is not one YAML document (YAML-001), or uses tabs (YAML-002), duplicate keys (YAML-003), anchors,
        aliases or tags (YAML-004), too many levels (YAML-005), keys without a value (YAML-006) or too long a list
        (YAML-007).
    """
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

    where: Place
    value: Any
    key: str | None = None


class _Builder:
    """Build plain data from parser events: without recursion, so that depth cannot exhaust the stack."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.faults: list[Fault] = []
        self.lines: dict[Place, int] = {}
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
                for _, problem, remedy, code in unseen(event.value):
                    self._fault(line, problem, remedy, code, where=where)
            if value is None and self.open and self.open[-1].key is None:
                at = self.lines.get(where, line)
                self._fault(at, "no value", "give the value, or leave the field out", "YAML-006", where=where)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._refuse_decorated(event, line)
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
            self.open.append(_Open(self._place(value, line), value))
            if len(self.open) == MAX_DEPTH + 1:
                self._fault(line, f"nested deeper than {MAX_DEPTH} levels", "flatten it", "YAML-005")
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()

    def _place(self, value: Any, line: int, text: str | None = None) -> Place:
        """Put a value where it belongs, or take it as the key of the next one; return its path."""
        if not self.open:
            self.root = value
            self.lines[()] = line
            return ()
        parent = self.open[-1]
        if isinstance(parent.value, list):
            where: Place = (*parent.where, len(parent.value))
            parent.value.append(value)
            if len(parent.value) == MAX_ITEMS + 1:
                problem = f"a list of more than {MAX_ITEMS} items"
                self._fault(line, problem, "give what the review uses", "YAML-007", where=parent.where)
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
            self._fault(line, problem, "keep one of them", "YAML-003", where=where)
        self.lines.setdefault(where, line)
        return key

    def _refuse_decorated(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
        if event.anchor:
            self._refuse_hidden(line, "an anchor")
        if event.tag:
            self._refuse_hidden(line, f"the tag {event.tag!r}")

    def _refuse_hidden(self, line: int, what: str) -> None:
        self._fault(line, what, "write the value out where it is needed", "YAML-004")

    def _fault(self, line: int, problem: str, remedy: str, code: str, *, where: Place | None = None) -> None:
        if where is None:
            where = self.open[-1].where if self.open else ()
        self.faults.append(Fault(self.shown, line, dotted(where), problem, remedy, code))


def _plain_value(text: str) -> Any:
    for pattern, convert in _CORE:
        if pattern.fullmatch(text):
            return convert(text)
    return text
