"""Do conclusion rules fire when, and only when, what they watch has changed?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from livingreview.living.results import appearances, distance_table, fired, measures, results_of, rule_faults
from livingreview.review import Review, check
from livingreview.review.model import ConclusionRule
from livingreview.review.model.files import FrozenResults

DAY = date(2026, 1, 1)


def results(*, certainty: str = "", **values: Any) -> FrozenResults:
    """Return made-up results with one synthesis; a value is an estimate or (estimate, lower, upper)."""
    made = {
        name: {"estimate": value[0], "ci": list(value[1:]), "level": 0.95}
        if isinstance(value, tuple)
        else {"estimate": value}
        for name, value in values.items()
    }
    synthesis = {
        "id": "diagnosis", "title": "Made up", "studies": ["a", "b", "c"], "measures": made,
        "reason": "" if made else "too few", "certainty": certainty,
    }  # fmt: skip
    whole = {"version": "2026.1", "day": DAY, "last_search": DAY, "studies": {}, "verified": []}
    return FrozenResults.model_validate({**whole, "syntheses": [synthesis]})


def rule(kind: str, measure: str, threshold: float | None = None) -> ConclusionRule:
    """Return a rule on the made-up synthesis."""
    return ConclusionRule.model_validate(
        {"id": "r", "synthesis": "diagnosis", "measure": measure, "kind": kind, "threshold": threshold, "says": "Told."}
    )


LOWER = rule("crosses threshold", "sensitivity_lower", 0.8)
MOVED = rule("interval excludes previous estimate", "sensitivity")
CLASS = rule("heterogeneity class changes", "i2_sensitivity", 75)
JUDGED = rule("certainty changes", "certainty")


@pytest.mark.parametrize(
    ("watching", "before", "after", "fires"),
    [
        (LOWER, results(sensitivity=(0.9, 0.79, 0.95)), results(sensitivity=(0.9, 0.81, 0.95)), True),
        (LOWER, results(sensitivity=(0.9, 0.81, 0.95)), results(sensitivity=(0.9, 0.79, 0.95)), True),
        (LOWER, results(sensitivity=(0.9, 0.80, 0.95)), results(sensitivity=(0.9, 0.81, 0.95)), False),
        (LOWER, results(sensitivity=(0.9, 0.70, 0.95)), results(sensitivity=(0.9, 0.79, 0.95)), False),
        (MOVED, results(sensitivity=(0.8, 0.7, 0.9)), results(sensitivity=(0.9, 0.81, 0.95)), True),
        (MOVED, results(sensitivity=(0.8, 0.7, 0.9)), results(sensitivity=(0.9, 0.80, 0.95)), False),
        (CLASS, results(i2_sensitivity=74.9), results(i2_sensitivity=75.0), True),
        (CLASS, results(i2_sensitivity=75.0), results(i2_sensitivity=99.0), False),
        (JUDGED, results(certainty="low"), results(certainty="very low"), True),
        (JUDGED, results(certainty="low"), results(certainty="low"), False),
        (JUDGED, results(), results(certainty="low"), False),
    ],
)
def test_does_a_rule_fire_exactly_when_it_should(
    watching: ConclusionRule, before: FrozenResults, after: FrozenResults, fires: bool
) -> None:
    assert [item.rule for item in fired([watching], before, after)] == ([watching] if fires else [])
    assert distance_table([watching], before, after)["Fired"].tolist() == ["yes" if fires else "no"]


def test_is_a_first_estimate_told_as_such_and_not_as_a_crossing() -> None:
    nothing, something = results(), results(sensitivity=(0.9, 0.85, 0.95))
    for before, after, change in (
        (nothing, something, "first pooled"),
        (something, nothing, "no longer pooled"),
    ):
        assert fired([LOWER, MOVED, CLASS], before, after) == ()
        assert [item.change for item in appearances([LOWER, MOVED], before, after)] == [change]
    assert appearances([LOWER], something, something) == ()
    assert "too few" in appearances([LOWER], something, nothing)[0].text


def test_does_what_fired_say_both_values() -> None:
    crossed = fired([LOWER], results(sensitivity=(0.9, 0.79, 0.95)), results(sensitivity=(0.9, 0.81, 0.95)))[0]
    assert (crossed.before, crossed.after) == (0.79, 0.81)
    assert crossed.text == "Told. Before: 0.790; now: 0.810."
    judged = fired([JUDGED], results(certainty="high"), results(certainty="very low"))[0]
    assert judged.text.endswith("Before: high; now: very low.")


def test_is_the_distance_that_to_the_limit() -> None:
    table = distance_table(
        [LOWER, MOVED, CLASS], results(sensitivity=(0.8, 0.7, 0.9)), results(sensitivity=(0.9, 0.75, 0.95))
    )
    assert table["Distance"].tolist() == ["−0.050", "+0.050", ""]


def test_can_a_rule_watch_everything_that_is_computed(review: Review) -> None:
    known = measures()
    for synthesis in results_of(review).syntheses:
        named = {
            name
            for m, value in synthesis.measures.items()
            for name in ([m, f"{m}_lower", f"{m}_upper"] if "ci" in value else [m])
        }
        assert named <= known[synthesis.id]


@pytest.mark.slow
def test_does_a_judgement_reach_the_results_from_its_day_on(review: Review) -> None:
    made_up = {"synthesis": "diagnosis", "by": "Nobody (made up)", "reason": "made up"}
    judged = [{**made_up, "level": "low", "on": date(2026, 1, 2)}, {**made_up, "level": "high", "on": date(2026, 1, 1)}]
    file = review.file.model_validate({**review.file.model_dump(), "certainty": judged})
    for day, level in ((date(2025, 12, 31), ""), (date(2026, 1, 1), "high"), (date(2026, 1, 2), "low")):
        assert results_of(replace(review, file=file).as_of(day))["diagnosis"].certainty == level


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "field", "code"),
    [
        ("id: sensitivity_090", "id: sensitivity_080", "conclusion_rules[1].id", "RULE-001"),
        ("synthesis: diagnosis", "synthesis: diagnoses", "conclusion_rules[0].synthesis", "RULE-002"),
        ("measure: sensitivity_lower", "measure: sensitivity_low", "conclusion_rules[0].measure", "RULE-003"),
        ("    threshold: 0.80\n", "", "conclusion_rules[0].kind", "RULE-004"),
        ("measure: i2_sensitivity", "measure: certainty", "conclusion_rules[6].measure", "RULE-003"),
        ("measure: sensitivity\n", "measure: i2_sensitivity\n", "conclusion_rules[4].measure", "RULE-003"),
        (
            "previous estimate\n",
            "previous estimate\n    threshold: 1\n",
            "conclusion_rules[4].threshold",
            "RULE-004",
        ),
    ],
)
def test_is_a_rule_that_can_never_work_named_with_its_line(
    data_copy: Path, old: str, new: str, field: str, code: str
) -> None:
    path = data_copy / "review.yaml"
    text = path.read_text(encoding="utf-8").replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    faults = check(data_copy, also=[rule_faults])
    assert [(fault.field, fault.code) for fault in faults] == [(field, code)]
    assert field.rpartition(".")[2] in text.splitlines()[faults[0].line - 1]


def test_are_this_reviews_own_rules_sound(data_copy: Path) -> None:
    assert rule_faults(data_copy) == []
