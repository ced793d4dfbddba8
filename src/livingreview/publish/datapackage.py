"""The data package: tidy tables, their descriptor and codebook in one reproducible ZIP file.

References
----------
Frictionless Data Package and Table Schema: https://specs.frictionlessdata.io/
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from livingreview.publish.metadata import CREATOR, LICENCE, LICENCE_NAME, site_root
from livingreview.publish.tidy import Table, described, tidy_tables
from livingreview.review import Review
from livingreview.wording import DIVIDER, cell, csv_text

__all__ = ["CONVENTIONS", "as_csv", "codebook", "data_package"]

#: What holds in every table.
CONVENTIONS: Final = {
    "Empty cells": "A value that nobody reported or that was not seen; unknown is never guessed.",
    "Apostrophes": "A text that a spreadsheet could take for a formula has an apostrophe before it. Of a text that "
    "begins with an apostrophe, take the first one off: what remains is the value. Numbers, dates and truth values are "
    "never changed.",
    "Lists": f"Several values in one cell are divided by “{DIVIDER}”.",
    "Printed numbers": "They are kept as printed, and beside that as numbers; percentages are then proportions.",
    "Texts": "They come from the sources or from contributors and stand as they are: treat them as untrusted.",
}
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first day that a ZIP file can name


def data_package(review: Review) -> bytes:
    """Return the data package as a ZIP file; the same review gives the same bytes."""
    tables = tidy_tables(review)
    tables = (*tables, codebook(tables))
    files = {f"{table.name}.csv": as_csv(table) for table in tables}
    descriptor = _descriptor(review, tables, files)
    files["datapackage.json"] = json.dumps(descriptor, indent=1, ensure_ascii=False).encode()
    files["README.md"] = _readme(descriptor, tables).encode()
    return zipped(files)


def codebook(tables: Iterable[Table]) -> Table:
    """Return what every field of some tables means, as a table of its own."""
    fields = (
        described("table", "Name of the table.", required=True),
        described("field", "Name of the field.", required=True),
        described("type", "Its type, as Table Schema names it."),
        described("meaning", "What it says."),
        described("allowed", "The values that it can have, where they are fixed."),
        described("key", "Whether it is part of what names a row.", "boolean"),
    )
    rows = tuple(
        (table.name, field["name"], field["type"], field["description"],
         field.get("constraints", {}).get("enum"), field["name"] in table.key)
        for table in tables
        for field in table.fields
    )  # fmt: skip
    return Table("codebook", "One field of one table of this package.", fields, rows, ("table", "field"))


def as_csv(table: Table) -> bytes:
    """Return a table as a CSV file."""
    numeric = [field["type"] in ("number", "integer") for field in table.fields]
    rows = (
        # A printed number is a text that keeps its decimals; its field's type says that it is no formula.
        [
            value if is_number and isinstance(value, str) else cell(value)
            for value, is_number in zip(row, numeric, strict=True)
        ]
        for row in table.rows
    )
    return csv_text([[field["name"] for field in table.fields], *rows], end="\r\n").encode()


def _descriptor(review: Review, tables: Sequence[Table], files: Mapping[str, bytes]) -> dict[str, Any]:
    base, root = review.file.base_review, site_root(review)
    keys = {table.name: list(table.key) for table in tables}
    return {
        "profile": "tabular-data-package",
        "name": "living-review-deep-learning-cardiac-mri",
        "title": review.file.title,
        "description": "\n".join(f"{name}: {text}" for name, text in CONVENTIONS.items()),
        "version": review.file.version,
        "created": f"{review.day.isoformat()}T00:00:00Z",
        **({"homepage": root} if root else {}),
        "licenses": [
            {"name": LICENCE_NAME, "path": LICENCE, "title": "Creative Commons Attribution 4.0 International"}
        ],
        "sources": [{"title": base["title"], "path": f"https://doi.org/{base['doi']}"}],
        "contributors": [{"title": CREATOR, "role": "author"}],
        "keywords": ["living systematic review", "meta-analysis", "deep learning", "cardiac MRI"],
        "resources": [_resource(table, files[f"{table.name}.csv"], keys) for table in tables],
    }


def _resource(table: Table, content: bytes, keys: Mapping[str, list[str]]) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": list(table.fields), "missingValues": [""]}
    if table.key:
        schema["primaryKey"] = list(table.key)
    if table.refers:
        schema["foreignKeys"] = [
            {"fields": list(fields), "reference": {"resource": other, "fields": keys[other]}}
            for fields, other in table.refers.items()
        ]
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": f"{table.name}.csv",
        "description": table.says,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "schema": schema,
    }


def _readme(descriptor: Mapping[str, Any], tables: Sequence[Table]) -> str:
    conventions = "\n".join(f"* {name}: {text}" for name, text in CONVENTIONS.items())
    listed = "\n".join(f"* `{table.name}.csv` ({len(table.rows):,} rows): {table.says}" for table in tables)
    return (
        f"# {descriptor['title']}\n\nVersion {descriptor['version']}, as of {descriptor['created'][:10]}. {CREATOR}, "
        f"{LICENCE_NAME} ({LICENCE}).\n\n## What holds everywhere\n\n{conventions}\n\n## Tables\n\n{listed}\n\n"
        "`codebook.csv` describes every field; `datapackage.json` says the same for programs.\n"
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return files as a ZIP file without anything of the machine or the day it was made on."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr, entry.compress_type = 3, 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return stream.getvalue()
