"""What stands around the chapters: banner, references, colours, addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livingreview.review import Review

__all__ = ["Frame", "frame_of"]


@dataclass(frozen=True)
class Frame:
    """What stands around the chapters.

    Parameters
    ----------
    banner
        HTML of the living status on every page.
    bibliography
        Content of ``references.bib``.
    styles
        Content of a style sheet added to the book's own.
    repository, address
        Where the repository and the site live; empty when that is not known.
    until
        Last day on which the banner reads so, if there is one.
    review
        The review that the pages show: what is published beside them, and what they say of themselves to programs,
        comes from it. None for a book that is no review.
    """

    banner: str = ""
    bibliography: str = ""
    styles: str = ""
    repository: str = ""
    address: str = ""
    until: date | None = None
    review: Review | None = None


def frame_of(root: Path, today: date, *, as_of: date | None = None, verified_only: bool = False) -> Frame:
    """Return banner, references, colours and addresses, all from the review's data.

    Parameters
    ----------
    root
        Folder of the review.
    today
        Day of the build.
    as_of
        Show the review as it stood on that day.
    verified_only
        Let syntheses use only studies whose extraction a person has signed.

    Raises
    ------
    DataError
        If the data have faults.
    """
    from livingreview.plots.palette import theme_css
    from livingreview.publish.banner import banner_html, banner_until
    from livingreview.publish.references import bibtex
    from livingreview.review import Review

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
