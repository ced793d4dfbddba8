"""Which between-study covariance to fit: the one asked for, or the simplest that few or sparse studies need.

Order of ``structure="auto"``, after Takwoingi and colleagues (2017):

1. ``unstructured``, if its maximum is regular: both variances positive, correlation inside (−1, 1);
2. ``independent`` (no correlation), if both its variances are positive;
3. ``fixed_sensitivity``, ``fixed_specificity`` or ``fixed``: without the variances that were 0 at step 2.

A single study is always ``fixed``.

References
----------
Takwoingi Y, Guo B, Riley RD, Deeks JJ (2017) doi 10.1177/0962280215592269.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from livingreview.synthesis.boundary import TAU_SENSITIVITY, TAU_SPECIFICITY
from livingreview.synthesis.design import Design, Structure
from livingreview.synthesis.existence import why_impossible
from livingreview.synthesis.solve import Settings, Solutions, require_name, solve
from livingreview.synthesis.tables import Tables

__all__ = ["ASKED_FOR", "StructureChoice", "solve_structure"]

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]
StructureChoice = Literal["auto", Structure]

ASKED_FOR: Final = "asked for"
REGULAR: Final = "the unstructured model has a regular maximum"
ONE_STUDY: Final = "one study says nothing about the variation between studies"
TOO_FEW: Final = "a between-study variance needs at least two studies, found {k}; structure='fixed' needs one"


def solve_structure(
    tables: Tables,
    x1: FloatArray,
    x2: FloatArray,
    structure: StructureChoice,
    settings: Settings,
    start: FloatArray | None = None,
) -> Solutions:
    """Fit every data set under the structure asked for, or under the first of the documented order that is regular.

    Parameters
    ----------
    tables
        b data sets of k rows.
    x1, x2
        (k, p1) and (k, p2) designs of both means.
    structure
        A structure or ``"auto"``.
    settings
        Model, method and correction.
    start
        Free parameters to start from, for a structure other than ``"auto"``.

    Returns
    -------
    Solutions
        Each with its structure and the reason for it.
    """
    require_name("structure", structure, get_args(StructureChoice))
    alone = tables.n.any(axis=0).sum(axis=1) < 2
    if structure == "auto":
        found = _simplest_needed(tables, x1, x2, settings)
        return _refit(found, np.flatnonzero(alone), tables, Design(x1, x2, "fixed"), settings, lambda *_: ONE_STUDY)
    design = Design(x1, x2, structure)
    found = solve(tables, design, settings, start).because(ASKED_FOR)
    few = np.flatnonzero(alone) if structure != "fixed" else np.zeros(0, dtype=np.intp)
    message = (TOO_FEW.format(k=1),) * few.size
    return Solutions.failed(design, message).because(ASKED_FOR).scatter(few, found)


def _simplest_needed(tables: Tables, x1: FloatArray, x2: FloatArray, settings: Settings) -> Solutions:
    """Go through the documented order, each step for the data sets that the one before could not serve."""
    unstructured = Design(x1, x2, "unstructured")
    found = solve(tables, unstructured, settings).because(REGULAR)
    why = why_impossible(tables, unstructured, settings.model, settings.correction)
    possible = np.array([not message for message in why])
    irregular = possible & _irregular(found)
    found = _refit(
        found, np.flatnonzero(irregular), tables, unstructured.with_structure("independent"), settings, _because_of
    )
    still = irregular & _irregular(found)
    targets = np.array([_without_zero_variances(found.boundary[row]) for row in range(len(still))])
    for simpler in ("fixed_sensitivity", "fixed_specificity", "fixed"):
        rows = np.flatnonzero(still & (targets == simpler))
        found = _refit(found, rows, tables, unstructured.with_structure(simpler), settings, _because_of)
    return found


def _irregular(found: Solutions) -> NDArray[np.bool_]:
    pairs = zip(found.failure, found.boundary, strict=True)
    return np.array([bool(failure or boundary) for failure, boundary in pairs])


def _without_zero_variances(boundary: tuple[str, ...]) -> Structure:
    """Return the structure that leaves out what an independent fit found to be zero; a failed fit leaves out all."""
    if boundary == (TAU_SENSITIVITY,):
        return "fixed_sensitivity"
    return "fixed_specificity" if boundary == (TAU_SPECIFICITY,) else "fixed"


def _because_of(found: Solutions, row: int) -> str:
    """Return why the fit in this row was not kept, after the reasons of the steps before it."""
    why = ", ".join(found.boundary[row]) if found.boundary[row] else "no regular maximum"
    step = f"the {found.structure[row]} model gave {why}"
    return step if found.reason[row] == REGULAR else f"{found.reason[row]}; {step}"


def _refit(
    found: Solutions,
    rows: IndexArray,
    tables: Tables,
    design: Design,
    settings: Settings,
    reason: Callable[[Solutions, int], str],
) -> Solutions:
    """Return `found` with the data sets `rows` fitted under another design, and why."""
    if not rows.size:
        return found
    again = solve(tables.take(rows), design, settings)
    again = replace(again, reason=tuple(reason(found, int(row)) for row in rows))
    return again.scatter(rows, found)
