"""Everything the explorer shows, computed beforehand: every set of studies that its filters can leave, pooled.

The browser computes no statistics. A choice of filters leaves some of the studies with a usable 2×2 table; there are
far fewer such sets than choices, so each is pooled here, by the engine that computes the chapters, and the page looks
the set up. Numbers reach the page as the text that a chapter would print.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from livingreview.analysis.diagnosis import Pooled, central_table, pool, printed_text
from livingreview.analysis.evidence import MAIN, Selection, TableEvidence, gather, select
from livingreview.analysis.segmentation import GROUP_OF, METRICS, reported, statistic_in_words
from livingreview.analysis.tabulate import NOT_SEEN
from livingreview.errors import ReviewError
from livingreview.review import Review, label
from livingreview.review.model import Quoted, Study
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.measures import sensitivity, specificity
from livingreview.synthesis.regions import confidence_region, prediction_region
from livingreview.synthesis.sroc import rutter_gatsonis
from livingreview.wording import decimal, in_words, with_interval

__all__ = ["FACETS", "explorer", "reachable"]

# More sets than this are not worth anybody's waiting; the page then says which choices it cannot answer.
MOST_SETS = 2_000
_ELSE = {"accuracy": "accuracy", "auc": "AUC", "f1": "F1", "ppv": "positive predictive value"}
# Corners of a region and points of a curve; enough to look smooth at the width of a page.
CORNERS = 48


class Facet(NamedTuple):
    """A property to filter by: its key in the address of a view, its name for readers, and a study's values of it."""

    name: str
    title: str
    values: Callable[[Study], Iterable[str | None]]


def _part(block: str, name: str) -> Callable[[Study], Iterable[str | None]]:
    return lambda study: (getattr(getattr(study, block), name, None),)


#: The topic of a study whose conditions are several; its evaluations may name them one by one.
SEVERAL = "several conditions"

FACETS: tuple[Facet, ...] = (
    Facet("task", "Task", lambda study: (study.task,)),
    Facet("topic", "Condition or subject", lambda study: (study.topic,)),
    Facet(
        "structure", "Structure outlined", lambda study: (GROUP_OF[e.structure] for e in study.overlap if e.structure)
    ),
    Facet("family", "Architecture", _part("index_test", "family")),
    Facet("dataset", "Public dataset", lambda study: (study.setting and study.setting.datasets) or ()),
    Facet("access", "Access to the data", _part("setting", "access")),
    Facet("validation", "Validation", _part("setting", "validation")),
    Facet("bias", "Risk of bias", lambda study: (study.risk_of_bias,)),
    Facet("extraction", "Extraction", lambda study: ("signed by a person" if study.verified else "not yet signed",)),
)


def explorer(review: Review) -> dict[str, Any]:
    """Compute everything the explorer shows.

    Returns
    -------
    dict
        Plain JSON types. ``facets``: name, title and values of each filter that tells studies apart. ``studies``: what
        each prints, its values of each facet and the bit of its 2×2 table, if it has one; ``says`` tells what it found
        in words, ``also`` the same of each condition that a study of several names, and ``outlines`` of each structure.
        ``tables``: the usable 2×2 tables, ordered by bit. ``pooled``: set of tables, as the sum of their bits in
        decimal → what they pool to, or why they do not. ``overlap``: Dice and Hausdorff values.

    Raises
    ------
    ReviewError
        The filters can leave more sets of studies than can be pooled beforehand.
    """
    evidence = gather(review)
    selection = select(evidence, MAIN, review)
    used = selection.used
    bit = {item.study.id: 1 << place for place, item in enumerate(used)}
    studies = [study for study in review.studies if study in (*review.included, *review.awaiting)]
    conditions = {study.topic for study in studies if study.topic and study.task != "segmentation"} - {SEVERAL}
    overlap = reported(review, list(METRICS))
    values = {facet: [_values(facet, study) for study in studies] for facet in FACETS}
    offered = [facet for facet in FACETS if len({value for own in values[facet] for value in own}) > 1]
    rows: list[dict[str, Any]] = [
        {
            "id": study.id,
            "label": label(study),
            "title": study.report.title,
            "doi": study.report.doi,
            "year": study.report.year,
            "standing": standing.status if (standing := study.standing_on(review.day)) else None,
            "verified": study.verified,
            "bit": bit.get(study.id, 0),
            **_printed(study, own := [item for item in evidence if item.study is study], selection),
            "also": _named(study, own, conditions),
            "outlines": _outlined(overlap[overlap["study"] == study.id]),
            **{facet.name: values[facet][place] for facet in offered},
        }
        for place, study in enumerate(studies)
    ]
    choices = [
        [sum(row["bit"] for row in rows if value in row[facet.name]) for value in _distinct(rows, facet.name)]
        for facet in offered
    ]
    choices += [_year_masks(rows, np.greater_equal), _year_masks(rows, np.less_equal)]
    pooled = {}
    for mask in sorted(reachable(choices, sum(bit.values()))):
        chosen = [item for item in evidence if bit.get(item.study.id, 0) & mask]
        pooled[str(mask)] = _pooled(pool(review, MAIN, evidence=chosen))
    return {
        "facets": [
            {"name": facet.name, "title": facet.title, "values": _distinct(rows, facet.name)} for facet in offered
        ],
        "studies": rows,
        "tables": _tables(used),
        "pooled": pooled,
        "overlap": _overlap(overlap),
    }


def reachable(choices: Sequence[Sequence[int]], everything: int) -> set[int]:
    """Return every set of studies that one choice, or none, of each filter can leave.

    Parameters
    ----------
    choices
        Per filter, the studies that each of its values leaves, as bits.
    everything
        All studies, as bits.

    Raises
    ------
    ReviewError
        There are more than two thousand.

    Examples
    --------
    >>> sorted(reachable([[0b011, 0b100], [0b001]], 0b111))
    [0, 1, 3, 4, 7]
    """
    found = {everything}
    for masks in choices:
        found |= {left & mask for left in found for mask in masks}
        if len(found) > MOST_SETS:
            raise ReviewError(f"the explorer's filters leave more than {MOST_SETS:,} sets of studies; take one away")
    return found


def _printed(study: Study, items: Sequence[TableEvidence], selection: Selection) -> dict[str, str]:
    """Return one evaluation as printed: the one pooled, else one that prints what is asked, else the primary one."""
    if not items:
        grade = "not a 2×2 problem" if study.overlap or study.accuracy else "no result seen"
        return {"sensitivity": "", "specificity": "", "tested": "", "grade": grade, "says": ""}
    refused = dict(selection.left_out)
    item = min(
        items, key=lambda i: (i in refused, not (i.entry.sensitivity or i.entry.specificity), not i.entry.primary)
    )
    entry, computed = item.entry, _computed(item)
    shown = {
        name: printed_text(getattr(entry, name)) or (f"{value} (computed)" if value else "")
        for name, (value, _) in computed.items()
    }
    return {
        **shown,
        "tested": f"{entry.n:,} {entry.unit or 'case'}s" if entry.n else "",
        "says": f"{study.target_condition}: {_says(item)}" if study.target_condition else _says(item),
        "grade": "pooled" if item not in refused else f"{refused[item]}, not pooled" if item.usable else item.grade,
    }


def _computed(item: TableEvidence) -> dict[str, tuple[str, str]]:
    """Return measure → the value and the interval that the 2×2 table of an evaluation gives; both empty without one.

    Of several tables none is chosen: then the value is a range, without an interval.
    """
    if not item.usable:
        return {"sensitivity": ("", ""), "specificity": ("", "")}
    counts = Counts.from_arrays(*item.tables.T)
    found = {}
    for name, measure, arm in (
        ("sensitivity", sensitivity, counts.n_diseased), ("specificity", specificity, counts.n_nondiseased),
    ):  # fmt: skip
        values = measure(counts)
        low, high = (decimal(100 * float(limit), 1) for limit in (values.estimate.min(), values.estimate.max()))
        value = f"{low} %" if low == high else f"{low} to {high} %"
        interval = with_interval(values[0]).partition("(")[2].rstrip(")") if len(item.tables) == 1 else ""
        found[name] = (f"{value}", interval) if arm.all() else ("", "")
    return found


def _says(item: TableEvidence) -> str:
    """Say what one evaluation prints, with intervals from its only table, and on how many."""
    entry = item.entry
    told = []
    with_intervals = False
    for name, (value, interval) in _computed(item).items():
        printed = printed_text(quoted := getattr(entry, name))
        own = interval if not (isinstance(quoted, Quoted) and quoted.ci) and entry.unit in MAIN.units else ""
        with_intervals |= bool(own)
        limits = f" ({own})" if own else ""
        if printed:
            told.append(f"{name} {printed}{limits}")
        elif value:
            told.append(f"{name} {value}{limits}, computed")
    if not told:
        told = [f"{name} {printed_text(getattr(entry, key))}" for key, name in _ELSE.items() if getattr(entry, key)]
    several = "on average over several classes " if entry.problem == "multi-class average" and told else ""
    totals = item.tables.sum(axis=1)
    unit = f"{entry.unit or 'case'}s"
    if entry.n or len(totals):
        low, high = (entry.n, entry.n) if entry.n else (int(totals.min()), int(totals.max()))
        tested = f"{low:,} {unit} tested" if low == high else f"between {low:,} and {high:,} {unit} tested"
    else:
        tested = "number tested not seen"
    source = "; intervals computed from its 2×2 table" if with_intervals else ""
    if not source and any(text.endswith(", computed") for text in told):
        source = f"; computed from the {in_words(len(item.tables))} 2×2 tables that fit"
    return f"{several}{'; '.join(told) or 'no accuracy seen'}; {tested}{source}."


def _named(study: Study, items: Sequence[TableEvidence], conditions: Iterable[str]) -> dict[str, str]:
    """Return condition → what is told of it, for each that a study of several conditions names in full."""
    if study.topic != SEVERAL:
        return {}
    found = {}
    for condition in sorted(conditions):
        name = re.compile(rf"\b{re.escape(condition)}\b", re.IGNORECASE)
        own = [item for item in items if item.entry.label and name.search(item.entry.label)]
        if own:
            found[condition] = f"{own[0].entry.label}: {_says(own[0])}"
        elif items and study.target_condition and name.search(study.target_condition):
            told = min(items, key=lambda item: not item.entry.primary)
            found[condition] = f"{study.target_condition}, taken together: {_says(told)}"
    return found


def _outlined(values: pd.DataFrame) -> dict[str, str]:
    """Return structure → the values that a study reports for it."""
    found: dict[str, list[str]] = {}
    for row in values.to_dict("records"):
        name, unit = METRICS[row["metric"]].removesuffix(" (mm)"), "" if row["metric"] == "dice" else " mm"
        found.setdefault(row["group"], []).append(f"{name} {row['value']:.2f}{unit} ({statistic_in_words(row)})")
    return {group: f"{'; '.join(texts)}." for group, texts in found.items()}


def _values(facet: Facet, study: Study) -> list[str]:
    return sorted({str(value) for value in facet.values(study) if value is not None}) or [NOT_SEEN]


def _distinct(rows: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    values = {value for row in rows for value in row[name]}
    return [*sorted(values - {NOT_SEEN}, key=str.casefold), *sorted(values & {NOT_SEEN})]


def _year_masks(rows: Sequence[Mapping[str, Any]], side: Callable[[int, int], Any]) -> list[int]:
    years = sorted({row["year"] for row in rows if row["year"]})
    return [sum(row["bit"] for row in rows if row["year"] and side(row["year"], year)) for year in years]


def _pooled(pooled: Pooled) -> dict[str, Any]:
    if pooled.fit is None or pooled.imputed is None:
        return {"k": pooled.k, "reason": pooled.reason}
    fit = pooled.fit
    found: dict[str, Any] = {
        "k": pooled.k,
        "sensitivity": with_interval(pooled.imputed.sensitivity),
        "specificity": with_interval(pooled.imputed.specificity),
        "structure": fit.structure.replace("_", " "),
        "forest": [
            [_short(x) for x in (i.estimate, i.lower, i.upper)]
            for i in (pooled.imputed.sensitivity, pooled.imputed.specificity)
        ],
        "point": [_short(1 - fit.specificity.estimate), _short(fit.sensitivity.estimate)],
    }
    # What the model leaves undetermined (a curve without spread, a region of too few studies) is left out of the plane.
    for name, draw in (("confidence", confidence_region), ("prediction", prediction_region)):
        try:
            found[name] = _line(draw(fit).roc)
        except ReviewError:
            continue
    try:
        curve = rutter_gatsonis(fit)
        found["curve"] = _line(np.column_stack([curve.fpr, curve.sensitivity]))
    except ReviewError:
        pass
    return found


def _line(points: np.ndarray[Any, np.dtype[np.float64]]) -> list[list[float]]:
    kept = points[np.unique(np.linspace(0, len(points) - 1, CORNERS).round().astype(int))]
    return [[_short(x), _short(y)] for x, y in kept]


def _short(value: float) -> float:
    return round(float(value), 4)


def _tables(used: Sequence[TableEvidence]) -> list[dict[str, Any]]:
    found = []
    for item in used:
        table = central_table(item.tables)
        counts = Counts.from_arrays(*([cell] for cell in table))
        measures = [measure(counts)[0] for measure in (sensitivity, specificity)]
        forest = [[_short(x) for x in (m.estimate, m.lower, m.upper)] for m in measures]
        found.append({"id": item.study.id, "cells": table.tolist(), "fit": len(item.tables), "forest": forest})
    return found


def _overlap(values: pd.DataFrame) -> list[dict[Any, Any]]:
    shown = values[["study", "metric", "group", "value", "statistic"]].astype(object)
    return shown.where(shown.notna(), None).to_dict("records")
