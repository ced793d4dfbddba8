"""The living status, in one line on every page."""

from __future__ import annotations

from datetime import date
from html import escape
from typing import Final

from livingreview.review import Review

__all__ = ["banner_html", "long_date"]

_STATUS: Final = {"living": "Living review", "paused": "Living review, paused", "retired": "Living review, retired"}
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def long_date(day: date) -> str:
    """Write a date out, the same in every locale.

    Examples
    --------
    >>> long_date(date(2025, 7, 31))
    '31 July 2025'
    """
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def banner_html(review: Review, today: date, *, as_of: date | None = None) -> str:
    """Return the banner as HTML.

    Parameters
    ----------
    review
        The review on the day it is shown for.
    today
        Day of the build; a search due before it is told as such, without blame.
    as_of
        The past day that the site shows, if it does.

    Returns
    -------
    str
        Version, date of the last search, number of studies, and when the next search is due.
    """
    included = len(review.included)
    items = [
        f"<strong>{_STATUS[review.file.living.status]}</strong>",
        f"version {escape(review.file.version)}",
        f"last search {_time(review.last_search)}",
        f"{included} {'study' if included == 1 else 'studies'} included by name",
    ]
    if review.file.living.status == "living":
        due = review.next_search_due
        items.append(
            f"next search due {_time(due)}"
            if today <= due
            else f"next search was due {_time(due)}; later reports are not yet included"
        )
    if review.verified_only:
        items.insert(1, "syntheses of verified extractions only")
    if as_of is not None:
        items.insert(1, f"as it stood on {_time(as_of)}")
    return '<p class="lr-banner">' + " ".join(f"<span>{item}</span>" for item in items) + "</p>"


def _time(day: date) -> str:
    return f'<time datetime="{day.isoformat()}">{long_date(day)}</time>'
