"""Every pooled number of the review on one day, as plain data: what is frozen, compared and published.

One shape serves all: a release freezes it, a difference compares two of it, the rules look at two of it, and the site
publishes it. Numbers are rounded to `DIGITS` significant digits, far beyond what is printed, so that two machines whose
arithmetic differs in the last bits write the same file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from livingreview.analysis.diagnosis import Pooled, pool
from livingreview.analysis.evidence import MAIN, Rule, gather
from livingreview.analysis.segmentation import METRICS, PooledGroup, pool_groups, tabulated
from livingreview.review import Review
from livingreview.review.model.files import STATUSES, FrozenMeasure, FrozenResults, FrozenSynthesis
from livingreview.synthesis.intervals import Interval
from livingreview.wording import decimal, percent, with_interval

__all__ = ["measure_name", "measure_text", "printed_by_base", "results_of"]

DIGITS = 9


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
        measures = {
            "sensitivity": _interval(imputed.sensitivity),
            "specificity": _interval(imputed.specificity),
            "likelihood_ratio_positive": _interval(imputed.likelihood_ratio_positive),
            "likelihood_ratio_negative": _interval(imputed.likelihood_ratio_negative),
            "diagnostic_odds_ratio": _interval(imputed.diagnostic_odds_ratio),
            "i2_sensitivity": _number(100 * fit.i2.sensitivity),
            "i2_specificity": _number(100 * fit.i2.specificity),
        }
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
