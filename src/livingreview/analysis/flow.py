"""The PRISMA flow of records into the review, computed from the ledgers.

A number that cannot be computed, or that two files give differently, is an error: a flow diagram is never patched by
hand. Numbers that the base review does not print but that follow from what it prints are marked as derived.

References
----------
Page MJ, et al. The PRISMA 2020 statement. BMJ 2021;372:n71. https://doi.org/10.1136/bmj.n71
Akl EA, et al. Extension of the PRISMA 2020 statement for living systematic reviews (PRISMA-LSR). BMJ 2024;387:e079183.
https://doi.org/10.1136/bmj-2024-079183
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from livingreview.analysis.ledgers import Period, Sorted, Update, count_updates, new_studies
from livingreview.errors import DataError, Fault
from livingreview.review import OTHER_METHODS, Review

__all__ = ["Flow", "FlowBox", "base_flow", "flow_text", "living_flow"]

BASE_LANE: Final = "Base version"
TODAY_LANE: Final = "The review today"


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
        Always empty: a field of version 1 of the API.
    link
        Address of the records or studies behind the number, relative to the page; empty where no page has them.
    """

    key: str
    text: str
    count: int | None
    derived: bool = False
    lane: str = BASE_LANE
    row: int = 0
    side: bool = False
    into: str = ""
    link: str = ""


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
    """Compute the base version's flow, on any day from the base search on, from the run ledger and the printed counts.

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
        FlowBox("identified", _parts("Records identified from databases", databases), identified, row=0, link="#runs"),
        FlowBox("duplicates", "Duplicate records removed", printed["duplicates_removed"], row=0, side=True),
        FlowBox("screened", "Records screened", printed["screened"], row=1),
        FlowBox("excluded", "Records excluded on title and abstract", printed["excluded_title_abstract"], row=1,
                side=True),
        FlowBox("assessed", "Reports assessed in full text", retrieved, derived=True, row=2),
        FlowBox("excluded_full_text", "Reports excluded\nReasons are not stated", excluded_full_text, derived=True,
                row=2, side=True),
        FlowBox("included", "Studies included in the review", printed["included_review"], row=3,
                link="characteristics.html"),
        FlowBox("pooled", _parts("Studies in the base review's meta-analyses", pooled),
                printed["included_meta_analysis"], row=4),
    )  # fmt: skip
    return Flow(boxes)


def living_flow(review: Review, *, previous: date | None = None) -> Flow:
    """Compute the flow of a living review: base version, earlier updates together, this update, and the sum.

    Parameters
    ----------
    review
        The review on any day from the base search on.
    previous
        Day of the version before this one; what was found after the base search and until then are the earlier
        updates. None where there was no version but the base version.

    Raises
    ------
    DataError
        A number cannot be derived, or two files give it differently; the faults say why.
    """
    base = base_flow(review)
    start: date = review.runs.loc[review.runs["kind"] == "base", "date"].max()
    middle = start if previous is None else min(max(previous, start), review.day)
    periods = [Period("This update", middle, max(review.day, middle))]
    if middle > start:
        periods.insert(0, Period("Earlier updates", start, middle))
    boxes = list(base.boxes)
    for update in count_updates(review, periods):
        row = 1 + max(box.row for box in boxes)
        boxes += [*_database_lane(update, row), *_other_lane(update, row)]
    boxes += _sum(review, start, base["included"].count or 0, 1 + max(box.row for box in boxes))
    return Flow(tuple(boxes))


def flow_text(flow: Flow) -> str:
    """Return the diagram as text: one heading per lane, one line per box, what leaves the stream indented."""
    lines = []
    for lane in dict.fromkeys(box.lane for box in flow.boxes):
        lines += ["", lane]
        for box in sorted((box for box in flow.boxes if box.lane == lane), key=lambda box: (box.row, box.side)):
            first, *rest = box.text.splitlines()
            number = "not known" if box.count is None else f"{box.count:,}"
            detail = f" ({'; '.join(rest)})" if rest else ""
            derived = ", derived" if box.derived else ""
            lines.append(f"{'    – ' if box.side else '  '}{first}: {number}{derived}{detail}")
    return "\n".join(lines).strip()


Boxes = Iterator[FlowBox]


def _database_lane(update: Update, row: int) -> Boxes:
    box = _boxes(update, "databases", row)
    if not update.hits:
        yield box(
            "identified", "Records identified from databases\nNo database was searched in this period", 0, link="#runs"
        )
        return
    found = _parts("Records identified from databases", update.hits)
    yield box("identified", found, update.identified, link="#runs")
    yield box(
        "duplicates", "Records removed before screening\nCopies of others, or found before", update.repeated, side=True
    )
    yield from _stages(box, update.databases, "Records", ())


def _other_lane(update: Update, row: int) -> Boxes:
    box = _boxes(update, "other methods", row)
    if not update.found_otherwise:
        yield box("identified", "Reports found by other methods\nNone looked for", 0)
        return
    link = "#studies-found-by-other-methods"
    yield box("identified", "Reports found by other methods", update.found_otherwise, link=link)
    yield box("duplicates", "Already in the review, or found before", update.in_review, side=True)
    suggested = [(f"suggested as {text}", count) for text, count in update.suggestions]
    yield from _stages(box, update.other, "Reports", suggested)


def _boxes(update: Update, way: str, row: int) -> Callable[..., FlowBox]:
    """Return what makes the boxes of one lane; each is so many steps below the first."""
    when = "earlier" if update.period.name.startswith("Earlier") else "update"
    key, lane = f"{when}_{way.partition(' ')[0]}", f"{update.period.name}: {way}"

    def box(name: str, text: str, count: int, step: int = 0, *, side: bool = False, link: str = "") -> FlowBox:
        return FlowBox(f"{key}_{name}", text, count, lane=lane, row=row + step, side=side, link=link)

    return box


def _stages(box: Callable[..., FlowBox], counts: Sorted, noun: str, suggested: Iterable[tuple[str, int]]) -> Boxes:
    """Yield the boxes from screening to inclusion; what nobody has reached yet is left out."""
    waiting = _parts("Waiting for a decision on title and abstract", suggested)
    yield box("to_screen", f"{noun} to screen", counts.to_screen, 1)
    yield box("to_decide", waiting, counts.to_decide, 1, side=True)
    yield box("screened", f"{noun} screened", counts.screened, 2)
    if not counts.screened:
        return
    not_retrieved = f"Reports not retrieved\nWaiting to be read: {counts.to_read:,}"
    excluded = sum(count for _, count in counts.excluded_full_text)
    yield box("excluded", f"{noun} excluded on title and abstract", counts.excluded, 2, side=True)
    yield box("sought", "Reports sought for retrieval", counts.sought, 3)
    yield box("not_retrieved", not_retrieved, counts.not_retrieved, 3, side=True)
    yield box("assessed", "Reports assessed in full text", counts.assessed, 4)
    yield box("excluded_full_text", _parts("Reports excluded", counts.excluded_full_text), excluded, 4, side=True)
    yield box("included", "Reports included", counts.included, 5)


def _sum(review: Review, start: date, base: int, row: int) -> list[FlowBox]:
    new = [(f"by way of {route}", len(new_studies(review, start, route))) for route in ("databases", OTHER_METHODS)]
    added = sum(count for _, count in new)
    return [
        FlowBox("new_studies", _parts("New studies since the base version", new), added, lane=TODAY_LANE, row=row),
        FlowBox("studies", f"Studies in the review\nbase version: {base:,}", base + added, lane=TODAY_LANE,
                row=row + 1, link="characteristics.html"),
    ]  # fmt: skip


def _parts(text: str, parts: Iterable[tuple[str, int]]) -> str:
    return "\n".join([text, *(f"{name}: {count:,}" for name, count in parts)])


def _agree(item: str, printed: int, computed: int, how: str) -> None:
    if printed != computed:
        problem = f"{item} is printed as {printed}; {how} give {computed}"
        raise DataError([Fault("data/baseline/prisma.csv", 0, item, problem, "mend the ledger", "FLOW-001")])
