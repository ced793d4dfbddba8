"""Which statements of the base review hold, and does a verdict follow the data that it is computed from?"""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livingreview.analysis.audit import (
    PARTS,
    VERDICTS,
    Statement,
    Verdict,
    audit,
    audit_table,
    hausdorff_sds,
    point_and_curve,
    verdict_counts,
)
from livingreview.analysis.audit.accuracy import implied_by
from livingreview.analysis.audit.statements import BaseReview, Quote, compare, is_cut, rounds_to, span
from livingreview.errors import DataError
from livingreview.review import Review

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def found(review: Review) -> dict[str, Statement]:
    return {statement.id: statement for statement in audit(review)}


# What the curated findings say of each statement; the verdicts themselves are computed.
EXPECTED = {
    "prisma-identified": "agrees",
    "prisma-screened": "agrees",
    "prisma-included": "cannot be derived",
    "prisma-pooled": "agrees",
    "tasks-results": "agrees",
    "tasks-abstract": "contradicts",
    "share-u-net": "agrees",
    "share-supervised": "agrees",
    "claim-totals": "agrees",
    "claim-percents": "agrees",
    "claim-mean": "agrees",
    "claim-highest-study": "agrees",
    "claim-lowest": "agrees",
    "claim-lowest-study": "cannot be derived",
    "quadas-low": "agrees",
    "quadas-some-concerns": "agrees",
    "quadas-high": "agrees",
    "dice-mean": "agrees",
    "dice-sd": "agrees",
    "hausdorff-mean": "agrees",
    "hausdorff-sd": "contradicts",
    "quoted-values": "agrees",
    "count-sensitivity": "contradicts",
    "count-accuracy": "contradicts",
    "count-specificity": "agrees",
    "count-precision": "contradicts",
    "highest-precision": "contradicts",
    "specificity-named": "agrees within rounding",
    "q-star-diagnosis_prediction": "agrees",
    "q-star-segmentation": "agrees within rounding",
    "q-star-se-diagnosis_prediction": "agrees",
    "q-star-se-segmentation": "agrees within rounding",
    "heterogeneity-sensitivity-diagnosis_prediction": "agrees within rounding",
    "heterogeneity-specificity-diagnosis_prediction": "agrees",
    "heterogeneity-sensitivity-segmentation": "agrees",
    "point-and-curve-diagnosis_prediction": "contradicts",
    "totals-sensitivity-diagnosis_prediction": "cannot be derived",
    "pooled-studies-diagnosis_prediction": "cannot be derived",
    "model-diagnosis_prediction": "cannot be derived",
    "row-12": "cannot be derived",
    "row-13": "agrees",
    "row-14": "contradicts",
    "entry-accuracy-you2021": "agrees",
    "entry-accuracy-baron2023": "agrees",
    "entry-accuracy-kolk": "cannot be derived",
    "entry-accuracy-wang2024": "cannot be derived",
    "entry-accuracy-righetti2024": "agrees within rounding",
    "entry-dice-du2020": "agrees within rounding",
    "entry-dice-pham2025": "cannot be derived",
    "entry-hausdorff-tran2020": "contradicts",
    "structure-bartoli": "contradicts",
    "label-shaaf2023": "contradicts",
    "hausdorff-complete": "contradicts",
    "dice-complete": "cannot be derived",
    "conference-papers": "contradicts",
    "dataset-acdc-vendors": "contradicts",
    "dataset-acdc-size": "agrees",
    "dataset-mnms-vendors": "agrees",
    "dataset-mnms-size": "contradicts",
    "dataset-sunnybrook-vendors": "contradicts",
    "dataset-mrpeat-identity": "cannot be derived",
    "centres-acdc": "contradicts",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_verdict_on_the_transcription_as_it_stands(found: dict[str, Statement], name: str) -> None:
    assert found[name].verdict == EXPECTED[name], found[name]


# One cell changed in a copy → the verdict it must turn.
CHANGES = [
    ("baseline/prisma.csv", "screened,979", "screened,978", {"prisma-screened": "contradicts"}),
    ("baseline/prisma.csv", "excluded_title_abstract,822", "excluded_title_abstract,917",
     {"prisma-included": "agrees"}),
    ("baseline/characteristics.csv", "prediction_in_abstract,28,", "prediction_in_abstract,8,",
     {"tasks-abstract": "agrees"}),
    ("baseline/claim.csv", "\n48,,1,1,23,3,1,1,30,71.43", "\n48,,1,2,23,3,1,1,31,73.81",
     {"claim-lowest-study": "agrees"}),
    ("baseline/claim.csv", "\n62,,1,2,27,4,2,3,39,", "\n62,,1,2,27,4,2,3,38,", {"claim-totals": "contradicts"}),
    ("baseline/quadas2.csv", "36,58.06", "36,58.07", {"quadas-low": "contradicts"}),
    ("baseline/pooled.csv", ",,,,6.45,mm", ",,,,6.18,mm", {"hausdorff-sd": "agrees"}),
    ("baseline/pooled.csv", "0.94,0.92,0.96,,,,34.3,", "0.94,0.92,0.96,,,,44.3,",
     {"heterogeneity-sensitivity-diagnosis_prediction": "contradicts"}),
    ("baseline/pooled.csv", "0.9831,,,0.0044", "0.9711,,,0.0044",
     {"q-star-diagnosis_prediction": "contradicts", "point-and-curve-diagnosis_prediction": "agrees"}),
    ("baseline/accuracy.csv", "9,,diagnosis,81,,,,,,,", "9,,diagnosis,81,,90,,,,97,",
     {"count-sensitivity": "agrees", "highest-precision": "agrees"}),
    ("baseline/accuracy.csv", "16,,prediction,96.3,,94,", "16,,prediction,60.3,,94,", {"row-16": "contradicts"}),
    ("baseline/datasets.csv", "320 subjects", "375 subjects", {"dataset-mnms-size": "agrees"}),
    ("audit/printed.csv", "accuracy_studies,,14", "accuracy_studies,,12", {"count-accuracy": "agrees"}),
    ("audit/printed.csv", "quoted_dice_hu,Hu et al.,0.91", "quoted_dice_hu,Hu et al.,0.92",
     {"quoted-values": "contradicts"}),
    ("datasets/acdc.yaml", "vendors: [Siemens]", "vendors: [Siemens, GE]", {"dataset-acdc-vendors": "agrees"}),
    ("studies/tran2020.yaml", "kind: conference paper", "kind: journal article", {"conference-papers": "agrees"}),
    ("studies/du2020.yaml", 'value: "0.936"', 'value: "0.951"', {"entry-dice-du2020": "contradicts"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the data in which each test changes a file and then changes it back."""
    return Path(shutil.copytree(DATA, tmp_path_factory.mktemp("spoilt") / "data"))


@pytest.mark.slow
@pytest.mark.parametrize(("file", "old", "new", "verdicts"), CHANGES)
def test_verdict_follows_one_changed_cell(
    spoilt: Path, found: dict[str, Statement], file: str, old: str, new: str, verdicts: dict[str, Verdict]
) -> None:
    path = spoilt / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    try:
        base = BaseReview.of(Review.load(spoilt))
    finally:
        path.write_text(text, encoding="utf-8")
    parts = {PARTS[found[name].topic] for name in verdicts}
    now = {statement.id: statement.verdict for part in parts for statement in part(base)}
    for name, verdict in verdicts.items():
        assert found[name].verdict != verdict
        assert now[name] == verdict


def test_a_recomputed_count_reads_as_a_calculation_or_says_what_was_counted(found: dict[str, Statement]) -> None:
    assert found["tasks-results"].recomputed == "45 + 9 + 8 = 62"
    assert found["prisma-screened"].recomputed == "1,510 − 531 = 979"
    assert found["claim-totals"].recomputed == "62 rows that add up"


def test_ids_are_unique_and_topics_in_order(review: Review) -> None:
    statements = audit(review)
    assert len({statement.id for statement in statements}) == len(statements)
    order = [list(PARTS).index(statement.topic) for statement in statements]
    assert order == sorted(order)


def test_every_statement_is_explained_and_leads_to_the_base_review(review: Review, found: dict[str, Statement]) -> None:
    base = f"https://doi.org/{review.file.base_review['doi']}"
    for statement in found.values():
        assert statement.printed, statement.id
        assert statement.recomputed, statement.id
        assert statement.explanation.endswith("."), statement.id
        assert "\n" not in statement.explanation, statement.id
        assert statement.sources[0][1] == base, statement.id
        for label, link in statement.sources:
            assert label, statement.id
            assert not link or urlsplit(link).scheme in ("http", "https"), statement.id


def test_every_transcribed_statement_of_the_text_is_used_and_sourced() -> None:
    with (DATA / "audit" / "printed.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["id"] for row in rows]
    assert len(set(names)) == len(names)
    assert all(row["where"] and row["printed"] for row in rows)
    modules = [*(DATA.parent / "src/livingreview/analysis/audit").glob("*.py")]
    assert modules
    code = "".join(path.read_text(encoding="utf-8") for path in modules)
    families = ("quoted_", "claim_", "highest_", "u_net_")  # read by prefix or by a name that is put together
    assert [name for name in names if f'"{name}"' not in code and not name.startswith(families)] == [
        f"{metric}_studies" for metric in ("sensitivity", "accuracy", "specificity", "precision")
    ]


def test_a_list_of_statements_with_another_header_is_refused(data_copy: Path, review: Review) -> None:
    path = data_copy / "audit" / "printed.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("id,about", "id,study", 1), encoding="utf-8")
    with pytest.raises(DataError, match=",".join(Quote._fields)):
        BaseReview.of(Review.load(data_copy))


def test_counts_cover_all_statements_and_keep_their_order(review: Review) -> None:
    statements = audit(review)
    counts = verdict_counts(statements)
    assert tuple(counts) == VERDICTS
    assert sum(counts.values()) == len(statements)
    assert verdict_counts(statements[:1]) == {**dict.fromkeys(VERDICTS, 0), statements[0].verdict: 1}


def test_table_has_a_row_per_statement_and_only_addresses_as_sources(found: dict[str, Statement]) -> None:
    table = audit_table(list(found.values()))
    assert list(table["Verdict"]) == [statement.verdict for statement in found.values()]
    assert all(link.startswith("http") for links in table["Sources"] for link in links)


def test_hausdorff_sd_fits_the_five_studies_without_xu_and_shi(review: Review) -> None:
    sds = hausdorff_sds(review)
    assert sds.fits == ("Xu and Shi",)
    assert sds.every == pytest.approx(6.184, abs=5e-4)
    assert dict(zip(sds.authors, sds.sds, strict=True))["Xu and Shi"] == pytest.approx(6.457, abs=5e-4)


def test_curve_has_an_odds_ratio_of_276_and_the_point_one_of_158(review: Review) -> None:
    both = point_and_curve(review)
    assert (round(both.curve_dor), round(both.point_dor)) == (276, 158)
    assert [round(end) for end in both.point_dor_span] == [137, 185]


def test_a_printed_sensitivity_of_one_has_no_finite_odds_ratio(review: Review) -> None:
    both = point_and_curve(review, "segmentation")
    assert math.isinf(both.point_dor)


def test_totals_implied_by_the_printed_intervals(found: dict[str, Statement]) -> None:
    assert found["totals-sensitivity-diagnosis_prediction"].recomputed == "373 to 1,006"
    assert found["totals-specificity-diagnosis_prediction"].recomputed == "536 to 1,447"


def test_only_seven_tables_have_the_printed_i2_with_the_printed_p(found: dict[str, Statement]) -> None:
    assert "Only 7 tables" in found["heterogeneity-sensitivity-diagnosis_prediction"].explanation


@given(
    cells=st.tuples(*[st.integers(1, 400)] * 4),
    second=st.sampled_from(["specificity", "precision"]),
    decimals=st.integers(0, 2),
)
def test_prevalence_of_a_true_table_is_always_within_what_its_rounded_metrics_imply(
    cells: tuple[int, int, int, int], second: str, decimals: int
) -> None:
    tp, fp, fn, tn = cells
    values = {
        "accuracy": (tp + tn) / sum(cells),
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "precision": tp / (tp + fp),
    }
    printed = {name: f"{100 * values[name]:.{decimals}f}" for name in ("accuracy", "sensitivity", second)}
    implied = implied_by(printed)
    assert implied.possible
    # With accuracy, sensitivity and specificity that print alike, the corners of the box say nothing.
    if len(set(printed.values())) == 3:
        assert implied.prevalence[0] - 1e-9 <= (tp + fn) / sum(cells) <= implied.prevalence[1] + 1e-9


def test_metrics_outside_one_another_have_no_table() -> None:
    assert not implied_by({"accuracy": "95", "sensitivity": "90", "specificity": "80"}).possible


@given(value=st.floats(0, 1000), decimals=st.integers(0, 4))
def test_a_rounded_number_agrees_with_what_it_was_rounded_from(value: float, decimals: int) -> None:
    printed = f"{value:.{decimals}f}"
    assert rounds_to(printed, value)
    assert compare(printed, value) == "agrees"
    low, high = span(printed)
    assert low <= value + 1e-9
    assert value - 1e-9 <= high


@given(thousandths=st.integers(0, 10**6))
def test_a_cut_number_never_contradicts_what_it_was_cut_from(thousandths: int) -> None:
    printed = f"{thousandths // 10 / 100:.2f}"
    assert is_cut(printed, thousandths / 1000)
    assert compare(printed, thousandths / 1000) in ("agrees", "agrees within rounding")


def test_a_range_that_reaches_the_printed_number_agrees_within_rounding() -> None:
    assert compare("0.9692", 0.96911, 0.96904, 0.96918) == "agrees within rounding"
    assert compare("0.9692", 0.96911, 0.96904, 0.96912) == "contradicts"
