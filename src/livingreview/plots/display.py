"""A figure as a reader meets it: image, caption, and the way to its data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from html import escape
from typing import Final
from urllib.parse import urlsplit

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livingreview.plots.svg import to_svg
from livingreview.wording import mark_explained

__all__ = ["Displayed", "show"]

# Stands alone where the site's style sheet is absent, e.g. in a notebook.
_SWITCH: Final = (
    "<style>.lr-compact{display:none}@media (max-width:600px){.lr-wide{display:none}.lr-compact{display:block}}</style>"
)


@dataclass(frozen=True)
class Displayed:
    """A figure ready for a page; a notebook shows it as its last expression.

    Parameters
    ----------
    html
        The ``<figure>`` element.
    alt
        Text alternative, shown where HTML is not.
    """

    html: str = field(repr=False)
    alt: str

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        return {"text/html": self.html, "text/plain": self.alt}


def show(
    fig: Figure | Axes,
    *,
    title: str,
    alt: str,
    caption: str | None = None,
    data: str | None = None,
    compact: Figure | Axes | None = None,
    name: str | None = None,
) -> Displayed:
    """Return a figure with its caption and the link to its data.

    Parameters
    ----------
    fig
        The figure, or axes in it.
    title
        Short name of what is shown.
    alt
        Text alternative: what a reader who cannot see the figure needs to know.
    caption
        Shown below the figure, as plain text.
    data
        Address of the data behind the figure, relative or ``https``.
    compact
        The same figure for narrow screens; takes the place of `fig` there.
    name
        Id of the figure, to link to; by default derived from its content.

    Returns
    -------
    Displayed
        All text in it is escaped.

    Raises
    ------
    ValueError
        If the title or text alternative is empty, or `data` has a scheme other than http or https.
    """
    if data is not None and urlsplit(data.strip()).scheme not in ("", "http", "https"):
        raise ValueError(f"data is a relative or https address, not {data!r}")
    images = [("lr-wide", fig)] if compact is None else [("lr-wide", fig), ("lr-compact", compact)]
    body = []
    for css_class, image in images:
        prefix = None if name is None else f"{name}-{css_class}"
        svg = to_svg(_figure(image), title, alt, prefix=prefix)
        body.append(f'<div class="{css_class}">{svg}</div>' if compact is not None else svg)
    if compact is not None:
        body.insert(0, _SWITCH)
    notes = [escape(text) for text in (caption, mark_explained("".join(body))) if text]
    if data is not None:
        notes.append(f'<a class="lr-data" href="{escape(data.strip(), quote=True)}">Data of this figure</a>')
    if notes:
        body.append(f"<figcaption>{' '.join(notes)}</figcaption>")
    identity = name or "lr-figure-" + hashlib.sha256("".join(body).encode()).hexdigest()[:10]
    html = f'<figure class="lr-figure" id="{escape(identity, quote=True)}">{"".join(body)}</figure>'
    return Displayed(html=html, alt=alt)


def _figure(drawn: Figure | Axes) -> Figure:
    fig = drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)
    if fig is None:
        raise ValueError("these axes belong to no figure")
    return fig
