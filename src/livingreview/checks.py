"""What a schema cannot see: rules within a study and between files.

Each rule is one generator of faults; :func:`cross_check` runs them all. Codes are stable and documented.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from livingreview.errors import Fault
from livingreview.model import AccuracyEntry, Dataset, Quoted, Study
from livingreview.reading import Document

__all__ = ["cross_check"]

Loaded = tuple[Study, Document]
Rows = Mapping[str, Mapping[int, Mapping[str, Any]]]

PROPORTIONS = ("sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "auc")
# What each baseline table prints, as field of a study → column of the table.
TABULATED = {
    "dice": {"value": "dice"},
    "hausdorff": {"value": "hausdorff_mm"},
    "accuracy": {
        "sensitivity": "sensitivity_percent",
        "specificity": "specificity_percent",
        "accuracy": "accuracy_percent",
        "ppv": "precision_percent",
    },
}
SHARED_ROWS = {"datasets"}
NOT_VALUES = {"source", "sources", "id", "primary", "note", "notes", "label", "rater", "edition", "contradiction"}
STUDY_VALUES = ("task", "base_label", "target_condition", "topic")


def cross_check(
    studies: Sequence[Loaded], datasets: Sequence[tuple[Dataset, Document]], baseline: Rows
) -> Iterator[Fault]:
    """Yield every fault that only shows when values are read together.

    Parameters
    ----------
    studies, datasets
        Models with the documents they were read from (for line numbers).
    baseline
        Baseline tables: name → row number → cells.
    """
    known_datasets = {dataset.id for dataset, _ in datasets}
    known_studies = {study.id for study, _ in studies}
    for dataset, document in datasets:
        yield from _file_name(dataset.id, document)
        yield from _block_sources(dataset, (), set(dataset.sources), document)
    for study, document in studies:
        yield from _file_name(study.id, document)
        yield from _sources(study, document)
        yield from _references(study, document, known_datasets, known_studies)
        yield from _standing(study, document)
        yield from _sizes(study, document)
        yield from _overlap_values(study, document)
        for index, entry in enumerate(study.accuracy):
            yield from _accuracy_values(entry, index, document)
        yield from _tabulated(study, document, baseline)
    yield from _unique(studies, "DOI", "LINK-007", lambda study: study.report.doi and study.report.doi.lower())
    yield from _unique(studies, "PMID", "LINK-008", lambda study: study.report.pmid)
    yield from _baseline_rows_once(studies)


def _file_name(identifier: str, document: Document) -> Iterator[Fault]:
    expected = f"{identifier}.yaml"
    if document.path.rsplit("/", 1)[-1] != expected:
        yield document.fault(
            ("id",), f"the id {identifier!r} does not fit the file's name", f"rename it {expected}", "LINK-001"
        )


def _sources(study: Study, document: Document) -> Iterator[Fault]:
    keys = set(study.sources)
    used: set[str] = set()
    blocks: list[tuple[tuple[str | int, ...], BaseModel]] = [((), study)]
    for name in ("report", "index_test", "setting", "sample", "translation"):
        if (block := getattr(study, name)) is not None:
            blocks.append(((name,), block))
    for name in ("accuracy", "overlap"):
        blocks += [((name, index), entry) for index, entry in enumerate(getattr(study, name))]
    if study.appraisal and study.appraisal.claim:
        blocks.append((("appraisal", "claim"), study.appraisal.claim))
    for where, block in blocks:
        yield from _block_sources(block, where, keys, document)
        used |= _keys(block.source)  # type: ignore[attr-defined]  # every block listed above is sourced
    for key in sorted(keys - used):
        yield document.fault(("sources", key), "a source that no value names", "name it or delete it", "LINK-004")


def _keys(source: Any) -> set[str]:
    if isinstance(source, str):
        return {source}
    parts = source.values() if isinstance(source, Mapping) else source
    return {key for part in parts for key in ([part] if isinstance(part, str) else part)}


def _block_sources(block: Any, where: tuple[str | int, ...], known: set[str], document: Document) -> Iterator[Fault]:
    """Every key named exists, and every value of the block is covered by one."""
    for key in sorted(_keys(block.source) - known):
        remedy = f"add it under sources, or use one of {', '.join(sorted(known))}"
        yield document.fault((*where, "source"), f"the source {key!r} is not defined", remedy, "LINK-003")
    if not isinstance(block.source, Mapping):
        return
    if isinstance(block, Study):
        names: Sequence[str] = STUDY_VALUES
    else:
        names = [name for name in type(block).model_fields if name not in NOT_VALUES]
    filled = [name for name in names if getattr(block, name) not in (None, [])]
    for name in filled:
        if name not in block.source:
            yield document.fault((*where, name), "a value without a source", f"add {name} to source", "LINK-002")
    for name in block.source:
        if name not in filled:
            problem = f"source names {name!r}, which has no value here"
            yield document.fault((*where, "source", name), problem, "delete it or add the value", "LINK-005")


def _references(study: Study, document: Document, datasets: set[str], studies: set[str]) -> Iterator[Fault]:
    named = [(("setting", "datasets", i), d) for i, d in enumerate((study.setting and study.setting.datasets) or [])]
    named += [(("overlap", i, "dataset"), e.dataset) for i, e in enumerate(study.overlap) if e.dataset]  # type: ignore[misc]
    for where, name in named:
        if name not in datasets:
            remedy = f"add data/datasets/{name}.yaml, or use one of {', '.join(sorted(datasets))}"
            yield document.fault(where, f"unknown dataset {name!r}", remedy, "LINK-006")
    for index, other in enumerate(study.shares_patients_with):
        if other not in studies or other == study.id:
            yield document.fault(
                ("shares_patients_with", index), f"no other study {other!r}", "use a study's id", "LINK-009"
            )


def _standing(study: Study, document: Document) -> Iterator[Fault]:
    days = [standing.on for standing in study.standing]
    if days != sorted(set(days)):
        yield document.fault(
            ("standing",), "standings out of order or twice on one day", "order them by date", "LINK-010"
        )
    if sum(entry.primary for entry in study.accuracy) > 1:
        yield document.fault(("accuracy",), "more than one primary entry", "mark one", "LINK-011")
    ids = [entry.id for entry in study.accuracy]
    for index, name in enumerate(ids):
        if name in ids[:index]:
            yield document.fault(("accuracy", index, "id"), f"the id {name!r} stands twice", "rename one", "LINK-012")


def _sizes(study: Study, document: Document) -> Iterator[Fault]:
    sample = study.sample
    if sample is None or sample.n is None:
        return
    parts = {
        "n_train + n_validation + n_test": (sample.n_train, sample.n_validation, sample.n_test),
        "n_diseased + n_nondiseased": (sample.n_diseased, sample.n_nondiseased),
    }
    for name, values in parts.items():
        total = sum(value for value in values if value is not None)
        if total > sample.n:
            problem = f"{name} is {total}, more than n = {sample.n}"
            yield document.fault(("sample", "n"), problem, "check the sizes against the paper", "SIZE-001")


def _overlap_values(study: Study, document: Document) -> Iterator[Fault]:
    for index, entry in enumerate(study.overlap):
        value = _number(entry.value)
        where = ("overlap", index, "value")
        if entry.metric in ("dice", "iou") and value > 1:
            remedy = f'write "{entry.value}%" for a percentage'
            yield document.fault(where, f"{entry.metric} {entry.value} is larger than 1", remedy, "RANGE-001")
        if entry.metric.startswith("hausdorff") and entry.value.endswith("%"):
            yield document.fault(where, "a distance given as a percentage", "give millimetres", "RANGE-002")
        if entry.sd is not None and entry.statistic == "median":
            problem = "an SD beside a median"
            yield document.fault(("overlap", index, "sd"), problem, "give iqr, or statistic: mean", "RANGE-003")
        if entry.iqr is not None and not _number(entry.iqr[0]) <= value <= _number(entry.iqr[1]):
            yield document.fault(("overlap", index, "iqr"), "iqr does not hold the value", "check it", "RANGE-004")


def _accuracy_values(entry: AccuracyEntry, index: int, document: Document) -> Iterator[Fault]:
    where = ("accuracy", index)
    values: dict[str, float] = {}
    for name in PROPORTIONS:
        printed = getattr(entry, name)
        if printed is None:
            continue
        text = printed.value if isinstance(printed, Quoted) else printed
        values[name] = _number(text)
        if values[name] > 1:
            remedy = f'write "{text}%" for a percentage'
            yield document.fault((*where, name), f"{text} is larger than 1", remedy, "RANGE-001")
        if isinstance(printed, Quoted) and printed.ci is not None:
            lower, upper = (_number(limit) for limit in printed.ci)
            if not lower <= values[name] <= upper:
                problem = f"the interval {printed.ci[0]} to {printed.ci[1]} does not hold {text}"
                yield document.fault((*where, name, "ci"), problem, "check value and interval", "RANGE-005")
    yield from _counts(entry, where, document)
    if entry.contradiction is None and entry.problem == "binary":
        yield from _between(entry, values, where, document)
        yield from _counts_against_metrics(entry, values, where, document)


def _counts(entry: AccuracyEntry, where: tuple[str | int, ...], document: Document) -> Iterator[Fault]:
    sums = (("n", ("tp", "fp", "fn", "tn")), ("n_diseased", ("tp", "fn")), ("n_nondiseased", ("fp", "tn")),
            ("n", ("n_diseased", "n_nondiseased")))  # fmt: skip
    for total, parts in sums:
        counts = [getattr(entry, part) for part in parts]
        stated = getattr(entry, total)
        known = sum(count for count in counts if count is not None)
        if stated is None or not (known > stated or (None not in counts and known != stated)):
            continue
        problem = f"{' + '.join(parts)} is {known}, {total} is {stated}"
        yield document.fault((*where, total), problem, "check the counts against the paper", "TABLE-001")


def _between(
    entry: AccuracyEntry, values: Mapping[str, float], where: tuple[str | int, ...], document: Document
) -> Iterator[Fault]:
    """Accuracy is a weighted mean of sensitivity and specificity, so it lies between them."""
    if not {"sensitivity", "specificity", "accuracy"} <= set(values):
        return
    slack = {name: _half_step(getattr(entry, name)) for name in ("sensitivity", "specificity", "accuracy")}
    lower = min(values["sensitivity"] - slack["sensitivity"], values["specificity"] - slack["specificity"])
    upper = max(values["sensitivity"] + slack["sensitivity"], values["specificity"] + slack["specificity"])
    if not lower - slack["accuracy"] <= values["accuracy"] <= upper + slack["accuracy"]:
        problem = "accuracy does not lie between sensitivity and specificity"
        remedy = "check the three values; if the paper prints them so, say so under contradiction"
        yield document.fault((*where, "accuracy"), problem, remedy, "TABLE-002")


def _counts_against_metrics(
    entry: AccuracyEntry, values: Mapping[str, float], where: tuple[str | int, ...], document: Document
) -> Iterator[Fault]:
    tp, fp, fn, tn = entry.tp, entry.fp, entry.fn, entry.tn
    ratios = {
        "sensitivity": (tp, fn), "specificity": (tn, fp), "ppv": (tp, fp), "npv": (tn, fn),
    }  # fmt: skip
    for name, (hit, miss) in ratios.items():
        if name not in values or hit is None or miss is None or hit + miss == 0:
            continue
        implied = hit / (hit + miss)
        # A whole step, not half of one, so that truncation passes as well as rounding.
        if abs(implied - values[name]) > 2 * _half_step(getattr(entry, name)) + 1e-12:
            problem = f"printed {name} is {values[name]:g}, the counts give {implied:.4f}"
            remedy = "check the counts; if the paper contradicts itself, say so under contradiction"
            yield document.fault((*where, name), problem, remedy, "TABLE-003")


def _tabulated(study: Study, document: Document, baseline: Rows) -> Iterator[Fault]:
    """Values that name a row of the base review's tables must be what that row prints."""
    for key, source in study.sources.items():
        if source.kind != "baseline":
            continue
        row = baseline.get(source.table or "", {}).get(source.row or 0)
        if row is None:
            problem = f"no row {source.row} in the baseline table {source.table!r}"
            yield document.fault(("sources", key), problem, f"use one of {', '.join(sorted(baseline))}", "BASE-001")
            continue
        columns = TABULATED.get(source.table or "", {})
        entries = [((name, i), e) for name in ("accuracy", "overlap") for i, e in enumerate(getattr(study, name))]
        for where, entry in entries:
            named = {used: study.sources.get(used) for used in _keys(entry.source)}
            # An undefined source has its own fault; this review's coding says nothing about the numbers.
            if {used for used, other in named.items() if other is None or other.kind != "coding"} != {key}:
                continue
            for name, column in columns.items():
                printed = getattr(entry, name, None)
                try:
                    cell = float(row[column])
                except (KeyError, ValueError):
                    problem = f"row {source.row} of the baseline table {source.table} has no number under {column}"
                    yield document.fault(("sources", key), problem, "restore the table as it was", "BASE-004")
                    continue
                stated = None if printed is None else _number(printed.value if isinstance(printed, Quoted) else printed)
                expected = None if cell != cell else cell / 100 if column.endswith("_percent") else cell
                if (stated is None) != (expected is None) or (
                    stated is not None and expected is not None and abs(stated - expected) > 1e-9
                ):
                    problem = f"expected {expected} as in row {source.row} of {source.table}, found {stated}"
                    yield document.fault((*where, name), problem, "copy the table's value", "BASE-002")


def _baseline_rows_once(studies: Sequence[Loaded]) -> Iterator[Fault]:
    first: dict[tuple[str, int], str] = {}
    for study, document in studies:
        for key, source in study.sources.items():
            if source.kind != "baseline" or source.row is None or source.table in SHARED_ROWS:
                continue
            place = (source.table or "", source.row)
            if place in first and first[place] != study.id:
                problem = f"row {source.row} of {source.table} is already {first[place]}'s"
                yield document.fault(("sources", key), problem, "a row belongs to one study", "BASE-003")
            first.setdefault(place, study.id)


def _unique(
    studies: Sequence[Loaded], what: str, code: str, identify: Callable[[Study], str | None]
) -> Iterator[Fault]:
    holders: dict[str, list[Loaded]] = defaultdict(list)
    for study, document in studies:
        if (identifier := identify(study)) is not None:
            holders[identifier].append((study, document))
    for identifier, loaded in holders.items():
        for study, document in loaded[1:]:
            problem = f"the {what} {identifier} is already {loaded[0][0].id}'s"
            remedy = "one study, one file: add what is new there" if study.id else ""
            yield document.fault(("report", what.lower()), problem, remedy, code)


def _number(text: str) -> float:
    text = text.strip()
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def _half_step(printed: str | Quoted) -> float:
    """Return half a unit of the last printed digit, as a proportion."""
    text = (printed.value if isinstance(printed, Quoted) else printed).strip()
    digits = text.rstrip("% ")
    step = 10.0 ** -(len(digits.partition(".")[2]))
    return step / (200 if text.endswith("%") else 2)
