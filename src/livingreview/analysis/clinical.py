"""What the main synthesis would mean for patients: probabilities after the test, natural frequencies, plain words.

Accuracy does not say what a result means; that needs a prevalence, which no synthesis of accuracy estimates. The
settings are therefore either named as illustrations or taken from a study's own sample, and say which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from livingreview.analysis.diagnosis import Pooled
from livingreview.analysis.evidence import TableEvidence
from livingreview.analysis.tabulate import reference
from livingreview.synthesis.bias import FEWEST_STUDIES
from livingreview.synthesis.counts import CELLS
from livingreview.synthesis.findings import Findings, summary_of_findings
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.summary import PooledLogits
from livingreview.synthesis.utility import NaturalFrequencies, natural_frequencies, predictive_values
from livingreview.wording import decimal, percent, plural, with_interval

__all__ = [
    "ILLUSTRATIONS", "POPULATION", "Scenario", "facts", "findings", "findings_table", "frequencies_table",
    "hints_table", "of_hundred", "plain_facts", "post_test_table", "study_scenarios",
]  # fmt: skip

#: Natural frequencies are per so many people.
POPULATION = 1000
NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Scenario:
    """A prevalence, and where it is from.

    Parameters
    ----------
    name
        What tables and figures call it.
    prevalence
        Share with the target condition, between 0 and 1.
    kind
        ``"illustration"`` or ``"study"``.
    source
        Where the prevalence is from, in words.
    reference
        Address of the study's report; empty for an illustration.
    """

    name: str
    prevalence: float
    kind: Literal["illustration", "study"]
    source: str
    reference: str = ""

    @property
    def share(self) -> str:
        """Name with the prevalence."""
        return f"{self.name} ({percent(self.prevalence, 0)})"

    @property
    def title(self) -> str:
        """Name with the prevalence, and the word illustration where it is one."""
        return f"{self.share}, an illustration" if self.kind == "illustration" else self.share


#: Settings that nobody observed, chosen to span what a reader might picture.
ILLUSTRATIONS = tuple(
    Scenario(name, share, "illustration", "chosen for illustration")
    for name, share in (("one in twenty", 0.05), ("one in five", 0.20), ("one in two", 0.50))
)


def study_scenarios(pooled: Pooled) -> tuple[Scenario, ...]:
    """Return the share of diseased in the sample of each pooled study, one setting per study.

    The whole cohort where its report counts both groups, else the evaluation's central 2×2 table. Where cases and
    controls were chosen separately the share is the authors' choice; a reader has to judge that.
    """
    return tuple(_from_study(item) for item in pooled.selection.used)


def _from_study(item: TableEvidence) -> Scenario:
    sample = item.study.sample
    diseased, healthy = (sample.n_diseased, sample.n_nondiseased) if sample else (None, None)
    if diseased is not None and healthy is not None and diseased + healthy > 0:
        share, source = diseased / (diseased + healthy), f"{diseased} of {diseased + healthy} in the cohort"
    else:
        tp, fp, fn, tn = item.tables.T
        shares = np.sort((tp + fn) / (tp + fp + fn + tn))
        share = float(np.median(shares))
        spread = (
            "" if len(shares) == 1 else f" (the tables that fit allow {percent(shares[0])} to {percent(shares[-1])})"
        )
        source = f"reconstructed 2×2 table{spread}" if item.grade != "printed" else "printed 2×2 table"
    return Scenario(item.label, share, "study", source, reference(item.study))


def after_test(accuracy: PooledLogits, prevalence: float) -> tuple[Interval, Interval]:
    """Return the probability of disease after a positive and after a negative result."""
    values = predictive_values(accuracy, prevalence)
    healthy = values.negative[0]
    return values.positive[0], Interval(1 - healthy.estimate, 1 - healthy.upper, 1 - healthy.lower, healthy.level)


def post_test_table(accuracy: PooledLogits, scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """Return the probability of disease before and after the test, one row per setting."""
    rows = []
    for scenario in scenarios:
        positive, negative = (_short(share) for share in after_test(accuracy, scenario.prevalence))
        rows.append((scenario.share, scenario.source, positive, negative, scenario.reference))
    columns = ["Before the test", "Which is", "After positive", "After negative", "Reference"]
    return pd.DataFrame(rows, columns=columns)


def frequencies_table(accuracy: PooledLogits, scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """Return what happens to so many people (`POPULATION`) who take the test, one row per setting."""
    rows = []
    for scenario in scenarios:
        found = natural_frequencies(accuracy, scenario.prevalence, POPULATION)
        diseased = found.counts[0] + found.counts[2]
        tp, fn, fp, tn = (_count(found, cell) for cell in ("tp", "fn", "fp", "tn"))
        rows.append((percent(scenario.prevalence, 0), diseased, tp, fn, POPULATION - diseased, fp, tn))
    columns = ["Prevalence", "Diseased", "Found", "Missed", "Not diseased", "Alarmed", "Cleared"]
    return pd.DataFrame(rows, columns=columns)


def _short(share: Interval) -> str:
    """Write a proportion with its limits; the table's caption says which limits."""
    return with_interval(share).replace(f"({100 * share.level:g} % CI ", "(")


def _count(found: NaturalFrequencies, cell: str) -> str:
    whole = dict(zip(("tp", "fp", "fn", "tn"), found.counts, strict=True))[cell]
    interval: Interval = getattr(found, cell)
    return f"{whole} ({interval.lower:.0f}–{interval.upper:.0f})"


def findings(pooled: Pooled, scenarios: Sequence[Scenario]) -> tuple[Findings, ...]:
    """Return GRADE's summary of findings; none where nothing was pooled.

    Estimates and natural frequencies are those over all compatible tables; the hints on heterogeneity, which need one
    fit, are those of the central tables.
    """
    if pooled.fit is None or pooled.imputed is None:
        return ()
    named = {scenario.title: scenario.prevalence for scenario in scenarios}
    frequencies = tuple((name, natural_frequencies(pooled.imputed, p, POPULATION)) for name, p in named.items())
    estimates = (pooled.imputed.sensitivity, pooled.imputed.specificity)
    return tuple(
        replace(
            row,
            estimate=estimate,
            scenarios=frequencies,
            hints=replace(row.hints, interval_width=estimate.upper - estimate.lower),
        )
        for row, estimate in zip(summary_of_findings(pooled.fit, named, POPULATION), estimates, strict=True)
    )


OUTCOMES = {
    "tp": "Diseased, found",
    "fn": "Diseased, missed",
    "tn": "Not diseased, cleared",
    "fp": "Not diseased, alarmed",
}


def findings_table(pooled: Pooled, rows: Sequence[Findings]) -> pd.DataFrame:
    """Lay the summary of findings out: one row per outcome, one column per setting, certainty left to people."""
    return pd.DataFrame(
        [
            {
                "Outcome": OUTCOMES[cell],
                **{f"At {percent(found.prevalence, 0)}": _count(found, cell) for _, found in row.scenarios},
                "People (studies)": f"{pooled.participants(*row.outcomes)} ({row.hints.k})",
                "Certainty": row.judgement.certainty or NOT_JUDGED,
            }
            for row in rows
            for cell in row.outcomes
        ]
    )


def hints_table(pooled: Pooled, rows: Sequence[Findings]) -> pd.DataFrame:
    """Return the computed facts by GRADE domain, beside the place for a person's judgement."""
    used = pooled.selection.used
    appraisals = [item.study.appraisal.judgements if item.study.appraisal else () for item in used]
    judged = sum(any(item.tool.startswith("QUADAS") for item in judgements) for judgements in appraisals)
    targets = len({item.study.target_condition for item in used})
    awaiting = sum(not item.study.verified for item in used)
    common = {
        "risk of bias": f"{plural(judged, 'study', 'studies')} of {len(used)} judged with QUADAS, domain by domain",
        "indirectness": f"{plural(targets, 'target condition')} in {plural(len(used), 'study', 'studies')}; "
        f"extraction unsigned for {awaiting}",
        "publication bias": f"{plural(len(used), 'study', 'studies')}: too few for a funnel test to tell"
        if len(used) < FEWEST_STUDIES
        else "see Deeks' test on the diagnosis page",
    }
    table = []
    for row in rows:
        hints, prediction = row.hints, row.hints.prediction_interval
        own = {
            "inconsistency": f"observed {percent(hints.observed_range[0])} to {percent(hints.observed_range[1])}; "
            f"a new study expected at {percent(prediction.lower)} to {percent(prediction.upper)}; "
            f"I² {percent(hints.i2, 0)}",
            "imprecision": f"interval {decimal(100 * hints.interval_width, 1)} percentage points wide, "
            f"{pooled.participants(*row.outcomes)} participants",
        }
        facts_of = {**common, **own}
        signed = row.judgement.signed_by or "nobody"
        table += [
            (row.measure, domain, facts_of[domain], judgement or NOT_JUDGED, signed)
            for domain, judgement in row.judgement.domains
        ]
    return pd.DataFrame(table, columns=["Measure", "Domain", "Computed fact", "Judgement", "Signed by"])


def facts(pooled: Pooled, shown: Scenario) -> dict[str, str]:
    """Return the sentences of the page that depend on results, by name, for the setting `shown`."""
    if pooled.imputed is None:
        nothing = "Nothing is computed here, because nothing was pooled."
        return {
            "standing": f"Nothing can be pooled on this day ({pooled.reason}), so this page shows no number.",
            "pooled_limits": "Nothing is pooled on this day; what follows holds as soon as something is.",
            "after": nothing,
            "settings": "",
            "people": nothing,
        }
    positive, negative = pooled.imputed.likelihood_ratio_positive, pooled.imputed.likelihood_ratio_negative
    after_positive, after_negative = after_test(pooled.imputed, shown.prevalence)
    tp, fp, fn, tn = natural_frequencies(pooled.imputed, shown.prevalence, POPULATION).counts
    targets = {item.study.target_condition for item in pooled.selection.used}
    return {
        "standing": f"All that follows is arithmetic on the main synthesis: sensitivity "
        f"{with_interval(pooled.imputed.sensitivity)}, specificity {with_interval(pooled.imputed.specificity)}.",
        "pooled_limits": f"The main synthesis pools {plural(pooled.k, 'study', 'studies')} with "
        f"{plural(len(targets), 'different target condition')}.",
        "after": f"The pooled likelihood ratios are {with_interval(positive, scale='plain')} for a positive and "
        f"{with_interval(negative, scale='plain', decimals=3)} for a negative result. A probability of "
        f"{percent(shown.prevalence, 0)} before the test would become {with_interval(after_positive)} after a positive "
        f"result and {with_interval(after_negative)} after a negative one.",
        "settings": "The first settings in the table are illustrations: nobody observed them. The others are the "
        "shares of diseased patients in the samples of the pooled studies. A study that chose its patients and its "
        "healthy controls separately has no prevalence in this sense, and its share says only how it was designed.",
        "people": f"Of {POPULATION:,} people of whom {tp + fn} have the disease, the test would find {tp} and miss "
        f"{fn}; of the {fp + tn} without it the test would clear {tn} and falsely alarm {fp}.",
    }


def of_hundred(share: Interval) -> tuple[str, str]:
    """Return a proportion as a count of a hundred people, never all and never none, and its limits, rounded outwards.

    Examples
    --------
    >>> of_hundred(Interval(0.984, 0.819, 0.999, 0.95))
    ('98', 'as low as 81 or as high as 100')
    """
    middle = min(max(round(100 * share.estimate), 1), 99)
    lower, upper = min(math.floor(100 * share.lower), middle), max(math.ceil(100 * share.upper), middle)
    return str(middle), f"as low as {lower} or as high as {upper}"


def plain_facts(pooled: Pooled) -> dict[str, str]:
    """Return what the plain-language pages say of the main synthesis; that we do not know, where that is so."""
    if pooled.fit is None or pooled.imputed is None:
        unknown = "We do not know: too few studies can be put together."
        return {
            **dict.fromkeys(("plain_lead", "plain_found", "plain_cleared", "plain_new"), unknown),
            "plain_rests": "No study can be used, so there are",
            "plain_people": "no",
        }
    found, found_limits = of_hundred(pooled.imputed.sensitivity)
    cleared, cleared_limits = of_hundred(pooled.imputed.specificity)
    _, new = of_hundred(pooled.fit.prediction_interval_sensitivity)
    found_of = f"Of 100 people who have the disease, about {found} are found. The true number could be {found_limits}."
    return {
        "plain_lead": f"Studies of different diseases, taken together, say this. {found_of}",
        "plain_found": found_of,
        "plain_cleared": f"Of 100 people who do not have it, about {cleared} are told so. The true number could be "
        f"{cleared_limits}.",
        "plain_new": f"In the next study, of 100 sick people the number found could be {new}.",
        "plain_rests": f"{plural(pooled.k, 'study', 'studies').capitalize()} could be used, with",
        "plain_people": pooled.participants(*CELLS),
    }
