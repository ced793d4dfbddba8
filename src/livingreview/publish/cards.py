"""Headline figures of the front page: a value with its interval, what it is, and the way to its evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from IPython.display import HTML, display

from livingreview.synthesis.intervals import Interval
from livingreview.wording import percent

__all__ = ["Card", "cards_html", "show_cards"]


@dataclass(frozen=True)
class Card:
    """One headline figure.

    Parameters
    ----------
    title
        What is measured.
    value
        An interval of a proportion, or a text.
    note
        What the value rests on.
    link
        Relative address of the evidence.
    """

    title: str
    value: Interval | str
    note: str
    link: str


def show_cards(cards: Iterable[Card]) -> None:
    """Show the figures side by side, or one below the other on a phone."""
    display(HTML(cards_html(cards)))  # type: ignore[no-untyped-call]


def cards_html(cards: Iterable[Card]) -> str:
    """Return the figures as a list; every text is escaped.

    Raises
    ------
    ValueError
        A link is not relative.

    Examples
    --------
    >>> "70.0" in cards_html([Card("Sensitivity", Interval(0.7, 0.6, 0.8), "of three studies", "a.html")])
    True
    """
    return f'<ul class="lr-cards">{"".join(_card(card) for card in cards)}</ul>'


def _card(card: Card) -> str:
    if urlsplit(card.link).scheme or card.link.startswith("//"):
        raise ValueError(f"a card links within the site, not to {card.link!r}")
    if isinstance(card.value, Interval):
        value = percent(card.value.estimate)
        limits = f"{percent(card.value.lower)} to {percent(card.value.upper)}"
        interval = f'<span class="lr-card-interval">{100 * card.value.level:g} % CI {escape(limits)}</span>'
    else:
        value, interval = card.value, ""
    return (
        f'<li><a href="{escape(card.link, quote=True)}"><span class="lr-card-title">{escape(card.title)}</span>'
        f'<span class="lr-card-value">{escape(value)}</span>{interval}'
        f'<span class="lr-card-note">{escape(card.note)}</span></a></li>'
    )
