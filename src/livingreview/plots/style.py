"""The one figure style of the review: colours, sizes, type and the figures themselves.

Figures are drawn at one of two widths.  A :data:`COLUMN` figure is legible on a telephone (shown 330 px wide,
a point of type is about a CSS pixel) and sits in the text column of a larger screen.  A :data:`PAGE` figure
fills that column and needs a compact twin for the telephone (``compact=`` of
:func:`livingreview.plots.svg.show`).  Nothing is smaller than 8.5 points.

A figure is drawn once and shown on light and on dark pages, on a transparent background.  Artists use the *light* value
of a colour role; when the figure becomes an inline SVG, each of these values is replaced by a CSS custom property named
``--lr-<role>`` whose fallback is that value (see :mod:`livingreview.plots.svg`).  A page that defines the properties,
e.g. with :func:`theme_css`, recolours every figure on it.

The hues are those of Okabe and Ito's palette, which stays distinguishable with every common form of colour
blindness, darkened (lightened) until they contrast with a light (dark) page.

References
----------
Okabe M, Ito K. Color universal design. 2008. https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, Literal, ParamSpec, TypeVar, cast

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.textpath import text_to_path

__all__ = [
    "BASE", "COLOURS", "COLUMN", "DASHED", "MARKERS", "PAGE", "RATINGS", "RISK_OF_BIAS", "SERIES", "SMALL", "Rating",
    "canvas", "clean", "colour", "context", "css_variables", "figure", "ignore_missing_glyphs", "legend_beside",
    "name_rows", "new_axes", "signed_dot", "styled", "text_width", "theme_css", "tooltip", "wrap",
]  # fmt: skip

COLUMN: Final = 4.6  # inches; a figure for a telephone or a text column
PAGE: Final = 8.0  # inches; a figure for a full page
BASE: Final = 9.5  # points; labels and ordinary text
SMALL: Final = 8.5  # points; ticks and notes, the smallest type used
DASHED: Final = (0, (5, 3))
TIP: Final = "tip:"  # what a group id starts with when it is the text of a tooltip


#: Colour role, the CSS property ``--lr-<role>`` → its value on a light and on a dark page, ``#rrggbb``. The light
#: values are unique, because they are what is looked for when a figure becomes an SVG.
COLOURS: Final[dict[str, tuple[str, str]]] = {
    "ink": ("#1c2127", "#e6e9ec"),  # text, axes, outlines, study markers (fallback: currentColor)
    "muted": ("#59626c", "#a7b0b9"),  # secondary text, study-level intervals, reference lines
    "rule": ("#d3d8dd", "#3d454e"),  # grid lines and hairlines
    "paper": ("#fefefe", "#14181e"),  # the page behind the figure: gaps, halos, text on solid marks
    "band": ("#eff2f5", "#222932"),  # quiet fill of boxes and bands
    "sensitivity": ("#0067a5", "#5db7ee"),  # sensitivity, and the first of two series
    "specificity": ("#b84c00", "#f39a55"),  # specificity, and the second of two series
    "pooled": ("#93347a", "#e29bcb"),  # pooled estimates, the summary point, the SROC curve, predictions
    "low": ("#3fae8b", "#3fae8a"),  # low risk of bias, "reported"; always with the symbol +
    "concerns": ("#edb120", "#edb121"),  # some concerns, "not yet extracted"; always with the symbol ?
    "high": ("#e8743c", "#e8743d"),  # high risk of bias, "not reported"; always with the symbol −
    "on-rating": ("#0b0d10", "#0b0d11"),  # the symbol on the three rating colours
    "series-1": ("#0068a6", "#5db7ef"),  # categories without a meaning of their own, always with a marker shape
    "series-2": ("#b84d00", "#f39a56"),
    "series-3": ("#007355", "#3fc79d"),
    "series-4": ("#93347b", "#e29bcc"),
    "series-5": ("#806000", "#dcb33c"),
    "series-6": ("#4b5563", "#b4bcc6"),
}

SERIES: Final[tuple[str, ...]] = tuple(light for role, (light, _) in COLOURS.items() if role.startswith("series-"))

#: Marker shapes that go with :data:`SERIES`, so that colour is never the only sign.
MARKERS: Final[tuple[str, ...]] = ("o", "s", "D", "^", "v", "P")


@dataclass(frozen=True)
class Rating:
    """A three-valued judgement: how a legend writes it, the sign on its colour, and the light value of that colour."""

    label: str
    symbol: str
    colour: str


def colour(role: str) -> str:
    """Return the value to draw a role, a key of :data:`COLOURS`, with.

    >>> colour("sensitivity")
    '#0067a5'
    """
    return COLOURS[role][0]


#: Risk of bias, keyed as the appraisal writes it.
RATINGS: Final[dict[str, Rating]] = {
    "low": Rating("low", "+", colour("low")),
    "some concerns": Rating("some concerns", "?", colour("concerns")),
    "high": Rating("high", "−", colour("high")),
}

#: The same as QUADAS-2 and a study's file name them.
RISK_OF_BIAS: Final[dict[str, Rating]] = {
    "low": RATINGS["low"],
    "unclear": Rating("unclear", "?", colour("concerns")),
    "high": RATINGS["high"],
}


def css_variables(theme: str) -> dict[str, str]:
    """Return the CSS custom properties of a theme, ``"light"`` or ``"dark"``, in the order of :data:`COLOURS`.

    >>> css_variables("dark")["--lr-paper"]
    '#14181e'
    """
    column = ("light", "dark").index(theme)
    return {f"--lr-{role}": values[column] for role, values in COLOURS.items()}


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


_RC: Final[dict[Any, Any]] = {
    # One bundled family: the layout is the same on every machine.  The page substitutes its own, narrower one.
    "font.family": ["DejaVu Sans"],
    "font.size": BASE,
    "axes.labelsize": BASE,
    "axes.titlesize": BASE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": colour("ink"),
    "axes.labelcolor": colour("ink"),
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.formatter.use_mathtext": False,
    "figure.facecolor": "none",
    "figure.edgecolor": "none",
    "grid.color": colour("rule"),
    "grid.linewidth": 0.8,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.labelcolor": colour("ink"),
    "lines.linewidth": 1.4,
    "lines.markersize": 6,
    "patch.linewidth": 0.8,
    "savefig.facecolor": "none",
    "text.color": colour("ink"),
    # A study may be called "$x$": it is a name, not a formula.
    "text.parse_math": False,
    "xtick.color": colour("ink"),
    "ytick.color": colour("ink"),
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "svg.fonttype": "none",
    "svg.hashsalt": "livingreview",
}

# Besides control characters, marks that reorder text: a contributed label must not rewrite its neighbours.
_UNWANTED: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_SPACE: Final = re.compile(r"[ \t\r\n\f\v]+")  # not the no-break space, which is there for a reason

_P = ParamSpec("_P")
_R = TypeVar("_R")


@contextmanager
def context() -> Iterator[None]:
    """Hold the review's matplotlib settings for a ``with`` block."""
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the user has set does not change the figures
        mpl.rcParams.update(_RC)
        yield


def styled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a drawing function draw within :func:`context`."""

    @wraps(function)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with context():
            return function(*args, **kwargs)

    return drawn


def figure(width: float = COLUMN, height: float = 3.2, *, layout: str | None = "constrained") -> Figure:
    """Return an empty figure in the review's style, of a size in inches.

    It is not registered with pyplot, so that nothing has to be closed; without a `layout` the axes are placed by hand.

    >>> figure(4.0, 2.0).get_size_inches().tolist()
    [4.0, 2.0]
    """
    with context():
        fig = Figure(figsize=(width, height), layout=cast(Any, layout))
        FigureCanvasAgg(fig)
        return fig


def new_axes(width: float, height: float) -> Axes:
    """Return the axes of a new figure of the given size in inches."""
    return figure(width, height).subplots()


def canvas(width: float, height: float) -> Axes:
    """Return the blank axes of a new figure whose coordinates are inches from the top left."""
    ax = figure(width, height, layout=None).add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(height, 0))
    return ax


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows of axes without another y axis, the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0, labelsize=BASE)
    ax.spines["left"].set_visible(False)


def clean(text: object) -> str:
    r"""Return text, anything a study file may hold, as one line without control or reordering characters.

    >>> clean("Bai  et al.\n2018")
    'Bai et al. 2018'
    """
    return _SPACE.sub(" ", _UNWANTED.sub("", unicodedata.normalize("NFC", str(text)))).strip()


def wrap(text: object, characters: int) -> str:
    r"""Return cleaned text broken into lines of at most so many characters; its own line breaks are kept.

    >>> wrap("records removed before screening", 16)
    'records removed\nbefore screening'
    """
    lines = [clean(line) for line in str(text).splitlines()] or [""]
    return "\n".join(part for line in lines for part in (textwrap.wrap(line, max(characters, 1)) or [""]))


def tooltip(artist: Artist, text: object) -> None:
    """Give a line, patch or text a tooltip, which the SVG carries as its ``<title>``."""
    artist.set_gid(TIP + clean(text))


@contextmanager
def ignore_missing_glyphs() -> Iterator[None]:
    """Accept names in scripts that the measuring font lacks: the reader's browser has the glyphs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def text_width(text: str, size: float = BASE, weight: str = "normal") -> float:
    """Return the width in inches of a text's longest line in the font that layouts are measured with.

    >>> text_width("wide") > text_width("w")
    True
    """
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    with ignore_missing_glyphs():
        widths = [text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in text.splitlines()]
    return max(widths, default=0.0) / 72


def signed_dot(ax: Axes, x: float, y: float, rating: Rating, tip: str, *, size: float = 11.0) -> None:
    """Draw a judgement as a coloured dot of so many points that bears its sign; without a sign, as an empty ring."""
    (mark,) = ax.plot([x], [y], "o", markersize=size, markerfacecolor=rating.colour, markeredgewidth=0.7)
    mark.set_markeredgecolor(colour("ink" if rating.symbol else "muted"))
    tooltip(mark, tip)
    if rating.symbol:
        ax.text(
            x, y, rating.symbol, ha="center", va="center_baseline", color=colour("on-rating"), weight="bold",
            fontsize=SMALL,
        )  # fmt: skip


def legend_beside(
    ax: Axes, handles: Sequence[Artist], *, columns: int | None = None, place: Literal["above", "below"] = "above"
) -> Legend:
    """Put a legend above or below the only axes of a figure, flush left, where it cannot cover data.

    It is the figure's, so that tick labels do not narrow it. By default it has as many columns as there are handles.
    """
    options: dict[str, Any] = {
        "handles": list(handles), "ncols": columns or len(handles),
        "borderaxespad": 0.3, "borderpad": 0.2, "handletextpad": 0.5, "columnspacing": 1.2,
    }  # fmt: skip
    return ax.figure.legend(loc="outside upper left" if place == "above" else "outside lower left", **options)
