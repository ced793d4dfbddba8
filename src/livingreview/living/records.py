"""What differs in the files of two states of the review: studies, datasets and ``review.yaml``, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest
from typing import Any, Literal

from pydantic import BaseModel

from livingreview.review import Review, label
from livingreview.review.model import Study

__all__ = ["FieldChange", "Kind", "RecordChange", "record_changes"]

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class FieldChange:
    """One field: its dotted path (entries of lists by id, where they have one) and its values; None is absent."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class RecordChange:
    """One study, dataset or ``review.yaml`` that came, went or changed.

    Parameters
    ----------
    file
        Below the repository, e.g. ``data/studies/bai2018.yaml``.
    kind
        What happened to it.
    name
        For readers: a study's label with its title, a dataset's name.
    fields
        What changed in it; empty for a file that came or went, and where only the order of entries changed.
    standing
        A study's standing before and after.
    """

    file: str
    kind: Kind
    name: str
    fields: tuple[FieldChange, ...] = ()
    standing: tuple[str | None, str | None] = (None, None)


def record_changes(before: Review, after: Review) -> tuple[RecordChange, ...]:
    """Return every study, dataset and ``review.yaml`` that differs between two reviews, in this order."""
    return (*_studies(before, after), *_others(before, after))


def _studies(before: Review, after: Review) -> Iterator[RecordChange]:
    old, new = ({study.id: study for study in review.studies} for review in (before, after))
    for name in sorted({**old, **new}):
        was, now = old.get(name), new.get(name)
        standing = (_status(was, before.day), _status(now, after.day))
        if _facts(was) != _facts(now) or standing[0] != standing[1]:
            change = _record(f"{after.root.name}/studies/{name}.yaml", _name([now, was]), was, now)
            yield replace(change, standing=standing)


def _facts(study: Study | None) -> dict[str, Any] | None:
    """Return what the study's file says; the letter beside its name comes from other files."""
    return study.model_dump() if study else None


def _others(before: Review, after: Review) -> Iterator[RecordChange]:
    root = after.root.name
    for name in sorted({**before.datasets, **after.datasets}):
        was, now = before.datasets.get(name), after.datasets.get(name)
        if was != now:
            title = next(dataset.name for dataset in (now, was) if dataset)
            yield _record(f"{root}/datasets/{name}.yaml", title, was, now)
    if before.file != after.file:
        yield _record(f"{root}/review.yaml", "the review itself", before.file, after.file)


def _record(file: str, name: str, was: BaseModel | None, now: BaseModel | None) -> RecordChange:
    if was is None or now is None:
        return RecordChange(file, "added" if was is None else "removed", name)
    old, new = (side.model_dump(mode="json", exclude_defaults=True) for side in (was, now))
    return RecordChange(file, "changed", name, tuple(_field_changes(old, new, "")))


def _field_changes(old: Any, new: Any, where: str) -> Iterator[FieldChange]:
    """Yield the fields that differ; a block or entry on one side only is told field by field too."""
    if old == new:
        return
    sides = [side for side in (old, new) if side is not None]
    if all(isinstance(side, dict) for side in sides):
        before, after = old or {}, new or {}
        for key in {**before, **after}:
            yield from _field_changes(before.get(key), after.get(key), f"{where}.{key}" if where else key)
    elif all(isinstance(side, list) and side and all(isinstance(item, dict) for item in side) for side in sides):
        for key, was, now in _paired(old or [], new or []):
            yield from _field_changes(was, now, f"{where}[{key}]")
    else:
        yield FieldChange(where, old, new)


def _paired(old: list[Any], new: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Pair entries by id; those without ids in order, once the ones on both sides are taken out."""
    if all("id" in item for item in (*old, *new)):
        before, after = ({item["id"]: item for item in side} for side in (old, new))
        yield from ((key, before.get(key), after.get(key)) for key in {**before, **after})
        return
    gone = [(place, item) for place, item in enumerate(old) if item not in new]
    come = [(place, item) for place, item in enumerate(new) if item not in old]
    for was, now in zip_longest(gone, come):
        place, _ = now or was
        yield str(place), was and was[1], now and now[1]


def _status(study: Study | None, day: date) -> str | None:
    standing = study.standing_on(day) if study else None
    return standing.status if standing else None


def _name(sides: Sequence[Study | None]) -> str:
    study = next(side for side in sides if side)
    return f"{label(study)}: {study.report.title}" if study.report.title else label(study)
