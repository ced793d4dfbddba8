"""What to read first, learned from past decisions; what that saves, and how sure one can be that enough is found.

It ranks; it never excludes, and decides nothing.

Words and pairs of words of title and abstract, weighted by TF-IDF, go into a linear classifier in which the few
included records weigh as much more as the many excluded ones outnumber them. The settings are those that the ASReview
project tuned over its benchmark and ships as ``elas_u4``; `benchmarks/screening.py` measures them.

References
----------
van de Schoot R, et al. An open source machine learning framework for efficient and transparent systematic reviews.
Nat Mach Intell 2021;3:125-133. https://doi.org/10.1038/s42256-020-00287-7
Cohen AM, Hersh WR, Peterson K, Yen PY. Reducing workload in systematic review preparation using automated citation
classification. J Am Med Inform Assoc 2006;13:206-219 (work saved over sampling). https://doi.org/10.1197/jamia.M1929
Callaghan MW, Müller-Hansen F. Statistical stopping criteria for automated screening in systematic reviews.
Syst Rev 2020;9:273. https://doi.org/10.1186/s13643-020-01521-4
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from livingreview.errors import TooFewStudies
from livingreview.screening.agreement import Estimate
from livingreview.screening.ledger import Decision
from livingreview.screening.library import Found, Library
from livingreview.search.records import Record
from livingreview.wording import csv_text, in_markdown

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = [
    "FEWEST", "Ranked", "backtest", "backtest_line", "matrix", "rank", "ranking_table", "recall_test", "scores",
    "stopping_report", "work_saved",
]  # fmt: skip

FEWEST: Final = 5
"""Included and excluded records, of each, below which nothing is learned; see ``benchmarks/screening.py``."""

_C: Final = 0.11
_EXCLUDED_SHARE: Final = 9.8  # the excluded records together weigh this many times less than the included ones
_WHY: Final = 3


@dataclass(frozen=True)
class Ranked:
    """A record that waits, and its rank, 1 for what to read first.

    The score is the distance from the classifier's boundary: comparable within one ranking only, and no probability.
    `why` are the words that speak most for it, fewer than three where fewer do.
    """

    record: str
    rank: int
    score: float
    why: tuple[str, ...]


def text_of(record: Record) -> str:
    """Return what is learned from: title and abstract."""
    return f"{record.title} {record.abstract}".strip()


def rank(waiting: Mapping[str, Record], decided: Mapping[str, tuple[Record, bool]]) -> tuple[Ranked, ...]:
    """Return every record that waits, the likeliest first; equal scores in the order given.

    Of the records that are `decided` it is known whether they were included; both are by id.

    Raises
    ------
    TooFewStudies
        There is too little to learn from.
    """
    labels = np.array([included for _, included in decided.values()], dtype=bool)
    require_enough(labels)
    if not waiting:
        return ()
    texts = [text_of(record) for record, _ in decided.values()] + [text_of(record) for record in waiting.values()]
    features, words = matrix(texts)
    known = np.arange(labels.size)
    score, weights = scores(features, known, labels)
    fresh = np.arange(labels.size, len(texts))
    order = fresh[np.argsort(-score[fresh], kind="stable")]
    names = list(waiting)
    return tuple(
        Ranked(names[row - labels.size], place, float(score[row]), _why(features[row], weights, words))
        for place, row in enumerate(order, 1)
    )


def require_enough(labels: NDArray[np.bool_]) -> None:
    """Raise unless there is something to learn from.

    Raises
    ------
    TooFewStudies
        Fewer than :data:`FEWEST` records were included, or excluded.
    """
    included, excluded = int(labels.sum()), int((~labels).sum())
    if min(included, excluded) < FEWEST:
        raise TooFewStudies(
            f"a ranking needs at least {FEWEST} included and {FEWEST} excluded records to learn from; there are "
            f"{included} and {excluded}: read the records in the order in which they were found"
        )


def matrix(texts: Sequence[str]) -> tuple[csr_matrix, NDArray[np.str_]]:
    """Return the TF-IDF matrix of texts, (n, words), and the words.

    Raises
    ------
    TooFewStudies
        The texts have no words that tell them apart.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_df=0.95)
    try:
        features = vectoriser.fit_transform(texts)
    except ValueError:
        raise TooFewStudies("the records have no words that tell them apart: titles or abstracts are missing") from None
    return features.tocsr(), vectoriser.get_feature_names_out()


def scores(
    features: csr_matrix, known: NDArray[np.intp], labels: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the score of every row of an (n, words) matrix, learned from some of its rows, and the weight of a word.

    `known` are the rows that are decided, `labels` whether each of these was included; both kinds occur.
    """
    from sklearn.svm import LinearSVC

    included = labels.sum()
    weight = np.where(labels, 1.0, included / (_EXCLUDED_SHARE * (labels.size - included)))
    weight *= labels.size / weight.sum()
    # Words outnumber records: the dual problem is the small one. Its solver draws; the seed keeps it repeatable.
    model = LinearSVC(C=_C, loss="squared_hinge", dual=True, random_state=0)
    model.fit(features[known], labels, sample_weight=weight)
    return model.decision_function(features), model.coef_[0]


def _why(row: csr_matrix, weights: NDArray[np.float64], words: NDArray[np.str_]) -> tuple[str, ...]:
    share = row.data * weights[row.indices]
    best = [int(i) for i in np.argsort(-share, kind="stable") if share[i] > 0]
    chosen: list[str] = []
    for i in best:  # a pair of words says more than each of them alone
        word = str(words[row.indices[i]])
        if not any(word in other.split() or other in word.split() for other in chosen):
            chosen.append(word)
        if len(chosen) == _WHY:
            break
    return tuple(chosen)


_COLUMNS: Final = ("rank", "record", "title", "journal", "year", "source", "score", "why")


def ranking_table(queue: Sequence[Found], ranking: Sequence[Ranked], form: str, top: int) -> str:
    """Return the first `top` records that wait, in order of rank, as text, markdown or csv.

    Where nothing could be learned the ranking is empty, and the records stand in the order found.
    """
    found = {item.record: item for item in queue}
    rows = [_cells(found[item.record], item) for item in ranking[:top]] or [_cells(item, None) for item in queue[:top]]
    if form == "csv":
        return csv_text([_COLUMNS, *rows]).rstrip("\n")
    left_out = len(queue) - len(rows)
    if form == "markdown":
        lines = ["| Rank | Title | Journal | Year | Source | Why |", "| ---: | --- | --- | --- | --- | --- |"]
        lines += [
            "| " + " | ".join(in_markdown(cell) for cell in (place, title, journal, year, source, why)) + " |"
            for place, _, title, journal, year, source, _, why in rows
        ]
    else:
        lines = [
            f"{place or '–':>4}  {title or '(no title)'} ({', '.join(part for part in (journal, year) if part)})"
            f"\n      {record}" + (f" · {why}" if why else "")
            for place, record, title, journal, year, _, _, why in rows
        ]
    if left_out:
        lines += ["", f"and {left_out} more"]
    return "\n".join(lines) if rows else "No record is waiting."


def _cells(item: Found, ranked: Ranked | None) -> tuple[str, ...]:
    record = item.details
    place, score, why = (
        ("", "", "") if ranked is None else (f"{ranked.rank}", f"{ranked.score:.4f}", ", ".join(ranked.why))
    )
    return (place, item.record, record.title, record.journal, str(record.year or ""), item.source, score, why)


RECALL: Final = 0.95
_RESAMPLES: Final = 2000
_SEED: Final = 20250731


@dataclass(frozen=True)
class Backtest:
    """The ranking tried on decisions that it had not seen: those after the day `learned_until`.

    `saved` is the work saved over sampling at 95 % recall, with its bootstrap interval; 0 is reading in random order.
    """

    learned_until: date
    learned: int
    learned_included: int
    ranked: int
    ranked_included: int
    saved: Estimate

    def __str__(self) -> str:
        """Return two lines for people."""
        return (
            f"Learned from {self.learned} decisions up to {self.learned_until} ({self.learned_included} included), "
            f"tried on {self.ranked} later ones ({self.ranked_included} included).\n"
            f"Work saved over sampling at {RECALL:.0%} recall: {self.saved}."
        )


def work_saved(labels: Sequence[bool] | NDArray[np.bool_]) -> Estimate:
    """Return the work saved over sampling of one order of reading: whether each record in turn is included.

    It is 95 % less the share of the records read until 95 % of the included ones are found, with a percentile interval.
    Included and excluded records are resampled apart, with their places: it says how the figure varies with the
    records, not with what was learned from.

    Raises
    ------
    TooFewStudies
        No record is included.

    Examples
    --------
    >>> work_saved([True, True] + [False] * 18).value
    0.85
    """
    order = np.asarray(labels, dtype=bool)
    places = np.flatnonzero(order)
    if places.size == 0:
        raise TooFewStudies("no included record among those ranked: there is nothing to find, and nothing to measure")
    needed = math.ceil(RECALL * places.size - 1e-9)
    excluded_before = np.concatenate([[0], np.cumsum(~order)])

    def saved(read: NDArray[np.float64]) -> NDArray[np.float64]:
        return RECALL - read / order.size

    rng = np.random.default_rng(_SEED)
    last = np.sort(rng.choice(places, (_RESAMPLES, places.size)), axis=1)[:, needed - 1]
    excluded = order.size - places.size
    share = excluded_before[last] / excluded if excluded else np.zeros(_RESAMPLES)
    lower, upper = np.quantile(saved(needed + rng.binomial(excluded, share).astype(float)), [0.025, 0.975])
    value = float(saved(np.array(needed + excluded_before[places[needed - 1]], dtype=float)))
    return Estimate(round(value, 12), float(lower), float(upper))


def backtest(texts: Sequence[str], included: Sequence[bool], days: Sequence[date]) -> Backtest:
    """Learn from the earlier half of the included records, rank all that came later, and measure.

    Given are title and abstract, verdict, and day of the verdict (or of the record) of each record that was decided.

    Raises
    ------
    TooFewStudies
        There is too little to learn from, or nothing later to try it on.
    """
    labels = np.array(included, dtype=bool)
    require_enough(labels)
    when = np.array([day.toordinal() for day in days])
    until = int(np.quantile(when[labels], 0.5, method="lower"))
    known = np.flatnonzero(when <= until)
    later = np.flatnonzero(when > until)
    require_enough(labels[known])
    if not labels[later].any():
        raise TooFewStudies(f"no record was included after {date.fromordinal(until)}: nothing to try the ranking on")
    features, _ = matrix(texts)
    score, _ = scores(features, known, labels[known])
    order = later[np.argsort(-score[later], kind="stable")]
    return Backtest(
        learned_until=date.fromordinal(until),
        learned=int(known.size),
        learned_included=int(labels[known].sum()),
        ranked=int(later.size),
        ranked_included=int(labels[later].sum()),
        saved=work_saved(labels[order]),
    )


def backtest_line(library: Library, decisions: Sequence[Decision]) -> str:
    """Return what the ranking would have saved so far, or why that cannot be said."""
    outcomes = library.outcomes(decisions)
    try:
        found = backtest(
            [text_of(library.found[record].details) for record in outcomes],
            [kept for kept, _ in outcomes.values()],
            [day for _, day in outcomes.values()],
        )
    except TooFewStudies as error:
        return f"No back-test: {error}."
    return str(found)


def recall_test(labels: Sequence[int] | Sequence[bool], total: int, *, recall_target: float) -> float:
    """Return the probability of what was seen if the recall were below a target, above 0 and at most 1.

    The test asks, for every point of the screening so far: were the records screened since then a random draw from
    what was left, how likely is it that so few relevant ones came up although recall is below the target? Reading in
    order of rank finds relevant records faster than a random draw, so that the test errs towards reading on. The
    smallest p value over all starting points is a minimum of many, and looks at the data anew with each record: read it
    as a measure of doubt. Labels are in the order of screening, 1 relevant, 0 irrelevant; the total counts all records.

    Raises
    ------
    ValueError
        Nothing was screened, there are fewer records than were screened, or the target is no proportion.
    """
    seen = np.asarray(labels, dtype=np.int64)
    if seen.size == 0 or seen.size > total:
        raise ValueError(f"expected 1 to {total} screened records, found {seen.size}")
    if not 0 < recall_target <= 1:
        raise ValueError(f"expected a recall target above 0 and at most 1, found {recall_target}")
    drawn = np.arange(1, seen.size + 1)
    found = seen[::-1].cumsum()
    left = total - (seen.size - drawn)
    # The fewest relevant records that must have been left for the target to be missed.
    fewest = np.floor(seen.sum() / recall_target + 1 - (seen.sum() - found))
    possible = fewest <= left
    p = np.zeros(seen.size)
    p[possible] = hypergeom.cdf(found[possible], left[possible], fewest[possible], drawn[possible])
    return float(p.min())


def stopping_report(labels: Sequence[bool], total: int, *, recall_target: float) -> str:
    """Return where the screening stands, for people; as for :func:`recall_test`, but nothing need be screened yet."""
    run = next((i for i, label in enumerate(reversed(labels)) if label), len(labels))
    counts = f"{len(labels)} of {total} records screened, {sum(labels)} of them relevant; {run} irrelevant in a row."
    if not any(labels):
        return f"{counts}\nNothing relevant was found yet: the test has nothing to go by."
    p = recall_test(labels, total, recall_target=recall_target)
    return f"{counts}\nTest of a recall below {recall_target:.0%}: p = {p:.3g}. This is no decision to stop."
