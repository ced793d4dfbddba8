"""Show a reporting checklist with a link to the page that answers each item."""

from __future__ import annotations

from collections.abc import Sequence

from livingreview.analysis.reporting import Answer, checklist_table
from livingreview.publish.tables import PageLink, show_table
from livingreview.review import Review

__all__ = ["page_link", "show_checklist"]


def page_link(page: str) -> PageLink | str:
    """Return the link from one chapter to another, or to the front page; nothing for an empty name.

    >>> page_link("quality").page, page_link("index").page
    ('quality.html', '../index.html')
    """
    if not page:
        return ""
    if page == "index":
        return PageLink("../index.html", "front page")
    return PageLink(f"{page}.html", page.replace("-", " "))


def show_checklist(review: Review, answers: Sequence[Answer], checklist: str) -> None:
    """Show one checklist as a table of the page."""
    instrument = review.instruments[checklist]
    table = checklist_table(review, answers, checklist)
    table["Page"] = table["Page"].map(page_link)
    show_table(table, caption=f"{instrument.name} ({instrument.edition}), item by item.", name=f"tab-{checklist}")
