"""How well people who screened the same records agree, and what their decisions come to.

Kappa falls when nearly everything is excluded, however well people agree (the kappa paradox): the raw agreement and
the prevalence- and bias-adjusted kappa stand beside it, and none is to be read without the table.

References
----------
Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37-46.
https://doi.org/10.1177/001316446002000104
Fleiss JL, Cohen J, Everitt BS. Large sample standard errors of kappa and weighted kappa. Psychol Bull 1969;72:323-327.
https://doi.org/10.1037/h0028106
Byrt T, Bishop J, Carlin JB. Bias, prevalence and kappa. J Clin Epidemiol 1993;46:423-429.
https://doi.org/10.1016/0895-4356(93)90018-V
Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-212.
https://doi.org/10.1080/01621459.1927.10502953
Lefebvre C, et al. Selecting studies. In: Cochrane Handbook for Systematic Reviews of Interventions, chapter 4, whose
conduct standard C39 asks for at least two people who work independently.
https://training.cochrane.org/handbook/current/chapter-04
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Final, NamedTuple

from livingreview.screening.ledger import EXCLUSION_REASONS, Decision, standing

__all__ = [
    "Agreement", "Estimate", "Verdict", "agreement", "cohen_kappa", "disagreements", "pairwise_agreement",
    "share_alike", "verdicts",
]  # fmt: skip

# People who must have decided, independently of each other, before a record counts as decided.
SCREENERS: Final = 2
# Of a 95 % interval.
_Z: Final = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Estimate:
    """A number with its interval."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        """Return ``value [lower, upper]``."""
        return f"{self.value:.3f} [{self.lower:.3f}, {self.upper:.3f}]"


@dataclass(frozen=True)
class Agreement:
    """Agreement of two people on the records that both decided.

    Parameters
    ----------
    people, table
        The two, and 2×2 counts: rows the first person's, columns the second's decision; kept (included or unsure),
        excluded.
    raw
        Share of records that both decided alike, with Wilson's interval.
    kappa
        Cohen's kappa with the large-sample interval; None where both people used one and the same category throughout.
    pabak
        Prevalence- and bias-adjusted kappa, 2·raw − 1, with the interval of the raw agreement.
    """

    people: tuple[str, str]
    table: tuple[tuple[int, int], tuple[int, int]]
    raw: Estimate
    kappa: Estimate | None
    pabak: Estimate

    @property
    def n(self) -> int:
        """Records that both decided."""
        return sum(map(sum, self.table))

    def __str__(self) -> str:
        """Return one line for people."""
        kappa = "not defined: one category only" if self.kappa is None else str(self.kappa)
        return (
            f"{self.people[0]} and {self.people[1]}: {self.n} records of both, raw agreement {self.raw}, "
            f"kappa {kappa}, prevalence-adjusted kappa {self.pabak}"
        )


def agreement(table: Sequence[Sequence[int]], people: tuple[str, str] = ("first", "second")) -> Agreement:
    """Return raw agreement, Cohen's kappa and prevalence-adjusted kappa of (2, 2) counts, rows of one person.

    Raises
    ------
    ValueError
        The table is not 2×2, holds a negative count, or nothing at all.

    Examples
    --------
    >>> str(agreement([[20, 5], [10, 15]]).kappa)
    '0.400 [0.151, 0.649]'
    """
    (a, b), (c, d) = ((int(x), int(y)) for x, y in table)
    if min(a, b, c, d) < 0 or a + b + c + d == 0:
        raise ValueError(f"expected counts of at least one record, found {[[a, b], [c, d]]}")
    raw = share_alike(a + d, a + b + c + d)
    pabak = Estimate(2 * raw.value - 1, 2 * raw.lower - 1, 2 * raw.upper - 1)
    return Agreement(people, ((a, b), (c, d)), raw, cohen_kappa(((a, b), (c, d))), pabak)


def pairwise_agreement(decisions: Iterable[Decision], stage: str) -> tuple[Agreement, ...]:
    """Return the agreement at a stage of every two people who decided on common records, before any adjudication.

    A record of which somebody is unsure goes on, so that *unsure* counts with *include*.
    """
    by_person: dict[str, dict[str, bool]] = {}
    for row in standing(decisions):
        if row.stage == stage and row.kind == "decision":
            by_person.setdefault(row.person, {})[row.record] = row.decision == "exclude"
    found = []
    for first, second in combinations(sorted(by_person), 2):
        table = [[0, 0], [0, 0]]
        for record in by_person[first].keys() & by_person[second].keys():
            table[by_person[first][record]][by_person[second][record]] += 1
        if any(map(any, table)):
            found.append(agreement(table, (first, second)))
    return tuple(found)


def disagreements(decisions: Iterable[Decision], stage: str) -> dict[str, tuple[Decision, ...]]:
    """Return the records that people decided differently, or left unsure, and nobody has adjudicated."""
    return {
        record: tuple(held)
        for record, held in _by_record(decisions, stage).items()
        if _verdict(held).outcome == "conflict" and not any(row.kind == "adjudication" for row in held)
    }


def share_alike(alike: int, n: int) -> Estimate:
    """Return the share of `n` comparisons that came out alike, with Wilson's interval; `n` is at least 1."""
    z = _Z
    p = alike / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, max(0.0, centre - half), min(1.0, centre + half))


def cohen_kappa(table: Sequence[Sequence[int]]) -> Estimate | None:
    """Return Cohen's kappa with its large-sample interval; None where both used one and the same category throughout.

    The table holds (c, c) counts over c categories, rows of one person and columns of the other; at least one count.
    """
    n, categories = sum(map(sum, table)), range(len(table))
    p = [[count / n for count in row] for row in table]
    rows, columns = [sum(row) for row in p], [sum(row[j] for row in p) for j in categories]
    expected = sum(rows[i] * columns[i] for i in categories)
    # As counts: a sum of shares need not be exactly 1.
    if any(sum(table[i]) == n == sum(row[i] for row in table) for i in categories):
        return None
    kappa = (sum(p[i][i] for i in categories) - expected) / (1 - expected)
    # Fleiss, Cohen & Everitt 1969, equation 13; the row margin of one person meets the column margin of the other.
    agreed = sum(p[i][i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in categories)
    split = sum(p[i][j] * (columns[i] + rows[j]) ** 2 for i in categories for j in categories if i != j)
    spread = agreed + (1 - kappa) ** 2 * split - (kappa - expected * (1 - kappa)) ** 2
    variance = spread / (n * (1 - expected) ** 2)
    half = _Z * math.sqrt(max(variance, 0.0))
    return Estimate(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0))


class Verdict(NamedTuple):
    """Where one record stands at one stage.

    Parameters
    ----------
    outcome
        ``"include"`` or ``"exclude"`` when enough people agree or somebody adjudicated; ``"conflict"`` when they
        differ or are unsure; ``"pending"`` when too few have decided.
    reason
        Of an exclusion; where people give several, the one that stands first in the list of reasons.
    """

    outcome: str
    reason: str


def verdicts(decisions: Iterable[Decision], stage: str) -> dict[str, Verdict]:
    """Return where every record stands at a stage that somebody has decided on, withdrawn decisions aside."""
    return {record: _verdict(rows) for record, rows in _by_record(decisions, stage).items()}


def _by_record(decisions: Iterable[Decision], stage: str) -> dict[str, list[Decision]]:
    rows: dict[str, list[Decision]] = {}
    for row in standing(decisions):
        if row.stage == stage:
            rows.setdefault(row.record, []).append(row)
    return rows


def _verdict(rows: list[Decision]) -> Verdict:
    settled = [row for row in rows if row.kind == "adjudication"]
    counted = settled or rows
    found = {row.decision for row in counted}
    if not settled and len(rows) < SCREENERS:
        outcome = "pending"
    elif len(found) > 1 or "unsure" in found:
        outcome = "conflict"
    else:
        (outcome,) = found
    given = {row.reason for row in counted} if outcome == "exclude" else set()
    return Verdict(outcome, next((reason for reason in EXCLUSION_REASONS if reason in given), ""))
