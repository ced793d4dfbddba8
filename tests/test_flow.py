"""Is every number of the flow derived, and does a ledger that disagrees stop the build?"""

from datetime import date
from pathlib import Path

import pytest

from livingreview.analysis.flow import base_flow, flow_text, living_flow
from livingreview.errors import DataError
from livingreview.review import Review
from screening_data import add_update, decide


def test_the_base_flow_adds_up(review: Review) -> None:
    flow = base_flow(review)
    count = {box.key: box.count for box in flow.boxes}
    assert count["identified"] == int(review.runs["hits"].sum())
    assert count["identified"] - count["duplicates"] == count["screened"]
    assert count["screened"] - count["excluded"] == count["assessed"]
    assert count["assessed"] - count["excluded_full_text"] == count["included"]
    assert {box.key for box in flow.boxes if box.derived} == {"assessed", "excluded_full_text"}


def test_the_flow_is_plain_data(review: Review) -> None:
    boxes = base_flow(review).to_dict()["boxes"]
    assert boxes[0]["key"] == "identified"
    assert all(isinstance(box["count"], int) for box in boxes)
    with pytest.raises(KeyError):
        base_flow(review)["nothing"]


def test_a_ledger_that_disagrees_with_the_printed_total_is_an_error(data_copy: Path) -> None:
    path = data_copy / "search" / "runs.csv"
    path.write_text(path.read_text().replace(",584,", ",585,"))
    with pytest.raises(DataError, match="FLOW-001"):
        base_flow(Review.load(data_copy))


def counts(data: Path) -> dict[str, int | None]:
    return {box.key: box.count for box in living_flow(Review.load(data)).boxes}


def test_without_a_search_the_living_flow_is_the_base_flow_and_what_was_found_otherwise(review: Review) -> None:
    flow = living_flow(review)
    assert flow.boxes[: len(base_flow(review).boxes)] == base_flow(review).boxes
    assert flow["update_databases_identified"].count == 0
    found = flow["update_other_identified"].count
    assert found == len(review.other_methods)
    assert found == (flow["update_other_duplicates"].count or 0) + (flow["update_other_to_screen"].count or 0)
    assert flow["update_other_screened"].count == 0
    assert flow["studies"].count == flow["included"].count


def test_the_update_adds_up_from_the_ledgers(data_copy: Path) -> None:
    add_update(data_copy)
    decide(data_copy, "pubmed-1", "include")
    decide(data_copy, "embase-2", "include")  # a copy of pubmed-3
    decide(data_copy, "pubmed-2", "exclude")
    decide(data_copy, "embase-3", "include")
    decide(data_copy, "pubmed-1", "exclude", "language", stage="full_text")
    decide(data_copy, "pubmed-3", "exclude", "not_retrieved", stage="full_text")
    found = {key[17:]: count for key, count in counts(data_copy).items() if key.startswith("update_databases_")}
    assert found == {
        "identified": 8, "duplicates": 3, "to_screen": 5, "to_decide": 1, "screened": 4, "excluded": 1, "sought": 3,
        "not_retrieved": 1, "assessed": 1, "excluded_full_text": 1, "included": 0,
    }  # fmt: skip
    flow = living_flow(Review.load(data_copy))
    assert "not in English: 1" in flow["update_databases_excluded_full_text"].text
    assert "Waiting to be read: 1" in flow["update_databases_not_retrieved"].text
    assert "PubMed: 4\nEmbase: 4" in flow["update_databases_identified"].text


def test_earlier_updates_stand_together_before_this_one(data_copy: Path) -> None:
    add_update(data_copy)
    flow = living_flow(Review.load(data_copy), previous=date(2026, 11, 30))
    lanes = list(dict.fromkeys(box.lane for box in flow.boxes))
    assert lanes == [
        "Base version",
        "Earlier updates: databases",
        "Earlier updates: other methods",
        "This update: databases",
        "This update: other methods",
        "The review today",
    ]
    assert flow["earlier_other_identified"].count == 93
    assert flow["update_databases_identified"].count == 8


def test_an_earlier_day_does_not_know_the_update(data_copy: Path) -> None:
    add_update(data_copy)
    flow = living_flow(Review.load(data_copy, as_of="2026-11-30"))
    assert flow["update_databases_identified"].count == 0
    base = living_flow(Review.load(data_copy, as_of="2025-07-31"))
    assert base["update_other_identified"].count == 0
    assert base["studies"].count == base["included"].count


def test_what_cannot_be_counted_stops_the_build_with_the_reason(data_copy: Path) -> None:
    add_update(data_copy, clusters=False)
    with pytest.raises(DataError, match=r"FLOW-003"):
        counts(data_copy)
    (data_copy / "search" / "records.csv").unlink()
    with pytest.raises(DataError, match=r"u-pubmed — the run added 3 records, records.csv holds 0 of it.*FLOW-002"):
        counts(data_copy)


def test_a_study_that_nobody_decided_on_stops_the_build(data_copy: Path) -> None:
    path = data_copy / "studies" / "martini2020.yaml"
    path.write_text(path.read_text().replace("status: awaiting classification", "status: included", 1))
    with pytest.raises(DataError, match=r"only 0 reports have the decisions: martini2020.*FLOW-004"):
        counts(data_copy)
    decide(data_copy, "martini2020", "include")
    decide(data_copy, "martini2020", "include", stage="full_text")
    assert counts(data_copy)["studies"] == 63


def test_an_awaiting_study_without_its_report_stops_the_build(data_copy: Path) -> None:
    path = data_copy / "search" / "other_methods.csv"
    path.write_text(path.read_text().replace(",martini2020\n", ",\n", 1))
    with pytest.raises(DataError, match=r"martini2020.*FLOW-005"):
        counts(data_copy)


def test_the_text_says_every_number_of_the_diagram(review: Review) -> None:
    flow = living_flow(review)
    text = flow_text(flow)
    for box in flow.boxes:
        assert f"{box.text.splitlines()[0]}: {box.count:,}" in text
        assert all(line in text for line in box.text.splitlines()[1:])
    assert text.count(", derived") == 2
