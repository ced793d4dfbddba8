"""Read the tables that databases export, with a header in the first row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from livingreview.errors import Fault
from livingreview.search.records import FIELD_LIMIT, Aliases, Block

__all__ = ["TABLE", "has_header", "read_table"]

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
