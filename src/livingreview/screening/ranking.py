"""What to read first, learned from past decisions. It ranks; it never excludes.

Words and pairs of words of title and abstract, weighted by TF-IDF, go into a linear classifier in which the few
included records weigh as much more as the many excluded ones outnumber them. The settings are those that the ASReview
project tuned over its benchmark and ships as ``elas_u4``; `benchmarks/screening.py` measures them.

References
----------
van de Schoot R, et al. An open source machine learning framework for efficient and transparent systematic reviews.
Nat Mach Intell 2021;3:125-133. https://doi.org/10.1038/s42256-020-00287-7
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from livingreview.errors import TooFewStudies
from livingreview.screening.library import Found
from livingreview.search.records import Record
from livingreview.wording import in_markdown

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["FEWEST", "Ranked", "matrix", "rank", "ranking_table", "scores", "text_of"]

FEWEST: Final = 5
"""Included and excluded records, of each, below which nothing is learned; see ``benchmarks/screening.py``."""

_C: Final = 0.11
_EXCLUDED_SHARE: Final = 9.8  # the excluded records together weigh this many times less than the included ones
_WHY: Final = 3


@dataclass(frozen=True)
class Ranked:
    """A record that waits, and its rank, 1 for what to read first.

    The score is the distance from the classifier's boundary: comparable within one ranking only, and no probability.
    `why` are the words that speak most for it, fewer than three where fewer do.
    """

    record: str
    rank: int
    score: float
    why: tuple[str, ...]


def text_of(record: Record) -> str:
    """Return what is learned from: title and abstract."""
    return f"{record.title} {record.abstract}".strip()


def rank(waiting: Mapping[str, Record], decided: Mapping[str, tuple[Record, bool]]) -> tuple[Ranked, ...]:
    """Return every record that waits, the likeliest first; equal scores in the order given.

    Of the records that are `decided` it is known whether they were included; both are by id.

    Raises
    ------
    TooFewStudies
        There is too little to learn from.
    """
    labels = np.array([included for _, included in decided.values()], dtype=bool)
    require_enough(labels)
    if not waiting:
        return ()
    texts = [text_of(record) for record, _ in decided.values()] + [text_of(record) for record in waiting.values()]
    features, words = matrix(texts)
    known = np.arange(labels.size)
    score, weights = scores(features, known, labels)
    fresh = np.arange(labels.size, len(texts))
    order = fresh[np.argsort(-score[fresh], kind="stable")]
    names = list(waiting)
    return tuple(
        Ranked(names[row - labels.size], place, float(score[row]), _why(features[row], weights, words))
        for place, row in enumerate(order, 1)
    )


def require_enough(labels: NDArray[np.bool_]) -> None:
    """Raise unless there is something to learn from.

    Raises
    ------
    TooFewStudies
        Fewer than :data:`FEWEST` records were included, or excluded.
    """
    included, excluded = int(labels.sum()), int((~labels).sum())
    if min(included, excluded) < FEWEST:
        raise TooFewStudies(
            f"a ranking needs at least {FEWEST} included and {FEWEST} excluded records to learn from; there are "
            f"{included} and {excluded}: read the records in the order in which they were found"
        )


def matrix(texts: Sequence[str]) -> tuple[csr_matrix, NDArray[np.str_]]:
    """Return the TF-IDF matrix of texts, (n, words), and the words.

    Raises
    ------
    TooFewStudies
        The texts have no words that tell them apart.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_df=0.95)
    try:
        features = vectoriser.fit_transform(texts)
    except ValueError:
        raise TooFewStudies("the records have no words that tell them apart: titles or abstracts are missing") from None
    return features.tocsr(), vectoriser.get_feature_names_out()


def scores(
    features: csr_matrix, known: NDArray[np.intp], labels: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the score of every row of an (n, words) matrix, learned from some of its rows, and the weight of a word.

    `known` are the rows that are decided, `labels` whether each of these was included; both kinds occur.
    """
    from sklearn.svm import LinearSVC

    included = labels.sum()
    weight = np.where(labels, 1.0, included / (_EXCLUDED_SHARE * (labels.size - included)))
    weight *= labels.size / weight.sum()
    # Words outnumber records: the dual problem is the small one. Its solver draws; the seed keeps it repeatable.
    model = LinearSVC(C=_C, loss="squared_hinge", dual=True, random_state=0)
    model.fit(features[known], labels, sample_weight=weight)
    return model.decision_function(features), model.coef_[0]


def _why(row: csr_matrix, weights: NDArray[np.float64], words: NDArray[np.str_]) -> tuple[str, ...]:
    share = row.data * weights[row.indices]
    best = [int(i) for i in np.argsort(-share, kind="stable") if share[i] > 0]
    chosen: list[str] = []
    for i in best:  # a pair of words says more than each of them alone
        word = str(words[row.indices[i]])
        if not any(word in other.split() or other in word.split() for other in chosen):
            chosen.append(word)
        if len(chosen) == _WHY:
            break
    return tuple(chosen)


_COLUMNS: Final = ("rank", "record", "title", "journal", "year", "source", "score", "why")


def ranking_table(queue: Sequence[Found], ranking: Sequence[Ranked], form: str, top: int) -> str:
    """Return the first `top` records that wait, in order of rank, as text, markdown or csv.

    Where nothing could be learned the ranking is empty, and the records stand in the order found.
    """
    found = {item.record: item for item in queue}
    rows = [_cells(found[item.record], item) for item in ranking[:top]] or [_cells(item, None) for item in queue[:top]]
    if form == "csv":
        stream = io.StringIO(newline="")
        csv.writer(stream, lineterminator="\n").writerows([_COLUMNS, *rows])
        return stream.getvalue().rstrip("\n")
    left_out = len(queue) - len(rows)
    if form == "markdown":
        lines = ["| Rank | Title | Journal | Year | Source | Why |", "| ---: | --- | --- | --- | --- | --- |"]
        lines += [
            "| " + " | ".join(in_markdown(cell) for cell in (place, title, journal, year, source, why)) + " |"
            for place, _, title, journal, year, source, _, why in rows
        ]
    else:
        lines = [
            f"{place or '–':>4}  {title or '(no title)'} ({', '.join(part for part in (journal, year) if part)})"
            f"\n      {record}" + (f" · {why}" if why else "")
            for place, record, title, journal, year, _, _, why in rows
        ]
    if left_out:
        lines += ["", f"and {left_out} more"]
    return "\n".join(lines) if rows else "No record is waiting."


def _cells(item: Found, ranked: Ranked | None) -> tuple[str, ...]:
    record = item.details
    place, score, why = (
        ("", "", "") if ranked is None else (f"{ranked.rank}", f"{ranked.score:.4f}", ", ".join(ranked.why))
    )
    return (place, item.record, record.title, record.journal, str(record.year or ""), item.source, score, why)
