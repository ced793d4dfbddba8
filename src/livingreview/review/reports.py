"""How studies are cited, and which reports found by other methods are theirs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, product
from string import ascii_lowercase
from typing import Any, Final

from livingreview.review.model import Study
from livingreview.wording import OWN_NAME, UNVERIFIED

__all__ = [
    "OTHER_METHODS", "OTHER_METHODS_COLUMNS", "added_reports", "is_report_of", "label", "plain_label", "told_apart",
]  # fmt: skip

OTHER_METHODS: Final = "other methods"
"""PRISMA's way into a review that is no database search."""

OTHER_METHODS_COLUMNS: Final = (
    "candidate", "found", "first_author", "title", "journal", "published", "doi", "pmid", "suggestion", "reason",
    "study",
)  # fmt: skip
SUGGESTION: Final = "eligible"
LONGEST_LABEL: Final = 26


def is_report_of(study: Study, row: Mapping[str, Any]) -> bool:
    """Return whether a row of the ledger is a report of the study: it names it, or has its id, DOI or PubMed number."""
    same = ((study.report.doi or "").lower(), row["doi"].lower()), (study.report.pmid or "", row["pmid"])
    return study.id in (row["study"], row["candidate"]) or any(here == there != "" for here, there in same)


def added_reports(studies: Iterable[Study], listed: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row of the ledger for every study found by other methods that no listed row is a report of.

    A study's file says all that a row would, so that whoever adds a study writes one file. What is only cited as
    background was not looked for.
    """
    rows = list(listed)
    for study in studies:
        met = [item for item in study.standing if item.route == OTHER_METHODS and item.status != "cited as background"]
        if not met or any(is_report_of(study, row) for row in rows):
            continue
        report, first = study.report, min(met, key=lambda item: item.on)
        yield {
            "candidate": study.id,
            "found": first.on,
            "first_author": report.first_author or "",
            "title": report.title or "",
            "journal": report.journal or "",
            "published": str(report.published or report.year or ""),
            "doi": report.doi or "",
            "pmid": report.pmid or "",
            "suggestion": SUGGESTION,
            "reason": first.reason,
            "study": study.id,
        }


def label(study: Study) -> str:
    """Name a study for tables and figures: as :func:`plain_label`, with a mark where nobody has signed its extraction.

    Tables and figures that hold the mark explain it of themselves (:func:`livingreview.wording.mark_explained`).
    """
    return plain_label(study) + ("" if study.verified else UNVERIFIED)


def plain_label(study: Study) -> str:
    """Name a study the way people cite it, e.g. ``Righetti 2024``; without the year where that was not seen.

    A study whose authors were not seen goes by its id, in quotation marks: ``“lvar” 2026``. Studies of one author and
    year bear a letter (see :func:`told_apart`): ``Alskaf 2024a``, or ``Lin (a)`` without a year.
    """
    name, year, letter = _surname(study), study.report.year, study.letter
    if year:
        return f"{name} {year}{letter}"
    return f"{name} ({letter})" if letter else name


def _surname(study: Study) -> str:
    author = (study.report.first_author or "").split(",")[0].strip()
    words = author.split()
    # "Agibetov A" → Agibetov; initials are trailing capitals, so that "Ben Khalifa A" keeps both words.
    while len(words) > 1 and words[-1].isupper() and len(words[-1].replace("-", "")) <= 3:
        words.pop()
    surname = " ".join(words) or study.id.rstrip("0123456789")
    if len(surname) > LONGEST_LABEL:  # a figure has room for a name, not for a paragraph
        surname = surname[: LONGEST_LABEL - 1] + "…"
    return surname if words else OWN_NAME.format(surname)


def told_apart(studies: Iterable[Study]) -> tuple[Study, ...]:
    """Return studies of which those that would be cited alike bear a letter, in the order in which they were met.

    Those met on one day follow their ids. A study that is added later so leaves the letters as they are.
    """
    found = [study.lettered("") for study in studies]
    alike: dict[str, list[Study]] = defaultdict(list)
    for study in sorted(found, key=lambda study: (min(standing.on for standing in study.standing), study.id)):
        alike[plain_label(study).casefold()].append(study)
    letters = {
        study.id: letter
        for group in alike.values()
        if len(group) > 1
        for study, letter in zip(group, _letters(), strict=False)
    }
    return tuple(study.lettered(letters[study.id]) if study.id in letters else study for study in found)


def _letters() -> Iterator[str]:
    """Yield a, b, …, z, aa, ab and so on."""
    for length in count(1):
        yield from map("".join, product(ascii_lowercase, repeat=length))
