"""Is everything counted once, and what was not seen counted too?"""

from hypothesis import given
from hypothesis import strategies as st

from livingreview.analysis.characteristics import NOT_SEEN, shares, tally


@given(st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))))
def test_single_values_add_up_to_the_number_of_studies(values: list[str | None]) -> None:
    assert sum(tally(values).values()) == len(values)


def test_not_seen_comes_last_and_lists_count_in_each_category() -> None:
    counts = tally([None, ["x", "y"], "x", float("nan"), []])
    assert counts == {"x": 2, "y": 1, NOT_SEEN: 3}
    assert list(counts)[-1] == NOT_SEEN


def test_a_given_order_keeps_empty_categories() -> None:
    assert tally(["b"], order=["a", "b"]) == {"a": 0, "b": 1}


def test_shares_are_of_all_studies() -> None:
    table = shares({"a": 1, "b": 3}, 4)
    assert list(table["percent"]) == [25.0, 75.0]
    assert shares({}, 0).empty
