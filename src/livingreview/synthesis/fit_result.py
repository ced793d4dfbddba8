"""The result of fitting a bivariate model."""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from livingreview.synthesis.arrays import FloatArray
from livingreview.synthesis.batch import Bootstrap, parametric_bootstrap
from livingreview.synthesis.counts import Correction, Counts
from livingreview.synthesis.covariates import Coefficient, Contrast, LevelEstimate, Test
from livingreview.synthesis.design import Structure
from livingreview.synthesis.intervals import Interval, require_level
from livingreview.synthesis.normal_model import Method
from livingreview.synthesis.problem import Parameter, Problem
from livingreview.synthesis.solve import Model
from livingreview.synthesis.summary import HSROC, I2, PooledModel, hsroc, i2

__all__ = ["BivariateFit"]


@dataclass(frozen=True, eq=False, repr=False)
class BivariateFit(PooledModel):
    """A bivariate meta-analysis of diagnostic accuracy.

    With covariates, the pooled numbers are those at the covariates' means over the studies (for a categorical
    covariate: its levels weighted by their numbers of studies); `levels` has the estimates per level.

    Parameters
    ----------
    model
        ``"binomial"`` or ``"normal"``.
    method
        ``"ml"`` or ``"reml"``.
    structure, structure_reason
        The between-study covariance fitted, and why it is this one.
    correction
        Continuity correction; the binomial model uses none.
    k
        Number of studies.
    counts
        The tables.
    rho
        Their correlation; NaN where a variance is 0.
    parameter_cov
        (5, 5) covariance of mu and the Cholesky entries l11, l21, l22 of `between_study_cov`; zero for what the
        structure or a boundary fixes.
    log_likelihood
        Binomial model: the exact marginal log-likelihood, binomial coefficients included. Normal model: the
        log-density of the observed proportions, that is the normal one plus the logits' log-Jacobians, as R's
        mada reports it; the two are not comparable.
    n_parameters, n_observations
        Free parameters, and non-empty arms.
    aic, bic
        −2 `log_likelihood` plus 2, or log(n_observations), per parameter.
    boundary
        Boundaries that the estimate lies on, such as ``"rho = -1"``.
    notes
        What a reader of the numbers should know.
    coefficient_names, coefficients, coefficient_cov
        (q,) coefficients of both means on the logit scale and their (q, q) covariance.
    levels
        Estimates per level of `by`, empty without.
    contrasts
        Each level of `by` but the first against it: odds ratio and ratio of each measure.
    tests
        Wald and likelihood-ratio tests of the covariates' effects, empty without covariates.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> result = fit(counts)
    >>> print(result.sensitivity, result.likelihood_ratio_positive)
    0.884 [0.780, 0.942] 6.87 [4.34, 10.9]
    >>> sorted(result.to_dict())[:3]
    ['aic', 'between_study_cov', 'bic']
    """

    model: Model
    method: Method
    structure: Structure
    structure_reason: str
    correction: Correction
    k: int
    counts: Counts
    rho: float
    parameter_cov: FloatArray
    log_likelihood: float
    n_parameters: int
    n_observations: int
    aic: float
    bic: float
    boundary: tuple[str, ...]
    notes: tuple[str, ...]
    coefficient_names: tuple[str, ...]
    coefficients: FloatArray
    coefficient_cov: FloatArray
    levels: tuple[LevelEstimate, ...]
    contrasts: tuple[Contrast, ...]
    tests: tuple[Test, ...]
    problem: Problem = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("mu", "mu_cov", "between_study_cov", "parameter_cov", "coefficients", "coefficient_cov"):
            getattr(self, name).flags.writeable = False

    @property
    def converged(self) -> bool:
        """Always True, because a fit that fails raises."""
        return True

    @property
    def has_covariates(self) -> bool:
        """Whether the means depend on anything."""
        return len(self.coefficients) > 2

    @property
    def coefficient_table(self) -> tuple[Coefficient, ...]:
        """Each coefficient with its standard error, Wald interval and P value."""
        half = len(self.coefficients) // 2
        rows = zip(self.coefficient_names, self.coefficients, np.diag(self.coefficient_cov), strict=True)
        return tuple(
            Coefficient.wald(name, float(estimate), float(variance), self.df[i // half], self.level)
            for i, (name, estimate, variance) in enumerate(rows)
        )

    @property
    def hsroc(self) -> HSROC | None:
        """HSROC parameters; None where a between-study variance is 0, and with covariates, which leave no one curve."""
        return None if self.has_covariates else hsroc(self.mu, self.between_study_cov)

    @property
    def i2(self) -> I2:
        """Zhou and Dendukuri's I²; NaN with covariates, for it is of studies that estimate one pair of means."""
        if self.has_covariates:
            return I2(math.nan, math.nan, math.nan)
        return i2(self.counts, self.mu, self.between_study_cov)

    @cached_property
    def empirical_bayes(self) -> FloatArray:
        """(k, 2) each study's logit sensitivity and specificity, shrunk to the mean.

        Binomial model: posterior means at the estimated parameters; normal model: best linear unbiased
        predictions.
        """
        means = self.problem.study_means()
        means.flags.writeable = False
        return means

    def percentage_weights(self) -> FloatArray:
        """Return the percentage weight of each study for pooled sensitivity and specificity.

        With Iᵢ the information that study i gives on the two mean logits, at the estimate and for the estimated
        between-study covariance, their covariance is V = (Σ Iᵢ)⁻¹ = Σ V Iᵢ V; the weight of study i for a mean is
        the share of V Iᵢ V in V's diagonal entry. For the exact binomial likelihood Iᵢ is the observed information
        of the study's marginal likelihood, which is log-concave in the means, so that no weight is negative.

        Returns
        -------
        ndarray
            (k, 2) percentages; each column sums to 100.

        Raises
        ------
        ValueError
            For the normal model or a fit with covariates.

        References
        ----------
        Burke DL et al. (2018) doi 10.1002/jrsm.1283.
        """
        return self.problem.percentage_weights()

    def profile_interval(self, which: Parameter, level: float | None = None) -> Interval:
        """Return a profile-likelihood interval.

        Parameters
        ----------
        which
            ``"sensitivity"``, ``"specificity"`` (as proportions), ``"tau_sensitivity"`` or
            ``"tau_specificity"`` (between-study standard deviations of the logits).
        level
            Coverage; the fit's own by default.

        Returns
        -------
        Interval
            Respects the asymmetry of the likelihood that a Wald interval ignores.

        Raises
        ------
        ValueError
            For a fit with covariates, for a parameter that the structure fixes, for a mean under REML, whose
            likelihood says nothing about means, and for a level that is not between 0 and 1.
        ConvergenceError
            If a limit is not finite.
        """
        level = self.level if level is None else level
        require_level(level)
        return self.problem.profile_interval(which, level)

    def bootstrap(self, n: int = 1000, *, seed: int, executor: Executor | None = None) -> Bootstrap:
        """Simulate the fitted model, refit it, and return the refits.

        Parameters
        ----------
        n
            Number of simulated data sets.
        seed
            Seed of the random numbers: the same seed gives the same refits, with any executor.
        executor
            As for :func:`livingreview.synthesis.batch.fit_many`.

        Returns
        -------
        Bootstrap
            The refits, with percentile intervals.
        """
        return parametric_bootstrap(self.problem, n, seed, self.level, executor)

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as plain JSON types; what does not exist is None."""
        return {
            "model": self.model,
            "method": self.method,
            "structure": self.structure,
            "structure_reason": self.structure_reason,
            "correction": self.correction if self.model == "normal" else "none",
            "k": self.k,
            "level": self.level,
            "between_study_cov": self.between_study_cov.tolist(),
            "rho": None if np.isnan(self.rho) else self.rho,
            "log_likelihood": self.log_likelihood,
            "n_parameters": self.n_parameters,
            "n_observations": self.n_observations,
            "prediction_df": list(self.prediction_df),
            "aic": self.aic,
            "bic": self.bic,
            **self.measures_to_dict(),
            "prediction_interval_sensitivity": self.prediction_interval_sensitivity.to_dict(),
            "prediction_interval_specificity": self.prediction_interval_specificity.to_dict(),
            "hsroc": None if self.hsroc is None else self.hsroc.to_dict(),
            "i2": self.i2.to_dict(),
            "empirical_bayes": self.empirical_bayes.tolist(),
            "coefficients": dict(zip(self.coefficient_names, self.coefficients.tolist(), strict=True)),
            "coefficient_cov": self.coefficient_cov.tolist(),
            "coefficient_table": [row.to_dict() for row in self.coefficient_table],
            "levels": [level.to_dict() for level in self.levels],
            "contrasts": [contrast.to_dict() for contrast in self.contrasts],
            "tests": [test.to_dict() for test in self.tests],
            "boundary": list(self.boundary),
            "converged": self.converged,
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        tau = np.sqrt(np.diag(self.between_study_cov))
        rho = "undefined" if np.isnan(self.rho) else f"{self.rho:.3f}"
        edge = f"; boundary: {', '.join(self.boundary)}" if self.boundary else ""
        return (
            f"BivariateFit({self.model}, {self.method}, {self.structure}, k={self.k})\n"
            f"  sensitivity {self.sensitivity}, specificity {self.specificity}\n"
            f"  tau {tau[0]:.3f}, {tau[1]:.3f}; rho {rho}; "
            f"log-likelihood {self.log_likelihood:.3f}{edge}"
        )
