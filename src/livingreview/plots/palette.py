"""Every colour of every figure, in one place.

A figure is drawn once and shown on light and on dark pages.  Artists use the *light* value of a role; when
the figure becomes an inline SVG, each of these values is replaced by a CSS custom property named
``--lr-<role>`` whose fallback is that value (see :mod:`livingreview.plots.svg`).  A page that defines the
properties, e.g. with :func:`theme_css`, recolours every figure on it.

The hues are those of Okabe and Ito's palette, which stays distinguishable with every common form of colour
blindness, darkened (lightened) until they contrast with a light (dark) page.

References
----------
Okabe M, Ito K. Color universal design. 2008. https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["COLOURS", "MARKERS", "RATINGS", "SERIES", "Rating", "colour", "css_variables", "theme_css"]


@dataclass(frozen=True)
class Colour:
    """One colour role, the CSS property ``--lr-<role>``, and its value on a light and on a dark page, ``#rrggbb``.

    The light values are unique, because they are what is looked for when a figure becomes an SVG.
    """

    role: str
    light: str
    dark: str


COLOURS: Final[tuple[Colour, ...]] = (
    Colour("ink", "#1c2127", "#e6e9ec"),  # text, axes, outlines, study markers (fallback: currentColor)
    Colour("muted", "#59626c", "#a7b0b9"),  # secondary text, study-level intervals, reference lines
    Colour("rule", "#d3d8dd", "#3d454e"),  # grid lines and hairlines
    Colour("paper", "#fefefe", "#14181e"),  # the page behind the figure: gaps, halos, text on solid marks
    Colour("band", "#eff2f5", "#222932"),  # quiet fill of boxes and bands
    Colour("sensitivity", "#0067a5", "#5db7ee"),  # sensitivity, and the first of two series
    Colour("specificity", "#b84c00", "#f39a55"),  # specificity, and the second of two series
    Colour("pooled", "#93347a", "#e29bcb"),  # pooled estimates, the summary point, the SROC curve, predictions
    Colour("low", "#3fae8b", "#3fae8a"),  # low risk of bias, "reported"; always with the symbol +
    Colour("concerns", "#edb120", "#edb121"),  # some concerns, "not yet extracted"; always with the symbol ?
    Colour("high", "#e8743c", "#e8743d"),  # high risk of bias, "not reported"; always with the symbol −
    Colour("on-rating", "#0b0d10", "#0b0d11"),  # the symbol on the three rating colours
    Colour("series-1", "#0068a6", "#5db7ef"),  # categories without a meaning of their own, always with a marker shape
    Colour("series-2", "#b84d00", "#f39a56"),
    Colour("series-3", "#007355", "#3fc79d"),
    Colour("series-4", "#93347b", "#e29bcc"),
    Colour("series-5", "#806000", "#dcb33c"),
    Colour("series-6", "#4b5563", "#b4bcc6"),
)

SERIES: Final[tuple[str, ...]] = tuple(c.light for c in COLOURS if c.role.startswith("series-"))

#: Marker shapes that go with :data:`SERIES`, so that colour is never the only sign.
MARKERS: Final[tuple[str, ...]] = ("o", "s", "D", "^", "v", "P")


@dataclass(frozen=True)
class Rating:
    """A three-valued judgement: how a legend writes it, the sign on its colour, and the light value of that colour."""

    label: str
    symbol: str
    colour: str


def colour(role: str) -> str:
    """Return the value to draw a role with.

    Raises
    ------
    KeyError
        If there is no such role.

    Examples
    --------
    >>> colour("sensitivity")
    '#0067a5'
    """
    for candidate in COLOURS:
        if candidate.role == role:
            return candidate.light
    raise KeyError(f"no colour role {role!r}; the roles are {', '.join(c.role for c in COLOURS)}")


#: Risk of bias, keyed as the appraisal writes it.
RATINGS: Final[dict[str, Rating]] = {
    "low": Rating("low", "+", colour("low")),
    "some concerns": Rating("some concerns", "?", colour("concerns")),
    "high": Rating("high", "−", colour("high")),
}


def css_variables(theme: str) -> dict[str, str]:
    """Return the CSS custom properties of a theme, ``"light"`` or ``"dark"``, in the order of :data:`COLOURS`.

    >>> css_variables("dark")["--lr-paper"]
    '#14181e'
    """
    if theme not in ("light", "dark"):
        raise ValueError(f"theme is 'light' or 'dark', not {theme!r}")
    return {f"--lr-{c.role}": c.light if theme == "light" else c.dark for c in COLOURS}


def theme_css() -> str:
    """Return the style sheet that gives both themes their colours.

    >>> print(theme_css().splitlines()[1])
      --lr-ink: #1c2127;
    """
    blocks = []
    for selector, theme in ((":root", "light"), ('html[data-theme="dark"]', "dark")):
        body = "\n".join(f"  {name}: {value};" for name, value in css_variables(theme).items())
        blocks.append(f"{selector} {{\n{body}\n}}\n")
    # Paper stays light, because browsers print no backgrounds.
    return f"{blocks[0]}@media screen {{\n{blocks[1]}}}\n"
