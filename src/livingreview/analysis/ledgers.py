"""What the ledgers of searches and decisions add up to: the flow of records, and what the searches yielded.

Every record belongs to the period in which it was found, and stands where its decisions put it on the day the review
is looked at. Nothing is counted that a ledger does not hold: what cannot be counted is an error that says why. The base
review published no records, so that of its searches only the numbers of hits are known.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from livingreview.errors import DataError, Fault
from livingreview.review import OTHER_METHODS, OTHER_METHODS_COLUMNS, Review, label
from livingreview.review.reports import is_report_of
from livingreview.screening.agreement import Verdict, verdicts
from livingreview.screening.ledger import EXCLUSION_REASONS, NOT_RETRIEVED, read_decisions
from livingreview.screening.library import Library, read_library

__all__ = [
    "Period", "Sorted", "Update", "count_updates", "database_yield", "inclusion_lag", "new_studies",
    "overlap_of_databases", "run_yield",
]  # fmt: skip


@dataclass(frozen=True)
class Period:
    """The days after one version up to and with another: ``after < day <= until``."""

    name: str
    after: date
    until: date

    def __contains__(self, day: date) -> bool:
        """Return whether a day falls into the period."""
        return self.after < day <= self.until


@dataclass(frozen=True)
class Sorted:
    """Publications of one way into the review, by where they stand.

    Parameters
    ----------
    to_screen, to_decide
        All, and those of them without a verdict on title and abstract.
    excluded
        On title and abstract.
    to_read, not_retrieved
        Without a verdict on the full text, and those whose full text could not be had.
    excluded_full_text
        Count by reason, in the order of the list of reasons.
    included
        Reports.
    """

    to_screen: int
    to_decide: int
    excluded: int
    to_read: int
    not_retrieved: int
    excluded_full_text: tuple[tuple[str, int], ...]
    included: int

    @property
    def screened(self) -> int:
        """Publications with a verdict on title and abstract."""
        return self.to_screen - self.to_decide

    @property
    def sought(self) -> int:
        """Reports that title and abstract did not rule out."""
        return self.screened - self.excluded

    @property
    def assessed(self) -> int:
        """Reports read in full text."""
        return self.sought - self.to_read - self.not_retrieved


@dataclass(frozen=True)
class Update:
    """The numbers of one period.

    Parameters
    ----------
    period
        Its days.
    hits
        Records per database, in the order of the runs.
    repeated
        Records that are copies of others, or were found before.
    databases, other
        What became of the publications, by the way they came.
    found_otherwise, in_review
        Reports found by other methods, and those of them that the review had already.
    suggestions
        Of the reports found otherwise that wait for a decision: what was suggested, and how often.
    """

    period: Period
    hits: tuple[tuple[str, int], ...]
    repeated: int
    databases: Sorted
    other: Sorted
    found_otherwise: int
    in_review: int
    suggestions: tuple[tuple[str, int], ...]

    @property
    def identified(self) -> int:
        """Records that the databases gave."""
        return sum(count for _, count in self.hits)


def count_updates(review: Review, periods: Sequence[Period]) -> tuple[Update, ...]:
    """Return the numbers of each period; periods leave no gap from the base version to the day of the review.

    Raises
    ------
    DataError
        A number cannot be derived, or two ledgers give it differently; the reason is in the faults.
    """
    library = read_library(review.root)
    decisions = [row for row in read_decisions(review.root, library.found) if row.on <= review.day]
    unified = library.unified(decisions)
    first, full = verdicts(unified, "title_abstract"), verdicts(unified, "full_text")
    _check_runs(review, library)
    updates = tuple(_update(review, library, period, first, full) for period in periods)
    _check_studies(review, library, updates, full)
    return updates


def _update(
    review: Review, library: Library, period: Period, first: Mapping[str, Verdict], full: Mapping[str, Verdict]
) -> Update:
    runs = review.runs[review.runs["date"].map(period.__contains__).astype(bool) & (review.runs["kind"] != "base")]
    hits = {str(database): int(count) for database, count in runs.groupby("database", sort=False)["hits"].sum().items()}
    run_ids = set(runs["run_id"])
    unique = [record for record in library.publications if library.found[record].run in run_ids]
    otherwise = review.other_methods[review.other_methods["found"].map(period.__contains__).astype(bool)]
    reports = [name for name in otherwise["candidate"] if name in library.found]
    own = [name for name in reports if library.publication[name] == name]
    waiting = [name for name in own if _outcome(first, name) == "pending"]
    suggested = Counter(otherwise.set_index("candidate")["suggestion"].loc[waiting])
    return Update(
        period=period,
        hits=tuple(hits.items()),
        repeated=sum(hits.values()) - len(unique),
        databases=_sort(unique, first, full),
        other=_sort(own, first, full),
        found_otherwise=len(otherwise),
        in_review=len(otherwise) - len(own),
        suggestions=tuple(suggested.most_common()),
    )


def _sort(records: Iterable[str], first: Mapping[str, Verdict], full: Mapping[str, Verdict]) -> Sorted:
    pool = list(records)
    screened = Counter(_outcome(first, record) for record in pool)
    sought = [record for record in pool if _outcome(first, record) == "include"]
    read = Counter(_outcome(full, record) for record in sought)
    reasons = Counter(full[record].reason for record in sought if _outcome(full, record) == "exclude")
    return Sorted(
        to_screen=len(pool),
        to_decide=screened["pending"],
        excluded=screened["exclude"],
        to_read=read["pending"],
        not_retrieved=reasons[NOT_RETRIEVED],
        excluded_full_text=tuple(
            (text, reasons[key]) for key, text in EXCLUSION_REASONS.items() if reasons[key] and key != NOT_RETRIEVED
        ),
        included=read["include"],
    )


def _outcome(held: Mapping[str, Verdict], record: str) -> str:
    """Return include, exclude or pending: what people differ on is pending, too."""
    outcome = held[record].outcome if record in held else "pending"
    return "pending" if outcome == "conflict" else outcome


def _check_runs(review: Review, library: Library) -> None:
    """Raise unless the ledger of records holds what the runs say they added, looked through for copies."""
    held = Counter(item.run for item in library.found.values() if item.source != OTHER_METHODS)
    updates = review.runs[review.runs["kind"] != "base"]
    faults = [
        Fault(
            "data/search/runs.csv", 0, run, f"the run added {new or 0} records, records.csv holds {held[run]} of it",
            "restore both files from git; the flow counts what they hold", "FLOW-002",
        )
        for run, new in zip(updates["run_id"], updates["new"], strict=True)
        if int(new or 0) != held[run]
    ]  # fmt: skip
    if held and not library.deduplicated:
        problem = "records were added since somebody last looked for copies: duplicates cannot be counted"
        remedy = "run: livingreview dedupe data/search/records.csv --output data/search/clusters.csv"
        faults.append(Fault("data/search/clusters.csv", 0, "", problem, remedy, "FLOW-003"))
    if faults:
        raise DataError(faults)


def _check_studies(review: Review, library: Library, updates: Sequence[Update], full: Mapping[str, Verdict]) -> None:
    """Raise if the review took in studies that no decision took in."""
    start = updates[0].period.after
    reports = [dict(zip(OTHER_METHODS_COLUMNS, row, strict=True)) for row in review.other_methods.to_numpy()]
    included = sum(update.databases.included for update in updates)
    found = new_studies(review, start, "databases")
    faults = [
        _undecided(name, f"{len(found)} studies came by way of databases, {included} of their reports were included")
        for name in (found if len(found) > included else ())
    ]
    for name in new_studies(review, start, OTHER_METHODS):
        own = [row["candidate"] for row in reports if is_report_of(review.study(name), row)]
        if not any(_outcome(full, library.publication.get(report, report)) == "include" for report in own):
            faults.append(_undecided(name, "it stands as included, and no two people have decided so"))
    if faults:
        raise DataError(faults)


def _undecided(study: str, problem: str) -> Fault:
    remedy = (
        "let it await classification until two people have kept it with livingreview screen --person NAME, then with "
        "--stage full_text"
    )
    return Fault(f"data/studies/{study}.yaml", 0, "standing", problem, remedy, "FLOW-004")


def new_studies(review: Review, after: date, route: str) -> tuple[str, ...]:
    """Return the ids of the studies that one way brought into the review after a day."""
    before = {study.id for study in review.as_of(after).included}
    standings = {study.id: study.standing_on(review.day) for study in review.included if study.id not in before}
    return tuple(name for name, standing in standings.items() if standing and standing.route == route)


def run_yield(review: Review) -> pd.DataFrame:
    """Return one row per search run: hits, records new to the ledger, publications that only it found, included.

    What is not known, as for the base version, is absent.
    """
    library = _seen(review)
    sources = _sources(library)
    first = _outcomes(review, library)
    rows = []
    for run in review.runs.to_dict("records"):
        own = [item for item in library.found.values() if item.run == run["run_id"]]
        publications = {library.publication[item.record] for item in own}
        known = run["kind"] != "base"
        found = (run["database"], run["date"].isoformat(), run["hits"])
        kept = sum(first.get(name) == "include" for name in publications)
        only = _only(publications, sources) if library.deduplicated else None
        rows.append((*found, int(run["new"] or 0), only, kept) if known else (*found, None, None, None))
    counts = ["New", "Found nowhere else", "Kept on title and abstract"]
    return pd.DataFrame(rows, columns=["Database", "Date", "Records", *counts]).astype(dict.fromkeys(counts, "Int64"))


def database_yield(review: Review) -> pd.DataFrame:
    """Return one row per database: runs, last run, hits, and what only it contributed since the base version."""
    library = _seen(review)
    sources = _sources(library)
    rows = []
    for database, runs in review.runs.groupby("database", sort=False):
        publications = {name for name, found_in in sources.items() if database in found_in}
        known = bool((runs["kind"] != "base").any())
        only = _only(publications, sources) if known and library.deduplicated else None
        seen = (len(runs), max(runs["date"]).isoformat(), int(runs["hits"].sum()))
        rows.append((database, *seen, len(publications) if known else None, only))
    counts = ["Publications", "Found nowhere else"]
    table = pd.DataFrame(rows, columns=["Database", "Runs", "Last run", "Records", *counts])
    return table.astype(dict.fromkeys(counts, "Int64"))


def overlap_of_databases(review: Review) -> dict[frozenset[str], int]:
    """Return how many publications each combination of databases found, and no other database.

    Returns
    -------
    dict
        Empty while the ledger holds no record, or nobody has looked through it for copies.
    """
    library = _seen(review)
    if not library.deduplicated:
        return {}
    return dict(Counter(frozenset(found_in) for found_in in _sources(library).values()))


def inclusion_lag(review: Review) -> pd.Series[float]:
    """Return the days from the publication of each included study, as people cite it, to the version that took it in.

    They are negative where the search came before the date of the issue, and NaN where the day of publication is not
    known.
    """
    days: dict[str, float] = {}
    for study in review.included:
        on = min(standing.on for standing in study.standing if standing.status == "included")
        published = study.report.published
        days[label(study)] = math.nan if published is None else (on - published).days
    return pd.Series(days, dtype=float)


def _seen(review: Review) -> Library:
    """Return the library without the runs after the day the review is looked at."""
    library = read_library(review.root)
    runs = set(review.runs["run_id"])
    found = {name: item for name, item in library.found.items() if item.run in runs}
    return Library(found, library.publication, library.deduplicated)


def _sources(library: Library) -> dict[str, set[str]]:
    sources: dict[str, set[str]] = defaultdict(set)
    for name, item in library.found.items():
        if item.source != OTHER_METHODS:
            sources[library.publication[name]].add(item.source)
    return sources


def _only(publications: set[str], sources: Mapping[str, set[str]]) -> int:
    return sum(len(sources[name]) == 1 for name in publications)


def _outcomes(review: Review, library: Library) -> dict[str, str]:
    decisions = [row for row in read_decisions(review.root) if row.on <= review.day]
    return {name: v.outcome for name, v in verdicts(library.unified(decisions), "title_abstract").items()}
