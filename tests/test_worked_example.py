"""Does the worked example compute our answers, and hold the other software's as the golden files have them?"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from golden_cases import GOLDEN
from livingreview.analysis.worked_example import OTHERS, PROMISED, WorkedExample, coverage_table, worked_example
from livingreview.errors import DataError
from livingreview.review import Review


@pytest.fixture(scope="module")
def example(review: Review) -> WorkedExample:
    return worked_example(review.root)


def test_is_the_example_the_golden_set(example: WorkedExample, review: Review) -> None:
    tables = (GOLDEN / "datasets" / "edge_zero_cells.csv").read_text(encoding="utf-8")
    assert (review.root / "examples" / "sparse_tables.csv").read_text(encoding="utf-8") == tables
    golden = json.loads((GOLDEN / "expected" / "edge_zero_cells.json").read_text(encoding="utf-8"))
    exact, laplace = golden["c_exact_ml"], golden["b_glmm"]["lme4"]
    theirs = example.answers["theirs"]
    assert theirs["exact_binomial", "log_likelihood"] == exact["logLik"]
    assert theirs["exact_binomial", "se_logit_specificity"] == exact["se"]["spec"]
    assert theirs["lme4", "tau2_specificity"] == laplace["tau2_spec"]
    # mada models 1 − specificity: mean and correlation change their sign.
    assert theirs["mada", "logit_specificity"] == -golden["a_reitsma"]["reml"]["coef"]["tfpr"]
    assert theirs["mada", "rho"] == -golden["a_reitsma"]["reml"]["rho_sens_fpr"]


@pytest.mark.parametrize("software", ["exact_binomial", "exact_normal", "metafor", "simple_pooling"])
def test_are_exact_answers_met(example: WorkedExample, software: str) -> None:
    assert (example.answers.loc[software, "difference"].abs() < PROMISED).all()


def test_do_laplace_and_default_settings_differ_as_the_page_says(example: WorkedExample) -> None:
    difference = example.answers["difference"]
    assert difference["lme4", "tau2_specificity"] < -0.05
    assert difference["lme4", "log_likelihood"] < 0
    assert difference["mada", "log_likelihood"] > 0.005


def test_does_the_table_hold_every_answer(example: WorkedExample, review: Review) -> None:
    table = example.comparison()
    assert set(table["Beside"]) == {title for _, title in OTHERS.values()}
    read = json.loads((review.root / "examples" / "sparse_tables.json").read_text(encoding="utf-8"))["answers"]
    assert len(table) == sum(value is not None for answers in read.values() for value in answers.values())
    agreeing = table[table["Beside"].isin(["exact (binomial)", "exact (normal)"])]
    assert set(agreeing["Difference"]) == {"below 1e−5"}


def test_is_the_software_of_every_answer_named(example: WorkedExample) -> None:
    table = example.software_table()
    assert set(table["Beside"]) == set(example.comparison()["Beside"])
    assert table["Software"].str.len().min() > 0


@pytest.mark.parametrize(("text", "code"), [("{", "EXAMPLE-001"), ('{"answers": {}}', "EXAMPLE-002")])
def test_is_a_spoilt_file_named(data_copy: Path, text: str, code: str) -> None:
    (data_copy / "examples" / "sparse_tables.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        worked_example(data_copy)
    assert [fault.code for fault in caught.value.faults] == [code]


def test_does_the_table_of_coverage_span_every_setting(review: Review) -> None:
    table = coverage_table(review.root).set_index("Studies")
    read = pd.read_csv(review.root / "examples" / "coverage.csv")
    assert set(read["source"]) == {"simulated by validation/coverage.py with seed 1"}
    for studies in table.index:
        for title, quantile in (("Normal quantile", "normal"), ("Student's quantile", "t")):
            shares = read[(read["studies"] == studies) & (read["quantile"] == quantile)]["covered"]
            assert len(shares) == 8
            low, high = table.at[studies, title].replace(" %", "").split(" to ")
            assert float(low) == pytest.approx(100 * shares.min(), abs=0.5)
            assert float(high) == pytest.approx(100 * shares.max(), abs=0.5)


def test_do_students_intervals_hold_their_level_where_normal_ones_do_not(review: Review) -> None:
    read = pd.read_csv(review.root / "examples" / "coverage.csv")
    few = read.query("studies == 5").groupby("quantile")["covered"]
    assert few.max()["normal"] < 0.90
    assert few.min()["t"] > 0.93
