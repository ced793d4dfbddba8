"""What the decisions of several people about a record come to.

References
----------
Lefebvre C, et al. Selecting studies. In: Cochrane Handbook for Systematic Reviews of Interventions, chapter 4, whose
conduct standard C39 asks for at least two people who work independently.
https://training.cochrane.org/handbook/current/chapter-04
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from livingreview.screening.ledger import EXCLUSION_REASONS, Decision, standing

__all__ = ["SCREENERS", "Verdict", "verdicts"]

SCREENERS: Final = 2
"""How many people must have decided, independently of each other, before a record counts as decided."""


@dataclass(frozen=True)
class Verdict:
    """Where one record stands at one stage.

    Parameters
    ----------
    record, stage
        As in the ledger.
    outcome
        ``"include"`` or ``"exclude"`` when enough people agree or somebody adjudicated; ``"conflict"`` when they
        differ or are unsure; ``"pending"`` when too few have decided.
    reason
        Of an exclusion; where people give several, the one that stands first in the list of reasons.
    people
        Who decided, in order.
    on
        Day of the last decision that counts.
    adjudicated
        Somebody settled it.
    """

    record: str
    stage: str
    outcome: str
    reason: str
    people: tuple[str, ...]
    on: date
    adjudicated: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "people": list(self.people), "on": self.on.isoformat()}


def verdicts(decisions: Iterable[Decision], stage: str, *, screeners: int = SCREENERS) -> dict[str, Verdict]:
    """Return where every record stands that somebody has decided on.

    Parameters
    ----------
    decisions
        Rows of the ledger in order; withdrawn ones are taken off.
    stage
        ``"title_abstract"`` or ``"full_text"``.
    screeners
        People needed for a verdict without an adjudication.
    """
    by_record: dict[str, list[Decision]] = {}
    for decision in standing(decisions):
        if decision.stage == stage:
            by_record.setdefault(decision.record, []).append(decision)
    return {record: _verdict(rows, screeners) for record, rows in by_record.items()}


def _verdict(rows: list[Decision], screeners: int) -> Verdict:
    settled = [row for row in rows if row.kind == "adjudication"]
    counted = settled or rows
    found = {row.decision for row in counted}
    if not settled and len(rows) < screeners:
        outcome = "pending"
    elif len(found) > 1 or "unsure" in found:
        outcome = "conflict"
    else:
        (outcome,) = found
    given = {row.reason for row in counted} if outcome == "exclude" else set()
    return Verdict(
        record=rows[0].record,
        stage=rows[0].stage,
        outcome=outcome,
        reason=next((reason for reason in EXCLUSION_REASONS if reason in given), ""),
        people=tuple(row.person for row in rows if row.kind == "decision"),
        on=max(row.on for row in counted),
        adjudicated=bool(settled),
    )
