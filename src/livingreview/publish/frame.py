"""What stands around the chapters: the living status on every page, references, colours, addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from itertools import takewhile
from pathlib import Path
from typing import Final

from livingreview.plots.palette import theme_css
from livingreview.publish.references import bibtex
from livingreview.review import Review
from livingreview.wording import day as written
from livingreview.wording import plural

__all__ = ["Frame", "frame_of"]

_STATUS: Final = {"living": "Living review", "paused": "Living review, paused", "retired": "Living review, retired"}


@dataclass(frozen=True)
class Frame:
    """What stands around the chapters: the living status, references and colours.

    `bibliography` and `styles` are the content of ``references.bib`` and of a style sheet added to the book's own.
    The banner reads so `until` a day, if it ever changes; addresses are empty when they are not known. A book that is
    no review has none.
    """

    banner: str = ""
    bibliography: str = ""
    styles: str = ""
    repository: str = ""
    address: str = ""
    until: date | None = None
    review: Review | None = None


def frame_of(root: Path, today: date, *, as_of: date | None = None, verified_only: bool = False) -> Frame:
    """Return banner, references, colours and addresses, all from the data of the review in a folder.

    `today` is the day of the build; the other parameters are those of :func:`~livingreview.publish.site.build_site`.

    Raises
    ------
    DataError
        If the data have faults.
    """
    review = Review.load(root / "data", as_of=as_of, verified_only=verified_only)
    addresses = review.file.addresses
    return Frame(
        banner=banner_html(review, today, as_of=as_of),
        bibliography=bibtex(review.studies),
        styles=theme_css(),
        repository=addresses.repository,
        address=addresses.site,
        until=banner_until(review, today),
        review=review,
    )


def banner_html(review: Review, today: date, *, as_of: date | None = None) -> str:
    """Return version, day of the last search, number of studies, and when the next search is due, as HTML.

    A search that was due before `today`, the day of the build, is told as such, without blame; `as_of` is the past day
    that the site shows, if it does.
    """
    included = len(review.included)
    items = [
        f"<strong>{_STATUS[review.file.living.status]}</strong>",
        f"version {escape(review.file.version)}",
        f"last search {_time(review.last_search)} ({ago(review.last_search, today)})",
        f"{included} {'study' if included == 1 else 'studies'} included by name",
    ]
    if review.file.living.status == "living":
        due = review.next_search_due
        items.append(
            f"next search due {_time(due)}"
            if today <= due
            else f"next search was due {_time(due)}; later reports may be missing"
        )
    if review.verified_only:
        items.insert(1, "syntheses of verified extractions only")
    if as_of is not None:
        items.insert(1, f"as it stood on {_time(as_of)}")
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
