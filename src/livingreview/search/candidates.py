"""Which pairs of records are compared at all: capped blocks, so that the work grows with the records.

Two records are a candidate pair when they share a key: an identifier, the whole title, two rare words of the title,
or volume, first page and year. A key shared by many records says little and would cost the square of their number:
such a block is divided by first author, then by year and page, and what is still too large is only compared along
its sorted order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from livingreview.search.normalise import Normalised

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["BLOCK_CAP", "candidate_pairs", "comparison_table"]

# A block of n records gives n(n − 1)/2 pairs: at 12 a record has at most 6 pairs per key on average.
BLOCK_CAP: Final = 12
# Neighbours that a record of an oversized block is compared with, in the order of title, year and page.
WINDOW: Final = 4
# Words of a title that make its keys, the rarest first: four give six keys of two words, so that two misspelt or
# left out words still leave a common key.
RARE_WORDS: Final = 4

_KEYS = f"""
CREATE OR REPLACE TEMP TABLE words AS
WITH said AS (SELECT unique_id, unnest(list_distinct(string_split(title_words, ' '))) AS word FROM records
              WHERE title_words IS NOT NULL),
counts AS (SELECT word, count(*) AS n FROM said GROUP BY word HAVING count(*) > 1)
SELECT unique_id, list(word ORDER BY n, word)[:{RARE_WORDS}] AS rare FROM said JOIN counts USING (word)
GROUP BY unique_id;

CREATE OR REPLACE TEMP TABLE keys AS
SELECT unique_id, hash('doi', doi) AS key FROM records WHERE doi IS NOT NULL
UNION ALL SELECT unique_id, hash('pmid', pmid) FROM records WHERE pmid IS NOT NULL
UNION ALL SELECT unique_id, hash('title', title) FROM records WHERE title IS NOT NULL
UNION ALL SELECT unique_id, hash('place', volume, page, year) FROM records
          WHERE page IS NOT NULL AND year IS NOT NULL
UNION ALL SELECT unique_id, hash('words', rare[i], rare[j]) FROM words, range(1, {RARE_WORDS}) AS a(i),
          range(2, {RARE_WORDS + 1}) AS b(j) WHERE i < j AND j <= len(rare);
"""

# One step of dividing: keys of few records stay, the others are joined with one more field.
_DIVIDE = """
CREATE OR REPLACE TEMP TABLE sizes AS SELECT key, count(*) AS n FROM keys GROUP BY key HAVING count(*) > 1;
INSERT INTO blocks SELECT keys.key, unique_id FROM keys JOIN sizes USING (key) WHERE n <= {cap};
CREATE OR REPLACE TEMP TABLE keys AS
SELECT unique_id, hash(key, {fields}) AS key FROM keys JOIN sizes USING (key) JOIN records USING (unique_id)
WHERE n > {cap};
"""

_LAST = f"""
CREATE OR REPLACE TEMP TABLE sizes AS SELECT key, count(*) AS n FROM keys GROUP BY key HAVING count(*) > 1;
INSERT INTO blocks SELECT keys.key, unique_id FROM keys JOIN sizes USING (key) WHERE n <= {BLOCK_CAP};
CREATE OR REPLACE TEMP TABLE pairs AS
WITH ordered AS (
    SELECT key, unique_id,
           row_number() OVER (PARTITION BY key ORDER BY title, year, volume, page, doi, unique_id) AS place
    FROM keys JOIN sizes USING (key) JOIN records USING (unique_id) WHERE n > {BLOCK_CAP})
SELECT DISTINCT least(l.unique_id, r.unique_id) AS join_key_l, greatest(l.unique_id, r.unique_id) AS join_key_r
FROM blocks l JOIN blocks r ON l.key = r.key AND l.unique_id < r.unique_id
UNION
SELECT DISTINCT least(l.unique_id, r.unique_id), greatest(l.unique_id, r.unique_id)
FROM ordered l JOIN (SELECT *, unnest(range(1, {WINDOW + 1})) AS step FROM ordered) r
    ON l.key = r.key AND l.place = r.place - r.step;
"""


def comparison_table(records: Sequence[Normalised]) -> pa.Table:
    """Return the columns that blocking and the model read; `unique_id` is the position in `records`."""
    import pyarrow as pa

    def column(values: list[str]) -> Any:
        return pa.array([value or None for value in values], type=pa.string())

    return pa.table(
        {
            "unique_id": pa.array(range(len(records)), type=pa.int64()),
            "title": column([record.key for record in records]),
            "title_words": column([record.title for record in records]),
            "authors": column([" ".join(record.surnames) for record in records]),
            "author": column([record.surnames[0] if record.surnames else "" for record in records]),
            "year": pa.array([record.year for record in records], type=pa.int64()),
            "journal": column([record.journal for record in records]),
            "volume": column([record.volume for record in records]),
            "page": column([record.page for record in records]),
            "doi": column([record.doi for record in records]),
            "pmid": column([record.pmid for record in records]),
        }
    )


def candidate_pairs(connection: duckdb.DuckDBPyConnection, records: pa.Table) -> pa.Table:
    """Return the pairs of records that share a key.

    Parameters
    ----------
    connection
        Where the tables are built; they are dropped again.
    records
        Table of :func:`comparison_table`.

    Returns
    -------
    pyarrow.Table
        `match_key`, `join_key_l` < `join_key_r`, each pair once, as splink takes them.
    """
    connection.register("arrow_records", records)
    connection.execute("CREATE OR REPLACE TEMP TABLE records AS SELECT * FROM arrow_records")
    connection.execute("CREATE OR REPLACE TEMP TABLE blocks (key UBIGINT, unique_id BIGINT)")
    connection.execute(_KEYS)
    connection.execute(_DIVIDE.format(cap=BLOCK_CAP, fields="author"))
    connection.execute(_DIVIDE.format(cap=BLOCK_CAP, fields="year, page"))
    connection.execute(_LAST)
    table: pa.Table = connection.sql("SELECT '0' AS match_key, * FROM pairs").to_arrow_table()
    for name in ("records", "words", "keys", "sizes", "blocks", "pairs"):
        connection.execute(f"DROP TABLE {name}")
    connection.unregister("arrow_records")
    return table
