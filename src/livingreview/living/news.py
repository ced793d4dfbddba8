"""What is new: the review today against its last released version, for the front page and the chapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from livingreview.analysis.tabulate import reference
from livingreview.living.difference import ResultsChange, compare_results
from livingreview.living.releases import frozen_results, previous_release, read_releases
from livingreview.living.results import Results, Synthesis, measure_name, measure_text, results_of
from livingreview.review import STUDY_ID, Review, label
from livingreview.review.model import Release
from livingreview.wording import day, listing, plural

__all__ = ["News", "moved_table", "news", "notices", "standings_table", "summary", "versions_items_table"]

NOT_MET = "not met"


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
    today: Results
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
    change = compare_results(frozen_results(last), today, rules=review.file.conclusion_rules) if last else None
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
    joined = {status: ids for status, ids in _joined(found).items() if ids}
    count = sum(map(len, joined.values()))
    came = plural(count, "study", "studies") + " came in or changed standing" if count else "no study came in"
    parts = listing([f"{len(ids)} {status}" for status, ids in joined.items()])
    changed = found.change.changed
    moved = f"in {plural(len(changed), 'synthesis', 'syntheses')} of {len(found.change.syntheses)} a number changed"
    return (
        f"Since version {found.last.version} ({day(found.last.day)}), {came}{f' ({parts})' if parts else ''}; "
        f"{moved if changed else 'no number changed'}."
    )


def _joined(found: News) -> dict[str, list[str]]:
    before = frozen_results(found.last).studies if found.last else {}
    return {
        status: [name for name in ids if name not in before.get(status, ())]
        for status, ids in found.today.studies.items()
    }


def standings_table(found: News) -> pd.DataFrame:
    """Return one row per study that came in, went out, or changed its standing since the last version."""
    before = _standings(frozen_results(found.last)) if found.last else {}
    now = _standings(found.today)
    studies = {study.id: study for study in found.review.studies}
    rows = [
        {
            STUDY_ID: name if name in studies else None,
            "Study": label(studies[name]) if name in studies else name,
            "Task": (studies[name].task if name in studies else None) or "",
            "Then": before.get(name, NOT_MET),
            "Now": now.get(name, NOT_MET),
            "Pooled now": "yes" if name in _pooled(found.today) else "no",
            "Reference": reference(studies[name]) if name in studies else "",
        }
        for name in sorted({**before, **now})
        if before.get(name) != now.get(name)
    ]
    return pd.DataFrame(rows, columns=[STUDY_ID, "Study", "Task", "Then", "Now", "Pooled now", "Reference"])


def _standings(results: Results) -> dict[str, str]:
    return {name: status for status, ids in results.studies.items() for name in ids}


def _pooled(results: Results) -> set[str]:
    return {name for item in results.syntheses if item.measures for name in item.studies}


def moved_table(found: News) -> pd.DataFrame:
    """Return every number of the syntheses that changed since the last version: then and now."""
    rows = [
        {
            "Synthesis": item.title,
            "Measure": measure_name(measure.name),
            "Then": measure_text(measure.name, measure.before) if measure.before else _reason(item.before),
            "Now": measure_text(measure.name, measure.after) if measure.after else _reason(item.after),
        }
        for item in (found.change.changed if found.change else ())
        for measure in item.measures
    ]
    return pd.DataFrame(rows, columns=["Synthesis", "Measure", "Then", "Now"])


def _reason(synthesis: Synthesis | None) -> str:
    return f"not pooled: {synthesis.reason}" if synthesis else "not made"


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
