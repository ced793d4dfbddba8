"""What the site says of itself to programs: the list of files beside the pages, and the tags of each page's head.

References
----------
https://schema.org/Dataset, https://schema.org/ScholarlyArticle, https://ogp.me/
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import pandas as pd

from livingreview.publish.tables import PageLink
from livingreview.review import Review

__all__ = [
    "API", "CREATOR", "DOWNLOADS", "LICENCE", "LICENCE_NAME", "downloads_table", "link", "page_metadata",
    "site_metadata", "site_root",
]  # fmt: skip

API: Final = "api/v1"
#: As ``CITATION.cff`` names them.
CREATOR: Final = "The contributors of the living review of deep learning in cardiac MRI"
#: Of text and data; ``LICENSE-CONTENT.md`` says more.
LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
LICENCE_NAME: Final = "CC-BY-4.0"


@dataclass(frozen=True)
class Download:
    """A file beside the pages: its name in the API's index, its path, its type on the web, what readers are told."""

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


LONGEST: Final = 200  # what search engines show of a description


def site_metadata(review: Review) -> dict[str, Any]:
    """Return what all pages share, as plain data: the schema.org descriptions of the review and of its data."""
    root = site_root(review)
    file, base, question = review.file, review.file.base_review, review.file.question
    shared = {
        "creator": {"@type": "Organization", "name": CREATOR},
        "license": LICENCE,
        "version": file.version,
        "dateModified": review.day.isoformat(),
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "isBasedOn": f"https://doi.org/{base['doi']}",
    }
    dataset = {
        "@type": "Dataset",
        "name": f"{file.title}: data",
        "description": "Every value of the review with its source, and every pooled number. "
        f"Participants: {question['participants']}. Intervention: {question['intervention']}.",
        **shared,
        "measurementTechnique": "systematic review and meta-analysis of diagnostic test accuracy",
        "variableMeasured": ["sensitivity", "specificity", "Dice coefficient", "Hausdorff distance"],
        "distribution": [
            {"@type": "DataDownload", "contentUrl": link(item.path, root=root), "encodingFormat": item.media_type,
             "description": item.says}
            for item in DOWNLOADS
        ],
    }  # fmt: skip
    article = {"@type": "ScholarlyArticle", "author": shared["creator"], **shared}
    return {"root": root, "name": file.title, "article": article, "dataset": dataset}


def page_metadata(site: Mapping[str, Any], page: str, title: str, description: str) -> str:
    """Return the tags of the head of a page, e.g. ``chapters/diagnosis.html``; everything in them is escaped.

    `site` is as :func:`site_metadata` returns it; title and description are plain text.
    """
    front, root = page == "index.html", site["root"]
    description = shortened(description)
    address = {"url": link("" if front else page, root=root)} if root else {}
    article = {**site["article"], "headline": title, "description": description, **address}
    if not front:
        article["isPartOf"] = {"@type": "CreativeWork", "name": site["name"]} | ({"url": root} if root else {})
    graph = [article, site["dataset"] | ({"url": root} if root else {})] if front else [article]
    properties = {
        "og:type": "website" if front else "article",
        "og:site_name": site["name"],
        "og:title": title,
        "og:description": description,
        "og:locale": "en_GB",
        **({"og:url": address["url"]} if root else {}),
    }
    feed = link("feed.xml", root="", folder=page.rpartition("/")[0])
    return "\n".join(
        [
            f'<meta name="description" content="{escape(description)}" />',
            *(f'<meta property="{name}" content="{escape(text)}" />' for name, text in properties.items()),
            f'<link rel="alternate" type="application/atom+xml" title="{escape(site["name"])}" href="{feed}" />',
            f'<script type="application/ld+json">{script_json({"@context": "https://schema.org", "@graph": graph})}'
            "</script>",
        ]
    )


def script_json(data: Any) -> str:
    r"""Return JSON that ends no script element, whatever its texts hold.

    >>> script_json("</script>&")
    '"\\u003c/script\\u003e\\u0026"'
    """
    text = json.dumps(data, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def shortened(text: str) -> str:
    """Return a text on one line, cut between words where it is longer than a search engine shows."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rpartition(' ')[0]} …"
