"""The keyboard and the screen of a :class:`~livingreview.screening.session.Session`, on curses."""

from __future__ import annotations

import curses
from typing import Final

from livingreview.errors import ReviewError
from livingreview.screening.session import Session

__all__ = ["run"]

_ARROWS: Final = {curses.KEY_DOWN: "j", curses.KEY_UP: "k", curses.KEY_RIGHT: "n", curses.KEY_LEFT: "p"}
_STYLES: Final = {
    "": curses.A_NORMAL,
    "title": curses.A_BOLD,
    "term": curses.A_BOLD | curses.A_UNDERLINE,  # seen without colour, too
    "muted": curses.A_DIM,
    "alert": curses.A_REVERSE,
}


def run(session: Session) -> None:
    """Show a session until the person quits; Ctrl-C quits, too.

    Raises
    ------
    ReviewError
        The output is no terminal that can be drawn on.
    DataError
        The ledger could not take a decision; everything before it is in the ledger.
    """
    try:
        curses.wrapper(_loop, session)
    except curses.error as error:
        raise ReviewError(f"this terminal cannot be drawn on ({error}); run it in a terminal window") from error
    except KeyboardInterrupt:
        session.over = True


def _loop(window: curses.window, session: Session) -> None:
    curses.use_default_colors()
    curses.curs_set(0)
    # Escape leaves a menu; without this curses waits a second to see whether it begins an arrow key.
    curses.set_escdelay(25)
    while not session.over:
        _draw(window, session)
        key = window.get_wch()
        if key != curses.KEY_RESIZE:
            session.press(_ARROWS.get(key, "") if isinstance(key, int) else key)


def _draw(window: curses.window, session: Session) -> None:
    height, width = window.getmaxyx()
    window.erase()
    for row, line in enumerate(session.view(width - 1, height)):
        column = 0
        for text, style in line:
            try:
                window.addstr(row, column, text, _STYLES[style])
            except curses.error:  # wide characters took more room than was counted
                break
            column = window.getyx()[1]
    window.refresh()
