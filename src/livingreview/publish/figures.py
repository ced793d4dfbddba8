"""Figures of the diagnostic synthesis as a page shows them, with titles, captions and alternatives computed from it.

Where nothing was pooled, a sentence stands in the figure's place and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from IPython.display import HTML

from livingreview.analysis.diagnosis import Pooled
from livingreview.plots.display import Displayed, show
from livingreview.plots.forest import forest
from livingreview.plots.funnel import funnel
from livingreview.plots.sroc import sroc
from livingreview.plots.style import COLUMN
from livingreview.synthesis.bias import deeks
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.fit_result import BivariateFit
from livingreview.synthesis.intervals import Interval
from livingreview.wording import with_interval

__all__ = ["instead", "show_funnel", "show_pooled_forest", "show_sroc"]


def show_pooled_forest(pooled: Pooled) -> Displayed | HTML:
    """Show the coupled forest plot of a synthesis."""
    if pooled.fit is None or pooled.imputed is None:
        return instead("forest plot", pooled)
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
        return instead("SROC plane", pooled)
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
        return instead("funnel", pooled)
    test = deeks(pooled.counts)
    return show(
        funnel(test, study=list(pooled.counts.study)),
        title="Deeks' funnel",
        alt=f"Diagnostic odds ratios of {pooled.k} studies against precision; P of the slope {test.p:.3f}.",
        caption=". ".join(
            ["Diagnostic odds ratio against precision (effective sample size)", *map(_sentence, test.notes)]
        )
        + ".",
        name="fig-funnel",
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


def instead(what: str, pooled: Pooled) -> HTML:
    """Return the sentence that stands in a figure's place where nothing was pooled."""
    return HTML(f"<p>No {escape(what)}: {escape(pooled.reason)}.</p>")  # type: ignore[no-untyped-call]


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."
