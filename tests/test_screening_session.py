"""Does a key do what it says, is everything shown readable, and is nothing lost when the program is killed?"""

from __future__ import annotations

import contextlib
import curses
import os
import pty
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from livingreview.errors import DataError, ReviewError
from livingreview.review import Review
from livingreview.screening.ledger import read_decisions, standing
from livingreview.screening.library import Found
from livingreview.screening.session import Session, run, terms_pattern
from livingreview.search.records import Record


def found(name: str, title: str = "Deep learning in cardiac MRI", abstract: str = "") -> Found:
    return Found(name, Record("made", 0, title=title, abstract=abstract), "PubMed", "run")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path, [found("a"), found("b"), found("c")], "title_abstract", "Ada", date(2026, 1, 2))


def text(session: Session, width: int = 80, height: int = 24) -> str:
    return "\n".join("".join(part for part, _ in line) for line in session.view(width, height))


def in_ledger(session: Session) -> list[tuple[str, str, str]]:
    return [(row.record, row.decision, row.reason) for row in read_decisions(session.root)]


def test_a_decision_is_in_the_ledger_before_the_next_record_is_shown(session: Session) -> None:
    for key, row in (("i", ("a", "include", "")), ("e", ("b", "exclude", "")), ("u", ("c", "unsure", ""))):
        session.press(key)
        assert in_ledger(session)[-1] == row
    assert session.current is None
    assert "last one" in text(session)
    session.press("i")
    assert len(in_ledger(session)) == 3


def test_undo_withdraws_and_goes_back(session: Session) -> None:
    for key in "ienz":  # n is behind the record that is taken back
        session.press(key)
    assert session.current == session.queue[1]
    assert in_ledger(session)[-1] == ("b", "withdrawn", "")
    session.press("i")
    assert [(row.record, row.decision) for row in standing(read_decisions(session.root))] == [
        ("a", "include"),
        ("b", "include"),
    ]
    for key in "zzz":
        session.press(key)
    assert standing(read_decisions(session.root)) == ()
    assert "Nothing to undo" in text(session)


def test_a_full_text_is_excluded_with_a_reason_or_not_at_all(session: Session) -> None:
    session.stage = "full_text"
    session.press("e")
    assert in_ledger(session) == []
    assert "the full text could not be had" in text(session)
    session.press("\x1b")
    assert in_ledger(session) == []
    session.press("e")
    session.press("a")
    assert in_ledger(session) == [("a", "exclude", "not_retrieved")]


def test_nothing_is_decided_twice_or_by_an_unknown_key(session: Session) -> None:
    session.press("i")
    for key in ("p", "e", "é", "", "\x1b[A"):
        session.press(key)
    assert in_ledger(session) == [("a", "include", "")]
    assert "You decided: include" in text(session)


def test_a_ledger_that_cannot_take_it_stops_the_session_where_it_is(session: Session) -> None:
    session.person = " "
    with pytest.raises(DataError, match="SCREEN-002"):
        session.press("i")
    assert session.position == 0
    assert session.made == []


def test_terms_are_marked_across_line_breaks_and_nothing_steers_the_terminal(review: Review, tmp_path: Path) -> None:
    hostile = found(
        "h", "A convolutional neural network\x1b[31m\u202e for cardiac\nmagnetic resonance imaging", "x " * 400
    )
    session = Session(
        tmp_path, [hostile], "title_abstract", "Ada", date(2026, 1, 2), terms=terms_pattern(review.strategy)
    )
    lines = session.view(24, 30)
    marked = " ".join(part for line in lines for part, style in line if style == "term")
    assert "cardiac" in marked
    assert "magnetic resonance imaging" in " ".join(marked.split())
    assert all(sum(len(part) for part, _ in line) <= 24 for line in lines)
    assert all(part.isprintable() for line in lines for part, _ in line)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (10, 3), (200, 60)])
def test_every_size_of_window_is_filled_and_not_more(session: Session, size: tuple[int, int]) -> None:
    width, height = size
    session.queue = [found("a", abstract="word " * 2000)]
    for key in "jjjjkx":
        session.press(key)
        lines = session.view(width, height)
        assert len(lines) <= height
        assert all(sum(len(part) for part, _ in line) <= width for line in lines)


class Window:
    """A terminal of 80 × 24 with its keys pressed beforehand; past the last one, Ctrl-C."""

    def __init__(self, *keys: str | int) -> None:
        self.keys = iter(keys)
        self.shown: list[str] = []

    def addstr(self, row: int, column: int, text: str, style: int) -> None:
        if column:  # as where wide characters take the room of the line
            raise curses.error
        self.shown.append(text)

    def get_wch(self) -> str | int:
        try:
            return next(self.keys)
        except StopIteration:
            raise KeyboardInterrupt from None

    def getmaxyx(self) -> tuple[int, int]:
        return 24, 80

    def getyx(self) -> tuple[int, int]:
        return 0, 1

    def erase(self) -> None:
        self.shown.clear()

    def refresh(self) -> None:
        pass


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("use_default_colors", "curs_set", "set_escdelay"):
        monkeypatch.setattr(curses, name, lambda *_: None)
    return monkeypatch


def test_the_keys_of_a_terminal_reach_the_session(session: Session, terminal: pytest.MonkeyPatch) -> None:
    window = Window("i", curses.KEY_RIGHT, curses.KEY_RESIZE, curses.KEY_F1, "e", "q")
    terminal.setattr(curses, "wrapper", lambda loop, *given: loop(window, *given))
    run(session)
    assert session.over
    assert in_ledger(session) == [("a", "include", ""), ("c", "exclude", "")]
    assert any("Ada" in text for text in window.shown)


def test_ctrl_c_ends_a_session_and_what_is_no_terminal_is_refused(
    session: Session, terminal: pytest.MonkeyPatch
) -> None:
    terminal.setattr(curses, "wrapper", lambda loop, *given: loop(Window("i"), *given))
    run(session)
    assert session.over
    assert in_ledger(session) == [("a", "include", "")]

    def refuse(*_: object) -> None:
        raise curses.error("no cursor")

    terminal.setattr(curses, "wrapper", refuse)
    with pytest.raises(ReviewError, match=r"no cursor.*run it in a terminal"):
        run(session)


@pytest.mark.slow
def test_a_killed_session_has_lost_nothing(data_copy: Path) -> None:
    code = "import sys; from livingreview.cli import main; sys.exit(main(sys.argv[1:]))"
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, "screen", "--data", str(data_copy), "--person", "Ada"],
        stdin=child,
        stdout=child,
        stderr=child,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(child)
    os.set_blocking(parent, False)
    deadline = time.monotonic() + 60
    shown = b""
    while len(made := read_decisions(data_copy)) < 3:
        assert time.monotonic() < deadline, f"the program took no decision: {shown!r}"
        with contextlib.suppress(BlockingIOError):
            shown += os.read(parent, 65536)
        if b"title and abstract" in shown:
            os.write(parent, b"i")
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.close(parent)
    assert read_decisions(data_copy)[:3] == made[:3]
    assert len({row.record for row in read_decisions(data_copy)}) == len(read_decisions(data_copy))
