"""Does a search survive what services do, and is the ledger untouched when it cannot?"""

from __future__ import annotations

import csv
import itertools
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from fake_services import BOMB, HTML, Fault, Item, Library, library, serving
from livingreview.errors import SearchError
from livingreview.review.model import Strategy
from livingreview.search import run
from livingreview.search.ledger import Ledger
from livingreview.search.run import OVERLAP, Outcome, fell_silent, search_source, window_start
from livingreview.search.sources import SOURCES, connect, services
from livingreview.search.sources.http import Limits, Service

DATA = Path(__file__).parents[1] / "data"
TODAY = date(2026, 11, 22)
SINCE = date(2026, 10, 1)
EVERY = [kind.name for kind in SOURCES]
JSON_ONLY = [name for name in EVERY if name != "pubmed"]


@pytest.fixture(scope="module")
def strategy() -> Strategy:
    text = (DATA / "search" / "strategy.yaml").read_text(encoding="utf-8")
    return Strategy.model_validate(YAML(typ="safe", pure=True).load(text))


class Bench:
    """A ledger, a library and a service whose clock and pauses are the test's own."""

    def __init__(self, folder: Path, address: str, held: Library, strategy: Strategy) -> None:
        self.folder, self.address, self.held, self.strategy = folder, address, held, strategy
        self.pauses: list[float] = []
        self.now = 0.0
        self.ledger = Ledger(folder / "data" / "search", folder / "state")

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def search(self, name: str, *, since: date | None = SINCE, limits: Limits | None = None, **options) -> Outcome:
        kind = next(kind for kind in SOURCES if kind.name == name)
        service = Service(
            kind.database, self.address, 0.1, {}, limits or Limits(attempts=4), options.pop("clock", lambda: self.now),
            self.sleep, lambda: 0.5,
        )  # fmt: skip
        source = kind(service, options.pop("key", ""))
        try:
            return search_source(
                source, self.strategy, self.ledger, since=since, today=TODAY, maximum=options.pop("maximum", 50_000)
            )
        finally:
            service.close()

    def rows(self) -> list[dict[str, str]]:
        with self.ledger.records_path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.ledger.folder.iterdir()}


@pytest.fixture
def bench(tmp_path, strategy, request) -> Iterator[Bench]:
    held = getattr(request, "param", None) or library(7)
    (tmp_path / "data" / "search").mkdir(parents=True)
    shutil.copy(DATA / "search" / "runs.csv", tmp_path / "data" / "search")
    with serving(held) as address:
        yield Bench(tmp_path, address, held, strategy)


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_every_record_of_every_page_reaches_the_ledger_once(bench, name):
    bench.held.items = library(2_345 if name in ("pubmed", "europepmc", "crossref") else 260).items
    outcome = bench.search(name)
    count = len(bench.held.items)
    assert (outcome.run.hits, outcome.new, outcome.resumed) == (count, count, False)
    rows = bench.rows()
    assert [row["doi"] for row in rows] == [f"10.5555/test.{n + 1}" for n in range(count)]
    assert len({row["record"] for row in rows}) == len({row["sha256"] for row in rows}) == count
    assert rows[0]["title"].rstrip(".") == "Deep learning in cardiac MRI segmentation, report 1"
    assert all(row["accession"] and row["run_id"] == outcome.run.run_id and row["authors"] for row in rows)
    run = bench.ledger.runs()[-1]
    assert (run["hits"], run["new"], run["date"], run["from_date"]) == (
        str(count),
        str(count),
        "2026-11-22",
        "2026-10-01",
    )
    assert run["tool_version"].startswith("livingreview ")
    assert not (bench.ledger.state / "pubmed").exists()


@pytest.mark.parametrize("name", EVERY)
def test_nothing_found_is_a_recorded_run_and_no_error(bench, name):
    bench.held.items = []
    before = bench.ledger.runs()
    outcome = bench.search(name)
    assert (outcome.run.hits, outcome.new) == (0, 0)
    assert bench.ledger.runs()[:-1] == before
    assert not bench.ledger.records_path.exists()


PASSING = {
    "too many requests": Fault(429, headers=(("Retry-After", "7"),)),
    "server error": Fault(500),
    "bad gateway as a page": Fault(502, HTML, "text/html"),
    "web page with status 200": Fault(200, HTML, "text/html"),
    "web page that says it is JSON": Fault(200, HTML, "application/json"),
    "cut in the middle": Fault(keep=0.6),
    "empty answer": Fault(keep=0.0),
    "connection cut": Fault(headers=(("Content-Length", "99999999"), ("Connection", "close")), keep=0.5),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_asked_again_and_leaves_no_trace(bench, name, fault):
    bench.held.faults = [PASSING[fault]] * 2
    assert bench.search(name).new == 7
    assert [row["doi"] for row in bench.rows()] == [f"10.5555/test.{n + 1}" for n in range(7)]
    assert sum(pause > 0.11 for pause in bench.pauses) >= 2


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("fault", PASSING)
def test_a_lasting_fault_ends_the_run_with_an_untouched_ledger(bench, name, fault):
    before = bench.files()
    bench.held.faults = [PASSING[fault]] * 50
    with pytest.raises(SearchError, match="no usable answer in 4 attempts"):
        bench.search(name)
    assert bench.files() == before


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(401, b'{"error": "bad key"}'), "status 401: .*bad key"),
        (Fault(400, b"\x1b[31mred\x1b[0m"), "status 400: .*31mred"),
        (Fault(301, headers=(("Location", "http://127.0.0.1/"),)), "status 301"),
        (Fault(429, headers=(("Retry-After", "86400"),)), "asks to wait 86,400 seconds"),
    ],
)
def test_what_asking_again_cannot_mend_ends_at_once_and_says_why(bench, fault, message):
    before = bench.files()
    bench.held.faults = [fault] * 50
    with pytest.raises(SearchError, match=message) as caught:
        bench.search("europepmc")
    assert "\x1b" not in str(caught.value)
    assert len(bench.held.requests) == 1
    assert bench.files() == before


def test_an_entity_bomb_is_not_expanded(bench):
    bench.held.faults = [Fault(), Fault(200, BOMB, "text/xml")]
    with pytest.raises(SearchError, match="declares entities"):
        bench.search("pubmed")
    assert not bench.ledger.records_path.exists()


def test_an_answer_of_another_size_than_any_search_is_not_read_to_its_end(bench):
    bench.held.faults = [Fault(200, b" " * 3_000_000)]
    with pytest.raises(SearchError, match="more than 1,000,000 bytes"):
        bench.search("europepmc", limits=Limits(size=1_000_000))


def test_a_drip_of_bytes_is_given_up(bench):
    ticks = itertools.count(step=1.0)
    bench.held.faults = [Fault(drip=0.001)] * 4
    with pytest.raises(SearchError, match="not complete after 5 seconds"):
        bench.search("europepmc", limits=Limits(attempts=4, whole=5.0), clock=lambda: float(next(ticks)))


def test_pauses_grow_are_jittered_and_end_at_the_longest(bench):
    bench.held.faults = [Fault(503)] * 20
    with pytest.raises(SearchError):
        bench.search("europepmc", limits=Limits(attempts=6, first_pause=1.0, longest_pause=5.0))
    assert [pause for pause in bench.pauses if pause > 0.11] == [0.75, 1.5, 3.0, 3.75, 3.75]


@pytest.mark.parametrize("as_date", [False, True])
def test_the_pause_that_a_service_names_is_kept(bench, as_date):
    moment = datetime.now(UTC) + timedelta(seconds=40)
    value = format_datetime(moment, usegmt=True) if as_date else "40"
    bench.held.faults = [Fault(429, headers=(("Retry-After", value),))]
    bench.search("europepmc")
    assert 35 < max(bench.pauses) <= 40
    assert sum(bench.pauses) > max(bench.pauses)


def test_requests_keep_the_spacing_of_the_service(bench):
    bench.held.items = library(450).items
    bench.search("pubmed")
    requests = len(bench.held.requests)
    assert requests == 4
    assert bench.now == pytest.approx(0.1 * (requests - 1))


@pytest.mark.slow
def test_more_hits_than_pubmed_gives_are_fetched_window_by_window(bench):
    bench.held.items = library(10_450, added=date(2026, 10, 2), every=250).items
    outcome = bench.search("pubmed")
    assert outcome.new == 10_450
    windows = {(asked["mindate"], asked["maxdate"]) for name, asked, _ in bench.held.requests if name == "esearch.fcgi"}
    assert windows == {
        ("2026/10/01", "2026/11/22"),
        ("2026/10/01", "2026/10/27"),
        ("2026/10/28", "2026/11/22"),
    }


def test_more_hits_on_one_day_than_pubmed_gives_are_refused(bench):
    bench.held.items = library(10_001, added=TODAY).items
    with pytest.raises(SearchError, match="10,001 hits on 2026-11-22"):
        bench.search("pubmed")
    assert not bench.ledger.records_path.exists()


def test_pubmed_is_asked_by_entry_date_with_the_history_server(bench):
    bench.search("pubmed")
    (_, asked, _), (_, fetched, _) = bench.held.requests
    assert (asked["datetype"], asked["mindate"], asked["usehistory"], asked["db"]) == (
        "edat",
        "2026/10/01",
        "y",
        "pubmed",
    )
    assert "2020:2026[dp]" in asked["term"]  # the end of the strategy's years moves with the search
    assert fetched["WebEnv"] == "MCID_0"
    assert "id" not in fetched


def test_a_history_set_that_was_dropped_is_asked_for_by_number(bench):
    bench.held.before = lambda number: bench.held.sets.clear() if number == 2 else None
    assert bench.search("pubmed").new == 7
    assert bench.held.requests[-1][1]["id"] == "1,2,3,4,5,6,7"


def test_a_record_that_pubmed_lists_and_does_not_give_is_an_error(bench):
    def withdraw(number: int) -> None:
        if number == 2:
            bench.held.sets["MCID_0"] = bench.held.items = bench.held.items[1:]

    bench.held.before = withdraw
    with pytest.raises(SearchError, match="lists 1 but gives no record"):
        bench.search("pubmed")
    assert not bench.ledger.records_path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["openalex", "scopus", "webofscience", "ieee"])
def test_hits_that_move_while_they_are_read_by_position_start_the_run_anew(bench, name):
    bench.held.items = library(450).items

    def add(number: int) -> None:
        if number == 3:
            bench.held.items.insert(0, Item(999))

    bench.held.before = add
    assert bench.search(name).new == 451
    assert len({row["record"] for row in bench.rows()}) == 451


def test_hits_that_never_stand_still_end_the_run(bench):
    bench.held.items = library(450).items
    bench.held.before = lambda number: bench.held.items.insert(0, Item(10_000 + number))
    with pytest.raises(SearchError, match="while they were read, 3 times"):
        bench.search("ieee")
    assert not bench.ledger.records_path.exists()


def test_a_cursor_that_ends_too_early_is_an_error(bench):
    bench.held.items = library(1_500).items

    def lose(number: int) -> None:
        if number == 2:
            bench.held.items = bench.held.items[:1_000] + [Item(1)] * 500

    bench.held.before = lose
    with pytest.raises(SearchError, match="said it has 1,500 records and gave 1,000"):
        bench.search("europepmc")
    assert not bench.ledger.records_path.exists()


def test_records_that_arrive_while_a_cursor_runs_are_no_error(bench):
    bench.held.items = library(1_500).items
    bench.held.before = lambda number: bench.held.items.append(Item(5_000 + number)) if number == 2 else None
    assert bench.search("europepmc").new == 1_501


def test_pages_without_end_are_left(bench, monkeypatch):
    monkeypatch.setattr(run, "SLACK", 5)
    bench.held.before = lambda number: bench.held.items.append(bench.held.items[0])
    with pytest.raises(SearchError, match="pages without end"):
        bench.search("europepmc")
    assert not bench.ledger.records_path.exists()


def test_more_hits_than_the_maximum_are_refused_before_they_are_fetched(bench):
    bench.held.items = library(3_000).items
    with pytest.raises(SearchError, match="3,000 hits, more than 2,000"):
        bench.search("europepmc", maximum=2_000)
    assert len(bench.held.requests) == 1
    assert not bench.ledger.records_path.exists()


def test_scopus_beyond_its_limit_and_openalex_with_a_key_go_along_a_cursor(bench, monkeypatch):
    monkeypatch.setattr(services, "SCOPUS_BY_POSITION", 60)
    bench.held.items = library(70).items
    assert bench.search("scopus").new == 70
    assert [asked.get("cursor") for _, asked, _ in bench.held.requests] == [None, "*", "c25", "c50", "c70"]
    bench.held.items = library(150).items
    assert bench.search("openalex", key="k").new == 150
    assert {asked.get("api_key") for _, asked, _ in bench.held.requests[-2:]} == {"k"}


def test_crossref_keeps_what_the_whole_strategy_matches(bench):
    bench.held.items = [
        Item(1, title="Deep-learning segmentation of the heart in MRI"),
        Item(2, title="Deep learning in the heart of the city"),
        Item(3, title="Cardiac MRI segmentation by hand"),
        Item(4, title="AI-based <i>diagnosis</i> with cardiac magnetic resonance imaging"),
    ]
    outcome = bench.search("crossref")
    assert [row["doi"] for row in bench.rows()] == ["10.5555/test.1", "10.5555/test.4"]
    assert outcome.run.hits == 2
    # The concept with the fewest words is the one that the service is asked for.
    assert bench.held.requests[0][1]["query.bibliographic"] == "cardiac heart"
    with pytest.raises(SearchError, match="give --since"):
        bench.search("crossref", since=None)


def test_unicode_and_markup_reach_the_ledger_as_text_on_one_line(bench):
    bench.held.items = [Item(1, title="T1-Mapping: Größe & « Herz » 心臓 <5 mm\u2028end")]
    bench.search("pubmed")
    row = bench.rows()[0]
    assert row["title"] == "T1-Mapping: Größe & « Herz » 心臓 <5 mm end"
    assert row["authors"] == "Müller, Jörg; Food and Drug Administration"
    assert row["doi"] == "10.5555/test.1"
    assert row["abstract"] == "METHODS: A network < 5 layers."
    assert bench.ledger.records_path.read_bytes().count(b"\n") == 2


def test_a_later_run_adds_only_what_is_new_and_leaves_the_old_rows_as_they_are(bench):
    bench.search("pubmed")
    before = bench.files()
    bench.held.items = [*library(9).items[::-1]]
    outcome = bench.search("pubmed")
    assert (outcome.run.hits, outcome.new) == (9, 2)
    after = bench.files()
    assert after["records.csv"].startswith(before["records.csv"])
    assert after["runs.csv"].startswith(before["runs.csv"])
    assert [row["run_id"] for row in bench.ledger.runs()[-2:]] == ["2026-11-22-pubmed", "2026-11-22-pubmed-2"]
    assert bench.ledger.faults() == []


@pytest.mark.slow
def test_a_broken_run_goes_on_where_it_broke_off(bench):
    bench.held.items = library(1_000).items
    bench.held.faults = [Fault()] * 4 + [Fault(503)] * 4
    with pytest.raises(SearchError):
        bench.search("pubmed")
    assert not bench.ledger.records_path.exists()
    asked = len(bench.held.requests)
    outcome = bench.search("pubmed")
    assert (outcome.new, outcome.resumed) == (1_000, True)
    starts = [request["retstart"] for name, request, _ in bench.held.requests[asked:] if name == "efetch.fcgi"]
    assert starts == ["600", "800"]
    assert [row["pmid"] for row in bench.rows()] == [str(n + 1) for n in range(1_000)]


@pytest.mark.slow
def test_a_broken_run_whose_cursor_has_expired_begins_again_and_doubles_nothing(bench):
    bench.held.items = library(2_500).items
    bench.held.faults = [Fault(), Fault(400, b"{}")]
    with pytest.raises(SearchError, match="status 400"):
        bench.search("europepmc")
    bench.held.faults = [Fault(400, b'{"errMsg": "cursor expired"}')]
    outcome = bench.search("europepmc")
    assert (outcome.new, outcome.resumed) == (2_500, True)


def test_a_broken_run_of_another_strategy_is_forgotten(bench):
    bench.held.faults = [Fault(), Fault(400, b"{}")]
    with pytest.raises(SearchError):
        bench.search("pubmed")
    bench.strategy = bench.strategy.model_copy(update={"from_year": 2021})
    assert not bench.search("pubmed").resumed


def test_the_window_begins_two_weeks_before_the_last_run(bench):
    ledger = bench.ledger
    assert window_start(ledger, "PubMed", in_full=True) == date(2025, 7, 31) - OVERLAP
    assert window_start(ledger, "Europe PMC", in_full=True) is None
    assert window_start(ledger, "Crossref", in_full=False) == date(2025, 7, 31) - OVERLAP
    bench.search("europepmc")
    assert window_start(ledger, "Europe PMC", in_full=True) == TODAY - OVERLAP


def test_a_database_that_found_something_before_and_nothing_now_is_told(bench):
    assert not fell_silent(bench.ledger, bench.search("europepmc"))
    bench.held.items = []
    assert fell_silent(bench.ledger, bench.search("europepmc"))
    assert not fell_silent(bench.ledger, bench.search("openalex"))


def test_a_source_without_its_key_is_left_out_with_a_line_or_refused_by_name():
    sources, skipped = connect([], {"WOS_API_KEY": "k"}, "")
    assert [source.database for source in sources] == ["PubMed", "Europe PMC", "OpenAlex", "Web of Science"]
    assert skipped == ["Scopus: skipped, no key in SCOPUS_API_KEY", "IEEE Xplore: skipped, no key in IEEE_API_KEY"]
    with pytest.raises(SearchError, match=r"Scopus needs a key; put it into .* SCOPUS_API_KEY"):
        connect(["scopus"], {}, "")
    with pytest.raises(SearchError, match="no source pubmde; there are pubmed, europepmc"):
        connect(["pubmde"], {}, "")


def test_services_are_told_whom_to_write_to_and_keys_stay_out_of_messages(bench):
    environment = {"SCOPUS_API_KEY": "secret-key", "LIVINGREVIEW_SCOPUS_URL": bench.address}
    ((source,), _) = connect(["scopus"], environment, "jane@example.org")
    bench.held.faults = [Fault(403, b'{"error": "no"}')]
    with pytest.raises(SearchError) as caught:
        search_source(source, bench.strategy, bench.ledger, since=SINCE, today=TODAY, maximum=10)
    source.service.close()
    headers = bench.held.requests[0][2]
    assert headers["User-Agent"].endswith("(mailto:jane@example.org)")
    assert headers["X-Els-Apikey" if "X-Els-Apikey" in headers else "X-ELS-APIKey"] == "secret-key"
    assert "secret" not in str(caught.value) + repr(source)
