"""The PRISMA flow of records into the review, computed from the ledgers.

A number that cannot be computed, or that two files give differently, is an error: a flow diagram is never patched by
hand. Numbers that the base review does not print but that follow from what it prints are marked as derived.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from livingreview.errors import DataError, Fault
from livingreview.review import Review

__all__ = ["Flow", "FlowBox", "base_flow"]


@dataclass(frozen=True)
class FlowBox:
    """One box of the diagram.

    Parameters
    ----------
    key
        Stable name, e.g. ``screened``.
    text
        What the number counts; further lines stand below it, smaller parts of the number first.
    count
        The number; None where it is not known.
    derived
        The number follows from printed ones but is itself not printed.
    lane
        The column: the base version, all earlier updates together, or this update.
    row
        Position from the top, 0-based.
    side
        The box leaves the stream (records excluded) and stands beside it.
    into
        Key of the box this one leads to, where that is not the next one of its own lane.
    """

    key: str
    text: str
    count: int | None
    derived: bool = False
    lane: str = "Base version"
    row: int = 0
    side: bool = False
    into: str = ""


@dataclass(frozen=True)
class Flow:
    """Boxes from top to bottom; a side box stands beside the row it leaves."""

    boxes: tuple[FlowBox, ...]

    def __getitem__(self, key: str) -> FlowBox:
        """Return a box by its key."""
        for box in self.boxes:
            if box.key == key:
                return box
        raise KeyError(key)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"boxes": [asdict(box) for box in self.boxes]}


def base_flow(review: Review) -> Flow:
    """Compute the base version's flow from the run ledger and the base review's printed counts.

    Parameters
    ----------
    review
        The review on any day from the base search on.

    Raises
    ------
    DataError
        The run ledger and the printed counts disagree, or a printed step does not add up.
    """
    printed = dict(zip(review.baseline["prisma"]["item"], map(int, review.baseline["prisma"]["count"]), strict=True))
    runs = review.runs[review.runs["kind"] == "base"]
    databases = tuple(zip(runs["database"], map(int, runs["hits"]), strict=True))
    identified = sum(hits for _, hits in databases)
    retrieved = printed["screened"] - printed["excluded_title_abstract"]
    excluded_full_text = retrieved - printed["included_review"]
    pooled = (
        ("diagnosis and prediction", printed["included_meta_analysis_diagnosis_prediction"]),
        ("segmentation", printed["included_meta_analysis_segmentation"]),
    )
    _agree("identified_total", printed["identified_total"], identified, "the hits of the base runs in search/runs.csv")
    _agree("screened", printed["screened"], identified - printed["duplicates_removed"], "identified − duplicates")
    _agree("included_meta_analysis", printed["included_meta_analysis"], sum(n for _, n in pooled), "its two parts")
    boxes = (
        FlowBox("identified", _parts("Records identified from databases", databases), identified, row=0),
        FlowBox("duplicates", "Duplicate records removed", printed["duplicates_removed"], row=0, side=True),
        FlowBox("screened", "Records screened", printed["screened"], row=1),
        FlowBox("excluded", "Records excluded on title and abstract", printed["excluded_title_abstract"], row=1,
                side=True),
        FlowBox("assessed", "Reports assessed in full text", retrieved, derived=True, row=2),
        FlowBox("excluded_full_text", "Reports excluded\nReasons are not stated", excluded_full_text, derived=True,
                row=2, side=True),
        FlowBox("included", "Studies included in the review", printed["included_review"], row=3),
        FlowBox("pooled", _parts("Studies in the base review's meta-analyses", pooled),
                printed["included_meta_analysis"], row=4),
    )  # fmt: skip
    return Flow(boxes)


def _parts(text: str, parts: Iterable[tuple[str, int]]) -> str:
    return "\n".join([text, *(f"{name}: {count:,}" for name, count in parts)])


def _agree(item: str, printed: int, computed: int, how: str) -> None:
    if printed != computed:
        problem = f"{item} is printed as {printed}; {how} give {computed}"
        raise DataError([Fault("data/baseline/prisma.csv", 0, item, problem, "mend the ledger", "FLOW-001")])
