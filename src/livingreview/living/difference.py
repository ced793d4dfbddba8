"""What differs between two states of the review: files field by field, and every pooled estimate.

``compare_results`` needs only two sets of results, such as those of two releases; ``compare`` needs the reviews and
also says what each new or changed study does to the diagnostic synthesis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np

from livingreview.analysis.diagnosis import Pooled, central_table, pool
from livingreview.analysis.evidence import MAIN, gather, select
from livingreview.errors import Fault
from livingreview.living.records import Kind, RecordChange, record_changes
from livingreview.living.results import Appearance, Fired, appearances, fired, results_of
from livingreview.review import Review
from livingreview.review.model import ConclusionRule
from livingreview.review.model.files import FrozenMeasure, FrozenResults, FrozenSynthesis
from livingreview.synthesis.influence import leave_one_out

__all__ = [
    "Difference", "ResultsChange", "StudyEffect", "SynthesisChange", "compare", "compare_results", "width_ratio",
]  # fmt: skip

PROPORTIONS = ("sensitivity", "specificity")


@dataclass(frozen=True)
class SynthesisChange:
    """One synthesis before and after; None on the side on which it was not made."""

    id: str
    title: str
    before: FrozenSynthesis | None
    after: FrozenSynthesis | None

    @property
    def changed(self) -> bool:
        """Whether anything in it differs."""
        return self.before != self.after

    @property
    def joined(self) -> tuple[str, ...]:
        """Ids of the studies that came in."""
        return _missing(self.after, self.before)

    @property
    def left(self) -> tuple[str, ...]:
        """Ids of the studies that went out."""
        return _missing(self.before, self.after)

    @property
    def measures(self) -> dict[str, tuple[FrozenMeasure | None, FrozenMeasure | None]]:
        """Every number before and after, changed or not; None where there was none."""
        old, new = (side.measures if side else {} for side in (self.before, self.after))
        return {name: (old.get(name), new.get(name)) for name in {**old, **new}}


@dataclass(frozen=True)
class ResultsChange:
    """Two sets of results.

    Parameters
    ----------
    versions, days
        Before and after.
    syntheses
        Every synthesis on either side, changed or not.
    fired
        The conclusion rules that fire.
    appearances
        The syntheses watched by a rule that are pooled on one side only.
    """

    versions: tuple[str, str]
    days: tuple[date, date]
    syntheses: tuple[SynthesisChange, ...]
    fired: tuple[Fired, ...]
    appearances: tuple[Appearance, ...]

    @property
    def changed(self) -> tuple[SynthesisChange, ...]:
        """The syntheses in which anything differs."""
        return tuple(item for item in self.syntheses if item.changed)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; only the syntheses that changed."""
        return {
            "versions": list(self.versions),
            "days": [day.isoformat() for day in self.days],
            "syntheses": [
                {
                    "id": item.id,
                    "title": item.title,
                    "joined": list(item.joined),
                    "left": list(item.left),
                    "before": item.before.to_dict() if item.before else None,
                    "after": item.after.to_dict() if item.after else None,
                    "width_ratios": {name: width_ratio(*sides) for name, sides in item.measures.items()},
                }
                for item in self.changed
            ],
            "rules_fired": [
                {"id": item.rule.id, "says": item.rule.says, "before": item.before, "after": item.after}
                for item in self.fired
            ],
            "appearances": [asdict(item) for item in self.appearances],
        }


@dataclass(frozen=True)
class StudyEffect:
    """What one new or changed study does in the main diagnostic synthesis.

    Parameters
    ----------
    study, label, kind
        Which study, and whether it is new in the synthesis or its counts changed.
    table
        Its 2×2 table tp, fp, fn, tn; of several compatible ones the central one.
    tables
        How many are compatible with what it prints.
    weight
        Percentage weights for sensitivity and specificity
        (:meth:`~livingreview.synthesis.bivariate.BivariateFit.percentage_weights`).
    without
        ``sensitivity`` and ``specificity`` pooled without it, on the central tables; empty where there is no fit.
    """

    study: str
    label: str
    kind: Kind
    table: tuple[int, int, int, int]
    tables: int
    weight: tuple[float, float]
    without: Mapping[str, FrozenMeasure]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        without = {name: measure.model_dump(exclude_unset=True) for name, measure in self.without.items()}
        return {**asdict(self), "without": without}


@dataclass(frozen=True, eq=False)
class Difference:
    """Everything that differs.

    Parameters
    ----------
    records
        Studies, datasets and ``review.yaml``.
    results
        The pooled estimates; None where one side could not be read.
    effects
        New and changed studies of the main diagnostic synthesis.
    pooled
        That synthesis as it is now, for drawing.
    left_out
        Label, evaluation and reason of what that synthesis leaves out of the studies among the records.
    files
        Every file that differs, with what happened to it, where the caller knows.
    unread
        Why the older side could not be read; empty where it could.
    reference
        What the older side is called.
    """

    records: tuple[RecordChange, ...] = ()
    results: ResultsChange | None = None
    effects: tuple[StudyEffect, ...] = ()
    pooled: Pooled | None = field(default=None, repr=False)
    left_out: tuple[tuple[str, str, str], ...] = ()
    files: tuple[tuple[str, Kind], ...] = ()
    unread: tuple[Fault, ...] = ()
    reference: str = ""

    @property
    def other_files(self) -> tuple[tuple[str, Kind], ...]:
        """The files that differ and are not told of in `records`."""
        told = {record.file for record in self.records}
        return tuple((file, kind) for file, kind in self.files if file not in told)

    @property
    def nothing(self) -> bool:
        """Whether nothing differs."""
        return not (self.records or self.files or self.unread or (self.results and self.results.changed))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "reference": self.reference,
            "records": [asdict(record) for record in self.records],
            "files": [{"file": file, "kind": kind} for file, kind in self.files],
            "results": self.results.to_dict() if self.results else None,
            "effects": [effect.to_dict() for effect in self.effects],
            "left_out": [list(row) for row in self.left_out],
            "unread": [asdict(fault) for fault in self.unread],
        }


def compare_results(
    before: FrozenResults, after: FrozenResults, *, rules: Sequence[ConclusionRule] = ()
) -> ResultsChange:
    """Compare two sets of results, such as those of two releases, and evaluate conclusion rules."""
    old, new = before.by_id, after.by_id
    return ResultsChange(
        versions=(before.version, after.version),
        days=(before.day, after.day),
        syntheses=tuple(
            SynthesisChange(name, item.title, old.get(name), new.get(name)) for name, item in {**old, **new}.items()
        ),
        fired=fired(rules, before, after),
        appearances=appearances(rules, before, after),
    )


def compare(before: Review, after: Review) -> Difference:
    """Compare two states of the review, each on its day: its files field by field, and its main syntheses."""
    pooled = pool(after)
    earlier = {item.study.id: item.tables for item in select(gather(before), MAIN, before).used}
    used = pooled.selection.used
    moved = {item.study.id for item in used if not np.array_equal(earlier.get(item.study.id, ()), item.tables)}
    records = record_changes(before, after)
    files = {record.file for record in records}
    return Difference(
        records=records,
        results=compare_results(results_of(before), results_of(after), rules=after.file.conclusion_rules),
        effects=tuple(_effects(pooled, moved, set(earlier))),
        pooled=pooled,
        left_out=tuple(
            (item.label, item.entry.label or item.entry.id, reason)
            for item, reason in pooled.selection.left_out
            if f"data/studies/{item.study.id}.yaml" in files
        ),
    )


def _effects(pooled: Pooled, moved: AbstractSet[str], earlier: AbstractSet[str]) -> Iterator[StudyEffect]:
    if pooled.fit is None or not moved:
        return
    weights, deleted = pooled.fit.percentage_weights(), leave_one_out(pooled.fit).to_dict()
    for item, weight, without in zip(pooled.selection.used, weights.tolist(), deleted, strict=True):
        if item.study.id not in moved:
            continue
        tp, fp, fn, tn = central_table(item.tables).tolist()
        yield StudyEffect(
            study=item.study.id,
            label=item.label,
            kind="changed" if item.study.id in earlier else "added",
            table=(tp, fp, fn, tn),
            tables=len(item.tables),
            weight=(weight[0], weight[1]),
            without={} if without["failure"] else {name: FrozenMeasure(**without[name]) for name in PROPORTIONS},
        )


def _missing(here: FrozenSynthesis | None, there: FrozenSynthesis | None) -> tuple[str, ...]:
    known = set(there.studies if there else ())
    return tuple(study for study in (here.studies if here else ()) if study not in known)


def width_ratio(before: FrozenMeasure | None, after: FrozenMeasure | None) -> float | None:
    """Return the width of an interval after over that before; None without both."""
    old, new = _width(before), _width(after)
    return new / old if old and new is not None else None


def _width(measure: FrozenMeasure | None) -> float | None:
    lower, upper = measure.ci if measure and measure.ci else (None, None)
    return None if lower is None or upper is None else upper - lower
