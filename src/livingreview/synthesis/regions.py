"""Confidence and prediction regions around the summary point of a bivariate fit.

Both are ellipses on the logit plane,

    (x − mu)ᵀ V⁻¹ (x − mu) ≤ q,

with V the covariance of the mean (confidence: where the mean lies) or that plus the between-study covariance
(prediction: where a new study's true pair lies).

References
----------
Harbord RM, Whiting P (2009) metandi, doi 10.1177/1536867X0900900203. Reitsma JB et al. (2005)
doi 10.1016/j.jclinepi.2005.02.022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from livingreview.errors import TooFewStudies
from livingreview.synthesis.arrays import BoolArray, FloatArray, freeze
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.intervals import require_level

__all__ = ["Fit", "Means", "Quantile", "Region", "confidence_region", "prediction_region"]

Quantile = Literal["f", "chi2"]
POINTS = 201


class Means(Protocol):
    """What a region reads of a bivariate fit, or of its estimate at one level of a covariate.

    ``mu`` (2,) logit sensitivity and logit specificity; ``mu_cov`` (2, 2); ``between_study_cov`` (2, 2);
    ``prediction_df`` of both means.
    """

    @property
    def mu(self) -> FloatArray: ...  # noqa: D102
    @property
    def mu_cov(self) -> FloatArray: ...  # noqa: D102
    @property
    def between_study_cov(self) -> FloatArray: ...  # noqa: D102
    @property
    def prediction_df(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def level(self) -> float: ...  # noqa: D102


class Fit(Means, Protocol):
    """What a curve reads of a bivariate fit, which must be without covariates.

    ``df`` of the interval of an area; ``parameter_cov`` (5, 5) of (mu, l11, l21, l22), the lower Cholesky factor of
    `between_study_cov`, with zeros where a parameter is fixed.
    """

    @property
    def df(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def parameter_cov(self) -> FloatArray: ...  # noqa: D102
    @property
    def counts(self) -> Counts: ...  # noqa: D102
    @property
    def has_covariates(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Region:
    """An ellipse on the logit plane.

    Parameters
    ----------
    kind
        ``"confidence"`` or ``"prediction"``.
    level
        Coverage.
    centre
        (2,) logit sensitivity and logit specificity.
    cov
        (2, 2) covariance that shapes it.
    radius2
        The squared Mahalanobis distance of its boundary.
    """

    kind: Literal["confidence", "prediction"]
    level: float
    centre: FloatArray
    cov: FloatArray
    radius2: float

    def __post_init__(self) -> None:
        freeze(self, "centre", "cov")

    @property
    def logit(self) -> FloatArray:
        """(201, 2) boundary points, logit sensitivity and logit specificity; the last is the first."""
        angle = np.linspace(0.0, 2 * np.pi, POINTS)
        # By eigenvalues, because a Cholesky factor does not exist where the covariance is singular.
        values, vectors = np.linalg.eigh(self.cov)
        axes = vectors * np.sqrt(np.maximum(values, 0.0) * self.radius2)
        points: FloatArray = self.centre + np.stack([np.cos(angle), np.sin(angle)], axis=1) @ axes.T
        return points

    @property
    def roc(self) -> FloatArray:
        """(201, 2) boundary points on the ROC plane: 1 − specificity, sensitivity."""
        logit = self.logit
        return np.stack([special.expit(-logit[:, 1]), special.expit(logit[:, 0])], axis=1)

    def contains(self, points: ArrayLike) -> BoolArray:
        """Return (n,) whether each of the (n, 2) points, logit sensitivity and logit specificity, lies inside."""
        apart = np.atleast_2d(np.asarray(points, dtype=np.float64)) - self.centre
        distance2 = np.einsum("ij,jk,ik->i", apart, np.linalg.pinv(self.cov), apart)
        inside: BoolArray = distance2 <= self.radius2
        return inside

    def to_dict(self) -> dict[str, Any]:
        """Return kind, level and the boundary on the ROC plane as plain JSON types."""
        return {"kind": self.kind, "level": self.level, "roc": self.roc.tolist()}


def confidence_region(fit: Means, level: float | None = None, *, quantile: Quantile = "f") -> Region:
    """Return the region in which the mean pair lies.

    Parameters
    ----------
    fit
        A bivariate fit, or one of its `levels`.
    level
        Coverage; that of the fit by default.
    quantile
        ``"f"``: q = 2 F(2, d), d the smaller `prediction_df` of the fit (k − 2 of k studies with both arms and without
        covariates), as Stata's metandi and Cochrane's RevMan draw it; ``"chi2"``: q = χ²(2), as R's mada draws it,
        smaller with few studies.

    Returns
    -------
    Region
        The ellipse.

    Raises
    ------
    TooFewStudies
        With ``"f"`` and no degree of freedom, as of two studies.
    ValueError
        If the level is not between 0 and 1, or `quantile` none of these names.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, confidence_region, fit
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> result = fit(counts)
    >>> confidence_region(result).contains([result.mu]).tolist()
    [True]
    """
    return _region("confidence", fit, fit.mu_cov, level, quantile)


def prediction_region(fit: Means, level: float | None = None, *, quantile: Quantile = "f") -> Region:
    """Return the region in which the true pair of a new study lies; parameters as :func:`confidence_region`.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, confidence_region, fit, prediction_region
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> result = fit(counts)
    >>> bool(prediction_region(result).contains(confidence_region(result).logit).all())
    True
    """
    return _region("prediction", fit, fit.mu_cov + fit.between_study_cov, level, quantile)


def _region(
    kind: Literal["confidence", "prediction"], fit: Means, cov: FloatArray, level: float | None, quantile: Quantile
) -> Region:
    level = fit.level if level is None else level
    require_level(level)
    df = min(fit.prediction_df)
    if quantile == "chi2":
        radius2 = float(special.chdtri(2, 1 - level))
    elif quantile == "f":
        if df < 1:
            raise TooFewStudies(
                "a region by 2 F(2, d) needs in each arm two studies more than a mean has coefficients; "
                "quantile='chi2' needs no more studies"
            )
        radius2 = 2 * float(special.fdtri(2, df, level))
    else:
        raise ValueError(f"quantile is 'f' or 'chi2'; found {quantile!r}")
    return Region(kind, level, fit.mu, cov, radius2)
