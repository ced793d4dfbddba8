"""Read one untrusted file under ``data/``: text, YAML or CSV; every fault has file, line and field."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from livingreview.errors import DataError, Fault
from livingreview.review.documents import Document, Place, parse_yaml, unseen

__all__ = ["Document", "Place", "read_csv", "read_record", "read_text", "read_yaml", "shown_path", "validate"]

MAX_BYTES = 1_000_000
LONGEST_CELL = 131_072
ModelT = TypeVar("ModelT", bound=BaseModel)


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
    for start, problem, remedy, code in unseen(text):
        raise fail(problem, remedy, code, text.count("\n", 0, start) + 1)
    return text


def read_yaml(path: Path, root: Path) -> Document:
    """Parse one YAML 1.2 file inside ``root``.

    Raises
    ------
    DataError
        As for :func:`read_text` and :func:`~livingreview.review.documents.parse_yaml`.
    """
    return parse_yaml(read_text(path, root), shown_path(path, root))


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


def read_record(path: Path, root: Path, model: type[ModelT]) -> tuple[ModelT, Document]:
    """Return a file inside ``root`` as its model, and the document that knows the lines; both raise a DataError."""
    document = read_yaml(path, root)
    return validate(document, model), document


def _schema_faults(document: Document, model: type[BaseModel], error: ValidationError) -> Iterator[Fault]:
    seen: set[tuple[Place, str]] = set()
    items = [(_in_document(item["loc"], document.data), item) for item in error.errors(include_url=False)]
    places = Counter(where for where, _ in items)
    for where, item in items:
        kind, context, found = item["type"], item.get("ctx", {}), item.get("input")
        # Of the forms a value may have, the one it was written in says what is wrong; the other only that it is not.
        other_form = (kind == "model_type" and places[where] > 1) or (kind == "string_type" and isinstance(found, dict))
        if (where, kind) in seen or (other_form and len(items) > 1):
            continue
        seen.add((where, kind))
        if kind == "extra_forbidden":
            known = sorted(_fields(model, where[:-1]))
            close = _closest(str(where[-1]), known)
            remedy = f"did you mean {close!r}?" if close else f"the fields here are {', '.join(known)}"
            yield document.fault(where, f"unknown field {where[-1]!r}", remedy, "DATA-001")
        elif kind == "missing":
            yield document.fault(where, "a required field is missing", "add it", "DATA-002")
        elif kind == "literal_error":
            allowed = [str(value) for value in _literals(context.get("expected", ""))]
            problem = f"expected one of {', '.join(allowed)}; found {_show(found)}"
            close = _closest(str(found), allowed)
            remedy = f"did you mean {close!r}?" if close else "write one of these"
            yield document.fault(where, problem, remedy, "DATA-003")
        else:
            said = SAID.get(kind) or _say(item["msg"])
            remedy = _way_out(where, found, kind, str(context.get("pattern", "")))
            yield document.fault(where, f"{said}, found {_show(found)}", remedy, "DATA-003")


def _in_document(location: Sequence[int | str], data: Any) -> Place:
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


def _fields(model: Any, where: Place) -> list[str]:
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
    """Return the words that pydantic lists in quotes; one of them may hold a comma or an "or" itself."""
    return re.findall(r"'([^']*)'", expected) or [expected]


def _closest(word: str, known: Sequence[str]) -> str:
    # "RV cavity" is nothing of the left ventricle, however close the letters are.
    sides = set(re.findall(r"\b[LR][VA]\b", word))
    known = [name for name in known if not sides or not {*re.findall(r"\b[LR][VA]\b", name)} - sides]
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6) or [
        name for name in known if word and (word in name or name in sides)
    ]
    return close[0] if close else ""


def _say(message: str) -> str:
    message = message.replace("Input should be ", "expected ").replace("Value error, ", "")
    return message[:1].lower() + message[1:]


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


SAID = {"string_pattern_mismatch": "not of the form asked for", "model_type": "expected fields with their values"}
# What the fields with a form of their own ask for.
FORMS = {
    "doi": "write 10.1234/example, without https://doi.org/",
    "pmid": 'write the number alone, in quotes: "12345678"',
    "pmcid": "write PMC and the number: PMC1234567",
    "url": "write the whole address, beginning with https://",
}


def _form(where: Place, found: Any, pattern: str) -> str:
    name = next((part for part in reversed(where) if isinstance(part, str)), "")
    if re.search("[“”„]", str(found)):
        return f'write straight quotes: "{re.sub("[“”„]", "", found)}"'
    if name in FORMS:
        return FORMS[name]
    if pattern.startswith("^[a-z]"):
        return "use a-z, 0-9 and _, beginning with a letter: surname2026"
    return 'write digits with a decimal point, in quotes, as printed: "0.90" or "95.2%"'


def _way_out(where: Place, found: Any, kind: str, pattern: str) -> str:
    if kind == "model_type":
        return "write each field as name: value"
    if kind.startswith(("greater_than", "less_than")):
        return "check it against the paper"
    if kind.startswith("int"):
        return "write a whole number, without quotes"
    if kind.startswith("date"):
        return "write the date as 2026-01-31"
    if kind in {"list_type", "tuple_type"} and isinstance(found, str):
        parts = (f'"{part.strip()}"' for part in re.split("[-–,;]| to ", found))
        return f"write a list, such as [{', '.join(parts)}]"
    if isinstance(found, str) and re.fullmatch(r"\d+,\d+ ?%?", found.strip()):
        return f'write a decimal point: "{found.strip().replace(",", ".")}"'
    if isinstance(found, int | float) and not isinstance(found, bool):
        return 'write it in quotes, exactly as printed, e.g. "0.90" or "95.2%"'
    if isinstance(found, str) and found.strip().upper() in {"NR", "NA", "N/A", "UNKNOWN", "-", "?", ""}:
        return "leave the field out when it is not reported"
    if found is None:
        return "leave the field out when it is unknown"
    if kind == "string_pattern_mismatch":
        return _form(where, found, pattern)
    return f"see {where[0]} in CONTRIBUTING.md" if where else "see CONTRIBUTING.md"


#: What a parser of a cell asks for, by its name.
EXPECTED = {"fromisoformat": "a date like 2025-07-31", "int": "a count"}


def read_csv(
    path: Path, root: Path, columns: Sequence[str],
    typed: Mapping[str, Callable[[str], Any]] = MappingProxyType({}),
) -> list[dict[str, Any]]:  # fmt: skip
    """Read a CSV file whose header must name exactly ``columns``; cells stay text but those of ``typed``, by column.

    Raises
    ------
    DataError
        The header differs (CSV-001), a row has too many or too few cells (CSV-002) or cannot be read (CSV-004), or
        a cell is not of its type (CSV-003).
    """
    shown = shown_path(path, root)

    def fault(line: int, problem: str, remedy: str, code: str, *, column: str = "") -> Fault:
        return Fault(shown, line, column, problem, remedy, code)

    reader = csv.reader(io.StringIO(read_text(path, root), newline=""))
    try:
        header, *rows = [*reader] or [[]]
    except csv.Error as error:
        raise DataError([fault(reader.line_num, str(error), "shorten the cell", "CSV-004")]) from None
    if header != list(columns):
        problem = f"expected the header {','.join(columns)}; found {','.join(header) or 'nothing'}"
        raise DataError([fault(1, problem, "restore the header", "CSV-001")])
    faults = []
    for line, row in enumerate(rows, 2):
        if len(row) != len(columns):
            problem = f"expected {len(columns)} cells, found {len(row)}"
            faults.append(fault(line, problem, "quote cells with commas", "CSV-002"))
        # Here and not only by the reader's limit, which other readers of exports raise for the whole process.
        if any(len(cell) > LONGEST_CELL for cell in row):
            problem = f"a cell has more than {LONGEST_CELL:,} characters"
            faults.append(fault(line, problem, "shorten the cell", "CSV-004"))
    if faults:
        raise DataError(faults)
    found: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in rows]
    for line, cells in enumerate(found, 2):
        for column, parse in typed.items():
            try:
                cells[column] = parse(cells[column])
            except ValueError:
                problem = f"expected {EXPECTED[parse.__name__]}, found {cells[column]!r}"
                faults.append(fault(line, problem, "correct the cell", "CSV-003", column=column))
    if faults:
        raise DataError(faults)
    return found


def shown_path(path: Path, root: Path) -> str:
    """Return the path as people see it: relative to the review's parent folder where it is inside it."""
    absolute, base = path.absolute(), root.absolute().parent
    return absolute.relative_to(base).as_posix() if absolute.is_relative_to(base) else path.as_posix()
