"""A bibliographic record as an export gives it, the identifiers in it, and the plain table of records.

Every reader of an export returns :class:`Record` objects; searching, de-duplication and screening know nothing of
the file formats behind them.
"""

from __future__ import annotations

import csv
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from livingreview.errors import DataError, Fault

__all__ = [
    "Record",
    "find_arxiv",
    "find_doi",
    "find_openalex",
    "find_pmcid",
    "find_pmid",
    "is_record_table",
    "printable",
    "records_from_csv",
    "split_authors",
    "year_of",
]

# Abstracts of the size of a thesis exist; the default limit of the csv module is 131,072 characters.
FIELD_LIMIT = 16_000_000

_INITIALS = re.compile(r".+\s([^\W\d_](?:[^\W\d_]|[.\s-]){0,5})")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class Record:
    """One record of one export, with the source's own words.

    Text is kept as found apart from surrounding white space: what is the same publication is the business of
    :mod:`livingreview.search.dedupe`, not of a reader. A field that the source does not give is empty.

    Parameters
    ----------
    source_file
        Name of the file (or run) that the record came from.
    source_index
        0-based order of the record in that file.
    title, journal, volume, issue, pages, issn, abstract, keywords, language, url
        As the source prints them. `pages` holds the article number where there are no pages; several keywords
        are joined by ``"; "``.
    authors
        One string per author, ``"Family, Given"`` or as the source prints them.
    year
        Year of publication.
    doi, pmid, pmcid, arxiv, openalex
        Identifiers; `doi` may still carry a resolver's address in front.
    accession
        Number of the record in its database.
    kind
        Type of publication in the source's words (``"Journal Article"``, ``"Preprint"``, ``"Erratum"``, …),
        several joined by ``"; "``.
    line
        1-based line (of a text file) or row (of a table) where the record starts; 0 when there is none.
    sha256
        Hash of the raw record, for ledgers; empty when the reader has no raw text.
    """

    source_file: str
    source_index: int
    title: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    journal: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""
    pmcid: str = ""
    arxiv: str = ""
    openalex: str = ""
    accession: str = ""
    issn: str = ""
    abstract: str = ""
    keywords: str = ""
    language: str = ""
    kind: str = ""
    url: str = ""
    line: int = 0
    sha256: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return {**asdict(self), "authors": list(self.authors)}


# Column of a table of records → field of `Record`. The last four are names of BibTeX and of other tools.
COLUMNS = {name: name for name in Record.__slots__ if name not in ("source_file", "source_index", "line", "sha256")}
COLUMNS |= {"author": "authors", "number": "issue", "id": "accession", "isbn": "issn"}


def year_of(text: str) -> int | None:
    """Return the first plausible year in a date, or None.

    Examples
    --------
    >>> year_of("2018 Export Date 3 May 2020"), year_of("in press")
    (2018, None)
    """
    found = _YEAR.search(text)
    return int(found[1]) if found else None


def split_authors(text: str) -> tuple[str, ...]:
    """Split a list of authors at semicolons or at BibTeX's ``and``.

    A comma separates authors only where neither occurs and every part looks like ``Family AB``; otherwise it
    stands between family and given name.

    Examples
    --------
    >>> split_authors("Smith, Jane and Doe, J"), split_authors("Smith J, Doe AB"), split_authors("Smith, Jane")
    (('Smith, Jane', 'Doe, J'), ('Smith J', 'Doe AB'), ('Smith, Jane',))
    """
    for separator in (r"\s*;\s*", r"\s+and\s+"):
        parts = re.split(separator, text.strip())
        if len(parts) > 1:
            return tuple(part for part in parts if part)
    parts = re.split(r"\s*,\s*", text.strip())
    if len(parts) > 1 and all((found := _INITIALS.fullmatch(part)) and found[1].isupper() for part in parts):
        return tuple(parts)
    return (text.strip(),) if text.strip() else ()


def is_record_table(path: Path) -> bool:
    """Return whether a file is a CSV table of records rather than a database's own CSV export.

    The columns of a table of records are lower-case field names; of databases' exports none has both ``title``
    and ``author`` or ``authors`` in that form.
    """
    if path.suffix.lower() != ".csv":
        return False
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            header = set(next(csv.reader(stream), []))
    except UnicodeDecodeError:
        return False
    return "title" in header and bool(header & {"author", "authors"})


def records_from_csv(path: Path, name: str | None = None) -> list[Record]:
    """Read a CSV table of records.

    Parameters
    ----------
    path
        UTF-8 file with a header row; columns are the fields of :class:`Record` (BibTeX's ``author``, ``number``
        and ``isbn`` are understood). Other columns are ignored.
    name
        The `source_file` of the records; the path as given by default.

    Raises
    ------
    DataError
        A row has more cells than the header has columns, or the file is not UTF-8.
    """
    source = name if name is not None else str(path)
    csv.field_size_limit(FIELD_LIMIT)
    records: list[Record] = []
    faults: list[Fault] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            for index, row in enumerate(reader):
                if None in row:
                    problem = f"expected {len(reader.fieldnames or ())} cells, found more"
                    faults.append(
                        Fault(source, reader.line_num, "", problem, "quote cells that hold commas", "RECORD-001")
                    )
                records.append(_record(row, source, index, reader.line_num))
    except UnicodeDecodeError as error:
        faults.append(Fault(source, 0, "", f"expected UTF-8, found {error.reason}", "save it as UTF-8", "RECORD-002"))
    if faults:
        raise DataError(faults)
    return records


def _record(row: dict[str, str | None], source: str, index: int, line: int) -> Record:
    fields: dict[str, str] = {}
    for column, value in row.items():
        field = COLUMNS.get(column.lower()) if isinstance(column, str) else None
        if field and isinstance(value, str) and not fields.get(field):
            fields[field] = value.strip()
    authors = split_authors(fields.pop("authors", ""))
    year = year_of(fields.pop("year", ""))
    return Record(source, index, authors=authors, year=year, line=line, **fields)


_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>{}|\\^`]+")
_PMID = re.compile(r"(?<!\d)[1-9]\d{0,8}(?!\d)")
_PMCID = re.compile(r"PMC[1-9]\d{0,9}", re.IGNORECASE)
_ARXIV = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?!\d)|[a-z-]+(?:\.[A-Z]{2})?/\d{7}(?!\d)")
_OPENALEX = re.compile(r"(?<!\w)W\d{4,12}(?!\w)")


def find_doi(text: str) -> str:
    """Return the DOI in a text or address, in lower case; empty when there is none.

    Examples
    --------
    >>> find_doi("https://doi.org/10.1093%2FEHJIMP%2Fqyag045"), find_doi("S0266-4356(19)30379-1 [pii]")
    ('10.1093/ehjimp/qyag045', '')
    """
    found = _DOI.search(unquote(text))
    if found is None:
        return ""
    doi = found[0].rstrip(".,;:'")
    while doi.endswith((")", "]")) and doi.count("(") + doi.count("[") < doi.count(")") + doi.count("]"):
        doi = doi[:-1].rstrip(".,;:'")
    return doi.lower()


def find_pmid(text: str) -> str:
    """Return the PubMed number in a text, or nothing.

    Examples
    --------
    >>> find_pmid("https://pubmed.ncbi.nlm.nih.gov/39857091/"), find_pmid("none")
    ('39857091', '')
    """
    return _first(_PMID, text)


def find_pmcid(text: str) -> str:
    """Return the PubMed Central number in a text, with its letters, or nothing.

    Examples
    --------
    >>> find_pmcid("pmc13007597")
    'PMC13007597'
    """
    return _first(_PMCID, text).upper()


def find_arxiv(text: str) -> str:
    """Return the arXiv number in a text or in the DOI of a preprint, without its version, or nothing.

    Examples
    --------
    >>> find_arxiv("arXiv:2010.08469v2"), find_arxiv("10.48550/arXiv.2305.12345"), find_arxiv("10.1093/x")
    ('2010.08469', '2305.12345', '')
    """
    lowered = text.lower()
    if "arxiv" not in lowered:
        return ""
    return _first(_ARXIV, text[lowered.index("arxiv") + len("arxiv") :].lstrip(".:/ "))


def find_openalex(text: str) -> str:
    """Return the OpenAlex number of a work in a text or address, or nothing.

    Examples
    --------
    >>> find_openalex("https://openalex.org/W2741809807")
    'W2741809807'
    """
    return _first(_OPENALEX, text)


def printable(text: str) -> str:
    """Return a text without control characters."""
    return text if text.isprintable() else "".join(character for character in text if character.isprintable())


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""
