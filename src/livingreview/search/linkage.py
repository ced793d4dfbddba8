"""The probabilistic model of record linkage (Fellegi and Sunter), computed by splink on DuckDB or on Spark.

The comparisons are code, neutral to the SQL dialect; the trained numbers are in ``dedupe_parameters.json`` and are
copied into the levels by position, because a model saved by one engine of splink does not load in another.

References
----------
Fellegi IP, Sunter AB. A theory for record linkage. J Am Stat Assoc 1969;64:1183-1210.
doi:10.1080/01621459.1969.10501049
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow as pa
    from splink import SettingsCreator
    from splink.internals.database_api import DatabaseAPISubClass

__all__ = ["COMPARISONS", "Parameters", "read_parameters", "score", "settings"]

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
    (
        "year",
        "year_l IS NULL OR year_r IS NULL",
        ("year_l = year_r", "abs(year_l - year_r) = 1"),
    ),
    (
        "journal",
        "journal_l IS NULL OR journal_r IS NULL",
        ("journal_l = journal_r", "journal~0.85", _JOURNAL_INITIAL),
    ),
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
    """Return the scored pairs that are worth a second look.

    Parameters
    ----------
    records
        Table of :func:`~livingreview.search.candidates.comparison_table`.
    pairs
        Table with the columns `match_key`, `join_key_l` and `join_key_r`.
    engine
        ``splink.DuckDBAPI(…)`` or ``splink.SparkAPI(…)``.
    parameters
        The trained numbers.

    Returns
    -------
    pyarrow.Table
        `unique_id_l` < `unique_id_r` and `match_probability`, of every pair that is likelier than `LEAST` or has
        about the same title (a preprint agrees with its article in hardly anything else).
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
