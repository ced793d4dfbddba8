"""The review's references for reference managers: CSL-JSON and RIS (BibTeX is in :mod:`citation`).

References
----------
CSL-JSON: https://docs.citationstyles.org/en/stable/specification.html; RIS: https://en.wikipedia.org/wiki/RIS_(file_format)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from livingreview.model import Study
from livingreview.publish.citation import split_name
from livingreview.review import Review
from livingreview.tabulate import reference

__all__ = ["csl_json", "referable", "ris"]

_KINDS: Final = {  # kind of report → type in CSL, type in RIS
    "journal article": ("article-journal", "JOUR"),
    "conference paper": ("paper-conference", "CPAPER"),
    "preprint": ("article", "UNPB"),
}
_PLACE: Final = re.compile(
    r"(?P<journal>\D.*?) (?:\d{4};)?(?P<volume>\d+)(?:\((?P<issue>[^()]+)\))?:(?P<first>\w+)(?:-(?P<last>\w+))?"
)
_ONE_AUTHOR: Final = "Only the first author was seen."


def referable(review: Review) -> tuple[Study, ...]:
    """Return the studies whose report is known by its title: the others cannot be looked up."""
    return tuple(study for study in review.studies if study.report.title)


def csl_json(review: Review) -> list[dict[str, Any]]:
    """Return the references as CSL-JSON items; how the review holds a study is its keyword."""
    return [_item(review, study) for study in referable(review)]


def _item(review: Review, study: Study) -> dict[str, Any]:
    report, place = study.report, _place(study)
    day = report.published
    date_parts = [day.year, day.month, day.day] if day else [report.year] if report.year else None
    page = "-".join(part for part in (place["first"], place["last"]) if part)
    fields = {
        "id": study.id,
        "type": _KINDS[report.kind or "journal article"][0],
        "title": _line(report.title),
        "author": [_person(name) for name in _authors(study)],
        "container-title": place["journal"],
        "volume": place["volume"],
        "issue": place["issue"],
        "page": page,
        "issued": {"date-parts": [date_parts]} if date_parts else None,
        "DOI": report.doi,
        "PMID": report.pmid,
        "PMCID": report.pmcid,
        "URL": reference(study),
        "keyword": _standing(review, study),
        "note": None if report.authors else _ONE_AUTHOR if report.first_author else None,
    }
    return {name: value for name, value in fields.items() if value}


def _person(name: str) -> dict[str, str]:
    family, given = split_name(name)
    return {"family": family, "given": given} if given else {"literal": family}


def ris(review: Review) -> str:
    """Return the references as RIS; every value stays on its line, so that none can begin another tag."""
    return "\n".join(
        "".join(f"{tag}  - {line}\n" for tag, value in _tags(review, study) if (line := _line(value)) or tag == "ER")
        for study in referable(review)
    )


def _tags(review: Review, study: Study) -> Iterator[tuple[str, str | None]]:
    report, place = study.report, _place(study)
    yield "TY", _KINDS[report.kind or "journal article"][1]
    yield "ID", study.id
    yield "TI", report.title
    yield from (("AU", ", ".join(part for part in split_name(name) if part)) for name in _authors(study))
    yield "T2", place["journal"]
    yield from (("VL", place["volume"]), ("IS", place["issue"]), ("SP", place["first"]), ("EP", place["last"]))
    yield "PY", str(report.year or "")
    yield "DA", report.published.strftime("%Y/%m/%d/") if report.published else None
    yield from (("DO", report.doi), ("AN", report.pmid), ("C2", report.pmcid), ("UR", reference(study)))
    yield "KW", _standing(review, study)
    yield "N1", None if report.authors else _ONE_AUTHOR if report.first_author else None
    yield "ER", ""


def _place(study: Study) -> dict[str, str | None]:
    """Return journal, volume, issue and pages, as far as the citation can be told apart."""
    text = _line(study.report.journal)
    found = _PLACE.fullmatch(text)
    return found.groupdict() if found else {**dict.fromkeys(_PLACE.groupindex), "journal": text or None}


def _authors(study: Study) -> list[str]:
    report = study.report
    return report.authors or ([report.first_author] if report.first_author else [])


def _standing(review: Review, study: Study) -> str:
    standing = study.standing_on(review.day)
    return standing.status if standing else ""


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
