"""Are 2×2 tables validated and corrected as the field defines it?"""

import csv
import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden_cases import EDGE, EVERY, GOLDEN
from livingreview.errors import DataError
from livingreview.synthesis.counts import Counts, corrected, parse_count

# The reference numbers are printed with 13 significant digits.
CLOSED_FORM = 1e-9

cells = st.integers(min_value=0, max_value=5000)
tables = st.lists(st.tuples(cells, cells, cells, cells).filter(any), min_size=1, max_size=12).map(
    lambda rows: Counts.from_arrays(*np.array(rows).T)
)


def small(tp=(45, 60), fp=(10, 0), fn=(5, 20), tn=(90, 40), study=("A", "B")):
    return Counts.from_arrays(tp, fp, fn, tn, study)


# --- reading cells --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [7, 7.0, "7", " 7 ", "+7", "7.0", np.int32(7), np.float64(7)])
def test_what_means_seven_is_read_as_seven(value):
    count = parse_count(value)
    assert count == 7
    assert type(count) is int


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "  ",
        "NR",
        "7.5",
        "-1",
        "1e3",
        "²",
        -1,
        2.5,
        float("nan"),
        float("inf"),
        True,
        np.bool_(True),
        2**53 + 1,
    ],
)
def test_what_is_no_count_is_refused_and_shown(value):
    with pytest.raises(ValueError, match="expected an integer from 0 to 2\\*\\*53, found "):
        parse_count(value)


def test_every_bad_cell_is_a_fault_with_its_row_and_column():
    with pytest.raises(DataError) as caught:
        Counts.from_arrays(tp=[1, -1, "NR"], fp=[1, 1, 1], fn=[1, float("nan"), 1], tn=[1.5, 1, 1])
    assert [(fault.line, fault.field, fault.code) for fault in caught.value.faults] == [
        (1, "tn", "COUNTS-001"),
        (2, "tp", "COUNTS-001"),
        (2, "fn", "COUNTS-001"),
        (3, "tp", "COUNTS-001"),
    ]
    assert "found 'NR'" in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "line_and_code"),
    [
        ({"tp": [1], "fp": [1, 2], "fn": [1], "tn": [1]}, (0, "COUNTS-002")),
        ({"tp": [1], "fp": [1], "fn": [1], "tn": [1], "study": ["A", "B"]}, (0, "COUNTS-002")),
        ({"tp": [], "fp": [], "fn": [], "tn": []}, (0, "COUNTS-003")),
        ({"tp": [1, 0], "fp": [1, 0], "fn": [1, 0], "tn": [1, 0]}, (2, "COUNTS-004")),
    ],
)
def test_a_table_that_is_no_table_is_refused(columns, line_and_code):
    with pytest.raises(DataError) as caught:
        Counts.from_arrays(**columns)
    assert [(fault.line, fault.code) for fault in caught.value.faults] == [line_and_code]


def test_an_empty_label_list_for_studies_that_exist_is_refused():
    with pytest.raises(DataError, match="study 0"):
        Counts.from_arrays([1], [1], [1], [1], study=[])


def test_records_are_read_in_any_case_and_extra_keys_are_ignored():
    text = "Study,TP,Fp,fN,tn,country\nX,1,2,3,4,AT\n,5,6,7,8,DE\n"
    counts = Counts.from_records(csv.DictReader(io.StringIO(text)))
    assert counts.to_dict() == {"study": ["X", "2"], "tp": [1, 5], "fp": [2, 6], "fn": [3, 7], "tn": [4, 8]}


def test_a_record_without_a_column_is_a_missing_cell():
    with pytest.raises(DataError, match="tn — row 1: expected an integer from 0 to 2\\*\\*53, found nothing"):
        Counts.from_records([{"tp": 1, "fp": 2, "fn": 3}])


def test_counts_of_a_hundred_million_stay_exact():
    counts = Counts.from_arrays([10**8], [3], [1], [10**8 + 1])
    assert counts.n_nondiseased[0] == 10**8 + 4
    assert parse_count(2**53) == 2**53


# --- the object -----------------------------------------------------------------------------------------------


def test_arrays_are_read_only_copies():
    mine = np.array([1, 2])
    counts = Counts.from_arrays(mine, mine, mine, mine)
    mine[0] = 9
    assert counts.tp[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        counts.tp[0] = 9


def test_notes_name_one_arm_rows_repeated_labels_and_zero_cells():
    notes = small(fn=[0, 5], fp=[10, 0], tn=[90, 0], study=["A", "A"]).notes
    assert any("1 of 2 rows have only diseased or only non-diseased" in note for note in notes)
    assert any("more than one row: A" in note for note in notes)
    assert any("1 of 2 rows have a zero cell" in note for note in notes)
    assert small(fp=[10, 1]).notes == ()
    # However many cells of a row are zero, and however small its arms.
    assert "1 of 2 rows have a zero cell" in small(tp=(1, 60), fp=(0, 1), fn=(0, 20), tn=(1, 40)).notes
    # An arm without participants has no zero: it has nothing.
    assert not any("zero" in note for note in small(fp=[10, 0], tn=[90, 0]).notes)


def test_a_row_that_is_the_sum_of_all_others_looks_like_a_total():
    rows = {"tp": [45, 60, 105], "fp": [10, 4, 14], "fn": [5, 20, 25], "tn": [90, 40, 130]}
    total = Counts.from_arrays(**rows, study=["A", "B", "Total"])
    assert any(note.startswith("row 3 (Total) is the sum of all others") for note in total.notes)
    assert not any("sum" in note for note in Counts.from_arrays(**{**rows, "tn": [90, 40, 131]}).notes)
    twice = Counts.from_arrays([45, 45], [10, 10], [5, 5], [90, 90])
    assert twice.notes == ()


@pytest.mark.parametrize("cells", [([4], [0], [1], [0]), ([0], [4], [0], [1])])
def test_a_row_without_one_arm_is_counted_whichever_it_is(cells):
    assert Counts.from_arrays(*cells).notes[0].startswith("1 of 1 rows have only")
    assert not Counts.from_arrays(*cells).has_both_arms.any()
    one_of_each = Counts.from_arrays([1], [1], [0], [0])
    assert one_of_each.has_both_arms.all()
    assert not any("only" in note for note in one_of_each.notes)


def test_subset_by_mask_index_and_slice_agree():
    counts = Counts.from_arrays(range(1, 6), [1] * 5, [1] * 5, [1] * 5)
    assert counts.subset([False, True, True, False, False]) == counts[[1, 2]] == counts[1:3]
    assert counts[-1].study == ("5",)
    assert counts[[0, 0]].tp.tolist() == [1, 1]


@pytest.mark.slow
@given(tables)
def test_swapping_the_labels_twice_changes_nothing(counts):
    assert counts.swapped().swapped() == counts
    assert hash(counts.swapped().swapped()) == hash(counts)
    assert pickle.loads(pickle.dumps(counts)) == counts


def test_tables_with_other_labels_or_cells_are_not_equal():
    assert small() != small(study=("A", "C"))
    assert small() != small(tp=(45, 61))


# --- corrections ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("correction", "added"),
    [
        ("all_if_any", [0.5, 0.5]),
        ("zero_only", [0, 0.5]),
        ("single", [0, 0.5]),
        ("all", [0.5, 0.5]),
        ("none", [0, 0]),
    ],
)
def test_each_correction_adds_its_half_where_its_name_says(correction, added):
    counts = small()
    for name, cell in corrected(counts, correction)._asdict().items():
        np.testing.assert_array_equal(cell - getattr(counts, name), added)


def test_without_zero_cells_only_all_changes_anything():
    counts = small(fp=(10, 1))
    for correction, half in {"all_if_any": 0, "zero_only": 0, "none": 0, "all": 0.5}.items():
        np.testing.assert_array_equal(corrected(counts, correction).fp, counts.fp + half)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"zero_only.*found 'half'"):
        corrected(small(), "half")


# --- the golden files -----------------------------------------------------------------------------------------


def test_every_simulated_case_is_here_with_its_results():
    for folder, suffix in {"datasets": "csv", "expected": "json"}.items():
        assert {path.stem for path in (GOLDEN / folder).glob(f"edge_*.{suffix}")} == set(EDGE)


def test_every_reference_case_is_listed(reference_dir):
    assert {path.stem for path in (reference_dir / "datasets").glob("*.csv")} == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_every_case_has_the_size_its_results_state(load_case, name):
    case = load_case(name)
    assert case.counts.k == case.expected["k"]
    assert int(case.counts.n_diseased.sum()) == case.expected["n_diseased"]
    assert int(case.counts.has_zero.sum()) == case.expected["zero_cell_studies"]
