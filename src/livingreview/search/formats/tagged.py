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
from livingreview.search.records import Aliases, Block

__all__ = ["DIALECTS", "read_tagged"]


@dataclass(frozen=True)
class Dialect:
    """One of the tagged formats.

    Parameters
    ----------
    line
        Matches a tagged line; groups are the tag and the value.
    opens, closes
        The tags that begin and end a record; where none ends it, a blank line does.
    start
        What begins a record, loosely: counted as a check that none was lost.
    ignored, repeated
        Tags that may stand between records; tags of which every continued line is a value of its own.
    """

    name: str
    line: re.Pattern[str]
    opens: str
    start: re.Pattern[str]
    closes: str = ""
    ignored: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()

    @property
    def aliases(self) -> Aliases:
        """Which tag holds what."""
        return _ALIASES[self.name]


# Field of a record → tags that may hold it, best first. Embase exports its own number as U2, PsycINFO and Scopus have
# theirs in ID, AN or UR.
_TAGS = """
field          | RIS                     | MEDLINE    | Web of Science | EndNote | CENTRAL
title          | TI T1 CT BT ST          | TI BTI     | TI             | T       | TI
authors        | AU A1                   | FAU AU CN  | AU AF CA BA GP | A       | AU
year           | PY Y1 DA YR             | DP DEP     | PY EY PD       | D 8     | YR
journal        | T2 JF JO JA J2 JI J9 BT | JT TA      | SO J9 JI SE    | J B     | SO
volume         | VL                      | VI         | VL             | V       | VL
issue          | IS CP                   | IP         | IS             | N       | NO
first_page     | SP                      | PG         | BP PS          | P       | PG
last_page      | EP                      |            | EP             |         |
article_number | C7 M2                   |            | AR             |         |
doi            | DO DI M3 L3 L2 UR LK    | LID AID SO | DI D2          | R U     | DOI US
pmid           | PMID                    | PMID       | PM             |         | PM
pmcid          | C2 PMC                  | PMC        |                |         |
arxiv          | UR AN                   |            | DI             | U       |
accession      | AN U2 ID                | PMID OID   | UT AN          | M       | ID
provider       | DP DB                   |            |                |         |
issn           | SN                      | IS ISSN    | SN EI          | @       | SN
abstract       | AB N2                   | AB         | AB             | X       | AB
keywords       | KW                      | OT MH      | DE ID          | K       | KY
language       | LA                      | LA         | LA             | G       |
kind           | M3 TY                   | PT         | DT             | 9 0     | PT
url            | UR L2 LK                | LID        | UR             | U       | US
"""
_HEADER, *_LINES = [[cell.strip() for cell in line.split("|")] for line in _TAGS.strip().splitlines()]
_ALIASES: dict[str, Aliases] = {
    name: {line[0]: tuple(line[place].split()) for line in _LINES if line[place]}
    for place, name in enumerate(_HEADER[1:], 1)
}

_DIALECTS = (
    Dialect("RIS", re.compile(r"\s{0,3}([A-Z][A-Z0-9]|PMID|PMC) {1,2}-(?: (.*)|)$"),
            "TY", re.compile(r"^\W{0,3}TY\s{0,4}-", re.MULTILINE), "ER",
            frozenset({"NL"}),  # Ovid writes it after the end of a record
            frozenset({"KW", "AU", "A1"})),
    Dialect("MEDLINE", re.compile(r"([A-Z]{2,4}) {0,2}- ?(.*)$"),
            "PMID", re.compile(r"^\W{0,3}PMID ?-", re.MULTILINE)),
    Dialect("Web of Science", re.compile(r"([A-Z][A-Z0-9])(?: (.*)|)$"),
            "PT", re.compile(r"^\W{0,3}PT [A-Z]\s*$", re.MULTILINE), "ER",
            frozenset({"FN", "VR", "EF"}),
            frozenset({"AU", "AF", "CA", "BA", "CR"})),
    Dialect("EndNote", re.compile(r"%(\S) ?(.*)$"),
            "0", re.compile(r"^\W{0,3}%0 ", re.MULTILINE), repeated=frozenset({"K"})),
    Dialect("CENTRAL", re.compile(r"(Record|[A-Z]{2,3})(?: (?=#)|: ?)(.*)$"),
            "Record", re.compile(r"^\W{0,3}Record #\d+ of \d+", re.MULTILINE)),
)  # fmt: skip
DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in _DIALECTS})


def read_tagged(text: str, dialect: Dialect, path: str) -> tuple[list[Block], list[Fault]]:
    r"""Return every record of a tagged file with ``\n`` line ends, and every line that belongs to none.

    Text before the first record of a file, or between records without a tag, is a header and no fault. A record that
    the next one cuts short, or the end of the file, is kept and reported; `path` is the file's name for faults.
    """
    blocks: list[Block] = []
    faults: list[Fault] = []
    begun, lines = 0, list[str]()
    fields: list[tuple[str, str]] | None = None

    def fault(line: int, problem: str, remedy: str, code: str) -> None:
        faults.append(Fault(path, line, "", problem, remedy, code))

    def close(*, cut: bool) -> None:
        if fields:
            blocks.append(Block(begun, tuple(fields), "\n".join(lines).strip()))
            if cut and dialect.closes:
                problem = f"the record has no end ({dialect.closes})"
                fault(begun, problem, "see whether the export is complete", "IMPORT-003")

    for number, line in enumerate(text.split("\n"), 1):
        match, rest = dialect.line.match(line), line.strip()
        tag, value = (match[1], match[2] or "") if match else ("", line)
        if match and tag == dialect.opens:
            close(cut=True)
            begun, fields, lines = number, [], []
        elif match and fields is None:
            if tag in dialect.ignored:
                continue
            if dialect.closes:
                fault(number, f"{tag} stands outside of any record", "see whether its record was cut", "IMPORT-004")
                continue
            begun, fields, lines = number, [], []
        if fields is None:
            continue
        lines.append(line)
        ends_by_blank = not dialect.closes and dialect.name != "CENTRAL"
        if (match and tag == dialect.closes) or (not match and not rest and fields and ends_by_blank):
            close(cut=False)
            fields = None
        elif match:
            fields.append((tag, value))
        elif rest and fields:
            last, held = fields[-1]
            if last in dialect.repeated:
                fields.append((last, rest))
            else:
                fields[-1] = (last, f"{held} {rest}")
    close(cut=True)
    started = len(dialect.start.findall(text))
    if len(blocks) < started:
        fault(0, f"{started} records begin in the file, {len(blocks)} were read", "report this file", "IMPORT-005")
    return blocks, faults
