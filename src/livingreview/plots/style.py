"""The one figure style of the review: sizes, type and the figures themselves.

Figures are drawn at one of two widths.  A :data:`COLUMN` figure is legible on a telephone (shown 330 px wide,
a point of type is about a CSS pixel) and sits in the text column of a larger screen.  A :data:`PAGE` figure
fills that column and needs a compact twin for the telephone (``compact=`` of
:func:`livingreview.plots.svg.show`).  Nothing is smaller than 8.5 points.

Colours are those of :mod:`livingreview.plots.palette`, which lists the CSS variable names; the background is
transparent.  The SVG itself is written by :mod:`livingreview.plots.svg`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

from livingreview.plots.palette import Rating, colour

__all__ = [
    "BASE", "COLUMN", "DASHED", "PAGE", "SMALL", "axes_or_new", "canvas", "clean", "context", "figure",
    "ignore_missing_glyphs", "legend_beside", "name_rows", "signed_dot", "styled", "text_width", "tooltip", "wrap",
]  # fmt: skip

COLUMN: Final = 4.6  # inches; a figure for a telephone or a text column
PAGE: Final = 8.0  # inches; a figure for a full page
BASE: Final = 9.5  # points; labels and ordinary text
SMALL: Final = 8.5  # points; ticks and notes, the smallest type used
DASHED: Final = (0, (5, 3))
TIP: Final = "tip:"  # what a group id starts with when it is the text of a tooltip

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


def axes_or_new(ax: Axes | None, width: float, height: float) -> Axes:
    """Return `ax`, or the axes of a new figure of the given size in inches."""
    return figure(width, height).subplots() if ax is None else ax


def canvas(ax: Axes | None, width: float, height: float) -> Axes:
    """Return blank axes, by default of a new figure, whose coordinates are inches from the top left."""
    if ax is None:
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
    """Put a legend above or below the axes, flush left, where it cannot cover data.

    It is the figure's where the axes are alone in it (tick labels then do not narrow the legend), else the axes'.
    By default it has as many columns as there are handles.
    """
    options: dict[str, Any] = {
        "handles": list(handles), "ncols": columns or len(handles),
        "borderaxespad": 0.3, "borderpad": 0.2, "handletextpad": 0.5, "columnspacing": 1.2,
    }  # fmt: skip
    above, fig = place == "above", ax.get_figure(root=True)
    if fig is not None and fig.axes == [ax] and fig.get_layout_engine() is not None:
        return fig.legend(loc="outside upper left" if above else "outside lower left", **options)
    anchor = (0.0, 1.0 if above else -0.12)
    return ax.legend(loc="lower left" if above else "upper left", bbox_to_anchor=anchor, **options)
