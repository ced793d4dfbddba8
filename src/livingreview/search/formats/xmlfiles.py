"""Read the XML of PubMed and of EndNote, from files and from the E-utilities, without ever expanding an entity."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from livingreview.errors import Fault
from livingreview.search.records import Aliases, Block, full_name

__all__ = ["PLAIN", "pubmed_block", "read_xml"]

# The blocks of XML files carry the names of a record's own fields.
_NAMES = (
    "title", "authors", "year", "journal", "volume", "issue", "first_page", "last_page", "article_number", "doi",
    "pmid", "pmcid", "arxiv", "openalex", "accession", "issn", "abstract", "keywords", "language", "kind", "url",
)  # fmt: skip
PLAIN: Aliases = MappingProxyType({name: (name,) for name in _NAMES})

_PUBMED = frozenset({"PubmedArticle", "PubmedBookArticle"})
# Element around everything → elements that are records.
ROOTS = MappingProxyType(
    {
        "PubmedArticleSet": _PUBMED,
        "PubmedBookArticleSet": _PUBMED,
        "PubmedArticle": _PUBMED,
        "xml": frozenset({"record"}),
        "records": frozenset({"record"}),
    }
)


def read_xml(data: bytes, path: str) -> tuple[list[Block], list[Fault]]:
    """Return every record of an XML file, those before a break in it included; `path` is its name for faults.

    Its declaration says how it is encoded; a file that declares entities is refused from the declaration on.
    """
    blocks: list[Block] = []
    faults: list[Fault] = []
    names: frozenset[str] | None = None
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end")):
            if event == "start" and names is None:
                names = ROOTS.get(element.tag, frozenset())
            elif event == "end" and names is not None and element.tag in names:
                blocks.append((pubmed_block if element.tag in _PUBMED else _endnote_block)(element))
                element.clear()
    except ParseError as error:
        problem = f"not well-formed XML: {error}; {len(blocks)} records before it were read"
        faults.append(Fault(path, error.position[0], "", problem, "export the file anew", "IMPORT-009"))
    except DefusedXmlException as error:
        problem = f"XML that declares entities is refused: {error}"
        faults.append(Fault(path, 1, "", problem, "export the file from its database", "IMPORT-010"))
    lines = list(_line_numbers(data, names or frozenset()))
    places = [*lines, *[0] * len(blocks)][: len(blocks)]
    blocks = [replace(block, line=line) for line, block in zip(places, blocks, strict=True)]
    if not faults and len(blocks) < len(lines):
        problem = f"{len(lines)} records begin in the file, {len(blocks)} were read"
        faults.append(Fault(path, 0, "", problem, "report this file", "IMPORT-005"))
    return blocks, faults


def pubmed_block(article: Element) -> Block:
    """Return one ``PubmedArticle`` or ``PubmedBookArticle``."""
    raw = tostring(article, encoding="unicode")
    fields: list[tuple[str, str]] = []

    def add(name: str, *paths: str) -> None:
        for path in paths:
            found = [text for element in article.iterfind(path) if (text := _text(element))]
            if found:
                fields.extend((name, text) for text in found)
                return

    add("title", ".//Article/ArticleTitle", ".//BookDocument/ArticleTitle", ".//Book/BookTitle", ".//VernacularTitle")
    for author in article.iterfind(".//AuthorList/Author"):
        given = author.findtext("ForeName") or author.findtext("Initials") or ""
        name = full_name(author.findtext("LastName") or "", given) or author.findtext("CollectiveName") or ""
        fields.append(("authors", name))
    add("year", ".//JournalIssue/PubDate/Year", ".//JournalIssue/PubDate/MedlineDate", ".//Book/PubDate/Year")
    add("year", ".//ArticleDate/Year")
    add("journal", ".//Journal/Title", ".//Journal/ISOAbbreviation", ".//MedlineTA")
    add("volume", ".//JournalIssue/Volume")
    add("issue", ".//JournalIssue/Issue")
    add("first_page", ".//Pagination/MedlinePgn", ".//Pagination/StartPage")
    # References to other articles carry identifiers too; only these two places speak of this one.
    add("doi", ".//ELocationID[@EIdType='doi']")
    add("doi", "./PubmedData/ArticleIdList/ArticleId[@IdType='doi']")
    add("doi", "./PubmedBookData/ArticleIdList/ArticleId[@IdType='doi']")
    add("pmid", "./MedlineCitation/PMID", "./BookDocument/PMID")
    add("accession", "./MedlineCitation/PMID", "./BookDocument/PMID")
    add("pmcid", "./PubmedData/ArticleIdList/ArticleId[@IdType='pmc']")
    add("issn", ".//Journal/ISSN")
    for part in article.iterfind(".//Abstract/AbstractText"):
        label = part.get("Label")
        fields.append(("abstract", f"{label}: {_text(part)}" if label else _text(part)))
    add("keywords", ".//KeywordList/Keyword", ".//MeshHeading/DescriptorName")
    add("language", ".//Article/Language", ".//BookDocument/Language")
    add("kind", ".//PublicationTypeList/PublicationType", ".//BookDocument/PublicationType")
    return Block(0, tuple(fields), raw)


_ENDNOTE_PATHS = (
    ("title", "titles/title"), ("authors", "contributors/authors/author"), ("year", "dates/year"),
    ("year", "dates/pub-dates/date"), ("journal", "titles/secondary-title"), ("journal", "periodical/full-title"),
    ("volume", "volume"), ("issue", "number"), ("first_page", "pages"), ("doi", "electronic-resource-num"),
    ("pmcid", "custom2"), ("accession", "accession-num"), ("issn", "isbn"), ("abstract", "abstract"),
    ("keywords", "keywords/keyword"), ("language", "language"), ("url", "urls/related-urls/url"),
)  # fmt: skip


def _endnote_block(record: Element) -> Block:
    raw = tostring(record, encoding="unicode")
    fields = [
        (name, text) for name, path in _ENDNOTE_PATHS for found in record.iterfind(path) if (text := _text(found))
    ]
    kind = record.find("ref-type")
    if kind is not None and kind.get("name"):
        fields.append(("kind", str(kind.get("name"))))
    return Block(0, tuple(fields), raw)


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _line_numbers(data: bytes, names: frozenset[str]) -> Iterator[int]:
    pattern = re.compile(rb"<(?:%s)[\s>]" % b"|".join(name.encode() for name in sorted(names)))
    line, position = 1, 0
    for match in pattern.finditer(data):
        line += data.count(b"\n", position, match.start())
        position = match.start()
        yield line
