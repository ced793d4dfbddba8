"""Read the export of any bibliographic database, whatever its format and encoding.

The format is told from the content, never from the file's name. Every record is kept or reported with its line; the
number of records read is compared with the number that begin in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from livingreview.errors import Fault
from livingreview.search.formats.bibtex import BIBTEX, read_bibtex
from livingreview.search.formats.tables import TABLE, has_header, read_table
from livingreview.search.formats.tagged import DIALECTS, read_tagged
from livingreview.search.formats.xmlfiles import PLAIN, read_xml
from livingreview.search.records import Aliases, Block, Record, to_record

__all__ = ["MAX_BYTES", "read_export"]

# An export of a million records is smaller than this.
MAX_BYTES = 2_000_000_000

_BIBTEX = re.compile(r"^[ \t]*@[ \t]*[A-Za-z]+[ \t]*[{(]", re.MULTILINE)
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_export(path: Path, name: str | None = None) -> tuple[list[Record], list[Fault]]:
    """Return the records of one export file in order, and what could not be read as it should.

    A file may be in RIS, MEDLINE (nbib), PubMed XML, BibTeX, Web of Science's tagged or tab-delimited format, EndNote's
    tagged format or XML, CENTRAL's citation format, or a table with a header; one in no known format has no record and
    one fault. `name` is what records and faults call it, by default its path as given.
    """
    shown = name if name is not None else str(path)
    if not path.is_file():
        problem = "a folder, not a file" if path.is_dir() else "the file does not exist"
        return [], [Fault(shown, 0, "", problem, "give the name of an export", "IMPORT-000")]
    if path.stat().st_size > MAX_BYTES:
        problem = f"expected at most {MAX_BYTES:,} bytes, found {path.stat().st_size:,}"
        return [], [Fault(shown, 0, "", problem, "export in parts", "IMPORT-001")]
    data = path.read_bytes()
    text, doubt = _decode(data)
    found = detect(text)
    if found is None:
        problem = "the file is empty" if not text.strip() else "no format that a bibliographic database exports"
        remedy = "export as RIS, nbib, PubMed XML, BibTeX or CSV"
        return [], [Fault(shown, 0, "", problem, remedy, "IMPORT-002")]
    aliases, (blocks, faults) = _read(found, data, text, shown)
    if not blocks and not faults:
        faults = [Fault(shown, 0, "", "no record in the file", "see whether the search found any", "IMPORT-012")]
    # XML says itself how it is encoded.
    if doubt and found != "XML":
        faults = [Fault(shown, 0, "", doubt, "export as UTF-8 if names look wrong", "IMPORT-011"), *faults]
    records = [to_record(block, aliases, shown, index) for index, block in enumerate(blocks)]
    lost = [fault for block, record in zip(blocks, records, strict=True) for fault in _lost(block, aliases, record)]
    return records, [*faults, *lost]


def _lost(block: Block, aliases: Aliases, record: Record) -> Iterator[Fault]:
    """Yield what a record should have and has not, or has and cannot be read."""

    def fault(field: str, problem: str, code: str) -> Fault:
        return Fault(record.source_file, record.line, field, problem, "compare it with its database", code)

    if not record.title:
        yield fault("title", "the record has no title", "IMPORT-013")
    dates = [value for name in aliases["year"] for value in block.every(name)]
    if dates and record.year is None:
        yield fault("year", f"no year in {dates[0][:40]!r}", "IMPORT-014")
    # Other fields of a DOI may hold another number or address; these hold nothing else.
    dois = [value for name in aliases["doi"] if name.lower() in ("do", "doi", "di") for value in block.every(name)]
    if dois and not record.doi:
        yield fault("doi", f"no DOI in {dois[0][:40]!r}", "IMPORT-014")


def detect(text: str) -> str | None:
    r"""Return the name of the format of an export, or None.

    >>> detect("TY  - JOUR\nER  - "), detect("Title,Year\nHeart,2021\n"), detect("Dear all,")
    ('RIS', 'table', None)
    """
    head = text.lstrip()
    if head.startswith("<"):
        return "XML"
    if has_header(text):
        return "table"
    # Where an abstract quotes another format, the format that begins first is the file's own.
    starts = {name: dialect.start.search(text) for name, dialect in DIALECTS.items()} | {
        "BibTeX": _BIBTEX.search(text),
        # ERIC writes MEDLINE's format without PubMed's number.
        "MEDLINE without numbers": re.search(r"\A\s*OWN ?- ", text),
    }
    found = {name: match.start() for name, match in starts.items() if match}
    return min(found, key=found.__getitem__).removesuffix(" without numbers") if found else None


def _read(found: str, data: bytes, text: str, shown: str) -> tuple[Aliases, tuple[list[Block], list[Fault]]]:
    if found == "XML":
        return PLAIN, read_xml(data, shown)
    if found == "table":
        return TABLE, read_table(text, shown)
    if found == "BibTeX":
        return BIBTEX, read_bibtex(text, shown)
    dialect = DIALECTS[found]
    return dialect.aliases, read_tagged(text, dialect, shown)


def _decode(data: bytes) -> tuple[str, str]:
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    doubt = ""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        doubt = f"not {encoding.removesuffix('-sig').upper()} (line {line}); read as Windows-1252"
        text = data.decode("cp1252", errors="replace")
    # A mark may also stand inside, where files were put together; only these three end a line.
    return text.replace("\ufeff", "").replace("\r\n", "\n").replace("\r", "\n"), doubt
