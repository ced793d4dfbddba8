"""Every source of records that there is, and how it is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from livingreview.errors import SearchError
from livingreview.search.sources.base import Source
from livingreview.search.sources.http import Limits, Service, user_agent
from livingreview.search.sources.pubmed import PubMed
from livingreview.search.sources.services import Crossref, EuropePMC, IEEEXplore, OpenAlex, Scopus, WebOfScience

__all__ = ["SOURCES", "connect"]

SOURCES: tuple[type[Source], ...] = (PubMed, EuropePMC, OpenAlex, Crossref, Scopus, WebOfScience, IEEEXplore)


def connect(
    names: Iterable[str],
    environment: Mapping[str, str],
    contact: str,
    *,
    limits: Limits = Limits(),  # noqa: B008 — frozen
    remedy: str = Service.remedy,
) -> tuple[list[Source], list[str]]:
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
    known = [kind.name for kind in SOURCES]
    if unknown := wanted.difference(known):
        raise SearchError(f"no source {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    sources: list[Source] = []
    skipped: list[str] = []
    for kind in SOURCES:
        if kind.name not in wanted if wanted else kind.asked_for:
            continue
        key = environment.get(kind.key_variable, "")
        if kind.needs_key and not key:
            if wanted:
                raise SearchError(
                    f"{kind.database} needs a key; put it into the environment variable {kind.key_variable}"
                )
            skipped.append(f"{kind.database}: skipped, no key in {kind.key_variable}")
            continue
        headers = {"User-Agent": user_agent(contact), "Accept": "application/json, application/xml;q=0.9"}
        if kind.key_header:
            headers[kind.key_header] = key
        if kind is Scopus and (token := environment.get("SCOPUS_INSTTOKEN")):
            headers["X-ELS-Insttoken"] = token
        address = environment.get(f"LIVINGREVIEW_{kind.name.upper()}_URL") or kind.address
        service = Service(kind.database, address, kind.spacing, headers, limits, remedy=remedy)
        sources.append(kind(service, key, contact if "@" in contact else ""))
    return sources, skipped
