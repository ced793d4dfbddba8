"""How much each study counts in a bivariate fit: percentages of the information on the pooled means."""

from __future__ import annotations

import numpy as np

from livingreview.synthesis.counts import FloatArray
from livingreview.synthesis.fit_result import BivariateFit
from livingreview.synthesis.glmm import Integrals
from livingreview.synthesis.normal_model import NormalModel
from livingreview.synthesis.solve import ACCURACY, objectives

__all__ = ["percentage_weights"]


def percentage_weights(fit: BivariateFit) -> FloatArray:
    """Return the percentage weight of each study for pooled sensitivity and specificity.

    With Iᵢ the information that study i gives on the two mean logits, at the estimate and for the estimated
    between-study covariance, their covariance is V = (Σ Iᵢ)⁻¹ = Σ V Iᵢ V; the weight of study i for a mean is the
    share of V Iᵢ V in V's diagonal entry [1]_. For the exact binomial likelihood Iᵢ is the observed information of
    the study's marginal likelihood, which is log-concave in the means, so that no weight is negative.

    Parameters
    ----------
    fit
        A fit of the binomial model without covariates.

    Returns
    -------
    ndarray
        (k, 2) percentages; each column sums to 100.

    Raises
    ------
    ValueError
        For the normal model or a fit with covariates.

    Examples
    --------
    >>> from livingreview.synthesis import fit
    >>> from livingreview.synthesis.counts import Counts
    >>> counts = Counts.from_arrays([40, 55, 20, 330], [5, 9, 2, 40], [10, 8, 7, 50], [80, 60, 45, 700])
    >>> percentage_weights(fit(counts)).sum(axis=0).round(6).tolist()
    [100.0, 100.0]

    References
    ----------
    .. [1] Burke DL, Ensor J, Snell KIE, van der Windt D, Riley RD. Guidance for deriving and presenting percentage
       study weights in meta-analysis of test accuracy studies. Res Synth Methods 2018;9:163–178.
       doi:10.1002/jrsm.1283
    """
    problem = fit.problem
    if len(fit.coefficients) > 2:
        raise ValueError("weights are defined for fits without covariates; fit the levels one by one")
    theta = problem.theta[None]
    objective = objectives(problem.tables, problem.design, problem.settings).refine(theta, ACCURACY)
    if isinstance(objective, NormalModel):
        raise ValueError("weights are those of the binomial model; fit with model='binomial'")
    found: Integrals = objective.integrals(np.arange(1), theta)
    information = -found.hessian[:, :2, :2]
    covariance = np.linalg.inv(information.sum(axis=0))
    parts = np.einsum("ab,kbc,cd->kad", covariance, information, covariance)
    shares: FloatArray = 100 * np.diagonal(parts, axis1=1, axis2=2) / np.diagonal(covariance)
    return shares
