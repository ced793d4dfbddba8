"""What does a difference say of two states of the review?"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

import madeup
from conftest import DATA
from livingreview.errors import Fault
from livingreview.living import difference as module
from livingreview.living.difference import Difference, compare, compare_results, width_ratio
from livingreview.living.difference_markdown import as_markdown, escaped, forest_text
from livingreview.living.records import FieldChange, RecordChange, record_changes
from livingreview.living.results import results_of
from livingreview.review import Review, plain_label
from livingreview.review.model import ConclusionRule
from livingreview.review.model.files import FrozenResults, FrozenSynthesis
from livingreview.review.reports import told_apart


@pytest.fixture(scope="module")
def with_study(tmp_path_factory: pytest.TempPathFactory) -> Review:
    data = Path(shutil.copytree(DATA, tmp_path_factory.mktemp("added") / "data"))
    madeup.add_to(data)
    return Review.load(data)


@pytest.fixture(scope="module")
def added(review: Review, with_study: Review) -> Difference:
    return compare(review, with_study)


def edited(data: Path, study: str, *changes: tuple[str, str]) -> Review:
    path = data / "studies" / f"{study}.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return Review.load(data)


def synthesis(estimate: float, lower: float, upper: float, *studies: str) -> FrozenSynthesis:
    measures = {"sensitivity": {"estimate": estimate, "ci": [lower, upper], "level": 0.95}}
    made = {"id": "diagnosis", "title": "Diagnosis", "studies": list(studies), "measures": measures, "reason": ""}
    return FrozenSynthesis.model_validate(made)


def results(*syntheses: FrozenSynthesis) -> FrozenResults:
    day = date(2026, 1, 1)
    return FrozenResults(version="2026.1", day=day, last_search=day, studies={}, verified=[], syntheses=list(syntheses))


@pytest.mark.slow
def test_an_added_study_comes_in_and_moves_the_estimates(added: Difference, with_study: Review) -> None:
    assert added.results is not None
    (changed,) = added.results.changed
    assert (changed.id, changed.joined, changed.left) == ("diagnosis", ("madeup2026",), ())
    before, after = changed.measures["sensitivity"]
    assert before != after
    assert changed.after == results_of(with_study)["diagnosis"]


@pytest.mark.slow
def test_the_new_study_has_its_table_and_weight_and_the_estimate_without_it(added: Difference, review: Review) -> None:
    (effect,) = added.effects
    assert (effect.kind, effect.table, effect.tables) == ("added", (80, 12, 9, 110), 1)
    assert all(10 < weight < 40 for weight in effect.weight)
    before = module.pool(review).fit
    assert before is not None
    assert effect.without["sensitivity"].estimate == pytest.approx(before.sensitivity.estimate, abs=1e-6)
    assert effect.without["specificity"].ci[0] == pytest.approx(before.specificity.lower, abs=1e-4)


@pytest.mark.slow
def test_an_added_study_is_a_record_with_its_standing(added: Difference) -> None:
    (record,) = added.records
    assert (record.file, record.kind) == ("data/studies/madeup2026.yaml", "added")
    assert record.standing == (None, "awaiting classification")


@pytest.mark.slow
def test_a_study_that_moves_nothing_says_why(review: Review, data_copy: Path) -> None:
    path = madeup.add_to(data_copy)
    path.write_text(path.read_text(encoding="utf-8").replace("unit: patient", "unit: slice"), encoding="utf-8")
    difference = compare(review, Review.load(data_copy))
    ((label, evaluation, reason),) = difference.left_out
    assert (label, evaluation) == ("Madeup 2026°", "main")
    assert "slice" in reason
    assert reason in as_markdown(difference)


@pytest.mark.slow
def test_the_same_tables_are_pooled_once(review: Review, data_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    after = edited(data_copy, "martini2020", ("J Cardiovasc Magn Reson", "Another journal"))
    pooled = module.pool(review)
    monkeypatch.setattr("livingreview.analysis.diagnosis.fit", lambda *_: pytest.fail("pooled again"))
    difference = compare(review, after)
    assert difference.pooled is not None
    assert difference.pooled.fit is pooled.fit
    assert difference.results is not None
    assert difference.results.changed == ()
    assert not difference.nothing
    (record,) = difference.records
    (change,) = record.fields
    assert change.field == "report.journal"
    assert "Another journal" in change.after


@pytest.mark.slow
def test_nothing_differs_between_a_review_and_itself(review: Review) -> None:
    difference = compare(review, review)
    assert difference.nothing
    assert "Nothing differs" in as_markdown(difference)


def test_a_changed_count_names_its_entry_by_id(with_study: Review, tmp_path: Path) -> None:
    data = Path(shutil.copytree(with_study.root, tmp_path / "data"))
    (record,) = record_changes(with_study, edited(data, "madeup2026", ("tp: 80", "tp: 79")))
    assert record.fields == (FieldChange("accuracy[main].tp", 80, 79),)


def test_a_new_standing_is_told(with_study: Review, tmp_path: Path) -> None:
    data = Path(shutil.copytree(with_study.root, tmp_path / "data"))
    after = edited(data, "madeup2026", ("status: awaiting classification", "status: excluded"))
    (record,) = record_changes(with_study, after)
    assert record.standing == ("awaiting classification", "excluded")
    assert record.fields == (FieldChange("standing[0].status", "awaiting classification", "excluded"),)


def test_a_removed_study_is_told(review: Review, with_study: Review) -> None:
    (record,) = record_changes(with_study, review)
    assert (record.kind, record.standing) == ("removed", ("awaiting classification", None))


def test_a_study_that_only_got_a_letter_has_not_changed(review: Review) -> None:
    studies = [study for study in review.studies if study.id != "alskaf2024hybrid"]
    alone = replace(review, studies=told_apart(studies))
    assert plain_label(alone.study("alskaf2024plot")) == "Alskaf 2024"
    assert [(record.file, record.kind) for record in record_changes(alone, review)] == [
        ("data/studies/alskaf2024hybrid.yaml", "added")
    ]


def test_results_alone_can_be_compared() -> None:
    rule = ConclusionRule(
        id="r", synthesis="diagnosis", measure="sensitivity_lower", kind="crosses threshold", threshold=0.8, says="Up."
    )
    before, after = synthesis(0.85, 0.75, 0.95, "a", "b"), synthesis(0.88, 0.83, 0.93, "b", "c")
    found = compare_results(results(before), results(after), rules=[rule])
    (change,) = found.changed
    assert (change.joined, change.left) == (("c",), ("a",))
    assert width_ratio(*change.measures["sensitivity"]) == pytest.approx(0.5)
    assert [item.rule.id for item in found.fired] == ["r"]
    assert "Up\\." in as_markdown(Difference(results=found))


def test_a_synthesis_on_one_side_only_is_told() -> None:
    found = compare_results(results(), results(synthesis(0.85, 0.75, 0.95, "a")))
    (change,) = found.changed
    assert change.before is None
    assert width_ratio(*change.measures["sensitivity"]) is None
    assert "| 0 | 1 |" in as_markdown(Difference(results=found))


def test_equal_results_have_no_change() -> None:
    same = results(synthesis(0.85, 0.75, 0.95, "a"))
    assert compare_results(same, same).changed == ()


def hostile_places(text: str) -> Iterator[Difference]:
    record = RecordChange("data/studies/x.yaml", "changed", text, (FieldChange(text, text, [text, {"a": text}]),))
    yield Difference(records=(record,), files=((text, "added"),), reference=text)
    yield Difference(unread=(Fault(text, 1, text, text, text, "X-001"),))
    said = {"studies": [text], "reason": text, "title": text}
    before, after = results(synthesis(0.8, 0.7, 0.9)), results(synthesis(0.9, 0.8, 0.95))
    hostile = before.model_copy(update={"syntheses": [before["diagnosis"].model_copy(update=said)]})
    yield Difference(results=compare_results(hostile, after))


@pytest.mark.parametrize(
    "text",
    [madeup.HOSTILE, "a\\|b", "x\n# heading\n\n<b>", "``` \n~~~", "https://evil.example www.evil.example", "&lt;i&gt;"],
)
def test_text_from_files_stays_text(text: str) -> None:
    for difference in hostile_places(text):
        markdown = as_markdown(difference)
        plain = as_markdown(next(item for item in hostile_places("plain") if _shape(item) == _shape(difference)))
        # With HTML allowed, as a forge's renderer has it: the structure is the one that harmless text has.
        tokens, expected = ([token.type for token in _tokens(side)] for side in (markdown, plain))
        assert tokens == expected
        assert not re.search(r"[@#](?=\w)", markdown.replace("@\u2060", ""))
        assert not re.search(r"https?://|www\.", markdown)


def _shape(difference: Difference) -> tuple[bool, bool]:
    return bool(difference.records), bool(difference.unread)


def _tokens(markdown: str) -> list[Any]:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    return [part for token in parser.parse(markdown) for part in (token.children or [token])]


def test_the_rendered_text_is_what_the_file_says() -> None:
    rendered = MarkdownIt("commonmark").renderInline(escaped("a_b_ *c* 1 < 2 | `d`"))
    assert rendered == "a_b_ *c* 1 &lt; 2 | `d`"


@pytest.mark.slow
def test_the_forest_of_characters_marks_the_new_study(added: Difference) -> None:
    lines = forest_text(added).splitlines()
    (new,) = [line for line in lines if line.startswith("+")]
    assert "Madeup 2026" in new
    assert "0.90 [0.82, 0.95]" in new  # 80 of 89, Wilson
    assert new.index("■") < lines[-1].index("1")
    assert sum("Pooled" in line for line in lines) == 2


@pytest.mark.slow
def test_the_report_has_estimates_before_and_after(added: Difference) -> None:
    markdown = as_markdown(added)
    assert re.search(r"\| sensitivity \| \d\d\.\d\u00a0% \[.*\] \| \d\d\.\d\u00a0% \[.*\] \| × 0\.\d\d \|", markdown)
    assert "came in: madeup2026." in markdown
    assert "No conclusion rule fires." in markdown
