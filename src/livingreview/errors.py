"""Every error the package raises on purpose, on one screen.

A :class:`DataError` carries *all* faults found, not the first one, so that a contributor mends a file once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Codes of what may be right as it stands: it is said, but the files can be used.
WARNINGS: Final = frozenset({"REF-004", "SIZE-003", "SIZE-004"})


@dataclass(frozen=True, order=True)
class Fault:
    """One mistake in one place, and the way out.

    Parameters
    ----------
    path
        File the fault is in, relative to the review where that is possible; empty for data that has no file.
    line
        1-based line (of a text file) or row (of a table); 0 when the fault concerns the whole.
    field
        Dotted path of the field, e.g. ``accuracy[0].tp``; empty when the fault concerns the whole file.
    problem
        What was expected and what was found.
    remedy
        What to do about it.
    code
        Stable identifier such as ``STUDY-003``; documented, never re-used.
    """

    path: str
    line: int
    field: str
    problem: str
    remedy: str
    code: str

    @property
    def is_warning(self) -> bool:
        """Whether the files can be used as they are."""
        return self.code in WARNINGS

    def __str__(self) -> str:
        """Return ``path:line field — problem; remedy [CODE]`` on one line, without what could steer a terminal."""
        place = f"{self.path}:{self.line}" if self.path and self.line else self.path
        head = " ".join(part for part in (place, self.field) if part)
        body = f"{self.problem}; {self.remedy}" if self.remedy else self.problem
        text = f"{head} — {body} [{self.code}]" if head else f"{body} [{self.code}]"
        return "".join(char if char.isprintable() else "�" for char in text.replace("\n", " "))


class ReviewError(Exception):
    """Base of every error that this package raises on purpose."""


class DataError(ReviewError):
    """The data cannot be used as they stand.

    Parameters
    ----------
    faults
        Every fault found; at least one.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: Sequence[Fault] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the faults, so that the error survives a process boundary."""
        return (type(self), (self.faults,))


class SearchError(ReviewError):
    """A bibliographic search failed; nothing was recorded."""


class ConvergenceError(ReviewError):
    """A model has no finite estimate, or none was found; no number is returned."""


class TooFewStudies(ReviewError):
    """The model asked for needs more studies than there are."""


class BuildError(ReviewError):
    """The site could not be built; the previous one was left as it was."""
