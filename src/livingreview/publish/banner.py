"""The living status, in one line on every page."""

from __future__ import annotations

from datetime import date, timedelta
from html import escape
from itertools import takewhile
from typing import Final

from livingreview.review import Review
from livingreview.wording import plural

__all__ = ["ago", "banner_html", "banner_until", "long_date"]

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


def ago(day: date, today: date) -> str:
    """Write how long ago a day was, in whole months.

    Examples
    --------
    >>> ago(date(2025, 7, 31), date(2026, 11, 30)), ago(date(2025, 7, 31), date(2025, 8, 2))
    ('15 months ago', 'less than a month ago')
    """
    months = 12 * (today.year - day.year) + today.month - day.month - (today.day < day.day)
    return f"{plural(months, 'month')} ago" if months > 0 else "less than a month ago"


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
        f"last search {_time(review.last_search)} ({ago(review.last_search, today)})",
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


def banner_until(review: Review, today: date) -> date:
    """Return the last day on which the banner reads as it does today; it changes once a month at least."""
    days = (today + timedelta(days=ahead) for ahead in range(32))
    *_, last = takewhile(lambda day: banner_html(review, day) == banner_html(review, today), days)
    return last


def _time(day: date) -> str:
    return f'<time datetime="{day.isoformat()}">{long_date(day)}</time>'
