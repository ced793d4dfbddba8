"""How much reading the ranking would have saved, and how sure one can be that enough is found: no decision.

References
----------
Cohen AM, Hersh WR, Peterson K, Yen PY. Reducing workload in systematic review preparation using automated citation
classification. J Am Med Inform Assoc 2006;13:206-219 (work saved over sampling). https://doi.org/10.1197/jamia.M1929
Callaghan MW, Müller-Hansen F. Statistical stopping criteria for automated screening in systematic reviews.
Syst Rev 2020;9:273. https://doi.org/10.1186/s13643-020-01521-4
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from livingreview.errors import TooFewStudies
from livingreview.screening.agreement import Estimate
from livingreview.screening.ledger import Decision
from livingreview.screening.library import Library
from livingreview.screening.ranking import matrix, require_enough, scores, text_of

__all__ = ["backtest", "backtest_line", "simulate", "stopping_report", "work_saved"]

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


def simulate(texts: Sequence[str], included: Sequence[bool], *, seed: int = 1, batch: int = 10) -> NDArray[np.intp]:
    """Return the order in which all records would have been read, learning anew after every `batch`.

    The seed draws the one included and the one excluded record that are known at the start, and stand first.

    Raises
    ------
    TooFewStudies
        Not both kinds of record occur.
    """
    labels = np.array(included, dtype=bool)
    if labels.all() or not labels.any():
        raise TooFewStudies("a simulation needs included and excluded records")
    rng = np.random.default_rng(seed)
    known = [int(rng.choice(np.flatnonzero(labels))), int(rng.choice(np.flatnonzero(~labels)))]
    features, _ = matrix(texts)
    unread = np.ones(labels.size, dtype=bool)
    unread[known] = False
    while unread.any():
        rows = np.array(known)
        score, _ = scores(features, rows, labels[rows])
        pool = np.flatnonzero(unread)
        chosen = pool[np.argsort(-score[pool], kind="stable")][:batch]
        known.extend(int(row) for row in chosen)
        unread[chosen] = False
    return np.array(known, dtype=np.intp)


@dataclass(frozen=True)
class StoppingReport:
    """Where the screening stands: records in all, those decided, those of them that go on, and those excluded since.

    `p` is the probability of what was seen if recall were below the target; None before the first relevant record.
    """

    total: int
    screened: int
    relevant: int
    irrelevant_run: int
    recall_target: float
    p: float | None

    def __str__(self) -> str:
        """Return two lines for people."""
        counts = (
            f"{self.screened} of {self.total} records screened, {self.relevant} of them relevant; "
            f"{self.irrelevant_run} irrelevant in a row."
        )
        if self.p is None:
            return f"{counts}\nNothing relevant was found yet: the test has nothing to go by."
        return (
            f"{counts}\nTest of a recall below {self.recall_target:.0%}: p = {self.p:.3g}. This is no decision to stop."
        )


def recall_test(labels: Sequence[int] | Sequence[bool], total: int, *, recall_target: float = 0.95) -> float:
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


def stopping_report(
    labels: Sequence[int] | Sequence[bool], total: int, *, recall_target: float = 0.95
) -> StoppingReport:
    """Report where the screening stands; parameters as for :func:`recall_test`, but nothing need be screened yet."""
    seen = [bool(label) for label in labels]
    run = next((i for i, label in enumerate(reversed(seen)) if label), len(seen))
    p = recall_test(seen, total, recall_target=recall_target) if any(seen) else None
    return StoppingReport(total, len(seen), sum(seen), run, recall_target, p)
