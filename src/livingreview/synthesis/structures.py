"""Which between-study covariance to fit: the one asked for, or the simplest that few or sparse studies need.

Order of ``structure="auto"``, after Takwoingi and colleagues (2017):

1. ``unstructured``, if its maximum is regular: both variances positive, correlation inside (−1, 1);
2. ``independent`` (no correlation), if both its variances are positive;
3. ``fixed_sensitivity``, ``fixed_specificity`` or ``fixed``: without the variances that were 0 at step 2.

A single study is always ``fixed``.

No structure is taken that the likelihood contradicts: whose log-likelihood is significantly below the highest that any
structure reached, whether or not its search converged there (ratio test at 5 %, with the difference in parameters as
degrees of freedom). So a correlation of ±1, which few studies give by chance, makes way for none; but where the studies
follow one curve, as when they differ in their threshold alone, it stays, and the result names the boundary. A variance
of 0 costs no likelihood: the simpler structure says the same with fewer parameters. After a search that failed, the
order goes on through each structure; where none is left, the fit fails and says what was tried: to leave out
heterogeneity that the studies show would give intervals that are far too narrow.

References
----------
Takwoingi Y, Guo B, Riley RD, Deeks JJ (2017) doi 10.1177/0962280215592269.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, get_args

import numpy as np
from scipy.special import chdtri

from livingreview.synthesis.arrays import BoolArray, FloatArray, IndexArray
from livingreview.synthesis.design import Design, Structure, Tables
from livingreview.synthesis.search_space import TAU_SENSITIVITY, TAU_SPECIFICITY
from livingreview.synthesis.solve import (
    DIVERGED,
    EXACT,
    NOT_CONVERGED,
    Precision,
    Settings,
    Solutions,
    require_name,
    solve,
)

__all__ = ["ASKED_FOR", "StructureChoice", "solve_structure"]

StructureChoice = Literal["auto", Structure]

ASKED_FOR: Final = "asked for"
REGULAR: Final = "the unstructured model has a regular maximum"
ORDER: Final[tuple[Structure, ...]] = get_args(Structure)
# Level of the likelihood-ratio test that stops a simplification after a failed search.
SIGNIFICANT: Final = 0.05
CONTRADICTED: Final = (
    "structure='auto' found no fit that the studies do not contradict: {steps}; find the studies that differ most, "
    "or ask for a structure by name"
)
ONE_STUDY: Final = "one study says nothing about the variation between studies"
TOO_FEW: Final = "a between-study variance needs at least two studies, found {k}; structure='fixed' needs one"


def solve_structure(
    tables: Tables,
    x1: FloatArray,
    x2: FloatArray,
    structure: StructureChoice,
    settings: Settings,
    precision: Precision = EXACT,
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
    precision
        How exactly, for a structure other than ``"auto"``, which compares likelihoods and needs them exact.

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
    found = solve(tables, design, settings, precision).because(ASKED_FOR)
    few = np.flatnonzero(alone)
    if structure == "fixed" or not few.size:
        return found
    message = (TOO_FEW.format(k=1),) * few.size
    return Solutions.failed(design, message).because(ASKED_FOR).scatter(few, found)


def _simplest_needed(tables: Tables, x1: FloatArray, x2: FloatArray, settings: Settings) -> Solutions:
    """Go through the documented order, each step for the data sets that the one before could not serve."""
    design = Design(x1, x2, ORDER[0])
    found = solve(tables, design, settings).because(REGULAR)
    possible = ~np.isnan(found.reached)  # no structure has a maximum where there was none to search for
    lost = possible & _failed(found)
    highest, parameters = found.reached.copy(), np.full(len(possible), design.n_free)
    for structure in ORDER[1:]:
        design = design.with_structure(structure)
        rows = np.flatnonzero(possible & [_leads_to(structure, found, row) for row in range(len(possible))])
        if not rows.size:
            continue
        before, found = found, _refit(found, rows, tables, design, settings, _because_of)
        higher = rows[found.reached[rows] > highest[rows]]
        highest[higher], parameters[higher] = found.reached[higher], design.n_free
        # A structure may reach more than a richer one whose search failed early, hence at least one.
        margin = 0.5 * chdtri(np.maximum(parameters - design.n_free, 1), SIGNIFICANT)
        contradicted = found.reached < highest - margin
        found = _restore(found, rows[contradicted[rows] & ~_failed(before)[rows]], before)
        judged = rows[lost[rows] & ~_failed(found)[rows]]
        lost[rows] |= _failed(found)[rows]
        found = _judge(found, judged, contradicted[judged], design)
    return found


def _failed(found: Solutions) -> BoolArray:
    return np.array([bool(failure) for failure in found.failure])


def _leads_to(structure: Structure, found: Solutions, row: int) -> bool:
    """Return whether this structure is to be tried after the fit in this row, which comes before it in the order."""
    if found.failure[row]:
        return True
    if not found.boundary[row]:
        return False
    before = found.structure[row]
    if before == "unstructured":
        return structure == "independent"
    no_sensitivity = before == "fixed_sensitivity" or TAU_SENSITIVITY in found.boundary[row]
    no_specificity = before == "fixed_specificity" or TAU_SPECIFICITY in found.boundary[row]
    if no_sensitivity and no_specificity:
        return structure == "fixed"
    return structure == ("fixed_sensitivity" if no_sensitivity else "fixed_specificity")


def _restore(found: Solutions, rows: IndexArray, before: Solutions) -> Solutions:
    """Return `found` with the fits at a boundary from before in `rows`, where the simpler structure is contradicted."""
    if not rows.size:
        return found
    reason = tuple(
        f"{', '.join(before.boundary[row])} stays, because the {found.structure[row]} model's log-likelihood of "
        f"{found.reached[row]:.2f} is significantly below {before.reached[row]:.2f}"
        for row in rows
    )
    return replace(before.take(rows), reason=reason).scatter(rows, found)


def _judge(found: Solutions, rows: IndexArray, contradicted: BoolArray, design: Design) -> Solutions:
    """Return `found` with a verdict on the fits in `rows`, and without those that are contradicted."""
    reason = list(found.reason)
    for row, worse in zip(rows, contradicted, strict=True):
        how = "is" if worse else "is not"
        reason[row] += (
            f"; the {design.structure} model's {found.reached[row]:.2f} {how} significantly below the highest"
        )
    found = replace(found, reason=tuple(reason))
    refused = rows[contradicted]
    kept = found.take(refused)
    failed = Solutions.failed(design, tuple(CONTRADICTED.format(steps=steps) for steps in kept.reason))
    return replace(failed, reached=kept.reached, reason=kept.reason).scatter(refused, found)


def _because_of(found: Solutions, row: int) -> str:
    """Return why the fit in this row was not kept, after the reasons of the steps before it."""
    before, structure = found.reason[row], found.structure[row]
    if found.failure[row] in (DIVERGED, NOT_CONVERGED):
        step = f"the search for the {structure} model's maximum failed at log-likelihood {found.reached[row]:.2f}"
    elif found.failure[row]:
        return before  # which ends with why it was refused
    else:
        step = f"the {structure} model gave {', '.join(found.boundary[row])}"
    return step if before == REGULAR else f"{before}; {step}"


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
