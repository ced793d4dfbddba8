"""What the studies are: counted by task, method and setting, with "not seen" counted like any other answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pandas as pd

__all__ = ["NOT_SEEN", "shares", "tally"]

NOT_SEEN = "not seen"


def tally(values: Iterable[object], *, order: Sequence[str] | None = None) -> dict[str, int]:
    """Count studies per category, most frequent first and ``not seen`` last.

    Parameters
    ----------
    values
        One value per study; a list counts once for each of its entries, None and NaN count as not seen.
    order
        Order of the categories, instead of the most frequent first; categories that do not occur are kept.

    Examples
    --------
    >>> tally(["cine", ["cine", "LGE"], None])
    {'cine': 2, 'LGE': 1, 'not seen': 1}
    """
    counts: Counter[str] = Counter()
    for value in values:
        if isinstance(value, list | tuple):
            counts.update({str(item) for item in value} or {NOT_SEEN})
        else:
            counts[NOT_SEEN if value is None or value != value else str(value)] += 1
    known = [name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if name != NOT_SEEN]
    names = [*(order if order is not None else known), *([NOT_SEEN] if counts[NOT_SEEN] else [])]
    return {name: counts[name] for name in names}


def shares(counts: dict[str, int], total: int) -> pd.DataFrame:
    """Lay a tally out as a table with percentages of all studies.

    Parameters
    ----------
    counts
        Category → number of studies.
    total
        Number of all studies; shares may sum to more than 100 % where a study has several categories.
    """
    rows = [
        {"category": name, "studies": n, "percent": 100 * n / total if total else 0.0} for name, n in counts.items()
    ]
    return pd.DataFrame(rows, columns=["category", "studies", "percent"])
