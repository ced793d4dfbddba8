"""Read the export of any bibliographic database, whatever its format and encoding.

The format is told from the content, never from the file's name. Every record is kept or reported with its line; the
number of records read is compared with the number that begin in the file. Tables are read here, the other formats by
the modules beside.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from livingreview.errors import Fault
from livingreview.search.formats.bibtex import BIBTEX, read_bibtex
from livingreview.search.formats.tagged import DIALECTS, read_tagged
from livingreview.search.formats.xmlfiles import PLAIN, read_xml
from livingreview.search.records import FIELD_LIMIT, Aliases, Block, Record, to_record

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


# Headers in lower case: this project's own names, then those of Scopus, Embase, PubMed, IEEE Xplore, Cochrane,
# OpenAlex, Rayyan and ASReview, then the two-letter ones of Web of Science's tab-delimited files.
TABLE: Aliases = {
    "title": ("title", "document title", "article title", "primary_title", "display_name", "ti"),
    "authors": (
        "author full names", "authors", "author", "author names", "author(s)", "authorships.author.display_name",
        "af", "au",
    ),
    "year": ("year", "publication year", "publication_year", "pubyear", "publication date", "publication_date", "py"),
    "journal": (
        "journal", "source title", "journal/book", "publication title", "publication", "journal title",
        "primary_location.source.display_name", "secondary_title", "so", "source journal",
    ),
    "volume": ("volume", "biblio.volume", "vl", "source volume"),
    "issue": ("issue", "number", "biblio.issue", "is", "source issue"),
    "first_page": ("pages", "page start", "start page", "biblio.first_page", "bp", "source pages"),
    "last_page": ("page end", "end page", "biblio.last_page", "ep"),
    "article_number": ("art. no.", "article number", "ar"),
    "doi": ("doi", "di", "link", "url", "citation"),
    "pmid": ("pmid", "pubmed id", "pubmed_id", "medline pmid", "ids.pmid", "pm"),
    "pmcid": ("pmcid", "pmc id", "pmc_id", "ids.pmcid"),
    "arxiv": ("arxiv", "url"),
    "openalex": ("openalex", "openalex_id", "id", "ids.openalex"),
    "accession": (
        "accession", "eid", "pui", "embase accession id", "ut", "cochrane review id", "document identifier", "pmid",
        "id", "key",
    ),
    "issn": ("issn", "primary_location.source.issn_l", "isbn", "sn"),
    "abstract": ("abstract", "ab"),
    "keywords": ("keywords", "author keywords", "de"),
    "language": ("language", "language of original document", "article language", "la"),
    "kind": ("kind", "document type", "publication type", "type", "dt"),
    "url": ("url", "link", "pdf link", "open url link", "full text link"),
}  # fmt: skip

# Embase prints one cell "Endoscopic Ultrasound (2014) 3:3 (152-160). Date of Publication: …", PubMed one
# "BMC Psychiatry. 2022 Feb 25;22(1):34. doi: …".
_EMBASE_SOURCE = re.compile(
    r"(?P<journal>.+?) \((?P<year>\d{4})\)(?: (?P<volume>[^\s:(]+)(?::(?P<issue>[^\s(]+))?)?(?: \((?P<pages>[^)]+)\))?"
)
_PUBMED_CITATION = re.compile(r"\d{4}[^;]*;(?P<volume>[^(:;]+)(?:\((?P<issue>[^)]+)\))?:(?P<pages>[^.;\s]+)")


def has_header(text: str) -> bool:
    """Return whether the first row names a title beside something else of a record."""
    names = set(_header(text)[0])
    return bool(names & set(TABLE["title"])) and bool(names & {*TABLE["authors"], *TABLE["year"], *TABLE["doi"]})


def read_table(text: str, path: str) -> tuple[list[Block], list[Fault]]:
    r"""Return every row of a table with ``\n`` line ends; `path` is its name for faults.

    A row with more or fewer cells than the header has names is kept with those that have one, and reported.
    """
    header, delimiter = _header(text)
    csv.field_size_limit(FIELD_LIMIT)
    blocks: list[Block] = []
    faults: list[Fault] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    try:
        for number, row in enumerate(reader):
            start, line = line, reader.line_num + 1
            if number == 0 or not any(cell.strip() for cell in row):
                continue
            if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
                problem = f"expected {len(header)} cells, found {len(row)}"
                faults.append(Fault(path, start, "", problem, "quote cells that hold the separator", "IMPORT-007"))
            if len(row) < len(header):
                problem = f"expected {len(header)} cells, found {len(row)}: the last fields are empty"
                faults.append(Fault(path, start, "", problem, "see whether the row was cut", "IMPORT-007"))
            fields = [(name, cell) for name, cell in zip(header, row, strict=False) if cell.strip()]
            blocks.append(Block(start, (*fields, *_taken_apart(dict(fields))), delimiter.join(row)))
    except csv.Error as error:
        faults.append(Fault(path, line, "", f"not a table from here on: {error}", "export the file anew", "IMPORT-008"))
    return blocks, faults


def _header(text: str) -> tuple[list[str], str]:
    first = next((line for line in text.split("\n") if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    cells = next(csv.reader(io.StringIO(first), delimiter=delimiter), [])
    return [cell.strip().strip('"').lower() for cell in cells], delimiter


def _taken_apart(row: dict[str, str]) -> Iterator[tuple[str, str]]:
    found = None
    if "author names" in row and "source" in row:
        found = _EMBASE_SOURCE.match(row["source"])
    elif "citation" in row and "pmid" in row:
        found = _PUBMED_CITATION.search(row["citation"])
    if found is not None:
        yield from ((name, value) for name, value in found.groupdict().items() if value)
