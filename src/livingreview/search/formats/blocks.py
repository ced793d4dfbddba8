"""What every reader of a format returns, and the one place where fields become a record."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from livingreview.search.records import (
    Record,
    find_arxiv,
    find_doi,
    find_openalex,
    find_pmcid,
    find_pmid,
    printable,
    split_authors,
    year_of,
)

__all__ = ["Aliases", "Block", "to_record"]

# Field of a record → names of the fields that may hold it, best first. `first_page`, `last_page` and
# `article_number` make up the pages.
Aliases = Mapping[str, tuple[str, ...]]

_BLANKS = re.compile(r"\s+")
_MARKUP = re.compile(r"</?(?:i|b|u|p|br|em|strong|sub|sup|sc|italic|bold|jats:[a-z-]+|h[1-6])\b[^<>]{0,80}>", re.I)
_PUBMED_PAGE = re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/(\d+)")
_PUBMED_NAMES = frozenset({"nlm", "pubmed", "medline"})
_PAGE_RANGE = re.compile(r"[-–—]")


@dataclass(frozen=True)
class Block:
    """One record as its file spells it.

    Parameters
    ----------
    line
        1-based line or row where it starts.
    fields
        Names and values in the file's order; a name may occur more than once.
    raw
        The text it was read from.
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

    doi = next((doi for name in aliases["doi"] for value in block.every(name) if (doi := _doi(value))), "")
    return Record(
        source,
        index,
        title=one("title"),
        authors=_authors(block.best(aliases["authors"])),
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

    Examples
    --------
    >>> plain("T<sub>1</sub> mapping\n   &amp; more; p < 0.05")
    'T1 mapping & more; p < 0.05'
    """
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _MARKUP.sub("", text)
    return printable(_BLANKS.sub(" ", text).strip())


def _authors(values: list[str]) -> tuple[str, ...]:
    if len(values) == 1:
        return tuple(plain(author) for author in split_authors(values[0]))
    return tuple(plain(value) for value in values)


def _pages(first: str, last: str, article: str) -> str:
    if not first:
        return article
    return first if not last or last == first or _PAGE_RANGE.search(first) else f"{first}-{last}"


def _pubmed_number(url: str, accession: str, provider: str) -> str:
    found = _PUBMED_PAGE.search(url)
    if found:
        return find_pmid(found[1])
    return accession if provider.lower() in _PUBMED_NAMES and accession.isdecimal() else ""


def _doi(value: str) -> str:
    # MEDLINE marks what kind of identifier follows: "S0048-9697(17)30912-9 [pii]".
    return "" if value.endswith("[pii]") else find_doi(value)
