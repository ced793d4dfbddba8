"""One person screening in the terminal: what is shown, what a key does, and what goes into the ledger.

A decision is in the ledger before the next record is shown. Undo appends a withdrawal: nothing is ever taken back from
the file. Others' decisions are not shown, so that people decide independently; an adjudicator sees them.
"""

from __future__ import annotations

import curses
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Final

from livingreview.errors import ReviewError
from livingreview.review.model import Strategy
from livingreview.screening.ledger import EXCLUSION_REASONS, NOT_RETRIEVED, Decision, append
from livingreview.screening.library import Found
from livingreview.search.records import one_line

__all__ = ["Session", "run", "terms_pattern"]

Span = tuple[str, str]
"""Text and its style: ``""``, ``"title"``, ``"term"``, ``"muted"`` or ``"alert"``."""

Line = list[Span]

_KEYS: Final = {"i": "include", "e": "exclude", "u": "unsure"}
_HELP: Final = (
    "i include · e exclude · x exclude with reason · u unsure · z undo · n/p next/previous · j/k scroll · q quit"
)
_READING_WIDTH: Final = 100


def terms_pattern(strategy: Strategy) -> re.Pattern[str]:
    """Return a pattern that finds the strategy's terms in a text, the longer of two first."""
    words = {}
    for concept in strategy.concepts:
        for term in concept.terms:
            parts = re.findall(r"\w+", term.text)
            if parts:
                words[r"[\W_]+".join(map(re.escape, parts)) + (r"\w*" if term.truncated else "")] = len(term.text)
    longest = sorted(words, key=lambda word: (-words[word], word))
    return re.compile(rf"\b(?:{'|'.join(longest)})\b" if longest else r"(?!)", re.IGNORECASE)


@dataclass
class Session:
    """A person, a stage and the records that wait, in order; `root` is the data folder.

    Stage, person, today and kind are what the ledger says of every decision made here. `terms` are highlighted;
    `earlier` are the decisions to show to an adjudicator, by record.
    """

    root: Path
    queue: Sequence[Found]
    stage: str
    person: str
    today: date
    kind: str = "decision"
    terms: re.Pattern[str] = field(default=re.compile(r"(?!)"), repr=False)
    earlier: dict[str, tuple[Decision, ...]] = field(default_factory=dict, repr=False)
    position: int = 0
    made: list[Decision] = field(default_factory=list)
    choosing: bool = False
    scroll: int = 0
    message: str = ""
    over: bool = False

    @property
    def current(self) -> Found | None:
        """The record shown; None behind the last one."""
        return self.queue[self.position] if self.position < len(self.queue) else None

    @property
    def decided(self) -> dict[str, Decision]:
        """What this session decided and did not take back, by record."""
        return {decision.record: decision for decision in self.made}

    def press(self, key: str) -> None:
        """Do what a key stands for; an unknown key says what there is.

        Raises
        ------
        DataError
            The ledger cannot take the decision; it is as it was.
        """
        self.message = ""
        if self.choosing:
            self._choose(key)
        elif key == "q":
            self.over = True
        elif key in ("n", "p"):
            self._move(1 if key == "n" else -1)
        elif key in ("j", "k"):
            self.scroll = max(0, self.scroll + (1 if key == "j" else -1))
        elif key == "z":
            self._undo()
        elif key in (*_KEYS, "x"):
            self._decide(key)
        else:
            self.message = _HELP

    def view(self, width: int, height: int) -> list[Line]:
        """Return the lines to show, at most so many and so wide: where one is, the record, what can be done."""
        head = self._head()
        foot: list[Line] = [[(text, "muted")] for text in textwrap.wrap(_HELP, max(width, 1))]
        if self.message:
            foot.insert(0, [(self.message, "alert")])
        if self.choosing:
            foot = [[(f" {letter}  {EXCLUSION_REASONS[reason]}", "")] for letter, reason in self._reasons().items()]
            foot.insert(0, [("Why?  (Esc: do not exclude)", "alert")])
        body = self._body(min(width, _READING_WIDTH))
        room = max(1, height - 2 - len(foot))
        self.scroll = min(self.scroll, max(0, len(body) - room))
        shown = body[self.scroll : self.scroll + room]
        if len(body) > self.scroll + room:
            shown[-1] = [("… j: more", "muted")]
        lines = [[(head, "muted")], [], *shown]
        lines += [[] for _ in range(height - len(lines) - len(foot))]
        return [_cut(line, width) for line in [*lines, *foot]][:height]

    def _head(self) -> str:
        place = f"{min(self.position + 1, len(self.queue))} of {len(self.queue)}"
        stage = self.stage.replace("_", " and ") if self.stage == "title_abstract" else "full text"
        what = "adjudication" if self.kind == "adjudication" else stage
        return f"{self.person} · {what} · {place} · {len(self.decided)} decided now"

    def _body(self, width: int) -> list[Line]:
        item = self.current
        if item is None:
            end = "Nothing is waiting." if not self.queue else "That was the last one. z takes the last decision back."
            return [[(end, "")]]
        record = item.details
        held = self.decided.get(item.record)
        lines = _highlight(one_line(record.title) or "(no title)", self.terms, width, "title")
        about = [", ".join(record.authors[:3]) + (" et al." if len(record.authors) > 3 else "")]
        about += [record.journal, str(record.year or ""), record.kind, record.doi and f"doi:{record.doi}", item.source]
        lines += [[(line, "muted")] for line in textwrap.wrap(" · ".join(map(one_line, filter(None, about))), width)]
        lines += [[], *_highlight(one_line(record.abstract) or "(no abstract)", self.terms, width, "")]
        for decision in self.earlier.get(item.record, ()):
            lines += [[], [(one_line(f"{decision.person}: {decision.decision} {decision.reason}").strip(), "alert")]]
        if held is not None:
            lines += [[], [(f"You decided: {held.decision} {held.reason}".strip(), "alert")]]
        return lines

    def _reasons(self) -> dict[str, str]:
        offered = [r for r in EXCLUSION_REASONS if self.stage == "full_text" or r != NOT_RETRIEVED]
        return dict(zip("abcdefghijklmnopqrstuvwxyz", offered, strict=False))

    def _choose(self, key: str) -> None:
        self.choosing = False
        reason = self._reasons().get(key)
        if reason is not None:
            self._record("exclude", reason)
        else:
            self.message = "Not excluded."

    def _decide(self, key: str) -> None:
        if self.current is None:
            self.message = "There is no record to decide on."
        elif self.current.record in self.decided:
            self.message = "You decided this one already; z takes the last decision back."
        elif key == "x" or (key == "e" and self.stage == "full_text"):
            self.choosing = True
        elif key == "u" and self.kind == "adjudication":
            self.message = "An adjudication decides: include or exclude."
        else:
            self._record(_KEYS[key], "")

    def _record(self, what: str, reason: str) -> None:
        item = self.current
        if item is None:
            return
        decision = Decision(item.record, self.stage, self.person, what, reason, self.today, self.kind)
        append(self.root, decision)
        self.made.append(decision)
        self._move(1)

    def _undo(self) -> None:
        if not self.made:
            self.message = "Nothing to undo in this session."
            return
        last = self.made[-1]
        append(self.root, replace(last, decision="withdrawn", reason=""))
        self.made.pop()
        self.position = next(i for i, item in enumerate(self.queue) if item.record == last.record)
        self.scroll = 0
        self.message = f"Taken back: {last.decision}."

    def _move(self, step: int) -> None:
        self.position = min(max(self.position + step, 0), len(self.queue))
        self.scroll = 0


def _highlight(text: str, terms: re.Pattern[str], width: int, style: str) -> list[Line]:
    """Break a text into lines and mark the terms, also those that a line break divides."""
    marked = bytearray(len(text))
    for found in terms.finditer(text):
        marked[found.start() : found.end()] = b"\1" * (found.end() - found.start())
    lines: list[Line] = []
    start = 0
    for wrapped in textwrap.wrap(text, width, break_on_hyphens=False) or [""]:
        start = text.index(wrapped, start)
        lines.append(list(_spans(wrapped, marked[start : start + len(wrapped)], style)))
        start += len(wrapped)
    return lines


def _spans(text: str, marked: Sequence[int], style: str) -> Iterable[Span]:
    begin = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or marked[end] != marked[begin]:
            yield text[begin:end], "term" if marked[begin] else style
            begin = end


def _cut(line: Line, width: int) -> Line:
    cut: Line = []
    for text, style in line:
        cut.append((text[: max(width, 0)], style))
        width -= len(text)
    return [span for span in cut if span[0]]


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
