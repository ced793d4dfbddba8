"""What is new since the last version, what each version rests on, and how the pooled estimates came to be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from livingreview.analysis.diagnosis import pool
from livingreview.analysis.evidence import gather
from livingreview.analysis.segmentation import METRICS
from livingreview.analysis.tabulate import reference
from livingreview.living.difference import ResultsChange, compare_results
from livingreview.living.releases import previous_release, read_releases
from livingreview.living.results import measure_name, measure_text, results_of
from livingreview.review import STUDY_ID, Review, label
from livingreview.review.model import Release
from livingreview.review.model.files import FrozenMeasure, FrozenResults, FrozenSynthesis
from livingreview.synthesis.intervals import Interval
from livingreview.wording import day, decimal, in_words, listing, plural, with_interval

__all__ = [
    "News", "Step", "base_table", "by_publication", "by_version", "moved_table", "news", "notices", "standings_table",
    "steps_table", "summary", "versions_items_table", "versions_table",
]  # fmt: skip

NOT_MET = "not met"
_PAIR = ("sensitivity", "specificity")


@dataclass(frozen=True, eq=False)
class News:
    """The review today, its versions, and what differs from the last one that differs.

    Parameters
    ----------
    review
        The review on its day, all extractions taken in: released versions are never limited to verified ones.
    releases
        Every version up to that day, the oldest first.
    today
        Its results.
    last
        The newest version whose results are not today's; None where there is none.
    change
        From that version to today; None without one.
    """

    review: Review
    releases: tuple[Release, ...]
    today: FrozenResults
    last: Release | None
    change: ResultsChange | None

    @property
    def current(self) -> Release | None:
        """The newest version, where its results are today's."""
        newest = self.releases[-1] if self.releases else None
        return newest if newest is not self.last else None


def news(review: Review) -> News:
    """Compare the review with its last released version.

    Raises
    ------
    DataError
        A release file has faults.
    """
    review = replace(review, verified_only=False)
    releases = tuple(release for release in read_releases(review.root) if release.day <= review.day)
    today = results_of(review)
    last = previous_release(releases, today)
    change = compare_results(last.results, today, rules=review.file.conclusion_rules) if last else None
    return News(review, releases, today, last, change)


def notices(found: News) -> tuple[str, ...]:
    """Return a sentence for each conclusion rule that fired, with what people concluded, and each first pooling."""
    if found.change is None:
        return ()
    said = {item.rule: item.text for item in found.current.conclusions} if found.current else {}
    texts = [f"{hit.text} {said.get(hit.rule.id, '')}".strip() for hit in found.change.fired]
    return (*texts, *(item.text for item in found.change.appearances))


def summary(found: News) -> str:
    """Return in one or two sentences what changed since the last version."""
    if found.last is None or found.change is None:
        return "No version of this review came before this one."
    before = found.last.results.studies
    joined = {status: len(set(ids) - set(before.get(status, ()))) for status, ids in found.today.studies.items()}
    count = sum(joined.values())
    came = plural(count, "study", "studies") + " came in or changed standing" if count else "no study came in"
    parts = listing([f"{n} {status}" for status, n in joined.items() if n])
    changed = found.change.changed
    moved = f"in {plural(len(changed), 'synthesis', 'syntheses')} of {len(found.change.syntheses)} a number changed"
    return (
        f"Since version {found.last.version} ({day(found.last.day)}), {came}{f' ({parts})' if parts else ''}; "
        f"{moved if changed else 'no number changed'}."
    )


def standings_table(found: News) -> pd.DataFrame:
    """Return one row per study that came in, went out, or changed its standing since the last version."""
    before = _standings(found.last.results) if found.last else {}
    now = _standings(found.today)
    studies = {study.id: study for study in found.review.studies}
    pooled = {name for item in found.today.syntheses if item.measures for name in item.studies}
    rows = []
    for name in sorted({**before, **now}):
        then, today = before.get(name, NOT_MET), now.get(name, NOT_MET)
        if then != today:
            study = studies.get(name)
            who = (name, label(study), study.task or "") if study else (None, name, "")
            rows.append((*who, then, today, "yes" if name in pooled else "no", reference(study) if study else ""))
    return pd.DataFrame(rows, columns=[STUDY_ID, "Study", "Task", "Then", "Now", "Pooled now", "Reference"])


def _standings(results: FrozenResults) -> dict[str, str]:
    return {name: status for status, ids in results.studies.items() for name in ids}


def moved_table(found: News) -> pd.DataFrame:
    """Return every number of the syntheses that changed since the last version: then and now."""

    def shown(name: str, measure: FrozenMeasure | None, side: FrozenSynthesis | None) -> str:
        if measure:
            return measure_text(name, measure)
        return f"not pooled: {side.reason}" if side else "not made"

    rows = [
        (item.title, measure_name(name), shown(name, before, item.before), shown(name, after, item.after))
        for item in (found.change.changed if found.change else ())
        for name, (before, after) in item.measures.items()
    ]
    return pd.DataFrame(rows, columns=["Synthesis", "Measure", "Then", "Now"])


def base_table(found: News) -> pd.DataFrame:
    """Return what the base review printed, what this review gives today, and why the two differ, one row per result."""
    columns = ["What", "The base review printed", "Here today", "Why they differ"]
    pooled = found.review.baseline["pooled"].to_dict("records")
    printed = {(row["synthesis"], row["measure"]): row for row in pooled}
    of_diagnosis = [printed["diagnosis_prediction", measure] for measure in _PAIR]
    why = _why_pooled_differs(found, int(of_diagnosis[0]["studies"]))
    rows = [
        (measure.capitalize(), _as_printed(row), _pooled_today(found.today["diagnosis"], measure), reason)
        for measure, row, reason in zip(_PAIR, of_diagnosis, (why, "as for sensitivity"), strict=True)
    ]
    for metric in ("dice", "hausdorff"):
        row, synthesis = printed["segmentation", metric], found.today[f"tabulated/{metric}"]
        mean, sd = (decimal(synthesis.value(name) or math.nan) for name in ("mean", "sd"))
        before, now = f"{decimal(float(row['estimate']))} ± {decimal(float(row['sd']))}", f"{mean} ± {sd}"
        reason = "they agree" if before == now else "the base review's own table does not give what it prints"
        told = f"{_of(int(row['studies']))} {before}", f"{_of(len(synthesis.studies))} {now}"
        rows.append((METRICS[metric], *told, reason))
    reason = "what was counted (patients, slices or voxels) is not stated"
    for measure in _PAIR:
        row = printed["segmentation", measure]
        rows.append((f"{measure.capitalize()} of segmentation", _as_printed(row), "not pooled", reason))
    studies, named = int(found.review.file.base_review["studies"]), len(found.review.included)
    reason = "no more could be named from what the base review prints" if named < studies else ""
    rows.append(("Studies included", f"{studies}", f"{named} named", reason))
    return pd.DataFrame(rows, columns=columns)


def _as_printed(row: Mapping[Any, Any]) -> str:
    limits = f"95 % CI {decimal(float(row['ci_lower']))} to {decimal(float(row['ci_upper']))}"
    return f"{_of(int(row['studies']))} {decimal(float(row['estimate']))} ({limits})"


def _pooled_today(synthesis: FrozenSynthesis, measure: str) -> str:
    interval = _interval(synthesis, measure)
    if interval is None:
        return f"not pooled: {synthesis.reason}"
    return f"{_of(len(synthesis.studies))} {with_interval(interval, scale='plain', decimals=2)}"


def _of(count: int) -> str:
    return f"{count} {'study' if count == 1 else 'studies'}:"


def _why_pooled_differs(found: News, before: int) -> str:
    used = found.today["diagnosis"].studies
    if not used:
        return "nothing is pooled here"
    included = sum(study.id in used for study in found.review.included)
    of = f"{in_words(included) if included else 'none'} {'is' if included == 1 else 'are'} included"
    return (
        f"other studies and another model: it names none of its {in_words(before)}; of the "
        f"{in_words(len(used))} here {of} and {in_words(len(used) - included)} await a person's decision"
    )


def versions_table(releases: Sequence[Release], today: FrozenResults) -> pd.DataFrame:
    """Return one column per version up to today, side by side; the last column is today."""
    columns = {f"{item.version} ({day(item.day)})": item.results for item in releases if item.day <= today.day}
    columns[f"Today ({day(today.day)})"] = today
    rows = {
        "Last database search": [day(results.last_search) for results in columns.values()],
        **{
            f"Studies {status}": [f"{len(results.studies.get(status, ()))}" for results in columns.values()]
            for status in today.studies
        },
        "Studies usable, diagnosis": [f"{len(results['diagnosis'].studies)}" for results in columns.values()],
    }
    return pd.DataFrame(rows, index=list(columns)).T.rename_axis("What").reset_index()


def versions_items_table(releases: Sequence[Release]) -> pd.DataFrame:
    """Return what PRISMA-LSR asks to be told of each version, one row per item; what nobody told is said to be so."""
    rows = []
    for release in releases:
        people = [f"{who.name} ({', '.join(who.roles) or 'role not stated'})" for who in release.authors]
        items = {
            "What it is": [f"{release.title}." if release.title else "", release.about or ""],
            "Trigger": [release.trigger or ""],
            "Changes to the methods": release.methods_changed,
            "Changes to the conclusions": [f"{item.says} {item.text}" for item in release.conclusions],
            "Authors and roles": ["; ".join(people)],
            "SHA-256 of the data": [release.digests.data],
            "SHA-256 of the code": [release.digests.code],
        }
        rows += [
            (release.version, item, " ".join(filter(None, texts)) or "not stated") for item, texts in items.items()
        ]
    return pd.DataFrame(rows, columns=["Version", "Item", "Stated"])


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


def by_version(review: Review, releases: Sequence[Release], today: FrozenResults) -> tuple[Step, ...]:
    """Return the main synthesis of each version (oldest first) up to today, as it was frozen, and of today."""
    names = {study.id: label(study) for study in review.studies}
    versions = [(item.version, item.results) for item in releases if item.day <= today.day]
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


def _interval(synthesis: FrozenSynthesis, name: str) -> Interval | None:
    estimate, lower, upper = (synthesis.value(f"{name}{limit}") for limit in ("", "_lower", "_upper"))
    level = synthesis.measures[name].level if name in synthesis.measures else None
    if estimate is None or lower is None or upper is None or level is None:
        return None
    return Interval(estimate, lower, upper, level)


def steps_table(steps: Sequence[Step]) -> pd.DataFrame:
    """Return one row per step: who joined, and what was pooled or why not."""
    rows = [
        (
            step.label,
            step.k,
            ", ".join(step.joined),
            with_interval(step.sensitivity) if step.sensitivity else step.reason,
            with_interval(step.specificity) if step.specificity else "",
        )
        for step in steps
    ]
    return pd.DataFrame(rows, columns=["Evidence", "Studies", "Joined", "Sensitivity", "Specificity"])
