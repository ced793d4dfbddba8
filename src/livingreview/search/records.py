"""A bibliographic record as an export gives it, the identifiers in it, and the one place where fields become a record.

Every reader of a format returns :class:`Block` objects, every source :class:`Record` objects; searching, de-duplication
and screening know nothing of the formats behind them.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote

__all__ = [
    "FIELD_LIMIT", "Aliases", "Block", "Record", "find_arxiv", "find_doi", "find_openalex", "find_pmcid", "find_pmid",
    "full_name", "one_line", "plain", "split_authors", "to_record", "year_of",
]  # fmt: skip

# Abstracts of the size of a thesis exist; the default limit of the csv module is 131,072 characters.
FIELD_LIMIT = 16_000_000

_INITIALS = re.compile(r".+\s([^\W\d_](?:[^\W\d_]|[.\s-]){0,5})")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class Record:
    """One record of one export, with the source's own words; a field that the source does not give is empty.

    Text is kept as found apart from surrounding white space: what is the same publication is the business of
    :mod:`livingreview.search.dedupe`, not of a reader.

    Parameters
    ----------
    source_file, source_index
        Name of the file (or run) that the record came from, and its 0-based order there.
    pages, keywords, kind
        The article number where there are no pages; several keywords, or types of publication in the source's words,
        are joined by ``"; "``.
    authors
        One string per author, ``"Family, Given"`` or as the source prints them.
    doi, accession
        May still carry a resolver's address in front; number of the record in its database.
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


def year_of(text: str) -> int | None:
    """Return the first plausible year in a date, or None.

    >>> year_of("2018 Export Date 3 May 2020"), year_of("in press")
    (2018, None)
    """
    found = _YEAR.search(text)
    return int(found[1]) if found else None


def split_authors(text: str) -> tuple[str, ...]:
    """Split a list of authors at semicolons or at BibTeX's ``and``.

    A comma separates authors only where neither occurs and every part looks like ``Family AB``; otherwise it
    stands between family and given name.

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


_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>{}|\\^`]+")
_PMID = re.compile(r"(?<!\d)[1-9]\d{0,8}(?!\d)")
_PMCID = re.compile(r"PMC[1-9]\d{0,9}", re.IGNORECASE)
_ARXIV = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?!\d)|[a-z-]+(?:\.[A-Z]{2})?/\d{7}(?!\d)")
_OPENALEX = re.compile(r"(?<!\w)W\d{4,12}(?!\w)")


def full_name(family: str, given: str) -> str:
    """Return a person's name as ``Family, Given``, or the part of it that is there."""
    return ", ".join(part for part in (family, given) if part)


def find_doi(text: str) -> str:
    """Return the DOI in a text or address, in lower case; empty when there is none.

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

    >>> find_pmid("https://pubmed.ncbi.nlm.nih.gov/39857091/"), find_pmid("none")
    ('39857091', '')
    """
    return _first(_PMID, text)


def find_pmcid(text: str) -> str:
    """Return the PubMed Central number in a text, with its letters, or nothing.

    >>> find_pmcid("pmc13007597")
    'PMC13007597'
    """
    return _first(_PMCID, text).upper()


def find_arxiv(text: str) -> str:
    """Return the arXiv number in a text or in the DOI of a preprint, without its version, or nothing.

    >>> find_arxiv("arXiv:2010.08469v2"), find_arxiv("10.48550/arXiv.2305.12345"), find_arxiv("10.1093/x")
    ('2010.08469', '2305.12345', '')
    """
    lowered = text.lower()
    if "arxiv" not in lowered:
        return ""
    return _first(_ARXIV, text[lowered.index("arxiv") + len("arxiv") :].lstrip(".:/ "))


def find_openalex(text: str) -> str:
    """Return the OpenAlex number of a work in a text or address, or nothing.

    >>> find_openalex("https://openalex.org/W2741809807")
    'W2741809807'
    """
    return _first(_OPENALEX, text)


def one_line(text: str) -> str:
    r"""Return a text on one line, without control characters, which would steer a terminal.

    >>> one_line(" a\n  b\x1b ")
    'a b'
    """
    text = " ".join(text.split())
    return text if text.isprintable() else "".join(character for character in text if character.isprintable())


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


# Field of a record → names of the fields that may hold it, best first. `first_page`, `last_page` and
# `article_number` make up the pages.
Aliases = Mapping[str, tuple[str, ...]]

_MARKUP = re.compile(r"</?(?:i|b|u|p|br|em|strong|sub|sup|sc|italic|bold|jats:[a-z-]+|h[1-6])\b[^<>]{0,80}>", re.I)
_PUBMED_PAGE = re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/(\d+)")
_PUBMED_NAMES = frozenset({"nlm", "pubmed", "medline"})
_PAGE_RANGE = re.compile(r"[-–—]")


@dataclass(frozen=True)
class Block:
    """One record as its file spells it: the line or row where it starts, from 1, its fields in order, its raw text.

    A name of a field may occur more than once.
    """

    line: int
    fields: tuple[tuple[str, str], ...]
    raw: str

    def every(self, name: str) -> list[str]:
        """Return every value of a field that is not empty."""
        return self._values.get(name, [])

    @cached_property
    def _values(self) -> dict[str, list[str]]:
        values: dict[str, list[str]] = {}
        for name, value in self.fields:
            if text := value.strip():
                values.setdefault(name, []).append(text)
        return values

    def best(self, names: tuple[str, ...]) -> list[str]:
        """Return the values of the first of several fields that has any."""
        return next((values for name in names if (values := self.every(name))), [])


def to_record(block: Block, aliases: Aliases, source: str, index: int) -> Record:
    """Return the record that a block describes.

    `aliases` say which of its fields holds what; `source` and `index` are the file's name and the place in it.
    """

    def one(field: str) -> str:
        values = block.best(aliases.get(field, ()))
        return plain(values[0]) if values else ""

    def joined(field: str) -> str:
        return "; ".join(dict.fromkeys(plain(value) for value in block.best(aliases.get(field, ()))))

    # MEDLINE marks what kind of identifier follows: "S0048-9697(17)30912-9 [pii]".
    dois = (value for name in aliases["doi"] for value in block.every(name) if not value.endswith("[pii]"))
    doi = next(filter(None, map(find_doi, dois)), "")
    authors = block.best(aliases["authors"])
    return Record(
        source,
        index,
        title=one("title"),
        authors=tuple(map(plain, split_authors(authors[0]) if len(authors) == 1 else authors)),
        year=next((year for name in aliases["year"] for value in block.every(name) if (year := year_of(value))), None),
        journal=one("journal"),
        volume=one("volume"),
        issue=one("issue"),
        pages=_pages(one("first_page"), one("last_page"), one("article_number")),
        doi=doi,
        pmid=find_pmid(one("pmid")) or _pubmed_number(one("url"), one("accession"), one("provider")),
        pmcid=find_pmcid(one("pmcid")),
        arxiv=find_arxiv(doi) or find_arxiv(one("arxiv")),
        openalex=find_openalex(one("openalex")),
        accession=one("accession"),
        issn=one("issn"),
        abstract=plain(" ".join(block.best(aliases["abstract"]))),
        keywords=joined("keywords"),
        language=joined("language"),
        kind=joined("kind"),
        url=one("url"),
        line=block.line,
        sha256=hashlib.sha256(block.raw.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def plain(text: str) -> str:
    r"""Return text on one line, without mark-up and control characters.

    >>> plain("T<sub>1</sub> mapping\n   &amp; more; p < 0.05")
    'T1 mapping & more; p < 0.05'
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _MARKUP.sub("", text)
    return one_line(text)


def _pages(first: str, last: str, article: str) -> str:
    if not first:
        return article
    return first if not last or last == first or _PAGE_RANGE.search(first) else f"{first}-{last}"


def _pubmed_number(url: str, accession: str, provider: str) -> str:
    if found := _PUBMED_PAGE.search(url):
        return find_pmid(found[1])
    return accession if provider.lower() in _PUBMED_NAMES and accession.isdecimal() else ""
