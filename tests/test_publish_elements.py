"""Are tables, code blocks and headline figures readable, accessible, and free of markup that is not theirs?"""

from __future__ import annotations

import re

import pandas as pd
import pytest

from livingreview.publish.elements import Card, cards_html, code_html, table_html
from livingreview.review import STUDY_ID
from livingreview.synthesis.intervals import Interval

HOSTILE = "<script>alert('x')</script> & \"quoted\""


def test_a_table_explains_the_mark_of_unverified_names_only_where_it_stands():
    marked, bare = (table_html(pd.DataFrame({"Study": [name]}), caption="Studies") for name in ("X 2024°", "X 2024"))
    assert "No person has verified the extraction" in marked.partition("</figcaption>")[0]
    assert "verified" not in bare


def test_nothing_in_a_table_or_a_code_block_becomes_markup():
    table = table_html(
        pd.DataFrame({HOSTILE: [HOSTILE], "parts": [[HOSTILE, "b"]]}), caption=HOSTILE, name='x" onload='
    )
    assert "<script" not in table
    assert 'x" onload' not in table
    assert table.count("&lt;script&gt;") == 4
    assert "<script" not in code_html(HOSTILE, caption=HOSTILE)


def test_only_web_addresses_become_links():
    table = table_html(
        pd.DataFrame(
            {"doi": ["10.1000/a<b"], "page": ["https://example.org/x?a=1&b=2"], "bad": ["javascript:alert(1)"]}
        ),
        caption="Links",
    )
    assert '<a href="https://doi.org/10.1000/a&lt;b"' in table
    assert '<a href="https://example.org/x?a=1&amp;b=2"' in table
    assert 'href="javascript' not in table


def test_numbers_line_up_and_absent_values_are_blank():
    table = table_html(
        pd.DataFrame(
            {"study": ["A", "B"], "dice": [0.9, float("nan")], "ci": ["0.90 (0.80–0.95)", None], "yes": [True, False]}
        ),
        caption="Numbers",
    )
    assert table.count('<th scope="col" class="lr-number">') == 2
    assert '<td class="lr-number">0.9</td>' in table
    assert "nan" not in table.lower().replace("name", "")
    assert "None" not in table


def test_says_a_heading_once_what_every_interval_of_its_column_is():
    table = pd.DataFrame({"Study": ["A", "B"], "Se": ["98.0 % (95 % CI 78.1 to 99.9)", "not defined"]})
    html = table_html(table, caption="Two").replace("\N{NO-BREAK SPACE}", " ")
    assert ">Se (95 % CI)</th>" in html
    assert ">98.0 % (78.1 to 99.9)</td>" in html
    mixed = pd.DataFrame({"Se": ["98.0 % (95 % CI 78.1 to 99.9)", "98.0 % (90 % CI 81.1 to 99.8)"]})
    assert "(95 % CI 78.1 to 99.9)" in table_html(mixed, caption="Two").replace("\N{NO-BREAK SPACE}", " ")


def test_is_a_column_without_any_value_left_out():
    table = pd.DataFrame({"Study": ["", ""], "Value": [None, float("nan")], "Reason": ["a", ""]})
    html = table_html(table, caption="Two")
    assert "Value" not in html
    assert "Study" in html
    assert "Reason" in html
    assert "Value" in table_html(table[:0], caption="None")


def test_the_words_of_two_cells_stay_apart_where_the_tags_are_taken_out():
    table = table_html(pd.DataFrame({"item": ["family", "unit"], "value": ["nnU-Net", "patient"]}), caption="Cells")
    words = re.sub(r"<[^>]*>", "", table.partition("</figcaption>")[2]).split()
    assert words == ["item", "value", "family", "nnU-Net", "unit", "patient"]


def test_a_table_without_caption_or_with_two_columns_of_one_name_is_refused():
    with pytest.raises(ValueError, match="caption"):
        table_html(pd.DataFrame({"a": [1]}), caption=" ")
    with pytest.raises(ValueError, match="own name"):
        table_html(pd.DataFrame([[1, 2]], columns=["a", "a"]), caption="Two")


def test_does_a_study_in_a_table_lead_to_its_page():
    table = pd.DataFrame({STUDY_ID: ["x2024", None], "Study": ["X 2024", "Y"], "n": [1, 2]})
    html = table_html(table, caption="Sizes")
    assert '<a href="../studies/x2024.html">X 2024</a>' in html
    assert '<th scope="row">Y</th>' in html
    assert STUDY_ID not in html


def test_a_card_shows_its_interval_and_where_it_comes_from() -> None:
    html = cards_html([Card("Sensitivity", Interval(0.9, 0.8, 0.95), "of five studies", "chapters/diagnosis.html")])
    for text in ("Sensitivity", "90.0 %", "80.0 % to 95.0 %", "of five studies", 'href="chapters/diagnosis.html"'):
        assert text in html


def test_text_of_a_card_cannot_become_markup() -> None:
    html = cards_html([Card("<script>", "<b>", '"><img>', "a.html")])
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<img>" not in html


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://example.org", "//example.org"])
def test_a_card_never_leads_off_the_site(link: str) -> None:
    with pytest.raises(ValueError, match="within the site"):
        cards_html([Card("a", "b", "c", link)])
