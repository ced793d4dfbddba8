"""Is what the build writes around and into pages safe, readable, and honest about the living status?"""

from __future__ import annotations

import re
from datetime import date
from importlib.resources import files
from types import SimpleNamespace

import pandas as pd
import pytest
from pybtex.database import parse_string

from livingreview.publish.frame import banner_html, banner_until
from livingreview.publish.mending import excerpting, lean, mended
from livingreview.publish.references import bibtex
from livingreview.publish.sphinx_ext import mathml
from livingreview.publish.tables import code_html, table_html
from livingreview.review import STUDY_ID
from livingreview.review.model import Study

HOSTILE = "<script>alert('x')</script> & \"quoted\""


def review(status: str = "living", included: int = 12) -> SimpleNamespace:
    return SimpleNamespace(
        included=("study",) * included,
        last_search=date(2025, 7, 31),
        next_search_due=date(2025, 8, 7),
        verified_only=False,
        file=SimpleNamespace(version="2026.1", living=SimpleNamespace(status=status)),
    )


def study(**report: object) -> Study:
    return Study.model_validate(
        {
            "id": "x2024",
            "report": {"source": "paper", **report},
            "standing": [{"on": date(2025, 7, 31), "status": "included", "route": "databases", "reason": "eligible"}],
            "task": "diagnosis",
            "source": "paper",
            "extraction": [{"by": "a person", "kind": "person", "on": date(2025, 7, 31)}],
            "sources": {"paper": {"kind": "publication", "where": "abstract"}},
        }
    )


def test_the_banner_tells_an_overdue_search_without_hiding_or_blaming():
    before = banner_html(review(), date(2025, 8, 7))
    after = banner_html(review(), date(2025, 8, 8))
    assert 'next search due <time datetime="2025-08-07">7 August 2025</time>' in before
    assert "next search was due" in after
    assert "later reports may be missing" in after
    assert "12 studies included by name" in before
    assert "1 study included by name" in banner_html(review(included=1), date(2025, 8, 7))


def test_the_banner_says_how_old_the_last_search_is_and_how_long_that_holds():
    assert "31 July 2025</time> (less than a month ago)" in banner_html(review(), date(2025, 8, 30))
    assert "(one month ago)" in banner_html(review(), date(2025, 8, 31))
    assert "(13 months ago)" in banner_html(review(), date(2026, 8, 31))
    assert banner_until(review(), date(2025, 8, 1)) == date(2025, 8, 7), "then the next search is overdue"
    assert banner_until(review(), date(2025, 8, 8)) == date(2025, 8, 30), "then it is a month old"


def test_a_paused_review_promises_no_search_and_a_past_one_says_which_day():
    assert "next search" not in banner_html(review("paused"), date(2026, 1, 1))
    past = banner_html(review(), date(2025, 7, 31), as_of=date(2025, 7, 31))
    assert 'as it stood on <time datetime="2025-07-31">' in past


def test_a_view_of_verified_extractions_says_so_on_every_page():
    shown = review()
    assert "verified" not in banner_html(shown, date(2026, 1, 1))
    shown.verified_only = True
    assert "syntheses of verified extractions only" in banner_html(shown, date(2026, 1, 1))


def test_a_table_explains_the_mark_of_unverified_names_only_where_it_stands():
    marked, bare = (table_html(pd.DataFrame({"Study": [name]}), caption="Studies") for name in ("X 2024°", "X 2024"))
    assert "No person has verified the extraction" in marked.partition("</figcaption>")[0]
    assert "verified" not in bare


def test_bibtex_survives_every_sign_that_tex_reads():
    title = r"100 % of {T1} & T2* in $n$ = 5_000 #1 ~ \input{secret} ^"
    database = parse_string(bibtex([study(title=title, first_author="Ben Khalifa A", year=2024)]), "bibtex")
    entry = database.entries["x2024"]
    (author, others) = entry.persons["author"]
    assert (author.last_names, author.first_names, str(others)) == (["{Ben Khalifa}"], ["A"], "others")
    assert "\\input" not in entry.fields["title"]
    assert entry.fields["year"] == "2024"


def test_a_report_that_was_not_identified_is_cited_as_such():
    entry = parse_string(bibtex([study()]), "bibtex").entries["x2024"]
    assert "report not identified" in entry.fields["title"]
    assert "author" not in entry.persons


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


@pytest.mark.parametrize("latex", [r"\frac{1", r"\nosuchcommand{x}"])
def test_a_formula_that_cannot_be_shown_whole_is_refused(latex):
    with pytest.raises(ValueError, match="formula"):
        mathml(latex, "inline")


def test_a_formula_keeps_its_source_as_text():
    assert 'alttext="\\hat\\theta &lt; 1"' in mathml(r"\hat\theta < 1", "block")


def test_is_an_excerpt_of_the_search_from_the_text_of_a_page():
    theirs = files("sphinx").joinpath("themes/basic/static/searchtools.js").read_text(encoding="utf-8")
    ours = excerpting(theirs)
    assert ours.count("'article'") == theirs.count("""'[role="main"]'""") == 1
    assert '"details", "h1", ".headerlink"' in ours
    assert "parseFromString(htmlString.replace(" in ours


def test_pages_are_mended_where_a_listener_would_be_misled():
    page = (
        '<button class="btn search-button-field x" title="Search" aria-label="Search" data-a="1"></button>'
        '<i class="theme-switch fa-sun" data-mode="light" title="Light"></i><div role="list" class="citation-list">'
    )
    assert mended(page) == (
        '<button class="btn search-button-field x" data-a="1"></button>'
        '<i class="theme-switch fa-sun" data-mode="light"></i><div class="citation-list">'
    )


def test_says_each_page_once_how_wide_it_is():
    one, other = ('<meta name="viewport" content="a" />', '<meta name="viewport" content="b"/>')
    assert lean(f"<head>\n  {one}\n</head>") == f"<head>\n  {one}\n</head>"
    assert lean(f'<head>\n<meta charset="utf-8" />{one}\n  {other}\n</head>') == (
        f'<head>\n<meta charset="utf-8" />{one}\n</head>'
    )


def test_does_a_study_in_a_table_lead_to_its_page():
    table = pd.DataFrame({STUDY_ID: ["x2024", None], "Study": ["X 2024", "Y"], "n": [1, 2]})
    html = table_html(table, caption="Sizes")
    assert '<a href="../studies/x2024.html">X 2024</a>' in html
    assert '<th scope="row">Y</th>' in html
    assert STUDY_ID not in html
