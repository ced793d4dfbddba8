"""The evidence map and the figures of the diagnostic synthesis as pages show them, with captions computed from them.

Where nothing was pooled, a sentence stands in the figure's place and says why. The difference of two states of the
review is a page with such a figure, which needs nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import numpy as np
import pandas as pd
from markdown_it import MarkdownIt

from livingreview.analysis.clinical import POPULATION, Scenario, after_test
from livingreview.analysis.diagnosis import Pooled, central_table
from livingreview.analysis.evidence import MAIN, gather, select
from livingreview.analysis.tabulate import NOT_SEEN, tally
from livingreview.living.difference import Difference
from livingreview.living.difference_markdown import as_markdown
from livingreview.plots import utility
from livingreview.plots.evidence import evidence_map
from livingreview.plots.forest import forest
from livingreview.plots.sroc import funnel, sroc
from livingreview.plots.style import COLUMN, RISK_OF_BIAS, css_variables
from livingreview.plots.svg import Displayed, show
from livingreview.publish.tidy import Table, described
from livingreview.review import Review, label, plain_label
from livingreview.review.model import Study
from livingreview.synthesis.bias import FEWEST_STUDIES, deeks
from livingreview.synthesis.bivariate import BivariateFit
from livingreview.synthesis.intervals import Interval, Intervals
from livingreview.synthesis.measures import sensitivity, specificity
from livingreview.synthesis.utility import natural_frequencies, predictive_values
from livingreview.wording import listing, percent, plural, with_interval

__all__ = [
    "central_tables", "difference_page", "show_evidence_map", "show_fagan", "show_frequencies",
    "show_funnel", "show_pooled_forest", "show_predictive_values", "show_sroc",
]  # fmt: skip

_FUNNEL: Final = "diagnostic odds ratio against precision (effective sample size)"
_CELLS: Final = {
    "tp": "true positives", "fp": "false positives", "fn": "false negatives", "tn": "true negatives",
}  # fmt: skip
PREVALENCES: Final = np.linspace(0.01, 0.90, 90)
# Where the figure goes: a private-use character, which the report removes from everything that comes from a file.
PLACE: Final = "\ue000"
STYLE: Final = """
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--lr-paper); color: var(--lr-ink);
  font: 1rem/1.5 system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; overflow-wrap: anywhere; }
table { display: block; overflow-x: auto; border-collapse: collapse; font-size: 0.9rem; overflow-wrap: normal; }
th, td { border-bottom: 1px solid var(--lr-rule); padding: 0.3rem 0.75rem 0.3rem 0; text-align: left;
  vertical-align: top; }
figure { margin: 1.5rem 0; }
"""


def show_evidence_map(review: Review) -> Displayed:
    """Show what has been studied, and at what risk of bias."""
    studies = [*review.included, *review.awaiting]
    topics, tasks = ([getattr(study, name) or NOT_SEEN for study in studies] for name in ("topic", "task"))
    bias = [study.risk_of_bias for study in studies]
    judged = sum(judgement is not None for judgement in bias)
    cells = _evidence_cells(studies)
    told = "; ".join(
        f"{task}, {topic}: {total}"
        + "".join(f", {n} at {key} risk of bias" for key, n in zip(RISK_OF_BIAS, held, strict=False) if n)
        for task, topic, total, *held in cells.itertuples(index=False)
    )
    return show(
        evidence_map(
            [label(study) for study in studies], topics, tasks, bias,
            row_order=list(tally(topics)), column_order=["segmentation", "diagnosis", "prediction", NOT_SEEN],
        ),
        title="Studies by task and subject, with their risk of bias",
        alt=f"Bubble grid. {told}. {len(studies) - judged} of {len(studies)} studies are named by no judgement.",
        caption="Number of studies per task and subject, included and awaiting classification together. An empty cell: "
        "none seen here. Rings and signs: how many are judged at low (+), unclear (?) and high (−) risk of bias. "
        f"Such a judgement names {judged or 'none'} of the {len(studies)} studies today; the base review prints its "
        "own as totals, without names.",
        name="fig-evidence",
        data=cells,
    )  # fmt: skip


def _evidence_cells(studies: Sequence[Study]) -> pd.DataFrame:
    """Return the numbers of the evidence map: a row per task and subject that was studied."""
    cells: dict[tuple[str, str], list[Study]] = {}
    for study in studies:
        cells.setdefault((study.task or NOT_SEEN, study.topic or NOT_SEEN), []).append(study)
    rows = []
    for (task, topic), found in sorted(cells.items()):
        held = Counter[str | None](study.risk_of_bias for study in found)
        judged = {f"{name} risk of bias": held[name] for name in RISK_OF_BIAS}
        rows.append(
            {"task": task, "topic": topic, "studies": len(found), **judged, "not judged": held[None],
             "ids": [study.id for study in found]}
        )  # fmt: skip
    return pd.DataFrame(rows)


def central_tables(review: Review) -> Table:
    """Return the 2×2 tables of the main synthesis; of several that fit what is printed, the central one."""
    fields = (
        described("study", "How people cite it."),
        described("id", "Id of the study.", required=True),
        *(described(name, f"Number of {says}.", "integer") for name, says in _CELLS.items()),
        described("fit", "Number of tables that fit what is printed; of several this is the central one.", "integer"),
        described("target_condition", "The disease or event that is looked for."),
        described("verified", "Whether a person has signed the extraction.", "boolean"),
    )
    rows = tuple(
        (plain_label(item.study), item.study.id, *map(int, central_table(item.tables)), len(item.tables),
         item.study.target_condition, item.study.verified)
        for item in select(gather(review), MAIN, review).used
    )  # fmt: skip
    return Table("tables-2x2", "One study of the main synthesis.", fields, rows, ("id",))


def show_pooled_forest(pooled: Pooled) -> Displayed:
    """Show the coupled forest plot of a synthesis."""
    if pooled.fit is None or pooled.imputed is None:
        return _instead("forest plot", pooled)
    carried, of = (pooled.imputed.sensitivity, pooled.imputed.specificity), pooled.counts
    predicted = pooled.fit.prediction_interval_sensitivity, pooled.fit.prediction_interval_specificity
    studies = "; ".join(
        f"{name}: {tp} true positives, {fp} false positives, {fn} false negatives, {tn} true negatives"
        for name, tp, fp, fn, tn in zip(of.study, of.tp, of.fp, of.fn, of.tn, strict=True)
    )
    signs = "Dots: low (+), unclear (?) and high (−) risk of bias; a ring: not judged"
    judged = signs if pooled.risk_of_bias else "No judgement of risk of bias names one of them"
    return show(
        forest(pooled.fit, pooled=carried, quality=pooled.risk_of_bias),
        compact=forest(pooled.fit, pooled=carried, width=COLUMN),
        title="Sensitivity and specificity of the pooled studies",
        alt=f"Coupled forest plot. {studies}. Pooled {_text(*carried)}.",
        caption=f"Each study's central table with Wilson intervals. {judged}. Pooled: the exact bivariate model over "
        "all compatible tables, with Student's intervals. Prediction interval of a new study: from the central tables.",
        name="fig-forest",
        data=_numbers(pooled.fit, {"pooled over all compatible tables": carried, "new study, predicted": predicted}),
    )


def show_sroc(pooled: Pooled) -> Displayed:
    """Show the SROC plane of a synthesis."""
    if pooled.fit is None:
        return _instead("SROC plane", pooled)
    point = pooled.fit.sensitivity, pooled.fit.specificity
    return show(
        sroc(pooled.fit),
        title="Summary ROC plane",
        alt="Studies as ellipses in the plane of sensitivity against 1 − specificity, with the summary point at "
        f"{_text(*point)}, its confidence and prediction regions and the curve over the observed range.",
        caption="Ellipses: studies, as wide and high as their non-diseased and diseased are many. The regions use "
        "the F distribution with k − 2 degrees of freedom; the curve is drawn over the observed range only. All of "
        "it rests on the central tables.",
        name="fig-sroc",
        data=_numbers(pooled.fit, {"summary point (central tables)": point}),
    )


def show_funnel(pooled: Pooled) -> Displayed:
    """Show Deeks' funnel of a synthesis."""
    if pooled.fit is None:
        return _instead("funnel", pooled)
    if pooled.k < FEWEST_STUDIES:
        return _said(
            f"No funnel plot is drawn and no test of it made: of {plural(pooled.k, 'study', 'studies')} it could not "
            f"tell small-study effects from chance; at least {FEWEST_STUDIES} are needed."
        )
    test = deeks(pooled.counts)
    drawn = {"study": pooled.counts.study, "log diagnostic odds ratio": test.effects,
             "1 / root of effective sample size": test.x, "weight": test.weights}  # fmt: skip
    return show(
        funnel(test, study=list(pooled.counts.study)),
        title="Deeks' funnel",
        alt=f"Diagnostic odds ratios of {pooled.k} studies against precision; P of the slope {test.p:.3f}.",
        caption=" ".join(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in (_FUNNEL, *test.notes)),
        name="fig-funnel",
        data=pd.DataFrame(drawn),
    )


def show_fagan(pooled: Pooled, scenario: Scenario) -> Displayed:
    """Show Fagan's nomogram for one setting."""
    if pooled.imputed is None:
        return _instead("nomogram", pooled)
    positive, negative = pooled.imputed.likelihood_ratio_positive, pooled.imputed.likelihood_ratio_negative
    after_positive, after_negative = after_test(pooled.imputed, scenario.prevalence)
    drawn = [
        {"result": name, "prevalence": scenario.prevalence, **_columns("likelihood ratio", ratio),
         **_columns("probability after the test", after)}
        for name, ratio, after in (("positive", positive, after_positive), ("negative", negative, after_negative))
    ]  # fmt: skip
    return show(
        utility.fagan(scenario.prevalence, positive, negative),
        title="Fagan nomogram",
        alt=f"From {percent(scenario.prevalence, 0)} before the test a line through the likelihood ratio of a positive "
        f"result leads to {with_interval(after_positive)}, one through that of a negative result to "
        f"{with_interval(after_negative)}.",
        caption=f"Setting: {scenario.title}. Solid: positive result; dashed: negative result; bars: 95 % intervals of "
        "the likelihood ratios, the prevalence taken as known.",
        name="fig-fagan",
        data=pd.DataFrame(drawn),
    )


def show_predictive_values(pooled: Pooled, scenarios: Sequence[Scenario]) -> Displayed:
    """Show both predictive values over a range of prevalence."""
    if pooled.imputed is None:
        return _instead("curve of predictive values", pooled)
    values = predictive_values(pooled.imputed, PREVALENCES)
    drawn = {"prevalence": PREVALENCES, **_columns("positive predictive value", values.positive),
             **_columns("negative predictive value", values.negative)}  # fmt: skip
    marked = {scenario.name: scenario.prevalence for scenario in scenarios}
    at = predictive_values(pooled.imputed, [*marked.values()])
    points = "; ".join(
        f"at {percent(scenario.prevalence, 0)}: positive {percent(at.positive[row].estimate)}, negative "
        f"{percent(at.negative[row].estimate)}"
        for row, scenario in enumerate(scenarios)
    )
    return show(
        utility.predictive_values(PREVALENCES, values.positive, values.negative, scenarios=marked),
        title="Predictive values over prevalence",
        alt=f"Positive predictive value rises and negative predictive value falls with prevalence. {points}.",
        caption="Bands: 95 % intervals from the joint uncertainty of sensitivity and specificity, prevalence taken as "
        f"known. Dotted: {listing([scenario.share for scenario in scenarios])}"
        f"{', for illustration' if all(s.kind == 'illustration' for s in scenarios) else ''}.",
        name="fig-predictive-values",
        data=pd.DataFrame(drawn),
    )


def show_frequencies(pooled: Pooled, scenario: Scenario) -> Displayed:
    """Show natural frequencies as one figure per person."""
    if pooled.imputed is None:
        return _instead("picture of natural frequencies", pooled)
    tp, fp, fn, tn = natural_frequencies(pooled.imputed, scenario.prevalence, POPULATION).counts
    return show(
        utility.icon_array(tp, fn, fp, tn),
        title=f"Of {POPULATION:,} people who take the test",
        alt=f"{POPULATION} small figures: {tp} have the disease and are found, {fn} have it and are missed, {fp} are "
        f"without it and alarmed falsely, {tn} are without it and cleared.",
        caption=f"Setting: {scenario.title}. The point estimates only; their intervals are in the table above.",
        name="fig-natural-frequencies",
        data=pd.DataFrame({"people": _CELLS.values(), "number": (tp, fp, fn, tn)}),
    )


def _numbers(of: BivariateFit, summaries: Mapping[str, tuple[Interval, Interval]]) -> pd.DataFrame:
    """Return a row per study, its table and its accuracy, and one per pair of summaries below them."""
    counts, level = of.counts, of.level
    studies: dict[str, Any] = {"study": counts.study, **{name: getattr(counts, name) for name in _CELLS}}
    studies |= _columns("sensitivity", sensitivity(counts, level=level))
    studies |= _columns("specificity", specificity(counts, level=level))
    pooled = [
        {"study": name, **_columns("sensitivity", pair[0]), **_columns("specificity", pair[1])}
        for name, pair in summaries.items()
    ]
    return pd.concat([pd.DataFrame(studies, dtype=object), pd.DataFrame(pooled, dtype=object)])


def _columns(name: str, found: Interval | Intervals) -> dict[str, Any]:
    return {name: found.estimate, f"{name}, lower limit": found.lower, f"{name}, upper limit": found.upper}


def _text(sensitivity: Interval, specificity: Interval) -> str:
    return f"sensitivity {with_interval(sensitivity)}, specificity {with_interval(specificity)}"


def _instead(what: str, pooled: Pooled) -> Displayed:
    """Return the sentence that stands in a figure's place where nothing was pooled."""
    return _said(f"No {what}: {pooled.reason}.")


def _said(sentence: str) -> Displayed:
    return Displayed(html=f"<p>{escape(sentence)}</p>", alt=sentence)


def difference_page(difference: Difference) -> str:
    """Return a difference as a page.

    HTML in what comes from files is shown as text, and the page's policy forbids scripts and anything from elsewhere.
    """
    body = MarkdownIt("js-default").render(as_markdown(difference, forest=PLACE))
    if difference.effects and difference.pooled is not None:
        body = body.replace(f"<p>{PLACE}</p>", show_pooled_forest(difference.pooled).html)
    light, dark = (
        "".join(f"{name}: {value}; " for name, value in css_variables(theme).items()) for theme in ("light", "dark")
    )
    theme = f":root {{ color-scheme: light dark; {light}}}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>What changes in the review</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>\n{theme}\n{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )
