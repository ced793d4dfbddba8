"""The review's studies as a BibTeX file, which the chapters cite from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from livingreview.model import Study

__all__ = ["bibtex", "bibtex_entry", "escape_tex", "split_name"]

_TEX: Final = {
    "\\": r"\textbackslash{}",
    # Not a brace behind a backslash: BibTeX counts braces whatever stands before them.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def escape_tex(text: str) -> str:
    r"""Return text in which TeX finds no commands, on one line.

    Examples
    --------
    >>> escape_tex("T1 & T2* {50 %}")
    'T1 \\& T2* \\textbraceleft{}50 \\%\\textbraceright{}'
    """
    return "".join(_TEX.get(sign, sign) for sign in " ".join(text.split()))


def bibtex(studies: Iterable[Study]) -> str:
    """Return the BibTeX file of the studies, one entry each, keyed by the study's id.

    Parameters
    ----------
    studies
        In the order of the entries.
    """
    return "\n".join(bibtex_entry(study) for study in studies)


def bibtex_entry(study: Study) -> str:
    """Return the BibTeX entry of a study.

    A study whose report was not identified has an entry too, which says so: the review refers to it.
    """
    report = study.report
    authors = report.authors or ([f"{report.first_author} and others"] if report.first_author else [])
    fields: dict[str, str | None] = {
        "author": " and ".join(_name(author) for author in authors) or None,
        "title": f"{{{escape_tex(report.title)}}}" if report.title else None,
        "howpublished": escape_tex(report.journal) if report.journal else None,
        "year": str(report.year) if report.year else None,
        "doi": report.doi,
        "pmid": report.pmid,
        "url": None if report.doi else report.url,
    }
    if report.title is None:
        fields["title"] = "{" + escape_tex(f"{study.id}: report not identified") + "}"
    if report.kind == "preprint":
        fields["note"] = "Preprint"
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


def _name(printed: str) -> str:
    """Return a name the way BibTeX reads it: ``Agibetov A`` → ``Agibetov, A``."""
    others = printed.endswith(" and others")
    surname, initials = map(escape_tex, split_name(printed.removesuffix(" and others")))
    # Braces keep a surname of several words, and the word "and" in the name of a group, together.
    name = f"{{{surname}}}" + (f", {initials}" if initials else "")
    return f"{name} and others" if others else name
