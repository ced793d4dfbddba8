"""Write what is published beside the pages: API, data package, feed, badge, references, sitemap."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from livingreview.analysis.evidence import MAIN, SENSITIVITY_RULES
from livingreview.living.results import results_of
from livingreview.publish.api import api_files, json_bytes
from livingreview.publish.datapackage import data_package
from livingreview.publish.downloads import site_root
from livingreview.publish.feed import atom
from livingreview.publish.references import bibtex, csl_json, referable, ris
from livingreview.review import Review

__all__ = ["publish_beside"]

_NO_PAGES = ("search.html", "genindex.html")


def publish_beside(site: Path, review: Review) -> None:
    """Write every file beside the pages into a site that was just made.

    Parameters
    ----------
    site
        Folder of the pages.
    review
        The review on the day that the pages show.

    Raises
    ------
    DataError
        A file of a released version, or the flow of records, has faults.
    """
    files = {
        **api_files(review, results_of(review, rules=(MAIN, *SENSITIVITY_RULES))),
        "data.zip": data_package(review),
        "feed.xml": atom(review),
        "badge.json": json_bytes(_badge(review)),
        "references.bib": bibtex(referable(review)).encode(),
        "references.ris": ris(review).encode(),
        "references.json": json_bytes(csl_json(review)),
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
    ET.indent(urls, " ")
    sitemap = ET.tostring(urls, encoding="utf-8", xml_declaration=True) + b"\n"
    robots = f"User-agent: *\nAllow: /\n\nSitemap: {root}sitemap.xml\n"
    return {"robots.txt": robots.encode(), "sitemap.xml": sitemap}
