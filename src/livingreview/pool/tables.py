"""Read a CSV file of 2×2 tables, as people export it, and name every fault at once."""

from __future__ import annotations

import codecs
import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from livingreview.errors import DataError, Fault
from livingreview.synthesis.counts import CELLS, Counts, parse_count

__all__ = ["CountsTable", "read_counts"]

REQUIRED = ("study", *CELLS)
DELIMITERS = ",;\t"
EXPECTED_HEADER = "the first line names the columns study, tp, fp, fn, tn in any order and case; others may follow"
CORRECT_OR_DROP = "correct the cell or leave the row out"


@dataclass(frozen=True)
class CountsTable:
    """2×2 tables with what else their file says.

    Parameters
    ----------
    counts
        The tables, in the file's order.
    columns
        Every column of the file as text, by its name in lower case: k values each.
    path, lines
        The file and the line of each row in it, for messages; empty where there is no file.

    Examples
    --------
    >>> table = CountsTable(Counts.from_arrays(tp=[45], fp=[10], fn=[5], tn=[90]), {"setting": ("clinic",)})
    >>> table.column("Setting")
    ('clinic',)
    """

    counts: Counts
    columns: Mapping[str, tuple[str, ...]]
    path: str = ""
    lines: tuple[int, ...] = ()

    def column(self, name: str) -> tuple[str, ...]:
        """Return the k values of a column, whatever the case of its name.

        Raises
        ------
        DataError
            If there is no such column (TABLE-007), or a cell of it is empty (TABLE-008).
        """
        wanted = name.strip().lower()
        if wanted not in self.columns:
            found = ", ".join(self.columns)
            raise DataError([Fault(self.path, 0, name, "no such column", f"the columns are {found}", "TABLE-007")])
        values = self.columns[wanted]
        faults = [
            self._fault(row, name, "an empty cell", "fill it in or leave the row out", "TABLE-008")
            for row, value in enumerate(values)
            if not value
        ]
        if faults:
            raise DataError(faults)
        return values

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return the k values of a column as numbers.

        Raises
        ------
        DataError
            As :meth:`column`, or if a cell holds no number (TABLE-010).
        """
        values = self.column(name)
        faults = [
            self._fault(row, name, f"expected a number, found {value!r}", CORRECT_OR_DROP, "TABLE-010")
            for row, value in enumerate(values)
            if not is_number(value)
        ]
        if faults:
            raise DataError(faults)
        return tuple(float(value) for value in values)

    def _fault(self, row: int, column: str, problem: str, remedy: str, code: str) -> Fault:
        if self.lines:
            return Fault(self.path, self.lines[row], column, problem, remedy, code)
        return Fault("", row + 1, column, f"row {row + 1}: {problem}", remedy, code)


def is_number(text: str) -> bool:
    """Return whether a cell holds a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read_counts(path: str | Path) -> CountsTable:
    r"""Read a CSV file with the columns study, tp, fp, fn, tn.

    Column names may be in any order and case, other columns are kept as text, empty lines are skipped. The
    delimiter is the comma, semicolon or tab that the header uses; the encoding is UTF-8, UTF-16 with a byte-order
    mark, or else Windows-1252.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    CountsTable
        The tables and the columns.

    Raises
    ------
    DataError
        With every fault found, each with its line and column: the file cannot be read (TABLE-001), is no text
        (TABLE-002), lacks or repeats a column (TABLE-003), has a row with more or fewer cells than the header
        (TABLE-004), a cell that is no count (TABLE-005), a row of zeros (TABLE-006), or is empty or has no rows
        (TABLE-009).

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "table.csv")
    ...     _ = path.write_text("study;TP;FP;FN;TN;setting\nA;45;10;5;90;clinic\n")
    ...     table = read_counts(path)
    >>> table.counts.tp.tolist(), table.column("setting")
    ([45], ('clinic',))
    """
    name = str(path)
    records = _records(name, _text(Path(path)))
    header_line, header = next(records, (0, []))
    if not header:
        raise DataError([Fault(name, 0, "", "the file is empty", EXPECTED_HEADER, "TABLE-009")])
    names = [cell.strip().lower() for cell in header]
    faults = list(_header_faults(name, header_line, names))
    if faults:
        raise DataError(faults)
    rows: list[list[str]] = []
    lines: list[int] = []
    for line, cells in records:
        found = list(_row_faults(name, line, names, cells))
        faults += found
        rows.append(cells)
        lines.append(line)
    if not rows:
        faults.append(Fault(name, 0, "", "the table has no rows", "give one row per study", "TABLE-009"))
    if faults:
        raise DataError(faults)
    columns = {name: tuple(row[i].strip() for row in rows) for i, name in enumerate(names) if name}
    tp, fp, fn, tn = (columns[cell] for cell in CELLS)
    return CountsTable(Counts.from_arrays(tp, fp, fn, tn, columns["study"]), columns, name, tuple(lines))


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror or error})"
        raise DataError([Fault(str(path), 0, "", problem, "check the path", "TABLE-001")]) from error
    if raw.startswith(b"PK\x03\x04"):
        problem = "the file is a spreadsheet workbook or another archive, not text"
        raise DataError([Fault(str(path), 0, "", problem, "save the table as CSV in UTF-8", "TABLE-002")])
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    # A spreadsheet on Windows writes its own code page, in which no byte sequence says what it is.
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "cp1252"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    problem = "the file is not text"
    raise DataError([Fault(str(path), 0, "", problem, "save the table as CSV in UTF-8", "TABLE-002")])


def _records(path: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record that is not empty ends, and its cells."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count), strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        fault = Fault(path, reader.line_num, "", f"this is no CSV ({error})", "check the quotation marks", "TABLE-002")
        raise DataError([fault]) from error


def _header_faults(path: str, line: int, names: Sequence[str]) -> Iterator[Fault]:
    if missing := [name for name in REQUIRED if name not in names]:
        noun = "column" if len(missing) == 1 else "columns"
        problem = f"no {noun} {', '.join(missing)}; found: {', '.join(names)}"
        yield Fault(path, line, "", problem, EXPECTED_HEADER, "TABLE-003")
    for name in dict.fromkeys(names):
        if name and names.count(name) > 1:
            yield Fault(path, line, name, "more than one column has this name", "rename or remove one", "TABLE-003")


def _row_faults(path: str, line: int, names: Sequence[str], cells: Sequence[str]) -> Iterator[Fault]:
    if len(cells) != len(names):
        problem = f"expected {len(names)} cells as in the header, found {len(cells)}"
        yield Fault(path, line, "", problem, "check for a missing or an unquoted delimiter", "TABLE-004")
        return
    row = dict(zip(names, cells, strict=True))
    counts = []
    for name in CELLS:
        try:
            counts.append(parse_count(row[name]))
        except ValueError as error:
            yield Fault(path, line, name, str(error), CORRECT_OR_DROP, "TABLE-005")
    if counts == [0, 0, 0, 0]:
        yield Fault(path, line, "", "all four cells are zero", "leave the row out", "TABLE-006")
