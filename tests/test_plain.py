"""Can everybody read the summary, and does it claim no more than the numbers?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview.analysis.clinical import of_hundred, plain_facts
from livingreview.analysis.diagnosis import Pooled, pool
from livingreview.review import Review
from livingreview.synthesis.intervals import Interval
from test_chapters import prose

PAGE = Path(__file__).parent.parent / "chapters" / "plain-summary.md"
# Sentences of 15 to 20 words are read by nearly everybody; a long word has more than two syllables, about ten letters.
MOST_WORDS_A_SENTENCE = 14
MOST_LONG_WORDS = 0.06
LONGEST_SENTENCE = 25


def sentences(review: Review) -> list[list[str]]:
    """Return the words of each sentence of the page, its glued texts in place."""
    facts = {**plain_facts(pool(review)), "studies": "60", "unsigned": "60", "last_search": "31 July 2025"}
    text = re.sub(r"\{glue:text\}`(\w+)`", lambda match: facts[match[1]], PAGE.read_text(encoding="utf-8"))
    text = re.sub(r"^#.*$", "", prose(text), flags=re.MULTILINE)
    return [words for part in re.split(r"[.?!]\s", text) if (words := re.findall(r"[\w-]+", part))]


def test_are_sentences_and_words_short(review):
    found = sentences(review)
    words = [word for sentence in found for word in sentence]
    assert len(words) > 200
    assert len(words) / len(found) <= MOST_WORDS_A_SENTENCE
    assert max(map(len, found)) <= LONGEST_SENTENCE, max(found, key=len)
    assert sum(len(word) >= 10 for word in words) / len(words) <= MOST_LONG_WORDS


def test_does_the_summary_say_what_is_not_known():
    assert PAGE.read_text(encoding="utf-8").count("We do not know") >= 3


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_is_nothing_claimed_of_all_or_none_and_no_interval_made_narrower(a, b, c):
    lower, estimate, upper = sorted((a, b, c))
    middle, limits = of_hundred(Interval(estimate, lower, upper, 0.95))
    low, high = map(int, re.findall(r"\d+", limits))
    assert 1 <= low <= int(middle) <= high <= 99
    assert low <= max(100 * lower, 1)
    assert high >= min(100 * upper, 99)


def test_do_the_sentences_hold_the_numbers_of_the_main_synthesis(review):
    pooled = pool(review)
    found = plain_facts(pooled)
    assert f"about {round(100 * pooled.imputed.sensitivity.estimate)} are found" in found["plain_found"]
    assert f"about {round(100 * pooled.imputed.specificity.estimate)} are told so" in found["plain_cleared"]
    assert int(found["plain_people"]) == sum(pooled.counts.n_diseased) + sum(pooled.counts.n_nondiseased)


@pytest.mark.parametrize("name", ["plain_found", "plain_cleared", "plain_new"])
def test_does_it_say_so_where_nothing_is_pooled(review, name):
    pooled = pool(review)
    nothing = Pooled(pooled.selection, None, None, None, "2 usable, at least 3 are needed")
    assert plain_facts(nothing)[name].startswith("We do not know")
    assert not re.search(r"\d", "".join(plain_facts(nothing).values()))
