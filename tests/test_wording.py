"""Are numbers written one way, including those that are not numbers?"""

import math
from datetime import date

import pytest

from livingreview.synthesis.intervals import Interval
from livingreview.wording import cell, day, decimal, listing, mark_explained, p_value, percent, plural, with_interval


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (-0.001, "0.00"), (-1.005, "−1.00"), (math.nan, "not defined"), (math.inf, "infinite")],
)
def test_a_decimal_has_a_true_minus_and_no_negative_zero(value: float, text: str) -> None:
    assert decimal(value) == text


def test_numbers_days_and_truth_values_are_never_marked_in_a_cell():
    assert [cell(value) for value in (-0.5, -3, True, date(2025, 7, 31), None, float("nan"))] == [
        "-0.5", "-3", "true", "2025-07-31", "", "",
    ]  # fmt: skip


def test_an_interval_names_its_level_once() -> None:
    assert with_interval(Interval(0.5, 0.4, 0.6, 0.9)) == "50.0 % (90 % CI 40.0 to 60.0)"
    assert with_interval(Interval(3.21, 1.5, 7.0, 0.95), scale="plain") == "3.2 (95 % CI 1.5 to 7.0)"


@pytest.mark.parametrize(
    ("text", "marked", "own"),
    [
        ("<td>Lin (a)°</td>", True, False),
        ("Alskaf 2024b°", True, False),
        ("“lvar” 2026°", True, True),
        ("“lvar” 2026a°", True, True),
        ("“deepstemi”°", True, True),
        ("a flip angle of 30° is called “optimal”", False, False),
        ("“unclear” of Adams 2019°", True, False),
    ],
)
def test_only_the_marks_that_are_there_are_explained(text: str, marked: bool, own: bool) -> None:
    assert ("No person has verified" in mark_explained(text), "this review's own" in mark_explained(text)) == (
        marked,
        own,
    )


def test_words_for_small_counts_and_digits_for_large() -> None:
    assert plural(0, "study", "studies") == "no studies"
    assert plural(13, "study", "studies") == "13 studies"
    assert plural(2, "day") == "two days"


def test_lists_dates_and_p_values_read_as_sentences() -> None:
    assert listing([]) == ""
    assert listing(["A"]) == "A"
    assert listing(["A", "B"]) == "A and B"
    assert day(date(2026, 3, 5)) == "5 March 2026"
    assert p_value(0.0504) == "P = 0.050"
    assert percent(0.12345, 2) == "12.35 %" or percent(0.12345, 2) == "12.34 %"
