"""Figures of the clinical-use page, with titles, captions and alternatives computed from the synthesis.

Where nothing was pooled, a sentence stands in the figure's place and says why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from IPython.display import HTML

from livingreview.analysis.clinical import POPULATION, Scenario, after_test, likelihood_ratios
from livingreview.analysis.diagnosis import Pooled
from livingreview.plots.display import Displayed, show
from livingreview.plots.utility import fagan, icon_array
from livingreview.plots.utility import predictive_values as draw_predictive_values
from livingreview.publish.figures import instead
from livingreview.synthesis.utility import natural_frequencies, predictive_values
from livingreview.wording import listing, percent, with_interval

__all__ = ["show_fagan", "show_frequencies", "show_predictive_values"]

PREVALENCES = np.linspace(0.01, 0.90, 90)


def show_fagan(pooled: Pooled, scenario: Scenario) -> Displayed | HTML:
    """Show Fagan's nomogram for one setting."""
    if pooled.imputed is None:
        return instead("nomogram", pooled)
    positive, negative = likelihood_ratios(pooled.imputed)
    after_positive, after_negative = after_test(pooled.imputed, scenario.prevalence)
    return show(
        fagan(scenario.prevalence, positive, negative),
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
        return instead("curve of predictive values", pooled)
    values = predictive_values(pooled.imputed, PREVALENCES)
    at = predictive_values(pooled.imputed, [scenario.prevalence for scenario in scenarios])
    points = "; ".join(
        f"at {percent(scenario.prevalence, 0)}: positive {percent(at.positive[row].estimate)}, negative "
        f"{percent(at.negative[row].estimate)}"
        for row, scenario in enumerate(scenarios)
    )
    return show(
        draw_predictive_values(
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
        return instead("picture of natural frequencies", pooled)
    tp, fp, fn, tn = natural_frequencies(pooled.imputed, scenario.prevalence, POPULATION).counts
    return show(
        icon_array(tp, fn, fp, tn),
        title=f"Of {POPULATION:,} people who take the test",
        alt=f"{POPULATION} small figures: {tp} have the disease and are found, {fn} have it and are missed, {fp} are "
        f"healthy and alarmed falsely, {tn} are healthy and cleared.",
        caption=f"Setting: {scenario.title}. The point estimates only; their intervals are in the table above.",
        name="fig-natural-frequencies",
    )
