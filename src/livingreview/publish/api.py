"""The review as JSON for programs: version, estimates, studies and flow, each with its JSON Schema.

The address holds the version of the shape: `v1` keeps its fields; where some are added, the schemas say so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from pydantic import Field

from livingreview.analysis.flow import Flow, living_flow
from livingreview.analysis.tabulate import reference
from livingreview.living.releases import previous_day
from livingreview.publish.metadata import API, CREATOR, DOWNLOADS, LICENCE, link, site_root
from livingreview.review import Review, plain_label
from livingreview.review.model import Study
from livingreview.review.model.base import FileModel
from livingreview.review.model.release import FrozenResults

__all__ = ["api_files", "json_bytes"]


class Index(FileModel):
    """Where the API begins."""

    title: str
    version: str = Field(description="Version of the review.")
    day: date = Field(description="Day that the numbers speak of.")
    last_search: date = Field(description="Day of the last database search.")
    next_search_due: date
    creator: str
    licence: str = Field(description="Address of the licence of text and data.")
    links: dict[str, str] = Field(description="File → its address, relative to this file where it is not absolute.")
    schemas: dict[str, str] = Field(description="File of the API → address of its JSON Schema, likewise.")


class Estimates(FrozenResults):
    """Every pooled number of the review on its day."""


class ListedStudy(FileModel):
    """A study as the review holds it."""

    id: str
    label: str = Field(description="How people cite it.")
    status: str = Field(description="How the review holds it on that day.")
    since: date = Field(description="Since which day.")
    verified: bool = Field(description="Whether a person has signed its extraction.")
    reference: str = Field(description="Address of its report; empty where no identifier was seen.")
    file: Study = Field(description="Everything known about it: its file in the repository.")


class Studies(FileModel):
    """Every study that the review has met by its day. Texts are untrusted: escape them."""

    version: str
    day: date
    studies: list[ListedStudy]


class FlowDiagram(FileModel):
    """The PRISMA flow of records: the base version, the updates, and the review today."""

    version: str
    day: date
    flow: Flow


_KINDS: Final[dict[str, type[FileModel]]] = {
    "index": Index,
    "estimates": Estimates,
    "studies": Studies,
    "flow": FlowDiagram,
}


def api_files(review: Review, results: FrozenResults) -> dict[str, bytes]:
    """Return the files of the API by their path below the site; the same review gives the same bytes."""
    root = site_root(review)
    head = {"version": review.file.version, "day": review.day.isoformat()}
    content = {
        "index": _index(review, root),
        "estimates": results.to_dict(),
        "studies": {**head, "studies": [_listed(review, study) for study in review.studies]},
        "flow": {**head, "flow": living_flow(review, previous=previous_day(review.root, review.day)).to_dict()},
    }
    schemas = {name: f"{API}/schema/{name}.schema.json" for name in _KINDS}
    files = {
        f"{API}/{name}.json": json_bytes({"$schema": link(schemas[name], root=root, folder=API), **content[name]})
        for name in _KINDS
    }
    return files | {schemas[name]: json_bytes(_schema(name)) for name in _KINDS}


def json_bytes(data: Mapping[str, Any] | list[dict[str, Any]]) -> bytes:
    """Return JSON as it is published."""
    return (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _index(review: Review, root: str) -> dict[str, Any]:
    index = Index(
        title=review.file.title,
        version=review.file.version,
        day=review.day,
        last_search=review.last_search,
        next_search_due=review.next_search_due,
        creator=CREATOR,
        licence=LICENCE,
        links={item.name: link(item.path, root=root, folder=API) for item in DOWNLOADS},
        schemas={name: link(f"{API}/schema/{name}.schema.json", root=root, folder=API) for name in _KINDS},
    )
    return index.model_dump(mode="json")


def _listed(review: Review, study: Study) -> dict[str, Any]:
    now = study.standing_on(review.day)
    if now is None:
        raise ValueError(f"{study.id} was not met by {review.day}")
    listed = ListedStudy(id=study.id, label=plain_label(study), status=now.status, since=now.on,
                         verified=study.verified, reference=reference(study), file=study)  # fmt: skip
    return listed.model_dump(mode="json", exclude_none=True)


def _schema(name: str) -> dict[str, Any]:
    schema = _KINDS[name].model_json_schema()
    schema["properties"]["$schema"] = {"type": "string", "description": "Address of this schema."}
    for part in (schema, *schema.get("$defs", {}).values()):
        # What follows in a docstring is for people who program with the package.
        part["description"] = part.get("description", "").partition("\n\nParameters")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": name}
