"""Compare people's extractions of one study field by field, with each other and with the study file.

Compared is what at least one person gives; what only the study file has, nobody has read twice. Evaluations meet by
their id, overlap values by what they measure; an entry that a reader lacks is one disagreement, its fields are not
compared. Wording is listed where it differs but not scored; of readiness for use only whether something is reported
counts.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import pandas as pd

from livingreview.review import label
from livingreview.review.extractions import LISTS, SINGLE, STUDY_FILE, Reader
from livingreview.review.model import PersonExtraction, Quoted, Study, Translation, source_keys
from livingreview.screening.agreement import cohen_kappa, share_alike
from livingreview.wording import plural

__all__ = ["Compared", "agreement_table", "compare", "disagreement_table", "standing_of"]

Kind = Literal["category", "number", "entry", "wording"]
OVERLAP_KEY = ("metric", "structure", "phase", "sequence", "dataset", "rater")
CATEGORIES = frozenset({
    "family", "dimensionality", "sequences", "learning", "datasets", "access", "centres", "validation", "unit",
    "problem", "split", "statistic",
})  # fmt: skip
WORDING = frozenset({"architecture", "description", "vendors", "threshold"})
# Pairs below which kappa's large-sample interval is none. This review's choice.
FEWEST = 10
# Names and remarks, and what decides whether two entries are the same one.
NOT_COMPARED = frozenset({"source", "id", "primary", "label", "note", "contradiction", *OVERLAP_KEY})


@dataclass(frozen=True)
class Value:
    """What a reader gives for a field, as text, and where it stands in the reader's file."""

    kind: Kind
    text: str
    where: tuple[str | int, ...]


@dataclass(frozen=True)
class Compared:
    """One field, and what each reader gives for it; None where one gives nothing."""

    field: str
    kind: Kind
    values: Mapping[str, Value | None]

    @property
    def alike(self) -> bool:
        """Whether all give the same; numbers as printed, decimals included."""
        return len({value and _plain(value.text) for value in self.values.values()}) == 1


def compare(held: Sequence[Reader]) -> list[Compared]:
    """Compare readings of one study field by field, in the order of the files."""
    values = {reader.name: _values(reader.record) for reader in held}
    compared = []
    for field in dict.fromkeys(field for given in values.values() for field in given):
        entry, inside, _ = field.partition("].")
        having = {name: given for name, given in values.items() if not inside or f"{entry}]" in given}
        read = any(field in given for name, given in values.items() if name != STUDY_FILE)
        if len(having) > 1 and read:
            kind = next(given[field].kind for given in having.values() if field in given)
            compared.append(Compared(field, kind, {name: given.get(field) for name, given in having.items()}))
    return compared


def _values(record: PersonExtraction | Study) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name in SINGLE:
        found |= _fields(getattr(record, name), name, (name,))
    for name in LISTS:
        met: Counter[str] = Counter()
        for index, entry in enumerate(getattr(record, name)):
            kinds = {record.sources[key].kind for key in source_keys(entry.source)}
            if kinds <= {"baseline", "baseline_text", "coding"}:  # of the base review; no reader of the report has it
                continue
            parts = [entry.id] if name == "accuracy" else [getattr(entry, part) for part in OVERLAP_KEY]
            identity = ", ".join(str(part) for part in parts if part is not None)
            met[identity] += 1
            key = f"{name}[{identity}{f' #{met[identity]}' if met[identity] > 1 else ''}]"
            found |= {key: Value("entry", "given", (name, index)), **_fields(entry, key, (name, index))}
    return found


def _fields(block: Any, key: str, where: tuple[str | int, ...]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name in type(block).model_fields if block is not None else ():
        value = getattr(block, name)
        if name in NOT_COMPARED or value in (None, []):
            continue
        kind: Kind = "category" if name in CATEGORIES else "wording" if name in WORDING else "number"
        text = _text(sorted(value) if kind == "category" and isinstance(value, list) else value)
        if isinstance(block, Translation):
            kind, text = "category", "not reported" if value == "not reported" else "reported"
        found[f"{key}.{name}"] = Value(kind, text, (*where, name))
    return found


def _text(value: Any) -> str:
    if isinstance(value, Quoted):
        interval = f" ({value.ci[0]} to {value.ci[1]})" if value.ci else ""
        return value.value + interval + (f" ± {value.sd}" if value.sd else "")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().replace(" %", "%")


def standing_of(found: Mapping[str, Sequence[Reader]]) -> str:
    """Return in words how many studies people have extracted, and how many twice."""
    if not found:
        return "No person has extracted any study independently so far, so there is no agreement to report."
    once, twice = (plural(n, "study", "studies") for n in (len(found), sum(len(held) > 2 for held in found.values())))
    return f"People have extracted {once} independently; {twice} at least twice."


def agreement_table(found: Mapping[str, Sequence[Reader]]) -> pd.DataFrame:
    """Return how often two people gave the same, over all studies that two people extracted.

    Categories one by one, with Cohen's kappa of the pairs in which both give one; numbers as printed and entries found
    by block. Intervals are Wilson's and, for kappa, the large-sample one, which says nothing of a few pairs: then there
    is no kappa. With several values of one study they are too narrow.
    """
    groups: dict[tuple[str, Kind], list[tuple[str, ...]]] = defaultdict(list)
    for held in found.values():
        for pair in combinations(held[:-1], 2):
            for item in compare(pair):
                block, name = re.split(r"[.\[]", item.field)[0], item.field.rpartition(".")[2]
                what = {"category": name, "number": "numbers as printed", "entry": "entries found"}.get(item.kind)
                if what:
                    given = tuple(_plain(value.text) if value else "" for value in item.values.values())
                    groups[f"{block}: {what}".replace("_", " "), item.kind].append(given)
    rows = [
        {
            "What": what,
            "Compared": len(pairs),
            "Share alike": str(share_alike(sum(first == second for first, second in pairs), len(pairs))),
            "Kappa": _kappa(pairs) if kind == "category" else "",
        }
        for (what, kind), pairs in sorted(groups.items())
    ]
    return pd.DataFrame(rows, columns=["What", "Compared", "Share alike", "Kappa"])


def _kappa(pairs: Sequence[tuple[str, ...]]) -> str:
    both = [pair for pair in pairs if all(pair)]
    if len(both) < FEWEST:
        return f"too few: {len(both)} of {FEWEST}"
    names = sorted({value for pair in both for value in pair})
    counts = Counter(both)
    kappa = cohen_kappa([[counts[first, second] for second in names] for first in names])
    return "not defined: one category only" if kappa is None else str(kappa)


def disagreement_table(found: Mapping[str, Sequence[Reader]]) -> pd.DataFrame:
    """Return every field on which the readers of a study, the study file among them, are not alike."""
    rows = []
    for held in found.values():
        study = held[-1].record
        assert isinstance(study, Study)
        for item in compare(held):
            if not item.alike:
                given = [f"{name}: {value.text if value else 'nothing'}" for name, value in item.values.items()]
                rows.append((label(study), item.field, item.kind, "; ".join(given)))
    return pd.DataFrame(rows, columns=["Study", "Field", "Kind", "What each gives"])
