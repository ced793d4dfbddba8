"""Does each study have a page that says what is known of it, and nothing that its file could smuggle in?"""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from html import escape, unescape

import pytest

from livingreview.analysis.diagnosis import central_table, leave_one_out_table, pool
from livingreview.publish.study_pages import corrections, study_pages
from livingreview.review import Review
from livingreview.synthesis.measures import sensitivity, specificity
from livingreview.wording import together, with_interval


def in_a_cell(interval: str) -> str:
    """The heading of its column says which interval it is."""
    return together(interval.replace("95 % CI ", ""))


@pytest.fixture(scope="module")
def pages(review: Review) -> dict[str, str]:
    return study_pages(review, repository="", history={})


@pytest.mark.slow
def test_has_every_study_a_page(pages, review):
    assert set(pages) == {f"studies/{study.id}.md" for study in review.studies}


@pytest.mark.slow
def test_does_a_page_show_every_printed_result_with_its_source(pages, review):
    for study in review.studies:
        page = unescape(pages[f"studies/{study.id}.md"])
        for entry in study.overlap:
            assert entry.value in page
        for key in study.sources:
            assert key in page


@pytest.mark.slow
def test_leads_every_source_of_a_value_to_its_row_and_from_there_to_the_report(pages, review):
    for study in review.studies:
        page = pages[f"studies/{study.id}.md"]
        rows = set(re.findall(r'<th scope="row" id="(source-\w+)"', page))
        assert rows == {f"source-{key}" for key in study.sources}
        assert set(re.findall(r'href="#([\w-]+)"', page)) <= rows
        for source in study.sources.values():
            assert not source.doi or f'href="https://doi.org/{source.doi}"' in unescape(page)
    martini = pages["studies/martini2020.md"]
    assert '<a href="#source-abstract">abstract</a>, <a href="#source-coding">coding</a>' in martini
    assert "this review&#x27;s coding: its own classification, which the report does not print" in martini


@pytest.mark.slow
def test_does_each_answer_of_the_question_name_its_own_source(pages):
    def source(item: str) -> str:
        row = re.search(rf"<tr><th scope=\"row\">{item}</th>.*?</tr>", pages["studies/germain2021.md"])
        assert row is not None
        return ", ".join(re.findall(r'href="#source-(\w+)"', row[0]))

    assert (source("Condition"), source("Subject")) == ("abstract", "coding")


def test_does_the_citation_give_the_year_where_the_journal_does_not(review):
    study = review.study("lvar2026")
    for journal, told in (("Made journal", "Made journal 2026."), ("Made journal 2026;1", "Made journal 2026;1.")):
        changed = study.model_copy(update={"report": study.report.model_copy(update={"journal": journal})})
        pages = study_pages(replace(review, studies=(changed,)), repository="", history={})
        assert told in pages["studies/lvar2026.md"]


@pytest.mark.slow
def test_names_a_page_the_words_that_a_reader_may_look_for(pages):
    assert "Other words for it: HCM" in pages["studies/you2021.md"]
    assert "Baron" in pages["studies/baron2023.md"].split("Other words for it:")[1].split("</p>")[0]
    assert "heart attack" in pages["studies/lvar2026.md"]
    assert "Other words for it: RV" in pages["studies/tran2020.md"]


@pytest.mark.slow
def test_does_a_pooled_study_show_what_the_estimates_are_without_it(pages, review):
    pooled = pool(review)
    moved = leave_one_out_table(pooled)
    for place, item in enumerate(pooled.selection.used):
        page = pages[f"studies/{item.study.id}.md"]
        assert "The pooled estimates without it, and with all studies, on the central tables." in page
        assert in_a_cell(moved["Sensitivity"][place]) in page
        assert in_a_cell(moved["Sensitivity"].iloc[-1]) in page


def test_does_a_page_bear_what_its_file_remarks(pages, review):
    for study in review.studies:
        page = pages[f"studies/{study.id}.md"]
        assert ("<h2>Remarks</h2>" in page) == bool(study.notes)
        assert all(f"<li>{escape(note)}</li>" in page for note in study.notes)


@pytest.mark.slow
def test_shows_a_page_the_table_that_is_pooled_and_what_this_review_computes_from_it(pages, review):
    pooled = pool(review)
    for place, item in enumerate(pooled.selection.used):
        page = pages[f"studies/{item.study.id}.md"]
        assert together("Computed sensitivity (95 % CI)") in page
        assert in_a_cell(with_interval(sensitivity(pooled.counts)[place])) in page
        assert in_a_cell(with_interval(specificity(pooled.counts)[place])) in page
        for cell, fit in zip(central_table(item.tables), item.tables.T, strict=True):
            shown = f"{cell}" if fit.min() == fit.max() else f"{cell} ({fit.min()} to {fit.max()})"
            assert f">{shown}</td>" in page


@pytest.mark.slow
def test_shows_a_page_a_table_that_is_known_but_not_pooled(pages):
    page = pages["studies/cmra2025.md"]
    assert "analysed per segment" in page
    assert "Computed sensitivity" in page
    assert "Computed sensitivity" not in pages["studies/agibetov2021.md"]


@pytest.mark.slow
def test_does_a_page_say_that_the_label_is_no_author_where_none_was_seen(pages, review):
    for study in review.studies:
        known = bool(study.report.authors or study.report.first_author)
        assert ("No author was seen" in pages[f"studies/{study.id}.md"]) is not known


@pytest.mark.slow
def test_does_a_study_that_is_left_out_say_why(pages, review):
    for item, reason in pool(review).selection.left_out:
        assert reason in unescape(pages[f"studies/{item.study.id}.md"])


def test_is_a_page_one_heading_and_one_block_whatever_the_file_says(review):
    study = review.study("righetti2024")
    nasty = "# [x](javascript:1) <b> {{ 7 }} ```\n```{include} /etc/passwd\n``` $x$"
    report = study.report.model_copy(update={"title": nasty, "journal": nasty})
    hostile = study.model_copy(update={"report": report, "notes": [nasty]})
    changed = type(review)(**{**vars(review), "studies": (hostile,)})
    (page,) = study_pages(changed, repository="", history={}).values()
    _, _, body = page.split("---\n", 2)
    heading = body.split("\n")[1]
    assert re.fullmatch(r"# [\w\s&#;°]+", heading)
    assert unescape(heading).endswith(" ".join(nasty.split()))
    assert len(re.findall(r"^```", body, flags=re.MULTILINE)) == 2
    assert "<b>" not in body.replace("<body", "")


@pytest.mark.slow
def test_leads_correct_a_value_to_the_form_where_the_repository_is_known(review):
    some = study_pages(review, repository="https://example.org/r/", history={})
    assert (
        'href="https://example.org/r/issues/new?template=correct-a-value.yml&amp;study=bartoli"'
        in some["studies/bartoli.md"]
    )


def test_is_the_history_of_a_file_that_of_the_repository(tmp_path):
    assert corrections(tmp_path) == {}

    def git(*arguments):
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "data" / "studies").mkdir(parents=True)
    git("init")
    for text in ("first", "second"):
        (tmp_path / "data" / "studies" / "x2024.yaml").write_text(text)
        git("add", ".")
        git("commit", "-m", f"Enter the {text} value")
    found = corrections(tmp_path)
    assert [subject for _, subject in found["x2024"]] == ["Enter the second value", "Enter the first value"]
