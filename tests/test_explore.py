"""Does the explorer show what the engine computes, for every choice of filters?"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import livingreview.analysis.explore as explore
from livingreview.analysis.diagnosis import headline, pool, printed_text
from livingreview.analysis.evidence import gather
from livingreview.analysis.explore import explorer, reachable
from livingreview.analysis.segmentation import reported
from livingreview.errors import ReviewError
from livingreview.publish.explorer import show_explorer, show_topics, studies_table
from livingreview.review import Review
from livingreview.wording import with_interval
from signing import sign

MASKS = st.lists(st.lists(st.integers(0, 0b11111), max_size=4), max_size=4)


@pytest.fixture(scope="module")
def found(review: Review) -> dict[str, Any]:
    """Return everything; to pool all the sets takes seconds."""
    return explorer(review)


@pytest.fixture(scope="module")
def unpooled(review: Review) -> dict[str, Any]:
    """Return everything but the pooled sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explore, "reachable", lambda choices, everything: set())
        return explorer(review)


@given(MASKS)
def test_is_every_choice_of_filters_among_the_reachable_sets(choices):
    everything = 0b11111
    by_hand = set()
    for chosen in itertools.product(*([everything, *masks] for masks in choices)):
        left = everything
        for mask in chosen:
            left &= mask
        by_hand.add(left)
    assert reachable(choices, everything) == by_hand


def test_are_more_sets_than_can_be_pooled_refused(monkeypatch):
    monkeypatch.setattr(explore, "MOST_SETS", 3)
    with pytest.raises(ReviewError, match="more than 3 sets"):
        reachable([[1, 2, 4]], 7)


@pytest.mark.slow
def test_does_the_whole_set_pool_to_what_the_front_page_says(found, review):
    whole = found["pooled"][str(sum(study["bit"] for study in found["studies"]))]
    said = headline(pool(review))
    assert whole["sensitivity"] in said
    assert whole["specificity"] in said


@pytest.mark.slow
def test_does_each_set_pool_to_what_the_engine_gives_for_its_studies(found, review):
    evidence = gather(review)
    for mask, shown in found["pooled"].items():
        ids = {study["id"] for study in found["studies"] if study["bit"] & int(mask)}
        pooled = pool(review, evidence=[item for item in evidence if item.study.id in ids])
        assert shown["k"] == pooled.k
        if pooled.imputed is None:
            assert shown["reason"] == pooled.reason
        else:
            assert shown["sensitivity"] == with_interval(pooled.imputed.sensitivity)
            assert shown["forest"][1][0] == pytest.approx(pooled.imputed.specificity.estimate, abs=5e-5)


def test_is_a_filter_that_tells_no_studies_apart_left_out(unpooled):
    assert "Extraction" not in [facet["title"] for facet in unpooled["facets"]]
    assert all(len(facet["values"]) > 1 for facet in unpooled["facets"])


@pytest.mark.slow
def test_does_a_signed_extraction_make_its_filter_appear(data_copy):
    sign(data_copy, "bartoli")
    assert "Extraction" in [facet["title"] for facet in explorer(Review.load(data_copy))["facets"]]


def test_can_no_title_end_the_script_that_holds_the_data(unpooled):
    hostile = {**unpooled, "studies": [{**unpooled["studies"][0], "title": "</script><script>alert(1)</script>"}]}
    html = show_explorer(hostile).data
    assert html.count("</script>") == 2
    held = html.split('id="lr-explore-data">')[1].split("</script>")[0]
    assert json.loads(held)["studies"][0]["title"].startswith("</script>")


def test_leads_a_choice_without_a_number_to_the_plain_summary(unpooled):
    html = show_explorer(unpooled).data
    unknown = html.split('<span class="lr-explore-unknown" hidden>')[1].split("</span>")[0]
    assert unknown.startswith('<a href="plain-summary.html">What is known of all diseases taken together')


def test_has_the_table_one_row_a_study(unpooled, review):
    table = studies_table(unpooled)
    assert len(table) == len(review.included) + len(review.awaiting)
    assert (table["2×2 table"] == "pooled").sum() == len(unpooled["tables"])


def test_says_the_table_what_a_study_prints_on_how_many_and_why_it_is_not_pooled(unpooled):
    rows = studies_table(unpooled).set_index("study_id")
    shown = ["Sensitivity", "Specificity", "Tested", "2×2 table"]
    assert list(rows.loc["agibetov2021", shown]) == ["94%", "90%", "", "size missing"]
    assert list(rows.loc["martini2020", shown]) == ["95%", "81.0 % (computed)", "42 patients", "pooled"]
    assert list(rows.loc["cmra2025", shown]) == ["83.3%", "83.6%", "951 segments", "analysed per segment, not pooled"]


def test_tells_the_table_a_study_without_a_result_from_one_whose_result_has_no_table(unpooled, review):
    grades = {row["id"]: row["grade"] for row in unpooled["studies"]}
    assert set(grades.values()).isdisjoint({"", "printed", "unique", "several"})
    for study in (*review.included, *review.awaiting):
        assert (grades[study.id] == "no result seen") == (not study.overlap and not study.accuracy)
        if study.overlap and not study.accuracy:
            assert grades[study.id] == "not a 2×2 problem"


def test_prints_the_table_of_a_pooled_study_the_evaluation_that_is_pooled(unpooled, review):
    for item in pool(review).selection.used:
        (row,) = (study for study in unpooled["studies"] if study["id"] == item.study.id)
        assert row["grade"] == "pooled"
        printed = printed_text(item.entry.sensitivity)
        assert row["sensitivity"] == printed or (not printed and row["sensitivity"].endswith("% (computed)"))


def told(found, study, part="says"):
    (row,) = (row for row in found["studies"] if row["id"] == study)
    return row[part]


def test_says_a_sentence_what_a_study_prints_what_is_computed_and_on_how_many(unpooled):
    assert told(unpooled, "martini2020") == (
        "cardiac amyloidosis among suspected cases: sensitivity 95% (95 % CI 77.3 to 99.2); specificity 81.0 % (95 % "
        "CI 60.0 to 92.3), computed; 42 patients tested; intervals computed from its 2×2 table."
    )
    assert (
        told(unpooled, "agibetov2021")
        == "cardiac amyloidosis: sensitivity 94%; specificity 90%; number tested not seen."
    )
    assert told(unpooled, "righetti2024").endswith(
        "sensitivity 1.0; specificity 0.9; between 35 and 206 patients tested."
    )
    assert told(unpooled, "gabbert2024").endswith("79 patients tested; computed from the two 2×2 tables that fit.")
    assert "95 % CI" not in told(unpooled, "cmra2025")  # segments of one patient are not independent
    assert ": sensitivity 0.98 (0.75–1.00); specificity 0.73 (0.58–0.97); " in told(unpooled, "kolk")


def test_names_a_study_of_several_conditions_each_that_it_prints_in_full(unpooled):
    assert told(unpooled, "cmrclip2026", "also") == {
        "amyloidosis": "cardiac amyloidosis: accuracy 96.2%; number tested not seen.",
        "hypertrophic cardiomyopathy": "hypertrophic cardiomyopathy: accuracy 98.6%; number tested not seen.",
    }
    assert "taken together: on average over several classes" in told(unpooled, "diao2023", "also")["amyloidosis"]
    assert told(unpooled, "germain2021", "also") == {}  # "normal, hypertrophic or dilated": no name in full
    assert told(unpooled, "martini2020", "also") == {}


def test_counts_a_structure_the_studies_that_the_segmentation_chapter_counts(unpooled, review):
    values = reported(review, ["dice"])
    for group in set(values["group"]) - {"Not stated"}:
        filtered = {row["id"] for row in unpooled["studies"] if group in row["structure"]}
        assert filtered == set(values.loc[values["group"] == group, "study"])
        assert filtered == {row["id"] for row in unpooled["studies"] if group in row["outlines"]}
    assert "Dice coefficient 0.90 (median of 40 patients)." in told(unpooled, "tran2020", "outlines")["RV"]


def test_lead_the_links_of_the_front_page_to_choices_that_the_explorer_has(unpooled):
    html = show_topics({"scar & <b>": 3}).data
    assert 'href="chapters/explore.html?topic=scar+%26+%3Cb%3E">scar &amp; &lt;b&gt;</a> (3)' in html
    assert "topic" in {facet["name"] for facet in unpooled["facets"]}
