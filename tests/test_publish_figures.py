"""Does each figure of the synthesis bear its numbers in words, and say why where there is none?"""

from __future__ import annotations

import csv
import io
import re
from types import SimpleNamespace
from urllib.parse import unquote

import pytest

from gallery import COUNTS, HOSTILE, RATINGS
from livingreview.analysis.diagnosis import pool
from livingreview.analysis.evidence import CELLS
from livingreview.plots.svg import Displayed
from livingreview.pool.tables import read_counts
from livingreview.publish import figures
from livingreview.publish.datapackage import as_csv
from livingreview.review import Review
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.intervals import Interval
from livingreview.wording import with_interval

NOTHING = SimpleNamespace(fit=None, imputed=None, k=1, reason="one study only, named <b>")


def numbers(shown: Displayed) -> list[dict[str, str]]:
    """Return the rows that the link of a figure holds."""
    (address,) = re.findall(
        r'class="lr-numbers" download="[a-z-]+\.csv" href="data:text/csv;charset=utf-8,([^"]+)"', shown.html
    )
    return list(csv.DictReader(io.StringIO(unquote(address), newline="")))


@pytest.mark.parametrize(
    ("show", "settings"),
    [
        (figures.show_pooled_forest, ()),
        (figures.show_sroc, ()),
        (figures.show_funnel, ()),
        (figures.show_fagan, (None,)),
        (figures.show_predictive_values, ([],)),
        (figures.show_frequencies, (None,)),
    ],
)
def test_where_nothing_was_pooled_a_sentence_says_why(show, settings):
    shown = show(NOTHING, *settings)
    assert shown.html.startswith("<p>No ")
    assert shown.html.endswith(": one study only, named &lt;b&gt;.</p>")
    assert shown.alt.endswith("named <b>.")


def test_the_evidence_map_counts_only_judgements_that_name_their_study(review, data_copy):
    told, studies = figures.show_evidence_map(review), [*review.included, *review.awaiting]
    assert "diagnosis, amyloidosis: 4;" in told.alt
    assert told.alt.endswith(f"{len(studies)} of {len(studies)} studies are named by no judgement.")
    assert f"Such a judgement names none of the {len(studies)} studies today" in told.html
    rows = numbers(told)
    assert sum(int(row["studies"]) for row in rows) == sum(int(row["not judged"]) for row in rows) == len(studies)
    made_up = (
        "appraisal:\n  judgements:\n    - {tool: QUADAS-2, domain: overall, kind: risk of bias, judgement: unclear,\n"
        "       reason: made up for a test, by: Nobody, on: 2026-11-22}\nextraction:"
    )
    path = data_copy / "studies" / "martini2020.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("extraction:", made_up, 1), encoding="utf-8")
    judged = Review.load(data_copy)
    told = figures.show_evidence_map(judged)
    assert "diagnosis, amyloidosis: 4, 1 at unclear risk of bias;" in told.alt
    assert f"Such a judgement names 1 of the {len(studies)} studies today" in told.html
    (row,) = [row for row in numbers(told) if (row["task"], row["topic"]) == ("diagnosis", "amyloidosis")]
    assert list(row.values())[2:7] == ["4", "0", "1", "0", "3"]
    assert row["ids"].endswith(" | martini2020")


def test_the_tables_of_the_main_synthesis_are_a_file_that_the_pooling_command_reads(review, tmp_path):
    path = tmp_path / "tables-2x2.csv"
    path.write_bytes(as_csv(figures.central_tables(review)))
    read, of = read_counts(path).counts, pool(review).counts
    assert list(read.study) == [name.rstrip("°") for name in of.study]
    assert [getattr(read, cell).tolist() for cell in CELLS] == [getattr(of, cell).tolist() for cell in CELLS]


@pytest.fixture(scope="module")
def pooled() -> SimpleNamespace:
    carried = SimpleNamespace(sensitivity=Interval(0.8, 0.7, 0.9), specificity=Interval(0.7, 0.6, 0.8))
    return SimpleNamespace(fit=fit(COUNTS), imputed=carried, counts=COUNTS, k=COUNTS.k, risk_of_bias={})


def test_the_forest_plot_tells_every_study_and_what_was_carried_over_all_tables(pooled):
    shown = figures.show_pooled_forest(pooled)
    assert "Adams 2019: 45 true positives, 10 false positives, 5 false negatives, 90 true negatives" in shown.alt
    assert shown.alt.endswith(
        f"sensitivity {with_interval(Interval(0.8, 0.7, 0.9))}, specificity {with_interval(Interval(0.7, 0.6, 0.8))}."
    )
    assert HOSTILE in shown.alt
    assert "<script>alert" not in shown.html
    assert shown.html.count("<svg") == 2, "one for wide screens, one for narrow ones"
    assert "No judgement of risk of bias names one of them." in shown.html
    *studies, carried, new = numbers(shown)
    assert {name: studies[0][name] for name in CELLS} == {"tp": "45", "fp": "10", "fn": "5", "tn": "90"}
    assert float(studies[0]["sensitivity"]) == pytest.approx(0.9)
    assert carried["specificity, upper limit"] == "0.8"
    assert carried["tp"] == ""
    assert float(new["sensitivity, lower limit"]) == pytest.approx(pooled.fit.prediction_interval_sensitivity.lower)


def test_the_forest_plot_bears_the_judgements_that_name_its_studies(pooled):
    judged = SimpleNamespace(**{**vars(pooled), "risk_of_bias": {"Index test": RATINGS}})
    shown = figures.show_pooled_forest(judged)
    assert "Dots: low (+), unclear (?) and high (−) risk of bias; a ring: not judged." in shown.html
    assert "Chen 2021, Index test: high" in shown.html


def test_the_plane_tells_the_summary_point_of_the_central_tables(pooled):
    shown = figures.show_sroc(pooled)
    assert with_interval(pooled.fit.sensitivity) in shown.alt
    assert 'id="fig-sroc"' in shown.html


def test_a_funnel_of_enough_studies_bears_its_p_value():
    many = Counts.from_arrays(
        *([getattr(COUNTS, cell)[i % 4] + i for i in range(12)] for cell in ("tp", "fp", "fn", "tn"))
    )
    shown = figures.show_funnel(SimpleNamespace(fit=object(), counts=many, k=many.k))
    assert f"P of the slope {figures.deeks(many).p:.3f}" in shown.alt
    assert "Diagnostic odds ratio against precision (effective sample size)." in shown.html
