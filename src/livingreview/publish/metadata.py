"""What the site says of itself: to readers in the banner, to programs in its list of files and the head of each page.

References
----------
https://schema.org/Dataset, https://schema.org/ScholarlyArticle, https://ogp.me/
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import pandas as pd

from livingreview.plots.style import theme_css
from livingreview.publish.elements import PageLink
from livingreview.publish.references import bibtex
from livingreview.review import Review
from livingreview.wording import day as written
from livingreview.wording import plural

__all__ = [
    "API", "CREATOR", "DOWNLOADS", "LICENCE", "LICENCE_NAME", "Frame", "downloads_table", "frame_of", "link",
    "page_metadata", "script_json", "site_metadata", "site_root",
]  # fmt: skip

API: Final = "api/v1"
#: As ``CITATION.cff`` names them.
CREATOR: Final = "The contributors of the living review of deep learning in cardiac MRI"
#: Of text and data; ``LICENSE-CONTENT.md`` says more.
LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
LICENCE_NAME: Final = "CC-BY-4.0"
LONGEST: Final = 200  # what search engines show of a description
_STATUS: Final = {"living": "Living review", "paused": "Living review, paused", "retired": "Living review, retired"}


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
    Download("tables", "tables-2x2.csv", "text/csv",
             "the 2×2 tables of the main synthesis, as `livingreview pool` and other software read them"),
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
    home, address = ({"url": root}, {"url": root + ("" if front else page)}) if root else ({}, {})
    article = {**site["article"], "headline": title, "description": description, **address}
    whole = {"@type": "CreativeWork", "name": site["name"], **home}
    graph = [article, site["dataset"] | home] if front else [article | {"isPartOf": whole}]
    properties = {
        "og:type": "website" if front else "article",
        "og:site_name": site["name"],
        "og:title": title,
        "og:description": description,
        "og:locale": "en_GB",
        **{f"og:{name}": value for name, value in address.items()},
    }
    feed = link("feed.xml", root="", folder=page.rpartition("/")[0])
    data = script_json({"@context": "https://schema.org", "@graph": graph})
    tags = [
        f'<meta name="description" content="{escape(description)}" />',
        *(f'<meta property="{name}" content="{escape(text)}" />' for name, text in properties.items()),
        f'<link rel="alternate" type="application/atom+xml" title="{escape(site["name"])}" href="{feed}" />',
        f'<script type="application/ld+json">{data}</script>',
    ]
    return "\n".join(tags)


def script_json(data: Any, *, sort_keys: bool = False) -> str:
    r"""Return JSON that ends no script element, whatever its texts hold.

    >>> script_json("</script>&")
    '"\\u003c/script\\u003e\\u0026"'
    """
    text = json.dumps(data, sort_keys=sort_keys, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def shortened(text: str) -> str:
    """Return a text on one line, cut between words where it is longer than a search engine shows."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rpartition(' ')[0]} …"


@dataclass(frozen=True)
class Frame:
    """What stands around the chapters: the living status, references and colours, and the review, if it is one.

    `bibliography` and `styles` are the content of ``references.bib`` and of a style sheet added to the book's own.
    The banner reads so `until` a day, if it ever changes.
    """

    banner: str = ""
    bibliography: str = ""
    styles: str = ""
    until: date | None = None
    review: Review | None = None


def frame_of(root: Path, today: date, *, as_of: date | None = None, verified_only: bool = False) -> Frame:
    """Return what stands around the chapters of the review in a folder, all from its data.

    `today` is the day of the build; the other parameters are those of :func:`~livingreview.publish.site.build_site`.

    Raises
    ------
    DataError
        If the data have faults.
    """
    review = Review.load(root / "data", as_of=as_of, verified_only=verified_only)
    banner = banner_html(review, today, as_of=as_of)
    return Frame(banner, bibtex(review.studies), theme_css(), banner_until(review, today), review)


def banner_html(review: Review, today: date, *, as_of: date | None = None) -> str:
    """Return version, day of the last search, number of studies, and when the next search is due, as HTML.

    A search that was due before `today`, the day of the build, is told as such, without blame; `as_of` is the past day
    that the site shows, if it does.
    """
    status, due, included = review.file.living.status, _time(review.next_search_due), len(review.included)
    items = [
        f"<strong>{_STATUS[status]}</strong>",
        *([f"as it stood on {_time(as_of)}"] if as_of else []),
        *(["syntheses of verified extractions only"] if review.verified_only else []),
        f"version {escape(review.file.version)}",
        f"last search {_time(review.last_search)} ({ago(review.last_search, today)})",
        f"{included} {'study' if included == 1 else 'studies'} included by name",
    ]
    if status == "living" and today <= review.next_search_due:
        items.append(f"next search due {due}")
    elif status == "living":
        items.append(f"next search was due {due}; later reports may be missing")
    return '<p class="lr-banner">' + " ".join(f"<span>{item}</span>" for item in items) + "</p>"


def banner_until(review: Review, today: date) -> date:
    """Return the last day on which the banner reads as it does today; it changes once a month at least."""
    days = (today + timedelta(days=ahead) for ahead in range(32))
    *_, last = takewhile(lambda day: banner_html(review, day) == banner_html(review, today), days)
    return last


def ago(day: date, today: date) -> str:
    """Write how long ago a day was, in whole months.

    >>> ago(date(2025, 7, 31), date(2026, 11, 30)), ago(date(2025, 7, 31), date(2025, 8, 2))
    ('15 months ago', 'less than a month ago')
    """
    months = 12 * (today.year - day.year) + today.month - day.month - (today.day < day.day)
    return f"{plural(months, 'month')} ago" if months > 0 else "less than a month ago"


def _time(day: date) -> str:
    return f'<time datetime="{day.isoformat()}">{written(day)}</time>'
