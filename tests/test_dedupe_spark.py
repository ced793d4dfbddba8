"""Does the model give the same clusters on Spark as on DuckDB?"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from livingreview.search.dedupe import dedupe
from livingreview.search.records import Record
from tools import missing, program

PLACES = ("aorta", "atrium", "ventricle", "septum", "valve", "apex")
METHODS = ("convolutional", "recurrent", "attention", "generative")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return splink's Spark engine on one local worker, with the similarity functions that splink brings."""
    if importlib.util.find_spec("pyspark") is None:
        missing("pyspark")
    program("java")
    from pyspark.sql import SparkSession
    from splink import SparkAPI
    from splink.internals.spark.jar_location import similarity_jar_location

    folder: Path = tmp_path_factory.mktemp("spark")
    session = (
        SparkSession.builder.master("local[1]")
        .appName("livingreview")
        .config("spark.jars", similarity_jar_location())
        .config("spark.driver.memory", "1g")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .getOrCreate()
    )
    session.sparkContext.setCheckpointDir(str(folder / "checkpoints"))
    yield SparkAPI(spark_session=session, num_partitions_on_repartition=1)
    session.stop()


def some_records() -> list[Record]:
    """Return articles of alike titles, each with a copy, an erratum or a preprint."""
    records: list[Record] = []
    for number, (place, method) in enumerate((place, method) for place in PLACES for method in METHODS):
        article = Record(
            "a.ris",
            number,
            title=f"Segmentation of the {place} by {method} networks in synthetic magnetic resonance images",
            authors=(f"{method.capitalize()}, A", "Brandt, O"),
            year=2015 + number % 8,
            journal="Journal of Invented Imaging",
            volume=str(10 + number % 8),
            pages=f"{100 + number}-{110 + number}",
            doi=f"10.5555/invented.{number}" if number % 3 else "",
        )
        copy = replace(article, source_file="b.ris", doi="", journal="J Invent Imaging", title=article.title.upper())
        erratum = replace(article, source_file="b.ris", title=f"Erratum: {article.title}", pages="999", doi="")
        preprint = replace(article, source_file="b.ris", journal="arXiv", volume="", pages="", doi="")
        records += [article, (copy, erratum, preprint)[number % 3]]
    return records


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_clusters_on_spark_are_those_on_duckdb(engine: Any) -> None:
    records = some_records()
    here = dedupe(records)
    assert len(set(here.clusters)) < len(records)
    there = dedupe(records, engine=engine)
    assert there.clusters == here.clusters
    assert there.decisions == here.decisions
    assert [asdict(pair) for pair in there.pairs] == [
        {**asdict(pair), "probability": pytest.approx(pair.probability, abs=1e-9)} for pair in here.pairs
    ]
