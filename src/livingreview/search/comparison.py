"""How alike two records are, what speaks against their being one publication, and the rule that votes for it."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from livingreview.search.linkage import LONG_TITLE
from livingreview.search.normalise import Normalised

__all__ = ["Alike", "compare", "objection", "reports_of_one_study", "same_publication"]

# Shorter words that differ by a letter are other words: "men" and "ten", "hepatitis B" and "hepatitis C".
MISSPELT_FROM: Final = 4
# Below, a common DOI is an accident (a container's DOI, a typing error) and not the same publication.
SAME_DOI_TITLE: Final = 80
NEAR_TITLE: Final = 88
SAME_NAME: Final = 0.9
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
# Titles that journals use again and again, however long.
_GENERIC = re.compile(
    r"\beditor(?:s|ial|ials)?\b|\bforeword\b|\bpreface\b|\bguest edit|\bspecial issue\b|\bbook reviews?\b"
    r"|\b(?:in|to|of) (?:this|the) (?:special )?(?:issue|section)\b|\bjournal club\b|\bcase records? of\b"
    r"|^abstracts? (?:of|from)\b|\bproceedings of\b"
)
# Article numbers count otherwise than pages: "e012345", "a1754", "846553".
_LOCATOR = re.compile(r"(?:[ea]|cd|id|art)\d{3,}|[a-rt-z]\d{4,}|\d{5,}")


class Alike(IntEnum):
    """How a field of two records agrees."""

    CONFLICT = -1
    UNKNOWN = 0
    CLOSE = 1
    SAME = 2


CONFLICT, UNKNOWN, CLOSE, SAME = Alike


class Likeness(NamedTuple):
    """Two records compared field by field; UNKNOWN where one does not give it.

    Parameters
    ----------
    title
        SAME; CLOSE when every difference is a misspelt word; UNKNOWN when one is missing or is the beginning of
        the other; otherwise CONFLICT.
    title_ratio
        Similarity of the titles, 0 to 100, 100 where the words of one are all in the other.
    generic
        Whether a title is too short, or too usual, to tell publications apart.
    """

    title: Alike
    title_ratio: float
    generic: bool
    authors: Alike
    year: Alike
    journal: Alike
    volume: Alike
    issue: Alike
    page: Alike
    doi: Alike
    pmid: Alike


def compare(a: Normalised, b: Normalised) -> Likeness:
    """Compare two records field by field."""
    same = a.key == b.key
    usual = len(a.key) < LONG_TITLE or len(b.key) < LONG_TITLE or bool(_GENERIC.search(a.title))
    return Likeness(
        title=_titles(a, b),
        title_ratio=100.0 if same else max(fuzz.ratio(a.key, b.key), fuzz.token_set_ratio(a.title, b.title)),
        generic=usual or (not same and bool(_GENERIC.search(b.title))),
        authors=_authors(a, b),
        year=_years(a.year, b.year),
        journal=_journals(a.journal, b.journal),
        volume=_equal(a.volume, b.volume),
        issue=_equal(a.issue, b.issue),
        page=_pages(a, b),
        doi=_equal(a.doi, b.doi),
        pmid=_equal(a.pmid, b.pmid),
    )


def objection(a: Normalised, b: Normalised, like: Likeness) -> str:
    """Return why the records are two publications, or an empty string."""
    if a.notice != b.notice:
        return f"one is a notice ({a.notice or b.notice}) and the other is not"
    if a.preprint != b.preprint:
        return "one is a preprint"
    if a.digits != b.digits and a.key and b.key:
        return "numbers in the titles differ"
    if like.doi is SAME or like.pmid is SAME:
        if a.key and b.key and like.title_ratio < SAME_DOI_TITLE:
            return "same identifier, other title"
    elif like.volume is CONFLICT and like.page is CONFLICT:
        return "other volume and page"
    if like.pmid is CONFLICT and like.doi is not SAME:
        return "other PMID"
    same_place = like.volume is like.page is SAME and like.issue is not CONFLICT
    if like.doi is CONFLICT and (like.generic or not same_place):
        return "other DOI"
    return ""


def _equal(a: str, b: str) -> Alike:
    if not a or not b:
        return UNKNOWN
    return SAME if a == b else CONFLICT


def _years(a: int | None, b: int | None) -> Alike:
    if a is None or b is None:
        return UNKNOWN
    distance = abs(a - b)
    return CONFLICT if distance > 1 else Alike(2 - distance)


def _titles(a: Normalised, b: Normalised) -> Alike:
    if not a.key or not b.key:
        return UNKNOWN
    if a.key == b.key:
        return SAME
    ratio = fuzz.ratio(a.key, b.key)
    if ratio >= NEAR_TITLE and _misspelt(a.title.split(), b.title.split()):
        return CLOSE
    return UNKNOWN if _cut_short(a, b) else CONFLICT


def _cut_short(a: Normalised, b: Normalised) -> bool:
    """Return whether a title is the beginning of the other, or the other with words left out."""
    short, long = sorted((a, b), key=lambda record: len(record.key))
    if len(short.key) < LONG_TITLE:
        return False
    return long.key.startswith(short.key) or set(short.title.split()) <= set(long.title.split())


def _misspelt(a: list[str], b: list[str]) -> bool:
    """Return whether the words that only one title has are misspellings of words that only the other has."""
    only_a = [word for word in a if word not in b]
    only_b = [word for word in b if word not in a]
    if len(only_a) != len(only_b):
        return _one_letter("".join(only_a), "".join(only_b))
    return all(map(_one_letter, only_a, only_b))


def _one_letter(a: str, b: str) -> bool:
    """Return whether two words differ by a letter at most; two would take "hypotension" for "hypertension"."""
    return a == b or (min(len(a), len(b)) >= MISSPELT_FROM and OSA.distance(a, b, score_cutoff=1) <= 1)


def _authors(a: Normalised, b: Normalised) -> Alike:
    if not a.surnames or not b.surnames:
        return UNKNOWN
    if a.surnames == b.surnames:
        return SAME
    first_a, first_b = a.surnames[0], b.surnames[0]
    if first_a == first_b or JaroWinkler.similarity(first_a, first_b) >= SAME_NAME:
        return CLOSE
    # Compound and reversed names: "Goicoechea de Jorge" and "de Jorge", "Li Wei" and "Wei Li".
    shorter = min(first_a, first_b, key=len)
    if len(shorter) > 3 and shorter in max(first_a, first_b, key=len):
        return CLOSE
    common = len(set(a.surnames) & set(b.surnames))
    return CLOSE if common >= 2 and common >= 0.6 * min(len(a.surnames), len(b.surnames)) else CONFLICT


def _journals(a: str, b: str) -> Alike:
    if not a or not b:
        return UNKNOWN
    if a == b:
        return SAME
    return CLOSE if _abbreviates(a, b) or fuzz.token_set_ratio(a, b) >= 85 else CONFLICT


_SMALL_WORDS: Final = frozenset(
    ("the", "of", "and", "in", "for", "on", "a", "an", "de", "der", "die", "und", "la", "et", "le")
)


def _abbreviates(a: str, b: str) -> bool:
    """Return whether one journal title is the other with its words cut short or left to their initials."""
    words_a = [word for word in a.split() if word not in _SMALL_WORDS]
    words_b = [word for word in b.split() if word not in _SMALL_WORDS]
    short, long = sorted((words_a, words_b), key=lambda words: sum(map(len, words)))
    if len(short) == 1 and short[0] == "".join(word[0] for word in long):
        return True
    place = 0
    for word in short:
        while place < len(long) and not _cut(word, long[place]):
            place += 1
        if place == len(long):
            return False
        place += 1
    return bool(short) and len(short) * 2 >= min(len(long), 4)


def _cut(short: str, word: str) -> bool:
    """Return whether `short` begins `word`, or begins and ends it as in "natl" and "national"."""
    return word.startswith(short) or (len(short) > 2 and word.startswith(short[:2]) and word.endswith(short[-1]))


def _pages(a: Normalised, b: Normalised) -> Alike:
    if not a.page or not b.page:
        # "Suppl-42" has lost its first page and the start of its last: that of "S34-S42".
        lost, other = sorted((a, b), key=lambda record: record.page)
        ends = lost.last_page and other.last_page and other.last_page.endswith(lost.last_page.strip(_LETTERS))
        return CLOSE if ends else UNKNOWN
    ends_agree = bool(a.last_page and b.last_page) and a.last_page == b.last_page
    if a.page == b.page:
        return SAME if ends_agree or not (a.last_page and b.last_page) else CLOSE
    if ends_agree or a.page.strip(_LETTERS) == b.page.strip(_LETTERS) or _within(a, b) or _within(b, a):
        return CLOSE
    if bool(_LOCATOR.fullmatch(a.page)) != bool(_LOCATOR.fullmatch(b.page)):
        return UNKNOWN
    return CONFLICT


def _within(a: Normalised, b: Normalised) -> bool:
    """Return whether the first page of `a` is a later page of `b`."""
    if not (a.page.isdigit() and b.page.isdigit() and b.last_page.isdigit()):
        return False
    return int(b.page) < int(a.page) <= int(b.last_page) < int(b.page) + 100


# Ratio of titles whose spelling differs: ">=30" and ">or=30", "(alpha)v(beta)3" and "alphavbeta3".
SIMILAR_TITLE: Final = 93
# Ratio of the titles of a preprint and its article, whose authors are the same.
RETITLED: Final = 85
# An issue seldom has as many pages: from here on the pages of a volume are counted through.
CONTINUOUS_PAGE: Final = 300


def same_publication(a: Normalised, b: Normalised, like: Likeness) -> str:
    """Return why the rule takes two records that nothing objects to for one publication; empty when it does not."""
    if like.year is CONFLICT:
        return ""
    identified = SAME in (like.doi, like.pmid)
    placed = like.volume is SAME and like.page >= CLOSE
    if like.authors is CONFLICT:
        # Family and given names in the wrong order; a long title with an identifier or a place is enough.
        certain = identified or (placed and like.journal >= CLOSE)
        return (
            "same title and place" if like.title is SAME and like.year is SAME and certain and not like.generic else ""
        )
    if identified:
        return _by_identifier(like)
    if like.generic:
        return _generic(a, like)
    if like.title >= CLOSE:
        return _by_title(like, placed=placed, kinds_differ=a.conference != b.conference)
    return _by_place(a, b, like) if placed and like.year is SAME else ""


def _by_place(a: Normalised, b: Normalised, like: Likeness) -> str:
    """Vote on titles that differ by more than misspelt words, where year, volume and page are the same."""
    if like.title is UNKNOWN:
        known = like.authors is SAME or (like.authors is CLOSE and like.journal is not CONFLICT)
        return "title cut short, same authors and place" if known else ""
    if like.authors is not SAME or like.journal < CLOSE or like.page is not SAME:
        return ""
    # Abstracts of one group share a page, and their titles much: only pages of an article's length count.
    article = a.page.isdigit() and max(a.last_page, b.last_page) not in ("", a.page)
    return "similar title, same authors and place" if article and like.title_ratio >= SIMILAR_TITLE else ""


def _generic(a: Normalised, like: Likeness) -> str:
    exact = like.title is SAME and like.page is SAME and like.volume is SAME and like.year is SAME
    # Journals that begin every issue with page 1 have the same pages in every issue.
    other_issue = like.issue is CONFLICT and not (a.page.isdigit() and int(a.page) >= CONTINUOUS_PAGE)
    other = like.journal is CONFLICT or other_issue or like.authors < CLOSE
    return "usual title, same authors and place" if exact and not other else ""


def _by_identifier(like: Likeness) -> str:
    name = "DOI" if like.doi is SAME else "PMID"
    if like.generic and CONFLICT in (like.volume, like.page):
        return ""
    if like.page is CONFLICT and (like.volume is CONFLICT or like.authors is not SAME):
        # Abstracts of one supplement under the supplement's DOI.
        return ""
    if like.title is CONFLICT and (like.authors is not SAME or CONFLICT in (like.volume, like.page)):
        return ""
    return f"same {name} and title"


def _by_title(like: Likeness, *, placed: bool, kinds_differ: bool) -> str:
    if placed:
        return "same title, volume and page"
    if like.year is not SAME or like.journal is CONFLICT or like.authors is UNKNOWN:
        return ""
    if like.page is SAME or (like.page is CLOSE and like.volume is not CONFLICT):
        return "same title, authors, journal and page"
    unplaced = like.page is UNKNOWN and CONFLICT not in (like.volume, like.issue)
    # A conference abstract has the title, authors and year of its article: only a place tells that it is one.
    if unplaced and like.journal >= CLOSE and SAME in (like.title, like.authors) and not kinds_differ:
        return "same title, authors, journal and year"
    return ""


def reports_of_one_study(a: Normalised, b: Normalised, like: Likeness) -> bool:
    """Return whether one record is the preprint of the other: two reports, both kept, of one study."""
    if a.preprint == b.preprint or a.notice != b.notice or a.digits != b.digits or like.generic:
        return False
    alike = like.title >= CLOSE or (like.authors is SAME and len(a.surnames) > 1 and like.title_ratio >= RETITLED)
    return alike and like.authors >= CLOSE
