"""Summary ROC curves of a bivariate fit, and the areas under them.

Every curve is the straight line through the mean on the logit plane,

    logit(sensitivity) = intercept + slope · logit(1 − specificity),

and the kinds differ only in how they read a slope out of the between-study covariance (Arends 2008). With
standard deviations σ_A (sensitivity) and σ_B (specificity), and c the covariance of logit sensitivity with
logit(1 − specificity):

=========================  ============================================================
``rutter_gatsonis``        σ_A / σ_B, the HSROC curve; it does not depend on c
``sensitivity_on_fpr``     c / σ_B², the regression that R's mada calls "naive"
``fpr_on_sensitivity``     σ_A² / c, the reverse regression
``major_axis``             first principal axis of the covariance
``moses_littenberg``       (σ_A² + c) / (σ_B² + c), the regression of D on S
=========================  ============================================================

References
----------
Rutter CM, Gatsonis CA (2001) doi 10.1002/sim.942. Harbord RM et al. (2007) doi 10.1093/biostatistics/kxl004.
Arends LR et al. (2008) doi 10.1177/0272989X08319957.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from livingreview.errors import ConvergenceError
from livingreview.synthesis.arrays import FloatArray
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.intervals import Interval, require_level
from livingreview.synthesis.regions import Fit
from livingreview.synthesis.summary import student_quantile

__all__ = [
    "Curve", "CurveKind", "Youden", "auc", "curve", "observed_fpr_range", "partial_auc", "rutter_gatsonis", "youden",
]  # fmt: skip

CurveKind = Literal["rutter_gatsonis", "sensitivity_on_fpr", "fpr_on_sensitivity", "major_axis", "moses_littenberg"]
KINDS: tuple[CurveKind, ...] = get_args(CurveKind)

# |logit| beyond which a proportion differs from 0 or 1 by less than the areas are good to.
FARTHEST = 40.0
# A between-study standard deviation (logit scale) this small is a zero that the optimiser left unrounded.
NEGLIGIBLE = 1e-6
POINTS = 201
SATURATED = 1e-9
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
PANELS = np.concatenate([-(2.0 ** np.arange(6)), [0.0], 2.0 ** np.arange(6)])
for _constant in (NODES, WEIGHTS, PANELS):
    _constant.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Curve:
    """A summary ROC curve.

    Parameters
    ----------
    kind
        How its slope was read out of the between-study covariance.
    intercept, slope
        Of the line on the logit plane.
    fpr, sensitivity
        (m,) points of the curve, `fpr` = 1 − specificity increasing; read-only.
    """

    kind: CurveKind
    intercept: float
    slope: float
    fpr: FloatArray
    sensitivity: FloatArray

    def __post_init__(self) -> None:
        self.fpr.flags.writeable = False
        self.sensitivity.flags.writeable = False

    def at(self, fpr: ArrayLike) -> FloatArray:
        """Return the sensitivity at `fpr` (any shape, between 0 and 1), within the drawn range or outside."""
        return _sensitivity(self.intercept, self.slope, np.asarray(fpr, dtype=np.float64))

    def to_dict(self) -> dict[str, Any]:
        """Return the line and its points as plain JSON types."""
        return {
            "kind": self.kind,
            "intercept": self.intercept,
            "slope": self.slope,
            "fpr": self.fpr.tolist(),
            "sensitivity": self.sensitivity.tolist(),
        }


@dataclass(frozen=True)
class Youden:
    """The point of a curve with the largest sensitivity + specificity − 1."""

    index: float
    sensitivity: float
    specificity: float

    def to_dict(self) -> dict[str, float]:
        """Return the three numbers by name."""
        return asdict(self)


def observed_fpr_range(counts: Counts) -> tuple[float, float]:
    """Return the smallest and the largest fp / (fp + tn) of the studies that have non-diseased participants."""
    fpr = np.divide(counts.fp, counts.n_nondiseased, where=counts.n_nondiseased > 0, out=np.full(counts.k, np.nan))
    return float(np.nanmin(fpr)), float(np.nanmax(fpr))


def curve(
    fit: Fit,
    kind: CurveKind = "rutter_gatsonis",
    *,
    fpr: ArrayLike | None = None,
    span: Literal["observed", "full"] = "observed",
) -> Curve:
    """Return a summary ROC curve.

    Parameters
    ----------
    fit
        A bivariate fit without covariates.
    kind
        One of the kinds that the module describes.
    fpr
        (m,) points between 0 and 1; by default 201 over `span`, even on the plot's axis.
    span
        ``"observed"``: between the observed extremes, beyond which the curve extrapolates; ``"full"``: from 0 to 1.

    Returns
    -------
    Curve
        The points and the line they lie on.

    Raises
    ------
    ConvergenceError
        If the between-study covariance determines no such slope, as when a variance is 0.
    ValueError
        If a name is none of those above, `fpr` is not between 0 and 1, or the fit has covariates.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, curve, fit
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> curve(fit(counts), fpr=[0.1, 0.2]).sensitivity.round(3).tolist()
    [0.823, 0.949]
    """
    intercept, slope = _line(kind, *_parameters(fit))
    if fpr is None:
        if span not in ("observed", "full"):
            raise ValueError(f"span is 'observed' or 'full'; found {span!r}")
        low, high = observed_fpr_range(fit.counts) if span == "observed" else (0.0, 1.0)
        points = np.linspace(low, high, POINTS)
    else:
        points = np.array(fpr, dtype=np.float64)
    return Curve(kind, intercept, slope, points, _sensitivity(intercept, slope, points))


def rutter_gatsonis(fit: Fit, fpr: ArrayLike | None = None, *, span: Literal["observed", "full"] = "observed") -> Curve:
    """Return the HSROC curve, the kind ``"rutter_gatsonis"``; parameters as :func:`curve`.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit, rutter_gatsonis
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> print(f"slope {rutter_gatsonis(fit(counts)).slope:.2f}")
    slope 1.72
    """
    return curve(fit, "rutter_gatsonis", fpr=fpr, span=span)


def auc(fit: Fit, kind: CurveKind = "rutter_gatsonis", *, level: float | None = None) -> Interval:
    """Return the area under the whole curve, from 1 − specificity = 0 to 1.

    It extrapolates beyond the observed range; :func:`partial_auc` does not.

    Parameters
    ----------
    fit
        A bivariate fit without covariates.
    kind
        One of the kinds that the module describes.
    level
        Coverage of the interval, which has the fit's kind of quantile; that of the fit by default.

    Returns
    -------
    Interval
        The area by Gauss–Legendre quadrature (to 1e-11), with the delta-method interval on its logit; the gradient
        is in the means and in the Cholesky factor of the between-study covariance, all of which are uncertain.

    Raises
    ------
    ConvergenceError, ValueError
        As :func:`curve`; a ValueError also if the level is not between 0 and 1.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, auc, fit
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> print(auc(fit(counts)))
    0.934 [0.864, 0.969]
    """
    return partial_auc(fit, (0.0, 1.0), kind, level=level)


def partial_auc(
    fit: Fit,
    fpr_range: tuple[float, float] | None = None,
    kind: CurveKind = "rutter_gatsonis",
    *,
    level: float | None = None,
) -> Interval:
    """Return the mean sensitivity over a range of 1 − specificity: the area there, divided by the width.

    Parameters
    ----------
    fit
        A bivariate fit without covariates.
    fpr_range
        Lower and upper end; the observed range by default.
    kind, level
        As for :func:`auc`.

    Returns
    -------
    Interval
        As :func:`auc`.

    Raises
    ------
    ConvergenceError
        As :func:`curve`; or if all studies share one 1 − specificity and no range is given.
    ValueError
        If the range is empty or not within 0 and 1; or as :func:`auc`.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit, partial_auc
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> print(partial_auc(fit(counts), (0.05, 0.2)))
    0.842 [0.585, 0.953]
    """
    low, high = observed_fpr_range(fit.counts) if fpr_range is None else fpr_range
    if fpr_range is None and low == high:
        raise ConvergenceError(f"every study has the 1 − specificity {low:g}: there is no range to average over")
    if not 0 <= low < high <= 1:
        raise ValueError(f"fpr_range is two increasing numbers between 0 and 1; found ({low:g}, {high:g})")
    level = fit.level if level is None else level
    require_level(level)
    mu, factor = _parameters(fit)
    line = _line(kind, mu, factor)
    area, by_intercept, by_slope = _area(line, low, high)
    # intercept = mu_A + slope · mu_B, so the slope acts on the area directly and through the intercept.
    by_factor = (by_slope + by_intercept * mu[1]) * _slope_gradient(kind, factor)
    gradient = np.array([by_intercept, by_intercept * line[1], *by_factor])
    error = float(np.sqrt(max(gradient @ fit.parameter_cov @ gradient, 0.0)))
    half = student_quantile(min(fit.df), level) * error
    if min(area, 1 - area) < SATURATED:
        # The logit of an area that rounds to 0 or 1 is lost; so is, to the eye, the interval. The sum may round past 1.
        area = min(area, 1.0)
        return Interval(area, max(area - half, 0.0), min(area + half, 1.0), level)
    logit_half = half / (area * (1 - area))
    lower, upper = special.expit(special.logit(area) + np.array([-logit_half, logit_half]))
    return Interval(area, float(lower), float(upper), level)


def youden(fit: Fit, kind: CurveKind = "rutter_gatsonis") -> Youden:
    """Return the point of the curve, within the observed range, with the largest Youden index.

    Parameters
    ----------
    fit
        A bivariate fit without covariates.
    kind
        One of the kinds that the module describes.

    Returns
    -------
    Youden
        The index and its point.

    Raises
    ------
    ConvergenceError, ValueError
        As :func:`curve`.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit, youden
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> best = youden(fit(counts))
    >>> print(f"sensitivity {best.sensitivity:.2f}, specificity {best.specificity:.2f}")
    sensitivity 0.92, specificity 0.84
    """
    line = curve(fit, kind)
    low, high = float(line.fpr[0]), float(line.fpr[-1])
    # The index may have two local maxima, so the grid finds the right one and is then refined around it.
    for _ in range(6):
        fpr = np.linspace(low, high, POINTS)
        best = int(np.argmax(line.at(fpr) - fpr))
        low, high = fpr[max(best - 1, 0)], fpr[min(best + 1, POINTS - 1)]
    sensitivity = float(line.at(fpr[best]))
    return Youden(sensitivity - float(fpr[best]), sensitivity, 1 - float(fpr[best]))


def _parameters(fit: Fit) -> tuple[FloatArray, FloatArray]:
    """Return mu and (l11, l21, l22) of the between-study covariance."""
    if fit.has_covariates:
        raise ValueError("a curve is for fits without covariates; fit the studies of each level on their own")
    (v_a, c), (_, v_b) = fit.between_study_cov
    l11 = np.sqrt(v_a)
    l21 = c / l11 if l11 > 0 else 0.0
    return fit.mu, np.array([l11, l21, np.sqrt(max(v_b - l21**2, 0.0))])


def _line(kind: CurveKind, mu: FloatArray, factor: FloatArray) -> tuple[float, float]:
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}; found {kind!r}")
    l11, l21, l22 = factor
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = float(SLOPES[kind](l11, l21, l22))
    if min(l11, np.hypot(l21, l22)) < NEGLIGIBLE or not np.isfinite(slope):
        which = "summary ROC" if kind == "rutter_gatsonis" else kind
        raise ConvergenceError(
            f"the between-study covariance determines no {which} curve (a variance or the covariance is 0); report the "
            "summary point and its regions instead"
        )
    return float(mu[0] + slope * mu[1]), slope


def _major_axis(l11: float, l21: float, l22: float) -> float:
    difference, c = l11**2 - l21**2 - l22**2, -l11 * l21
    return float(np.divide(difference + np.hypot(difference, 2 * c), 2 * c))


# Each slope as a function of the Cholesky factor, in which the likelihood stays regular at a boundary.
SLOPES: Mapping[CurveKind, Callable[[float, float, float], float]] = MappingProxyType(
    {
        "rutter_gatsonis": lambda l11, l21, l22: float(np.divide(l11, np.hypot(l21, l22))),
        "sensitivity_on_fpr": lambda l11, l21, l22: float(np.divide(-l11 * l21, l21**2 + l22**2)),
        "fpr_on_sensitivity": lambda l11, l21, _: float(np.divide(-l11, l21)),
        "major_axis": _major_axis,
        "moses_littenberg": lambda l11, l21, l22: float(np.divide(l11**2 - l11 * l21, l21**2 + l22**2 - l11 * l21)),
    }
)


def _slope_gradient(kind: CurveKind, factor: FloatArray) -> FloatArray:
    """Return the (3,) gradient of the slope in (l11, l21, l22), by central differences."""
    step = 1e-5 * max(float(np.abs(factor).max()), 1e-3)
    shifts = step * np.eye(3)
    slope = SLOPES[kind]
    return np.array([(slope(*(factor + h)) - slope(*(factor - h))) / (2 * step) for h in shifts])


def _sensitivity(intercept: float, slope: float, fpr: FloatArray) -> FloatArray:
    if not np.all((fpr >= 0) & (fpr <= 1)):
        raise ValueError(f"1 − specificity is between 0 and 1; found {fpr.tolist()}")
    result: FloatArray = special.expit(intercept + slope * special.logit(fpr))
    return result


def _area(line: tuple[float, float], low: float, high: float) -> tuple[float, float, float]:
    """Return the mean height of the curve over (low, high) and its derivatives by intercept and slope."""
    intercept, slope = line
    first, last = np.clip(special.logit([low, high]), -FARTHEST, FARTHEST)
    # With t = logit(fpr), curve and weight turn at one place each, over a width of 1/|slope| and of 1. Panels that
    # double away from these places keep the poles of both far, in panel widths, however steep the curve is.
    edges = [PANELS, PANELS / slope - intercept / slope] if slope else [PANELS]
    panels = np.unique(np.clip(np.concatenate([*edges, [first, last]]), first, last))
    half = np.diff(panels)[:, None] / 2
    t = panels[:-1, None] + half * (1 + NODES)
    weight = half * WEIGHTS * special.expit(t) * special.expit(-t) / (high - low)
    height = weight * special.expit(intercept + slope * t)
    tilt = height * special.expit(-intercept - slope * t)
    return float(height.sum()), float(tilt.sum()), float((t * tilt).sum())
