"""The second vote: a readable rule on the likeness of two records."""

from __future__ import annotations

from typing import Final

from livingreview.search.guards import Agreement, Likeness
from livingreview.search.normalise import Normalised

__all__ = ["reports_of_one_study", "same_publication"]

CONFLICT, UNKNOWN, CLOSE, SAME = Agreement
# Ratio of titles whose spelling differs: ">=30" and ">or=30", "(alpha)v(beta)3" and "alphavbeta3".
SIMILAR_TITLE: Final = 93
# Ratio of the titles of a preprint and its article, whose authors are the same.
RETITLED: Final = 85
# An issue seldom has as many pages: from here on the pages of a volume are counted through.
CONTINUOUS_PAGE: Final = 300


def same_publication(a: Normalised, b: Normalised, like: Likeness) -> str:
    """Return why the rule takes two records for one publication, or an empty string when it does not.

    The caller has asked :func:`~livingreview.search.guards.objection` before.

    Parameters
    ----------
    a, b
        The two records.
    like
        Their comparison.
    """
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
    if like.title is UNKNOWN and a.key and b.key:
        known = like.authors is SAME or (like.authors is CLOSE and like.journal is not CONFLICT)
        return "title cut short, same authors and place" if known else ""
    if like.authors is not SAME or like.journal < CLOSE or like.page is not SAME:
        return ""
    if like.title is UNKNOWN:
        return "title missing, same authors and place"
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
