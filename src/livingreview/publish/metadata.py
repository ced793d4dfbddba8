"""What a page says of itself to search engines, reference managers and link previews.

References
----------
https://schema.org/Dataset, https://schema.org/ScholarlyArticle, https://ogp.me/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from livingreview.publish.downloads import CREATOR, DOWNLOADS, LICENCE, link, site_root
from livingreview.review import Review

__all__ = ["page_metadata", "script_json", "shortened", "site_metadata"]

LONGEST: Final = 200  # what search engines show of a description


def site_metadata(review: Review) -> dict[str, Any]:
    """Return what all pages share, as plain data: the schema.org descriptions of the review and of its data."""
    root = site_root(review)
    base, file = review.file.base_review, review.file
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
        "description": f"Every value of the review with its source, and every pooled number. {_sentence(review)}",
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


def _sentence(review: Review) -> str:
    question = review.file.question
    return f"Participants: {question['participants']}. Intervention: {question['intervention']}."


def page_metadata(site: Mapping[str, Any], page: str, title: str, description: str) -> str:
    """Return the tags of a page's head; everything in them is escaped.

    Parameters
    ----------
    site
        As :func:`site_metadata` returns it.
    page
        Name of the page with suffix, e.g. ``chapters/diagnosis.html``.
    title, description
        Of the page, plain text.
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
