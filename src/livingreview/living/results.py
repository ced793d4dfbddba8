"""Every pooled number of the review on one day, as plain data: what is frozen, compared and published.

One shape serves all: a release freezes it, a difference compares two of it, the rules look at two of it, and the site
publishes it. Numbers are rounded to `DIGITS` significant digits, far beyond what is printed, so that two machines whose
arithmetic differs in the last bits write the same file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from livingreview.analysis.diagnosis import Pooled, pool
from livingreview.analysis.evidence import MAIN, Rule, gather
from livingreview.analysis.overlap import describe, tabulated
from livingreview.analysis.overlap_pooling import METRICS, PooledGroup, pool_groups
from livingreview.review import Review
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.summary import PooledLogits
from livingreview.wording import decimal, percent, with_interval

__all__ = ["DIGITS", "Results", "Synthesis", "diagnosis_synthesis", "measure_name", "measure_text", "results_of"]

DIGITS = 9
STATUSES = ("included", "awaiting classification", "cited as background", "excluded")
Value = float | None


@dataclass(frozen=True)
class Synthesis:
    """One synthesis: what went in and what came out.

    Parameters
    ----------
    id
        ``diagnosis`` for the main diagnostic synthesis, ``diagnosis/<rule>`` for its sensitivity analyses,
        ``segmentation/<metric>/<structure>``, and ``tabulated/<metric>`` for the base review's unweighted means.
    title
        For readers.
    studies
        Ids of the studies used, in order.
    measures
        Name → ``{"estimate": …, "ci": [lower, upper], "level": …}``; a number without an interval has no ``ci``.
    reason
        Why nothing was pooled; empty where something was.
    certainty
        How certain a person judged the evidence; empty where nobody has.
    """

    id: str
    title: str
    studies: tuple[str, ...]
    measures: Mapping[str, Mapping[str, Any]]
    reason: str = ""
    certainty: str = ""

    def value(self, name: str) -> Value:
        """Return a number by name: a measure's estimate, or with ``_lower`` or ``_upper`` its limit.

        Returns
        -------
        float or None
            None where the synthesis does not have it (today).
        """
        if name in self.measures:
            estimate: Value = self.measures[name]["estimate"]
            return estimate
        measure, _, limit = name.rpartition("_")
        if limit not in ("lower", "upper") or "ci" not in self.measures.get(measure, {}):
            return None
        bound: Value = self.measures[measure]["ci"][limit == "upper"]
        return bound


@dataclass(frozen=True)
class Results:
    """The review's results on one day.

    Parameters
    ----------
    version
        As ``data/review.yaml`` names it.
    day
        The day the review is looked at.
    last_search
        Day of the last database search.
    studies
        Standing → ids of the studies that stand so, in order.
    verified
        Ids of the studies whose extraction a person has signed.
    syntheses
        In the order of the chapters.
    """

    version: str
    day: date
    last_search: date
    studies: Mapping[str, tuple[str, ...]]
    verified: tuple[str, ...]
    syntheses: tuple[Synthesis, ...]

    def __getitem__(self, synthesis: str) -> Synthesis:
        """Return a synthesis by id.

        Raises
        ------
        KeyError
            There is none of that id.
        """
        return self.by_id[synthesis]

    @property
    def by_id(self) -> dict[str, Synthesis]:
        """The syntheses by id, in their order."""
        return {item.id: item for item in self.syntheses}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "day": self.day.isoformat(), "last_search": self.last_search.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Results:
        """Return what :meth:`to_dict` wrote.

        Raises
        ------
        KeyError, ValueError
            The data have another shape.
        """
        return cls(
            version=data["version"],
            day=date.fromisoformat(data["day"]),
            last_search=date.fromisoformat(data["last_search"]),
            studies={name: tuple(data["studies"][name]) for name in STATUSES if name in data["studies"]},
            verified=tuple(data["verified"]),
            syntheses=tuple(Synthesis(**{**item, "studies": tuple(item["studies"])}) for item in data["syntheses"]),
        )


def results_of(review: Review, *, rules: Sequence[Rule] = (MAIN,)) -> Results:
    """Compute every pooled number of the review on its day; of the diagnostic rules the first is the main one."""
    evidence = gather(review)
    diagnostic = [diagnosis_synthesis(pool(review, rule, evidence=evidence), main=rules[0]) for rule in rules]
    groups = [_group_synthesis(group) for group in pool_groups(review)]
    means = [_tabulated_synthesis(review, metric) for metric in ("dice", "hausdorff")]
    judged = sorted((item for item in review.file.certainty if item.on <= review.day), key=lambda item: item.on)
    certainty = {item.synthesis: item.level for item in judged}
    return Results(
        version=review.file.version,
        day=review.day,
        last_search=review.last_search,
        studies={status: tuple(study.id for study in review.standing(status)) for status in STATUSES},
        verified=tuple(study.id for study in review.studies if study.verified),
        syntheses=tuple(replace(item, certainty=certainty.get(item.id, "")) for item in (*diagnostic, *groups, *means)),
    )


def measure_name(name: str) -> str:
    """Write the name of a measure for readers.

    >>> measure_name("i2_sensitivity"), measure_name("sensitivity_lower")
    ('I² of sensitivity', 'sensitivity, lower limit')
    """
    for limit in ("lower", "upper"):
        name = name.replace(f"_{limit}", f", {limit} limit")
    return name.replace("i2_", "I² of ").replace("_", " ")


def measure_text(name: str, measure: Mapping[str, Any]) -> str:
    """Write a measure of a synthesis with its interval.

    >>> measure_text("sensitivity", {"estimate": 0.9412, "ci": [0.8833, 0.971], "level": 0.95})
    '94.1 % (95 % CI 88.3 to 97.1)'
    >>> measure_text("i2_sensitivity", {"estimate": 37.6})
    '38 %'
    """
    estimate = math.nan if measure["estimate"] is None else measure["estimate"]
    if name.startswith("i2_"):
        return f"{decimal(estimate, 0)} %"
    scale, decimals = ("percent", 1) if name in ("sensitivity", "specificity") else ("plain", 3 if estimate < 1 else 1)
    if "ci" in measure:
        lower, upper = (math.nan if limit is None else limit for limit in measure["ci"])
        return with_interval(Interval(estimate, lower, upper, measure["level"]), decimals=decimals, scale=scale)
    return percent(estimate, decimals) if scale == "percent" else decimal(estimate, decimals)


def diagnosis_synthesis(pooled: Pooled, *, main: Rule = MAIN) -> Synthesis:
    """Return a diagnostic synthesis as plain data."""
    rule = pooled.selection.rule
    measures: dict[str, Mapping[str, Any]] = {}
    if pooled.fit is not None and pooled.imputed is not None:
        fit, imputed = pooled.fit, pooled.imputed
        # Like the proportions, the ratios are taken over all compatible tables.
        logits = PooledLogits(imputed.mu, imputed.mu_cov, imputed.level)
        measures = {
            "sensitivity": _interval(imputed.sensitivity),
            "specificity": _interval(imputed.specificity),
            "likelihood_ratio_positive": _interval(logits.likelihood_ratio_positive),
            "likelihood_ratio_negative": _interval(logits.likelihood_ratio_negative),
            "diagnostic_odds_ratio": _interval(logits.diagnostic_odds_ratio),
            "i2_sensitivity": {"estimate": _rounded(100 * fit.i2.sensitivity)},
            "i2_specificity": {"estimate": _rounded(100 * fit.i2.specificity)},
        }
    suffix, title = ("", "") if rule == main else (f"/{rule.name}", f", {rule.name}")
    title = f"Diagnosis and prediction{title}"
    return Synthesis(f"diagnosis{suffix}", title, _used(pooled), measures, pooled.reason)


def _used(pooled: Pooled) -> tuple[str, ...]:
    return tuple(item.study.id for item in pooled.selection.used)


def _group_synthesis(group: PooledGroup) -> Synthesis:
    used = dict.fromkeys(str(study) for study in group.rows.loc[group.rows["usable"], "study"])
    measures = {"estimate": _interval(group.estimate)} if group.estimate else {}
    title = f"Segmentation: {METRICS[group.metric]}, {group.group}"
    return Synthesis(f"segmentation/{group.metric}/{group.group}", title, tuple(used), measures, group.reason)


def _tabulated_synthesis(review: Review, metric: str) -> Synthesis:
    table = tabulated(review, metric)
    summary = describe(table["value"])
    measures = {"mean": {"estimate": _rounded(summary.mean)}, "sd": {"estimate": _rounded(summary.sd)}}
    title = f"As the base review tabulates: {METRICS[metric]}, unweighted"
    return Synthesis(f"tabulated/{metric}", title, tuple(table["study"].dropna()), measures)


def _interval(interval: Interval) -> dict[str, Any]:
    limits = [_rounded(interval.lower), _rounded(interval.upper)]
    return {"estimate": _rounded(interval.estimate), "ci": limits, "level": interval.level}


def _rounded(value: float) -> Value:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
