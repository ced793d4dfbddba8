"""Conclusion rules: which changes readers must be told about, and whether one happened between two days.

A rule compares two values, so it fires only where both days have one. A synthesis that is pooled for the first time
crosses nothing: it is told as pooled for the first time, and one that is pooled no longer likewise (`appearances`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from livingreview.analysis.segmentation import METRICS, STRUCTURE_GROUPS
from livingreview.errors import DataError, Fault
from livingreview.living.results import measure_name
from livingreview.review.model import ConclusionRule, ReviewFile
from livingreview.review.model.files import FrozenResults
from livingreview.review.reading import Document, read_record
from livingreview.wording import decimal

__all__ = ["LEVELS", "Appearance", "Fired", "appearances", "distance_table", "fired", "measures", "rule_faults"]

#: Certainty of evidence, rising; a rule sees the place in this list, 1-based.
LEVELS: Final = ("very low", "low", "moderate", "high")
NEEDS_THRESHOLD: Final = ("crosses threshold", "heterogeneity class changes")
_WITH_INTERVAL: Final = (
    "sensitivity", "specificity", "likelihood_ratio_positive", "likelihood_ratio_negative", "diagnostic_odds_ratio",
)  # fmt: skip


@dataclass(frozen=True)
class Fired:
    """A rule that fired.

    Parameters
    ----------
    rule
        The rule, with the sentence that it says.
    before, after
        The values that it compared; a certainty as its place in `LEVELS`, 1-based.
    """

    rule: ConclusionRule
    before: float | None
    after: float | None

    @property
    def text(self) -> str:
        """What the rule says, with both values."""
        return f"{self.rule.says} Before: {_written(self.rule, self.before)}; now: {_written(self.rule, self.after)}."


@dataclass(frozen=True)
class Appearance:
    """A synthesis that a rule watches, pooled on one of two days only."""

    synthesis: str
    title: str
    change: Literal["first pooled", "no longer pooled"]
    reason: str = ""

    @property
    def text(self) -> str:
        """One sentence for readers."""
        if self.change == "first pooled":
            return f"Pooled for the first time by this review: {self.title}."
        return f"No longer pooled ({self.reason}): {self.title}."


def fired(rules: Sequence[ConclusionRule], before: FrozenResults, after: FrozenResults) -> tuple[Fired, ...]:
    """Return the rules that fire between the results of two days, in their order."""
    found = []
    for rule in rules:
        old, new = _value(before, rule), _value(after, rule)
        if old is not None and new is not None and _fires(rule, old, new, after):
            found.append(Fired(rule, old, new))
    return tuple(found)


def _fires(rule: ConclusionRule, old: float, new: float, after: FrozenResults) -> bool:
    if rule.kind == "certainty changes":
        return old != new
    if rule.kind == "interval excludes previous estimate":
        lower, upper = _interval(after, rule)
        return lower is not None and upper is not None and not lower <= old <= upper
    limit = rule.threshold
    return limit is not None and (old >= limit) != (new >= limit)


def appearances(rules: Sequence[ConclusionRule], before: FrozenResults, after: FrozenResults) -> tuple[Appearance, ...]:
    """Return the syntheses watched by a rule that are pooled on one of two days only."""
    found = []
    for name in dict.fromkeys(rule.synthesis for rule in rules):
        old, new = before.by_id.get(name), after.by_id.get(name)
        if new is not None and new.measures and not (old and old.measures):
            found.append(Appearance(name, new.title, "first pooled"))
        elif old is not None and old.measures and not (new and new.measures):
            reason = new.reason if new else "this synthesis is no longer made"
            found.append(Appearance(name, old.title, "no longer pooled", reason))
    return tuple(found)


def distance_table(rules: Sequence[ConclusionRule], before: FrozenResults | None, after: FrozenResults) -> pd.DataFrame:
    """Return one row per rule: its value then and now, its limit, how far the value stands from it, and if it fired."""
    hit = {item.rule.id for item in fired(rules, before, after)} if before else set()
    rows = []
    for rule in rules:
        old, new = (None if results is None else _value(results, rule) for results in (before, after))
        limit, distance = "", ""
        if rule.threshold is not None:
            limit = _written(rule, rule.threshold)
            distance = "" if new is None else _signed(new - rule.threshold, rule)
        elif rule.kind == "interval excludes previous estimate":
            lower, upper = _interval(after, rule)
            limit = "" if lower is None else f"{_written(rule, lower)} to {_written(rule, upper)}"
            inside = None if old is None or lower is None or upper is None else min(old - lower, upper - old)
            distance = "" if inside is None else _signed(inside, rule)
        watched = f"{rule.synthesis}: {measure_name(rule.measure)}"
        values = (_written(rule, old), _written(rule, new), limit, distance)
        rows.append((watched, rule.kind, *values, "yes" if rule.id in hit else "no"))
    return pd.DataFrame(rows, columns=["Watched", "Fires when", "Then", "Now", "Limit", "Distance", "Fired"])


def measures() -> Mapping[str, frozenset[str]]:
    """Return what a rule can watch: synthesis → names of its measures, as ``results_of`` computes them."""
    diagnosis = {*_with_limits(_WITH_INTERVAL), "i2_sensitivity", "i2_specificity", "certainty"}
    group = frozenset({*_with_limits(["estimate"]), "certainty"})
    return {
        "diagnosis": frozenset(diagnosis),
        **{f"segmentation/{metric}/{name}": group for metric, name in product(METRICS, STRUCTURE_GROUPS)},
        **{f"tabulated/{metric}": frozenset({"mean", "sd"}) for metric in ("dice", "hausdorff")},
    }


def _with_limits(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from (name, f"{name}_lower", f"{name}_upper")


def rule_faults(root: Path) -> list[Fault]:
    """Return the faults of the conclusion rules and certainty judgements that the file's schema does not see."""
    try:
        file, document = read_record(root / "review.yaml", root, ReviewFile)
    except DataError:
        # The check of the file itself says what is wrong with it.
        return []
    ids = [rule.id for rule in file.conclusion_rules]
    faults = [
        document.fault(("conclusion_rules", i, "id"), f"the id {name!r} stands twice", "rename one", "RULE-001")
        for i, name in enumerate(ids)
        if name in ids[:i]
    ]
    known = measures()
    for where, synthesis in [
        *((("conclusion_rules", i), rule.synthesis) for i, rule in enumerate(file.conclusion_rules)),
        *((("certainty", i), judged.synthesis) for i, judged in enumerate(file.certainty)),
    ]:
        if synthesis not in known:
            remedy = f"one of {', '.join(known)}"
            faults.append(document.fault((*where, "synthesis"), f"no synthesis {synthesis!r}", remedy, "RULE-002"))
    for i, rule in enumerate(file.conclusion_rules):
        faults.extend(_rule_faults(rule, ("conclusion_rules", i), known.get(rule.synthesis, frozenset()), document))
    return faults


def _rule_faults(
    rule: ConclusionRule, where: tuple[str | int, ...], known: frozenset[str], document: Document
) -> Iterator[Fault]:
    judged = rule.kind == "certainty changes"
    allowed = {"certainty"} if judged else known - {"certainty"}
    if rule.kind == "interval excludes previous estimate":
        allowed = {name for name in allowed if f"{name}_lower" in known}
    if known and rule.measure not in allowed:
        problem = f"{rule.measure!r} is nothing that this kind of rule can watch in {rule.synthesis}"
        yield document.fault((*where, "measure"), problem, f"one of {', '.join(sorted(allowed))}", "RULE-003")
    if rule.kind in NEEDS_THRESHOLD and rule.threshold is None:
        problem = f"a rule of the kind {rule.kind!r} without a threshold"
        yield document.fault((*where, "kind"), problem, "add threshold", "RULE-004")
    if rule.kind not in NEEDS_THRESHOLD and rule.threshold is not None:
        problem = f"a rule of the kind {rule.kind!r} has no threshold"
        yield document.fault((*where, "threshold"), problem, "delete it", "RULE-004")


def _value(results: FrozenResults, rule: ConclusionRule, limit: str = "") -> float | None:
    found = results.by_id.get(rule.synthesis)
    if found is None:
        return None
    if rule.measure == "certainty":
        return 1.0 + LEVELS.index(found.certainty) if found.certainty else None
    return found.value(f"{rule.measure}{limit}")


def _interval(results: FrozenResults, rule: ConclusionRule) -> tuple[float | None, float | None]:
    return _value(results, rule, "_lower"), _value(results, rule, "_upper")


def _written(rule: ConclusionRule, value: float | None) -> str:
    if value is None:
        return "not judged" if rule.measure == "certainty" else "none"
    if rule.measure == "certainty":
        return LEVELS[round(value) - 1]
    return f"{decimal(value, 0)} %" if rule.measure.startswith("i2_") else decimal(value, 3)


def _signed(value: float, rule: ConclusionRule) -> str:
    return f"{'+' if value > 0 else ''}{_written(rule, value)}"
