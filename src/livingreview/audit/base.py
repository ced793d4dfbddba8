"""What the base review prints, as text: the decimals of a printed number are part of what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from livingreview.audit.statements import Link
from livingreview.model import Dataset, Study
from livingreview.reading import read_csv
from livingreview.review import Review, label
from livingreview.tabulate import reference

__all__ = ["BaseReview", "Quote", "short", "study_link"]

COLUMNS: Final = ("id", "about", "printed", "reading", "where")
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


@dataclass(frozen=True)
class Quote:
    """One statement of the running text that is in none of the transcribed tables.

    Parameters
    ----------
    id
        Stable name.
    about
        Study, dataset or author it is about; empty for the whole.
    printed
        The number or the words, as printed.
    reading
        What the words are taken to mean, in the vocabulary of the study files; empty for numbers.
    where
        Section of the base review.
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
        rows = read_csv(review.root / "audit" / "printed.csv", review.root, COLUMNS)
        return cls(review, tables, {row["id"]: Quote(**row) for row in rows})

    def cells(self, table: str, key: str, value: str) -> dict[str, str]:
        """Return two columns of a table as a mapping, without its empty values."""
        frame = self.tables[table]
        return {name: cell for name, cell in zip(frame[key], frame[value], strict=True) if cell}

    def count(self, table: str, key: str, value: str, name: str) -> int:
        """Return one count of a table."""
        return int(self.cells(table, key, value)[name])

    def pooled(self, synthesis: str, measure: str) -> dict[str, str]:
        """Return one row of the pooled estimates."""
        frame = self.tables["pooled"]
        row = frame[(frame["synthesis"] == synthesis) & (frame["measure"] == measure)].iloc[0]
        return {str(name): str(cell) for name, cell in row.items()}

    def numbers(self, table: str, column: str) -> list[float]:
        """Return the filled cells of a column as numbers, in the table's order."""
        return [float(cell) for cell in self.tables[table][column] if cell]

    def link(self, place: str) -> Link:
        """Return the base review as a source, with the place in it: a transcribed table or a section."""
        return f"base review, {PLACES.get(place, place)}", f"https://doi.org/{self.review.file.base_review['doi']}"

    @property
    def studies(self) -> tuple[Study, ...]:
        """Included studies that the base review means, as opposed to those that later updates added."""
        return tuple(study for study in self.review.included if study.identification is not None)

    def dataset(self, dataset_id: str) -> str:
        """Return the short name of a dataset."""
        return short(self.review.datasets[dataset_id])

    def study_at(self, table: str, row: int) -> Study | None:
        """Return the study that a row of a table is attributed to; None where it is not known."""
        for study in self.studies:
            if any(source.table == table and source.row == row for source in study.sources.values()):
                return study
        return None


def short(dataset: Dataset) -> str:
    """Return a dataset's name without what it stands for."""
    return dataset.name.partition(" (")[0]


def study_link(study: Study) -> Link:
    """Return a study's report as a source."""
    return label(study), reference(study)
