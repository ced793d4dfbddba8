"""What two records are compared by: their fields without the habits of the databases that printed them."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from livingreview.search.records import Record, find_doi

__all__ = ["Normalised", "first_page", "fold", "normalise", "read_title", "surnames"]

_TAG = re.compile(r"<[^<>]{1,40}>")
# The same for text in ASCII, several times as fast: everything but letters and digits is a blank, "'" is nothing.
_BLANKS: Final = {code: None if chr(code) == "'" else " " for code in range(128) if not chr(code).isalnum()}
_WORD = re.compile(r"[^\W_]+")
# Letters and signs that one database prints and another spells.
_SPELT: Final = str.maketrans(
    {letter: f" {unicodedata.name(letter).split()[-1].lower()} " for letter in "αβγδεζηθκλμνπρστφχψωΔΩ"}
    | {
        "’": "'",
        "‘": "'",
        "µ": " mu ",
        "≥": ">=",
        "≤": "<=",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "ł": "l",
        "ı": "i",
    }
)

# What databases add to a title: "[Review] [33 refs]", "[Erratum appears in …]", "[Turkish]", "(Chinese)".
_ADDED = re.compile(
    r"\s*[\[(](?:review|\d+ refs?\.?|letter|in [a-z]+"
    r"|[a-z]{3,8}(?:ian|ish|ese|ench|man|utch)\b[^\[\]()]*)[\])][.\s]*$"
    r"|\s*\[(?:see comments?|comment (?:in|on)|(?:published )?erratum (?:appears )?in|retraction in"
    r"|republished (?:in|from)|summary for patients in|reprint|original report).*$"
)
# Web of Science appends what an erratum corrects: "(vol 12, pg 3, 2010)", "(Retraction of vol 3, pg 1)".
_CORRECTS = re.compile(
    r"\((?:retraction of |erratum |correction |retracted article[. ]*(?:see )?)?vol\.? .{3,80}\)\s*$"
)

# A notice about a publication is not the publication. These are read in the lower-case title as printed, for the
# punctuation tells "Correction: X" from "Correction of X"; they are cut off, and the rest names what is corrected.
_CUT_NOTICES: Final = (
    ("erratum", re.compile(r"^\W*(?:errat(?:um|a)|corrigend(?:um|a)|addend(?:um|a))\b\W*(?:(?:to|for|in|of|on)\b)?")),
    ("erratum", re.compile(r"^\W*(?:author|publisher)(?:'?s'?)? corrections?\b\W*(?:(?:to|for)\b)?")),
    ("erratum", re.compile(r"^\W*corrections?(?: to\b|\s*[:–—]| -|\W*$)")),
    ("erratum", re.compile(r"\W(?:errat(?:um|a)|corrigend(?:um|a)|addendum|\[correction\]|\(correction\))\W*$")),
    (
        "retraction",
        re.compile(r"^\W*(?:retract(?:ion|ed)|withdraw(?:al|n))(?: (?:article|note|notice|paper))?\s*[:–—]"),
    ),
    ("retraction", re.compile(r"^\W*(?:notice of retraction|expression of concern)\b\W*(?:(?:to|for|of|on)\b)?")),
    ("reply", re.compile(r"^\W*(?:authors?'? )?(?:reply|response)\s*[:–—]")),
    ("comment", re.compile(r"^\W*(?:comment|commentary|letter)\s*[:–—]")),
)
# These are read in the folded title, which keeps them.
_KEPT_NOTICES: Final = (
    ("comment", re.compile(r"^(?:invited )?(?:comments?|commentary|letter) (?:on|to|re|by)\b")),
    ("reply", re.compile(r"^(?:(?:the )?authors? )?(?:reply|replies|response|rejoinder) (?:to|by|from)\b")),
    ("reply", re.compile(r"\b(?:reply|replies|authors? response)$")),
)
# Cheaper than the patterns above, which only a title with one of these can match.
_NOTICE_HINT = re.compile(r"errat|corrig|correct|addend|retract|withdr|concern|comment|letter|repl|respon|rejoin")
_NOTICE_KINDS: Final = (
    ("erratum", re.compile(r"errat|corrigend|\bcorrection|addend")),
    ("retraction", re.compile(r"\bretraction of|\bretraction notice|^retraction$|expression of concern")),
)


def fold(text: str) -> str:
    """Return lower-case words without accents, mark-up and punctuation.

    >>> fold("T<sub>1</sub> mapping &amp; Müller’s <i>U-Net</i>")
    't1 mapping and mullers u net'
    """
    if "<" in text or "&" in text:
        text = _TAG.sub("", html.unescape(text)).replace("&", " and ")
    if text.isascii():
        return " ".join(text.lower().translate(_BLANKS).split())
    text = unicodedata.normalize("NFKD", text.translate(_SPELT))
    text = "".join(character for character in text if not unicodedata.combining(character))
    return " ".join(_WORD.findall(text.casefold().replace("'", "")))


def read_title(title: str, kind: str) -> tuple[str, str]:
    """Return what a record is a notice of, and the title as printed without what was added to it.

    The title is as the database prints it, `kind` the type of publication in the database's words. A notice is an
    ``"erratum"``, ``"retraction"``, ``"comment"`` or ``"reply"``; it is empty for a publication of its own.

    >>> read_title("Author Correction: T1 mapping", ""), read_title("Motion correction: a review", "")
    (('erratum', 't1 mapping'), ('', 'motion correction: a review'))
    >>> read_title("T1 mapping (vol 12, pg 3, 2010)", ""), read_title("T1 mapping. [Review] [33 refs]", "")
    (('erratum', 't1 mapping'), ('', 't1 mapping.'))
    """
    title = title.strip().lower()
    kind = kind.lower()
    while ("[" in title or "(" in title) and (added := _ADDED.search(title)) and added.start():
        title = title[: added.start()]
    corrects = _CORRECTS.search(title)
    if corrects:
        title = title[: corrects.start()].rstrip()
    if _NOTICE_HINT.search(title):
        for name, pattern in _CUT_NOTICES:
            if found := pattern.search(title):
                return name, (title[: found.start()] + title[found.end() :]).strip() or title
        folded = fold(title)
        for name, pattern in _KEPT_NOTICES:
            if pattern.search(folded):
                return name, title
    for name, pattern in _NOTICE_KINDS:
        if kind and pattern.search(kind):
            return name, title
    if corrects:
        return ("retraction" if "retract" in corrects[0] else "erratum"), title
    return "", title


# Values that stand for "not given" in exports.
_ABSENT = frozenset({"unknown", "none", "null", "nan", "na", "n a", "anonymous", "anon", "no author", "not available"})

_NUMBER = re.compile(r"\d+")
_PAGE = re.compile(r"[a-z]*\d+[a-z]?")
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_MONTH = re.compile(
    r"\d-(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-\d"
)
_NO_FIRST_PAGE = re.compile(r"\s*[a-z]+\s*-")
_ROMAN: Final = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_PARTS = frozenset(
    {"part", "parts", "paper", "volume", "chapter", "section", "phase", "stage", "type", "grade", "class", "study"}
)
_ORDINALS: Final = {"one": "1", "two": "2", "three": "3", "four": "4", "first": "1", "second": "2", "third": "3"}

_PREPRINT_DOI = re.compile(
    r"10\.(?:1101/(?:\d{6,}|\d{4}\.\d\d\.\d\d)|48550/arxiv|64898/|21203/rs|2139/ssrn|20944/preprints"
    r"|36227/techrxiv|31234/|26434/chemrxiv|22541/au|31219/osf)"
)
_PREPRINT_PLACE = re.compile(
    r"\b(?:arxiv|biorxiv|medrxiv|techrxiv|psyarxiv|chemrxiv|research square|ssrn|preprints?|osf preprints)\b"
)
_CONFERENCE = re.compile(r"\b(?:conference|congress|symposium|workshop|meeting)\b")
# Where meetings are printed: "22 SUPPL. 1", "MeetingAbstracts", page "S12".
_SUPPLEMENT = re.compile(r"suppl|abstr|meeting|^s\d|^\d+ ?s\d", re.IGNORECASE)


class Normalised(NamedTuple):
    """A record as it is compared; a field that is not known is empty.

    Parameters
    ----------
    title, key
        Folded words of the title separated by single blanks, without notices such as ``"Erratum:"``; without blanks.
    digits, notice
        The digits of the title in order, Roman and written part numbers included; as of :func:`read_title`.
    volume, issue
        Digits (or the word) of volume and issue.
    page, last_page
        First and last page, the last one completed (``123-8`` ends on 128).
    preprint, conference
        Whether the record says that it is a preprint, or comes from a conference or a journal's supplement.
    """

    title: str
    key: str
    digits: str
    notice: str
    surnames: tuple[str, ...]
    year: int | None
    journal: str
    volume: str
    issue: str
    page: str
    last_page: str
    doi: str
    pmid: str
    preprint: bool
    conference: bool


def first_page(text: str) -> tuple[str, str]:
    """Return first and last page (or article number); the last is completed from the first.

    >>> first_page("1123-8"), first_page("S36 -- S38"), first_page("e012345"), first_page("Suppl-42")
    (('1123', '1128'), ('s36', 's38'), ('e12345', ''), ('', '42'))
    """
    text = text.lower().replace("pp.", "").replace("p.", "")
    if _MONTH.search(text):  # "1-6" after a visit to a spreadsheet: "01-Jun"
        return "", ""
    pages = [_LEADING_ZEROS.sub("", page) for page in _PAGE.findall(text)]
    if not pages:
        return "", ""
    if _NO_FIRST_PAGE.match(text):
        return "", pages[0]
    first = pages[0]
    last = pages[1] if len(pages) > 1 else ""
    if last.isdigit() and first.isdigit() and len(last) < len(first):
        last = first[: len(first) - len(last)] + last
    return first, last


def surnames(authors: tuple[str, ...]) -> tuple[str, ...]:
    """Return the folded family names.

    >>> surnames(("van der Berg, S.", "Smith JA", "Jane Doe"))
    ('vanderberg', 'smith', 'doe')
    """
    families = (_family(author) for author in authors)
    return tuple(family for family in families if family and family not in _ABSENT and family != "al")


@lru_cache(maxsize=100_000)
def _family(author: str) -> str:
    if "," in author:
        return fold(author.partition(",")[0]).replace(" ", "")
    words = author.replace(".", ". ").split()
    for place, word in enumerate(words[1:], 1):
        if len(word.rstrip(".")) <= 3 and word.rstrip(".").replace("-", "").isupper():  # initials
            return fold(" ".join(words[:place])).replace(" ", "")
    return fold(words[-1]) if words else ""


def normalise(record: Record) -> Normalised:
    """Return the record as it is compared."""
    kind = record.kind.lower()
    notice, printed = read_title(record.title, kind)
    title = _known(fold(printed))
    names = surnames(record.authors)
    journal, preprint_place, conference_place = _place(record.journal)
    page, last_page = first_page(record.pages) if record.pages.lower() not in _ABSENT else ("", "")
    doi = find_doi(record.doi)
    return Normalised(
        title=title,
        key=title.replace(" ", ""),
        digits=_digits(title),
        notice=notice,
        surnames=names,
        year=record.year,
        journal=journal,
        volume=_number(record.volume),
        issue=_number(record.issue),
        page=page,
        last_page=last_page,
        doi=doi,
        pmid=_number(record.pmid),
        preprint=bool("preprint" in kind or _PREPRINT_DOI.match(doi) or preprint_place),
        conference=conference_place or any(map(_SUPPLEMENT.search, (kind, record.volume, record.issue, page))),
    )


@lru_cache(maxsize=20_000)
def _place(journal: str) -> tuple[str, bool, bool]:
    """Return the folded journal, and whether it holds preprints or conference papers."""
    folded = _known(fold(journal))
    return folded, bool(_PREPRINT_PLACE.search(folded)), bool(_CONFERENCE.search(folded))


def _known(text: str) -> str:
    return "" if text in _ABSENT else text


def _number(text: str) -> str:
    if text.isdigit() or not text:
        return text.lstrip("0")
    folded = _known(fold(text))
    found = _NUMBER.search(folded)
    return found[0].lstrip("0") if found else folded


def _digits(title: str) -> str:
    """Return the digits of a title in order; "Part II" and "part two" count as "part 2"."""
    digits = _NUMBER.findall(title)
    words = title.split()
    for before, word in pairwise(words):
        if before in _PARTS:
            digits.extend(filter(None, [_ROMAN.get(word) or _ORDINALS.get(word)]))
    if words and words[-1] in _ROMAN and len(words[-1]) > 1 and words[-2:-1] and words[-2] not in _PARTS:
        digits.append(_ROMAN[words[-1]])
    return "".join(digits)
