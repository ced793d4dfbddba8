"""From pairs to clusters: pairs are joined in the order of their probability, unless the clusters contradict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from livingreview.search.guards import compare, objection
from livingreview.search.normalise import Normalised

__all__ = ["Clusters"]

# A cluster is known by at most so many different records, so that a long chain of copies stays linear.
FACES: Final = 8


class Clusters:
    """A partition of records that grows by joining pairs.

    Two records may each be like a third and yet be two publications: the third left out what tells them apart.
    So clusters are joined only when no record of one speaks against a record of the other.

    Parameters
    ----------
    records
        The records; a cluster's name is the position of its first record.
    apart
        Pairs of positions (the smaller first) that a person has told apart.
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
        if self._apart.keys() and self._told_apart(left, right):
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

    def _told_apart(self, left: int, right: int) -> bool:
        return any(self.find(other) == right for other in self._apart.get(left, ()))
