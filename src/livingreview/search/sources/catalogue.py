"""Every source there is: its address, its rate, its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from livingreview.errors import SearchError
from livingreview.search.sources.base import Source
from livingreview.search.sources.free import Crossref, EuropePMC, OpenAlex
from livingreview.search.sources.http import Limits, Service, user_agent
from livingreview.search.sources.pubmed import PubMed
from livingreview.search.sources.subscribed import IEEEXplore, Scopus, WebOfScience

__all__ = ["Entry", "connect"]


@dataclass(frozen=True)
class Entry:
    """One source; what stands in the environment under `key` is its key.

    Parameters
    ----------
    name
        On the command line, and in ``LIVINGREVIEW_<NAME>_URL``, which overrides the address.
    spacing
        Seconds between requests, from the rate that the service documents.
    needs_key, key_header
        Whether the service answers nobody without a key; header that carries the key, where one does.
    in_full, asked_for
        Whether it can be searched in full where it never was; whether it is searched only when it is named.
    """

    name: str
    source: type[Source]
    address: str
    spacing: float
    key: str
    needs_key: bool = False
    key_header: str = ""
    in_full: bool = True
    asked_for: bool = False

    @property
    def database(self) -> str:
        """The database, as the strategy names it."""
        return self.source.database


CATALOGUE = (
    # Three requests a second, ten with a key; the slower rate is kept, as one address may serve several people.
    Entry("pubmed", PubMed, "https://eutils.ncbi.nlm.nih.gov/entrez/eutils", 0.34, "NCBI_API_KEY"),
    Entry("europepmc", EuropePMC, "https://www.ebi.ac.uk/europepmc/webservices/rest", 0.5, ""),
    Entry("openalex", OpenAlex, "https://api.openalex.org", 0.15, "OPENALEX_API_KEY"),
    # Lists are limited to one request a second outside of the polite pool.
    Entry("crossref", Crossref, "https://api.crossref.org", 1.0, "", in_full=False, asked_for=True),
    Entry("scopus", Scopus, "https://api.elsevier.com", 0.2, "SCOPUS_API_KEY",
          needs_key=True, key_header="X-ELS-APIKey"),
    Entry("webofscience", WebOfScience, "https://api.clarivate.com/apis/wos-starter/v1", 1.0, "WOS_API_KEY",
          needs_key=True, key_header="X-ApiKey"),
    Entry("ieee", IEEEXplore, "https://ieeexploreapi.ieee.org", 0.2, "IEEE_API_KEY", needs_key=True),
)  # fmt: skip


def connect(
    names: Iterable[str],
    environment: Mapping[str, str],
    contact: str,
    *,
    limits: Limits = Limits(),  # noqa: B008 — frozen
    remedy: str = Service.remedy,
) -> tuple[list[tuple[Entry, Source]], list[str]]:
    """Return the sources to search, and one line for each that is left out.

    No names stand for every source that need not be asked for by name. The environment holds keys and addresses; the
    contact, an e-mail address or the review's, is told to services and may be empty. `limits` and `remedy` say how long
    and how often to ask, and what to do when it does not help.

    Raises
    ------
    SearchError
        A name is unknown, or a source that was named has no key.
    """
    wanted = set(names)
    unknown = wanted - {entry.name for entry in CATALOGUE}
    if unknown:
        known = ", ".join(entry.name for entry in CATALOGUE)
        raise SearchError(f"no source {', '.join(sorted(unknown))}; there are {known}")
    sources: list[tuple[Entry, Source]] = []
    skipped: list[str] = []
    for entry in CATALOGUE:
        if entry.name not in wanted if wanted else entry.asked_for:
            continue
        key = environment.get(entry.key, "") if entry.key else ""
        if entry.needs_key and not key:
            if wanted:
                raise SearchError(f"{entry.database} needs a key; put it into the environment variable {entry.key}")
            skipped.append(f"{entry.database}: skipped, no key in {entry.key}")
            continue
        address = environment.get(f"LIVINGREVIEW_{entry.name.upper()}_URL") or entry.address
        headers = _headers(entry, key, environment, contact)
        service = Service(entry.database, address, entry.spacing, headers, limits, remedy=remedy)
        sources.append((entry, entry.source(service, key, contact if "@" in contact else "")))
    return sources, skipped


def _headers(entry: Entry, key: str, environment: Mapping[str, str], contact: str) -> dict[str, str]:
    headers = {"User-Agent": user_agent(contact), "Accept": "application/json, application/xml;q=0.9"}
    if entry.key_header and key:
        headers[entry.key_header] = key
    token = environment.get("SCOPUS_INSTTOKEN", "")
    if entry.name == "scopus" and token:
        headers["X-ELS-Insttoken"] = token
    return headers
