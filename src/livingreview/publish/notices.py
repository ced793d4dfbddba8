"""A notice that a reader cannot miss, shown only where there is something to say."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from IPython.display import HTML, display

__all__ = ["notices_html", "show_notices"]


def show_notices(texts: Sequence[str], *, title: str) -> None:
    """Show a notice with one line per text; nothing where there is none."""
    if texts:
        display(HTML(notices_html(texts, title=title)))  # type: ignore[no-untyped-call]


def notices_html(texts: Sequence[str], *, title: str) -> str:
    """Return the notice; every text is escaped.

    Examples
    --------
    >>> "&lt;b&gt;" in notices_html(["<b>"], title="Changed")
    True
    """
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return (
        f'<aside class="admonition important lr-notice" aria-label="{escape(title, quote=True)}">'
        f'<p class="admonition-title">{escape(title)}</p><ul>{items}</ul></aside>'
    )
