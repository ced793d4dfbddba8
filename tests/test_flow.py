"""Is every number of the flow derived, and does a ledger that disagrees stop the build?"""

from datetime import date
from pathlib import Path

import pytest

from livingreview.analysis.flow import base_flow, flow_text, living_flow
from livingreview.commands.check import every_fault
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


@pytest.mark.slow
def test_a_study_that_nobody_decided_on_stops_the_build_and_check_says_so(data_copy: Path) -> None:
    path = data_copy / "studies" / "martini2020.yaml"
    path.write_text(path.read_text().replace("status: awaiting classification", "status: included", 1))
    told = r"martini2020.yaml standing — it stands as included.*two people.*--stage full_text \[FLOW-004\]"
    with pytest.raises(DataError, match=told):
        counts(data_copy)
    assert [fault.code for fault in every_fault(data_copy)] == ["FLOW-004"]
    decide(data_copy, "martini2020", "include")
    decide(data_copy, "martini2020", "include", stage="full_text")
    assert counts(data_copy)["studies"] == 63
    assert every_fault(data_copy) == []


def test_included_by_a_search_needs_decisions_too(data_copy: Path) -> None:
    path = data_copy / "studies" / "martini2020.yaml"
    text = path.read_text().replace("status: awaiting classification", "status: included", 1)
    path.write_text(text.replace("route: other methods", "route: databases", 1))
    with pytest.raises(DataError, match=r"1 studies came by way of databases, 0 of their reports.*FLOW-004"):
        counts(data_copy)


@pytest.mark.slow
def test_a_study_s_file_is_all_it_takes_to_be_counted_and_screened(data_copy: Path) -> None:
    before = counts(data_copy)
    text = (data_copy / "studies" / "martini2020.yaml").read_text()
    for old, new in (
        ("martini2020", "added2020"),
        ("10.1186/s12968-020-00690-4", "10.1234/added"),
        ("Martini N", "Added A"),
    ):
        text = text.replace(old, new)
    title = Review.load(data_copy).study("martini2020").report.title or ""
    text = text.replace(title, "Made title of a study that was added")
    (data_copy / "studies" / "added2020.yaml").write_text(text)
    after = counts(data_copy)
    assert after["update_other_identified"] == (before["update_other_identified"] or 0) + 1
    assert after["update_other_to_decide"] == (before["update_other_to_decide"] or 0) + 1
    row = Review.load(data_copy).other_methods.iloc[-1]
    assert (row["candidate"], row["study"], row["doi"]) == ("added2020", "added2020", "10.1234/added")
    assert Review.load(data_copy, as_of="2025-07-31").other_methods.empty
    decide(data_copy, "added2020", "include")
    assert counts(data_copy)["update_other_screened"] == 1


def test_a_report_that_the_ledger_lists_by_its_doi_is_not_counted_twice(data_copy: Path) -> None:
    before = counts(data_copy)["update_other_identified"]
    path = data_copy / "search" / "other_methods.csv"
    path.write_text(path.read_text().replace(",martini2020\n", ",\n", 1).replace("\nmartini2020,", "\nmartini,", 1))
    assert counts(data_copy)["update_other_identified"] == before


def test_what_the_ledgers_lack_is_found_by_check(data_copy: Path) -> None:
    add_update(data_copy, clusters=False)
    assert [fault.code for fault in every_fault(data_copy) if fault.code.startswith("FLOW")] == ["FLOW-003"]


def test_the_text_says_every_number_of_the_diagram(review: Review) -> None:
    flow = living_flow(review)
    text = flow_text(flow)
    for box in flow.boxes:
        assert f"{box.text.splitlines()[0]}: {box.count:,}" in text
        assert all(line in text for line in box.text.splitlines()[1:])
    assert text.count(", derived") == 2
