"""What ``livingreview pool`` gives: one plain object per analysis, and the same object as text.

The keys are the same for every model; what a model does not have is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from livingreview.errors import ConvergenceError
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.sroc import auc, observed_fpr_range, partial_auc

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
    for name, area in (("auc", auc), ("partial_auc", partial_auc)):
        result[name], note = (None, WITH_COVARIATES) if fit.has_covariates else _area(area, fit)
        if note and note not in notes:
            notes.append(note)
    if result["partial_auc"]:
        result["partial_auc"]["fpr_range"] = list(observed_fpr_range(fit.counts))
    return {**result, "notes": notes}


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
    parts = [
        f"model {result['model']}",
        result["method"],
        result["structure"],
        f"{result['k']} {'study' if result['k'] == 1 else 'studies'}",
    ]
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
        yield "I²  " + "  ".join(f"{name} {_percent(value)}" for name, value in result["i2"].items())
    for name in ("sensitivity", "specificity"):
        if test := result[name].get("heterogeneity"):
            chi2 = f"χ² {test['chi2']:.1f} on {test['df']} df"
            yield f"Heterogeneity of {name}: {chi2}, {_p(test['p'])}, I² {_percent(test['i2'])}"
    yield from _level_lines(result)
    for note in result["notes"]:
        yield f"Note: {note}"


FIT_STATISTICS = {"log_likelihood": "log-likelihood", "aic": "AIC", "bic": "BIC"}


def _cells(name: str, result: Mapping[str, Any]) -> tuple[str, str]:
    """Return the estimate and interval of a row; two studies say nothing of a new one."""
    if name.startswith("prediction_interval") and result["k"] < 3:
        return "–", "–"
    return _interval(result[name])


def _logit_rows(result: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    errors, deviations = (
        [_number(matrix[i][i] ** 0.5) for i in range(2)] for matrix in (result["mu_cov"], result["between_study_cov"])
    )
    yield ("Logit scale", "sensitivity", "specificity")
    yield ("  mean", *(_number(value) for value in result["mu"]))
    yield ("  standard error", *errors)
    yield ("  between-study SD", *deviations)
    yield ("  between-study correlation", _number(result["rho"]))


def _level_lines(result: Mapping[str, Any]) -> Iterator[str]:
    if levels := result.get("levels", []):
        yield ""
        header = ("Level", "k", "sensitivity", "", "specificity", "")
        rows = (
            (str(row["label"]), str(row["k"]), *_interval(row["sensitivity"]), *_interval(row["specificity"]))
            for row in levels
        )
        yield from _aligned([header, *rows])
    if tests := result.get("tests"):
        yield ""
        known = {"intercept", *(row["label"] for row in levels)}
        slopes = [name for name in result["coefficients"] if name.partition(": ")[2] not in known]
        yield from (f"Change of logit {name} {result['coefficients'][name]:.3g} per unit" for name in slopes)
        yield from (
            f"{TESTS[test['kind']]} test of the {'covariates' if slopes else 'levels'}, {test['effect_on']}: "
            f"χ² {test['statistic']:.2f} on {test['df']} df, {_p(test['p_value'])}"
            for test in tests
        )


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
    if value is None:
        return "P –"
    return "P < 0.001" if value < 0.001 else f"P = {value:.3f}"
