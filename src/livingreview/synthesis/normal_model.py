"""Reitsma's bivariate normal-normal model of many data sets as one objective.

Empirical logits with known within-study variances, y ~ N(Xβ, S + LLᵀ), by maximum or restricted maximum
likelihood. Value, gradient and second derivatives are closed forms.

References
----------
Reitsma JB et al. (2005) doi 10.1016/j.jclinepi.2005.02.022.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from livingreview.synthesis.arrays import FloatArray, IndexArray
from livingreview.synthesis.design import Design
from livingreview.synthesis.newton import Evaluation

Method = Literal["ml", "reml"]

# Second derivatives of LLᵀ in (l11, l21, l22): (3, 3, 2, 2).
_SECOND: Final = np.zeros((3, 3, 2, 2))
_SECOND[0, 0] = [[2, 0], [0, 0]]
_SECOND[0, 1] = _SECOND[1, 0] = [[0, 1], [1, 0]]
_SECOND[1, 1] = _SECOND[2, 2] = [[0, 0], [0, 2]]
_SECOND.flags.writeable = False


@dataclass(frozen=True, eq=False)
class EmpiricalLogits:
    """Empirical logits of N studies.

    Parameters
    ----------
    y
        (N, 2) logit sensitivity and logit specificity, 0 where the arm is empty.
    variance
        (N, 2) their within-study variances, 1 where the arm is empty.
    observed
        (N, 2) 1.0 where the arm has participants, 0.0 elsewhere.
    """

    y: FloatArray
    variance: FloatArray
    observed: FloatArray

    @classmethod
    def from_cells(
        cls, tp: FloatArray, fp: FloatArray, fn: FloatArray, tn: FloatArray, observed: FloatArray
    ) -> EmpiricalLogits:
        """Return the logits of corrected cells, (N,) each; `observed` is (N, 2)."""
        hits, misses = np.stack([tp, tn], axis=1), np.stack([fn, fp], axis=1)
        hits, misses = np.where(observed > 0, hits, 1.0), np.where(observed > 0, misses, 1.0)
        y = np.log(hits) - np.log(misses)
        return cls(y, np.where(observed > 0, 1 / hits + 1 / misses, 1.0), observed)

    def repeat(self, copies: int) -> EmpiricalLogits:
        """Return the studies `copies` times over."""
        return EmpiricalLogits(*(np.tile(a, (copies, 1)) for a in (self.y, self.variance, self.observed)))

    def log_jacobian(self) -> FloatArray:
        """Return (N,) log-derivatives of the logits in the proportions, which make densities of proportions."""
        # log(1/p + 1/(1 − p)) = 2 log(1 + e^y) − y.
        terms: FloatArray = (self.observed * (2 * np.logaddexp(0.0, self.y) - self.y)).sum(axis=1)
        return terms


class NormalModel:
    """Log-likelihood of b data sets of k studies under one design, for :func:`newton.maximise`.

    Parameters
    ----------
    data
        (b·k) studies, data set after data set.
    design
        Design of the k studies.
    method
        ``"ml"`` or ``"reml"``. The restricted likelihood has the constant −(n − p)/2 log 2π and no
        log|XᵀX|/2, as mada's.
    """

    def __init__(self, data: EmpiricalLogits, design: Design, method: Method) -> None:
        self.data = data
        self.design = design
        self.method = method
        self._jacobian = data.log_jacobian().reshape(-1, design.k).sum(axis=1)

    def __call__(self, rows: IndexArray, theta: FloatArray) -> Evaluation:
        """Return values and derivatives of the data sets `rows` at (m, p) parameters."""
        columns = self._columns(rows)
        parts = _Marginal(self.data, columns, self.design.local(theta))
        gradient, hessian = self.design.gather(parts.score(), parts.hessian())
        value = parts.value().reshape(len(rows), -1).sum(axis=1) + self._jacobian[rows]
        size = self.data.observed[columns].reshape(len(rows), -1).sum(axis=1)
        if self.method == "reml":
            size = size - self.design.n_means
            penalty = self._restriction(parts, len(rows))
            value, gradient, hessian = value + penalty.value, gradient + penalty.gradient, hessian + penalty.hessian
        return Evaluation(value - 0.5 * math.log(2 * math.pi) * size, gradient, hessian)

    def refine(self, theta: FloatArray, accuracy: float) -> NormalModel:  # noqa: ARG002 — as BinomialModel's
        """Return itself: a closed form is exact everywhere."""
        return self

    def information_of_means(self, rows: IndexArray, theta: FloatArray) -> FloatArray:
        """Return (m, q, q) information of the coefficients, XᵀV⁻¹X, given the between-study covariance."""
        parts = _Marginal(self.data, self._columns(rows), self.design.local(theta))
        return self._means_information(parts.precision, len(rows))

    def study_means(self, rows: IndexArray, theta: FloatArray) -> FloatArray:
        """Return (m, k, 2) best linear unbiased predictions of each study's logits."""
        parts = _Marginal(self.data, self._columns(rows), self.design.local(theta))
        shift = (parts.between @ parts.pull[:, :, None])[:, :, 0]
        return (parts.mean + shift).reshape(len(rows), -1, 2)

    def _columns(self, rows: IndexArray) -> IndexArray:
        return (rows[:, None] * self.design.k + np.arange(self.design.k)).ravel()

    def _means_information(self, weights: FloatArray, count: int) -> FloatArray:
        """Return Σ XᵀWX over the studies of each data set, for (…, m·k, 2, 2) weights."""
        x = self.design.jacobian[:, :2, : self.design.n_means]
        weights = weights.reshape(*weights.shape[:-3], count, self.design.k, 2, 2)
        total: FloatArray = (np.swapaxes(x, 1, 2) @ weights @ x).sum(axis=-3)
        return total

    def _restriction(self, parts: _Marginal, count: int) -> Evaluation:
        """Return −½ log|XᵀV⁻¹X| with derivatives."""
        w, g = parts.precision, parts.slopes  # (n, 2, 2), (3, n, 2, 2)
        wgw = w @ g @ w
        cross = wgw[:, None] @ g[None] @ w  # (3, 3, n, 2, 2): W Gₐ W G_b W
        seconds = cross + np.swapaxes(cross, -1, -2) - w @ _SECOND[:, :, None] @ w
        information = self._means_information(w, count)
        first = -np.linalg.solve(information, self._means_information(wgw, count))
        second = np.linalg.solve(information, self._means_information(seconds, count))
        slope = -0.5 * np.trace(first, axis1=-2, axis2=-1)  # (3, m)
        products = np.einsum("amij,bmji->abm", first, first)
        bend = -0.5 * (np.trace(second, axis1=-2, axis2=-1) - products)  # (3, 3, m)
        into = self.design.jacobian[0, 2:, :]  # (3, p): the free Cholesky entries
        return Evaluation(
            -0.5 * np.linalg.slogdet(information)[1],
            slope.T @ into,
            into.T @ bend.transpose(2, 0, 1) @ into,
        )


class _Marginal:
    """The marginal normal distributions of n studies and their derivatives in the local parameters."""

    def __init__(self, data: EmpiricalLogits, columns: IndexArray, local: FloatArray) -> None:
        observed = data.observed[columns]
        l11, l21, l22 = local[2:]
        zero = np.zeros_like(l11)
        cross = l11 * l21
        both = observed[:, :, None] * observed[:, None, :]
        self.between = _symmetric(l11 * l11, cross, l21 * l21 + l22 * l22)
        v = self.between * both
        v[:, 0, 0] += data.variance[columns, 0]
        v[:, 1, 1] += data.variance[columns, 1]
        self.determinant = v[:, 0, 0] * v[:, 1, 1] - v[:, 0, 1] ** 2
        inverse = _symmetric(v[:, 1, 1], -v[:, 0, 1], v[:, 0, 0]) / self.determinant[:, None, None]
        # An empty arm has unit variance, no covariance and no residual: it only has to leave the sums alone.
        self.log_determinant = np.log(self.determinant)
        self.precision = inverse * both
        self.mean = local[:2].T
        self.residual = (data.y[columns] - self.mean) * observed
        self.pull = (self.precision @ self.residual[:, :, None])[:, :, 0]
        slopes = [_symmetric(2 * l11, l21, zero), _symmetric(zero, l11, 2 * l21), _symmetric(zero, zero, 2 * l22)]
        self.slopes = np.stack(slopes) * both

    def value(self) -> FloatArray:
        """Return (n,) log-densities without the constant."""
        quadratic = (self.residual * self.pull).sum(axis=1)
        result: FloatArray = -0.5 * (self.log_determinant + quadratic)
        return result

    def score(self) -> FloatArray:
        """Return (n, 5) first derivatives."""
        return np.hstack([self.pull, 0.5 * (self.slopes * self._weights()).sum(axis=(-1, -2)).T])

    def hessian(self) -> FloatArray:
        """Return (n, 5, 5) second derivatives."""
        w, q = self.precision, self.pull[:, :, None]
        wg = w @ self.slopes  # (3, n, 2, 2)
        wgq = (wg @ q)[..., 0]  # (3, n, 2)
        gq = (self.slopes @ q)[..., 0]
        result = np.empty((len(w), 5, 5))
        result[:, :2, :2] = -w
        result[:, :2, 2:] = -wgq.transpose(1, 2, 0)
        result[:, 2:, :2] = -wgq.transpose(1, 0, 2)
        traces = 0.5 * np.einsum("anij,bnji->nab", wg, wg) - np.einsum("ani,bni->nab", gq, wgq)
        result[:, 2:, 2:] = traces + 0.5 * (self._weights().reshape(-1, 4) @ _SECOND.reshape(9, 4).T).reshape(-1, 3, 3)
        return result

    def _weights(self) -> FloatArray:
        """Return (n, 2, 2) qqᵀ − W: twice the slope of the log-density along each entry of V."""
        weights: FloatArray = self.pull[:, :, None] * self.pull[:, None, :] - self.precision
        return weights


def _symmetric(a: FloatArray, b: FloatArray, d: FloatArray) -> FloatArray:
    """Return (…, 2, 2) matrices [[a, b], [b, d]]."""
    return np.stack([a, b, b, d], axis=-1).reshape(*a.shape, 2, 2)
