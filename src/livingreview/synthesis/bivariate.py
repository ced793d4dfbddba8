"""Bivariate meta-analysis of diagnostic test accuracy.

Study i has true logit sensitivity and logit specificity (θ₁ᵢ, θ₂ᵢ) ~ N(μ, Σ). Two likelihoods connect them with
the 2×2 tables:

``binomial``
    tp ~ Bin(tp + fn, expit θ₁), tn ~ Bin(tn + fp, expit θ₂): the generalised linear mixed model of Chu and Cole,
    by exact marginal maximum likelihood (adaptive Gauss–Hermite quadrature, good to 1e-6 in the log-likelihood).
    Zero cells need no correction, and a study with one empty arm contributes the other.
``normal``
    The empirical logits are normal about θ with known variances: Reitsma's model, by maximum or restricted maximum
    likelihood, after a continuity correction.

References
----------
Chu H, Cole SR (2006) doi 10.1016/j.jclinepi.2006.06.011. Reitsma JB et al. (2005)
doi 10.1016/j.jclinepi.2005.02.022. Takwoingi Y et al. (2017) doi 10.1177/0962280215592269.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, get_args

import numpy as np
from numpy.typing import ArrayLike

from livingreview.errors import ConvergenceError, TooFewStudies
from livingreview.synthesis.arrays import FloatArray
from livingreview.synthesis.batch import BatchFit, Bootstrap, fit_many
from livingreview.synthesis.counts import Correction, Counts
from livingreview.synthesis.covariates import Coding, LevelEstimate, Test, code, contrasts, level_notes, wald_tests
from livingreview.synthesis.design import FREE_ENTRIES, Design, Structure, Tables, covariance
from livingreview.synthesis.fit_result import BivariateFit
from livingreview.synthesis.intervals import require_level
from livingreview.synthesis.normal_model import Method
from livingreview.synthesis.problem import Problem
from livingreview.synthesis.solve import Model, Settings, Solutions, require_name, solve
from livingreview.synthesis.structures import ASKED_FOR, StructureChoice, solve_structure
from livingreview.synthesis.summary import HSROC, I2, Quantile

__all__ = [
    "HSROC",
    "I2",
    "BatchFit",
    "BivariateFit",
    "Bootstrap",
    "LevelEstimate",
    "Method",
    "Model",
    "Quantile",
    "Structure",
    "StructureChoice",
    "Test",
    "fit",
    "fit_many",
]

# Below so many studies, normal intervals of 95 % hold the truth in less than 90 % (validation/coverage.py).
FEW: Final = 10


def fit(
    counts: Counts,
    *,
    model: Model = "binomial",
    method: Method | None = None,
    structure: StructureChoice = "auto",
    correction: Correction = "all_if_any",
    by: Sequence[object] | None = None,
    covariates: Mapping[str, ArrayLike] | None = None,
    level: float = 0.95,
    quantile: Quantile = "normal",
) -> BivariateFit:
    """Fit a bivariate model.

    Parameters
    ----------
    counts
        k tables.
    model, method
        ``"binomial"`` (exact) by ``"ml"``, or ``"normal"`` (Reitsma's) by ``"reml"``, as R's mada, or ``"ml"``.
    structure
        Between-study covariance: ``"unstructured"``, ``"independent"`` (no correlation), ``"fixed_sensitivity"``
        or ``"fixed_specificity"`` (that variance and the correlation 0), ``"fixed"`` (both variances 0); ``"auto"``:
        the first that serves, in the order of :mod:`livingreview.synthesis.structures`.
    correction
        Continuity correction of the normal model; see :func:`livingreview.synthesis.counts.corrected`.
    by, covariates
        Covariates of both means: k labels of a categorical one; of numeric ones name to (k,) values. All levels share
        one between-study covariance, and rows count as independent studies, also where the same people had several of
        the tests.
    level
        Coverage of the intervals.
    quantile
        Of the Wald intervals of pooled accuracy: ``"normal"``, as other software has it, or ``"t"``, Student's with
        the studies that have the arm, less the mean's coefficients, as degrees of freedom. Few studies need it: of
        five, normal intervals of 95 % hold the truth in 86 to 88 %, Student's in 94 to 96 %
        (``validation/coverage.py``).

    Returns
    -------
    BivariateFit
        The estimates; a boundary that they lie on is named, not hidden.

    Raises
    ------
    ConvergenceError, TooFewStudies
        If no finite estimate exists, as when specificity is 100 % in every study, or none was found; if a variance
        between studies is asked of one study, an arm is empty in every study, or a mean has as many coefficients as
        studies.
    DataError, ValueError, TypeError
        If a covariate cannot be used; if a name is none of those above, or the level is not between 0 and 1; if
        `counts` is no Counts or `covariates` no mapping.

    Examples
    --------
    >>> from livingreview.synthesis import Counts, fit
    >>> counts = Counts.from_arrays(
    ...     tp=[45, 60, 23, 88, 70], fp=[10, 4, 3, 32, 9], fn=[5, 20, 4, 2, 14], tn=[90, 40, 51, 120, 35])
    >>> result = fit(counts)
    >>> print(result.sensitivity, result.structure)
    0.884 [0.780, 0.942] independent
    >>> print(fit(counts, model="normal", structure="unstructured").specificity)
    0.871 [0.802, 0.918]
    """
    _require_usable(counts, level)
    require_name("quantile", quantile, get_args(Quantile))
    settings, coding = Settings.of(model, method, correction), code(counts, by, covariates)
    tables = Tables.stack([counts])
    found = _require_found(solve_structure(tables, coding.x, coding.x, structure, settings), tables)
    return _result(counts, tables, coding, settings, found, level, quantile)


def _require_usable(counts: object, level: float) -> None:
    require_level(level)
    if not isinstance(counts, Counts):
        wanted = "Counts, such as Counts.from_arrays(tp=…, fp=…, fn=…, tn=…)"
        raise TypeError(f"give {wanted}; found {type(counts).__name__}")


def _require_found(found: Solutions, tables: Tables) -> Solutions:
    if message := found.failure[0]:
        alone = found.structure[0] != "fixed" and tables.n.any(axis=0).sum() < 2
        empty = not tables.n.any(axis=(1, 2)).all()
        raise (TooFewStudies if alone or empty else ConvergenceError)(message)
    return found


def _result(
    counts: Counts,
    tables: Tables,
    coding: Coding,
    settings: Settings,
    found: Solutions,
    level: float,
    quantile: Quantile,
) -> BivariateFit:
    p, structure = len(coding.names), found.structure[0]
    coefficients, cov = found.coefficients[0], found.cov[0]
    contrast = _contrast(coding.centre)
    with_spreads = np.eye(5, 2 * p + 3, 2 * p - 2)
    with_spreads[:2, : 2 * p] = contrast
    parameter_cov = with_spreads @ cov @ with_spreads.T
    between = covariance(found.cholesky)[0]
    spread = np.sqrt(between[0, 0] * between[1, 1])
    residual = _residual_df(counts, p)
    df = residual if quantile == "t" else (math.inf, math.inf)
    prediction_df = max(residual[0] - 1, 0), max(residual[1] - 1, 0)
    n_parameters = 2 * p + len(FREE_ENTRIES[structure])
    n_observations = int((tables.n > 0).sum())
    log_likelihood = float(found.log_likelihood[0])
    back = np.zeros((2 * p, 2 * p))
    back[:p, :p] = back[p:, p:] = coding.back
    return BivariateFit(
        model=settings.model,
        method=settings.method,
        structure=structure,
        structure_reason=found.reason[0],
        correction=settings.correction,
        k=int(tables.n.any(axis=0).sum()),
        counts=counts,
        level=level,
        df=df,
        prediction_df=prediction_df,
        mu=contrast @ coefficients,
        mu_cov=parameter_cov[:2, :2].copy(),
        between_study_cov=between,
        rho=float(np.clip(between[0, 1] / spread, -1, 1)) if spread > 0 else math.nan,
        parameter_cov=parameter_cov,
        log_likelihood=log_likelihood,
        n_parameters=n_parameters,
        n_observations=n_observations,
        aic=2 * n_parameters - 2 * log_likelihood,
        bic=math.log(n_observations) * n_parameters - 2 * log_likelihood,
        boundary=found.boundary[0],
        notes=_notes(counts, tables, coding, settings, found, quantile),
        coefficient_names=tuple(f"{arm}: {name}" for arm in ("sensitivity", "specificity") for name in coding.names),
        coefficients=back @ coefficients,
        coefficient_cov=back @ cov[: 2 * p, : 2 * p] @ back.T,
        levels=_levels(coding, coefficients, cov, between, prediction_df, level, df),
        contrasts=contrasts(coding, coefficients, cov, df, level),
        tests=_tests(tables, coding, settings, found),
        problem=Problem(tables, coding.x, structure, settings, coefficients, found.cholesky[0], cov, contrast),
    )


def _residual_df(counts: Counts, p: int) -> tuple[int, int]:
    """Return the residual degrees of freedom of each mean with p coefficients, at least 0."""
    diseased, nondiseased = (int(np.count_nonzero(n)) for n in (counts.n_diseased, counts.n_nondiseased))
    return max(diseased - p, 0), max(nondiseased - p, 0)


def _contrast(row: FloatArray) -> FloatArray:
    """Return the (2, 2p) contrast that gives both linear predictors at one (p,) row of the design."""
    contrast = np.zeros((2, 2 * row.size))
    contrast[0, : row.size] = contrast[1, row.size :] = row
    return contrast


def _levels(
    coding: Coding,
    coefficients: FloatArray,
    cov: FloatArray,
    between: FloatArray,
    prediction_df: tuple[int, int],
    level: float,
    df: tuple[float, float],
) -> tuple[LevelEstimate, ...]:
    if len(coding.levels) < 2:
        return ()
    estimates = []
    for position, (label, row) in enumerate(zip(coding.levels, coding.level_rows, strict=True)):
        contrast = _contrast(row)
        mu_cov = contrast @ cov[: contrast.shape[1], : contrast.shape[1]] @ contrast.T
        rows = tuple(np.flatnonzero(coding.level_of == position).tolist())
        mu = contrast @ coefficients
        estimates.append(LevelEstimate(mu, mu_cov, level, between, prediction_df, label, rows, df=df))
    return tuple(estimates)


def _tests(tables: Tables, coding: Coding, settings: Settings, found: Solutions) -> tuple[Test, ...]:
    """Return Wald and likelihood-ratio tests, each of both means' covariates, and of one mean's given the other's."""
    p = len(coding.names)
    if p == 1:
        return ()
    # Restricted likelihoods of different means are not comparable: the ratio is of maximum likelihoods.
    by_ml = Settings(settings.model, "ml", settings.correction)
    intercept = coding.x[:, :1]
    pairs = {
        "none": (coding.x, coding.x),
        "both": (intercept, intercept),
        "sensitivity": (intercept, coding.x),
        "specificity": (coding.x, intercept),
    }
    maximum = {}
    for name, (x1, x2) in pairs.items():
        fitted = solve(tables, Design(x1, x2, found.structure[0]), by_ml)
        if fitted.failure[0]:
            raise ConvergenceError(f"the likelihood-ratio tests of the covariates failed: {fitted.failure[0]}")
        maximum[name] = float(fitted.log_likelihood[0])
    ratios = tuple(
        Test.chi_square("likelihood_ratio", name, 2 * (maximum["none"] - maximum[name]), df)
        for name, df in (("both", 2 * p - 2), ("sensitivity", p - 1), ("specificity", p - 1))
    )
    return wald_tests(found.coefficients[0], found.cov[0], p) + ratios


def _notes(
    counts: Counts, tables: Tables, coding: Coding, settings: Settings, found: Solutions, quantile: Quantile
) -> tuple[str, ...]:
    notes = list(counts.notes)
    arms = (tables.n[:, 0] > 0).sum(axis=0)  # of each study, those with participants
    present = int(np.count_nonzero(arms))
    if (arms == 1).any():
        notes.append("rows with one empty arm are used for the arm that they have")
    if present < counts.k:
        notes.append(f"{counts.k - present} rows without participants are left out")
    if settings.model == "normal" and counts.has_zero.any() and settings.correction != "none":
        notes.append(f"continuity correction: {settings.correction}")
    if found.reason[0] != ASKED_FOR:
        notes.append(f"structure {found.structure[0]}: {found.reason[0]}")
    if found.boundary[0]:
        notes.append(f"the estimate lies on a boundary: {', '.join(found.boundary[0])}")
    if present < FEW and quantile == "normal":
        notes.append("of fewer than ten studies, intervals by the normal quantile are too narrow; Student's are not")
    if present < 3:
        notes.append("fewer than three studies: a new study's accuracy cannot be predicted")
    elif min(_residual_df(counts, len(coding.names))) < 2:
        notes.append("too few studies with one arm, or for so many coefficients: a new study cannot be predicted")
    if len(coding.names) > 1:
        notes.append("with covariates, the pooled estimates are at the covariates' means over the studies")
    notes += level_notes(coding)
    return tuple(notes)
