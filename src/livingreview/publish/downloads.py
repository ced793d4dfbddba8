"""What is published beside the pages: one list, which the pages, the API and the metadata read."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Final

import pandas as pd

from livingreview.publish.tables import PageLink
from livingreview.review import Review

__all__ = ["API", "CREATOR", "DOWNLOADS", "LICENCE", "LICENCE_NAME", "Download", "downloads_table", "link", "site_root"]

API: Final = "api/v1"
#: As ``CITATION.cff`` names them.
CREATOR: Final = "The contributors of the living review of deep learning in cardiac MRI"
#: Of text and data; ``LICENSE-CONTENT.md`` says more.
LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
LICENCE_NAME: Final = "CC-BY-4.0"


@dataclass(frozen=True)
class Download:
    """A file beside the pages.

    Parameters
    ----------
    name
        What the API's index calls it.
    path
        Below the site.
    media_type
        Its type, as the web names it.
    says
        What is in it, for readers.
    """

    name: str
    path: str
    media_type: str
    says: str


DOWNLOADS: Final = (
    Download("data_package", "data.zip", "application/zip",
             "every value with its source as tidy CSV tables with a codebook: a Frictionless Data Package"),
    Download("estimates", f"{API}/estimates.json", "application/json",
             "every pooled number of today, with intervals and the studies behind it"),
    Download("studies", f"{API}/studies.json", "application/json", "every study file, with its standing today"),
    Download("flow", f"{API}/flow.json", "application/json", "the boxes of the PRISMA flow diagram"),
    Download("index", f"{API}/index.json", "application/json", "where the API begins: version, licence, schemas"),
    Download("feed", "feed.xml", "application/atom+xml", "a feed of new versions and newly included studies"),
    Download("bibtex", "references.bib", "application/x-bibtex", "the studies as BibTeX"),
    Download("ris", "references.ris", "application/x-research-info-systems", "the studies as RIS"),
    Download("csl_json", "references.json", "application/vnd.citationstyles.csl+json", "the studies as CSL-JSON"),
    Download("badge", "badge.json", "application/json", "version and last search for a badge (shields.io endpoint)"),
)  # fmt: skip


def site_root(review: Review) -> str:
    """Return the address of the site with a slash at its end; empty where it is not known."""
    address = review.file.addresses.site
    return f"{address.rstrip('/')}/" if address else ""


def link(path: str, *, root: str, folder: str = "") -> str:
    """Return the way from a file in a folder of the site to another: absolute where the site's address is known.

    >>> link("data.zip", root="", folder="api/v1"), link("data.zip", root="https://example.org/review/")
    ('../../data.zip', 'https://example.org/review/data.zip')
    """
    return f"{root}{path}" if root else posixpath.relpath(path, folder or ".")


def downloads_table() -> pd.DataFrame:
    """Return one row per file, linked as from a chapter."""
    rows = [(PageLink(f"../{item.path}", item.path), item.says, item.media_type) for item in DOWNLOADS]
    return pd.DataFrame(rows, columns=["File", "What it holds", "Type"])
