"""What the searches yielded: per run, per database, what only one of them found, and how long studies took to get in.

The base review published no records, so that only its numbers of hits are known; everything else counts from the
ledger of records on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import pandas as pd

from livingreview.review import OTHER_METHODS, Review, label
from livingreview.screening.agreement import verdicts
from livingreview.screening.ledger import read_decisions
from livingreview.screening.library import Library, read_library

__all__ = ["Lag", "database_yield", "inclusion_lag", "overlap_of_databases", "run_yield", "search_age"]


@dataclass(frozen=True)
class Lag:
    """Days from the publication of a study to the search of the version that took it in.

    Parameters
    ----------
    days
        By study, as people cite it; negative where the search came before the date of the issue.
    undated
        Included studies whose day of publication is not known.
    """

    days: Mapping[str, int]
    undated: int

    @property
    def median(self) -> float | None:
        """Median of the days; None where no date is known."""
        return median(self.days.values()) if self.days else None


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


def inclusion_lag(review: Review) -> Lag:
    """Return the days from publication to the day of the version that took a study in, where both are known."""
    days: dict[str, int] = {}
    undated = 0
    for study in review.included:
        on = min(standing.on for standing in study.standing if standing.status == "included")
        if study.report.published is None:
            undated += 1
        else:
            days[label(study)] = (on - study.report.published).days
    return Lag(days, undated)


def search_age(review: Review) -> int:
    """Return the days since the last database search."""
    return (review.day - review.last_search).days


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
