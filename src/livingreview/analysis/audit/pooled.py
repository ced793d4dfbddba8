"""The pooled estimates: what one printed figure implies for another, and where the two meet or not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from livingreview.analysis.audit.statements import BaseReview, Statement, Verdict, compare, judged, span
from livingreview.reconstruction.implied import (
    heterogeneity_from_i2,
    log_dor_from_auc,
    log_dor_se_from_auc_se,
    totals_behind,
)
from livingreview.review import Review
from livingreview.synthesis.metadisc import auc_slope, q_star_from_log_dor
from livingreview.wording import decimal, listing

__all__ = ["PointAndCurve", "point_and_curve", "pooled_estimates"]

SYNTHESES: Final = {"diagnosis_prediction": "diagnosis and prediction", "segmentation": "segmentation"}
APPLICATIONS: Final = {"diagnosis_prediction": ("diagnosis", "prediction"), "segmentation": ("segmentation",)}
SECTIONS: Final = {"diagnosis_prediction": "Prediction and diagnosis", "segmentation": "Segmentation"}
ARMS: Final = {"sensitivity": "diseased", "specificity": "non-diseased"}
# What a bivariate random-effects model estimates besides the two means.
BETWEEN_STUDIES: Final = (
    "between-study variance of sensitivity", "between-study variance of specificity", "correlation",
)  # fmt: skip
MOST_TABLES: Final = 30


@dataclass(frozen=True)
class PointAndCurve:
    """A printed pooled point beside the symmetric curve that the printed area implies.

    Parameters
    ----------
    sensitivity, specificity
        The point as printed, proportions.
    sensitivity_span, specificity_span
        Values that print so.
    log_dor
        ln of the constant odds ratio whose symmetric curve has the printed area.
    log_dor_span
        The same for the areas that print so.
    q_star
        The printed point of the curve where sensitivity equals specificity.
    """

    sensitivity: float
    specificity: float
    sensitivity_span: tuple[float, float]
    specificity_span: tuple[float, float]
    log_dor: float
    log_dor_span: tuple[float, float]
    q_star: float

    @property
    def point_dor(self) -> float:
        """Odds ratio of the point; infinite at a sensitivity or specificity of 1."""
        return float(_dor(self.sensitivity, self.specificity))

    @property
    def point_dor_span(self) -> tuple[float, float]:
        """Lowest and highest odds ratio of a point that prints so."""
        low, high = zip(self.sensitivity_span, self.specificity_span, strict=True)
        return float(_dor(*low)), float(_dor(*high))

    @property
    def curve_dor(self) -> float:
        """Odds ratio of the curve."""
        return math.exp(self.log_dor)


def point_and_curve(review: Review, synthesis: str = "diagnosis_prediction") -> PointAndCurve:
    """Return the printed point and curve of a synthesis, ``"diagnosis_prediction"`` or ``"segmentation"``."""
    return _point_and_curve(BaseReview.of(review), synthesis)


def pooled_estimates(base: BaseReview) -> Iterator[Statement]:
    """Yield what the printed pooled estimates of both syntheses say about one another."""
    for synthesis in SYNTHESES:
        yield _studies(base, synthesis)
        yield from _area_and_q_star(base, synthesis)
        yield _point(base, synthesis)
        for measure in ARMS:
            yield _heterogeneity(base, synthesis, measure)
            yield _totals(base, synthesis, measure)
        yield _model(base, synthesis)


def _studies(base: BaseReview, synthesis: str) -> Statement:
    stated = int(base.pooled(synthesis, "sensitivity")["studies"])
    table = base.tables["accuracy"]
    own = table[table["clinical_application"].isin(APPLICATIONS[synthesis])]
    sensitivity, specificity = (own[f"{name}_percent"] != "" for name in ("sensitivity", "specificity"))
    both = int((sensitivity & specificity).sum())
    return Statement(
        f"pooled-studies-{synthesis}",
        f"Which studies were pooled ({SYNTHESES[synthesis]})",
        f"{stated} studies",
        f"{both} rows with sensitivity and specificity, {int(sensitivity.sum())} with sensitivity",
        *judged(
            both == stated,
            "Every row with both could be pooled.",
            "The text gives no rule of selection and the tables of the studies are in a supplement that was not seen.",
            otherwise="cannot be derived",
        ),
        base.sources(SECTIONS[synthesis], "accuracy"),
    )


def _area_and_q_star(base: BaseReview, synthesis: str) -> Iterator[Statement]:
    auc, q = base.pooled(synthesis, "sroc_auc"), base.pooled(synthesis, "q_star")
    curve = _point_and_curve(base, synthesis)
    low, high = (q_star_from_log_dor(end) for end in curve.log_dor_span)
    yield Statement(
        f"q-star-{synthesis}",
        f"Area and Q* are those of one symmetric curve ({SYNTHESES[synthesis]})",
        f"AUC {auc['estimate']}, Q* {q['estimate']}",
        f"Q* {decimal(q_star_from_log_dor(curve.log_dor), 5)} from the area",
        compare(q["estimate"], q_star_from_log_dor(curve.log_dor), low, high),
        f"A constant odds ratio of {decimal(curve.curve_dor, 0)} has this area.",
        base.sources(SECTIONS[synthesis]),
    )
    areas, errors = span(auc["estimate"]), span(auc["se"])
    implied = [_q_star_se(area, error) for area, error in itertools.product(areas, errors)]
    value = _q_star_se(float(auc["estimate"]), float(auc["se"]))
    verdict = compare(q["se"], value, min(implied), max(implied))
    spread = log_dor_se_from_auc_se(float(auc["estimate"]), float(auc["se"]))
    yield Statement(
        f"q-star-se-{synthesis}",
        f"The standard errors of area and Q* come from one odds ratio ({SYNTHESES[synthesis]})",
        f"SE(AUC) {auc['se']}, SE(Q*) {q['se']}",
        f"SE(Q*) {decimal(value, 5)} ({decimal(min(implied), 5)} to {decimal(max(implied), 5)}) from SE(AUC)",
        verdict,
        f"Both follow from a standard error of {decimal(spread, 3)} of the log odds ratio."
        if verdict != "contradicts"
        else f"The area implies a standard error of {decimal(spread, 3)} of the log odds ratio, Q* another one.",
        base.sources(SECTIONS[synthesis]),
    )


def _point(base: BaseReview, synthesis: str) -> Statement:
    both = _point_and_curve(base, synthesis)
    low, high = both.point_dor_span
    curve_low, curve_high = (math.exp(end) for end in both.log_dor_span)
    overlap = low <= curve_high and high >= curve_low
    verdict: Verdict = "contradicts"
    if overlap:
        verdict = "agrees" if low <= both.curve_dor <= high else "agrees within rounding"
    bounds = f"{low:,.0f} to {high:,.0f}" if math.isfinite(high) else f"at least {low:,.0f}"
    point = base.pooled(synthesis, "sensitivity")["estimate"], base.pooled(synthesis, "specificity")["estimate"]
    return Statement(
        f"point-and-curve-{synthesis}",
        f"Pooled sensitivity and specificity are a point of the summary curve ({SYNTHESES[synthesis]})",
        f"sensitivity {point[0]}, specificity {point[1]}, AUC {base.pooled(synthesis, 'sroc_auc')['estimate']}",
        f"odds ratio {decimal(both.point_dor, 0)} ({bounds}) at the point, {decimal(both.curve_dor, 0)} on the curve",
        verdict,
        "Point and curve are results of separate analyses; the one is no summary of the other."
        if verdict == "contradicts"
        else "The curve passes through the point.",
        base.sources(SECTIONS[synthesis]),
    )


def _heterogeneity(base: BaseReview, synthesis: str, measure: str) -> Statement:
    pooled = base.pooled(synthesis, measure)
    tables, printed = int(pooled["studies"]), pooled["p_heterogeneity"]
    i2 = float(pooled["i2_percent"]) / 100
    implied = heterogeneity_from_i2(i2, tables - 1)
    fitting = [k for k in range(2, MOST_TABLES + 1) if _p_verdict(printed, pooled["i2_percent"], k) != "contradicts"]
    explanation = f"Q = {decimal(implied.q)} on {implied.df} degrees of freedom gives both."
    if len(fitting) == 1:
        explanation += f" Only {fitting[0]} tables can have this I² with this P."
    verdict = _p_verdict(printed, pooled["i2_percent"], tables)
    if verdict == "contradicts":
        explanation = f"The printed I² needs {listing([str(k) for k in fitting])} tables." if fitting else \
            f"No number of tables up to {MOST_TABLES} has this I² with this P."  # fmt: skip
    return Statement(
        f"heterogeneity-{measure}-{synthesis}",
        f"I², P and the number of tables of the pooled {measure} agree ({SYNTHESES[synthesis]})",
        f"I² {pooled['i2_percent']} %, P {printed if printed.startswith('<') else '= ' + printed}, {tables} studies",
        f"P = {implied.p:{'.2g' if implied.p < 0.001 else '.4f'}} from I² with {tables} tables",
        verdict,
        explanation,
        base.sources(SECTIONS[synthesis]),
    )


def _p_verdict(printed: str, i2_percent: str, tables: int) -> Verdict:
    """Compare a printed P value, which may be a bound, with the one that I² and the number of tables imply."""
    low_i2, high_i2 = (min(max(end / 100, 1e-9), 1 - 1e-9) for end in span(i2_percent))
    value = heterogeneity_from_i2(float(i2_percent) / 100, tables - 1).p
    low, high = heterogeneity_from_i2(high_i2, tables - 1).p, heterogeneity_from_i2(low_i2, tables - 1).p
    if not printed.startswith("<"):
        return compare(printed, value, low, high)
    bound = float(printed.removeprefix("<"))
    return "agrees" if value < bound else "agrees within rounding" if low < bound else "contradicts"


def _totals(base: BaseReview, synthesis: str, measure: str) -> Statement:
    pooled = base.pooled(synthesis, measure)
    printed = (pooled["estimate"], pooled["ci_lower"], pooled["ci_upper"])
    verdict: Verdict = "cannot be derived"
    try:
        found = totals_behind(*printed).range
    except ValueError:  # the printed limits may be one and the same number: any large total fits
        recomputed, explanation = "no upper limit", "The interval is printed too coarsely to bound the total."
    else:
        if found is None:
            verdict, recomputed, explanation = "contradicts", "no total", "No total has this interval when rounded."
        else:
            recomputed = f"{found[0]:,} to {found[1]:,}"
            explanation = "The text gives no total; these are the totals whose exact interval prints so."
            verdict = "agrees" if found[0] == found[1] else verdict
    return Statement(
        f"totals-{measure}-{synthesis}",
        f"Total number of {ARMS[measure]} behind the pooled {measure} ({SYNTHESES[synthesis]})",
        f"{printed[0]} ({printed[1]}–{printed[2]}), no total",
        recomputed,
        verdict,
        explanation,
        base.sources(SECTIONS[synthesis]),
    )


def _model(base: BaseReview, synthesis: str) -> Statement:
    quote = base.quotes["pooling_model"]
    frame = base.tables["pooled"]
    measures = set(frame.loc[frame["synthesis"] == synthesis, "measure"])
    missing = [name for name in BETWEEN_STUDIES if name.replace(" ", "_").replace("-", "_") not in measures]
    return Statement(
        f"model-{synthesis}",
        f"The estimates come from a bivariate random-effects model ({SYNTHESES[synthesis]})",
        quote.printed,
        f"not printed: {listing(missing)}" if missing else "its parameters are printed",
        "cannot be derived" if missing else "agrees",
        "Such a model estimates these besides the two means. Pooled proportions, each with its own I², and a symmetric "
        "curve with Q* are results of separate analyses.",
        base.sources(quote.where, SECTIONS[synthesis]),
    )


def _point_and_curve(base: BaseReview, synthesis: str) -> PointAndCurve:
    sensitivity, specificity, auc, q = (
        base.pooled(synthesis, measure)["estimate"] for measure in ("sensitivity", "specificity", "sroc_auc", "q_star")
    )
    low, high = (log_dor_from_auc(end) for end in span(auc))
    return PointAndCurve(
        float(sensitivity),
        float(specificity),
        _proportions(sensitivity),
        _proportions(specificity),
        log_dor_from_auc(float(auc)),
        (low, high),
        float(q),
    )


def _proportions(printed: str) -> tuple[float, float]:
    low, high = span(printed)
    return max(low, 0.0), min(high, 1.0)


def _dor(sensitivity: float, specificity: float) -> float:
    return float(np.exp(special.logit(sensitivity) + special.logit(specificity)))


def _q_star_se(auc: float, auc_se: float) -> float:
    q = q_star_from_log_dor(log_dor_from_auc(auc))
    return 0.5 * q * (1 - q) * auc_se / auc_slope(log_dor_from_auc(auc))
