"""Is every number of the flow derived, and does a ledger that disagrees stop the build?"""

from pathlib import Path

import pytest

from livingreview.errors import DataError
from livingreview.flow import base_flow
from livingreview.review import Review


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
