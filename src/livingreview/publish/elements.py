"""What chapters show besides tables and figures: facts in sentences, notices, headline figures, checklists.

Every text is escaped, so that nothing from a data file can become markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from IPython.display import HTML, display

from livingreview.analysis.reporting import Answer, checklist_table
from livingreview.publish.tables import PageLink, show_table
from livingreview.review import Review
from livingreview.synthesis.intervals import Interval
from livingreview.wording import percent

__all__ = ["Card", "show_cards", "show_checklist", "show_notices", "tell"]


def tell(**facts: str | int) -> None:
    """Store facts for the chapter's sentences, where the role ``{glue:text}`` with a fact's name writes it."""
    from myst_nb import glue

    for name, value in facts.items():
        glue(name, f"{value:,}" if isinstance(value, int) else str(value), display=False)


def show_notices(texts: Sequence[str], *, title: str) -> None:
    """Show a notice that a reader cannot miss, with one line per text; nothing where there is none."""
    if texts:
        display(HTML(notices_html(texts, title=title)))


def notices_html(texts: Sequence[str], *, title: str) -> str:
    """Return the notice.

    >>> "&lt;b&gt;" in notices_html(["<b>"], title="Changed")
    True
    """
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return (
        f'<aside class="admonition important lr-notice" aria-label="{escape(title, quote=True)}">'
        f'<p class="admonition-title">{escape(title)}</p><ul>{items}</ul></aside>'
    )


@dataclass(frozen=True)
class Card:
    """One headline figure: what is measured, its value, what that rests on, the relative address of the evidence."""

    title: str
    value: Interval | str
    note: str
    link: str


def show_cards(cards: Iterable[Card]) -> None:
    """Show headline figures side by side, or one below the other on a phone."""
    display(HTML(cards_html(cards)))


def cards_html(cards: Iterable[Card]) -> str:
    """Return headline figures as a list.

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


def show_checklist(review: Review, answers: Sequence[Answer], checklist: str) -> None:
    """Show a reporting checklist as a table, with a link to the page that answers each item."""
    instrument = review.instruments[checklist]
    table = checklist_table(review, answers, checklist)
    table["Page"] = table["Page"].map(page_link)
    show_table(table, caption=f"{instrument.name} ({instrument.edition}), item by item.", name=f"tab-{checklist}")


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
