"""The review's references: BibTeX, which the chapters cite from, and CSL-JSON and RIS for reference managers.

References
----------
CSL-JSON: https://docs.citationstyles.org/en/stable/specification.html; RIS: https://en.wikipedia.org/wiki/RIS_(file_format)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from livingreview.analysis.tabulate import reference
from livingreview.review import Review
from livingreview.review.model import Study

__all__ = ["authors_of", "bibtex", "csl_json", "referable", "ris"]

_TEX: Final = str.maketrans({sign: f"\\{sign}" for sign in "$&#%_"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    # Not a brace behind a backslash: BibTeX counts braces whatever stands before them.
    "{": r"\textbraceleft{}", "}": r"\textbraceright{}",
})  # fmt: skip
_KINDS: Final = {  # kind of report → type in CSL, type in RIS
    "journal article": ("article-journal", "JOUR"),
    "conference paper": ("paper-conference", "CPAPER"),
    "preprint": ("article", "UNPB"),
}
_PLACE: Final = re.compile(
    r"(?P<journal>\D.*?) (?:\d{4};)?(?P<volume>\d+)(?:\((?P<issue>[^()]+)\))?:(?P<first>\w+)(?:-(?P<last>\w+))?"
)
_ONE_AUTHOR: Final = "Only the first author was seen."


def escape_tex(text: str) -> str:
    r"""Return text in which TeX finds no commands, on one line.

    >>> escape_tex("T1 & T2* {50 %}")
    'T1 \\& T2* \\textbraceleft{}50 \\%\\textbraceright{}'
    """
    return _line(text).translate(_TEX)


def bibtex(studies: Iterable[Study]) -> str:
    """Return the BibTeX file of the studies, one entry each, keyed by the study's id."""
    return "\n".join(bibtex_entry(study) for study in studies)


def bibtex_entry(study: Study) -> str:
    """Return the BibTeX entry of a study.

    A study whose report was not identified has an entry too, which says so: the review refers to it.
    """
    report = study.report
    names = [_bibtex_name(author) for author in authors_of(study)]
    title = escape_tex(report.title or f"{study.id}: report not identified")
    fields = {
        "author": " and ".join(names if report.authors else [*names, "others"]) if names else None,
        "title": f"{{{title}}}",
        "howpublished": escape_tex(report.journal) if report.journal else None,
        "year": str(report.year) if report.year else None,
        "doi": report.doi,
        "pmid": report.pmid,
        "url": None if report.doi else report.url,
        "note": "Preprint" if report.kind == "preprint" else None,
    }
    # Only `misc` asks for no field, and what a paper did not tell stays absent.
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{study.id},\n{body}}}\n"


def split_name(printed: str) -> tuple[str, str]:
    """Return surname and initials of a name as printed; a name without initials, such as a group's, is all surname.

    >>> split_name("Ben Khalifa A")
    ('Ben Khalifa', 'A')
    """
    words = printed.replace(",", "").split()
    initials: list[str] = []
    while len(words) > 1 and words[-1].replace("-", "").replace(".", "").isupper() and len(words[-1]) <= 5:
        initials.insert(0, words.pop())
    return " ".join(words), " ".join(initials)


def _bibtex_name(printed: str) -> str:
    """Return a name the way BibTeX reads it: ``Agibetov A`` → ``{Agibetov}, A``."""
    surname, initials = map(escape_tex, split_name(printed))
    # Braces keep a surname of several words, and the word "and" in the name of a group, together.
    return f"{{{surname}}}" + (f", {initials}" if initials else "")


def referable(review: Review) -> tuple[Study, ...]:
    """Return the studies whose report is known by its title: the others cannot be looked up."""
    return tuple(study for study in review.studies if study.report.title)


def csl_json(review: Review) -> list[dict[str, Any]]:
    """Return the references as CSL-JSON items; how the review holds a study is its keyword."""
    return [_item(review, study) for study in referable(review)]


def _item(review: Review, study: Study) -> dict[str, Any]:
    report, place, held = study.report, _place(study), study.standing_on(review.day)
    day = report.published
    date_parts = [day.year, day.month, day.day] if day else [report.year] if report.year else None
    page = "-".join(part for part in (place["first"], place["last"]) if part)
    fields = {
        "id": study.id,
        "type": _KINDS[report.kind or "journal article"][0],
        "title": _line(report.title),
        "author": [_person(name) for name in authors_of(study)],
        "container-title": place["journal"],
        "volume": place["volume"],
        "issue": place["issue"],
        "page": page,
        "issued": {"date-parts": [date_parts]} if date_parts else None,
        "DOI": report.doi,
        "PMID": report.pmid,
        "PMCID": report.pmcid,
        "URL": reference(study),
        "keyword": held.status if held else None,
        "note": None if report.authors else _ONE_AUTHOR if report.first_author else None,
    }
    return {name: value for name, value in fields.items() if value}


def _person(name: str) -> dict[str, str]:
    family, given = split_name(name)
    return {"family": family, "given": given} if given else {"literal": family}


def ris(review: Review) -> str:
    """Return the references as RIS; every value stays on its line, so that none can begin another tag."""
    return "\n".join(
        "".join(f"{tag}  - {line}\n" for tag, value in _tags(study, item) if (line := _line(value)) or tag == "ER")
        for study, item in zip(referable(review), csl_json(review), strict=True)
    )


def _tags(study: Study, item: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the tags of a study, given as an item of CSL-JSON too."""
    report, pages = study.report, item.get("page", "").split("-")
    yield "TY", _KINDS[report.kind or "journal article"][1]
    yield from (("ID", study.id), ("TI", report.title))
    yield from (("AU", ", ".join(name.values())) for name in item.get("author", ()))
    yield from ((tag, item.get(name)) for tag, name in (("T2", "container-title"), ("VL", "volume"), ("IS", "issue")))
    yield from zip(("SP", "EP"), pages, strict=False)
    yield "PY", str(report.year or "")
    yield "DA", report.published.strftime("%Y/%m/%d/") if report.published else None
    yield from (("DO", report.doi), ("AN", report.pmid), ("C2", report.pmcid))
    yield from ((tag, item.get(name)) for tag, name in (("UR", "URL"), ("KW", "keyword"), ("N1", "note"), ("ER", "")))


def _place(study: Study) -> dict[str, str | None]:
    """Return journal, volume, issue and pages, as far as the citation can be told apart."""
    text = _line(study.report.journal)
    found = _PLACE.fullmatch(text)
    return found.groupdict() if found else {**dict.fromkeys(_PLACE.groupindex), "journal": text or None}


def authors_of(study: Study) -> list[str]:
    """Return the names of its authors as printed; of some reports only the first was seen, or none."""
    report = study.report
    return report.authors or ([report.first_author] if report.first_author else [])


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
