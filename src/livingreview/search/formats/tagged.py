"""Read the formats in which every line begins with a tag: RIS, MEDLINE, Web of Science, EndNote, CENTRAL.

One reader for all five, as they differ in what a tag looks like and in what opens and closes a record, and in nothing
else. It keeps the line of every record, which libraries for these formats do not, and reports what it cannot place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from livingreview.errors import Fault
from livingreview.search.formats.blocks import Aliases, Block

__all__ = ["DIALECTS", "Dialect", "read_tagged"]


@dataclass(frozen=True)
class Dialect:
    """One of the tagged formats.

    Parameters
    ----------
    name
        As people call it.
    line
        Matches a tagged line; groups are the tag and the value.
    opens, closes
        Tags that begin a record, and tags that end one; without the latter a blank line ends it.
    start
        What begins a record, loosely: counted as a check that none was lost.
    ignored
        Tags that may stand between records.
    repeated
        Tags of which every continued line is a value of its own.
    aliases
        Which tag holds what.
    """

    name: str
    line: re.Pattern[str]
    opens: frozenset[str]
    closes: frozenset[str]
    start: re.Pattern[str]
    ignored: frozenset[str]
    repeated: frozenset[str]
    aliases: Aliases


# Embase exports its own number as U2, PsycINFO and Scopus have theirs in ID, AN or UR.
_RIS: Aliases = {
    "title": ("TI", "T1", "CT", "BT", "ST"),
    "authors": ("AU", "A1"),
    "year": ("PY", "Y1", "DA", "YR"),
    "journal": ("T2", "JF", "JO", "JA", "J2", "JI", "J9", "BT"),
    "volume": ("VL",),
    "issue": ("IS", "CP"),
    "first_page": ("SP",),
    "last_page": ("EP",),
    "article_number": ("C7", "M2"),
    "doi": ("DO", "DI", "M3", "L3", "L2", "UR", "LK"),
    "pmid": ("PMID",),
    "pmcid": ("C2", "PMC"),
    "arxiv": ("UR", "AN"),
    "accession": ("AN", "U2", "ID"),
    "provider": ("DP", "DB"),
    "issn": ("SN",),
    "abstract": ("AB", "N2"),
    "keywords": ("KW",),
    "language": ("LA",),
    "kind": ("M3", "TY"),
    "url": ("UR", "L2", "LK"),
}
_MEDLINE: Aliases = {
    "title": ("TI", "BTI"),
    "authors": ("FAU", "AU", "CN"),
    "year": ("DP", "DEP"),
    "journal": ("JT", "TA"),
    "volume": ("VI",),
    "issue": ("IP",),
    "first_page": ("PG",),
    "doi": ("LID", "AID", "SO"),
    "pmid": ("PMID",),
    "pmcid": ("PMC",),
    "accession": ("PMID", "OID"),
    "issn": ("IS", "ISSN"),
    "abstract": ("AB",),
    "keywords": ("OT", "MH"),
    "language": ("LA",),
    "kind": ("PT",),
    "url": ("LID",),
}
_WEB_OF_SCIENCE: Aliases = {
    "title": ("TI",),
    "authors": ("AU", "AF", "CA", "BA", "GP"),
    "year": ("PY", "EY", "PD"),
    "journal": ("SO", "J9", "JI", "SE"),
    "volume": ("VL",),
    "issue": ("IS",),
    "first_page": ("BP", "PS"),
    "last_page": ("EP",),
    "article_number": ("AR",),
    "doi": ("DI", "D2"),
    "pmid": ("PM",),
    "arxiv": ("DI",),
    "accession": ("UT", "AN"),
    "issn": ("SN", "EI"),
    "abstract": ("AB",),
    "keywords": ("DE", "ID"),
    "language": ("LA",),
    "kind": ("DT",),
    "url": ("UR",),
}
_ENDNOTE: Aliases = {
    "title": ("T",),
    "authors": ("A",),
    "year": ("D", "8"),
    "journal": ("J", "B"),
    "volume": ("V",),
    "issue": ("N",),
    "first_page": ("P",),
    "doi": ("R", "U"),
    "arxiv": ("U",),
    "accession": ("M",),
    "issn": ("@",),
    "abstract": ("X",),
    "keywords": ("K",),
    "language": ("G",),
    "kind": ("9", "0"),
    "url": ("U",),
}
_CENTRAL: Aliases = {
    "title": ("TI",),
    "authors": ("AU",),
    "year": ("YR",),
    "journal": ("SO",),
    "volume": ("VL",),
    "issue": ("NO",),
    "first_page": ("PG",),
    "doi": ("DOI", "US"),
    "pmid": ("PM",),
    "accession": ("ID",),
    "issn": ("SN",),
    "abstract": ("AB",),
    "keywords": ("KY",),
    "kind": ("PT",),
    "url": ("US",),
}

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            Dialect(
                "RIS",
                re.compile(r"\s{0,3}([A-Z][A-Z0-9]|PMID|PMC) {1,2}-(?: (.*)|)$"),
                frozenset({"TY"}),
                frozenset({"ER"}),
                re.compile(r"^\W{0,3}TY\s{0,4}-", re.MULTILINE),
                frozenset({"NL"}),  # Ovid writes it after the end of a record
                frozenset({"KW", "AU", "A1"}),
                _RIS,
            ),
            Dialect(
                "MEDLINE",
                re.compile(r"([A-Z]{2,4}) {0,2}- ?(.*)$"),
                frozenset({"PMID"}),
                frozenset(),
                re.compile(r"^\W{0,3}PMID ?-", re.MULTILINE),
                frozenset(),
                frozenset(),
                _MEDLINE,
            ),
            Dialect(
                "Web of Science",
                re.compile(r"([A-Z][A-Z0-9])(?: (.*)|)$"),
                frozenset({"PT"}),
                frozenset({"ER"}),
                re.compile(r"^\W{0,3}PT [A-Z]\s*$", re.MULTILINE),
                frozenset({"FN", "VR", "EF"}),
                frozenset({"AU", "AF", "CA", "BA", "CR"}),
                _WEB_OF_SCIENCE,
            ),
            Dialect(
                "EndNote",
                re.compile(r"%(\S) ?(.*)$"),
                frozenset({"0"}),
                frozenset(),
                re.compile(r"^\W{0,3}%0 ", re.MULTILINE),
                frozenset(),
                frozenset({"K"}),
                _ENDNOTE,
            ),
            Dialect(
                "CENTRAL",
                re.compile(r"(Record|[A-Z]{2,3})(?: (?=#)|: ?)(.*)$"),
                frozenset({"Record"}),
                frozenset(),
                re.compile(r"^\W{0,3}Record #\d+ of \d+", re.MULTILINE),
                frozenset(),
                frozenset(),
                _CENTRAL,
            ),
        )
    }
)


def read_tagged(text: str, dialect: Dialect, path: str) -> tuple[list[Block], list[Fault]]:
    r"""Return every record of a tagged file, and every line that belongs to none.

    Parameters
    ----------
    text
        The file with ``\n`` line ends.
    dialect
        One of :data:`DIALECTS`.
    path
        The file's name, for faults.

    Returns
    -------
    blocks, faults
        Text before the first record of a file, or between records without a tag, is a header and no fault. A record
        that the next one cuts short, or the end of the file, is kept and reported.
    """
    blocks: list[Block] = []
    faults: list[Fault] = []
    opened: _Open | None = None

    def fault(line: int, problem: str, remedy: str, code: str) -> None:
        faults.append(Fault(path, line, "", problem, remedy, code))

    def close(*, cut: bool) -> None:
        nonlocal opened
        if opened is not None and opened.fields:
            blocks.append(opened.block())
            if cut and dialect.closes:
                end = " or ".join(dialect.closes)
                fault(opened.line, f"the record has no end ({end})", "see whether the export is complete", "IMPORT-003")
        opened = None

    for number, line in enumerate(text.split("\n"), 1):
        match = dialect.line.match(line)
        tag, value = (match[1], match[2] or "") if match else ("", line)
        if tag in dialect.opens and match:
            close(cut=True)
            opened = _Open(number, [], [])
        elif match and opened is None:
            if tag in dialect.ignored:
                continue
            if dialect.closes:
                fault(number, f"{tag} stands outside of any record", "see whether its record was cut", "IMPORT-004")
                continue
            opened = _Open(number, [], [])
        if opened is None:
            continue
        opened.lines.append(line)
        if tag in dialect.closes and match:
            close(cut=False)
        elif match:
            opened.fields.append((tag, value))
        elif line.strip() and opened.fields:
            opened.go_on(line, dialect)
        elif not line.strip() and not dialect.closes and opened.fields and dialect.name != "CENTRAL":
            close(cut=False)
    close(cut=True)
    started = len(dialect.start.findall(text))
    if len(blocks) < started:
        fault(0, f"{started} records begin in the file, {len(blocks)} were read", "report this file", "IMPORT-005")
    return blocks, faults


@dataclass
class _Open:
    """A record that is being read."""

    line: int
    fields: list[tuple[str, str]]
    lines: list[str]

    def go_on(self, line: str, dialect: Dialect) -> None:
        tag, value = self.fields[-1]
        if tag in dialect.repeated:
            self.fields.append((tag, line.strip()))
        else:
            self.fields[-1] = (tag, f"{value} {line.strip()}")

    def block(self) -> Block:
        return Block(self.line, tuple(self.fields), "\n".join(self.lines).strip())
