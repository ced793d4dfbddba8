"""A server on this computer that answers as the bibliographic services document, faults included.

A test puts records into :class:`Library` and faults into its queue; every request takes the next fault, if there is
one, instead of its answer.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><PubmedArticleSet>&c;</PubmedArticleSet>"""
HTML = b"<!DOCTYPE html><html><body>Scheduled maintenance</body></html>"


@dataclass(frozen=True)
class Fault:
    """An answer that is not the one asked for."""

    status: int = 200
    body: bytes | None = None
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    keep: float = 1.0  # part of the true answer that is sent
    drip: float = 0.0  # seconds between single bytes


@dataclass(frozen=True)
class Item:
    """A publication in the library."""

    number: int
    added: date = date(2026, 11, 1)
    title: str = ""
    crossref: tuple[tuple[str, object], ...] = ()  # fields of the record at Crossref
    types: tuple[str, ...] = ("Journal Article",)  # of publication, in PubMed
    links: tuple[str, ...] = ()  # to comments and corrections, in PubMed

    @property
    def name(self) -> str:
        return self.title or f"Deep learning in cardiac MRI segmentation, report {self.number}"


@dataclass
class Library:
    """What the services know, and how they fail."""

    items: list[Item] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    sets: dict[str, list[Item]] = field(default_factory=dict)
    before: Callable[[int], None] | None = None  # called with the number of each request
    refuse_cursors: bool = False

    def between(self, first: str | None, last: str | None) -> list[Item]:
        low = date.fromisoformat(first.replace("/", "-")) if first else date.min
        high = date.fromisoformat(last.replace("/", "-")) if last else date.max
        return [item for item in self.items if low <= item.added <= high]


def library(count: int, *, added: date = date(2026, 11, 1), every: int = 0) -> Library:
    """Return a library of so many items; with `every`, so many are added each day."""
    days = (added + timedelta(days=n // every) if every else added for n in range(count))
    return Library([Item(n + 1, day) for n, day in enumerate(days)])


@contextmanager
def serving(held: Library) -> Iterator[str]:
    """Serve a library; the value is the address."""
    handler = type("Bound", (_Handler,), {"library": held})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up, which they do on every answer that they refuse."""


class _Handler(BaseHTTPRequestHandler):
    library: Library
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits for the client to acknowledge its headers

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, query: str) -> None:
        held = self.library
        folder, _, name = urlsplit(self.path).path.strip("/").rpartition("/")
        asked = {key: values[0] for key, values in parse_qs(query, keep_blank_values=True).items()}
        if folder == "works":
            name, asked["doi"] = "work", unquote(name)
        held.requests.append((name, asked, dict(self.headers)))
        if held.before is not None:
            held.before(len(held.requests))
        fault = held.faults.pop(0) if held.faults else Fault()
        body, kind = ANSWERS[name](held, asked)
        if fault.body is not None or fault.status != 200:
            body, kind = fault.body or b"", fault.kind
        sent = body[: int(len(body) * fault.keep)]
        self.send_response(fault.status)
        self.send_header("Content-Type", kind)
        # A cut answer tells its true length when the network cut it, and its own when the service did.
        self.send_header("Content-Length", str(len(sent)))
        for header, value in fault.headers:
            self.send_header(header, value)
        self.end_headers()
        try:
            if not fault.drip:
                self.wfile.write(sent)
            for byte in sent if fault.drip else b"":
                self.wfile.write(bytes([byte]))
                time.sleep(fault.drip)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


def _json(content: object) -> tuple[bytes, str]:
    return json.dumps(content).encode(), "application/json; charset=utf-8"


def _esearch(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    found = held.between(asked.get("mindate"), asked.get("maxdate"))
    environment = f"MCID_{len(held.sets)}"
    if asked.get("usehistory") == "y":
        held.sets[environment] = list(found)
    # As PubMed does since 2022: never more than the first 9,999, whatever is asked for.
    given = found[: min(int(asked.get("retmax", 20)), 9_999)]
    result = {
        "count": str(len(found)),
        "retmax": str(len(given)),
        "retstart": "0",
        "querykey": "1",
        "webenv": environment,
        "idlist": [str(item.number) for item in given],
    }
    return _json({"header": {"type": "esearch"}, "esearchresult": result})


def _efetch(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    if "id" in asked:
        wanted = set(asked["id"].split(","))
        items = [item for item in held.items if str(item.number) in wanted]
    else:
        start = int(asked["retstart"])
        items = held.sets.get(asked["WebEnv"], [])[start : start + int(asked["retmax"])]
    return pubmed_xml(items), "text/xml; charset=UTF-8"


def pubmed_xml(items: list[Item]) -> bytes:
    """Return items as efetch prints them."""
    articles = "".join(
        f"""<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">{item.number}</PMID>
<Article PubModel="Print"><Journal><ISSN IssnType="Print">1097-6647</ISSN><JournalIssue CitedMedium="Internet">
<Volume>23</Volume><Issue>4</Issue><PubDate><Year>2026</Year></PubDate></JournalIssue>
<Title>Journal of cardiac tests</Title></Journal><ArticleTitle>{escape(item.name)}</ArticleTitle>
<Pagination><MedlinePgn>{item.number}-9</MedlinePgn></Pagination>
<ELocationID EIdType="doi" ValidYN="Y">10.5555/test.{item.number}</ELocationID>
<Abstract><AbstractText Label="METHODS">A network &lt; 5 layers.</AbstractText></Abstract>
<AuthorList><Author><LastName>Müller</LastName><ForeName>Jörg</ForeName></Author>
<Author><CollectiveName>Food and Drug Administration</CollectiveName></Author></AuthorList>
<Language>eng</Language><PublicationTypeList>{
            "".join(f"<PublicationType>{kind}</PublicationType>" for kind in item.types)
        }</PublicationTypeList>
</Article><CommentsCorrectionsList>{
            "".join(
                f'<CommentsCorrections RefType="{link}"><PMID>1</PMID></CommentsCorrections>' for link in item.links
            )
        }</CommentsCorrectionsList></MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="pubmed">{
            item.number
        }</ArticleId>
</ArticleIdList><ReferenceList><Reference><ArticleIdList><ArticleId IdType="doi">10.9999/cited</ArticleId>
</ArticleIdList></Reference></ReferenceList></PubmedData></PubmedArticle>"""
        for item in items
    )
    head = '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2026//EN"'
    tail = f' "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_260101.dtd">\n<PubmedArticleSet>{articles}</PubmedArticleSet>'
    return (head + tail).encode()


def _cursor(held: Library, asked: str, size: int, items: list[Item]) -> tuple[list[Item], str]:
    start = 0 if asked == "*" else int(asked.removeprefix("c"))
    given = items[start : start + size]
    return given, f"c{start + len(given)}"


def _europepmc(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    first, _, last = asked["query"].partition("FIRST_IDATE:[")[2].partition("]")[0].partition(" TO ")
    items = held.between(first or None, last or None)
    given, following = _cursor(held, asked["cursorMark"], int(asked["pageSize"]), items)
    results = [
        {
            "id": str(item.number),
            "source": "MED",
            "pmid": str(item.number),
            "doi": f"10.5555/test.{item.number}",
            "title": f"{item.name}.",
            "authorList": {"author": [{"lastName": "Müller", "firstName": "Jörg", "initials": "J"}]},
            "journalInfo": {"volume": "23", "journal": {"title": "Journal of cardiac tests", "issn": "1097-6647"}},
            "pubYear": "2026",
            "abstractText": "<h4>Methods</h4>A network.",
            "pubTypeList": {"pubType": ["Journal Article"]},
        }
        for item in given
    ]
    content = {"hitCount": len(items), "nextCursorMark": following if given else asked["cursorMark"]}
    return _json({**content, "resultList": {"result": results}})


def _openalex(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    size = int(asked["per-page"])
    if "cursor" in asked:
        given, following = _cursor(held, asked["cursor"], size, held.items)
    else:
        start = (int(asked["page"]) - 1) * size
        given, following = held.items[start : start + size], None
    works = [
        {
            "id": f"https://openalex.org/W{item.number}0000",
            "doi": f"https://doi.org/10.5555/TEST.{item.number}",
            "title": item.name,
            "publication_year": 2026,
            "authorships": [{"author": {"display_name": "Jörg Müller"}}],
            "primary_location": None,
            "abstract_inverted_index": {"network": [1], "A": [0], "learns": [2]},
            "biblio": {"first_page": "1", "last_page": "9"},
            "type": "article",
        }
        for item in given
    ]
    return _json({"meta": {"count": len(held.items), "next_cursor": following if given else None}, "results": works})


def _crossref_or_openalex(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    return _crossref(held, asked) if "rows" in asked else _openalex(held, asked)


def _crossref(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    given, following = _cursor(held, asked["cursor"], int(asked["rows"]), held.items)
    items = [_work(item) for item in given]
    return _json({"message": {"total-results": len(held.items), "next-cursor": following, "items": items}})


def _crossref_work(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    found = [_work(item) for item in held.items if f"10.5555/test.{item.number}" == asked["doi"]]
    return _json({"status": "ok", "message-type": "work", "message": found[0] if found else None})


def _work(item: Item) -> dict[str, object]:
    return {
        "DOI": f"10.5555/TEST.{item.number}",
        "title": [item.name],
        "author": [{"family": "Müller", "given": "Jörg"}, {"name": "A consortium"}],
        "issued": {"date-parts": [[2026, 11]]},
        "container-title": ["Journal of cardiac tests"],
        "abstract": "<jats:p>A network.</jats:p>",
        "type": "journal-article",
        **dict(item.crossref),
    }


def _scopus(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    if "cursor" in asked:
        given, following = _cursor(held, asked["cursor"], int(asked["count"]), held.items)
    else:
        start = int(asked["start"])
        given, following = held.items[start : start + int(asked["count"])], ""
    entries = [
        {
            "eid": f"2-s2.0-{item.number}",
            "dc:title": item.name,
            "dc:creator": "Müller J.",
            "prism:publicationName": "Journal of cardiac tests",
            "prism:coverDate": "2026-11-01",
            "prism:doi": f"10.5555/test.{item.number}",
            "prism:pageRange": "1-9",
        }
        for item in given
    ] or [{"@_fa": "true", "error": "Result set was empty"}]
    results = {"opensearch:totalResults": str(len(held.items)), "entry": entries}
    if following:
        results["cursor"] = {"@current": asked["cursor"], "@next": following}
    return _json({"search-results": results})


def _webofscience(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    start, size = (int(asked["page"]) - 1) * int(asked["limit"]), int(asked["limit"])
    hits = [
        {
            "uid": f"WOS:{item.number:015d}",
            "title": item.name,
            "types": ["Article"],
            "source": {"sourceTitle": "J CARD TESTS", "publishYear": 2026, "pages": {"range": "1-9"}},
            "names": {"authors": [{"displayName": "Mueller, J"}]},
            "identifiers": {"doi": f"10.5555/test.{item.number}"},
        }
        for item in held.items[start : start + size]
    ]
    return _json({"metadata": {"total": len(held.items), "page": int(asked["page"]), "limit": size}, "hits": hits})


def _ieee(held: Library, asked: dict[str, str]) -> tuple[bytes, str]:
    start = int(asked["start_record"]) - 1
    articles = [
        {
            "article_number": str(1_000_000 + item.number),
            "title": item.name,
            "doi": f"10.5555/test.{item.number}",
            "authors": {"authors": [{"full_name": "Jörg Müller"}]},
            "publication_title": "IEEE Transactions on Tests",
            "publication_year": 2026,
            "start_page": "1",
            "end_page": "9",
            "index_terms": {"author_terms": {"terms": ["Heart"]}},
        }
        for item in held.items[start : start + int(asked["max_records"])]
    ]
    content: dict[str, object] = {"total_records": len(held.items), "total_searched": 6_000_000}
    return _json({**content, "articles": articles} if articles else content)


ANSWERS: dict[str, Callable[[Library, dict[str, str]], tuple[bytes, str]]] = {
    "esearch.fcgi": _esearch,
    "efetch.fcgi": _efetch,
    "searchPOST": _europepmc,
    "works": _crossref_or_openalex,
    "work": _crossref_work,
    "scopus": _scopus,
    "documents": _webofscience,
    "articles": _ieee,
}
