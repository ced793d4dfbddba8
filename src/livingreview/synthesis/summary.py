"""What follows from the estimates of a bivariate model: ratios, HSROC parameters, I², prediction intervals.

References
----------
Harbord RM et al. (2007) doi 10.1093/biostatistics/kxl004 (HSROC parameters).
Zhou Y, Dendukuri N (2014) doi 10.1002/sim.6115 (I²).
Higgins JPT, Thompson SG, Spiegelhalter DJ (2009) doi 10.1111/j.1467-985X.2008.00552.x (prediction interval).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from livingreview.synthesis.arrays import FloatArray
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.intervals import Interval

Quantile = Literal["normal", "t"]

MEASURES = (
    "sensitivity",
    "specificity",
    "likelihood_ratio_positive",
    "likelihood_ratio_negative",
    "diagnostic_odds_ratio",
)


@dataclass(frozen=True)
class HSROC:
    """Parameters of the hierarchical summary ROC model, by Harbord's mapping.

    Parameters
    ----------
    Lambda
        Accuracy: the log diagnostic odds ratio where the scaled sensitivity and specificity are equal.
    Theta
        Threshold.
    beta
        Asymmetry of the curve: log ratio of the standard deviations of specificity and sensitivity.
    sigma2_alpha, sigma2_theta
        Between-study variances of accuracy and threshold.
    """

    Lambda: float
    Theta: float
    beta: float
    sigma2_alpha: float
    sigma2_theta: float

    def to_dict(self) -> dict[str, float]:
        """Return the parameters by name."""
        return asdict(self)


@dataclass(frozen=True)
class I2:
    """Share of the variation between the observed results that is due to heterogeneity, 0 to 1; NaN with covariates.

    Parameters
    ----------
    sensitivity, specificity
        Of each measure on its own.
    bivariate
        Of both together: square roots of determinants take the place of variances. It is 0 wherever a between-study
        variance is 0 or the correlation is ±1, however much the studies differ: no sign of homogeneity there.
    """

    sensitivity: float
    specificity: float
    bivariate: float

    def to_dict(self) -> dict[str, float | None]:
        """Return the shares by name; NaN becomes None."""
        return {name: None if math.isnan(share) else share for name, share in asdict(self).items()}


def expit(x: float) -> float:
    """Return 1 / (1 + e⁻ˣ)."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def exp(x: float) -> float:
    """Return eˣ, infinite where that is too large for a number."""
    return math.exp(x) if x < 709 else math.inf


def normal_quantile(level: float) -> float:
    """Return the two-sided standard normal quantile of a coverage."""
    return NormalDist().inv_cdf((1 + level) / 2)


def student_quantile(df: float, level: float) -> float:
    """Return the two-sided quantile of Student's distribution of a coverage; the normal one for infinite `df`.

    Below one degree of freedom there is none, and it is infinite.
    """
    if math.isinf(df):
        return normal_quantile(level)
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 + level) / 2)) if df > 0 else math.inf


def proportion(logit: float, variance: float, level: float, quantile: float | None = None) -> Interval:
    """Return a proportion with the Wald interval of its logit.

    Parameters
    ----------
    logit, variance
        Estimate and variance on the logit scale.
    level
        Coverage.
    quantile
        In place of the standard normal one.
    """
    half = (normal_quantile(level) if quantile is None else quantile) * math.sqrt(variance)
    return Interval.about(logit, half, level).map(expit)


@dataclass(frozen=True, eq=False)
class PooledLogits:
    """Pooled logits, and the measures of accuracy that follow from them.

    Parameters
    ----------
    mu
        (2,) logit sensitivity and logit specificity.
    mu_cov
        (2, 2) their covariance.
    level
        Coverage of every interval.
    df
        Degrees of freedom of the intervals' Student's quantiles, of sensitivity and of specificity, the smaller of
        both for what follows from both. Infinite: the normal quantile.
    """

    mu: FloatArray
    mu_cov: FloatArray
    level: float
    df: tuple[float, float] = field(default=(math.inf, math.inf), kw_only=True)

    @property
    def sensitivity(self) -> Interval:
        """Pooled sensitivity, the expit of the mean logit, with a Wald interval on the logit scale."""
        return self._share(0)

    @property
    def specificity(self) -> Interval:
        """Pooled specificity, likewise."""
        return self._share(1)

    @property
    def likelihood_ratio_positive(self) -> Interval:
        """Sensitivity / (1 − specificity), with a delta-method interval on the log scale."""
        sensitivity, specificity = expit(self.mu[0]), expit(self.mu[1])
        gradient = np.array([1 - sensitivity, specificity])
        return self._ratio(math.log(sensitivity) - math.log(expit(-self.mu[1])), gradient)

    @property
    def likelihood_ratio_negative(self) -> Interval:
        """(1 − sensitivity) / specificity, likewise."""
        sensitivity, specificity = expit(self.mu[0]), expit(self.mu[1])
        gradient = np.array([-sensitivity, specificity - 1])
        return self._ratio(math.log(expit(-self.mu[0])) - math.log(specificity), gradient)

    @property
    def diagnostic_odds_ratio(self) -> Interval:
        """LR+ / LR−, likewise; its logarithm is linear in the logits."""
        return self._ratio(float(self.mu[0] + self.mu[1]), np.ones(2))

    @property
    def joint_quantile(self) -> float:
        """Two-sided quantile for what follows from both logits."""
        return student_quantile(min(self.df), self.level)

    def _share(self, arm: int) -> Interval:
        quantile = student_quantile(self.df[arm], self.level)
        return proportion(float(self.mu[arm]), float(self.mu_cov[arm, arm]), self.level, quantile)

    def _ratio(self, log_estimate: float, gradient: FloatArray) -> Interval:
        half = self.joint_quantile * math.sqrt(max(float(gradient @ self.mu_cov @ gradient), 0.0))
        return Interval.about(log_estimate, half, self.level).map(exp)

    def measures_to_dict(self) -> dict[str, Any]:
        """Return logits, their covariance and each measure as plain JSON types."""
        return {
            "mu": self.mu.tolist(),
            "mu_cov": self.mu_cov.tolist(),
            **{name: getattr(self, name).to_dict() for name in MEASURES},
        }


@dataclass(frozen=True, eq=False)
class PooledModel(PooledLogits):
    """Pooled logits with the variation between studies, and what follows for a new study.

    Parameters
    ----------
    between_study_cov
        (2, 2) covariance of the studies' true logits.
    prediction_df
        Degrees of freedom of a prediction of sensitivity and of specificity: the studies that have this arm, less the
        coefficients of this mean, less one.
    """

    between_study_cov: FloatArray
    prediction_df: tuple[int, int]

    @property
    def prediction_interval_sensitivity(self) -> Interval:
        """Where a new study's true sensitivity is expected, by t with `prediction_df` on the logit scale."""
        return self._prediction(0)

    @property
    def prediction_interval_specificity(self) -> Interval:
        """Where a new study's true specificity is expected, likewise."""
        return self._prediction(1)

    def _prediction(self, arm: int) -> Interval:
        tau2 = float(self.between_study_cov[arm, arm])
        logit, variance = float(self.mu[arm]), float(self.mu_cov[arm, arm])
        return prediction_interval(logit, variance, tau2, self.prediction_df[arm], self.level)


def hsroc(mu: FloatArray, between: FloatArray) -> HSROC | None:
    """Return the HSROC parameters; None where a between-study variance is 0, which leaves the curve undefined.

    Parameters
    ----------
    mu
        (2,) logit sensitivity and logit specificity.
    between
        (2, 2) between-study covariance.
    """
    variance_a, variance_b = float(between[0, 0]), float(between[1, 1])
    if variance_a == 0 or variance_b == 0:
        return None
    spread_a, spread_b, cov = math.sqrt(variance_a), math.sqrt(variance_b), float(between[0, 1])
    root = math.sqrt(spread_b / spread_a)
    return HSROC(
        Lambda=float(root * mu[0] + mu[1] / root),
        Theta=float(0.5 * (root * mu[0] - mu[1] / root)),
        beta=math.log(spread_b / spread_a),
        sigma2_alpha=2 * (spread_a * spread_b + cov),
        sigma2_theta=0.5 * (spread_a * spread_b - cov),
    )


def i2(counts: Counts, mu: FloatArray, between: FloatArray) -> I2:
    """Return Zhou and Dendukuri's I², the published formula.

    Parameters
    ----------
    counts
        The tables; rows whose arm is empty do not count for it.
    mu
        (2,) logit sensitivity and logit specificity.
    between
        (2, 2) between-study covariance.
    """
    within = []
    for arm, n in enumerate((counts.n_diseased, counts.n_nondiseased)):
        half = float(between[arm, arm]) / 2
        inverse_n = float(np.mean(1 / n[n > 0]))
        within.append((math.exp(half + mu[arm]) + math.exp(half - mu[arm]) + 2) * inverse_n)
    shares = [float(between[arm, arm]) / (float(between[arm, arm]) + within[arm]) for arm in (0, 1)]
    root = math.sqrt(max(float(np.linalg.det(between)), 0.0))
    return I2(shares[0], shares[1], root / (root + math.sqrt(within[0] * within[1])))


def prediction_interval(logit: float, variance: float, tau2: float, df: int, level: float) -> Interval:
    """Return the interval in which the true proportion of a new study is expected.

    Parameters
    ----------
    logit, variance
        The mean and its variance on the logit scale.
    tau2
        Between-study variance.
    df
        Degrees of freedom of Student's quantile: of k studies and one mean k − 2. Below one nothing can be said but 0
        to 1.
    level
        Coverage.
    """
    return proportion(logit, variance + tau2, level, student_quantile(df, level))
