"""How much reading the ranking would have saved, had it been used before.

References
----------
Cohen AM, Hersh WR, Peterson K, Yen PY. Reducing workload in systematic review preparation using automated citation
classification. J Am Med Inform Assoc 2006;13:206-219 (work saved over sampling). https://doi.org/10.1197/jamia.M1929
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from livingreview.errors import TooFewStudies
from livingreview.screening.agreement import Estimate
from livingreview.screening.ranking import matrix, require_enough, scores

__all__ = ["RECALL", "Backtest", "backtest", "simulate", "work_saved"]

RECALL: Final = 0.95
_RESAMPLES: Final = 2000
_SEED: Final = 20250731


@dataclass(frozen=True)
class Backtest:
    """The ranking tried on decisions that it had not seen.

    Parameters
    ----------
    learned_until
        Last day whose decisions were learned from; everything later was ranked.
    learned, learned_included
        Records learned from, and the included of them.
    ranked, ranked_included
        Records ranked, and the included of them.
    saved
        Work saved over sampling at 95 % recall, with its bootstrap interval. 0 is reading in random order.
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

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "learned_until": self.learned_until.isoformat()}


def work_saved(labels: Sequence[bool] | NDArray[np.bool_], *, recall: float = RECALL, level: float = 0.95) -> Estimate:
    """Return the work saved over sampling of one order of reading.

    Parameters
    ----------
    labels
        Whether each record is included, in the order of reading.
    recall
        Share of the included records that has to be found.
    level
        Confidence level of the percentile interval. Included and excluded records are resampled apart, with their
        places: it says how the figure varies with the records, not with what was learned from.

    Returns
    -------
    Estimate
        ``recall`` minus the share of the records read until then.

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
    needed = math.ceil(recall * places.size - 1e-9)
    excluded_before = np.concatenate([[0], np.cumsum(~order)])

    def saved(read: NDArray[np.float64]) -> NDArray[np.float64]:
        return recall - read / order.size

    rng = np.random.default_rng(_SEED)
    last = np.sort(rng.choice(places, (_RESAMPLES, places.size)), axis=1)[:, needed - 1]
    excluded = order.size - places.size
    share = excluded_before[last] / excluded if excluded else np.zeros(_RESAMPLES)
    lower, upper = np.quantile(
        saved(needed + rng.binomial(excluded, share).astype(float)), [(1 - level) / 2, (1 + level) / 2]
    )
    value = float(saved(np.array(needed + excluded_before[places[needed - 1]], dtype=float)))
    return Estimate(round(value, 12), float(lower), float(upper))


def backtest(texts: Sequence[str], included: Sequence[bool], days: Sequence[date]) -> Backtest:
    """Learn from the earlier half of the included records, rank all that came later, and measure.

    Parameters
    ----------
    texts, included, days
        Title and abstract, verdict, and day of the verdict (or of the record) of each record that was decided.

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


def simulate(texts: Sequence[str], included: Sequence[bool], *, seed: int = 1, batch: int = 10) -> NDArray[np.intp]:
    """Return the order in which all records would have been read, learning anew after every few.

    Parameters
    ----------
    texts, included
        Title and abstract, and verdict, of each record.
    seed
        Draws the one included and the one excluded record that are known at the start.
    batch
        Records read between two rounds of learning.

    Returns
    -------
    (n,) array
        Indices of the records; the two known ones stand first.

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
