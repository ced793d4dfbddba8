"""The flow of records and studies through the review."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FlowBox"]


@dataclass(frozen=True)
class FlowBox:
    """One box of a PRISMA flow diagram.

    Parameters
    ----------
    key
        Identifier, unique in the diagram.
    text
        What is counted; further lines (a database each, an exclusion reason each) after line breaks.
    count
        Number of records, reports or studies; None where it is not known.
    derived
        Whether the number was computed from others because its source does not print it.
    lane
        Stream the box belongs to, e.g. ``"Databases and registers"`` or ``"Other methods"``; lanes stand side
        by side in order of first appearance.
    row
        Level, from the top; boxes of all lanes on one row are drawn at one height.
    side
        Whether the box leaves the stream (records excluded) and stands beside it.
    into
        Key of the box this one leads to, where that is not the next one of its own lane.
    """

    key: str
    text: str
    count: int | None
    derived: bool
    lane: str
    row: int
    side: bool
    into: str = ""
