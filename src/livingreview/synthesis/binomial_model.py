"""The bivariate binomial-normal model of many data sets as one objective, and the choice of its nodes."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from livingreview.synthesis import separable
from livingreview.synthesis.arrays import BoolArray, FloatArray, IndexArray
from livingreview.synthesis.binomials import Binomials
from livingreview.synthesis.design import Design
from livingreview.synthesis.glmm import (
    Integrals,
    find_modes,
    first_guess,
    integrate,
    log_likelihoods,
    logit_spreads,
)
from livingreview.synthesis.newton import Evaluation

# In place of a number of nodes: the study's arms are weakly coupled, and its integral is `separable`'s.
SEPARABLE: Final = 0
# Coarsest accuracy for which that pays: what costs less is good to some 1e-6.
WORTH_SEPARATING: Final = 1e-6
# Nodes per dimension that a study may get, by the line below.
RUNGS: Final = tuple(range(9, 47, 2))
# The same for studies that are not on the line: of the trapezoidal rule, whose error falls geometrically there too, so
# that the difference of two rungs is the error of the coarser. Gauss–Hermite rungs would agree before they are right.
WIDE_RUNGS: Final = (47, 61, 81, 107, 143, 191, 245)
# Nodes whose last result shows the error of the coarsest rung, and whose first does where that is small by accident.
PROBES: Final = (11, 13)
# The error falls geometrically in the number of nodes, and the smaller it is at the coarsest rung, the faster: this
# line, bounded, is on the slow side of what is seen in studies from tau = 0 to tau = 2.
RATE_INTERCEPT: Final = -0.45
RATE_SLOPE: Final = 0.09
SLOWEST: Final = 0.3
FASTEST: Final = 1.2
# Standard deviation of a study's logit beyond which its logistic curve shows within the integrand, whose error then
# swings through zero on its way down and says nothing about the next rung's.
WIDEST: Final = 1.0
# Node evaluations that cost as much as one more pass over a group of studies.
PASS: Final = 14_000


class BinomialModel:
    """Log-likelihood of b data sets of k studies under one design, for :func:`newton.maximise`.

    Parameters
    ----------
    data
        (2, b·k) arms, data set after data set.
    design
        Design of the k studies.
    nodes
        Quadrature nodes per dimension of each study, or `SEPARABLE`; by default the coarsest rung, good to some 1e-3
        in the log-likelihood.
    modes
        (9, b·k) first guesses of the integrands' modes.

    Notes
    -----
    The modes found last are kept as first guesses for the next call; they change what a call costs, and what it
    returns only within the error of its quadrature. The last point of each data set and its studies' log-likelihoods
    there are kept for :meth:`refine`.
    """

    def __init__(
        self, data: Binomials, design: Design, nodes: IndexArray | None = None, modes: FloatArray | None = None
    ) -> None:
        total = data.y.shape[1]
        self.data = data
        self.design = design
        self._nodes = np.full(total, RUNGS[0]) if nodes is None else nodes
        self._modes = first_guess(data) if modes is None else modes
        self._values = np.empty(total)
        self._at = np.full((total // design.k, design.n_free), np.nan)

    def __call__(self, rows: IndexArray, theta: FloatArray) -> Evaluation:
        """Return values and derivatives of the data sets `rows` at (m, p) parameters."""
        found = self.integrals(rows, theta)
        self._at[rows], self._values.reshape(-1, self.design.k)[rows] = (
            theta,
            found.log_likelihood.reshape(len(rows), -1),
        )
        gradient, hessian = self.design.gather(found.score, found.hessian)
        return Evaluation(found.log_likelihood.reshape(len(rows), -1).sum(axis=1), gradient, hessian)

    def integrals(self, rows: IndexArray, theta: FloatArray) -> Integrals:
        """Return the integrals of every study of the data sets `rows`."""
        columns, arms, local, modes = self._place(rows, theta)
        found, left = Integrals.empty(modes.shape[1]), self._nodes[columns] != SEPARABLE

        def at(chosen: IndexArray) -> tuple[Binomials, FloatArray, FloatArray]:
            if chosen.size == left.size:
                return arms, local, modes
            return arms.take(chosen), local[:, chosen], modes[:, chosen]

        chosen = np.flatnonzero(~left)
        if chosen.size:
            part, done = separable.integrate(*at(chosen))
            found.fill(chosen, part)
            left[chosen] = ~done
        for nodes, members in self._groups if left.any() else ():
            chosen = np.flatnonzero(left & members[columns])
            if chosen.size:
                found.fill(chosen, integrate(*at(chosen), nodes))
        return found

    @cached_property
    def _groups(self) -> list[tuple[int, BoolArray]]:
        # Those that turn out not to be separable, as wide and skew ones may, get as many nodes as that has for such.
        return _groups(np.where(self._nodes == SEPARABLE, separable.RULES[-1].x.size, self._nodes))

    def refine(self, theta: FloatArray, accuracy: float) -> BinomialModel:
        """Return this likelihood, so far under the coarsest nodes, with as many as it needs near some parameters.

        Parameters
        ----------
        theta
            (b, p) parameters near the optima. Nothing is computed twice where a data set was last evaluated at its
            own.
        accuracy
            Absolute error to aim at in each data set's log-likelihood.

        Returns
        -------
        BinomialModel
            A study whose arms are weakly coupled is left to :mod:`~livingreview.synthesis.separable`, which is always
            fine enough. Of the others the error at the coarsest rung is measured, and they get the first rung at which
            that should have fallen to their share of `accuracy`. Where it falls too slowly to say, or swings, as under
            a perfect arm and much heterogeneity, this is measured as well.
        """
        elsewhere = np.flatnonzero((self._at != theta).any(axis=1))
        if elsewhere.size:
            self(elsewhere, theta[elsewhere])
        local, modes = self.design.local(theta), self._modes
        nodes = np.full(modes.shape[1], SEPARABLE)
        easy = separable.weakly_coupled(local, modes) if accuracy < WORTH_SEPARATING else nodes != SEPARABLE
        rest = np.flatnonzero(~easy)
        if rest.size:
            arms, share = self.data.take(rest), accuracy / self.design.k
            nodes[rest] = _needed(arms, local[:, rest], modes[:, rest], self._values[rest], share)
        return BinomialModel(self.data, self.design, nodes, modes.copy())

    def _place(
        self, rows: IndexArray, theta: FloatArray
    ) -> tuple[IndexArray | slice, Binomials, FloatArray, FloatArray]:
        """Return columns, arms, local parameters and modes of the data sets `rows`."""
        k, total = self.design.k, self.data.y.shape[1]
        everything = rows.size * k == total
        columns = slice(None) if everything else (rows[:, None] * k + np.arange(k)).ravel()
        data = self.data if everything else self.data.take(columns)
        local = self.design.local(theta)
        self._modes[:, columns] = modes = find_modes(data, local, self._modes[:, columns])
        return columns, data, local, modes


def _needed(data: Binomials, local: FloatArray, modes: FloatArray, coarse: FloatArray, share: float) -> IndexArray:
    """Return how many nodes each study needs for an error below `share`, from its values under the coarsest rung."""
    between, probe = (log_likelihoods(data, local, modes, nodes) for nodes in PROBES)
    log_error = np.log(np.maximum(np.abs(coarse - probe), np.abs(between - probe)) + 1e-16)
    rate = np.minimum(np.maximum(RATE_INTERCEPT - RATE_SLOPE * log_error, SLOWEST), FASTEST)
    wanted = RUNGS[0] + np.maximum(log_error - math.log(share), 0.0) / rate
    rung = np.searchsorted(RUNGS, wanted)
    nodes = np.array([*RUNGS, WIDE_RUNGS[-1]])[rung]
    spread = logit_spreads(data, local, modes)
    hard = np.flatnonzero((rung == len(RUNGS)) | (rate == SLOWEST) | (spread > WIDEST))
    if hard.size:
        nodes[hard] = _measured(data.take(hard), local[:, hard], modes[:, hard], share)
    return nodes


def _measured(data: Binomials, local: FloatArray, modes: FloatArray, share: float) -> IndexArray:
    """Return for each study the first of `WIDE_RUNGS` with an error below `share`, or the last."""
    nodes = np.full(modes.shape[1], WIDE_RUNGS[-1])
    waiting = np.arange(nodes.size)
    before = log_likelihoods(data, local, modes, WIDE_RUNGS[0])
    for coarser, finer in pairwise(WIDE_RUNGS):
        values = log_likelihoods(data.take(waiting), local[:, waiting], modes[:, waiting], finer)
        more = np.abs(values - before) >= share
        nodes[waiting[~more]] = coarser
        waiting, before = waiting[more], values[more]
        if not waiting.size:
            break
    return nodes


def _groups(nodes: IndexArray) -> list[tuple[int, BoolArray]]:
    """Return pairs of a number of nodes and the mask of the studies that get at least as many as they need.

    Of all ways to cut the numbers wanted into runs, that with the fewest node evaluations, passes counted in.
    """
    present, count = np.unique(nodes, return_counts=True)
    wanted, studies = present.tolist(), [0, *np.cumsum(count).tolist()]
    # (cost, first of the last run) of the studies up to each number.
    best = [(0, 0)]
    for last, size in enumerate(wanted, 1):
        best.append(min((best[j][0] + (studies[last] - studies[j]) * size**2 + PASS, j) for j in range(last)))
    groups: list[tuple[int, BoolArray]] = []
    last = len(wanted)
    while last:
        first = best[last][1]
        groups.append((wanted[last - 1], (nodes >= wanted[first]) & (nodes <= wanted[last - 1])))
        last = first
    return groups
