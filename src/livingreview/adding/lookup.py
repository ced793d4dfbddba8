"""Get a study's bibliographic record, from Crossref, PubMed or an export file, and refuse what is no study."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from livingreview.errors import DataError, Fault, SearchError
from livingreview.search.imports import read_export
from livingreview.search.normalise import read_title
from livingreview.search.records import find_doi
from livingreview.search.sources.base import Found
from livingreview.search.sources.catalogue import connect
from livingreview.search.sources.crossref import Crossref
from livingreview.search.sources.http import Absent, Limits
from livingreview.search.sources.pubmed import PubMed

__all__ = ["identify", "look_up", "notices", "read_file"]

# A person is waiting: fewer and shorter attempts than a search in the night makes.
PATIENCE = Limits(attempts=3, longest_pause=10.0, connect=10.0, silence=20.0, whole=60.0, size=5_000_000)
WAY_OUT = "Nothing was written; try again later, or export the citation as RIS, nbib or BibTeX and give that file"
LARGEST_FILE = 1_000_000

_PMID = re.compile(r"(?:PMID:?\s*|(?:https?://)?pubmed\.ncbi\.nlm\.nih\.gov/)?([1-9]\d{0,8})/?", re.IGNORECASE)
_TAKES_BACK = re.compile(r"retract|withdraw|removal", re.IGNORECASE)
# A newer version of a preprint says nothing against it.
_NEW_VERSION = re.compile(
    r"^(?:new[_ ](?:version|edition)|Update|Republished|Comment|SummaryForPatients)", re.IGNORECASE
)


def identify(text: str) -> tuple[str, str] | None:
    """Return ``("doi", …)`` or ``("pmid", …)``, or None for what is neither.

    Examples
    --------
    >>> identify("https://doi.org/10.1038/S44161-025-00679-1"), identify("PMID 40603582"), identify("study.ris")
    (('doi', '10.1038/s44161-025-00679-1'), ('pmid', '40603582'), None)
    """
    if found := _PMID.fullmatch(text.strip()):
        return "pmid", found[1]
    doi = find_doi(text)
    return ("doi", doi) if doi and doi.isascii() and len(doi) <= 200 else None


def look_up(kind: str, identifier: str, environment: Mapping[str, str]) -> Found:
    """Return the record of a DOI from Crossref, or of a PubMed number from PubMed.

    Parameters
    ----------
    kind, identifier
        As :func:`identify` returns them.
    environment
        May hold ``LIVINGREVIEW_CONTACT``, the address that the services are told, and NCBI's key.

    Raises
    ------
    SearchError
        No usable answer came; the message ends with the way out.
    """
    name = {"doi": "crossref", "pmid": "pubmed"}[kind]
    contact = environment.get("LIVINGREVIEW_CONTACT", "")
    ((entry, source),), _ = connect([name], environment, contact, limits=PATIENCE, remedy=WAY_OUT)
    assert isinstance(source, Crossref | PubMed)
    try:
        return source.look_up(identifier)
    except Absent:
        elsewhere = "; DOIs of arXiv and of data sets are registered elsewhere" if kind == "doi" else ""
        raise SearchError(
            f"{entry.database} does not know {identifier}: compare it with the paper{elsewhere}. {WAY_OUT}"
        ) from None
    except SearchError as error:
        told = str(error)
        raise SearchError(told if WAY_OUT in told else f"{told}. {WAY_OUT}") from None
    finally:
        source.close()


def read_file(path: Path) -> tuple[Found, list[Fault]]:
    """Return the one record of an export file, and what its reader reports.

    Raises
    ------
    DataError
        The file has no record, several, or is larger than any one record.
    """

    def refuse(problem: str, remedy: str) -> DataError:
        return DataError([Fault(path.name, 0, "", problem, remedy, "ADD-001")])

    if path.is_file() and path.stat().st_size > LARGEST_FILE:
        raise refuse(f"larger than {LARGEST_FILE:,} bytes", "export the one study")
    records, faults = read_export(path, path.name)
    if not records:
        raise DataError(faults or [Fault(path.name, 0, "", "no record", "export the study anew", "ADD-001")])
    if len(records) > 1:
        raise refuse(f"{len(records)} records", "export the one study")
    return Found(records[0], "the record in an export of a bibliographic database"), faults


def notices(found: Found) -> Iterator[tuple[bool, str]]:
    """Yield what speaks against a record: whether it is refused for it, and why.

    A notice is no study, and a study that was taken back is no evidence; an erratum has to be read with its study.
    """
    kind, _ = read_title(found.record.title, found.record.kind)
    corrected = [notice for notice in found.is_notice_of if not _NEW_VERSION.match(notice)]
    if found.record.title.lower().startswith("retracted") or "retracted publication" in found.record.kind.lower():
        yield True, "this publication was retracted; a study that was taken back is not added"
    elif kind in ("erratum", "retraction") or corrected:
        about = f" ({', '.join(corrected)[:200]})" if corrected else ""
        yield True, f"this is a notice about another publication{about}; give the study's own DOI or PubMed number"
    for notice in found.has_notices:
        if _TAKES_BACK.search(notice) and "partial" not in notice.lower():
            yield True, f"this publication was taken back ({notice[:100]}); it is not added"
        elif not _NEW_VERSION.match(notice):
            yield False, f"there is a notice about this publication ({notice[:100]}): read it together with the paper"
