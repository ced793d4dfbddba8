"""A seeded generator of records with known publications: duplicates with the faults of real exports, and look-alikes.

Words, names and journals are made of syllables; no record describes a real publication.
"""

from __future__ import annotations

import random
from bisect import bisect
from dataclasses import replace
from itertools import accumulate

from livingreview.search.records import Record

WORDS = 20_000
SURNAMES = 20_000
JOURNALS = 2_000
DUPLICATES = 0.3
LOOK_ALIKES = 0.02

_ONSETS = ("b", "c", "ch", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "io", "ou")
_ENDS = ("", "n", "r", "s", "l", "t", "m")


class RecordGenerator:
    """Draws records of synthetic publications.

    Parameters
    ----------
    seed
        The same seed gives the same records.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._words = self._vocabulary(WORDS, 3)
        self._surnames = [word.capitalize() for word in self._vocabulary(SURNAMES, 2)]
        self._journals = [
            " ".join(word.capitalize() for word in self._random.sample(self._words, self._random.randint(1, 4)))
            for _ in range(JOURNALS)
        ]
        # Zipf's law: the word of rank r is used with frequency 1 / r.
        self._ranks = list(accumulate(1 / (rank + 10) for rank in range(WORDS)))

    def records(self, count: int) -> tuple[list[Record], list[int]]:
        """Return `count` records in random order, and the publication that each reports."""
        records: list[Record] = []
        publications: list[int] = []
        while len(records) < count:
            drawn = self._random.random()
            if records and drawn < DUPLICATES:
                original = self._random.randrange(len(records))
                records.append(self._copied(records[original]))
                publications.append(publications[original])
                continue
            look_alike = records and drawn < DUPLICATES + LOOK_ALIKES
            made = self._look_alike(self._random.choice(records)) if look_alike else self._publication(len(records))
            records.append(made)
            publications.append(len(records) - 1)
        order = list(range(count))
        self._random.shuffle(order)
        shuffled = [replace(records[old], source_index=new) for new, old in enumerate(order)]
        return shuffled, [publications[old] for old in order]

    def _vocabulary(self, size: int, syllables: int) -> list[str]:
        choice = self._random.choice
        words: dict[str, None] = {}
        while len(words) < size:
            count = self._random.randint(1, syllables)
            words["".join(choice(_ONSETS) + choice(_VOWELS) for _ in range(count)) + choice(_ENDS)] = None
        return list(words)

    def _word(self) -> str:
        return self._words[bisect(self._ranks, self._random.random() * self._ranks[-1])]

    def _publication(self, number: int) -> Record:
        randint = self._random.randint
        title = " ".join(self._word() for _ in range(randint(6, 15))).capitalize()
        if self._random.random() < 0.01:
            title = self._random.choice(("Editorial", "Introduction", "Reply", "Book review"))
        authors = tuple(
            f"{self._random.choice(self._surnames)}, {self._random.choice('ABCDEFGHJKLMNPRST')}"
            for _ in range(randint(1, 8))
        )
        page, year = randint(1, 2000), randint(1990, 2026)
        return Record(
            "synthetic",
            0,
            title=title,
            authors=authors,
            year=year,
            journal=self._random.choice(self._journals),
            volume=str(randint(1, 90)),
            issue=str(randint(1, 12)),
            pages=f"{page}-{page + randint(3, 15)}",
            doi=f"10.5555/synthetic.{number}" if self._random.random() < 0.7 else "",
        )

    def _copied(self, record: Record) -> Record:
        """Return the record as another database prints it."""
        changes: dict[str, object] = {}
        for chance, name, value in (
            (0.3, "doi", ""),
            (0.2, "doi", f"https://doi.org/{record.doi.upper()}" if record.doi else ""),
            (0.3, "issue", ""),
            (0.1, "pages", record.pages.partition("-")[0]),
            (0.1, "journal", record.journal.upper()),
            (0.2, "title", f"{record.title}."),
            (0.1, "authors", record.authors[:3]),
            (0.1, "title", self._misspelt(record.title)),
        ):
            if self._random.random() < chance:
                changes[name] = value
        return replace(record, **changes)  # type: ignore[arg-type]

    def _misspelt(self, title: str) -> str:
        place = self._random.randrange(1, max(2, len(title) - 1))
        return title[:place] + title[place : place + 2][::-1] + title[place + 2 :]

    def _look_alike(self, record: Record) -> Record:
        """Return another publication that resembles the record: an erratum, a second part, or the same heading."""
        page = self._random.randint(1, 2000)
        other = replace(record, pages=f"{page}", issue="", doi="", volume=str(self._random.randint(91, 120)))
        kind = self._random.randrange(3)
        if kind == 0:
            return replace(other, title=f"Correction to: {record.title.rstrip('.')}")
        return replace(other, title=f"{record.title.rstrip('.')}. Part II") if kind == 1 else other
