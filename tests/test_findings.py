"""Does the summary of findings compute its hints and leave every judgement to people?"""

from __future__ import annotations

import json

import pytest

from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.findings import DOMAINS, Judgement, summary_of_findings

COUNTS = Counts.from_arrays([40, 55, 20, 62], [5, 9, 2, 12], [10, 8, 7, 11], [80, 60, 45, 90])


def test_are_the_hints_those_of_the_fit_and_its_tables() -> None:
    result = fit(COUNTS, structure="independent")
    first, second = summary_of_findings(result, {"illustration: 10 %": 0.1})
    assert (first.measure, first.hints.k, first.hints.n) == ("sensitivity", 4, 213)
    assert (second.measure, second.hints.k, second.hints.n) == ("specificity", 4, 303)
    assert first.hints.interval_width == pytest.approx(result.sensitivity.upper - result.sensitivity.lower)
    assert first.hints.prediction_interval == result.prediction_interval_sensitivity
    assert second.hints.i2 == result.i2.specificity
    assert first.hints.observed_range == pytest.approx((20 / 27, 55 / 63))


def test_does_each_row_show_the_results_that_its_measure_decides() -> None:
    result = fit(COUNTS, structure="independent")
    first, second = summary_of_findings(result, {"low": 0.1, "high": 0.5}, population=100)
    shown = first.to_dict()["scenarios"]["high"]
    assert set(shown) == {"prevalence", "population", "tp", "fn"}
    assert shown["tp"]["estimate"] + shown["fn"]["estimate"] == pytest.approx(50)
    assert set(second.to_dict()["scenarios"]["low"]) == {"prevalence", "population", "tn", "fp"}
    assert json.loads(json.dumps(first.to_dict())) == first.to_dict()


def test_is_every_judgement_empty_and_unsigned() -> None:
    for row in summary_of_findings(fit(COUNTS, structure="independent"), {"illustration": 0.2}):
        assert row.judgement == Judgement()
        judged = row.to_dict()["judgement"]
        assert judged.pop("domains") == dict.fromkeys(DOMAINS)
        assert judged == {"certainty": None, "signed_by": None, "signed_on": None}


def test_is_a_table_without_scenario_refused() -> None:
    with pytest.raises(ValueError, match="at least one prevalence"):
        summary_of_findings(fit(COUNTS, structure="independent"), {})


def test_do_the_hints_count_a_study_of_one_patient_and_leave_out_an_empty_arm() -> None:
    counts = Counts.from_arrays([40, 55, 1, 0, 20], [5, 9, 2, 12, 3], [10, 8, 0, 0, 9], [80, 60, 45, 90, 30])
    first, second = summary_of_findings(fit(counts, structure="fixed"), {"illustration": 0.2})
    assert (first.hints.k, first.hints.n) == (4, 143)
    assert first.hints.observed_range == pytest.approx((20 / 29, 1))
    assert (second.hints.k, second.hints.n) == (5, 336)
    assert first.to_dict()["scenarios"]["illustration"]["population"] == 1000
