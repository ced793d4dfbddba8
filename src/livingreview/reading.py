"""Read one untrusted text file under ``data/`` strictly, and remember where each value stands.

YAML 1.2 without anchors, aliases or tags: a file can only say what it shows, so that it cannot grow when it is read.
Every fault becomes a :class:`~livingreview.errors.Fault` with file, line and field; nothing is ever evaluated.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from livingreview.errors import DataError, Fault

__all__ = ["Document", "read_csv", "read_text", "read_yaml", "validate"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
Path_ = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:int": lambda text: int(text.replace("_", ""), 0) if not text.startswith("0o") else int(text, 8),
    "tag:yaml.org,2002:float": lambda text: float(text.replace("_", "")),
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:timestamp": str,  # pydantic reads dates; a quoted date and a bare one mean the same
}


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
        The file is missing, a link that leaves ``root``, not a regular file, larger than 1 MB, or not UTF-8.
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
    for number, content in enumerate(text.split("\n"), 1):
        if any(ord(char) < 32 and char not in "\t\r" for char in content):
            raise fail("a control character", "delete the invisible character", "FILE-006", number)
    return text


def read_yaml(path: Path, root: Path) -> Document:
    """Parse one YAML 1.2 file strictly.

    Raises
    ------
    DataError
        The file cannot be read (see :func:`read_text`), is not YAML, or uses tabs, duplicate keys, anchors,
        aliases or tags.
    """
    shown = shown_path(path, root)
    text = read_text(path, root)
    parser = YAML(typ="rt", pure=True)
    parser.version = (1, 2)
    try:
        node = parser.compose(text)
    except MarkedYAMLError as error:
        # An unclosed quote is noticed at the end of the file; where it opens is where to look.
        opened = "quoted scalar" in (error.context or "")
        mark = error.context_mark if opened else error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 0
        content = text.split("\n")[line - 1] if line else ""
        if "\t" in content[: len(content) - len(content.lstrip())]:
            fault = Fault(shown, line, "", "a tab in the indentation", "indent with two spaces", "YAML-002")
        else:
            problem = f"not valid YAML: {error.problem or error.context or 'it cannot be parsed'}"
            fault = Fault(shown, line, "", problem, "check quotes, colons and indentation on this line", "YAML-001")
        raise DataError([fault]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        problem = f"not valid YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        raise DataError([Fault(shown, 0, "", problem, "write one plain YAML document", "YAML-001")]) from None
    if node is None:
        raise DataError([Fault(shown, 0, "", "the file is empty", "fill it in or delete it", "YAML-001")])
    faults: list[Fault] = []
    lines: dict[Path_, int] = {}
    data = _construct(node, (), lines, faults, shown)
    if faults:
        raise DataError(faults)
    return Document(shown, data, lines)


def _construct(node: Node, where: Path_, lines: dict[Path_, int], faults: list[Fault], shown: str) -> Any:
    """Turn a YAML node into plain data, noting lines and refusing what hides meaning."""
    line = node.start_mark.line + 1
    lines.setdefault(where, line)

    def fault(problem: str, remedy: str, code: str) -> None:
        faults.append(Fault(shown, line, dotted(where), problem, remedy, code))

    if len(where) > MAX_DEPTH:
        fault(f"nested deeper than {MAX_DEPTH} levels", "flatten it", "YAML-005")
        return None
    if node.anchor:
        fault("an anchor or alias", "write the value out where it is needed", "YAML-004")
        return None
    if isinstance(node, MappingNode):
        return _construct_mapping(node, where, lines, faults, shown)
    if isinstance(node, SequenceNode):
        return [_construct(item, (*where, i), lines, faults, shown) for i, item in enumerate(node.value)]
    if isinstance(node, ScalarNode):
        convert = _SCALARS.get(str(node.tag))
        if convert is None:
            fault(f"the tag {str(node.tag)!r}", "write a plain value", "YAML-004")
            return None
        try:
            return convert(node.value)
        except ValueError:
            return str(node.value)
    fault("something that is neither a mapping, a list nor a value", "write plain YAML", "YAML-001")
    return None


def _construct_mapping(
    node: MappingNode, where: Path_, lines: dict[Path_, int], faults: list[Fault], shown: str
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = str(key_node.value) if isinstance(key_node, ScalarNode) else ""
        inside = (*where, key)
        if not key or key == "<<":
            problem = "a key that is not a word"
            faults.append(Fault(shown, line, dotted(where), problem, "write field names as plain words", "YAML-004"))
            continue
        if key in data:
            problem = f"the key {key!r} stands twice (first on line {lines[inside]})"
            faults.append(Fault(shown, line, dotted(inside), problem, "keep one of them", "YAML-003"))
            continue
        lines[inside] = line
        data[key] = _construct(value_node, inside, lines, faults, shown)
    return data


def validate(document: Document, model: type[ModelT]) -> ModelT:
    """Turn a document into a model.

    Raises
    ------
    DataError
        With one fault for every field that does not fit the schema, unknown fields with a suggestion.
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


def read_csv(path: Path, root: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV ledger whose header must name exactly ``columns``; cells stay text.

    Raises
    ------
    DataError
        The header differs, or a row has too many or too few cells.
    """
    shown = shown_path(path, root)
    rows = list(csv.reader(io.StringIO(read_text(path, root), newline="")))
    if not rows or rows[0] != list(columns):
        found = ",".join(rows[0]) if rows else "nothing"
        problem = f"expected the header {','.join(columns)}; found {found}"
        raise DataError([Fault(shown, 1, "", problem, "restore the header", "CSV-001")])
    faults = [
        Fault(shown, line, "", f"expected {len(columns)} cells, found {len(row)}", "quote cells with commas", "CSV-002")
        for line, row in enumerate(rows[1:], 2)
        if len(row) != len(columns)
    ]
    if faults:
        raise DataError(faults)
    return [dict(zip(columns, row, strict=True)) for row in rows[1:]]


def shown_path(path: Path, root: Path) -> str:
    """Return the path as people see it: relative to the review's parent folder where it is inside it."""
    absolute, base = path.absolute(), root.absolute().parent
    return absolute.relative_to(base).as_posix() if absolute.is_relative_to(base) else path.as_posix()
