"""Reports found by other methods: those that the ledger lists, and the studies that somebody added as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from livingreview.review.model import Study

__all__ = ["OTHER_METHODS", "OTHER_METHODS_COLUMNS", "added_reports", "is_report_of"]

OTHER_METHODS: Final = "other methods"
"""PRISMA's way into a review that is no database search."""

OTHER_METHODS_COLUMNS: Final = (
    "candidate", "found", "first_author", "title", "journal", "published", "doi", "pmid", "suggestion", "reason",
    "study",
)  # fmt: skip
SUGGESTION: Final = "eligible"


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
