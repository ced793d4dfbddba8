"""Is a CSV file of 2×2 tables read as people export it, and is every fault named with its place?"""

import pytest

from livingreview.errors import DataError
from livingreview.pool.tables import CountsTable, read_counts
from livingreview.synthesis import Counts

HEADER = "study,tp,fp,fn,tn\n"
ROWS = 'Müller 2020,45,10,5,90\n"Lee, 2021",60,0,20,40\n'


@pytest.fixture
def write(tmp_path):
    def write_bytes(content, encoding="utf-8"):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write_bytes


def faults_of(path):
    with pytest.raises(DataError) as caught:
        read_counts(path)
    return [(fault.line, fault.field, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROWS,
        "\n" + HEADER + "\n" + ROWS + "\n\n",
        (HEADER + ROWS).replace("\n", "\r\n"),
        HEADER.upper() + ROWS,
        " Study , TP, Fp,fN ,tn\n" + ROWS,
        (HEADER + ROWS.replace("Lee, 2021", "Lee; 2021")).replace(",", ";").replace("Lee; 2021", "Lee, 2021"),
        (HEADER + ROWS.replace("Lee, 2021", "Lee")).replace(",", "\t").replace("Lee", "Lee, 2021"),
    ],
    ids=["plain", "empty lines", "CRLF", "upper case", "spaces", "semicolons", "tabs"],
)
def test_what_people_export_is_read(write, content):
    counts = read_counts(write(content)).counts
    assert counts.to_dict() == {
        "study": ["Müller 2020", "Lee, 2021"],
        "tp": [45, 60],
        "fp": [10, 0],
        "fn": [5, 20],
        "tn": [90, 40],
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_labels_survive_the_usual_encodings(write, encoding):
    assert read_counts(write(HEADER + ROWS, encoding)).counts.study[0] == "Müller 2020"


def test_columns_may_come_in_any_order_and_others_are_kept(write):
    table = read_counts(write("Setting,tn,study,fn,fp,tp\ninpatient,4,A,3,2,1\noutpatient,8,B,7,6,5\n"))
    assert table.counts.tp.tolist() == [1, 5]
    assert table.counts.tn.tolist() == [4, 8]
    assert table.column("SETTING") == ("inpatient", "outpatient")


def test_a_column_that_is_not_there_is_refused_with_those_that_are(write):
    table = read_counts(write(HEADER + ROWS))
    with pytest.raises(
        DataError, match=r"setting — no such column; the columns are study, tp, fp, fn, tn \[TABLE-007\]"
    ):
        table.column("setting")


def test_an_empty_cell_of_a_grouping_column_is_refused(write):
    path = write("study,tp,fp,fn,tn,setting\nA,1,2,3,4,in\n\nB,1,2,3,4,\n")
    with pytest.raises(DataError, match=r"an empty cell.*\[TABLE-008\]") as caught:
        read_counts(path).column("setting")
    # The line of the file, as for a bad count.
    assert str(caught.value).startswith(f"{path}:4 setting — an empty cell")
    made = CountsTable(Counts.from_arrays([1, 2], [1, 2], [1, 2], [1, 2]), {"setting": ("in", "")})
    with pytest.raises(DataError, match="setting — row 2: an empty cell"):
        made.column("setting")


def test_whole_numbers_that_a_data_frame_wrote_are_counts_and_others_are_not(write):
    assert read_counts(write(HEADER + "A,45.0,10,5.00,90\n")).counts.tp.tolist() == [45]
    assert faults_of(write(HEADER + "A,45.5,1.,.0,1e2\n")) == [
        (2, cell, "TABLE-005") for cell in ("tp", "fp", "fn", "tn")
    ]


def test_repeated_study_labels_are_kept_and_noted(write):
    counts = read_counts(write(HEADER + "A,1,2,3,4\nA,5,6,7,8\n")).counts
    assert counts.study == ("A", "A")
    assert any("more than one row: A" in note for note in counts.notes)


def test_every_fault_is_named_at_once_with_line_and_column(write):
    path = write(HEADER + "A,NR,1,1,1\nB,1,-1,1.5,\n\nC,1,2,3\nD,0,0,0,0\nE,1,2,3,4,5\nF,nan,1,1,1\n")
    assert faults_of(path) == [
        (2, "tp", "TABLE-005"),
        (3, "fp", "TABLE-005"),
        (3, "fn", "TABLE-005"),
        (3, "tn", "TABLE-005"),
        (5, "", "TABLE-004"),
        (6, "", "TABLE-006"),
        (7, "", "TABLE-004"),
        (8, "tp", "TABLE-005"),
    ]
    with pytest.raises(DataError) as caught:
        read_counts(path)
    first, *_ = str(caught.value).splitlines()
    assert first.startswith(f"{path}:2 tp — expected an integer from 0 to 2**53, found 'NR'; ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("tp,fp,fn,tn\n1,2,3,4\n", [(1, "", "TABLE-003")]),
        ("study,tp,fp\nA,1,2\n", [(1, "", "TABLE-003")]),
        ("study,tp,TP,fp,fn,tn\nA,1,1,2,3,4\n", [(1, "tp", "TABLE-003")]),
        (HEADER, [(0, "", "TABLE-009")]),
        (HEADER + '"A,1,2,3,4\n', [(2, "", "TABLE-002")]),
        (b"\x89PNG\r\n\x1a\n\x00\x00", [(0, "", "TABLE-002")]),
        (b"\xff\xfe\x00", [(0, "", "TABLE-002")]),
    ],
    ids=["no study", "two missing", "repeated", "no rows", "open quotation", "binary", "cut UTF-16"],
)
def test_what_is_no_table_is_refused(write, content, expected):
    assert faults_of(write(content)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"the file is empty; the first line names the columns .* \[TABLE-009\]"),
        ("\n \n", r"the file is empty"),
        (b"PK\x03\x04\x14\x00", r"a spreadsheet workbook .*; save the table as CSV in UTF-8 \[TABLE-002\]"),
        ("a,b,c,d\n1,2,3,4\n", r":1 — no columns study, tp, fp, fn, tn; found: a, b, c, d; .* \[TABLE-003\]"),
        ("study,tp,FP,fn\nA,1,2,3\n", r":1 — no column tn; found: study, tp, fp, fn; "),
    ],
    ids=["empty", "blank", "workbook", "other columns", "one missing"],
)
def test_the_message_says_what_the_file_is_instead_of_a_table(write, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read_counts(write(content))
    assert len(caught.value.faults) == 1


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv — the file cannot be read .*; check the path \[TABLE-001\]"):
        read_counts(tmp_path / "nowhere.csv")
