"""GRADE summary of findings: computed hints, and an empty place for judgement.

Certainty of evidence is a human judgement. Nothing here rates it, suggests a rating or fills it in: a row carries the
numbers that a judge needs, by GRADE domain, and `Judgement` stays empty until a person signs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from livingreview.synthesis.arrays import FloatArray, IntArray
from livingreview.synthesis.bivariate import BivariateFit
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.utility import NaturalFrequencies, natural_frequencies

__all__ = ["DOMAINS", "Findings", "Hints", "Judgement", "summary_of_findings"]

Measure = Literal["sensitivity", "specificity"]
Domain = Literal["risk of bias", "indirectness", "inconsistency", "imprecision", "publication bias"]
DOMAINS: tuple[Domain, ...] = ("risk of bias", "indirectness", "inconsistency", "imprecision", "publication bias")


@dataclass(frozen=True)
class Judgement:
    """A human judgement of certainty; empty until a person signs it.

    Parameters
    ----------
    domains
        Domain and rating, None where nobody has judged.
    certainty
        The overall rating.
    signed_by, signed_on
        Who judged, and the date.
    """

    domains: tuple[tuple[Domain, str | None], ...] = tuple((domain, None) for domain in DOMAINS)
    certainty: str | None = None
    signed_by: str | None = None
    signed_on: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "domains": dict(self.domains)}


@dataclass(frozen=True)
class Hints:
    """Computed facts that bear on certainty.

    Parameters
    ----------
    k, n
        Studies and participants that the measure rests on: with the disease for sensitivity, without for
        specificity.
    interval_width
        Imprecision: width of the interval of the pooled proportion.
    prediction_interval
        Inconsistency: where a new study's true proportion is expected.
    i2
        Inconsistency: share of the variation due to heterogeneity.
    observed_range
        Inconsistency: smallest and largest proportion observed in a study.
    """

    k: int
    n: int
    interval_width: float
    prediction_interval: Interval
    i2: float
    observed_range: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "k": self.k,
            "n": self.n,
            "interval_width": self.interval_width,
            "prediction_interval": self.prediction_interval.to_dict(),
            "i2": self.i2,
            "observed_range": list(self.observed_range),
        }


@dataclass(frozen=True)
class Findings:
    """One row of the table: one measure, its effect per scenario, hints and the empty judgement.

    Parameters
    ----------
    measure
        ``"sensitivity"`` or ``"specificity"``.
    estimate
        The pooled proportion.
    scenarios
        Name of each prevalence scenario with its natural frequencies.
    hints
        Computed facts.
    judgement
        Empty.
    """

    measure: Measure
    estimate: Interval
    scenarios: tuple[tuple[str, NaturalFrequencies], ...]
    hints: Hints
    judgement: Judgement

    @property
    def outcomes(self) -> tuple[str, str]:
        """The two cells that the measure decides: right and wrong results."""
        return ("tp", "fn") if self.measure == "sensitivity" else ("tn", "fp")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        shown = ("prevalence", "population", *self.outcomes)
        return {
            "measure": self.measure,
            "estimate": self.estimate.to_dict(),
            "scenarios": {
                name: {key: value for key, value in frequencies.to_dict().items() if key in shown}
                for name, frequencies in self.scenarios
            },
            "hints": self.hints.to_dict(),
            "judgement": self.judgement.to_dict(),
        }


def summary_of_findings(
    fit: BivariateFit, scenarios: Mapping[str, float], population: int = 1000
) -> tuple[Findings, Findings]:
    """Return the rows of a GRADE summary of findings for test accuracy.

    Parameters
    ----------
    fit
        The pooled accuracy.
    scenarios
        Name to prevalence. The name says where the prevalence is from, or that it is an illustration.
    population
        Natural frequencies are per so many people.

    Returns
    -------
    tuple of Findings
        Sensitivity and specificity, each with an empty judgement.

    Raises
    ------
    ValueError
        Without a scenario, or for a prevalence outside 0 to 1.

    References
    ----------
    Schünemann HJ et al. (2020) doi 10.1016/j.jclinepi.2019.12.021 (GRADE for test accuracy, part 2).
    """
    if not scenarios:
        raise ValueError("expected at least one prevalence scenario, found none")
    frequencies = tuple((name, natural_frequencies(fit, p, population)) for name, p in scenarios.items())
    counts = fit.counts
    arms: tuple[tuple[Measure, Interval, IntArray, IntArray, Interval, float], ...] = (
        (
            "sensitivity",
            fit.sensitivity,
            counts.tp,
            counts.n_diseased,
            fit.prediction_interval_sensitivity,
            fit.i2.sensitivity,
        ),
        (
            "specificity",
            fit.specificity,
            counts.tn,
            counts.n_nondiseased,
            fit.prediction_interval_specificity,
            fit.i2.specificity,
        ),
    )
    first, second = (
        Findings(measure, pooled, frequencies, _hints(pooled, right, total, prediction, i2), Judgement())
        for measure, pooled, right, total, prediction, i2 in arms
    )
    return first, second


def _hints(pooled: Interval, right: IntArray, total: IntArray, prediction: Interval, i2: float) -> Hints:
    known = total > 0
    observed: FloatArray = right[known] / total[known]
    return Hints(
        k=int(known.sum()),
        n=int(total.sum()),
        interval_width=pooled.upper - pooled.lower,
        prediction_interval=prediction,
        i2=i2,
        observed_range=(float(np.min(observed)), float(np.max(observed))),
    )
