"""Write what is published beside the pages: API, data package, feed, badge, references, sitemap.

The API is the review as JSON for programs, each file with its JSON Schema. Its address holds the version of the shape:
`v1` keeps its fields; where some are added, the schemas say so.

The Atom feed tells a subscriber once of each released version, with what it changed, and of each study included since
the first version. The studies of that first version came together and are told in its entry: dozens of entries of one
day would only hide it.

References
----------
The Atom Syndication Format, RFC 4287: https://www.rfc-editor.org/rfc/rfc4287
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from pydantic import Field

from livingreview.analysis.evidence import MAIN, SENSITIVITY_RULES
from livingreview.analysis.flow import Flow, living_flow
from livingreview.analysis.tabulate import reference
from livingreview.living.releases import previous_day, read_releases, release_entries
from livingreview.living.results import printed_by_base, results_of
from livingreview.publish.datapackage import as_csv, data_package
from livingreview.publish.figures import central_tables
from livingreview.publish.metadata import API, CREATOR, DOWNLOADS, LICENCE, link, site_root
from livingreview.publish.references import bibtex, csl_json, referable, ris
from livingreview.review import Review, plain_label
from livingreview.review.model import Release, Study
from livingreview.review.model.base import FileModel
from livingreview.review.model.files import FrozenResults

__all__ = ["api_files", "atom", "publish_beside"]

ATOM: Final = "http://www.w3.org/2005/Atom"
# XML 1.0 has no way to write these, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NO_PAGES = ("search.html", "genindex.html")


def publish_beside(site: Path, review: Review) -> None:
    """Write every file beside the pages into a site that was just made.

    Raises
    ------
    DataError
        A file of a released version, or the flow of records, has faults.
    """
    files = {
        **api_files(review, results_of(review, rules=(MAIN, *SENSITIVITY_RULES))),
        "data.zip": data_package(review),
        "tables-2x2.csv": as_csv(central_tables(review)),
        "feed.xml": atom(review),
        "badge.json": _json(_badge(review)),
        "references.bib": bibtex(referable(review)).encode(),
        "references.ris": ris(review).encode(),
        "references.json": _json(csl_json(review)),
        **_for_robots(site, review),
    }
    for name, content in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _badge(review: Review) -> dict[str, object]:
    """Return the badge as https://shields.io/badges/endpoint-badge reads it."""
    colour = {"living": "blue", "paused": "lightgrey", "retired": "inactive"}[review.file.living.status]
    message = f"{review.file.version}, searched {review.last_search.isoformat()}"
    return {"schemaVersion": 1, "label": f"{review.file.living.status} review", "message": message, "color": colour}


def _for_robots(site: Path, review: Review) -> dict[str, bytes]:
    """Return ``robots.txt``, which lets everybody in, and ``sitemap.xml``, which needs to know the site's address."""
    root = site_root(review)
    if not root:
        return {"robots.txt": b"User-agent: *\nAllow: /\n"}
    urls = ET.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name not in _NO_PAGES and not name.startswith("_"):
            url = ET.SubElement(urls, "url")
            ET.SubElement(url, "loc").text = root + ("" if name == "index.html" else name)
            ET.SubElement(url, "lastmod").text = review.day.isoformat()
    robots = f"User-agent: *\nAllow: /\n\nSitemap: {root}sitemap.xml\n"
    return {"robots.txt": robots.encode(), "sitemap.xml": _xml(urls)}


def _xml(root: ET.Element) -> bytes:
    ET.indent(root, " ")
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _json(data: Mapping[str, Any] | list[dict[str, Any]]) -> bytes:
    return (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


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
    "index": Index, "estimates": Estimates, "studies": Studies, "flow": FlowDiagram,
}  # fmt: skip


def api_files(review: Review, results: FrozenResults) -> dict[str, bytes]:
    """Return the files of the API by their path below the site; the same review gives the same bytes."""
    root = site_root(review)
    schemas = {name: f"{API}/schema/{name}.schema.json" for name in _KINDS}
    leads = {name: link(path, root=root, folder=API) for name, path in schemas.items()}
    head = {"version": review.file.version, "day": review.day.isoformat()}
    content = {
        "index": _index(review, root, leads),
        "estimates": results.to_dict(),
        "studies": {**head, "studies": [_listed(review, study) for study in review.studies]},
        "flow": {**head, "flow": living_flow(review, previous=previous_day(review.root, review.day)).to_dict()},
    }
    files = {f"{API}/{name}.json": _json({"$schema": leads[name], **content[name]}) for name in _KINDS}
    return files | {path: _json(_schema(name)) for name, path in schemas.items()}


def _index(review: Review, root: str, schemas: dict[str, str]) -> dict[str, Any]:
    links = {item.name: link(item.path, root=root, folder=API) for item in DOWNLOADS}
    index = Index(title=review.file.title, version=review.file.version, day=review.day, last_search=review.last_search,
                  next_search_due=review.next_search_due, creator=CREATOR, licence=LICENCE, links=links,
                  schemas=schemas)  # fmt: skip
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


@dataclass(frozen=True)
class _Entry:
    key: str
    day: date
    title: str
    summary: str
    page: str
    category: str
    related: str = ""


def atom(review: Review) -> bytes:
    """Return the feed, newest first, up to the day of the review; the same review gives the same bytes.

    Raises
    ------
    DataError
        A file of a released version has faults.
    """
    root = site_root(review)
    releases = [release for release in read_releases(review.root) if release.day <= review.day]
    versions = _versions(releases, printed_by_base(review))
    entries = sorted([*versions, *_studies(review, releases)], key=lambda entry: (entry.day, entry.key))
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(feed, "id", _permanent(review, "feed"))
    _add(feed, "title", review.file.title)
    _add(feed, "updated", _time(entries[-1].day if entries else review.day))
    _add(ET.SubElement(feed, "author"), "name", CREATOR)
    _add(feed, "rights", f"CC BY 4.0, {LICENCE}")
    ET.SubElement(feed, "link", rel="self", type="application/atom+xml", href=link("feed.xml", root=root))
    ET.SubElement(feed, "link", rel="alternate", type="text/html", href=link("index.html", root=root))
    for entry in reversed(entries):
        _write(ET.SubElement(feed, "entry"), entry, review, root)
    return _xml(feed)


def _versions(releases: Sequence[Release], printed: Mapping[str, Mapping[str, str]]) -> Iterator[_Entry]:
    for before, release in zip([None, *releases], releases, strict=False):
        title = f"Version {release.version}" + (f": {release.title}" if release.title else "")
        summary = "\n".join(release_entries(before, release, printed=printed))
        # Dated by the day that it was made: that is when a subscriber can know of it.
        yield _Entry(f"version/{release.version}", release.frozen, title, summary, "index.html", "version")


def _studies(review: Review, releases: Sequence[Release]) -> Iterator[_Entry]:
    first = releases[0].day if releases else review.last_search
    for study in review.included:
        standing = study.standing_on(review.day)
        if standing is not None and standing.on > first:
            key, title = f"study/{study.id}/{standing.on}", f"Study included: {plain_label(study)}"
            told = f"{study.report.title or 'Its report was not identified'}. Included: {standing.reason}."
            told += "" if study.verified else " No person has signed its extraction yet."
            page, category = "chapters/characteristics.html", study.task or "study"
            yield _Entry(key, standing.on, title, told, page, category, reference(study))


def _write(element: ET.Element, entry: _Entry, review: Review, root: str) -> None:
    _add(element, "id", _permanent(review, entry.key))
    _add(element, "title", entry.title)
    _add(element, "published", _time(entry.day))
    _add(element, "updated", _time(entry.day))
    ET.SubElement(element, "category", term=entry.category)
    ET.SubElement(element, "link", rel="alternate", type="text/html", href=link(entry.page, root=root))
    if entry.related:
        ET.SubElement(element, "link", rel="related", href=entry.related)
    _add(element, "summary", entry.summary)


def _permanent(review: Review, key: str) -> str:
    """Return an id that stays when the site moves, as RFC 4287 (4.2.6) asks; an address would not."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"https://doi.org/{review.file.base_review['doi']}#living/{key}").urn


def _time(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _NOT_XML.sub("\ufffd", text)
