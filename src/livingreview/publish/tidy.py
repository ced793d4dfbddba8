"""The review as tidy tables: one observation a row, every field described, every key declared."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import pandas as pd
from pydantic import BaseModel

from livingreview.analysis.evidence import GRADES, MAIN, gather, select
from livingreview.review import Review, plain_label
from livingreview.review.model import (
    AccuracyEntry,
    Candidate,
    Dataset,
    Extraction,
    Judgement,
    OverlapEntry,
    Quoted,
    Source,
    Standing,
    Study,
    number,
    source_keys,
)
from livingreview.review.model.files import STATUSES
from livingreview.synthesis.counts import CELLS
from livingreview.wording import DIVIDER

__all__ = ["Field", "Table", "described", "tidy_tables"]

METRICS: Final = ("sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "auc")
Field = dict[str, Any]  # a field descriptor of Table Schema
References = Mapping[tuple[str, ...], str]
#: Meaning of names whose model leaves them to the reader. A name of the model goes before, `block_name` before `name`.
MEANINGS: Final = {
    "access": "Whether the images can be had.", "architecture": "The network, in the words of the source.",
    "by": "Whose work it is.", "calibration": "What is reported on calibration, or that nothing is.",
    "centres": "Where the data came from.", "citation": "How its makers ask to be cited.",
    "citation_doi": "Digital object identifier of that citation.", "code": "What is reported on published code.",
    "contradiction_leaves_out": "Printed values that a reconstruction leaves out.",
    "contradiction_says": "Which printed values cannot all be true.", "countries": "Countries of the subjects.",
    "data_availability": "What is reported on published data.", "dataset": "Id of the public data set.",
    "decision_curve": "What is reported on decision curves.", "description": "The data, in the words of the source.",
    "dimensionality": "Dimensions of what the network sees.", "discussion": "Score of the section.",
    "disease_groups": "Diseases of the subjects.", "doi": "Digital object identifier.", "domain": "Domain of the tool.",
    "edition": "Edition of the instrument.", "external_validation": "What is reported on testing elsewhere.",
    "family": "Kind of network, as this review codes it.", "field_strength": "Field strengths of the scanners.",
    "first_author": "Surname and initials as printed.", "fn": "False negatives, where printed.",
    "fp": "False positives, where printed.", "hardware": "What is reported on the computer used.",
    "id": "Name within the study.", "identification_reason": "Why the identification counts as it does.",
    "identification_status": "How sure it is that the report is the one the base review means.",
    "interpretability": "What is reported on explaining results.", "introduction": "Score of the section.",
    "iqr": "Interquartile range as printed.", "journal": "Journal as printed.", "judgement": "The judgement.",
    "kind": "Which kind of entry it is.", "label": "What distinguishes it from others.",
    "learning": "How the network learns.", "methods": "Score of the section.", "metric": "What is measured.",
    "n": "Number of units.", "n_diseased": "Units with the target condition.",
    "n_nondiseased": "Units without the target condition.", "n_subjects": "Number of subjects.",
    "n_test": "Units in the test set.", "n_train": "Units in the training set.",
    "n_validation": "Units in the tuning set.", "name": "Name of the data set.", "note": "A remark on it.",
    "notes": "Remarks on the study.", "on": "The day of it.", "other": "Score of the remaining items.",
    "phase": "Phase of the cardiac cycle.", "pmcid": "Number of the report in PubMed Central.",
    "pmid": "Number of the report in PubMed.", "rater": "Whose outlines are compared with the reference.",
    "reason": "Why it is so.", "results": "Score of the section.", "runtime": "What is reported on computing time.",
    "sd": "Standard deviation as printed.", "sequence": "Kind of image.", "sequences": "Kinds of images.",
    "sequences_note": "Kinds of images, in the words of the source.",
    "shares_patients_with": "Studies of the same cohort.", "split": "Which set the method was tested on.",
    "splits": "How the set is divided.", "status": "How the review holds it.", "structure": "What is outlined.",
    "structures_labelled": "What is outlined in the set.",
    "target_condition": "The disease or event that is looked for.", "threshold": "Threshold of the test.",
    "title": "Title as printed.", "title_abstract": "Score of the section.", "tn": "True negatives, where printed.",
    "tool": "The instrument.", "topic": "Subject, as this review codes it.", "unit": "Unit of analysis.",
    "url": "Web address.", "validation": "How the method was tested.", "value": "The value as printed.",
    "vendor_note": "Vendors, in the words of the source.", "vendors": "Makers of the scanners.",
    "verified_by": "Person who signed the extraction.", "verified_on": "Day of that signature.",
    "workflow": "What is reported on use at work.", "year": "Year of publication.",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One table of the data package.

    Parameters
    ----------
    name, says
        Its name, and what a row is.
    fields, rows
        Descriptors, one per column; values, typed as the fields say, None where there is none.
    key, refers
        Fields that together name a row; fields → the table whose key they hold.
    """

    name: str
    says: str
    fields: tuple[Field, ...]
    rows: tuple[tuple[Any, ...], ...]
    key: tuple[str, ...] = ()
    refers: References | None = None


def described(name: str, says: str, kind: str = "string", **constraints: Any) -> Field:
    """Return a field descriptor."""
    return {"name": name, "type": kind, "description": says} | ({"constraints": constraints} if constraints else {})


_STUDY: Final = described("study", "Id of the study.", required=True)


def _fields_of(model: type[BaseModel], skip: Iterable[str] = ()) -> Iterator[tuple[tuple[str, ...], Field]]:
    """Yield path and descriptor of every plain value of a model of the data files, those of its single blocks included.

    Left out are the fields to `skip`, sources, and lists of blocks, which have tables of their own.
    """
    schema = model.model_json_schema()
    yield from _fields(schema, schema.get("$defs", {}), (), {"source", "sources", *skip})


def _fields(
    schema: Field, defs: Field, path: tuple[str, ...], skip: set[str]
) -> Iterator[tuple[tuple[str, ...], Field]]:
    for name, value in schema["properties"].items():
        kinds = [kind for kind in value.get("anyOf", [value]) if kind.get("type") != "null"]
        here = (*path, name)
        if name in skip or len(kinds) > 1 or "$ref" in kinds[0].get("items", {}):
            continue
        (kind,) = kinds
        if "$ref" in kind:
            yield from _fields(defs[kind["$ref"].rpartition("/")[2]], defs, here, skip)
            continue
        joined, typed = "_".join(here), "date" if kind.get("format") == "date" else kind["type"]
        says = value.get("description") or MEANINGS.get(joined) or MEANINGS.get(name, "")
        if typed == "array":
            says, typed = f"{says} Several are divided by “{DIVIDER}”.", "string"
        yield here, described(joined, says, typed, **{key: kind[key] for key in ("enum",) if key in kind})


def tidy_tables(review: Review) -> tuple[Table, ...]:
    """Return every table of the data package."""
    return (
        _studies(review), *_parts_of_studies(review), *_accuracy(review), _compatible(review),
        *_datasets(review), *_ledgers(review), *_baseline(review),
    )  # fmt: skip


def _modelled(
    name: str, says: str, model: type[BaseModel], items: Iterable[tuple[tuple[Any, ...], BaseModel]],
    lead: Sequence[Field] = (_STUDY,), *, key: tuple[str, ...], skip: Iterable[str] = (),
    refers: References | None = None,
) -> Table:  # fmt: skip
    """Return the table of a model's plain values, with leading columns of its own."""
    columns = tuple(_fields_of(model, skip))
    rows = tuple((*first, *(reduce(_get, path, item) for path, _ in columns)) for first, item in items)
    return Table(name, says, (*lead, *(field for _, field in columns)), rows, key, refers)


def _get(record: Any, name: str) -> Any:
    return getattr(record, name, None)


def _studies(review: Review) -> Table:
    lead = (
        _STUDY,
        described("label", "How people cite it."),
        described("status", "How the review holds it on the day of the package.", enum=list(STATUSES)),
        described("since", "Since which day.", "date"),
        described("verified", "Whether a person has signed its extraction.", "boolean"),
    )
    held = ((study, study.standing_on(review.day)) for study in review.studies)
    items = (((s.id, plain_label(s), now and now.status, now and now.on, s.verified), s) for s, now in held)
    return _modelled("studies", "One study.", Study, items, lead, key=("study",), skip=["id"])


def _parts_of_studies(review: Review) -> Iterator[Table]:
    to_study: References = {("study",): "studies"}
    counted = (_STUDY, described("number", "Place in the study file, from 1.", "integer", required=True))
    in_numbers = "The value as a number; shares lie in 0 to 1, distances are in millimetres."
    overlap = (
        *counted,
        described("value_number", in_numbers, "number"),
        described("sd_number", "The standard deviation as a number, likewise.", "number"),
    )

    def numbered(find: Callable[[Study], Iterable[Any]]) -> Iterator[tuple[tuple[Any, ...], Any]]:
        return (((study.id, place), item) for study in review.studies for place, item in enumerate(find(study), 1))

    key = ("study", "number")
    for name, says, model, find in (
        ("standings", "One decision on what the review holds of a study.", Standing,
         lambda study: [item for item in study.standing if item.on <= review.day]),
        ("extractions", "One reading of a study's report.", Extraction, lambda study: study.extraction),
        ("candidates", "One paper that might be the one the base review means.", Candidate,
         lambda study: study.candidates),
        ("judgements", "One judgement of a study's quality.", Judgement,
         lambda study: study.appraisal.judgements if study.appraisal else ()),
    ):  # fmt: skip
        yield _modelled(name, says, model, numbered(find), counted, key=key, refers=to_study)
    values = (((*first, number(item.value), number(item.sd)), item) for first, item in numbered(lambda s: s.overlap))
    yield _modelled("overlap", "One value of agreement between a segmentation and its reference.", OverlapEntry, values,
                    overlap, key=key, refers={**to_study, ("dataset",): "datasets"})  # fmt: skip
    named = (((study.id, name), item) for study in review.studies for name, item in study.sources.items())
    name_of_source = described("source", "Name of the source within the file.", required=True)
    yield _modelled("sources", "One place where values of a study were read.", Source, named, (_STUDY, name_of_source),
                    key=("study", "source"), refers=to_study)  # fmt: skip
    fields = (
        _STUDY,
        described("place", "Block of the study file; “study” for the file itself.", required=True),
        described("field", "Field of the block; “*” for all of them.", required=True),
        name_of_source,
    )
    rows = tuple((study.id, *row) for study in review.studies for row in dict.fromkeys(_provenance(study, "study")))
    yield Table("provenance", "Which source a value was read in.", fields, rows, ("study", "place", "field", "source"),
                {**to_study, ("study", "source"): "sources"})  # fmt: skip


def _provenance(record: BaseModel, place: str) -> Iterator[tuple[str, str, str]]:
    source = getattr(record, "source", None) or {}
    for field, keys in (source if isinstance(source, dict) else {"*": source}).items():
        yield from ((place, field, key) for key in source_keys(keys))
    for name in type(record).model_fields:
        value = getattr(record, name)
        inside = name if place == "study" else f"{place}.{name}"
        for count, item in enumerate(value if isinstance(value, list) else [value], 1):
            if isinstance(item, BaseModel):
                yield from _provenance(item, f"{inside}[{count}]" if isinstance(value, list) else inside)


def _accuracy(review: Review) -> Iterator[Table]:
    entries = [(study, entry) for study in review.studies for entry in study.accuracy]
    yield _modelled("accuracy", "One evaluation of a method on one set.", AccuracyEntry,
                    (((study.id,), entry) for study, entry in entries), key=("study", "id"), skip=METRICS,
                    refers={("study",): "studies"})  # fmt: skip
    fields = (
        _STUDY,
        described("entry", "Id of the evaluation.", required=True),
        described("metric", "What is measured.", required=True, enum=list(METRICS)),
        described("printed", "The value as printed."),
        described("value", "The value as a proportion.", "number"),
        described("ci_lower", "Lower limit of its confidence interval as printed, as a proportion.", "number"),
        described("ci_upper", "Upper limit, likewise.", "number"),
        described("sd", "Its standard deviation as printed, as a proportion.", "number"),
    )
    rows = tuple(
        (study.id, entry.id, metric, *_printed(value))
        for study, entry in entries
        for metric in METRICS
        if (value := getattr(entry, metric)) is not None
    )
    yield Table("accuracy_values", "One metric of one evaluation.", fields, rows, ("study", "entry", "metric"),
                {("study", "entry"): "accuracy"})  # fmt: skip


def _printed(value: str | Quoted) -> tuple[Any, ...]:
    shown = value if isinstance(value, Quoted) else Quoted(value=value)
    return shown.value, number(shown.value), *map(number, shown.ci or (None, None)), number(shown.sd)


def _compatible(review: Review) -> Table:
    evidence = gather(review)
    left_out = {(item.study.id, item.entry.id): reason for item, reason in select(evidence, MAIN, review).left_out}
    limits = [f"{count}_{limit}" for count in CELLS for limit in ("min", "max")]
    fields = (
        _STUDY,
        described("entry", "Id of the evaluation.", required=True),
        described("grade", "How its 2×2 table is known.", enum=list(GRADES)),
        described("tables", "Number of tables that fit what is printed.", "integer"),
        described("pooled", "Whether the main synthesis uses it.", "boolean"),
        described("reason", "Where the table comes from, or why the main synthesis leaves it out."),
        *(described(name, "Range of the cell over the tables that fit.", "integer") for name in limits),
    )
    rows = []
    for item in evidence:
        name = (item.study.id, item.entry.id)
        ranges = [int(limit) for count in item.tables.T for limit in (count.min(), count.max())] if item.usable else []
        reason = left_out.get(name, item.reason)
        cells = tuple(ranges) or (None,) * len(limits)
        rows.append((*name, item.grade, len(item.tables), name not in left_out, reason, *cells))
    return Table("compatible_tables", "The 2×2 tables that fit an evaluation of diagnosis or prediction.", fields,
                 tuple(rows), ("study", "entry"), {("study", "entry"): "accuracy"})  # fmt: skip


def _datasets(review: Review) -> Iterator[Table]:
    name = described("dataset", "Id of the public data set.", required=True)
    sets = review.datasets.values()
    yield _modelled("datasets", "One public set of images.", Dataset, (((item.id,), item) for item in sets), (name,),
                    key=("dataset",), skip=["id"])  # fmt: skip
    named = (((item.id, key), source) for item in sets for key, source in item.sources.items())
    yield _modelled("dataset_sources", "One place where values of a data set were read.", Source, named,
                    (name, described("source", "Name of the source within the file.", required=True)),
                    key=("dataset", "source"), refers={("dataset",): "datasets"})  # fmt: skip


def _ledgers(review: Review) -> Iterator[Table]:
    kinds = {"date": "date", "found": "date", "hits": "integer"}
    for name, says, ledger, key in (
        ("runs", "One search of one database.", review.runs, "run_id"),
        ("other_methods", "One report found by other methods.", review.other_methods, "candidate"),
    ):
        columns = [str(column) for column in ledger]
        fields = tuple(described(c, f"The ledger's {c.replace('_', ' ')}.", kinds.get(c, "string")) for c in columns)
        # Through object, so that a count is written as one.
        rows = tuple(tuple(None if v == "" else v for v in row) for row in ledger.astype(object).to_numpy().tolist())
        yield Table(name, says, fields, rows, (key,))


def _baseline(review: Review) -> Iterator[Table]:
    for name, typed in review.baseline.items():
        # The file itself, because its numbers keep the decimals that were printed.
        with (review.root / "baseline" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            columns, *rows = [tuple(text or None for text in row) for row in csv.reader(file)]
        says = f"One row of the base review's table “{name}”, as printed."
        names = [column or "" for column in columns]
        fields = tuple(described(c, f"As printed: {c.replace('_', ' ')}.", _kind(typed[c])) for c in names)
        yield Table(f"baseline_{name}", says, fields, tuple(rows), ("row",) if "row" in names else ())


def _kind(column: pd.Series[Any]) -> str:
    return "number" if pd.api.types.is_numeric_dtype(column) and column.notna().any() else "string"
