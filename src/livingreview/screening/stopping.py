"""How sure we can be that enough of the relevant records are found: information for people, never a decision.

The test asks, for every point of the screening so far: were the records screened since then a random draw from what
was left, how likely is it that so few relevant ones came up although recall is below the target? The smallest of
these probabilities is reported. Reading in order of rank finds relevant records faster than a random draw, so that
the test errs towards reading on.

References
----------
Callaghan MW, Müller-Hansen F. Statistical stopping criteria for automated screening in systematic reviews.
Syst Rev 2020;9:273. https://doi.org/10.1186/s13643-020-01521-4
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import hypergeom

__all__ = ["StoppingReport", "recall_test", "stopping_report"]


@dataclass(frozen=True)
class StoppingReport:
    """Where the screening stands.

    Parameters
    ----------
    total, screened, relevant
        Records in all, those decided, and those of them that go on.
    irrelevant_run
        Records excluded since the last relevant one.
    recall_target
        Share of the relevant records that ought to be found.
    p
        Probability of what was seen if recall were below the target; None before the first relevant record.
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

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def recall_test(labels: Sequence[int] | Sequence[bool], total: int, *, recall_target: float = 0.95) -> float:
    """Return the probability of what was seen if the recall were below a target.

    Parameters
    ----------
    labels
        One entry per screened record in the order of screening: 1 relevant, 0 irrelevant.
    total
        Records in all, screened or not.
    recall_target
        The recall to be tested, above 0 and below or equal to 1.

    Returns
    -------
    float
        The smallest p value over all starting points. It is a minimum of many, and looks at the data anew with each
        record: read it as a measure of doubt.

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
    """Report where the screening stands.

    Parameters
    ----------
    labels, total, recall_target
        As for :func:`recall_test`; nothing need be screened yet.
    """
    seen = [bool(label) for label in labels]
    run = next((i for i, label in enumerate(reversed(seen)) if label), len(seen))
    p = recall_test(seen, total, recall_target=recall_target) if any(seen) else None
    return StoppingReport(total, len(seen), sum(seen), run, recall_target, p)
