"""The bivariate binomial-normal model of many data sets as one objective, and the choice of its nodes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis.binomials import Binomials
from livingreview.synthesis.design import Design
from livingreview.synthesis.glmm import (
    N_LOCAL,
    Integrals,
    find_modes,
    first_guess,
    integrate,
    log_likelihoods,
)
from livingreview.synthesis.newton import Evaluation

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]

# Nodes per dimension that a study may get.
RUNGS: Final = (7, 11, 15, 21, 27, 35, 45, 61)
# Studies × nodes below which a group is not worth a pass of its own and joins the next finer one.
SMALL_GROUP: Final = 6_000


class BinomialModel:
    """Log-likelihood of b data sets of k studies under one design, for :func:`newton.maximise`.

    Parameters
    ----------
    data
        (2, b·k) arms, data set after data set.
    design
        Design of the k studies.
    nodes
        Quadrature nodes per dimension: one number, or one per study.

    Notes
    -----
    The modes found last are kept as first guesses for the next call; they change what a call costs and not,
    beyond 1e-6 in the placing of the nodes, what it returns.
    """

    def __init__(self, data: Binomials, design: Design, nodes: int | IndexArray) -> None:
        self.data = data
        self.design = design
        self._groups = _groups(nodes)
        self._modes = np.full_like(data.y, np.nan)

    def __call__(self, rows: IndexArray, theta: FloatArray) -> Evaluation:
        """Return values and derivatives of the data sets `rows` at (m, p) parameters."""
        found = self.integrals(rows, theta)
        gradient, hessian = self.design.gather(found.score, found.hessian)
        return Evaluation(found.log_likelihood.reshape(len(rows), -1).sum(axis=1), gradient, hessian)

    def integrals(self, rows: IndexArray, theta: FloatArray) -> Integrals:
        """Return the integrals of every study of the data sets `rows`."""
        local, columns, data, modes = self._place(rows, theta)
        if len(self._groups) == 1:
            return integrate(data, local, modes, self._groups[0][0])
        count = columns.size
        found = Integrals(
            np.empty(count), np.empty((count, N_LOCAL)), np.empty((count, N_LOCAL, N_LOCAL)), np.empty((count, 2))
        )
        for nodes, members in self._groups:
            chosen = np.flatnonzero(members[columns])
            if chosen.size:
                part = integrate(data.take(chosen), local[:, chosen], modes[:, chosen], nodes)
                for whole, piece in zip(found, part, strict=True):
                    whole[chosen] = piece
        return found

    def choose_nodes(self, theta: FloatArray, accuracy: float) -> IndexArray:
        """Return nodes per study so that each data set's log-likelihood is good to `accuracy`.

        Parameters
        ----------
        theta
            (b, p) parameters near the optimum.
        accuracy
            Absolute error to aim at.

        Returns
        -------
        (b·k,) array
            Members of `RUNGS`. The error of adaptive Gauss–Hermite quadrature falls geometrically in the
            number of nodes; its rate is estimated for each study from three rungs, and the first rung whose
            extrapolated error is small enough is taken.
        """
        local, columns, data, modes = self._place(np.arange(len(theta)), theta)
        share = accuracy / self.design.k
        low, middle, high = RUNGS[0], RUNGS[1], RUNGS[3]
        value = {q: log_likelihoods(data, local, modes, q) for q in (low, middle, high)}
        error_low = np.abs(value[low] - value[high]) + 1e-16
        error_middle = np.abs(value[middle] - value[high]) + 1e-16
        rate = np.clip(np.log(error_low / error_middle) / (middle - low), SLOWEST, FASTEST)
        wanted = middle + np.log(np.maximum(error_middle / share, 1e-300)) / rate
        wanted = np.where(error_low < share, low, wanted)
        rung = np.searchsorted(RUNGS, wanted)
        return np.array(RUNGS)[np.minimum(rung, len(RUNGS) - 1)].astype(np.intp).reshape(columns.shape)

    def _place(self, rows: IndexArray, theta: FloatArray) -> tuple[FloatArray, IndexArray, Binomials, FloatArray]:
        """Return local parameters, columns, arms and modes of the data sets `rows`."""
        columns = (rows[:, None] * self.design.k + np.arange(self.design.k)).ravel()
        data = self.data if columns.size == self.data.y.shape[1] else self.data.take(columns)
        local = self.design.local(theta)
        start = self._modes[:, columns]
        if np.isnan(start[0, 0]):
            start = first_guess(data, local)
        modes = find_modes(data, local, start)
        self._modes[:, columns] = modes
        return local, columns, data, modes


# Bounds of the rate at which the quadrature's error falls per node, about what is seen from tau = 2 to tau = 0.
SLOWEST: Final = 0.35
FASTEST: Final = 1.5


def _groups(nodes: int | IndexArray) -> list[tuple[int, NDArray[np.bool_]]]:
    """Return pairs of a number of nodes and the mask of the studies that get it."""
    if isinstance(nodes, int):
        return [(nodes, np.empty(0, dtype=bool))]
    groups: list[tuple[int, NDArray[np.bool_]]] = []
    waiting = np.zeros(nodes.shape, dtype=bool)
    present = np.unique(nodes)
    for count in present:
        waiting |= nodes == count
        if count == present[-1] or waiting.sum() * count * count > SMALL_GROUP:
            groups.append((int(count), waiting))
            waiting = np.zeros(nodes.shape, dtype=bool)
    return groups
