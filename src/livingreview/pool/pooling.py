"""What ``livingreview pool`` gives: one plain object per analysis, and the same object as text.

The keys are the same for every model; what a model does not have is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from livingreview import __version__
from livingreview.errors import ConvergenceError
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.sroc import auc, observed_fpr_range, partial_auc
from livingreview.wording import p_value

if TYPE_CHECKING:
    from livingreview.synthesis.bivariate import BivariateFit
    from livingreview.synthesis.metadisc import MetaDisc

__all__ = ["as_text", "bivariate_object", "metadisc_object"]

RATIOS = {
    "likelihood_ratio_positive": "LR+",
    "likelihood_ratio_negative": "LR−",
    "diagnostic_odds_ratio": "Diagnostic odds ratio",
}
ROWS = {
    "sensitivity": "Sensitivity",
    "prediction_interval_sensitivity": "  of a new study",
    "specificity": "Specificity",
    "prediction_interval_specificity": "  of a new study",
    **RATIOS,
    "auc": "Area under the SROC curve",
    "partial_auc": "Mean sensitivity on that curve",
}
WITH_COVARIATES = (
    "with covariates there is no one SROC curve and no one I²: for a curve, an area under it, HSROC parameters and I², "
    "pool the rows of each level on their own"
)
SINGULAR = (
    "the bivariate I² is not given: its formula is 0 wherever a between-study variance is 0 or the correlation is ±1, "
    "however much the studies differ"
)
FIT_STATISTICS = {"log_likelihood": "log-likelihood", "aic": "AIC", "bic": "BIC"}
# Standard deviations, by position, and the correlation where a structure sets them.
FIXED: Mapping[str, frozenset[int | str]] = {
    "unstructured": frozenset(),
    "independent": frozenset({"rho"}),
    "fixed_sensitivity": frozenset({0}),
    "fixed_specificity": frozenset({1}),
    "fixed": frozenset({0, 1}),
}
METHOD_OF = {
    "prediction_interval_sensitivity": "sensitivity of a new study",
    "prediction_interval_specificity": "specificity of a new study",
    "auc": "areas",
    "regions": "regions in a figure",
    "studies": "studies in a figure",
}
TESTS = {"wald": "Wald", "likelihood_ratio": "Likelihood ratio"}


def bivariate_object(fit: BivariateFit) -> dict[str, Any]:
    """Return everything a bivariate fit says, with the areas under its summary curve.

    Parameters
    ----------
    fit
        A bivariate fit.

    Returns
    -------
    dict
        Plain JSON types: ``fit.to_dict()`` with ``auc`` and ``partial_auc``, the mean sensitivity on the curve over
        the observed range of 1 − specificity, which is its ``fpr_range``. An area that the fit does not determine is
        None, as with covariates, and a note says why.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> round(bivariate_object(fit(counts))["auc"]["estimate"], 3)
    0.934
    """
    result = fit.to_dict()
    notes = list(result["notes"])
    if _is_artefact(result["i2"]):
        notes.append(SINGULAR)
    for name, area in (("auc", auc), ("partial_auc", partial_auc)):
        result[name], note = (None, WITH_COVARIATES) if fit.has_covariates else _area(area, fit)
        if note and note not in notes:
            notes.append(note)
    methods = _methods(fit)
    if not (result["auc"] or result["partial_auc"]):
        methods.pop("auc", None)
    if result["partial_auc"]:
        result["partial_auc"]["fpr_range"] = list(observed_fpr_range(fit.counts))
    diseased, nondiseased = (int((n > 0).sum()) for n in (fit.counts.n_diseased, fit.counts.n_nondiseased))
    return {
        **result,
        "k_by_measure": {"sensitivity": diseased, "specificity": nondiseased},
        "methods": methods,
        "version": __version__,
        "notes": notes,
    }


def _is_artefact(i2: Mapping[str, float | None]) -> bool:
    """Return whether the bivariate I² is 0 by its formula alone; covariances are good to some 1e-16."""
    return i2["bivariate"] is not None and i2["bivariate"] < 1e-6 < max(i2["sensitivity"] or 0, i2["specificity"] or 0)


def _methods(fit: BivariateFit) -> dict[str, str]:
    """Return how each interval and test of a bivariate fit and of its figures is made."""
    quantiles = [_quantile(df) for df in (*fit.df, min(fit.df))]
    methods = {
        "sensitivity": f"Wald on the logit scale, {quantiles[0]}",
        "specificity": f"Wald on the logit scale, {quantiles[1]}",
        "ratios": f"delta method on the log scale, {quantiles[2]}",
        "auc": f"delta method on the logit scale, {quantiles[2]}",
    }
    if fit.has_covariates:
        both = dict.fromkeys(quantiles[:2])
        methods["coefficients"] = f"Wald, {' and '.join(both)}"
        methods["tests"] = "χ²; likelihood ratios of fits by maximum likelihood"
    for measure, df in zip(("sensitivity", "specificity"), fit.prediction_df, strict=True):
        if df:
            methods[f"prediction_interval_{measure}"] = f"t with {df} df on the logit scale"
    if df := min(fit.prediction_df):
        methods["regions"] = f"2 F(2, {df}) on the logit plane"
    return {**methods, "studies": "Wilson"}


def _quantile(df: float) -> str:
    return "normal quantile" if math.isinf(df) else f"t with {df:g} df"


def _area(area: Callable[[BivariateFit], Interval], fit: BivariateFit) -> tuple[dict[str, Any] | None, str]:
    try:
        return area(fit).to_dict(), ""
    except ConvergenceError as error:
        return None, str(error)


def metadisc_object(result: MetaDisc) -> dict[str, Any]:
    """Return what Meta-DiSc 1.4 prints, under the keys of a bivariate fit as far as they exist.

    Parameters
    ----------
    result
        Of :func:`livingreview.synthesis.metadisc.analyse`.

    Returns
    -------
    dict
        Plain JSON types: ``result.to_dict()``, in which each ratio and ``auc`` are DerSimonian and Laird's, and
        ``ratios`` has them by both methods.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, metadisc
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> round(metadisc_object(metadisc.analyse(counts))["sensitivity"]["estimate"], 3)
    0.864
    """
    everything = result.to_dict()
    ratios = {measure: everything[measure] for measure in RATIOS}
    return {
        **everything,
        "method": "sums of counts; ratios by DerSimonian and Laird",
        "structure": None,
        **dict.fromkeys(("mu", "mu_cov", "between_study_cov", "rho", "log_likelihood", "aic", "bic", "hsroc", "i2")),
        **{measure: by_method["dersimonian_laird"] for measure, by_method in ratios.items()},
        "auc": everything["symmetric_sroc"]["dersimonian_laird"]["auc"],
        "partial_auc": None,
        "boundary": [],
        "converged": True,
        "ratios": ratios,
        "methods": {
            "sensitivity": "Clopper and Pearson, of the sums of counts",
            "specificity": "Clopper and Pearson, of the sums of counts",
            "ratios": "DerSimonian and Laird on the log scale, normal quantile",
            "auc": "delta method from the pooled odds ratio, normal quantile",
        },
        "version": __version__,
    }


def as_text(result: Mapping[str, Any]) -> str:
    """Return an object of :func:`bivariate_object` or :func:`metadisc_object` as aligned lines of text.

    Parameters
    ----------
    result
        The object.

    Returns
    -------
    str
        Title, estimates with intervals, heterogeneity, levels and tests where there are any, boundary and notes.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> print(as_text(bivariate_object(fit(counts))).splitlines()[0])
    model binomial · ml · independent · 5 studies
    """
    return "\n".join(line.rstrip() for line in _lines(result))


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    parts = [f"model {result['model']}", result["method"], result["structure"], _studies(result)]
    yield " · ".join(part for part in parts if part)
    yield ""
    level = f"{100 * result['sensitivity']['level']:g} % interval"
    rows: list[tuple[str, ...]] = [(label, *_cells(name, result)) for name, label in ROWS.items() if result.get(name)]
    if area := result["partial_auc"]:
        low, high = (_number(end) for end in area["fpr_range"])
        rows.append((f"  for 1 − specificity from {low} to {high}",))
    if curves := result.get("symmetric_sroc"):
        rows.append(("Q*", *_interval(curves["dersimonian_laird"]["q_star"])))
    yield from _aligned([("", "estimate", level), *rows])
    if result["mu"]:
        yield ""
        yield from _aligned(_logit_rows(result))
        yield ""
        yield "  ".join(f"{label} {_number(result[name])}" for name, label in FIT_STATISTICS.items())
    if result["hsroc"]:
        yield "HSROC  " + "  ".join(f"{name} {_number(value)}" for name, value in result["hsroc"].items())
    if result["i2"]:
        shares = {**result["i2"], "bivariate": None} if _is_artefact(result["i2"]) else result["i2"]
        yield "I²  " + "  ".join(f"{name} {_percent(value)}" for name, value in shares.items())
    for name in ("sensitivity", "specificity"):
        if test := result[name].get("heterogeneity"):
            chi2 = f"χ² {test['chi2']:.1f} on {test['df']} df"
            yield f"Heterogeneity of {name}: {chi2}, {_p_phrase(test['p'])}, I² {_percent(test['i2'])}"
    yield from _effect_lines(result)
    yield from _method_lines(result["methods"])
    for note in result["notes"]:
        yield f"Note: {note}"


def _studies(result: Mapping[str, Any]) -> str:
    """Return the number of studies, per measure where some have one arm only."""
    k, by_measure = result["k"], result.get("k_by_measure", {})
    text = f"{k} {'study' if k == 1 else 'studies'}"
    if set(by_measure.values()) <= {k}:
        return text
    return f"{text} ({', '.join(f'{n} for {measure}' for measure, n in by_measure.items())})"


def _cells(name: str, result: Mapping[str, Any]) -> tuple[str, str]:
    """Return the estimate and interval of a row; an average of levels and few studies say nothing of a new study."""
    if name.startswith("prediction_interval") and (result["levels"] or name not in result["methods"]):
        return "–", "–"
    return _interval(result[name])


def _logit_rows(result: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    errors, deviations = (
        [_number(matrix[i][i] ** 0.5) for i in range(2)] for matrix in (result["mu_cov"], result["between_study_cov"])
    )
    fixed = FIXED[result["structure"]]
    yield ("Logit scale", "sensitivity", "specificity")
    yield ("  mean", *(_number(value) for value in result["mu"]))
    yield ("  standard error", *errors)
    yield ("  between-study SD", *("0 (fixed)" if i in fixed else deviations[i] for i in range(2)))
    yield ("  between-study correlation", "0 (fixed)" if fixed == {"rho"} else _number(result["rho"]))


def _effect_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a fit with covariates adds: levels, contrasts, slopes and tests."""
    if not result.get("tests"):
        return
    level = f"{100 * result['sensitivity']['level']:g} % interval"
    if levels := result["levels"]:
        yield ""
        yield from _aligned(_level_rows(result, level))
        yield ""
        against = [(f"Against {levels[0]['label']}", "odds ratio", level, "P", "ratio", level)]
        for row in result["contrasts"]:
            odds, ratio = _interval(row["odds_ratio"]), _interval(row["ratio"])
            against.append((f"{row['level']}: {row['measure']}", *odds, _p(row["p"]), *ratio))
        yield from _aligned(against)
    # In each mean, the coefficients of the levels but the first come after the intercept.
    table, own = result["coefficient_table"], max(len(levels), 1)
    half = len(table) // 2
    if slopes := [*table[own:half], *table[half + own :]]:
        yield ""
        changes = [("Change of the logit per unit", "estimate", "SE", level, "P")]
        for row in slopes:
            estimate, error, low, high = (f"{value:.3g}" for value in (row["estimate"], row["se"], *row["ci"]))
            changes.append((row["name"], estimate, error, f"{low} to {high}", _p(row["p"])))
        yield from _aligned(changes)
    yield ""
    yield from (
        f"{TESTS[test['kind']]} test of the {'covariates' if slopes else 'levels'}, {test['effect_on']}: "
        f"χ² {test['statistic']:.2f} on {test['df']} df, {_p_phrase(test['p_value'])}"
        for test in result["tests"]
    )


def _level_rows(result: Mapping[str, Any], level: str) -> Iterator[tuple[str, ...]]:
    yield ("Level", "k", "sensitivity", level, "specificity", level)
    for row in result["levels"]:
        yield (row["label"], str(row["k"]), *_interval(row["sensitivity"]), *_interval(row["specificity"]))
        names = ("prediction_interval_sensitivity", "prediction_interval_specificity")
        new = [_interval(row[name])[1] if name in result["methods"] else "–" for name in names]
        yield ("  of a new study", "", "", new[0], "", new[1])


def _method_lines(methods: Mapping[str, str]) -> Iterator[str]:
    """Yield each method with what is made by it."""
    made: dict[str, list[str]] = {}
    for name, method in methods.items():
        made.setdefault(method, []).append(METHOD_OF.get(name, name))
    yield ""
    yield "Intervals and tests"
    yield from (f"  {', '.join(names)}: {method}" for method, names in made.items())


def _aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Left-align the first column and right-align the others."""
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=False))
        yield "  ".join([first.ljust(widths[0]), *cells])


def _interval(value: Mapping[str, Any]) -> tuple[str, str]:
    lower, upper = value["ci"]
    return _number(value["estimate"]), f"{_number(lower)} to {_number(upper)}"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _p(value: float | None) -> str:
    return "–" if value is None else p_value(value).removeprefix("P ").removeprefix("= ")


def _p_phrase(value: float | None) -> str:
    return "P –" if value is None else p_value(value)
