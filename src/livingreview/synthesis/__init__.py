"""Meta-analysis of diagnostic test accuracy: exact, fast, and on numpy and scipy alone.

The engine in six lines, on the simulated set ``edge_rho_neg1``:

>>> from livingreview.synthesis import Counts, auc, fit
>>> counts = Counts.from_arrays(
...     tp=[10, 26, 24, 52, 41, 29, 17, 13], fp=[8, 4, 2, 23, 15, 14, 7, 2],
...     fn=[10, 5, 3, 3, 16, 3, 1, 6], tn=[51, 16, 18, 51, 51, 26, 20, 19])
>>> result = fit(counts, structure="unstructured")
>>> print(f"sensitivity {result.sensitivity}, specificity {result.specificity}")
sensitivity 0.833 [0.713, 0.909], specificity 0.777 [0.708, 0.833]
>>> print(f"area under the curve {auc(result)}, boundary: {', '.join(result.boundary)}")
area under the curve 0.848 [0.786, 0.894], boundary: rho = -1

What a review needs most is in this namespace and is loaded when it is first used; the rest is in the modules.

Modules
-------
counts, measures, intervals
    2×2 tables, continuity corrections, study-level measures with intervals.
bivariate
    The bivariate models: binomial (exact likelihood) and normal (Reitsma), one or many tables at a time.
sroc, regions
    Summary ROC curves, areas under them, confidence and prediction regions.
metadisc
    The arithmetic of Meta-DiSc 1.4, for reproduction; in parts in `simple_pooling` and `moses`.
univariate, refits, multilevel
    Means and other single effects: random effects, meta-regression, refits, three levels.
bias, influence
    Funnel tests; which study moves the result.
utility
    What a result means for patients.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livingreview.synthesis.bivariate import BivariateFit, fit, fit_many
    from livingreview.synthesis.counts import Counts, corrected
    from livingreview.synthesis.influence import leave_one_out
    from livingreview.synthesis.intervals import Interval, Intervals
    from livingreview.synthesis.measures import (
        accuracy,
        diagnostic_odds_ratio,
        likelihood_ratio_negative,
        likelihood_ratio_positive,
        npv,
        ppv,
        sensitivity,
        specificity,
    )
    from livingreview.synthesis.regions import confidence_region, prediction_region
    from livingreview.synthesis.sroc import auc, curve, partial_auc, rutter_gatsonis, youden

__all__ = [
    "BivariateFit",
    "Counts",
    "Interval",
    "Intervals",
    "accuracy",
    "auc",
    "confidence_region",
    "corrected",
    "curve",
    "diagnostic_odds_ratio",
    "fit",
    "fit_many",
    "leave_one_out",
    "likelihood_ratio_negative",
    "likelihood_ratio_positive",
    "npv",
    "partial_auc",
    "ppv",
    "prediction_region",
    "rutter_gatsonis",
    "sensitivity",
    "specificity",
    "youden",
]

_NAMES_BY_MODULE = {
    "bivariate": ("BivariateFit", "fit", "fit_many"),
    "counts": ("Counts", "corrected"),
    "influence": ("leave_one_out",),
    "intervals": ("Interval", "Intervals"),
    "measures": (
        "accuracy",
        "diagnostic_odds_ratio",
        "likelihood_ratio_negative",
        "likelihood_ratio_positive",
        "npv",
        "ppv",
        "sensitivity",
        "specificity",
    ),
    "regions": ("confidence_region", "prediction_region"),
    "sroc": ("auc", "curve", "partial_auc", "rutter_gatsonis", "youden"),
}
_HOME = MappingProxyType({name: module for module, names in _NAMES_BY_MODULE.items() for name in names})


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
