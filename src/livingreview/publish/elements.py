"""What chapters show besides figures: tables, verbatim texts, facts in sentences, notices, headline figures, lists.

Every text is escaped, so that nothing from a data file can become markup. A table is complete HTML without any script;
``_static/livingreview-tables.js`` then makes its columns sortable and, where it is long, adds a field that filters the
rows.
"""

from __future__ import annotations

import hashlib
import numbers
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import compress
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from IPython.display import HTML, display

from livingreview.analysis.reporting import checklist_table
from livingreview.review import STUDY_ID, Review
from livingreview.synthesis.intervals import Interval
from livingreview.wording import mark_explained, percent, together

__all__ = [
    "Card", "PageLink", "link_html", "show_cards", "show_checklist", "show_code", "show_notices", "show_table",
    "table_html", "tell",
]  # fmt: skip

LONG: Final = 32
_DOI: Final = re.compile(r"10\.\d{4,9}/\S+")
_LEVEL: Final = re.compile(r"(?<=\()(\d+(?:\.\d+)? % CI) ")
_NUMERIC: Final = re.compile(r"[<>≤≥−–-]?\s?\d[\d\s,.]*\s?%?(\s?[(\[±–-].*)?")


@dataclass(frozen=True)
class PageLink:
    """A cell that leads to another page of the site, by a relative address; it sorts and reads as its text."""

    page: str
    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w./#-]+", self.page):
            raise ValueError(f"a page is a relative address, not {self.page!r}")

    def __str__(self) -> str:
        return self.text


def show_table(table: pd.DataFrame, *, caption: str, name: str | None = None, fold: str = "") -> None:
    """Show a table on the page.

    Its index is not shown. Absent values (None, NaN) stay blank, and a column of nothing else is left out. A column
    `STUDY_ID` is not shown either: the names in the column "Study" lead to the pages of the studies of these ids. What
    kind of interval a column holds stands once, in its heading. The caption is plain text; `name` is an id to link to,
    by default derived from the content. With `fold` only that line is seen until a reader opens it.
    """
    html = table_html(table, caption=caption, name=name)
    folded = f'<details class="lr-fold"><summary>{escape(fold)}</summary>{html}</details>'
    display(HTML(folded if fold else html))


def show_code(text: str, *, caption: str, name: str | None = None) -> None:
    """Show a text as it stands, line breaks and all, with a button to copy it; otherwise as :func:`show_table`."""
    display(HTML(code_html(text, caption=caption, name=name)))


def table_html(table: pd.DataFrame, *, caption: str, name: str | None = None) -> str:
    """Return a table as HTML; parameters as for :func:`show_table`.

    Raises
    ------
    ValueError
        If the table has no columns, two of one name, or the caption is empty.

    Examples
    --------
    >>> "&lt;b&gt;" in table_html(pd.DataFrame({"n": ["<b>"]}), caption="Sizes")
    True
    """
    _check_caption(caption)
    table = _linked(table)
    titles = [str(title) for title in table.columns]
    if not titles or len(set(titles)) < len(titles):
        raise ValueError(f"a table has columns, each of its own name; found {titles}")
    columns = [list(table.iloc[:, number]) for number in range(len(titles))]
    if len(table):
        # The first column says what a row is, whatever it holds.
        told = [number == 0 or bool(_present(column)) for number, column in enumerate(columns)]
        titles, columns = list(compress(titles, told)), list(compress(columns, told))
    titles, columns = map(list, zip(*map(_headed, titles, columns), strict=True))
    classes = [_css_class(column) for column in columns]
    # With a space between cells, their words stay apart for the site's search, which takes the tags out.
    head = " ".join(
        f'<th scope="col"{css_class}>{escape(together(title))}</th>'
        for title, css_class in zip(titles, classes, strict=True)
    )
    rows = " ".join(f"<tr>{_row(row, classes)}</tr>" for row in zip(*columns, strict=True))
    body = f"<thead><tr>{head}</tr></thead> <tbody>{rows}</tbody>"
    identity = escape(name or f"lr-table-{_digest(caption + body)}")
    note = mark_explained(body)
    heading = " ".join(escape(together(text)) for text in (caption, note) if text)
    # The region takes the focus so that a keyboard can scroll a table wider than the screen.
    return (
        f'<figure class="lr-table" id="{identity}"><figcaption id="{identity}-caption">{heading}</figcaption>'
        f'<div class="lr-scroll" role="region" tabindex="0" aria-labelledby="{identity}-caption">'
        f'<table aria-labelledby="{identity}-caption">{body}</table></div></figure>'
    )


def _headed(title: str, column: list[Any]) -> tuple[str, list[Any]]:
    """Move what every interval of a column says of itself, such as "95 % CI", into its heading."""
    texts = [value for value in column if isinstance(value, str) and "(" in value]
    said = {found[1] if (found := _LEVEL.search(text)) else None for text in texts}
    if len(said) != 1 or None in said:
        return title, column
    return f"{title} ({said.pop()})", [_LEVEL.sub("", v) if isinstance(v, str) else v for v in column]


def _linked(table: pd.DataFrame) -> pd.DataFrame:
    if STUDY_ID not in table.columns:
        return table
    links = [
        PageLink(f"../studies/{study}.html", str(name)) if isinstance(study, str) else name
        for study, name in zip(table[STUDY_ID], table["Study"], strict=True)
    ]
    return table.drop(columns=STUDY_ID).assign(Study=pd.Series(links, index=table.index, dtype=object))


def code_html(text: str, *, caption: str, name: str | None = None) -> str:
    """Return a text as it stands, as HTML; parameters as for :func:`show_code`."""
    _check_caption(caption)
    identity = escape(name or f"lr-code-{_digest(caption + text)}")
    return (
        f'<figure class="lr-code" id="{identity}"><figcaption id="{identity}-caption">{escape(caption)}</figcaption>'
        f'<div class="highlight"><pre role="region" tabindex="0" aria-labelledby="{identity}-caption">'
        f"{escape(text.strip())}</pre></div></figure>"
    )


def _check_caption(caption: str) -> None:
    if not caption.strip():
        raise ValueError("give a caption: without it nobody knows what is shown")


def _row(row: Sequence[Any], classes: Sequence[str]) -> str:
    first, *others = zip(row, classes, strict=True)
    cells = [f'<th scope="row"{first[1]}>{_cell(first[0])}</th>']
    cells += [f"<td{css_class}>{_cell(value)}</td>" for value, css_class in others]
    return " ".join(cells)


def _css_class(column: Sequence[Any]) -> str:
    """Return the class attribute of a column's cells: numbers line up on the right, sentences get room."""
    present = _present(column)
    if present and all(map(_begins_with_number, present)):
        return ' class="lr-number"'
    return ' class="lr-text"' if any(_width(value) > LONG for value in column) else ""


def _width(value: Any) -> int:
    return sum(_width(part) + 2 for part in value) if isinstance(value, list | tuple) else len(str(value))


def _absent(value: Any) -> bool:
    return value is None or (not isinstance(value, list | tuple) and bool(pd.isna(value)))


def _present(column: Sequence[Any]) -> list[Any]:
    return [value for value in column if not _absent(value) and value != ""]


def _begins_with_number(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_NUMERIC.fullmatch(value.strip()))
    return isinstance(value, numbers.Number) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_cell(part) for part in value)
    if _absent(value):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        return escape(f"{value:g}")
    if isinstance(value, PageLink):
        return f'<a href="{escape(value.page)}">{escape(value.text)}</a>'
    text = str(value)
    if _DOI.fullmatch(text):
        return link_html(f"https://doi.org/{text}", text)
    if urlsplit(text).scheme in ("http", "https") and not re.search(r"\s", text):
        return link_html(text, re.sub(r"^https?://(www\.)?(doi\.org/)?", "", text).rstrip("/"))
    return escape(together(text))


def link_html(address: str, text: str) -> str:
    """Return a link to another site."""
    return f'<a href="{escape(address)}" rel="noopener nofollow">{escape(text)}</a>'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


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
        f'<aside class="admonition important lr-notice" aria-label="{escape(title)}">'
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

    >>> "70.0" in cards_html([Card("Sensitivity", Interval(0.7, 0.6, 0.8), "of three studies", "a.html")])
    True
    """
    return f'<ul class="lr-cards">{"".join(map(_card, cards))}</ul>'


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
        f'<li><a href="{escape(card.link)}"><span class="lr-card-title">{escape(card.title)}</span>'
        f'<span class="lr-card-value">{escape(value)}</span>{interval}'
        f'<span class="lr-card-note">{escape(card.note)}</span></a></li>'
    )


def show_checklist(review: Review, answers: pd.DataFrame, checklist: str) -> None:
    """Show a reporting checklist as a table, with a link to the page that answers each item."""
    instrument, table = review.instruments[checklist], checklist_table(review, answers, checklist)
    table["Page"] = table["Page"].map(page_link)
    show_table(table, caption=f"{instrument.name} ({instrument.edition}), item by item.", name=f"tab-{checklist}")


def page_link(page: str) -> PageLink | str:
    """Return the link from one chapter to another, or to the front page; nothing for an empty name.

    >>> page_link("quality").page, page_link("index").page
    ('quality.html', '../index.html')
    """
    if page == "index":
        return PageLink("../index.html", "front page")
    return PageLink(f"{page}.html", page.replace("-", " ")) if page else ""
