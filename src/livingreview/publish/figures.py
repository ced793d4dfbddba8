"""Figures of the diagnostic synthesis as pages show them, with titles, captions and alternatives computed from it.

Where nothing was pooled, a sentence stands in the figure's place and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from IPython.display import HTML

from livingreview.analysis.clinical import POPULATION, Scenario, after_test, likelihood_ratios
from livingreview.analysis.diagnosis import Pooled
from livingreview.plots import utility
from livingreview.plots.forest import forest
from livingreview.plots.funnel import funnel
from livingreview.plots.sroc import sroc
from livingreview.plots.style import COLUMN
from livingreview.plots.svg import Displayed, show
from livingreview.synthesis.bias import deeks
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.fit_result import BivariateFit
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.utility import natural_frequencies, predictive_values
from livingreview.wording import listing, percent, with_interval

__all__ = ["show_fagan", "show_frequencies", "show_funnel", "show_pooled_forest", "show_predictive_values", "show_sroc"]

PREVALENCES = np.linspace(0.01, 0.90, 90)


def show_pooled_forest(pooled: Pooled) -> Displayed | HTML:
    """Show the coupled forest plot of a synthesis."""
    if pooled.fit is None or pooled.imputed is None:
        return _instead("forest plot", pooled)
    drawn = _Carried(
        pooled.counts,
        pooled.fit.level,
        pooled.imputed.sensitivity,
        pooled.imputed.specificity,
        pooled.fit.prediction_interval_sensitivity,
        pooled.fit.prediction_interval_specificity,
    )
    wide, narrow = forest(drawn), forest(drawn, width=COLUMN)
    studies = "; ".join(
        f"{name}: {tp} true positives, {fp} false positives, {fn} false negatives, {tn} true negatives"
        for name, tp, fp, fn, tn in zip(
            pooled.counts.study, pooled.counts.tp, pooled.counts.fp, pooled.counts.fn, pooled.counts.tn, strict=True
        )
    )
    return show(
        wide,
        compact=narrow,
        title="Sensitivity and specificity of the pooled studies",
        alt=f"Coupled forest plot. {studies}. Pooled {_text(drawn)}.",
        caption="Each study's central table with Wilson intervals. Pooled: the exact bivariate model over all "
        "compatible tables. Prediction interval for a new study: from the central tables.",
        name="fig-forest",
    )


def show_sroc(pooled: Pooled) -> Displayed | HTML:
    """Show the SROC plane of a synthesis."""
    if pooled.fit is None:
        return _instead("SROC plane", pooled)
    return show(
        sroc(pooled.fit),
        title="Summary ROC plane",
        alt=f"Studies as ellipses in the plane of sensitivity against 1 − specificity, with the summary point at "
        f"{_text(pooled.fit)}, its confidence and prediction regions and the curve over the observed range.",
        caption="Ellipses: studies, as wide and high as their non-diseased and diseased are many. The regions use "
        "the F distribution with k − 2 degrees of freedom; the curve is drawn over the observed range only. All of "
        "it rests on the central tables.",
        name="fig-sroc",
    )


def show_funnel(pooled: Pooled) -> Displayed | HTML:
    """Show Deeks' funnel of a synthesis."""
    if pooled.fit is None:
        return _instead("funnel", pooled)
    test = deeks(pooled.counts)
    return show(
        funnel(test, study=list(pooled.counts.study)),
        title="Deeks' funnel",
        alt=f"Diagnostic odds ratios of {pooled.k} studies against precision; P of the slope {test.p:.3f}.",
        caption=" ".join(
            map(_sentence, ["diagnostic odds ratio against precision (effective sample size)", *test.notes])
        ),
        name="fig-funnel",
    )


def show_fagan(pooled: Pooled, scenario: Scenario) -> Displayed | HTML:
    """Show Fagan's nomogram for one setting."""
    if pooled.imputed is None:
        return _instead("nomogram", pooled)
    positive, negative = likelihood_ratios(pooled.imputed)
    after_positive, after_negative = after_test(pooled.imputed, scenario.prevalence)
    return show(
        utility.fagan(scenario.prevalence, positive, negative),
        title="Fagan nomogram",
        alt=f"From {percent(scenario.prevalence, 0)} before the test a line through the likelihood ratio of a positive "
        f"result leads to {with_interval(after_positive)}, one through that of a negative result to "
        f"{with_interval(after_negative)}.",
        caption=f"Setting: {scenario.title}. Solid: positive result; dashed: negative result; bars: 95 % intervals of "
        "the likelihood ratios, the prevalence taken as known.",
        name="fig-fagan",
    )


def show_predictive_values(pooled: Pooled, scenarios: Sequence[Scenario]) -> Displayed | HTML:
    """Show both predictive values over a range of prevalence."""
    if pooled.imputed is None:
        return _instead("curve of predictive values", pooled)
    values = predictive_values(pooled.imputed, PREVALENCES)
    at = predictive_values(pooled.imputed, [scenario.prevalence for scenario in scenarios])
    points = "; ".join(
        f"at {percent(scenario.prevalence, 0)}: positive {percent(at.positive[row].estimate)}, negative "
        f"{percent(at.negative[row].estimate)}"
        for row, scenario in enumerate(scenarios)
    )
    return show(
        utility.predictive_values(
            PREVALENCES,
            values.positive,
            values.negative,
            scenarios={scenario.name: scenario.prevalence for scenario in scenarios},
        ),
        title="Predictive values over prevalence",
        alt=f"Positive predictive value rises and negative predictive value falls with prevalence. {points}.",
        caption="Bands: 95 % intervals from the joint uncertainty of sensitivity and specificity, prevalence taken as "
        "known. Dotted: " + listing([scenario.title for scenario in scenarios]) + ".",
        name="fig-predictive-values",
    )


def show_frequencies(pooled: Pooled, scenario: Scenario) -> Displayed | HTML:
    """Show natural frequencies as one figure per person."""
    if pooled.imputed is None:
        return _instead("picture of natural frequencies", pooled)
    tp, fp, fn, tn = natural_frequencies(pooled.imputed, scenario.prevalence, POPULATION).counts
    return show(
        utility.icon_array(tp, fn, fp, tn),
        title=f"Of {POPULATION:,} people who take the test",
        alt=f"{POPULATION} small figures: {tp} have the disease and are found, {fn} have it and are missed, {fp} are "
        f"healthy and alarmed falsely, {tn} are healthy and cleared.",
        caption=f"Setting: {scenario.title}. The point estimates only; their intervals are in the table above.",
        name="fig-natural-frequencies",
    )


@dataclass(frozen=True)
class _Carried:
    """What the forest plot shows: single studies by their central tables, the summary over all compatible ones."""

    counts: Counts
    level: float
    sensitivity: Interval
    specificity: Interval
    prediction_interval_sensitivity: Interval
    prediction_interval_specificity: Interval


def _text(fit: BivariateFit | _Carried) -> str:
    return f"sensitivity {with_interval(fit.sensitivity)}, specificity {with_interval(fit.specificity)}"


def _instead(what: str, pooled: Pooled) -> HTML:
    """Return the sentence that stands in a figure's place where nothing was pooled."""
    return HTML(f"<p>No {escape(what)}: {escape(pooled.reason)}.</p>")


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."
