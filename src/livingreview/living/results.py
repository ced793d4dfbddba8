"""Every pooled number of the review on one day as plain data, and the rules on which changes readers must be told.

One shape serves all: a release freezes it, a difference compares two of it, the rules look at two of it, and the site
publishes it. Numbers are rounded to `DIGITS` significant digits, far beyond what is printed, so that two machines whose
arithmetic differs in the last bits write the same file.

A rule compares two values, so it fires only where both days have one. A synthesis that is pooled for the first time
crosses nothing: it is told as pooled for the first time, and one that is pooled no longer likewise (`appearances`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from livingreview.analysis.diagnosis import Pooled, pool
from livingreview.analysis.evidence import MAIN, Rule, gather
from livingreview.analysis.segmentation import METRICS, STRUCTURE_GROUPS, PooledGroup, pool_groups, tabulated
from livingreview.errors import DataError, Fault
from livingreview.review import Review
from livingreview.review.model import ConclusionRule, ReviewFile
from livingreview.review.model.files import STATUSES, FrozenMeasure, FrozenResults, FrozenSynthesis
from livingreview.review.reading import Document, read_record
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.summary import MEASURES
from livingreview.wording import decimal, percent, with_interval

__all__ = [
    "LEVELS", "Appearance", "Fired", "appearances", "distance_table", "fired", "measure_name", "measure_text",
    "measures", "printed_by_base", "results_of", "rule_faults",
]  # fmt: skip

DIGITS = 9
#: Certainty of evidence, rising; a rule sees the place in this list, 1-based.
LEVELS: Final = ("very low", "low", "moderate", "high")
NEEDS_THRESHOLD: Final = ("crosses threshold", "heterogeneity class changes")


def results_of(review: Review, *, rules: Sequence[Rule] = (MAIN,)) -> FrozenResults:
    """Compute every pooled number of the review on its day; `rules` are the diagnostic syntheses."""
    evidence = gather(review)
    made = [_of_diagnosis(pool(review, rule, evidence=evidence)) for rule in rules]
    made += [_of_group(group) for group in pool_groups(review)]
    made += [_of_table(review, metric) for metric in ("dice", "hausdorff")]
    judged = sorted((item for item in review.file.certainty if item.on <= review.day), key=lambda item: item.on)
    certainty = {item.synthesis: item.level for item in judged}
    return FrozenResults(
        version=review.file.version,
        day=review.day,
        last_search=review.last_search,
        studies={status: [study.id for study in review.standing(status)] for status in STATUSES},
        verified=[study.id for study in review.studies if study.verified],
        syntheses=[item.model_copy(update={"certainty": certainty.get(item.id, "")}) for item in made],
    )


def measure_name(name: str) -> str:
    """Write the name of a measure for readers.

    >>> measure_name("i2_sensitivity"), measure_name("sensitivity_lower")
    ('I² of sensitivity', 'sensitivity, lower limit')
    """
    for limit in ("lower", "upper"):
        name = name.replace(f"_{limit}", f", {limit} limit")
    return name.replace("i2_", "I² of ").replace("_", " ")


def measure_text(name: str, measure: FrozenMeasure) -> str:
    """Write a measure of a synthesis with its interval.

    >>> measure_text("sensitivity", FrozenMeasure(estimate=0.9412, ci=[0.8833, 0.971], level=0.95))
    '94.1 % (95 % CI 88.3 to 97.1)'
    >>> measure_text("diagnostic_odds_ratio", FrozenMeasure(estimate=367.04, ci=[5.4, 24752.6], level=0.95))
    '367 (95 % CI 5 to 24753)'
    >>> measure_text("i2_sensitivity", FrozenMeasure(estimate=37.6))
    '38 %'
    >>> measure_text("sd", FrozenMeasure(estimate=6.1843))
    '6.18'
    """
    estimate = math.nan if measure.estimate is None else measure.estimate
    if name.startswith("i2_"):
        return f"{decimal(estimate, 0)} %"
    scale, decimals = "plain", 3 if estimate < 1 else 2 if name in ("mean", "sd") else 1 if estimate < 100 else 0
    if name in ("sensitivity", "specificity"):
        scale, decimals = "percent", 1
    if measure.ci is not None and measure.level is not None:
        lower, upper = (math.nan if limit is None else limit for limit in measure.ci)
        return with_interval(Interval(estimate, lower, upper, measure.level), decimals=decimals, scale=scale)
    return percent(estimate, decimals) if scale == "percent" else decimal(estimate, decimals)


def printed_by_base(review: Review) -> dict[str, dict[str, str]]:
    """Return what the base review prints of the averages that its tables give: synthesis → measure → as printed."""
    printed = review.baseline["pooled"].query("synthesis == 'segmentation' and sd.notna()")
    rows = zip(printed["measure"], printed["estimate"].astype(float), printed["sd"].astype(float), strict=True)
    return {f"tabulated/{metric}": {"mean": decimal(mean), "sd": decimal(sd)} for metric, mean, sd in rows}


def _of_diagnosis(pooled: Pooled) -> FrozenSynthesis:
    rule, used = pooled.selection.rule, [item.study.id for item in pooled.selection.used]
    measures: dict[str, FrozenMeasure] = {}
    if pooled.fit is not None and pooled.imputed is not None:
        fit, imputed = pooled.fit, pooled.imputed
        measures = {name: _interval(getattr(imputed, name)) for name in MEASURES}
        measures |= {f"i2_{name}": _number(100 * getattr(fit.i2, name)) for name in ("sensitivity", "specificity")}
    suffix, title = ("", "") if rule == MAIN else (f"/{rule.name}", f", {rule.name}")
    return _frozen(f"diagnosis{suffix}", f"Diagnosis and prediction{title}", used, measures, pooled.reason)


def _of_group(group: PooledGroup) -> FrozenSynthesis:
    used = dict.fromkeys(str(study) for study in group.rows.loc[group.rows["usable"], "study"])
    measures = {"estimate": _interval(group.estimate)} if group.estimate else {}
    title = f"Segmentation: {METRICS[group.metric]}, {group.group}"
    return _frozen(f"segmentation/{group.metric}/{group.group}", title, used, measures, group.reason)


def _of_table(review: Review, metric: str) -> FrozenSynthesis:
    table = tabulated(review, metric)
    measures = {"mean": _number(table["value"].mean()), "sd": _number(table["value"].std())}
    title = f"As the base review tabulates: {METRICS[metric]}, unweighted"
    return _frozen(f"tabulated/{metric}", title, table["study"].dropna(), measures, "")


def _frozen(
    name: str, title: str, studies: Iterable[str], measures: Mapping[str, FrozenMeasure], reason: str
) -> FrozenSynthesis:
    return FrozenSynthesis(id=name, title=title, studies=list(studies), measures=dict(measures), reason=reason)


def _interval(interval: Interval) -> FrozenMeasure:
    limits = [_rounded(interval.lower), _rounded(interval.upper)]
    return FrozenMeasure(estimate=_rounded(interval.estimate), ci=limits, level=interval.level)


def _number(value: float) -> FrozenMeasure:
    return FrozenMeasure(estimate=_rounded(value))


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


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
        lower, upper = _limits(after, rule)
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
            lower, upper = _limits(after, rule)
            limit = "" if lower is None else f"{_written(rule, lower)} to {_written(rule, upper)}"
            inside = None if old is None or lower is None or upper is None else min(old - lower, upper - old)
            distance = "" if inside is None else _signed(inside, rule)
        watched = f"{rule.synthesis}: {measure_name(rule.measure)}"
        values = (_written(rule, old), _written(rule, new), limit, distance)
        rows.append((watched, rule.kind, *values, "yes" if rule.id in hit else "no"))
    return pd.DataFrame(rows, columns=["Watched", "Fires when", "Then", "Now", "Limit", "Distance", "Fired"])


def measures() -> Mapping[str, frozenset[str]]:
    """Return what a rule can watch: synthesis → names of its measures, as ``results_of`` computes them."""
    diagnosis = {*_with_limits(MEASURES), "i2_sensitivity", "i2_specificity", "certainty"}
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


def _limits(results: FrozenResults, rule: ConclusionRule) -> tuple[float | None, float | None]:
    return _value(results, rule, "_lower"), _value(results, rule, "_upper")


def _written(rule: ConclusionRule, value: float | None, percent: str = "%") -> str:
    if value is None:
        return "not judged" if rule.measure == "certainty" else "none"
    if rule.measure == "certainty":
        return LEVELS[round(value) - 1]
    return f"{decimal(value, 0)} {percent}" if rule.measure.startswith("i2_") else decimal(value, 3)


def _signed(value: float, rule: ConclusionRule) -> str:
    return f"{'+' if value > 0 else ''}{_written(rule, value, 'percentage points')}"
