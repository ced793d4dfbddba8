"""Figures of the diagnostic synthesis as a page shows them, with titles, captions and alternatives computed from it.

Where nothing was pooled, a sentence stands in the figure's place and says why.
"""

from __future__ import annotations

from html import escape

from IPython.display import HTML

from livingreview.diagnosis import Pooled
from livingreview.plots.display import Displayed, show
from livingreview.plots.forest import forest
from livingreview.plots.funnel import funnel
from livingreview.plots.sroc import sroc
from livingreview.plots.style import COLUMN
from livingreview.synthesis.bias import deeks
from livingreview.wording import with_interval

__all__ = ["show_funnel", "show_pooled_forest", "show_sroc"]


def show_pooled_forest(pooled: Pooled) -> Displayed | HTML:
    """Show the coupled forest plot of a synthesis."""
    if pooled.fit is None:
        return _instead("forest plot", pooled)
    wide, narrow = forest(pooled.fit), forest(pooled.fit, width=COLUMN)
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
        alt=f"Coupled forest plot. {studies}. Pooled {_pooled_text(pooled)}.",
        caption="Each study's central table with Wilson intervals; below them the summary of the exact bivariate model "
        "and the prediction interval for a new study.",
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
        f"{_pooled_text(pooled)}, its confidence and prediction regions and the curve over the observed range.",
        caption="Ellipses: studies, as wide and high as their non-diseased and diseased are many. The regions use the F"
        " "
        "distribution with k − 2 degrees of freedom; the curve is drawn over the observed range only.",
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
        caption="Diagnostic odds ratio against precision (effective sample size). " + " ".join(test.notes),
        name="fig-funnel",
    )


def _pooled_text(pooled: Pooled) -> str:
    assert pooled.fit is not None  # callers have shown a sentence instead
    fit = pooled.fit
    return f"sensitivity {with_interval(fit.sensitivity)}, specificity {with_interval(fit.specificity)}"


def _instead(what: str, pooled: Pooled) -> HTML:
    return HTML(f"<p>No {escape(what)}: {escape(pooled.reason)}.</p>")  # type: ignore[no-untyped-call]
