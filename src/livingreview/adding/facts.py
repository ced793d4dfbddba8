"""Turn a bibliographic record into the facts of a report, and refuse text that is not what it looks like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from slugify import slugify

from livingreview.errors import DataError, Fault
from livingreview.search.normalise import surnames
from livingreview.search.records import Record

__all__ = ["facts_of", "refuse_hidden", "stem"]

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
    authors = [cited(author) for author in record.authors if author.strip()]
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


def cited(author: str) -> str:
    """Return an author as reference lists print the name.

    Examples
    --------
    >>> cited("van der Berg, Jan-Piet"), cited("Smith, JA"), cited("The Consortium")
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
    names, _ = surnames(record.authors[:1])
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
