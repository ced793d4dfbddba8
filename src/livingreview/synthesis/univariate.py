"""Univariate meta-analysis: one effect per study, pooled by inverse variance.

Fixed-effect and random-effects models (DerSimonian–Laird, Paule–Mandel, REML, ML), meta-regression,
Hartung–Knapp intervals with and without the safeguard, heterogeneity with the Q-profile interval, prediction
intervals.

Examples
--------
>>> import numpy as np
>>> dice = np.array([0.91, 0.88, 0.94, 0.90])
>>> result = fit(dice, np.array([0.08, 0.10, 0.05, 0.07]) ** 2 / 50, method="dl", test="z")
>>> result
UnivariateFit(dl, z, k=4: 0.909 [0.883, 0.935]; τ²=0.0006043, I²=85.5%, Q=20.71 on 3 df)

References
----------
* Viechtbauer W. Conducting meta-analyses in R with the metafor package. J Stat Softw 2010;36(3).
  doi:10.18637/jss.v036.i03
* Hartung J, Knapp G. A refined method for the meta-analysis of controlled clinical trials with binary
  outcome. Stat Med 2001;20:3875–3889. doi:10.1002/sim.1009
* Röver C, Knapp G, Friede T. Hartung-Knapp-Sidik-Jonkman approach and its modification for random-effects
  meta-analysis with few studies. BMC Med Res Methodol 2015;15:99. doi:10.1186/s12874-015-0091-1
* Higgins JPT, Thompson SG, Spiegelhalter DJ. A re-evaluation of random-effects meta-analysis.
  J R Stat Soc A 2009;172:137–159. doi:10.1111/j.1467-985X.2008.00552.x
* Riley RD, Higgins JPT, Deeks JJ. Interpretation of random effects meta-analyses. BMJ 2011;342:d549.
  doi:10.1136/bmj.d549
* Higgins JPT, Thompson SG. Quantifying heterogeneity in a meta-analysis. Stat Med 2002;21:1539–1558.
  doi:10.1002/sim.1186
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike

from livingreview.errors import TooFewStudies
from livingreview.synthesis.arrays import FloatArray
from livingreview.synthesis.between_study_variance import Method, q_root, standard_error
from livingreview.synthesis.intervals import Interval, require_level
from livingreview.synthesis.random_effects import (
    Basis,
    EffectsFit,
    Test,
    finite_or_none,
    orthonormal,
    quantile,
    solve,
    validated,
)

__all__ = ["Convention", "Method", "Test", "UnivariateFit", "fit"]

Convention: TypeAlias = Literal["higgins", "riley", "normal"]


@dataclass(frozen=True, eq=False, repr=False)
class UnivariateFit(EffectsFit):
    """A fitted univariate model; make it with :func:`fit`.

    Parameters
    ----------
    method, test
        As given to :func:`fit`.
    tau2, tau2_se
        Between-study variance and its asymptotic standard error (NaN for the fixed-effect model).
    q, df
        Cochran's Q about the fixed-effect line and its degrees of freedom, k − p.
    i2, h2
        I² (a proportion) and H², from τ² and the typical sampling variance (Higgins and Thompson 2002); from Q for the
        fixed-effect model.
    scale
        Hartung and Knapp's factor on the covariance; 1 for the z test.
    r_squared
        Share of τ² that the moderators explain, truncated at 0; NaN without moderators or with τ² = 0.

    Examples
    --------
    >>> from livingreview.synthesis.univariate import fit
    >>> effects, variances = [0.91, 0.88, 0.94, 0.90], [1e-4, 2e-4, 5e-5, 1e-4]
    >>> result = fit(effects, variances)
    >>> print(result.estimate, result.prediction_interval())
    0.909 [0.869, 0.949] 0.909 [0.797, 1.02]
    >>> sorted(result.to_dict())[:3]
    ['coefficients', 'h2', 'i2']
    """

    method: Method
    test: Test
    tau2: float
    tau2_se: float
    q: float
    df: int
    i2: float
    h2: float
    scale: float
    r_squared: float

    @property
    def k(self) -> int:
        """Number of studies."""
        return len(self.effects)

    @property
    def inference(self) -> tuple[FloatArray, Test, ArrayLike]:
        """Covariance, test and k − p degrees of freedom."""
        return self.covariance, self.test, self.df

    @property
    def q_p(self) -> float:
        """P value of Q; NaN without residual degrees of freedom."""
        return float(scipy.stats.chi2.sf(self.q, self.df)) if self.df else math.nan

    @property
    def weights(self) -> FloatArray:
        """(k,) share of each study in the pooled effect, summing to 1."""
        w = 1.0 / (self.variances + self.tau2)
        return np.asarray(w / w.sum())

    def moderator_test(self) -> tuple[float, float]:
        """Return the omnibus test of all coefficients but the intercept: statistic and P value.

        χ² on p − 1 degrees of freedom for the z test, F on (p − 1, k − p) for Hartung–Knapp.

        Raises
        ------
        ValueError
            When the model has no moderators.
        """
        m = len(self.names) - 1
        if m == 0:
            raise ValueError("the model has no moderators to test; give `moderators=` to fit()")
        b = self.coefficients[1:]
        wald = float(b @ np.linalg.solve(self.covariance[1:, 1:], b))
        if self.test == "z":
            return wald, float(scipy.stats.chi2.sf(wald, m))
        return wald / m, float(scipy.stats.f.sf(wald / m, m, self.df))

    def tau2_interval(self) -> Interval:
        """Return τ² with its Q-profile interval; both limits are 0 where Q(0) is below the lower quantile.

        The interval is that of the residual heterogeneity and does not depend on the estimator of τ².
        """
        self._require_df()
        tail = (1 - self.level) / 2
        both = np.ones((2, self.k), dtype=bool)
        problem = orthonormal(self.effects, self.variances, self.design, both).problem
        lower, upper = q_root(problem, np.asarray(scipy.stats.chi2.ppf([1 - tail, tail], self.df)))
        return Interval(self.tau2, float(lower), float(upper), self.level)

    def i2_interval(self) -> Interval:
        """Return I² with the limits that follow from those of :meth:`tau2_interval`."""
        tau2 = self.tau2_interval()
        problem = orthonormal(self.effects, self.variances, self.design).problem
        typical = self.df / float(problem.moments(np.zeros(1)).trace_p[0])
        lower, upper = (bound / (bound + typical) for bound in (tau2.lower, tau2.upper))
        return Interval(self.i2, lower, upper, self.level)

    def prediction_interval(self, convention: Convention = "higgins") -> Interval:
        """Return the interval in which the true effect of a new study is expected.

        Parameters
        ----------
        convention
            ``"higgins"``: t on k − 2 degrees of freedom (Higgins 2009, Riley 2011); ``"riley"``: t on k − 1;
            ``"normal"``: z. Each multiplies ``√(τ² + SE²)``, with the standard error of the fit's own test.

        Raises
        ------
        TooFewStudies
            When the convention leaves no degrees of freedom.
        ValueError
            For a meta-regression, whose prediction depends on the moderators; for an unknown convention.
        """
        if len(self.names) > 1:
            raise ValueError("a meta-regression has no single prediction interval; fit without moderators")
        lost = {"higgins": 2, "riley": 1, "normal": 0}
        if convention not in lost:
            raise ValueError(f"convention is one of {', '.join(lost)}; found {convention!r}")
        df = self.k - lost[convention]
        if df < 1:
            raise TooFewStudies(f"the {convention} prediction interval needs more than {self.k} studies")
        spread = math.sqrt(self.tau2 + float(self.covariance[0, 0]))
        half = float(quantile("z" if convention == "normal" else "hartung_knapp", df, self.level)) * spread
        return Interval.about(float(self.coefficients[0]), half, self.level)

    def empirical_bayes(self) -> tuple[FloatArray, FloatArray]:
        """Return the (k,) shrunken study effects and their standard errors."""
        share = self.tau2 / (self.tau2 + self.variances)
        line = self.design @ self.coefficients
        line_variance = np.einsum("kp,pq,kq->k", self.design, self.covariance, self.design)
        shrunken = share * self.effects + (1 - share) * line
        return shrunken, np.sqrt(share * self.variances + (1 - share) ** 2 * line_variance)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON types; what does not exist is null.

        The prediction interval names its convention and the degrees of freedom of its t.
        """
        rows = zip(self.names, self.intervals, self.standard_errors, self.p_values, strict=True)
        predicts = len(self.names) == 1 and self.k > 2 and self.method != "fixed"
        convention = {"convention": "higgins", "quantile": "t", "df": self.k - 2}
        prediction = {**self.prediction_interval().to_dict(), **convention} if predicts else None
        return {
            "method": self.method,
            "test": self.test,
            "k": self.k,
            "coefficients": {
                name: {**interval.to_dict(), "se": finite_or_none(se), "p": finite_or_none(p)}
                for name, interval, se, p in rows
            },
            "tau2": {**self.tau2_interval().to_dict(), "se": finite_or_none(self.tau2_se)} if self.df else None,
            "q": {"statistic": self.q, "df": self.df, "p": finite_or_none(self.q_p)},
            "i2": self.i2,
            "h2": self.h2,
            "log_likelihood": self.log_likelihood,
            "r_squared": finite_or_none(self.r_squared),
            "prediction_interval": prediction,
        }

    def _require_df(self) -> None:
        if self.df == 0:
            raise TooFewStudies(f"heterogeneity cannot be estimated: {self.k} studies, no degrees of freedom")

    def __repr__(self) -> str:
        return (
            f"UnivariateFit({self.method}, {self.test}, k={self.k}: {self.headline}; "
            f"τ²={self.tau2:.4g}, I²={self.i2:.1%}, Q={self.q:.4g} on {self.df} df)"
        )


def fit(
    effects: ArrayLike,
    variances: ArrayLike,
    *,
    method: Method = "reml",
    test: Test | None = None,
    moderators: ArrayLike | None = None,
    moderator_names: Sequence[str] | None = None,
    study: Iterable[object] | None = None,
    level: float = 0.95,
) -> UnivariateFit:
    """Pool one effect per study by inverse variance.

    Parameters
    ----------
    effects, variances
        (k,) arrays: the estimates and their sampling variances (squared standard errors).
    method
        ``"fixed"``, ``"dl"`` (DerSimonian–Laird), ``"pm"`` (Paule–Mandel), ``"reml"`` or ``"ml"``; as R's
        metafor computes them (Viechtbauer 2010).
    test
        ``"z"``, ``"hartung_knapp"`` (Hartung and Knapp 2001) or ``"hartung_knapp_safeguarded"``, whose variance factor
        is at least 1 (Röver 2015). Left out: z for the fixed-effect model, Hartung–Knapp for every other.
    moderators, moderator_names
        (k, m) numeric array of study-level covariates (an intercept is added) and its column names.
    study
        k labels; the row numbers when left out.
    level
        Coverage of every interval.

    Returns
    -------
    UnivariateFit
        The pooled effect, or the coefficients of a meta-regression, with heterogeneity.

    Raises
    ------
    DataError
        For effects, variances or moderators that cannot be used.
    TooFewStudies
        When no degrees of freedom are left for τ² (random effects need at least p + 1 studies).
    ConvergenceError
        When the estimator of τ² does not settle.
    ValueError
        For a level outside (0, 1), or an unknown method or test.

    Examples
    --------
    >>> from livingreview.synthesis.univariate import fit
    >>> effects, variances = [0.91, 0.88, 0.94, 0.90], [1e-4, 2e-4, 5e-5, 1e-4]
    >>> print(fit(effects, variances).estimate)
    0.909 [0.869, 0.949]
    >>> year = fit(effects, variances, moderators=[[2017], [2019], [2021], [2023]], moderator_names=["year"])
    >>> [f"{name} {interval}" for name, interval in zip(year.names, year.intervals)][1]
    'year 0.00145 [-0.0276, 0.0305]'
    """
    chosen = _checked_options(method, test, level)
    y, v, x, names, labels = validated(effects, variances, moderators, moderator_names, study)
    needed = x.shape[1] + (0 if method == "fixed" and chosen == "z" else 1)
    if len(y) < needed:
        raise TooFewStudies(
            f"{method} with {x.shape[1]} coefficient(s) needs at least {needed} studies, found {len(y)}; "
            "describe the studies one by one instead"
        )
    given = {"level": level, "study": labels, "effects": y, "variances": v, "design": x, "names": names}
    return _result(orthonormal(y, v, x), method, chosen, **given)


def _result(basis: Basis, method: Method, test: Test, **given: Any) -> UnivariateFit:
    """Return the fit; `given` are fields that need no computing."""
    s = solve(basis, method, test)
    return UnivariateFit(
        **given,
        method=method,
        test=test,
        coefficients=s.coefficients[0],
        covariance=s.covariance[0],
        tau2=float(s.tau2[0]),
        tau2_se=float(standard_error(basis.problem, method, s.tau2)[0]),
        q=float(s.q[0]),
        df=int(s.df[0]),
        i2=float(s.i2[0]),
        h2=float(s.h2[0]),
        scale=float(s.scale[0]),
        log_likelihood=float(s.log_likelihood[0]),
        r_squared=_explained(given["effects"], given["variances"], method, float(s.tau2[0]))
        if len(given["names"]) > 1
        else math.nan,
    )


def _checked_options(method: Method, test: Test | None, level: float) -> Test:
    if method not in ("fixed", "dl", "pm", "reml", "ml"):
        raise ValueError(f"method is one of fixed, dl, pm, reml, ml; found {method!r}")
    chosen: Test = test or ("z" if method == "fixed" else "hartung_knapp")
    if chosen not in ("z", "hartung_knapp", "hartung_knapp_safeguarded"):
        raise ValueError(f"test is one of z, hartung_knapp, hartung_knapp_safeguarded; found {chosen!r}")
    require_level(level)
    return chosen


def _explained(effects: FloatArray, variances: FloatArray, method: Method, tau2: float) -> float:
    """Return the share of τ² of the model without moderators that is gone with them."""
    alone = orthonormal(effects, variances, np.ones((len(effects), 1)))
    total = float(solve(alone, method, "z").tau2[0])
    return max(0.0, 1 - tau2 / total) if total > 0 else math.nan
