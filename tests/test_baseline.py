"""Are the base review's tables still exactly what was transcribed, and what do they say about themselves?

The expected figures are the base review's own, or arithmetic on its tables; where the two differ, the test says so,
because the reproduction chapter relies on the difference.
"""

from __future__ import annotations

import csv
import hashlib
import statistics
from collections import Counter
from pathlib import Path

import pytest

BASELINE = Path(__file__).resolve().parents[1] / "data" / "baseline"

# Changing a hash here means changing what a published paper printed: only a slip of transcription justifies it.
HASHES = {
    "accuracy.csv": "aab2aa50908b77cea490b50f14e3f9401e97a5c9727a7ef7476c2e5ff38b68b2",
    "characteristics.csv": "66226b016f7bfdd4686ddf337e2fb4ce079f38f6c01527d91386a73f7ac503bc",
    "claim.csv": "761aaa2b869eb5ac64764aa25f8cc56527fe01b0d8f9b47bc9dcda2ec4cb932c",
    "datasets.csv": "2f8b3f149ea1a7bf48a191087324572e8551fdd238477582157444906d1a601f",
    "dice.csv": "15ff8edf8e27ee8f7f74d7241b8144195adc99534a9f4177d02921a1143ec288",
    "hausdorff.csv": "8f9d1ab62d9c86deaa8a6483750ae4338b5965b5ec617b1a7307ada16dd2f73f",
    "pooled.csv": "cafbd79e1f8c2c8d65d0168be26a7fda8c236fb8b2295b62db398f36e6f35599",
    "prisma.csv": "ba4d02bcdb98a26b44a6b2b8b2960ebda0ea80e5cb185af0f04635460b95ea19",
    "quadas2.csv": "2d6e0396d5133bfac7d6834dd857c933ad4413ae5e76b60aab43d4dfd6f39a3c",
}

CLAIM_MAXIMA = {
    "title_abstract": 2,
    "introduction": 2,
    "methods": 28,
    "results": 5,
    "discussion": 2,
    "other": 3,
}


def rows_of(table: str) -> list[dict[str, str]]:
    with (BASELINE / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers_of(table: str, column: str) -> list[float]:
    return [float(row[column]) for row in rows_of(table) if row[column]]


def counts_of(table: str, key: str, value: str) -> dict[str, int]:
    return {row[key]: int(row[value]) for row in rows_of(table) if row[value]}


def test_no_table_was_added_or_lost() -> None:
    assert {path.name for path in BASELINE.glob("*.csv")} == set(HASHES)


@pytest.mark.parametrize("name", sorted(HASHES))
def test_table_is_byte_for_byte_what_was_transcribed(name: str) -> None:
    assert hashlib.sha256((BASELINE / name).read_bytes()).hexdigest() == HASHES[name]


def test_published_checksums_are_those_held_here() -> None:
    lines = (BASELINE / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    assert {name: digest for digest, name in (line.split() for line in lines)} == HASHES


@pytest.mark.parametrize(
    ("table", "rows"), [("accuracy", 16), ("claim", 62), ("datasets", 5), ("dice", 15), ("hausdorff", 6)]
)
def test_printed_tables_have_all_their_rows_numbered_in_order(table: str, rows: int) -> None:
    assert [int(row["row"]) for row in rows_of(table)] == list(range(1, rows + 1))


@pytest.mark.parametrize(("table", "column"), [("accuracy", "author"), ("claim", "author"), ("datasets", "dataset")])
def test_columns_lost_from_the_copy_that_was_read_stay_empty(table: str, column: str) -> None:
    assert {row[column] for row in rows_of(table)} == {""}


def test_every_claim_row_adds_up_and_stays_within_its_sections() -> None:
    for row in rows_of("claim"):
        scores = {section: int(row[section]) for section in CLAIM_MAXIMA}
        assert all(0 <= scores[section] <= most for section, most in CLAIM_MAXIMA.items()), row["row"]
        assert sum(scores.values()) == int(row["total"]), row["row"]
        assert f"{100 * int(row['total']) / sum(CLAIM_MAXIMA.values()):.2f}" == row["percent"], row["row"]


def test_claim_mean_and_extremes_are_those_of_the_text() -> None:
    printed = {row["characteristic"]: row["percent"] for row in rows_of("characteristics")}
    totals = numbers_of("claim", "total")
    percents = [100 * total / sum(CLAIM_MAXIMA.values()) for total in totals]
    assert f"{statistics.mean(percents):.2f}" == printed["claim_mean_percent"]
    assert f"{max(percents):.2f}" == printed["claim_max_percent"]
    assert f"{min(percents):.2f}" == printed["claim_min_percent"]


def test_claim_highest_row_is_unique_and_lowest_is_a_tie() -> None:
    totals = {int(row["row"]): int(row["total"]) for row in rows_of("claim")}
    assert [row for row, total in totals.items() if total == max(totals.values())] == [34]
    assert [row for row, total in totals.items() if total == min(totals.values())] == [9, 48]


def test_selection_counts_add_up_as_far_as_they_are_printed() -> None:
    count = counts_of("prisma", "item", "count")
    databases = ("pubmed", "embase", "web_of_science", "scopus")
    assert sum(count[f"identified_{name}"] for name in databases) == count["identified_total"]
    assert count["identified_total"] - count["duplicates_removed"] == count["screened"]
    # 157 reports were left for full-text reading; the text gives neither that number nor the 95 exclusions.
    assert count["screened"] - count["excluded_title_abstract"] - count["included_review"] == 95
    parts = ("included_meta_analysis_diagnosis_prediction", "included_meta_analysis_segmentation")
    assert sum(count[part] for part in parts) == count["included_meta_analysis"]


def test_tasks_sum_to_the_included_studies_only_with_the_number_of_the_results() -> None:
    included = counts_of("prisma", "item", "count")["included_review"]
    studies = counts_of("characteristics", "characteristic", "studies")
    others = studies["segmentation"] + studies["diagnosis"]
    assert others + studies["prediction"] == included
    assert others + studies["prediction_in_abstract"] == 82  # the abstract's number cannot be meant


def test_risk_of_bias_covers_every_study_with_the_printed_shares() -> None:
    rows = rows_of("quadas2")
    assert [row["overall_risk_of_bias"] for row in rows] == ["low", "some concerns", "high"]
    assert sum(int(row["studies"]) for row in rows) == 62
    assert all(f"{100 * int(row['studies']) / 62:.2f}" == row["percent"] for row in rows)


def test_shares_of_u_net_and_of_supervised_learning_are_whole_studies_of_62() -> None:
    rows = {row["characteristic"]: row for row in rows_of("characteristics")}
    assert f"{100 * int(rows['u_net']['studies']) / 62:.2f}" == rows["u_net"]["percent"]
    assert f"{100 * 57 / 62:.2f}" == rows["supervised"]["percent"]


def test_pooled_dice_is_the_plain_mean_and_sd_of_the_table() -> None:
    (pooled,) = (row for row in rows_of("pooled") if row["measure"] == "dice")
    dice = numbers_of("dice", "dice")
    assert int(pooled["studies"]) == len(dice)
    assert f"{statistics.mean(dice):.2f}" == pooled["estimate"]
    assert f"{statistics.stdev(dice):.2f}" == pooled["sd"]


def test_pooled_hausdorff_mean_is_reproduced_and_its_sd_is_not() -> None:
    (pooled,) = (row for row in rows_of("pooled") if row["measure"] == "hausdorff")
    distances = numbers_of("hausdorff", "hausdorff_mm")
    assert int(pooled["studies"]) == len(distances)
    assert f"{statistics.mean(distances):.2f}" == pooled["estimate"]
    assert pooled["sd"] == "6.45"
    assert f"{statistics.stdev(distances):.2f}" == "6.18"
    assert f"{statistics.pstdev(distances):.2f}" == "5.65"


def test_every_study_of_the_hausdorff_table_is_in_the_dice_table() -> None:
    assert {row["author"] for row in rows_of("hausdorff")} <= {row["author"] for row in rows_of("dice")}


def test_accuracy_table_holds_fewer_values_than_its_text_counts() -> None:
    assert Counter(row["clinical_application"] for row in rows_of("accuracy")) == {
        "segmentation": 6,
        "diagnosis": 6,
        "prediction": 4,
    }
    filled = {
        metric: len(numbers_of("accuracy", f"{metric}_percent"))
        for metric in ("accuracy", "sensitivity", "specificity", "precision")
    }
    # The text counts 14, 14, 7 and 5.
    assert filled == {"accuracy": 12, "sensitivity": 13, "specificity": 7, "precision": 4}


def test_pooled_intervals_hold_their_estimates() -> None:
    for row in rows_of("pooled"):
        if row["ci_lower"]:
            assert float(row["ci_lower"]) <= float(row["estimate"]) <= float(row["ci_upper"]), row
