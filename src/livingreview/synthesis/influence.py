"""Which studies carry a result: deletion diagnostics of univariate and bivariate fits.

Every diagnostic compares the fit with the one without study i, the between-study variance estimated anew; all
deletions are one batched pass.

Examples
--------
>>> from livingreview.synthesis.univariate import fit
>>> result = fit([0.2, 0.5, 0.4, 1.9], [0.04, 0.02, 0.05, 0.03], method="dl", test="z", study="ABCD")
>>> influence(result).cook_distance.round(2).tolist()
[0.21, 0.05, 0.08, 0.81]

References
----------
* Viechtbauer W, Cheung MWL. Outlier and influence diagnostics for meta-analysis. Res Synth Methods
  2010;1:112–125. doi:10.1002/jrsm.11
* Cook RD. Detection of influential observation in linear regression. Technometrics 1977;19:15–18.
  doi:10.1080/00401706.1977.10489493
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from scipy import special

from livingreview.errors import TooFewStudies
from livingreview.synthesis.arrays import BoolArray, FloatArray, freeze
from livingreview.synthesis.batch import fit_many
from livingreview.synthesis.fit_result import BivariateFit
from livingreview.synthesis.random_effects import finite_or_none, full_rank, orthonormal, solve
from livingreview.synthesis.summary import student_quantile
from livingreview.synthesis.univariate import UnivariateFit

__all__ = ["BivariateInfluence", "Influence", "influence", "leave_one_out"]


@dataclass(frozen=True, eq=False)
class Influence:
    """Deletion diagnostics of a univariate fit (Viechtbauer and Cheung 2010); (k,) arrays unless stated.

    Parameters
    ----------
    study
        k labels.
    residual, standardized
        Residuals and the internally studentised ones (the study itself in the fit).
    studentized
        Externally studentised residuals: the study against the fit without it. Beyond ±1.96 for one study in
        twenty when none is an outlier. Hartung and Knapp's factor scales the study's own variance too, as metafor does:
        the residual is then the statistic of the model in which this study's mean is shifted.
    hat
        Leverages, summing to the number of coefficients.
    cook_distance
        ``(b − b₍ᵢ₎)ᵀ Var(b)⁻¹ (b − b₍ᵢ₎)``, to be compared with χ² on p degrees of freedom; not divided by p.
    dffits
        Change of the study's own fitted value, in standard errors.
    dfbetas
        (k, p) change of each coefficient, in standard errors.
    covariance_ratio
        Determinant of the coefficients' covariance without the study, over the one with it; above 1 the
        study adds precision.
    tau2_deleted, q_deleted
        Heterogeneity without the study.

    Examples
    --------
    >>> from livingreview.synthesis.influence import influence
    >>> from livingreview.synthesis.univariate import fit
    >>> found = influence(fit([0.2, 0.5, 0.4, 1.9], [0.04, 0.02, 0.05, 0.03], study="ABCD"))
    >>> found.influential(), found.hat.sum().round(6).item()
    (('D',), 1.0)
    """

    study: tuple[str, ...]
    residual: FloatArray
    standardized: FloatArray
    studentized: FloatArray
    hat: FloatArray
    cook_distance: FloatArray
    dffits: FloatArray
    dfbetas: FloatArray
    covariance_ratio: FloatArray
    tau2_deleted: FloatArray
    q_deleted: FloatArray

    def __post_init__(self) -> None:
        freeze(self, *self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the numeric columns."""
        return tuple(name for name in self.__dataclass_fields__ if name != "study")

    def influential(self) -> tuple[str, ...]:
        """Return the studies past a customary mark (Viechtbauer and Cheung 2010).

        That is Cook's distance past the median of χ², or a DFBETAS beyond ±1.
        """
        mark = scipy.stats.chi2.ppf(0.5, self.dfbetas.shape[1])
        past = (self.cook_distance > mark) | np.any(np.abs(self.dfbetas) > 1, axis=1)
        return tuple(label for label, is_past in zip(self.study, past, strict=True) if is_past)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one plain mapping per study."""
        return [
            {"study": label, **{name: getattr(self, name)[i].tolist() for name in self.columns}}
            for i, label in enumerate(self.study)
        ]


@dataclass(frozen=True, eq=False, repr=False)
class BivariateInfluence:
    """A bivariate fit without each study in turn; rows without a fit are NaN and say why.

    Parameters
    ----------
    study
        k labels.
    mu, mu_cov, between_study_cov
        (k, 2), (k, 2, 2) and (k, 2, 2) arrays without study i.
    sensitivity, specificity
        (k, 3) arrays: estimate, lower, upper, Wald on the logit scale with the fit's kind of quantile.
    cook_distance
        (k,) ``(μ − μ₍ᵢ₎)ᵀ Var(μ)⁻¹ (μ − μ₍ᵢ₎)`` (Cook 1977), on the scale of χ² with 2 degrees of freedom.
    structure
        Covariance structure of all the fits.
    failure
        k messages, empty where the fit converged.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit, leave_one_out
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 31, 70], fp=[10, 4, 6, 9], fn=[5, 20, 9, 7], tn=[90, 40, 52, 81])
    >>> leave_one_out(fit(counts)).converged.tolist()
    [True, True, True, True]
    """

    study: tuple[str, ...]
    mu: FloatArray
    mu_cov: FloatArray
    between_study_cov: FloatArray
    sensitivity: FloatArray
    specificity: FloatArray
    cook_distance: FloatArray
    structure: str
    failure: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self, "mu", "mu_cov", "between_study_cov", "sensitivity", "specificity", "cook_distance")

    @property
    def converged(self) -> BoolArray:
        """(k,) whether there is a fit without the study."""
        return np.array([not message for message in self.failure], dtype=bool)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one plain mapping per study left out; what has no fit is None."""
        rows = []
        for i, label in enumerate(self.study):
            row: dict[str, Any] = {"study": label, "failure": self.failure[i] or None}
            for name in ("sensitivity", "specificity"):
                estimate, lower, upper = (finite_or_none(value) for value in getattr(self, name)[i])
                row[name] = {"estimate": estimate, "ci": [lower, upper]}
            row["cook_distance"] = finite_or_none(self.cook_distance[i])
            rows.append(row)
        return rows

    def __repr__(self) -> str:
        if not self.converged.any():
            return f"BivariateInfluence(k={len(self.study)}, no fit converged)"
        top = int(np.nanargmax(self.cook_distance))
        return (
            f"BivariateInfluence(k={len(self.study)}, converged={int(self.converged.sum())}; "
            f"largest Cook's distance {self.cook_distance[top]:.3g} for {self.study[top]})"
        )


def influence(result: UnivariateFit) -> Influence:
    """Return the deletion diagnostics of a univariate fit or meta-regression.

    Parameters
    ----------
    result
        The fit of at least p + 2 studies, so that a deletion leaves a residual degree of freedom.

    Returns
    -------
    Influence
        One entry per study.

    Raises
    ------
    TooFewStudies
        With too few studies, or when a coefficient rests on one study alone (it is named).

    Examples
    --------
    >>> from livingreview.synthesis.influence import influence
    >>> from livingreview.synthesis.univariate import fit
    >>> result = fit([0.2, 0.5, 0.4, 1.9], [0.04, 0.02, 0.05, 0.03], method="dl", test="z")
    >>> influence(result).studentized.round(2).tolist()
    [-0.75, -0.3, -0.46, 7.45]
    """
    k, p = result.design.shape
    if k < p + 2:
        raise TooFewStudies(f"deletion diagnostics of {p} coefficient(s) need at least {p + 2} studies, found {k}")
    _require_estimable(result)
    keep = ~np.eye(k, dtype=bool)
    x, y, v = result.design, result.effects, result.variances
    without = solve(orthonormal(y, v, x, keep), result.method, result.test)
    weights = 1 / (v + result.tau2)
    plain = result.covariance / result.scale  # (XᵀWX)⁻¹, before Hartung and Knapp's factor
    leverage = np.einsum("kp,pq,kq->k", x, plain, x)
    residual = y - x @ result.coefficients
    residual_variance = (1 / weights) - leverage  # of (I − H) V (I − H)ᵀ
    change = result.coefficients - without.coefficients
    gap = y - np.einsum("kp,kp->k", x, without.coefficients)
    gap_variance = without.scale * (v + without.tau2) + np.einsum("kp,kpq,kq->k", x, without.covariance, x)
    # DFBETAS and DFFITS scale with the τ² of the deletion but all studies, as metafor does.
    everyone = orthonormal(y, v, x, np.ones((k, k), dtype=bool))
    all_at_deleted = (
        everyone.back @ everyone.problem.moments(without.tau2).precision_inverse @ everyone.back.T
    ) * without.scale[:, None, None]
    fitted_change = np.einsum("kp,kp->k", x, change)
    return Influence(
        study=result.study,
        residual=residual,
        standardized=residual / np.sqrt(residual_variance),
        studentized=gap / np.sqrt(gap_variance),
        hat=leverage * weights,
        cook_distance=_distance(change, result.covariance),
        dffits=fitted_change / np.sqrt(without.scale * leverage * weights * (without.tau2 + v)),
        dfbetas=change / np.sqrt(np.diagonal(all_at_deleted, axis1=1, axis2=2)),
        covariance_ratio=np.linalg.det(without.covariance) / np.linalg.det(result.covariance),
        tau2_deleted=without.tau2,
        q_deleted=without.q,
    )


def leave_one_out(result: BivariateFit, *, executor: Executor | None = None) -> BivariateInfluence:
    """Refit a bivariate model without each study in turn.

    Parameters
    ----------
    result
        A fit without covariates. The refits use its model, method, correction (``all_if_any`` decided anew) and
        *structure*, so that a change is the study's and not the structure's.
    executor
        See :func:`livingreview.synthesis.batch.fit_many`.

    Returns
    -------
    BivariateInfluence
        The pooled estimates without each study.

    Raises
    ------
    TypeError, ValueError
        If `result` is no bivariate fit, or one with covariates.
    TooFewStudies
        For a single study.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit, leave_one_out
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> without = leave_one_out(fit(counts))
    >>> without.sensitivity[:, 0].round(3).tolist()
    [0.88, 0.908, 0.89, 0.827, 0.897]
    """
    if not isinstance(result, BivariateFit):
        raise TypeError(f"give a bivariate fit, as livingreview.synthesis.fit returns; found {type(result).__name__}")
    if len(result.coefficients) > 2:
        raise ValueError("leave-one-out is defined for fits without covariates; fit the levels one by one")
    if result.k < 2:
        raise TooFewStudies("leave-one-out needs at least two studies, found 1")
    counts = result.counts
    fits = fit_many(
        [counts.subset(np.arange(counts.k) != i) for i in range(counts.k)],
        model=result.model,
        method=result.method,
        structure=result.structure,
        correction=result.correction,
        executor=executor,
    )
    # A study less is a degree of freedom less, in each arm that it has.
    left = np.array(result.df) - np.stack([counts.n_diseased > 0, counts.n_nondiseased > 0], axis=1)
    quantiles = np.array([[student_quantile(df, result.level) for df in row] for row in left.tolist()])
    half = quantiles * np.sqrt(np.diagonal(fits.mu_cov, axis1=1, axis2=2))
    limits = special.expit(np.stack([fits.mu, fits.mu - half, fits.mu + half], axis=2))
    return BivariateInfluence(
        study=counts.study,
        mu=fits.mu,
        mu_cov=fits.mu_cov,
        between_study_cov=fits.between_study_cov,
        sensitivity=limits[:, 0],
        specificity=limits[:, 1],
        cook_distance=_distance(result.mu - fits.mu, result.mu_cov),
        structure=result.structure,
        failure=fits.failure,
    )


def _distance(change: FloatArray, cov: FloatArray) -> FloatArray:
    """Return the squared length of each of (k, p) changes in terms of a (p, p) covariance."""
    distance: FloatArray = np.einsum("kp,pq,kq->k", change, np.linalg.inv(cov), change)
    return distance


def _require_estimable(result: UnivariateFit) -> None:
    """Raise when the design loses rank without some study."""
    alone = [
        label
        for i, label in enumerate(result.study)
        if len(result.names) > 1 and not full_rank(np.delete(result.design, i, axis=0))
    ]
    if alone:
        raise TooFewStudies(f"without {', '.join(alone)} a coefficient cannot be estimated: no deletion there")
