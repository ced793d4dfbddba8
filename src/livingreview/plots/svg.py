"""A figure as a reader meets it: an accessible, theme-aware SVG whose text is text, and a caption.

The page's own CSS recolours the figure: see :mod:`livingreview.plots.style` for the variable names.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livingreview.plots.style import COLOURS, TIP, context, ignore_missing_glyphs
from livingreview.wording import cell, csv_text, mark_explained

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Displayed", "save", "show"]

# Stands alone where the site's style sheet is absent, e.g. in a notebook.
_SWITCH: Final = (
    "<style>.lr-compact{display:none}@media (max-width:600px){.lr-wide{display:none}.lr-compact{display:block}}</style>"
)
# Shown larger than this, 9.5-point type would outgrow the text around it.
_LARGEST_PIXELS_PER_POINT: Final = 1.5

_FONT: Final = "var(--lr-font, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif)"
_VARIABLES: Final[dict[str, str]] = {
    # Ink follows the text around the figure where the page does not say otherwise.
    light: f"var(--lr-{role}, {'currentColor' if role == 'ink' else light})"
    for role, (light, _) in COLOURS.items()
}
_HEX: Final = re.compile("|".join(_VARIABLES))
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
_FONT_SHORTHAND: Final = re.compile(r"^(?P<before>.*?)(?P<size>[\d.]+px)")
_DECIMALS: Final = re.compile(r"-?\d+\.\d{3,}")
_ILLEGAL_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Displayed:
    """A ``<figure>`` ready for a page, with its text alternative; a notebook shows it as its last expression."""

    html: str = field(repr=False)
    alt: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        return {"text/html": self.html, "text/plain": self.alt}


def show(
    fig: Figure | Axes,
    *,
    title: str,
    alt: str,
    name: str,
    caption: str | None = None,
    compact: Figure | Axes | None = None,
    data: pd.DataFrame | None = None,
) -> Displayed:
    """Return a figure with its caption and its numbers; every text is escaped.

    Parameters
    ----------
    fig
        The figure, or axes in it.
    title
        Short name of what is shown.
    alt
        Text alternative: what a reader who cannot see the figure needs to know.
    name
        Id of the figure, to link to.
    caption
        Shown below the figure, as plain text.
    compact
        The same figure for narrow screens; takes the place of `fig` there.
    data
        The numbers drawn. The caption ends with a link that gives them as a CSV file: it holds them itself, so that a
        figure and its numbers never part.

    Raises
    ------
    ValueError
        If the title or text alternative is empty.
    """
    images = [("lr-wide", fig)] if compact is None else [("lr-wide", fig), ("lr-compact", compact)]
    body = []
    for css_class, image in images:
        svg = to_svg(_figure(image), title, alt, prefix=f"{name}-{css_class}")
        body.append(f'<div class="{css_class}">{svg}</div>' if compact is not None else svg)
    if compact is not None:
        body.insert(0, _SWITCH)
    notes = [escape(text) for text in (caption, mark_explained("".join(body))) if text]
    if data is not None:
        notes.append(_numbers(data, f"{name}.csv"))
    if notes:
        body.append(f"<figcaption>{' '.join(notes)}</figcaption>")
    html = f'<figure class="lr-figure" id="{escape(name)}">{"".join(body)}</figure>'
    return Displayed(html=html, alt=alt)


def _numbers(data: pd.DataFrame, file: str) -> str:
    rows = (map(cell, row) for row in (list(data), *data.astype(object).itertuples(index=False)))
    text = csv_text(rows, end="\r\n")
    address = f"data:text/csv;charset=utf-8,{quote(text, safe=' ,.')}"
    link = f'<a class="lr-numbers" download="{escape(file)}" href="{escape(address)}">'
    return f"{link}The numbers of this figure (CSV)</a>"


def _figure(drawn: Figure | Axes) -> Figure:
    fig = drawn if isinstance(drawn, Figure) else drawn.get_figure(root=True)
    if fig is None:
        raise ValueError("these axes belong to no figure")
    return fig


def to_svg(fig: Figure, title: str, description: str, *, prefix: str | None = None) -> str:
    """Return a figure as one ``<svg>`` element to be placed in an HTML page; the same figure gives the same bytes.

    It is as wide as its container up to a legible maximum; ``role="img"`` (``"group"`` with links inside) named by its
    title and description.

    Parameters
    ----------
    fig
        Figure drawn with :mod:`livingreview.plots`.
    title, description
        Short name, read first by a screen reader, and text alternative.
    prefix
        What every id starts with; by default derived from the content, so that figures do not collide.

    Raises
    ------
    ValueError
        If the title or the description is empty.
    """
    if not title.strip() or not description.strip():
        raise ValueError("a figure needs a title and a description; say what it shows")
    raw = _draw(fig)
    if prefix is None:
        digest = hashlib.sha256("\0".join((title, description, raw)).encode()).hexdigest()
        prefix = f"lr-{digest[:10]}"
    root = _plain(ET.fromstring(raw))
    _unique_ids(root, prefix)
    for element in root.iter():
        _restyle(element)
    for element in root.iter():
        _shorten(element)
    _unwrap(root)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "lr-svg",
        # What is an image to a screen reader is closed to it: the links inside must stay within reach.
        "role": "group" if root.find(".//a") is not None else "img",
        "aria-labelledby": f"{prefix}-title {prefix}-desc",
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": "100%",
        "style": (
            f"display: block; height: auto; max-width: {width * _LARGEST_PIXELS_PER_POINT:.0f}px; "
            f"font-family: {_FONT}; stroke-linejoin: round; fill: var(--lr-ink, currentColor)"
        ),
    }
    root.attrib.clear()
    root.attrib.update(attributes)
    for place, (name, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(name, {"id": f"{prefix}-{name}"})
        element.text = _ILLEGAL_XML.sub("", text)
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def save(fig: Figure, path: str | Path, title: str, description: str) -> Path:
    """Write a figure to a file that stands on its own, in light colours on white, and return its path.

    The suffix is ``.svg`` (with title and description), ``.pdf`` or ``.png``.
    """
    path = Path(path)
    if path.suffix.lower() == ".svg":
        svg = to_svg(fig, title, description)
        for value, variable in _VARIABLES.items():
            svg = svg.replace(variable, value)
        svg = svg.replace(_FONT, "'DejaVu Sans', Verdana, Arial, sans-serif")
        svg = svg.replace("display: block;", "background: #ffffff;", 1)
        path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{svg}\n', encoding="utf-8")
        return path
    with context(), ignore_missing_glyphs():
        dates = {"CreationDate": None, "ModDate": None} if path.suffix.lower() == ".pdf" else {}
        fig.savefig(path, facecolor="white", dpi=200, metadata=dates)
    return path


def _draw(fig: Figure) -> str:
    buffer = io.StringIO()
    with context(), ignore_missing_glyphs():
        fig.savefig(buffer, format="svg", metadata={"Date": None})
    return _ILLEGAL_XML.sub("", buffer.getvalue())


def _plain(root: ET.Element) -> ET.Element:
    """Drop namespaces, metadata and the style sheet, which would leak into the page."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key in [key for key in element.attrib if "}" in key]:
            element.attrib[key.rpartition("}")[2]] = element.attrib.pop(key)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in ("metadata", "style"):
                parent.remove(child)
    return root


def _unique_ids(root: ET.Element, prefix: str) -> None:
    """Keep the ids that something refers to, prefixed; turn tooltip ids into titles."""
    used: set[str] = set()
    for element in root.iter():
        used.update(_REFERENCE.findall(" ".join(element.attrib.values())))
        if element.tag != "a" and element.get("href", "").startswith("#"):
            used.add(element.attrib["href"][1:])
    seen: set[str] = set()
    for parent in list(root.iter()):
        identity = parent.attrib.pop("id", None)
        if identity is not None and identity.startswith(TIP):
            tip = ET.Element("title")
            tip.text = identity[len(TIP) :]
            parent.insert(0, tip)
        elif identity in used:
            seen.add(identity)
            parent.set("id", f"{prefix}-{identity}")
        for key, value in list(parent.attrib.items()):
            if key == "href" and parent.tag == "a":  # a link of the page, not of the drawing
                parent.set("style", "text-decoration: underline")
                parent.attrib.pop("target", None)
            elif key == "href":
                parent.set(key, f"#{prefix}-{value[1:]}")
            else:
                parent.set(key, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _restyle(element: ET.Element) -> None:
    """Replace colours by variables, and drop the family the layout was measured with."""
    style = element.get("style")
    if style is None:
        return
    declarations: dict[str, str] = {}
    for part in style.split(";"):
        name, found, value = part.partition(":")
        if found:
            declarations[name.strip()] = value.strip()
    declarations.pop("font-family", None)
    shorthand = _FONT_SHORTHAND.match(declarations.pop("font", ""))
    if shorthand:  # matplotlib before 3.11 writes the shorthand
        declarations["font-size"] = shorthand["size"]
        weight = shorthand["before"].split()
        if weight:
            declarations["font-weight"] = weight[-1]
    text = "; ".join(f"{name}: {value}" for name, value in declarations.items())
    element.set("style", _HEX.sub(lambda match: _VARIABLES[match[0]], text))


def _shorten(element: ET.Element) -> None:
    """Round coordinates to 0.01 pt, and say once what a run of equal markers has in common.

    It keeps pages small, and differences in the last digits of another machine's arithmetic out of the file.
    """
    for name in ("d", "x", "y", "transform"):
        if name in element.attrib:
            rounded = _DECIMALS.sub(lambda match: f"{float(match[0]):.2f}", element.attrib[name])
            element.set(name, " ".join(rounded.split()))
    styles = {child.get("style", "") for child in element}
    if len(element) > 1 and len(styles) == 1 and all(child.tag == "use" for child in element):
        for child in element:
            child.attrib.pop("style", None)
        element.set("style", styles.pop())


def _unwrap(parent: ET.Element) -> None:
    """Put the children of groups that say nothing in their place; half of what matplotlib writes is such groups."""
    if parent.tag == "text":
        return
    for child in list(parent):
        _unwrap(child)
        child.tail = None
        if child.tag == "g" and not child.attrib and child.find("title") is None:
            place = list(parent).index(child)
            parent[place : place + 1] = list(child)
    if len(parent) and not (parent.text or "").strip():
        parent.text = None
