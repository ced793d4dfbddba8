"""Do the clinical page and the plain summary compute from the synthesis, and claim no more than it says?"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview.analysis.clinical import (
    ILLUSTRATIONS,
    NOT_JUDGED,
    POPULATION,
    Scenario,
    after_test,
    facts,
    findings,
    findings_table,
    frequencies_table,
    hints_table,
    of_hundred,
    plain_facts,
    post_test_table,
    study_scenarios,
)
from livingreview.analysis.diagnosis import Pooled, pool
from livingreview.publish.figures import show_fagan, show_frequencies, show_predictive_values
from livingreview.reconstruction.imputation import ImputedFit
from livingreview.review import Review
from livingreview.synthesis.findings import DOMAINS
from livingreview.synthesis.intervals import Interval
from test_chapters import prose

PAGE = Path(__file__).parent.parent / "chapters" / "plain-summary.md"
# Sentences of 15 to 20 words are read by nearly everybody; a long word has more than two syllables, about ten letters.
MOST_WORDS_A_SENTENCE = 14
MOST_LONG_WORDS = 0.06
LONGEST_SENTENCE = 25


@pytest.fixture(scope="module")
def pooled(review: Review) -> Pooled:
    return pool(review)


@pytest.fixture(scope="module")
def nothing(review: Review) -> Pooled:
    empty = pool(review.as_of(date(2025, 7, 31)))
    assert empty.imputed is None
    return empty


@pytest.fixture(scope="module")
def imputed(pooled: Pooled) -> ImputedFit:
    assert pooled.imputed is not None
    return pooled.imputed


def test_is_an_illustration_called_one() -> None:
    assert [scenario.title for scenario in ILLUSTRATIONS] == [
        "one in twenty (5 %), an illustration",
        "one in five (20 %), an illustration",
        "one in two (50 %), an illustration",
    ]
    assert {scenario.kind for scenario in ILLUSTRATIONS} == {"illustration"}


def test_is_a_studys_share_that_of_its_cohort_or_of_its_tables(pooled: Pooled) -> None:
    scenarios = {scenario.name: scenario for scenario in study_scenarios(pooled)}
    assert len(scenarios) == pooled.k
    for item in pooled.selection.used:
        scenario, sample = scenarios[item.label], item.study.sample
        if sample and sample.n_diseased is not None and sample.n_nondiseased is not None:
            assert scenario.prevalence == sample.n_diseased / (sample.n_diseased + sample.n_nondiseased)
            assert scenario.source == f"{sample.n_diseased} of {sample.n_diseased + sample.n_nondiseased} in the cohort"
        else:
            tp, fp, fn, tn = item.tables.T
            assert scenario.prevalence == np.median((tp + fn) / (tp + fp + fn + tn))
            assert "2×2 table" in scenario.source
    assert all(scenario.title.startswith(name) for name, scenario in scenarios.items())


def test_do_the_probabilities_after_the_test_obey_bayes(imputed: ImputedFit) -> None:
    positive, negative = imputed.likelihood_ratio_positive, imputed.likelihood_ratio_negative
    after_positive, after_negative = after_test(imputed, 0.2)
    for ratio, after in ((positive, after_positive), (negative, after_negative)):
        for name in ("estimate", "lower", "upper"):
            odds = 0.25 * getattr(ratio, name)
            assert getattr(after, name) == pytest.approx(odds / (1 + odds))
        assert after.lower < after.estimate < after.upper


def test_do_the_tables_show_one_row_per_setting(imputed: ImputedFit) -> None:
    settings = ILLUSTRATIONS
    table = post_test_table(imputed, settings)
    assert table["Before the test"].tolist() == ["one in twenty (5 %)", "one in five (20 %)", "one in two (50 %)"]
    assert set(table["Which is"]) == {"chosen for illustration"}
    frequencies = frequencies_table(imputed, settings)
    assert frequencies["Prevalence"].tolist() == ["5 %", "20 %", "50 %"]
    for row, scenario in enumerate(settings):
        whole = {name: int(str(frequencies.at[row, name]).split()[0]) for name in frequencies.columns[1:]}
        assert whole["Diseased"] == round(POPULATION * scenario.prevalence)
        assert whole["Found"] + whole["Missed"] == whole["Diseased"]
        assert whole["Alarmed"] + whole["Cleared"] == whole["Not diseased"]


def test_does_the_summary_use_the_imputed_estimates_and_judge_nothing(pooled: Pooled, imputed: ImputedFit) -> None:
    rows = findings(pooled, ILLUSTRATIONS)
    assert [row.estimate for row in rows] == [imputed.sensitivity, imputed.specificity]
    assert rows[0].hints.interval_width == imputed.sensitivity.upper - imputed.sensitivity.lower
    table = findings_table(pooled, rows)
    assert len(table) == 4
    assert set(table["Certainty"]) == {NOT_JUDGED}
    hints = hints_table(pooled, rows)
    assert hints["Domain"].tolist() == [*DOMAINS, *DOMAINS]
    assert set(hints["Judgement"]) == {NOT_JUDGED}
    assert set(hints["Signed by"]) == {"nobody"}


def test_do_the_sentences_hold_the_numbers_of_the_tables(pooled: Pooled, imputed: ImputedFit) -> None:
    shown = ILLUSTRATIONS[1]
    said = facts(pooled, shown)
    table = frequencies_table(imputed, [shown])
    assert f"find {table.at[0, 'Found'].split()[0]} and miss" in said["people"]
    row = post_test_table(imputed, [shown])
    for column in ("After positive", "After negative"):
        assert row.at[0, column].replace("(", "(95 % CI ") in said["after"]


def test_is_nothing_computed_where_nothing_was_pooled(pooled: Pooled, nothing: Pooled) -> None:
    shown = ILLUSTRATIONS[1]
    said = facts(nothing, shown)
    assert set(said) == set(facts(pooled, shown))
    assert nothing.reason in said["standing"]
    assert "%" not in " ".join(said.values())
    assert findings(nothing, ILLUSTRATIONS) == ()


@pytest.mark.slow
def test_does_a_sentence_stand_where_a_figure_cannot(pooled: Pooled, nothing: Pooled) -> None:
    shown, settings = ILLUSTRATIONS[1], ILLUSTRATIONS
    pictures = [lambda p: show_fagan(p, shown), lambda p: show_predictive_values(p, settings),
                lambda p: show_frequencies(p, shown)]  # fmt: skip
    for picture in pictures:
        assert nothing.reason in picture(nothing).html
        assert "<svg" in picture(pooled).html


def test_are_illustrations_called_so_once_below_the_curve(pooled: Pooled) -> None:
    told = show_predictive_values(pooled, ILLUSTRATIONS).html
    assert "one in twenty (5 %), one in five (20 %) and one in two (50 %), for illustration." in told


def test_is_an_untrusted_name_escaped_in_a_figure(pooled: Pooled) -> None:
    scenario = Scenario("<script>", 0.2, "study", "x")
    assert "<script>" not in show_fagan(pooled, scenario).html


def sentences(pooled: Pooled) -> list[list[str]]:
    """Return the words of each sentence of the page, its glued texts in place."""
    facts = {
        **plain_facts(pooled),
        "studies": "60",
        "unsigned": "60",
        "last_search": "31 July 2025",
        "by_whom": ", by others",
    }
    text = re.sub(r"\{glue:text\}`(\w+)`", lambda match: facts[match[1]], PAGE.read_text(encoding="utf-8"))
    text = re.sub(r"^#.*$", "", prose(text), flags=re.MULTILINE)
    return [words for part in re.split(r"[.?!]\s", text) if (words := re.findall(r"[\w-]+", part))]


def test_are_sentences_and_words_short(pooled: Pooled) -> None:
    found = sentences(pooled)
    words = [word for sentence in found for word in sentence]
    assert len(words) > 200
    assert len(words) / len(found) <= MOST_WORDS_A_SENTENCE
    assert max(map(len, found)) <= LONGEST_SENTENCE, max(found, key=len)
    assert sum(len(word) >= 10 for word in words) / len(words) <= MOST_LONG_WORDS


def test_does_the_summary_say_what_is_not_known() -> None:
    assert PAGE.read_text(encoding="utf-8").count("We do not know") >= 3


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_is_nothing_claimed_of_all_or_none_and_no_interval_made_narrower(a: float, b: float, c: float) -> None:
    lower, estimate, upper = sorted((a, b, c))
    middle, limits = of_hundred(Interval(estimate, lower, upper, 0.95))
    low, high = map(int, re.findall(r"\d+", limits))
    assert 1 <= int(middle) <= 99
    assert 0 <= low <= int(middle) <= high <= 100
    assert low <= 100 * lower
    assert high >= 100 * upper


def test_do_the_sentences_hold_the_numbers_of_the_main_synthesis(pooled: Pooled) -> None:
    found = plain_facts(pooled)
    assert f"about {round(100 * pooled.imputed.sensitivity.estimate)} are found" in found["plain_found"]
    assert f"about {round(100 * pooled.imputed.specificity.estimate)} are told so" in found["plain_cleared"]
    sizes = [item.tables.sum(axis=1) for item in pooled.selection.used]
    assert found["plain_people"] == f"{sum(map(min, sizes))} to {sum(map(max, sizes))}"


@pytest.mark.parametrize("name", ["plain_found", "plain_cleared", "plain_new"])
def test_does_it_say_so_where_nothing_is_pooled(nothing: Pooled, name: str) -> None:
    assert plain_facts(nothing)[name].startswith("We do not know")
    assert not re.search(r"\d", "".join(plain_facts(nothing).values()))
