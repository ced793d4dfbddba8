"""How the pooled estimates came to be what they are: by year of publication, and by version of the review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from livingreview.analysis.diagnosis import pool
from livingreview.analysis.evidence import gather
from livingreview.living.releases import frozen_results
from livingreview.living.results import Results, Synthesis
from livingreview.review import Review, label
from livingreview.review.model import Release
from livingreview.synthesis.intervals import Interval
from livingreview.wording import day, with_interval

__all__ = ["Step", "by_publication", "by_version", "steps_table"]


@dataclass(frozen=True)
class Step:
    """The diagnostic synthesis at one point of its history.

    Parameters
    ----------
    label
        Which point.
    joined
        Labels of the studies that joined since the step before.
    k
        Number of studies pooled, or that could be.
    sensitivity, specificity
        Pooled; None where nothing was.
    reason
        Why nothing was pooled; empty where something was.
    """

    label: str
    joined: tuple[str, ...]
    k: int
    sensitivity: Interval | None
    specificity: Interval | None
    reason: str


def by_publication(review: Review) -> tuple[Step, ...]:
    """Pool today's evidence again with what was published by the end of each year: a cumulative meta-analysis.

    A step is made for each year in which a study of the synthesis was published; studies whose year was not seen
    join in a last one. The last step is the main synthesis.

    Parameters
    ----------
    review
        The review on a day.

    References
    ----------
    Lau J, et al. Cumulative meta-analysis of therapeutic trials for myocardial infarction. N Engl J Med
    1992;327:248-54. https://doi.org/10.1056/NEJM199207233270406
    """
    evidence = gather(review)
    year = {item.study.id: item.study.report.year for item in evidence}
    used = [year[item.study.id] for item in pool(review, evidence=evidence).selection.used]
    steps: list[Step] = []
    seen: set[str] = set()
    for until in [*sorted({y for y in used if y is not None}), *([None] if None in used else [])]:
        published = [item for item in evidence if until is None or (year[item.study.id] or until + 1) <= until]
        pooled = pool(review, evidence=published)
        studies = {item.study.id: label(item.study) for item in pooled.selection.used}
        steps.append(
            Step(
                label=f"to {until}" if until else "with year not known",
                joined=tuple(text for name, text in studies.items() if name not in seen),
                k=pooled.k,
                sensitivity=pooled.imputed.sensitivity if pooled.imputed else None,
                specificity=pooled.imputed.specificity if pooled.imputed else None,
                reason=pooled.reason,
            )
        )
        seen |= set(studies)
    return tuple(steps)


def by_version(review: Review, releases: Sequence[Release], today: Results) -> tuple[Step, ...]:
    """Return the main diagnostic synthesis of each version up to today, as it was frozen, and of today.

    Parameters
    ----------
    review
        Has the studies' names.
    releases
        The oldest first.
    today
        Today's results.
    """
    names = {study.id: label(study) for study in review.studies}
    versions = [(item.version, frozen_results(item)) for item in releases if item.day <= today.day]
    steps, seen = [], set[str]()
    for name, results in [*versions, ("today", today)]:
        synthesis = results["diagnosis"]
        steps.append(
            Step(
                label=f"{name} ({day(results.day)})",
                joined=tuple(names.get(study, study) for study in synthesis.studies if study not in seen),
                k=len(synthesis.studies),
                sensitivity=_interval(synthesis, "sensitivity"),
                specificity=_interval(synthesis, "specificity"),
                reason=synthesis.reason,
            )
        )
        seen = set(synthesis.studies)
    return tuple(steps)


def _interval(synthesis: Synthesis, name: str) -> Interval | None:
    estimate, lower, upper = (synthesis.value(f"{name}{limit}") for limit in ("", "_lower", "_upper"))
    if estimate is None or lower is None or upper is None:
        return None
    return Interval(estimate, lower, upper, synthesis.measures[name]["level"])


def steps_table(steps: Sequence[Step]) -> pd.DataFrame:
    """Return one row per step: who joined, and what was pooled or why not."""
    return pd.DataFrame(
        [
            {
                "Evidence": step.label,
                "Studies": step.k,
                "Joined": ", ".join(step.joined),
                "Sensitivity": with_interval(step.sensitivity) if step.sensitivity else step.reason,
                "Specificity": with_interval(step.specificity) if step.specificity else "",
            }
            for step in steps
        ],
        columns=["Evidence", "Studies", "Joined", "Sensitivity", "Specificity"],
    )
