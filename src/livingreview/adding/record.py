"""A study's bibliographic record: fetch it or read it from an export, refuse what is no study, take its facts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from slugify import slugify

from livingreview.errors import DataError, Fault, SearchError
from livingreview.search.formats import read_export
from livingreview.search.normalise import read_title, surnames
from livingreview.search.records import Record, find_doi
from livingreview.search.sources import connect
from livingreview.search.sources.base import LookedUp
from livingreview.search.sources.http import Absent, Limits
from livingreview.search.sources.pubmed import PubMed
from livingreview.search.sources.services import Crossref

__all__ = ["facts_of", "identify", "look_up", "notices", "read_file", "refuse_hidden", "stem"]

# A person is waiting: fewer and shorter attempts than a search in the night makes.
PATIENCE = Limits(attempts=3, longest_pause=10.0, connect=10.0, silence=20.0, whole=60.0, size=5_000_000)
WAY_OUT = "Nothing was written; try again later, or export the citation as RIS, nbib or BibTeX and give that file"
LARGEST_FILE = 1_000_000

_PMID = re.compile(r"(?:PMID:?\s*|(?:https?://)?pubmed\.ncbi\.nlm\.nih\.gov/)?([1-9]\d{0,8})/?", re.IGNORECASE)
_TAKES_BACK = re.compile(r"retract|withdraw|removal", re.IGNORECASE)
# A newer version of a preprint says nothing against it.
_NEW_VERSION = re.compile(
    r"^(?:new[_ ](?:version|edition)|Update|Republished|Comment|SummaryForPatients)", re.IGNORECASE
)
# A source's words for a kind of publication, in lower case → the review's.
KINDS = {
    "journal-article": "journal article",
    "journal article": "journal article",
    "article": "journal article",
    "jour": "journal article",
    "proceedings-article": "conference paper",
    "conference paper": "conference paper",
    "inproceedings": "conference paper",
    "conf": "conference paper",
    "cpaper": "conference paper",
    "posted-content": "preprint",
    "preprint": "preprint",
}
# Scripts with letters that look like Latin ones; Greek is left out, as β2 and TGFβ are words.
LOOKALIKES = frozenset({"CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})


def identify(text: str) -> tuple[str, str] | None:
    """Return ``("doi", …)`` or ``("pmid", …)``, or None for what is neither.

    Examples
    --------
    >>> identify("https://doi.org/10.1038/S44161-025-00679-1"), identify("PMID 40603582"), identify("study.ris")
    (('doi', '10.1038/s44161-025-00679-1'), ('pmid', '40603582'), None)
    """
    if found := _PMID.fullmatch(text.strip()):
        return "pmid", found[1]
    doi = find_doi(text)
    return ("doi", doi) if doi and doi.isascii() and len(doi) <= 200 else None


def look_up(kind: str, identifier: str, environment: Mapping[str, str]) -> LookedUp:
    """Return the record of a DOI from Crossref, or of a PubMed number from PubMed, as :func:`identify` returns them.

    Raises
    ------
    SearchError
        No usable answer came; the message ends with the way out.
    """
    name = {"doi": "crossref", "pmid": "pubmed"}[kind]
    contact = environment.get("LIVINGREVIEW_CONTACT", "")
    (source,), _ = connect([name], environment, contact, limits=PATIENCE, remedy=WAY_OUT)
    assert isinstance(source, Crossref | PubMed)
    try:
        return source.look_up(identifier)
    except Absent:
        elsewhere = "; DOIs of arXiv and of data sets are registered elsewhere" if kind == "doi" else ""
        raise SearchError(
            f"{source.database} does not know {identifier}: compare it with the paper{elsewhere}. {WAY_OUT}"
        ) from None
    except SearchError as error:
        told = str(error)
        raise SearchError(told if WAY_OUT in told else f"{told}. {WAY_OUT}") from None
    finally:
        source.service.close()


def read_file(path: Path) -> tuple[LookedUp, list[Fault]]:
    """Return the one record of an export file, and what its reader reports.

    Raises
    ------
    DataError
        The file has no record, several, or is larger than any one record.
    """

    def refuse(problem: str, remedy: str) -> DataError:
        return DataError([Fault(path.name, 0, "", problem, remedy, "ADD-001")])

    if path.is_file() and path.stat().st_size > LARGEST_FILE:
        raise refuse(f"larger than {LARGEST_FILE:,} bytes", "export the one study")
    records, faults = read_export(path, path.name)
    if not records:
        raise DataError(faults or [Fault(path.name, 0, "", "no record", "export the study anew", "ADD-001")])
    if len(records) > 1:
        raise refuse(f"{len(records)} records", "export the one study")
    return LookedUp(records[0], "the record in an export of a bibliographic database"), faults


def notices(found: LookedUp) -> Iterator[tuple[bool, str]]:
    """Yield what speaks against a record: whether it is refused for it, and why.

    A notice is no study, and a study that was taken back is no evidence; an erratum has to be read with its study.
    """
    kind, _ = read_title(found.record.title, found.record.kind)
    corrected = [notice for notice in found.is_notice_of if not _NEW_VERSION.match(notice)]
    if found.record.title.lower().startswith("retracted") or "retracted publication" in found.record.kind.lower():
        yield True, "this publication was retracted; a study that was taken back is not added"
    elif kind in ("erratum", "retraction") or corrected:
        about = f" ({', '.join(corrected)[:200]})" if corrected else ""
        yield True, f"this is a notice about another publication{about}; give the study's own DOI or PubMed number"
    for notice in found.has_notices:
        if _TAKES_BACK.search(notice) and "partial" not in notice.lower():
            yield True, f"this publication was taken back ({notice[:100]}); it is not added"
        elif not _NEW_VERSION.match(notice):
            yield False, f"there is a notice about this publication ({notice[:100]}): read it together with the paper"


def facts_of(record: Record) -> dict[str, Any]:
    """Return the fields of a study's ``report`` that a record gives, in the order of the file.

    Raises
    ------
    DataError
        The record has no title, or holds hidden characters or lookalikes.
    """
    if not record.title:
        problem = f"the record has no title ({record.source_file})"
        raise DataError([Fault("", 0, "report.title", problem, "export the citation anew", "ADD-002")])
    authors = [_cited(author) for author in record.authors if author.strip()]
    kinds = [KINDS[kind] for part in record.kind.split("; ") if (kind := part.strip().lower()) in KINDS]
    facts = {
        "title": record.title.removesuffix(".") if not record.title.endswith("..") else record.title,
        "first_author": authors[0] if authors else None,
        "authors": authors if len(authors) > 1 else None,
        "journal": _journal(record),
        "year": record.year,
        # PubMed calls a preprint a journal article as well.
        "kind": "preprint" if "preprint" in kinds else kinds[0] if kinds else None,
        "doi": record.doi,
        "pmid": record.pmid,
        "pmcid": record.pmcid,
    }
    known = {name: value for name, value in facts.items() if value}
    refuse_hidden(known)
    return known


def _cited(author: str) -> str:
    """Return an author as reference lists print the name.

    Examples
    --------
    >>> _cited("van der Berg, Jan-Piet"), _cited("Smith, JA"), _cited("The Consortium")
    ('van der Berg JP', 'Smith JA', 'The Consortium')
    """
    family, _, given = author.partition(",")
    words = re.findall(r"[^\W\d_]+", given)
    initials = "".join(word if word.isupper() and len(word) <= 3 else word[0].upper() for word in words)
    return f"{family.strip()} {initials}".strip()


def stem(record: Record) -> str:
    """Return what a study's id is made of, surname and year in ASCII; empty where there is no surname.

    Examples
    --------
    >>> stem(Record("a", 0, authors=("Đorđević, A",), year=2026))
    'dordevic2026'
    """
    names = surnames(record.authors[:1])
    name = slugify(names[0], separator="")[:40] if names else ""
    return f"{name}{record.year or ''}" if name[:1].isalpha() else ""


def refuse_hidden(texts: Mapping[str, Any]) -> None:
    """Refuse text with characters that nobody sees, or with letters that look like others.

    Raises
    ------
    DataError
        One fault for each field.
    """
    faults = []
    for name, value in texts.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and (problem := next(_hidden(text), None)):
                remedy = "correct it in the export file or form, and give that"
                faults.append(Fault("", 0, name, problem, remedy, "ADD-003"))
    if faults:
        raise DataError(faults)


def _hidden(text: str) -> Iterator[str]:
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"):
            yield f"an invisible character, U+{ord(character):04X}"
    for word in re.findall(r"[^\W\d_]+", text):
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
        if "LATIN" in scripts and scripts & LOOKALIKES:
            yield f"Latin letters mixed with {', '.join(sorted(scripts & LOOKALIKES)).title()} ones in {word!a}"


def _journal(record: Record) -> str:
    # As in "J Cardiovasc Magn Reson 2026;28(1):100".
    issue = f"({record.issue})" if record.issue else ""
    place = f"{record.volume}{issue}" + (f":{record.pages}" if record.pages else "")
    after = f" {record.year or ''};{place}" if place else ""
    return f"{record.journal}{after}" if record.journal else ""
