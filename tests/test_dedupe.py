"""Which records does de-duplication merge, queue, link and keep apart?"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("splink")

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st
from splink import Linker

from livingreview.cli import main
from livingreview.errors import DataError
from livingreview.search.dedupe import _judge, _scored, dedupe
from livingreview.search.ledger import records_from_csv
from livingreview.search.linkage import BLOCK_CAP, COMPARISONS, candidate_pairs, comparison_table, read_parameters
from livingreview.search.normalise import normalise
from livingreview.search.records import Record

pytestmark = pytest.mark.slow  # each builds the model of splink, in a database of its own

ARTICLE = Record(
    "pubmed.nbib",
    0,
    title="Convolutional networks for segmentation of the ventricles in synthetic phantoms",
    authors=("Alvarez, Maria", "Brandt, Otto", "Chowdhury, Anika"),
    year=2021,
    journal="Journal of Invented Imaging",
    volume="12",
    issue="3",
    pages="345-358",
    doi="10.5555/invented.2021.0042",
    pmid="99000042",
)
# The same article as another database prints it.
EXPORTED = replace(
    ARTICLE,
    source_file="scopus.csv",
    title="CONVOLUTIONAL NETWORKS FOR SEGMENTATION OF THE VENTRICLES IN SYNTHETIC PHANTOMS.",
    authors=("Alvarez M.", "Brandt O.", "Chowdhury A."),
    journal="J Invent Imaging",
    pages="345-58",
    doi="https://doi.org/10.5555/INVENTED.2021.0042",
    pmid="",
)


def outcome(a: Record, b: Record) -> str:
    """Return what becomes of two records: merge, queue, link or distinct."""
    found = dedupe([a, b])
    assert len(found.pairs) <= 1
    result = found.pairs[0].outcome if found.pairs else "distinct"
    assert (found.clusters[0] == found.clusters[1]) == (result == "merge")
    return result


@pytest.fixture(scope="module", autouse=True)
def settings_are_validated_once() -> Iterator[None]:
    """Let splink take the settings, which are always the same, for sound after their first use."""
    validate, seen = Linker._validate_settings, []

    def once(*arguments: Any) -> None:
        if not seen:
            validate(*arguments)
            seen.append(True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Linker, "_validate_settings", once)
        yield


AS_PRINTED: list[dict[str, Any]] = [
    {},
    {"doi": ""},
    {"doi": "", "pages": "", "issue": ""},
    {"volume": "", "issue": "", "pages": "e345"},
    {"title": "Convolutional networks for segmentaiton of the ventricles in synthetic phantoms"},
    {"title": ARTICLE.title + ". [Review] [33 refs]", "doi": ""},
    {"title": ARTICLE.title + ".[Erratum appears in J Invent Imaging. 2021;12(4):999]", "doi": ""},
    {"title": "[Convolutional networks for segmentation of the ventricles in synthetic phantoms]. [Turkish]"},
    {"authors": ("Álvarez M",), "doi": ""},
    {"year": 2022},
    {"pages": "Suppl-58", "doi": ""},
]
LOOK_ALIKES: list[dict[str, Any]] = [
    {"title": "Erratum to: " + ARTICLE.title, "pages": "777", "doi": ""},
    {"title": "Correction: " + ARTICLE.title},
    {"kind": "Published Erratum", "pages": "777", "doi": "10.5555/invented.2021.0099"},
    {"title": ARTICLE.title + " (vol 12, pg 345, 2021)", "pages": "777", "doi": ""},
    {"title": ARTICLE.title + " - Reply", "pages": "777", "doi": ""},
    {"title": "Retraction: " + ARTICLE.title, "pages": "777", "doi": ""},
    {"title": ARTICLE.title + ". Part II", "doi": "", "pages": "359-370"},
    {"title": ARTICLE.title + ": 2 year results", "doi": ""},
    {"title": "A survey of tree bark thickness in boreal forests"},
    {"volume": "41", "pages": "S12", "doi": "", "issue": "Suppl 1"},
    {"doi": "10.5555/invented.2021.0077", "pages": "12-19", "volume": "13"},
]


@pytest.fixture(scope="module")
def beside_the_article() -> list[str]:
    """Return what becomes of the article and each other record; a dozen at once, so that all are compared."""
    found = []
    for group in (AS_PRINTED, LOOK_ALIKES):
        records = [normalise(record) for record in (ARTICLE, *(replace(EXPORTED, **changes) for changes in group))]
        pairs = {(pair.left, pair.right): pair.outcome for pair in _judge(records, _scored(records, None), {})}
        found += [pairs.get((0, index), "distinct") for index in range(1, len(records))]
    return found


@pytest.mark.parametrize("index", range(len(AS_PRINTED)), ids=lambda i: " ".join(AS_PRINTED[i]) or "as exported")
def test_one_article_is_merged_however_it_is_printed(beside_the_article: list[str], index: int) -> None:
    assert beside_the_article[index] == "merge"


@pytest.mark.parametrize("index", range(len(LOOK_ALIKES)), ids=lambda i: str(LOOK_ALIKES[i])[:60])
def test_look_alikes_are_never_merged(beside_the_article: list[str], index: int) -> None:
    assert beside_the_article[len(AS_PRINTED) + index] != "merge"


def test_editorials_of_two_issues_with_the_same_pages_are_two() -> None:
    editorial = replace(ARTICLE, title="Editorial introduction", pages="5-6", doi="", pmid="", issue="1")
    assert outcome(editorial, replace(editorial, source_index=1, issue="2")) != "merge"
    assert outcome(editorial, replace(editorial, source_index=1, pages="5-12", issue="")) != "merge"


def test_abstracts_of_one_supplement_that_share_its_doi_are_two() -> None:
    other = replace(
        EXPORTED,
        title="Convolutional networks for segmentation of the ventricles in printed phantoms",
        authors=("Alvarez M.", "Dupont C."),
        pages="346",
    )
    assert outcome(replace(ARTICLE, pages="345"), other) != "merge"


@pytest.mark.parametrize(
    "changes",
    [
        {"journal": "medRxiv", "doi": "10.1101/2020.01.02.20000042"},
        {"journal": "arXiv", "doi": "10.48550/arXiv.2001.00042"},
        {"journal": "", "kind": "Preprint", "doi": ""},
    ],
    ids=["medRxiv", "arXiv", "kind"],
)
def test_preprint_and_article_are_linked_and_not_merged(changes: dict[str, str]) -> None:
    preprint = replace(ARTICLE, year=2020, volume="", issue="", pages="", pmid="", **changes)
    assert outcome(ARTICLE, preprint) == "link"


def test_what_the_votes_disagree_on_waits_for_a_person() -> None:
    found = dedupe([ARTICLE, replace(EXPORTED, pages="901-910", doi="", pmid="")])
    assert found.decisions == ("queue", "queue")
    assert found.clusters == (1, 2)
    assert found.pairs[0].reason == "alike by the model, not by the rule"


def test_a_record_that_left_out_what_differs_does_not_bridge_two_publications() -> None:
    second = replace(ARTICLE, source_index=1, doi="10.5555/invented.2021.0050", pmid="99000050", pages="401-409")
    vague = replace(ARTICLE, source_index=2, doi="", pmid="", pages="", issue="")
    found = dedupe([ARTICLE, second, vague])
    assert found.clusters[0] != found.clusters[1]
    assert any("contradict" in pair.reason for pair in found.pairs if pair.outcome == "queue")


def test_a_person_overrides_the_machine_and_can_be_overridden_back() -> None:
    pair = [ARTICLE, EXPORTED]
    assert dedupe(pair).clusters == (1, 1)
    assert dedupe(pair, decided={(1, 0): False}).clusters == (1, 2)
    other = replace(EXPORTED, title="A survey of tree bark thickness", doi="", pages="9")
    assert dedupe([ARTICLE, other], decided={(0, 1): True}).clusters == (1, 1)


def test_a_record_told_apart_from_one_does_not_come_back_through_another() -> None:
    third = replace(EXPORTED, source_file="embase.ris")
    found = dedupe([ARTICLE, EXPORTED, third], decided={(0, 2): False})
    assert found.clusters[0] != found.clusters[2]


def test_decisions_that_contradict_each_other_are_an_error() -> None:
    third = replace(EXPORTED, source_file="embase.ris")
    with pytest.raises(DataError, match="DEDUPE-001"):
        dedupe([ARTICLE, EXPORTED, third], decided={(0, 1): True, (1, 2): True, (0, 2): False})


def test_nothing_in_nothing_out() -> None:
    assert dedupe([]).clusters == ()
    assert dedupe([Record("a.ris", 0), Record("a.ris", 1)]).decisions == ("distinct", "distinct")


@settings(max_examples=10)
@given(st.permutations(range(6)))
def test_clusters_do_not_depend_on_the_order_of_the_records(order: list[int]) -> None:
    records = [
        ARTICLE,
        EXPORTED,
        replace(EXPORTED, source_file="embase.ris", doi=""),
        replace(ARTICLE, title="Erratum to: " + ARTICLE.title, pages="777", doi="", pmid=""),
        replace(ARTICLE, journal="medRxiv", doi="10.1101/2020.01.02.20000042", pmid="", volume="", pages=""),
        Record("other.ris", 0, title="A survey of tree bark thickness in boreal forests", year=2001),
    ]
    found = dedupe([records[index] for index in order])
    groups: dict[int, set[int]] = {}
    for index, cluster in zip(order, found.clusters, strict=True):
        groups.setdefault(cluster, set()).add(index)
    assert sorted(map(sorted, groups.values())) == [[0, 1, 2], [3], [4], [5]]


def test_candidate_pairs_grow_with_the_records_even_when_all_titles_are_alike() -> None:
    generator = random.Random(5)
    counts = []
    for size in (250, 1000):
        records = [
            normalise(
                replace(
                    ARTICLE,
                    title=f"Deep learning in imaging of the {generator.choice(('heart', 'liver', 'brain'))}",
                    doi="",
                    pmid="",
                    authors=(f"Author{generator.randrange(5)}, A",),
                    pages=str(generator.randrange(50)),
                )
            )
            for _ in range(size)
        ]
        with duckdb.connect() as connection:
            counts.append(candidate_pairs(connection, comparison_table(records)).num_rows / size)
    assert all(0 < count < 5 * BLOCK_CAP for count in counts)
    assert counts[1] < 2 * counts[0]


def test_many_copies_of_one_record_become_one_cluster() -> None:
    copies = [replace(ARTICLE, source_index=index) for index in range(100)]
    assert set(dedupe(copies).clusters) == {1}


def test_every_comparison_has_trained_numbers_that_are_probabilities() -> None:
    parameters = read_parameters()
    assert {name: len(levels) + 1 for name, _, levels in COMPARISONS} == {
        name: len(numbers) for name, numbers in parameters.m.items()
    }
    for numbers in (*parameters.m.values(), *parameters.u.values()):
        assert sum(numbers) == pytest.approx(1, abs=1e-6)
        assert min(numbers) > 0


def write_table(path: Path, records: list[Record]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["title", "author", "year", "journal", "volume", "number", "pages", "doi"])
        for record in records:
            row = (record.title, " and ".join(record.authors), record.year, record.journal)
            writer.writerow([*row, record.volume, record.issue, record.pages, record.doi])


RIS = """TY  - JOUR
TI  - Convolutional networks for segmentation of the ventricles in synthetic phantoms
AU  - Alvarez, M
AU  - Brandt, O
AU  - Chowdhury, A
PY  - 2021
JO  - Journal of Invented Imaging
VL  - 12
SP  - 345
EP  - 358
ER  -
"""


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_command_takes_exports_and_tables_of_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(ARTICLE, title="A survey of tree bark thickness in boreal forests", doi="", pages="9", volume="1")
    write_table(tmp_path / "records.csv", [other, EXPORTED])
    (tmp_path / "embase.ris").write_text(RIS, encoding="utf-8")
    output = tmp_path / "clusters.csv"
    files = [str(tmp_path / "records.csv"), str(tmp_path / "embase.ris")]
    assert main(["dedupe", *files, "--output", str(output)]) == 0
    assert [tuple(row.values()) for row in read_rows(output)] == [
        ("records.csv", "0", "1", "distinct"),
        ("records.csv", "1", "2", "merge"),
        ("embase.ris", "0", "2", "merge"),
    ]
    assert list(read_rows(output)[0]) == ["source_file", "source_index", "cluster", "decision"]
    (pair,) = read_rows(tmp_path / "clusters.pairs.csv")
    assert (pair["outcome"], pair["reason"]) == ("merge", "same title, volume and page")
    assert "3 records, 2 publications" in capsys.readouterr().out


def test_a_merge_is_undone_by_changing_its_row(tmp_path: Path) -> None:
    write_table(tmp_path / "records.csv", [ARTICLE, EXPORTED])
    output, pairs, decided = (tmp_path / name for name in ("clusters.csv", "pairs.csv", "decided.csv"))
    command = ["dedupe", str(tmp_path / "records.csv"), "--output", str(output), "--pairs", str(pairs)]
    assert main(command) == 0
    decided.write_text(pairs.read_text(encoding="utf-8").replace(",merge,", ",distinct,"), encoding="utf-8")
    assert main([*command, "--decided", str(decided)]) == 0
    assert [row["decision"] for row in read_rows(output)] == ["distinct", "distinct"]


def test_a_decision_on_a_record_that_is_not_there_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path / "records.csv", [ARTICLE, EXPORTED])
    decided = tmp_path / "decided.csv"
    decided.write_text(
        "left_file,left_index,right_file,right_index,outcome\nrecords.csv,0,gone.csv,1,merge\n", encoding="utf-8"
    )
    command = ["dedupe", str(tmp_path / "records.csv"), "--output", str(tmp_path / "c.csv")]
    assert main([*command, "--decided", str(decided)]) == 2
    assert "DEDUPE-004" in capsys.readouterr().err
    decided.write_text("left,right\n", encoding="utf-8")
    assert main([*command, "--decided", str(decided)]) == 2
    assert "DEDUPE-003" in capsys.readouterr().err
    assert not (tmp_path / "c.csv").exists()


@pytest.mark.parametrize(
    ("table", "code"), [(b"title,year\na,2020,spare\n", "RECORD-001"), (b"title,year\n\xff,2020\n", "RECORD-002")]
)
def test_a_table_of_records_that_cannot_be_read_is_an_error(tmp_path: Path, table: bytes, code: str) -> None:
    (tmp_path / "records.csv").write_bytes(table)
    with pytest.raises(DataError, match=code):
        records_from_csv(tmp_path / "records.csv")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dedupe", str(tmp_path / "gone.ris"), "--output", str(tmp_path / "c.csv")]) == 2
    assert re.search(r"gone\.ris .*\[DEDUPE-002\]", capsys.readouterr().err)


def test_clusters_of_other_files_are_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("records.csv", "other.csv"):
        write_table(tmp_path / name, [ARTICLE, EXPORTED])
    output = tmp_path / "clusters.csv"
    assert main(["dedupe", str(tmp_path / "records.csv"), "--output", str(output)]) == 0
    before = output.read_bytes()
    assert main(["dedupe", str(tmp_path / "other.csv"), "--output", str(output)]) == 2
    assert "it holds the clusters of records.csv; give another name [DEDUPE-005]" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert main(["dedupe", str(tmp_path / "other.csv"), "--output", str(tmp_path / "records.csv")]) == 2
    assert "something else than clusters" in capsys.readouterr().err
