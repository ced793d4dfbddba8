"""Refits of a univariate model on subsets of its studies: leave-one-out and cumulative.

Every refit re-estimates τ²; all of them are one batched pass.

Examples
--------
>>> import numpy as np
>>> from livingreview.synthesis.univariate import fit
>>> result = fit([0.2, 0.5, 0.4, 0.9], [0.04, 0.02, 0.05, 0.03], method="dl", test="z")
>>> leave_one_out(result).estimate.round(3).tolist()
[0.61, 0.512, 0.542, 0.4]
>>> cumulative(result, order=np.array([2, 0, 1, 3])).study
('3', '1', '2', '4')
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from livingreview.errors import TooFewStudies
from livingreview.synthesis.arrays import BoolArray, FloatArray, freeze
from livingreview.synthesis.random_effects import finite_or_none, orthonormal, p_value, quantile, solve
from livingreview.synthesis.univariate import UnivariateFit

__all__ = ["Refits", "cumulative", "leave_one_out"]


@dataclass(frozen=True, eq=False)
class Refits:
    """A pooled effect refitted on several subsets of the studies; (b,) arrays, one entry per refit.

    Parameters
    ----------
    study
        Label of the study left out, or of the last study added.
    estimate, standard_error, lower, upper, p_value
        The pooled effect; NaN where a Hartung–Knapp interval needs more studies.
    tau2, q, i2, h2
        Heterogeneity.

    Examples
    --------
    >>> from livingreview.synthesis.refits import leave_one_out
    >>> from livingreview.synthesis.univariate import fit
    >>> without = leave_one_out(fit([0.2, 0.5, 0.4, 0.9], [0.04, 0.02, 0.05, 0.03], study="ABCD"))
    >>> print(without.study[3], round(without.to_dict()[3]["estimate"], 3))
    D 0.4
    """

    study: tuple[str, ...]
    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray
    tau2: FloatArray
    q: FloatArray
    i2: FloatArray
    h2: FloatArray

    def __post_init__(self) -> None:
        freeze(self, *self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the numeric columns."""
        return tuple(name for name in self.__dataclass_fields__ if name != "study")

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one plain mapping per refit; NaN becomes None."""
        return [
            {"study": label, **{name: finite_or_none(getattr(self, name)[i]) for name in self.columns}}
            for i, label in enumerate(self.study)
        ]


def leave_one_out(result: UnivariateFit) -> Refits:
    """Refit without each study in turn, in one pass.

    Parameters
    ----------
    result
        A fit without moderators on at least two studies.

    Returns
    -------
    Refits
        Entry i leaves study i out. With a single study left, τ² is 0.

    Raises
    ------
    ValueError
        For a meta-regression (see :func:`livingreview.synthesis.influence.influence`).
    TooFewStudies
        For a single study.

    Examples
    --------
    >>> from livingreview.synthesis.refits import leave_one_out
    >>> from livingreview.synthesis.univariate import fit
    >>> leave_one_out(fit([0.2, 0.5, 0.4, 0.9], [0.04, 0.02, 0.05, 0.03])).tau2.round(3).tolist()
    [0.036, 0.101, 0.084, 0.0]
    """
    if result.k < 2:
        raise TooFewStudies("leave-one-out needs at least two studies, found 1")
    return _refits(result, ~np.eye(result.k, dtype=bool))


def cumulative(result: UnivariateFit, order: ArrayLike | None = None) -> Refits:
    """Add the studies one at a time, in one pass.

    Parameters
    ----------
    result
        A fit without moderators.
    order
        (k,) integer array, the rows in the order of their arrival (such as ``np.argsort(year)``); the given
        order when left out.

    Returns
    -------
    Refits
        Entry i pools the first i + 1 studies; the first is the first study itself, with τ² = 0.

    Raises
    ------
    ValueError
        For a meta-regression, or an order that is no permutation of the rows.

    Examples
    --------
    >>> from livingreview.synthesis.refits import cumulative
    >>> from livingreview.synthesis.univariate import fit
    >>> steps = cumulative(fit([0.2, 0.5, 0.4, 0.9], [0.04, 0.02, 0.05, 0.03], method="dl", test="z"))
    >>> steps.estimate.round(3).tolist()
    [0.2, 0.383, 0.4, 0.514]
    """
    rows = np.arange(result.k) if order is None else np.asarray(order)
    if not np.array_equal(np.sort(rows), np.arange(result.k)):
        raise ValueError(f"order must hold each row 0 … {result.k - 1} once")
    ordered = replace(
        result,
        effects=result.effects[rows],
        variances=result.variances[rows],
        design=result.design[rows],
        study=tuple(result.study[i] for i in rows),
    )
    return _refits(ordered, np.tri(result.k, dtype=bool))


def _refits(result: UnivariateFit, include: BoolArray) -> Refits:
    if len(result.names) > 1:
        raise ValueError("refits of a single pooled effect are defined without moderators only")
    s = solve(orthonormal(result.effects, result.variances, result.design, include), result.method, result.test)
    pooled, se = s.coefficients[:, 0], np.sqrt(s.covariance[:, 0, 0])
    half = quantile(result.test, s.df, result.level) * se
    return Refits(
        study=result.study,
        estimate=pooled,
        standard_error=se,
        lower=pooled - half,
        upper=pooled + half,
        p_value=p_value(pooled / se, result.test, s.df),
        tau2=s.tau2,
        q=s.q,
        i2=s.i2,
        h2=s.h2,
    )
