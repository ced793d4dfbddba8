"""Identifiers of publications, taken out of the texts and addresses that databases put them into."""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["find_arxiv", "find_doi", "find_openalex", "find_pmcid", "find_pmid"]

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>{}|\\^`]+")
_PMID = re.compile(r"(?<!\d)[1-9]\d{0,8}(?!\d)")
_PMCID = re.compile(r"PMC[1-9]\d{0,9}", re.IGNORECASE)
_ARXIV = re.compile(r"(?<![\d.])\d{4}\.\d{4,5}(?!\d)|[a-z-]+(?:\.[A-Z]{2})?/\d{7}(?!\d)")
_OPENALEX = re.compile(r"(?<!\w)W\d{4,12}(?!\w)")


def find_doi(text: str) -> str:
    """Return the DOI in a text or address, in lower case; empty when there is none.

    Examples
    --------
    >>> find_doi("https://doi.org/10.1093%2FEHJIMP%2Fqyag045"), find_doi("S0266-4356(19)30379-1 [pii]")
    ('10.1093/ehjimp/qyag045', '')
    """
    found = _DOI.search(unquote(text))
    if found is None:
        return ""
    doi = found[0].rstrip(".,;:'")
    while doi.endswith((")", "]")) and doi.count("(") + doi.count("[") < doi.count(")") + doi.count("]"):
        doi = doi[:-1].rstrip(".,;:'")
    return doi.lower()


def find_pmid(text: str) -> str:
    """Return the PubMed number in a text, or nothing.

    Examples
    --------
    >>> find_pmid("https://pubmed.ncbi.nlm.nih.gov/39857091/"), find_pmid("none")
    ('39857091', '')
    """
    found = _PMID.search(text)
    return found[0] if found else ""


def find_pmcid(text: str) -> str:
    """Return the PubMed Central number in a text, with its letters, or nothing.

    Examples
    --------
    >>> find_pmcid("pmc13007597")
    'PMC13007597'
    """
    found = _PMCID.search(text)
    return found[0].upper() if found else ""


def find_arxiv(text: str) -> str:
    """Return the arXiv number in a text or in the DOI of a preprint, without its version, or nothing.

    Examples
    --------
    >>> find_arxiv("arXiv:2010.08469v2"), find_arxiv("10.48550/arXiv.2305.12345"), find_arxiv("10.1093/x")
    ('2010.08469', '2305.12345', '')
    """
    lowered = text.lower()
    if "arxiv" not in lowered:
        return ""
    found = _ARXIV.search(text[lowered.index("arxiv") + len("arxiv") :].lstrip(".:/ "))
    return found[0] if found else ""


def find_openalex(text: str) -> str:
    """Return the OpenAlex number of a work in a text or address, or nothing.

    Examples
    --------
    >>> find_openalex("https://openalex.org/W2741809807")
    'W2741809807'
    """
    found = _OPENALEX.search(text)
    return found[0] if found else ""
