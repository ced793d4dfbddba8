"""The three-level model: several estimates per study, with cluster-robust inference.

``y_ij = x_ijᵀ β + u_i + w_ij + e_ij`` for estimate j of study i, with ``Var u = σ²_between``, ``Var w = σ²_within`` and
known sampling variances ``Var e_ij = v_ij``. Fitted by REML or ML. The sampling errors of one study are taken
as independent; that is not so when its estimates share patients, which is why inference about β
rests on the cluster-robust (CR2) covariance with Satterthwaite degrees of freedom.

Examples
--------
>>> study = ["a", "a", "b", "b", "c", "c", "d"]
>>> result = fit([0.91, 0.93, 0.88, 0.90, 0.95, 0.93, 0.86], [1e-4] * 7, study)
>>> result
MultilevelFit(reml, 4 studies, 7 estimates: 0.903 [0.849, 0.958]; σ² between 0.00105, within 0.0001041)

References
----------
* Konstantopoulos S. Fixed effects and variance components estimation in three-level meta-analysis.
  Res Synth Methods 2011;2:61–76. doi:10.1002/jrsm.35
* Pustejovsky JE, Tipton E. Small-sample methods for cluster-robust variance estimation and hypothesis testing in
  fixed effects models. J Bus Econ Stat 2018;36:672–683. doi:10.1080/07350015.2016.1247004
* Higgins JPT, Thompson SG. Quantifying heterogeneity in a meta-analysis. Stat Med 2002;21:1539–1558.
  doi:10.1002/sim.1186
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike

from livingreview.errors import TooFewStudies
from livingreview.synthesis.arrays import FloatArray, freeze
from livingreview.synthesis.intervals import Interval, require_level
from livingreview.synthesis.random_effects import Basis, EffectsFit, Test, finite_or_none, orthonormal, validated
from livingreview.synthesis.variance_components import Clustered, cr2, estimate_components

__all__ = ["LevelI2", "MultilevelFit", "fit"]

Method: TypeAlias = Literal["reml", "ml"]


@dataclass(frozen=True)
class LevelI2:
    """Shares of the total variance of a typical estimate: in all, between and within studies.

    Parameters
    ----------
    total, between, within
        Shares, 0 to 1; the last two add up to the first.

    Examples
    --------
    >>> from livingreview.synthesis.multilevel import LevelI2
    >>> LevelI2(total=0.9, between=0.6, within=0.3).to_dict()
    {'total': 0.9, 'between': 0.6, 'within': 0.3}
    """

    total: float
    between: float
    within: float

    def to_dict(self) -> dict[str, float]:
        """Return the three shares."""
        return asdict(self)


@dataclass(frozen=True, eq=False, repr=False)
class MultilevelFit(EffectsFit):
    """A fitted three-level model; make it with :func:`fit`.

    Parameters
    ----------
    method
        As given to :func:`fit`.
    robust_covariance
        (p, p) array, CR2; `covariance` is model-based.
    df
        (p,) array, Satterthwaite degrees of freedom of each coefficient.
    between, within
        Variance components.
    q, q_df
        Weighted residual sum of squares about the fixed-effect line, and n − p.
    i2
        Split by level (Higgins and Thompson 2002).
    boundary
        Variance components estimated as 0, e.g. ``("between = 0",)``.
    notes
        Cautions a reader should see.

    Examples
    --------
    >>> from livingreview.synthesis.multilevel import fit
    >>> study = ["a", "a", "b", "b", "c", "c", "d"]
    >>> result = fit([0.91, 0.93, 0.88, 0.90, 0.95, 0.93, 0.86], [1e-4] * 7, study)
    >>> print(result.k, result.n_estimates, result.prediction_interval())
    4 7 0.903 [0.782, 1.02]
    """

    method: Method
    robust_covariance: FloatArray
    df: FloatArray
    between: float
    within: float
    q: float
    q_df: int
    i2: LevelI2
    boundary: tuple[str, ...]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        freeze(self, "robust_covariance", "df")

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(set(self.study))

    @property
    def n_estimates(self) -> int:
        """Number of estimates."""
        return len(self.effects)

    @property
    def inference(self) -> tuple[FloatArray, Test, ArrayLike]:
        """The cluster-robust covariance, and t on Satterthwaite's degrees of freedom of each coefficient."""
        return self.robust_covariance, "hartung_knapp", self.df

    @property
    def q_p(self) -> float:
        """P value of Q."""
        return float(scipy.stats.chi2.sf(self.q, self.q_df))

    def prediction_interval(self) -> Interval:
        """Return the interval for the true value of a new estimate in a new study.

        t on the Satterthwaite degrees of freedom, times ``√(σ²_between + σ²_within + SE²)`` with the robust SE.

        Raises
        ------
        ValueError
            With moderators, on which the prediction depends.
        """
        if len(self.names) > 1:
            raise ValueError("a model with moderators has no single prediction interval; fit without them")
        spread = math.sqrt(self.between + self.within + float(self.robust_covariance[0, 0]))
        half = float(scipy.stats.t.ppf((1 + self.level) / 2, self.df[0])) * spread
        return Interval.about(float(self.coefficients[0]), half, self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types."""
        rows = zip(self.names, self.intervals, self.standard_errors, self.df, self.p_values, strict=True)
        convention = {"convention": "satterthwaite", "quantile": "t", "df": float(self.df[0])}
        prediction = {**self.prediction_interval().to_dict(), **convention} if len(self.names) == 1 else None
        return {
            "model": "three-level",
            "method": self.method,
            "k": self.k,
            "n_estimates": self.n_estimates,
            "coefficients": {
                name: {**interval.to_dict(), "se": float(se), "df": float(df), "p": finite_or_none(p)}
                for name, interval, se, df, p in rows
            },
            "between": self.between,
            "within": self.within,
            "i2": self.i2.to_dict(),
            "q": {"statistic": self.q, "df": self.q_df, "p": self.q_p},
            "log_likelihood": self.log_likelihood,
            "prediction_interval": prediction,
            "boundary": list(self.boundary),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        return (
            f"MultilevelFit({self.method}, {self.k} studies, {self.n_estimates} estimates: {self.headline}; "
            f"σ² between {self.between:.4g}, within {self.within:.4g})"
        )


def fit(
    effects: ArrayLike,
    variances: ArrayLike,
    study: Iterable[object],
    *,
    method: Method = "reml",
    moderators: ArrayLike | None = None,
    moderator_names: Sequence[str] | None = None,
    level: float = 0.95,
) -> MultilevelFit:
    """Fit the three-level model (Konstantopoulos 2011) by restricted or full maximum likelihood.

    Inference is by the CR2 covariance and Satterthwaite's degrees of freedom (Pustejovsky and Tipton 2018).

    Parameters
    ----------
    effects, variances
        (n,) arrays: estimates and their sampling variances (squared standard errors; SD²/n for a mean).
    study
        n labels; estimates with the same label belong to one study.
    method
        ``"reml"`` or ``"ml"``.
    moderators, moderator_names
        (n, m) numeric array of covariates (an intercept is added) and its column names.
    level
        Coverage of every interval.

    Returns
    -------
    MultilevelFit
        Coefficients with robust intervals, and both variance components.

    Raises
    ------
    DataError
        For effects, variances or moderators that cannot be used.
    TooFewStudies
        With fewer than two studies, no study with two estimates (the levels cannot be told apart: use
        :func:`livingreview.synthesis.univariate.fit`), or no more studies than coefficients.
    ConvergenceError
        When no maximum of the likelihood is found.
    ValueError
        For a level outside (0, 1) or an unknown method.

    Examples
    --------
    >>> from livingreview.synthesis.multilevel import fit
    >>> study = ["a", "a", "b", "b", "c", "c", "d"]
    >>> print(fit([0.91, 0.93, 0.88, 0.90, 0.95, 0.93, 0.86], [1e-4] * 7, study).estimate)
    0.903 [0.849, 0.958]
    """
    if method not in ("reml", "ml"):
        raise ValueError(f"method is reml or ml; found {method!r}")
    require_level(level)
    y, v, x, names, labels = validated(effects, variances, moderators, moderator_names, study)
    _, cluster = np.unique(np.asarray(labels), return_inverse=True)
    k, p = int(cluster.max()) + 1, x.shape[1]
    if k == len(y):
        raise TooFewStudies("every study has one estimate, so the levels cannot be told apart; use univariate.fit")
    if k <= p:
        raise TooFewStudies(f"a three-level model with {p} coefficient(s) needs more than {p} studies, found {k}")
    basis = orthonormal(y, v, x)
    data = Clustered(basis.problem.effects, v, basis.problem.design, cluster)
    components = estimate_components(data, method)
    given = {"level": level, "study": labels, "effects": y, "design": x, "names": names}
    return _result(basis, data, method, components, **given)


def _result(
    basis: Basis, data: Clustered, method: Method, components: tuple[float, float], **given: Any
) -> MultilevelFit:
    """Return the fit at the estimated components; `given` are fields that need no computing."""
    between, within = components
    n, p = data.design.shape
    solution, (robust, df) = data.solve(between, within), cr2(data, between, within, basis.back)
    fixed = basis.problem.moments(np.zeros(1))
    total = between + within + (n - p) / float(fixed.trace_p[0])
    return MultilevelFit(
        **given,
        method=method,
        variances=data.variances,
        coefficients=basis.start + basis.back @ solution.coefficients,
        covariance=basis.back @ solution.covariance @ basis.back.T,
        robust_covariance=robust,
        df=df,
        between=between,
        within=within,
        q=float(fixed.q[0]),
        q_df=n - p,
        i2=LevelI2((between + within) / total, between / total, within / total),
        log_likelihood=solution.restricted_log_likelihood if method == "reml" else solution.log_likelihood,
        boundary=tuple(f"{name} = 0" for name, value in (("between", between), ("within", within)) if value == 0),
        notes=_notes(given["names"], df),
    )


def _notes(names: tuple[str, ...], df: FloatArray) -> tuple[str, ...]:
    # Tipton 2015 (doi:10.1037/met0000011): below four the t approximation itself is poor.
    few = [f"{name} ({value:.1f})" for name, value in zip(names, df, strict=True) if value < 4]
    if not few:
        return ()
    return (f"fewer than 4 degrees of freedom, intervals are unreliable: {', '.join(few)}",)
