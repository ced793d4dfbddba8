"""What the base review prints, and one checkable statement of it with the comparison that gives its verdict.

A verdict is always the result of a comparison, never an opinion:

``agrees``
    what was recomputed gives, rounded, exactly what is printed;
``agrees within rounding``
    it does so only when digits were cut instead of rounded, or within what the rounding of the printed figures allows;
``cannot be derived``
    what is printed does not suffice to recompute the statement, or does not single out one answer;
``contradicts``
    no rounding reconciles the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import pandas as pd

from livingreview.analysis.tabulate import reference
from livingreview.review import Review, label
from livingreview.review.model import Dataset, Study
from livingreview.review.reading import read_csv

__all__ = [
    "VERDICTS", "BaseReview", "Link", "Quote", "Statement", "Topic", "Verdict", "audit_table", "compare", "is_cut",
    "judged", "rounds_to", "short", "span", "verdict_counts",
]  # fmt: skip

Verdict = Literal["agrees", "agrees within rounding", "cannot be derived", "contradicts"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Topic = Literal[
    "study selection", "characteristics", "quality", "segmentation metrics", "diagnostic metrics", "pooled estimates",
    "rows of the accuracy table", "primary studies", "public datasets",
]  # fmt: skip
Link: TypeAlias = tuple[str, str]

PLACES: Final[Mapping[str, str]] = {
    "accuracy": "table of diagnostic and prediction metrics",
    "characteristics": "Characteristics of included studies",
    "claim": "Table 2",
    "datasets": "Table 1",
    "dice": "Table 3",
    "hausdorff": "Table 4",
    "pooled": "Results",
    "prisma": "Search and study selection",
    "quadas2": "Quality assessment",
}
# Far below any printed digit, far above what sums of floats lose.
SLACK = 1e-9


@dataclass(frozen=True)
class Statement:
    """One statement, recomputed.

    Parameters
    ----------
    id
        Stable name.
    statement
        What the base review says, in this review's words.
    printed, recomputed
        The figures compared, as text.
    verdict
        Result of the comparison.
    explanation
        One line: why.
    sources
        (label, address) of every source, the base review's place first; the address is empty where the source has no
        identifier that was seen.
    topic
        Part of the base review it belongs to, which :func:`livingreview.analysis.audit.audit` fills in.
    """

    id: str
    statement: str
    printed: str
    recomputed: str
    verdict: Verdict
    explanation: str
    sources: tuple[Link, ...]
    topic: Topic | None = None


def span(printed: str) -> tuple[float, float]:
    """Return the lowest and highest value that rounds to a printed number.

    >>> span("0.94")
    (0.935, 0.945)
    """
    value, half = Decimal(printed), _unit(printed) / 2
    return float(value - half), float(value + half)


def rounds_to(printed: str, value: float) -> bool:
    """Return whether a value, rounded to the printed decimals, is the printed number; a tie may go either way.

    >>> rounds_to("0.93", 0.936), rounds_to("8.99", 8.9933)
    (False, True)
    """
    low, high = span(printed)
    return low - SLACK <= value <= high + SLACK


def is_cut(printed: str, value: float) -> bool:
    """Return whether a value, cut (not rounded) after the printed decimals, is the printed number.

    >>> is_cut("0.93", 0.936), is_cut("0.93", 0.94)
    (True, False)
    """
    low = float(printed)
    return low - SLACK <= value < low + float(_unit(printed)) - SLACK


def compare(printed: str, value: float, low: float | None = None, high: float | None = None) -> Verdict:
    """Compare a printed number with its recomputed value.

    Parameters
    ----------
    printed
        The number as printed: its decimals say how far it was rounded.
    value
        Recomputed from the printed figures as they stand.
    low, high
        Range of the recomputed value when the figures behind it are moved within their own rounding; by default
        the value alone.

    Examples
    --------
    >>> compare("8.99", 8.9933), compare("0.93", 0.936), compare("6.45", 6.18)
    ('agrees', 'agrees within rounding', 'contradicts')
    """
    if rounds_to(printed, value):
        return "agrees"
    bottom, top = span(printed)
    reachable = (value if low is None else low) <= top and (value if high is None else high) >= bottom
    return "agrees within rounding" if reachable or is_cut(printed, value) else "contradicts"


def judged(
    holds: object, why: str = "The same number.", why_not: str = "", otherwise: Verdict = "contradicts"
) -> tuple[Verdict, str]:
    """Return verdict and explanation of what either holds or does not."""
    return ("agrees", why) if holds else (otherwise, why_not)


def verdict_counts(statements: Sequence[Statement]) -> dict[Verdict, int]:
    """Return the number of statements per verdict, in the order of :data:`VERDICTS`; zeros are kept."""
    return {verdict: sum(item.verdict == verdict for item in statements) for verdict in VERDICTS}


def audit_table(statements: Sequence[Statement]) -> pd.DataFrame:
    """Return the statements as a reader sees them, one row each; sources are lists of addresses."""
    rows = [
        {
            "Statement of the base review": item.statement,
            "Verdict": item.verdict,
            "Printed": item.printed,
            "Recomputed": item.recomputed,
            "Explanation": item.explanation,
            "Topic": item.topic,
            "Where": "; ".join(label for label, _ in item.sources),
            "Sources": list(dict.fromkeys(link for _, link in item.sources if link)),
        }
        for item in statements
    ]
    return pd.DataFrame(rows)


def _unit(printed: str) -> Decimal:
    """Return one unit of the last decimal that is printed."""
    return Decimal(1).scaleb(-len(printed.partition(".")[2]))


class Quote(NamedTuple):
    """One statement of the running text that is in none of the transcribed tables.

    `about` is the study, dataset or author it is about, empty for the whole; `printed` the number or the words;
    `reading` what the words are taken to mean, in the vocabulary of the study files, empty for numbers; `where` the
    section of the base review.
    """

    id: str
    about: str
    printed: str
    reading: str
    where: str


@dataclass(frozen=True)
class BaseReview:
    """The transcribed tables and statements of the base review.

    Parameters
    ----------
    review
        The review that they belong to.
    tables
        By name; every cell is text as printed, an empty cell is an empty text.
    quotes
        Statements of the running text, by id.
    """

    review: Review
    tables: Mapping[str, pd.DataFrame]
    quotes: Mapping[str, Quote]

    @classmethod
    def of(cls, review: Review) -> BaseReview:
        """Read the transcription again as text; :attr:`Review.baseline` holds numbers, which lost their decimals.

        Raises
        ------
        DataError
            ``audit/printed.csv`` does not have the columns expected.
        """
        tables = {
            path.stem: pd.read_csv(path, dtype=str, keep_default_na=False)
            for path in sorted((review.root / "baseline").glob("*.csv"))
        }
        rows = read_csv(review.root / "audit" / "printed.csv", review.root, Quote._fields)
        return cls(review, tables, {row["id"]: Quote(**row) for row in rows})

    def cells(self, table: str, key: str, value: str) -> dict[str, str]:
        """Return two columns of a table as a mapping, without its empty values."""
        frame = self.tables[table]
        return {name: cell for name, cell in zip(frame[key], frame[value], strict=True) if cell}

    @property
    def included(self) -> int:
        """Number of studies that the base review includes."""
        return int(self.cells("prisma", "item", "count")["included_review"])

    def pooled(self, synthesis: str, measure: str) -> dict[str, str]:
        """Return one row of the pooled estimates."""
        frame = self.tables["pooled"]
        row = frame[(frame["synthesis"] == synthesis) & (frame["measure"] == measure)].iloc[0]
        return {str(name): str(cell) for name, cell in row.items()}

    def numbers(self, table: str, column: str) -> list[float]:
        """Return the filled cells of a column as numbers, in the table's order."""
        return [float(cell) for cell in self.tables[table][column] if cell]

    def quoted(self, name: str) -> tuple[Quote, Study]:
        """Return a statement of the running text with the study that it is about."""
        quote = self.quotes[name]
        return quote, self.review.study(quote.about)

    def sources(self, *sources: str | Study | Dataset) -> tuple[Link, ...]:
        """Return sources with their addresses: places in the base review (a table or a section), studies, datasets."""
        return tuple(self._link(source) for source in sources)

    def _link(self, source: str | Study | Dataset) -> Link:
        if isinstance(source, Study):
            return label(source), reference(source)
        if isinstance(source, Dataset):
            doi = source.citation_doi
            return short(source), f"https://doi.org/{doi}" if doi else source.url or ""
        return f"base review, {PLACES.get(source, source)}", f"https://doi.org/{self.review.file.base_review['doi']}"

    @property
    def studies(self) -> tuple[Study, ...]:
        """Included studies that the base review means, as opposed to those that later updates added."""
        return tuple(study for study in self.review.included if study.identification is not None)

    def study_at(self, table: str, row: int) -> Study | None:
        """Return the study that a row of a table is attributed to; None where it is not known."""
        for study in self.studies:
            if any(source.table == table and source.row == row for source in study.sources.values()):
                return study
        return None


def short(dataset: Dataset) -> str:
    """Return a dataset's name without what it stands for."""
    return dataset.name.partition(" (")[0]
