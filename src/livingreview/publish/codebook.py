"""What each field of the published tables means: from the data model, and here where a name is the field's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

__all__ = ["Field", "described", "fields_of"]

Field = dict[str, Any]  # a field descriptor of Table Schema

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
_TYPES: Final = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "array": "string"}


def described(name: str, says: str, kind: str = "string", **constraints: Any) -> Field:
    """Return a field descriptor."""
    return {"name": name, "type": kind, "description": says} | ({"constraints": constraints} if constraints else {})


def fields_of(model: type[BaseModel], skip: frozenset[str] = frozenset()) -> Iterator[tuple[tuple[str, ...], Field]]:
    """Yield path and descriptor of every plain value of a model of the data files, those of its single blocks included.

    Left out are the fields to `skip`, sources, and lists of blocks, which have tables of their own.
    """
    schema = model.model_json_schema()
    yield from _fields(schema, schema.get("$defs", {}), (), skip | {"source", "sources"})


def _fields(
    schema: Field, defs: Field, path: tuple[str, ...], skip: frozenset[str]
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
        says = value.get("description") or MEANINGS.get("_".join(here)) or MEANINGS.get(name, "")
        if kind["type"] == "array":
            says += " Several are divided by “ | ”."
        typed = "date" if kind.get("format") == "date" else _TYPES[kind["type"]]
        constraints = {"enum": kind["enum"]} if "enum" in kind else {}
        yield here, described("_".join(here), says, typed, **constraints)
