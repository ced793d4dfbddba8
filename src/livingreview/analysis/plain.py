"""The main synthesis in words for everybody: counts of a hundred people instead of percentages and intervals."""

from __future__ import annotations

import math

from livingreview.analysis.diagnosis import Pooled
from livingreview.synthesis.intervals import Interval
from livingreview.wording import plural

__all__ = ["of_hundred", "plain_facts"]


def of_hundred(share: Interval) -> tuple[str, str]:
    """Return a proportion as a count of a hundred people, and its limits; never all and never none.

    Examples
    --------
    >>> of_hundred(Interval(0.984, 0.819, 0.999, 0.95))
    ('98', 'as low as 81 or as high as 99')
    """
    middle, lower, upper = (
        min(max(round_(100 * value), 1), 99)
        for round_, value in ((round, share.estimate), (math.floor, share.lower), (math.ceil, share.upper))
    )
    return str(middle), f"as low as {lower} or as high as {upper}"


def plain_facts(pooled: Pooled) -> dict[str, str]:
    """Return what the plain-language pages say of the main synthesis; that we do not know, where that is so."""
    if pooled.fit is None or pooled.imputed is None:
        unknown = "We do not know: too few studies can be put together."
        return {
            **dict.fromkeys(("plain_found", "plain_cleared", "plain_new"), unknown),
            "plain_rests": "No study can be used, so there are",
            "plain_people": "no",
        }
    found, found_limits = of_hundred(pooled.imputed.sensitivity)
    cleared, cleared_limits = of_hundred(pooled.imputed.specificity)
    _, new = of_hundred(pooled.fit.prediction_interval_sensitivity)
    people = int(sum(pooled.counts.n_diseased + pooled.counts.n_nondiseased))
    return {
        "plain_found": f"Of 100 people who have the disease, about {found} are found. The true number could be "
        f"{found_limits}.",
        "plain_cleared": f"Of 100 people who do not have it, about {cleared} are told so. The true number could be "
        f"{cleared_limits}.",
        "plain_new": f"In the next study, the number of sick people found could be {new} of 100.",
        "plain_rests": f"{plural(pooled.k, 'study', 'studies').capitalize()} could be used, with about",
        "plain_people": f"{people:,}",
    }
