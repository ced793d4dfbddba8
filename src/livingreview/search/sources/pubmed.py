"""PubMed by the E-utilities: esearch with the history server, efetch in batches.

References
----------
Sayers E. A General Introduction to the E-utilities. NCBI Help Manual, https://www.ncbi.nlm.nih.gov/books/NBK25497/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from xml.etree.ElementTree import Element

from livingreview.errors import SearchError
from livingreview.search.formats.xmlfiles import PLAIN, pubmed_block
from livingreview.search.records import Record, to_record
from livingreview.search.sources.base import LookedUp, Page, Query, Source, dig, text_at
from livingreview.search.sources.http import Absent, Parameters
from livingreview.search.strategy import serialise

__all__ = ["PubMed"]

# esearch gives no more than this of one query, whatever retstart says.
SEARCH_LIMIT = 9_999
BATCH = 200
# PubMed's first entry dates, with room to spare; a search in full is split from here.
EARLIEST = date(1900, 1, 1)


class PubMed(Source):
    """PubMed, which asks for a contact; its key may be empty."""

    name, database, key_variable = "pubmed", "PubMed", "NCBI_API_KEY"
    # Three requests a second, ten with a key; the slower rate is kept, as one address may serve several people.
    address, spacing = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils", 0.34

    def pages(self, query: Query, done: Sequence[Page]) -> Iterator[Page]:
        """Yield batches of the records entered in the query's window; see :class:`~.base.Source`.

        A window with more hits than esearch gives is halved until every part fits.
        """
        # What a broken run had is known by number, so that a set that has moved since cannot hide a record.
        held = {record.accession for page in done for record in page.records}
        yield from self._window(serialise(query.strategy, self.database), query.since, query.until, held)

    def look_up(self, pmid: str) -> LookedUp:
        """Return the article of a PubMed number.

        Raises
        ------
        SearchError
            :class:`~.http.Absent` where PubMed has no such number; otherwise no usable answer came.
        """
        for article in self._elements({"id": pmid}):
            record = to_record(pubmed_block(article), PLAIN, self.database, 0)
            if record.pmid == pmid:
                links = [str(link.get("RefType")) for link in article.iterfind(".//CommentsCorrections")]
                is_notice_of = tuple(link for link in links if link.endswith(("For", "Of")) and link != "UpdateOf")
                has_notices = tuple(link for link in links if link.endswith("In"))
                page = f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"
                return LookedUp(record, "the record in PubMed", page, is_notice_of, has_notices)
        raise Absent(f"PubMed has no article {pmid}")

    def _window(self, text: str, since: date | None, until: date, held: set[str]) -> Iterator[Page]:
        found = self._search(text, since, until)
        if found.hits > SEARCH_LIMIT:
            first = since or EARLIEST
            if first >= until:
                raise SearchError(
                    f"PubMed has {found.hits:,} hits on {until}, more than it gives out; narrow the query"
                )
            middle = first + (until - first) // 2
            halves = (first, middle), (middle + timedelta(days=1), until)
            for begin, end in halves:
                for page in self._window(text, begin, end, held):
                    yield Page(page.records, found.hits, page.cursor)
            return
        for start in range(0, len(found.ids), BATCH):
            wanted = found.ids[start : start + BATCH]
            if not held.issuperset(wanted):
                yield Page(self._fetch(found, start, wanted), found.hits, wanted[-1])

    def _search(self, text: str, since: date | None, until: date) -> _Found:
        parameters: dict[str, str | int] = {"term": text, "usehistory": "y", "retmax": SEARCH_LIMIT, "retmode": "json"}
        if since is not None:
            parameters |= {"datetype": "edat", "mindate": f"{since:%Y/%m/%d}", "maxdate": f"{until:%Y/%m/%d}"}
        # By POST, as a long strategy does not fit into an address.
        result = dig(self.service.json("esearch.fcgi", self._named(parameters), method="POST"), "esearchresult")
        problem = text_at(result, "ERROR|errorlist.fieldsnotfound.0")
        if problem:
            raise SearchError(f"PubMed did not understand the query: {problem[:300]}")
        ids = [str(number) for number in dig(result, "idlist") or []]
        hits = text_at(result, "count")
        if not hits.isdecimal() or (int(hits) <= SEARCH_LIMIT and len(ids) != int(hits)):
            raise SearchError(f"PubMed said {hits or 'no number of'} hits and listed {len(ids)}; try again")
        history = {"WebEnv": text_at(result, "webenv"), "query_key": text_at(result, "querykey")}
        return _Found(tuple(ids), int(hits), history)

    def _fetch(self, found: _Found, start: int, wanted: tuple[str, ...]) -> tuple[Record, ...]:
        asked: dict[str, str | int] = {**found.history, "retstart": start, "retmax": BATCH}
        records = {record.pmid: record for record in self._articles(asked)}
        missing = [number for number in wanted if number not in records]
        if missing:
            # The history server may have dropped or re-ordered the set; asking by number is certain.
            records |= {record.pmid: record for record in self._articles({"id": ",".join(missing)})}
        lost = [number for number in wanted if number not in records]
        if lost:
            raise SearchError(f"PubMed lists {', '.join(lost[:5])} but gives no record ({len(lost)} in all); try again")
        return tuple(records[number] for number in wanted)

    def _articles(self, parameters: Parameters) -> Iterator[Record]:
        for index, article in enumerate(self._elements(parameters)):
            record = to_record(pubmed_block(article), PLAIN, self.database, index)
            if record.pmid:
                yield record

    def _elements(self, parameters: Parameters) -> Element:
        return self.service.xml("efetch.fcgi", self._named({**parameters, "retmode": "xml"}), method="POST")

    def _named(self, parameters: Parameters) -> dict[str, str | int]:
        named: dict[str, str | int] = {"db": "pubmed", "tool": "livingreview", **parameters}
        if self.contact:
            named["email"] = self.contact
        if self.key:
            named["api_key"] = self.key
        return named


class _Found(NamedTuple):
    """The numbers that esearch found, how many it says there are, and where it left them on the history server."""

    ids: tuple[str, ...]
    hits: int
    history: dict[str, str]
