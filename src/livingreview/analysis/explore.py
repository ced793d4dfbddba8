"""Everything the explorer shows, computed beforehand: every set of studies that its filters can leave, pooled.

The browser computes no statistics. A choice of filters leaves some of the studies with a usable 2×2 table; there are
far fewer such sets than choices, so each is pooled here, by the engine that computes the chapters, and the page looks
the set up. Numbers reach the page as the text that a chapter would print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from livingreview.analysis.diagnosis import Pooled, central_table, pool, printed_text
from livingreview.analysis.evidence import MAIN, Selection, TableEvidence, gather, select
from livingreview.analysis.overlap import reported
from livingreview.analysis.overlap_pooling import METRICS
from livingreview.analysis.tabulate import NOT_SEEN
from livingreview.errors import ReviewError
from livingreview.review import Review, label
from livingreview.review.model import Judgement, Study
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.measures import sensitivity, specificity
from livingreview.synthesis.regions import confidence_region, prediction_region
from livingreview.synthesis.sroc import rutter_gatsonis
from livingreview.wording import with_interval

__all__ = ["FACETS", "Explorer", "explorer", "reachable"]

# More sets than this are not worth anybody's waiting; the page then says which choices it cannot answer.
MOST_SETS = 2_000
# Corners of a region and points of a curve; enough to look smooth at the width of a page.
CORNERS = 48


class Facet(NamedTuple):
    """A property to filter by: its key in the address of a view, its name for readers, and a study's values of it."""

    name: str
    title: str
    values: Callable[[Study], Iterable[str | None]]


def _overall(judgements: Iterable[Judgement]) -> Iterable[str]:
    return (item.judgement for item in judgements if item.domain == "overall")


def _part(block: str, name: str) -> Callable[[Study], Iterable[str | None]]:
    return lambda study: (getattr(getattr(study, block), name, None),)


FACETS: tuple[Facet, ...] = (
    Facet("task", "Task", lambda study: (study.task,)),
    Facet("topic", "Condition or subject", lambda study: (study.topic,)),
    Facet("structure", "Structure outlined", lambda study: (entry.structure for entry in study.overlap)),
    Facet("family", "Architecture", _part("index_test", "family")),
    Facet("dataset", "Public dataset", lambda study: (study.setting and study.setting.datasets) or ()),
    Facet("access", "Access to the data", _part("setting", "access")),
    Facet("validation", "Validation", _part("setting", "validation")),
    Facet("bias", "Risk of bias", lambda study: _overall(study.appraisal.judgements if study.appraisal else ())),
    Facet("extraction", "Extraction", lambda study: ("signed by a person" if study.verified else "not yet signed",)),
)


@dataclass(frozen=True)
class Explorer:
    """What the page needs, as plain JSON types.

    Parameters
    ----------
    facets
        Name, title and values of each filter that tells studies apart.
    undivided
        Titles of the filters that no study differs in: they are not offered.
    studies
        One object per study, with what it prints, its values of each facet and the bit of its 2×2 table, if it has one.
    tables
        The usable 2×2 tables, ordered by bit.
    pooled
        Set of tables, as the sum of their bits in decimal → what they pool to, or why they do not.
    overlap
        Dice and Hausdorff values.
    """

    facets: tuple[Mapping[str, Any], ...]
    undivided: tuple[str, ...]
    studies: tuple[Mapping[str, Any], ...]
    tables: tuple[Mapping[str, Any], ...]
    pooled: Mapping[str, Mapping[str, Any]]
    overlap: tuple[Mapping[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "facets": list(self.facets),
            "studies": list(self.studies),
            "tables": list(self.tables),
            "pooled": dict(self.pooled),
            "overlap": list(self.overlap),
        }


def explorer(review: Review) -> Explorer:
    """Compute everything the explorer shows.

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
    values = {facet.name: [_values(facet, study) for study in studies] for facet in FACETS}
    offered = [facet for facet in FACETS if len({value for own in values[facet.name] for value in own}) > 1]
    rows = tuple(
        {
            "id": study.id,
            "label": label(study),
            "title": study.report.title,
            "doi": study.report.doi,
            "year": study.report.year,
            "standing": standing.status if (standing := study.standing_on(review.day)) else None,
            "verified": study.verified,
            "bit": bit.get(study.id, 0),
            **_printed(study, [item for item in evidence if item.study is study], selection),
            **{facet.name: values[facet.name][place] for facet in offered},
        }
        for place, study in enumerate(studies)
    )
    choices = [[_mask(rows, facet.name, value) for value in _distinct(rows, facet.name)] for facet in offered]
    choices += [_year_masks(rows, np.greater_equal), _year_masks(rows, np.less_equal)]
    pooled = {}
    for mask in sorted(reachable(choices, sum(bit.values()))):
        chosen = [item for item in evidence if bit.get(item.study.id, 0) & mask]
        pooled[str(mask)] = _pooled(pool(review, MAIN, evidence=chosen))
    return Explorer(
        facets=tuple(
            {"name": facet.name, "title": facet.title, "values": _distinct(rows, facet.name)} for facet in offered
        ),
        undivided=tuple(facet.title for facet in FACETS if facet not in offered),
        studies=rows,
        tables=_tables([(item.study, central_table(item.tables), len(item.tables)) for item in used]),
        pooled=pooled,
        overlap=_overlap(review),
    )


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
        return {"sensitivity": "", "specificity": "", "tested": "", "grade": grade}
    refused = dict(selection.left_out)
    item = min(
        items, key=lambda i: (i in refused, not (i.entry.sensitivity or i.entry.specificity), not i.entry.primary)
    )
    entry = item.entry
    return {
        "sensitivity": printed_text(entry.sensitivity),
        "specificity": printed_text(entry.specificity),
        "tested": f"{entry.n:,} {entry.unit or 'case'}s" if entry.n else "",
        "grade": "pooled" if item not in refused else f"{refused[item]}, not pooled" if item.usable else item.grade,
    }


def _values(facet: Facet, study: Study) -> list[str]:
    return sorted({str(value) for value in facet.values(study) if value is not None}) or [NOT_SEEN]


def _distinct(rows: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    values = {value for row in rows for value in row[name]}
    return [*sorted(values - {NOT_SEEN}, key=str.casefold), *sorted(values & {NOT_SEEN})]


def _mask(rows: Iterable[Mapping[str, Any]], name: str, value: str) -> int:
    return sum(int(row["bit"]) for row in rows if value in row[name])


def _year_masks(rows: Sequence[Mapping[str, Any]], side: Callable[[int, int], Any]) -> list[int]:
    years = sorted({row["year"] for row in rows if row["year"]})
    return [sum(int(row["bit"]) for row in rows if row["year"] and side(row["year"], year)) for year in years]


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


def _tables(used: Sequence[tuple[Study, Any, int]]) -> tuple[Mapping[str, Any], ...]:
    if not used:
        return ()
    tp, fp, fn, tn = np.array([table for _, table, _ in used]).T
    counts = Counts.from_arrays(tp, fp, fn, tn)
    measures = [sensitivity(counts), specificity(counts)]
    return tuple(
        {
            "id": study.id,
            "cells": [int(cell) for cell in table],
            "fit": fit,
            "forest": [[_short(column[place]) for column in (m.estimate, m.lower, m.upper)] for m in measures],
        }
        for place, (study, table, fit) in enumerate(used)
    )


def _overlap(review: Review) -> tuple[Mapping[str, Any], ...]:
    values = reported(review, list(METRICS))
    columns = ["study", "metric", "group", "value", "statistic"]
    return tuple(
        {column: None if pd.isna(row[column]) else row[column] for column in columns}
        for row in values[columns].to_dict("records")
    )
