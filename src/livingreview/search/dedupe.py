"""Find the records of one publication: two votes, guards, and three outcomes.

A pair is *merged* when the probabilistic model and the rule both take it for one publication and no guard objects,
*queued* for a person when only one of them does or the model is in doubt, and *distinct* otherwise. A preprint and
its article stay distinct and are *linked* as reports of one study. Nothing is deleted: every merge is a pair with
its reason, and a person's decision on any pair overrides it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from livingreview.errors import DataError, Fault
from livingreview.search.comparison import Alike, compare, objection, reports_of_one_study, same_publication
from livingreview.search.linkage import candidate_pairs, comparison_table, read_parameters, score
from livingreview.search.normalise import Normalised, normalise
from livingreview.search.records import Record

if TYPE_CHECKING:
    import pyarrow as pa
    from splink.internals.database_api import DatabaseAPISubClass

__all__ = ["Clusters", "Deduplication", "Pair", "dedupe"]

MERGE_FROM: Final = 0.99
QUEUE_FROM: Final = 0.5
# Engines differ in the last digits of a probability; the order of joining must not.
DIGITS: Final = 9

Outcome = Literal["merge", "queue", "link"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that are, or may be, reports of one study, by their positions, ``left < right``.

    The probability is that of the model, 1 where a person decided; `reason` says why in words.
    """

    left: int
    right: int
    outcome: Outcome
    probability: float
    reason: str


@dataclass(frozen=True)
class Deduplication:
    """What was found among records.

    Parameters
    ----------
    clusters
        For each record the number of its cluster, counted from 1 in the order of the clusters' first records.
    decisions
        For each record ``"merge"`` when its cluster has other records, ``"queue"`` when it has none and a person
        has to look at it, else ``"distinct"``.
    pairs
        Every merge, queued pair and link. Of the pairs of two clusters only the likeliest is queued.
    version
        Version of the model's parameters.
    """

    clusters: tuple[int, ...] = field(repr=False)
    decisions: tuple[str, ...] = field(repr=False)
    pairs: tuple[Pair, ...] = field(repr=False)
    version: str = ""

    def __repr__(self) -> str:
        """Return the counts."""
        counts = ", ".join(f"{self.count(outcome)} {outcome}" for outcome in ("merge", "queue", "link"))
        publications = max(self.clusters, default=0)
        return f"<Deduplication: {len(self.clusters)} records, {publications} publications; pairs: {counts}>"

    def count(self, outcome: Outcome) -> int:
        """Return the number of pairs of one outcome."""
        return sum(pair.outcome == outcome for pair in self.pairs)


def dedupe(
    records: Sequence[Record],
    *,
    decided: Mapping[tuple[int, int], bool] | None = None,
    engine: DatabaseAPISubClass | None = None,
) -> Deduplication:
    """Find the records, of one or more sources in any order, that are one publication.

    Parameters
    ----------
    decided
        What people decided: positions of two records → whether they are one publication.
    engine
        Where the model is computed: ``splink.SparkAPI(spark_session=…)`` for more records than one machine takes;
        DuckDB in this process by default. Clusters do not depend on it.

    Raises
    ------
    DataError
        If people's decisions contradict each other.
    """
    normalised = [normalise(record) for record in records]
    by_hand = {(min(pair), max(pair)): same for pair, same in (decided or {}).items()}
    judged = _judge(normalised, _scored(normalised, engine), by_hand)
    clusters = Clusters(normalised, (pair for pair, same in by_hand.items() if not same))
    merges, doubts = _join(clusters, judged, by_hand)
    names = clusters.names()
    queued = _one_per_clusters((pair for pair in doubts if pair.outcome == "queue"), names)
    links = _one_per_clusters((pair for pair in doubts if pair.outcome == "link"), names)
    number = {name: count for count, name in enumerate(dict.fromkeys(names), start=1)}
    sizes, asked = Counter(names), {record for pair in queued for record in (pair.left, pair.right)}
    alone = ("queue" if record in asked else "distinct" for record in range(len(names)))
    decisions = ("merge" if sizes[name] > 1 else single for name, single in zip(names, alone, strict=True))
    pairs = sorted((*merges, *queued, *links), key=lambda pair: (pair.left, pair.right))
    return Deduplication(
        clusters=tuple(number[name] for name in names),
        decisions=tuple(decisions),
        pairs=tuple(pairs),
        version=read_parameters().version,
    )


def _scored(records: Sequence[Normalised], engine: DatabaseAPISubClass | None) -> pa.Table:
    import duckdb
    from splink import DuckDBAPI

    table = comparison_table(records)
    with duckdb.connect() as connection:
        pairs = candidate_pairs(connection, table)
        if not pairs.num_rows:
            return pairs
        return score(table, pairs, engine or DuckDBAPI(connection), read_parameters())


def _judge(records: Sequence[Normalised], scored: pa.Table, decided: Mapping[tuple[int, int], bool]) -> list[Pair]:
    """Return the pairs that are not distinct, people's decisions aside, the likeliest first."""
    columns = (scored.column(index).to_pylist() for index in range(3)) if scored.num_rows else ((), (), ())
    judged = [
        pair
        for left, right, probability in zip(*columns, strict=True)
        if (left, right) not in decided and (pair := _judge_pair(records, left, right, round(probability, DIGITS)))
    ]
    return sorted(judged, key=lambda pair: (-pair.probability, pair.left, pair.right))


def _judge_pair(records: Sequence[Normalised], left: int, right: int, probability: float) -> Pair | None:
    a, b = records[left], records[right]
    like = compare(a, b)
    against = objection(a, b, like)
    if against:
        if reports_of_one_study(a, b, like):
            return Pair(left, right, "link", probability, "preprint and article of one study")
        doubtful = probability >= MERGE_FROM and like.page is like.volume is like.title is Alike.SAME
        return Pair(left, right, "queue", probability, f"alike, but {against}") if doubtful else None
    vote = same_publication(a, b, like)
    if vote and probability >= MERGE_FROM:
        return Pair(left, right, "merge", probability, vote)
    if vote:
        return Pair(left, right, "queue", probability, f"{vote}, but the model is in doubt")
    if probability >= QUEUE_FROM:
        return Pair(left, right, "queue", probability, "alike by the model, not by the rule")
    return None


def _join(
    clusters: Clusters, judged: Iterable[Pair], decided: Mapping[tuple[int, int], bool]
) -> tuple[list[Pair], list[Pair]]:
    """Join what is to be merged; return the merges, and the pairs that were not joined."""
    merges, others, faults = [], [], []
    for (left, right), same in decided.items():
        if same:
            clusters.join(left, right)
            merges.append(Pair(left, right, "merge", 1.0, "decided by a person"))
    for (left, right), same in decided.items():
        if not same and clusters.find(left) == clusters.find(right):
            problem = f"records {left} and {right} are told apart, but joined by other decisions"
            faults.append(Fault("", 0, "", problem, "change one of the decisions", "DEDUPE-001"))
    if faults:
        raise DataError(faults)
    for pair in judged:
        if pair.outcome != "merge":
            others.append(pair)
        elif against := clusters.contradiction(pair.left, pair.right):
            others.append(Pair(pair.left, pair.right, "queue", pair.probability, f"{pair.reason}, but {against}"))
        else:
            clusters.join(pair.left, pair.right)
            merges.append(pair)
    return merges, others


def _one_per_clusters(pairs: Iterable[Pair], names: Sequence[int]) -> list[Pair]:
    """Return the first pair of every two clusters; none within a cluster."""
    first: dict[tuple[int, ...], Pair] = {}
    for pair in pairs:
        ends = tuple(sorted((names[pair.left], names[pair.right])))
        if ends[0] != ends[1]:
            first.setdefault(ends, pair)
    return list(first.values())


# A cluster is known by at most so many different records, so that a long chain of copies stays linear.
FACES: Final = 8


class Clusters:
    """A partition of records that grows by joining pairs; a cluster's name is the position of its first record.

    Two records may each be like a third and yet be two publications: the third left out what tells them apart.
    So clusters are joined only when no record of one speaks against a record of the other, and no person has told
    them apart.
    """

    def __init__(self, records: Sequence[Normalised], apart: Iterable[tuple[int, int]] = ()) -> None:
        self._records = records
        self._parent = list(range(len(records)))
        self._faces: dict[int, list[int]] = {}
        self._apart: dict[int, set[int]] = {}
        for left, right in apart:
            self._apart.setdefault(left, set()).add(right)
            self._apart.setdefault(right, set()).add(left)

    def find(self, record: int) -> int:
        """Return the name of a record's cluster."""
        parent = self._parent
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    def contradiction(self, left: int, right: int) -> str:
        """Return what speaks against joining the clusters of two records, or an empty string."""
        left, right = self.find(left), self.find(right)
        if left == right:
            return ""
        if any(self.find(other) == right for other in self._apart.get(left, ())):
            return "told apart by a person"
        left_faces, right_faces = self._faces.get(left, [left]), self._faces.get(right, [right])
        if len(left_faces) == len(right_faces) == 1:
            return ""
        for i in left_faces:
            for j in right_faces:
                a, b = self._records[i], self._records[j]
                if reason := objection(a, b, compare(a, b)):
                    return f"their clusters contradict: {reason}"
        return ""

    def join(self, left: int, right: int) -> None:
        """Join the clusters of two records."""
        first, second = sorted((self.find(left), self.find(right)))
        if first == second:
            return
        self._parent[second] = first
        faces = self._faces.get(first, [first])
        known = {self._records[face] for face in faces}
        others = self._faces.pop(second, [second])
        self._faces[first] = (faces + [face for face in others if self._records[face] not in known])[:FACES]
        if second in self._apart:
            self._apart.setdefault(first, set()).update(self._apart[second])

    def names(self) -> tuple[int, ...]:
        """Return the name of every record's cluster."""
        return tuple(self.find(record) for record in range(len(self._parent)))
