"""The probabilistic model of record linkage (Fellegi and Sunter), and which pairs of records it looks at.

The comparisons are code, neutral to the SQL dialect; the trained numbers are in ``dedupe_parameters.json`` and are
copied into the levels by position, because a model saved by one engine of splink does not load in another.

Two records are a candidate pair when they share a key: an identifier, the whole title, two rare words of the title,
or volume, first page and year. A key shared by many records says little and would cost the square of their number:
such a block is divided by first author, then by year and page, and what is still too large is only compared along
its sorted order.

References
----------
Fellegi IP, Sunter AB. A theory for record linkage. J Am Stat Assoc 1969;64:1183-1210.
doi:10.1080/01621459.1969.10501049
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from livingreview.search.normalise import Normalised

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from splink import SettingsCreator
    from splink.internals.database_api import DatabaseAPISubClass

__all__ = ["COMPARISONS", "Parameters", "candidate_pairs", "comparison_table", "read_parameters", "score", "settings"]

# Titles of fewer letters ("Editorial", "Acute stroke") are shared by different publications.
LONG_TITLE: Final = 30

# Pairs below this probability are not looked at again, unless the titles alone carry this weight (log2).
LEAST: Final = 0.01
LEAST_TITLE: Final = 8.0

_LONG = f"length(title_l) >= {LONG_TITLE} AND length(title_r) >= {LONG_TITLE}"
_JOURNAL_INITIAL = "substr(journal_l, 1, 3) = substr(journal_r, 1, 3)"

# (column, condition of the unknown, conditions from the most to the least alike); what fits none is the last level.
COMPARISONS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "title",
        "title_l IS NULL OR title_r IS NULL",
        (f"title_l = title_r AND {_LONG}", "title_l = title_r", "title~0.96", "title~0.9"),
    ),
    (
        "authors",
        "authors_l IS NULL OR authors_r IS NULL",
        ("authors_l = authors_r", "author_l = author_r", "authors~0.85"),
    ),
    ("year", "year_l IS NULL OR year_r IS NULL", ("year_l = year_r", "abs(year_l - year_r) = 1")),
    ("journal", "journal_l IS NULL OR journal_r IS NULL", ("journal_l = journal_r", "journal~0.85", _JOURNAL_INITIAL)),
    (
        "place",
        "(volume_l IS NULL OR volume_r IS NULL) AND (page_l IS NULL OR page_r IS NULL)",
        (
            "volume_l = volume_r AND page_l = page_r",
            "page_l = page_r",
            "volume_l = volume_r AND (page_l IS NULL OR page_r IS NULL)",
            "volume_l = volume_r",
        ),
    ),
    ("doi", "doi_l IS NULL OR doi_r IS NULL", ("doi_l = doi_r",)),
)


@dataclass(frozen=True)
class Parameters:
    """The trained numbers of the model.

    Parameters
    ----------
    version
        Changes whenever a number or a comparison changes; printed with the results.
    prior
        Probability that two records drawn at random are the same publication.
    m, u
        For each comparison the probability of every level, from the most to the least alike, among pairs of the
        same publication and among pairs of different publications.
    """

    version: str
    prior: float
    m: dict[str, tuple[float, ...]]
    u: dict[str, tuple[float, ...]]


@lru_cache(maxsize=1)
def read_parameters() -> Parameters:
    """Return the parameters that come with the package."""
    text = resources.files("livingreview.search").joinpath("dedupe_parameters.json").read_text(encoding="utf-8")
    content = json.loads(text)
    m = {name: tuple(level["m"] for level in levels) for name, levels in content["comparisons"].items()}
    u = {name: tuple(level["u"] for level in levels) for name, levels in content["comparisons"].items()}
    return Parameters(content["version"], content["probability_two_random_records_match"], m, u)


def settings(parameters: Parameters) -> SettingsCreator:
    """Return splink's settings, the same for every engine."""
    import splink.comparison_level_library as levels
    import splink.comparison_library as comparisons
    from splink import SettingsCreator, block_on

    def level(condition: str, m: float, u: float) -> Any:
        column, similar, threshold = condition.partition("~")
        made = levels.JaroWinklerLevel(column, float(threshold)) if similar else levels.CustomLevel(condition)
        return made.configure(m_probability=m, u_probability=u)

    made: list[Any] = []
    for name, unknown, conditions in COMPARISONS:
        m, u = parameters.m[name], parameters.u[name]
        graded = [level(condition, m[i], u[i]) for i, condition in enumerate(conditions)]
        null = levels.CustomLevel(unknown).configure(is_null_level=True)
        other = levels.ElseLevel().configure(m_probability=m[-1], u_probability=u[-1])
        made.append(comparisons.CustomComparison([null, *graded, other], output_column_name=name))
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=made,
        # Only checked for being there: the pairs to score are registered.
        blocking_rules_to_generate_predictions=[block_on("title")],
        probability_two_random_records_match=parameters.prior,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
    )


def score(records: pa.Table, pairs: pa.Table, engine: DatabaseAPISubClass, parameters: Parameters) -> pa.Table:
    """Return the scored pairs that are worth a second look, by ``splink.DuckDBAPI(…)`` or ``splink.SparkAPI(…)``.

    `unique_id_l` < `unique_id_r` and `match_probability` of every pair that is likelier than `LEAST` or has about the
    same title (a preprint agrees with its article in hardly anything else).
    """
    from splink import Linker

    linker = Linker(engine.register(records), settings(parameters), log_level=None)
    linker.table_management.register_blocked_pairs_for_predict(engine.register(pairs))
    scored = linker.inference.predict(warning_mode="never")
    worth: Any = scored.query_sql(
        "SELECT least(unique_id_l, unique_id_r) AS unique_id_l, greatest(unique_id_l, unique_id_r) AS unique_id_r, "
        f"match_probability FROM {{this}} WHERE match_probability >= {LEAST} OR mw_title > {LEAST_TITLE}"
    )
    table: pa.Table = worth.as_pyarrow_table()
    return table


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
_SIZES = f"""
CREATE OR REPLACE TEMP TABLE sizes AS SELECT key, count(*) AS n FROM keys GROUP BY key HAVING count(*) > 1;
INSERT INTO blocks SELECT keys.key, unique_id FROM keys JOIN sizes USING (key) WHERE n <= {BLOCK_CAP};
"""
_DIVIDE = f"""
{_SIZES}CREATE OR REPLACE TEMP TABLE keys AS
SELECT unique_id, hash(key, {{fields}}) AS key FROM keys JOIN sizes USING (key) JOIN records USING (unique_id)
WHERE n > {BLOCK_CAP};
"""

_LAST = f"""
{_SIZES}CREATE OR REPLACE TEMP TABLE pairs AS
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

    names = [record.surnames for record in records]
    texts = {
        "title": [record.key for record in records],
        "title_words": [record.title for record in records],
        "authors": [" ".join(surnames) for surnames in names],
        "author": [surnames[0] if surnames else "" for surnames in names],
        **{
            name: [getattr(record, name) for record in records] for name in ("journal", "volume", "page", "doi", "pmid")
        },
    }
    columns = {name: pa.array([value or None for value in values], type=pa.string()) for name, values in texts.items()}
    columns["unique_id"] = pa.array(range(len(records)), type=pa.int64())
    columns["year"] = pa.array([record.year for record in records], type=pa.int64())
    return pa.table(columns)


def candidate_pairs(connection: duckdb.DuckDBPyConnection, records: pa.Table) -> pa.Table:
    """Return the pairs of records that share a key: `match_key`, `join_key_l` < `join_key_r`, as splink takes them.

    `records` is the table of :func:`comparison_table`; the connection's tables are dropped again.
    """
    connection.register("arrow_records", records)
    connection.execute("CREATE OR REPLACE TEMP TABLE records AS SELECT * FROM arrow_records")
    connection.execute("CREATE OR REPLACE TEMP TABLE blocks (key UBIGINT, unique_id BIGINT)")
    connection.execute(_KEYS)
    connection.execute(_DIVIDE.format(fields="author"))
    connection.execute(_DIVIDE.format(fields="year, page"))
    connection.execute(_LAST)
    table: pa.Table = connection.sql("SELECT '0' AS match_key, * FROM pairs").to_arrow_table()
    for name in ("records", "words", "keys", "sizes", "blocks", "pairs"):
        connection.execute(f"DROP TABLE {name}")
    connection.unregister("arrow_records")
    return table
