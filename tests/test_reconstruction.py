"""Are all 2×2 tables that fit a report found, and no others, and is a contradiction shown at its smallest?"""

from __future__ import annotations

import math
from collections import defaultdict
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from livingreview.errors import DataError
from livingreview.reconstruction import reconstruct
from livingreview.reconstruction.compatible import Constraints, compatible_runs, expand
from livingreview.reconstruction.constraints import METRICS, constraints_of
from livingreview.reconstruction.printed import ROUNDINGS, Printed, Rounding, values_behind
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.measures import sensitivity, specificity

DECIMAL_ROUNDING = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN, "truncation": ROUND_DOWN}


def exact_metrics(tp: int, fp: int, fn: int, tn: int) -> dict[str, Fraction]:
    """Return every rational metric that exists, from its definition."""
    pairs = {
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "accuracy": (tp + tn, tp + fp + fn + tn),
        "ppv": (tp, tp + fp),
        "npv": (tn, tn + fn),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "prevalence": (tp + fn, tp + fp + fn + tn),
    }
    metrics = {name: Fraction(top, bottom) for name, (top, bottom) in pairs.items() if bottom}
    if {"sensitivity", "specificity"} <= set(metrics):
        metrics["balanced_accuracy"] = (metrics["sensitivity"] + metrics["specificity"]) / 2
    return metrics


def mcc(tp: int, fp: int, fn: int, tn: int) -> float:
    margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(margins) if margins else 0.0


def show(value: Fraction, decimals: int, percent: bool, rounding: Rounding) -> str:
    """Print as a report does; `Decimal` rounds, independently of the code under test."""
    scaled = value * (100 if percent else 1)
    # Sixty digits represent a tie exactly (its decimal expansion ends) and everything else well enough.
    digits = Decimal(scaled.numerator * 10**60 // scaled.denominator).scaleb(-60)
    if scaled.numerator * 10**60 % scaled.denominator:
        digits += Decimal(1).scaleb(-60) / 2
    text = str(digits.quantize(Decimal(1).scaleb(-decimals), DECIMAL_ROUNDING[rounding]))
    return f"{text} %" if percent else text


cells = st.integers(0, 60)
tables = st.tuples(cells, cells, cells, cells).filter(lambda table: sum(table) > 0)


@pytest.mark.slow
@given(
    table=tables,
    rounding=st.sampled_from(ROUNDINGS),
    percent=st.booleans(),
    decimals=st.integers(0, 4),
    data=st.data(),
)
def test_is_the_true_table_always_among_the_answers(table, rounding, percent, decimals, data) -> None:
    exact = exact_metrics(*table)
    places = decimals if percent else decimals + 1
    names = data.draw(st.lists(st.sampled_from(sorted(exact)), min_size=1, unique=True))
    printed = {name: show(exact[name], places, percent, rounding) for name in names}
    if data.draw(st.booleans()):
        value = Fraction(mcc(*table))
        assume(min(abs(value * 10**places * 2 % 1), 1 - abs(value * 10**places * 2 % 1)) > 1e-6 or value == 0)
        printed["mcc"] = show(abs(value), places, percent, rounding)
        printed["mcc"] = ("-" if value < 0 else "") + printed["mcc"]
    n = sum(table)
    found = reconstruct(printed, n=n, rounding=rounding, limit=10**6)
    assert list(table) in found.tables.tolist()
    assert found.exact == (len(found.tables) == 1)


@pytest.mark.slow
@given(
    table=st.tuples(*[st.integers(0, 3)] * 4).filter(lambda table: sum(table) > 0),
    rounding=st.sampled_from(ROUNDINGS),
    decimals=st.integers(1, 2),
    data=st.data(),
)
def test_are_the_answers_exactly_those_of_trying_every_table(table, rounding, decimals, data) -> None:
    exact = exact_metrics(*table)
    names = data.draw(st.lists(st.sampled_from(sorted(exact)), min_size=1, max_size=3, unique=True))
    printed = {name: show(exact[name], decimals, False, rounding) for name in names}
    n = sum(table)

    def fits(candidate: tuple[int, int, int, int]) -> bool:
        metrics = exact_metrics(*candidate)
        return all(
            name in metrics and show(metrics[name], decimals, False, rounding) == text for name, text in printed.items()
        )

    every = [
        (tp, fp, fn, n - tp - fp - fn)
        for tp, fp, fn in product(range(n + 1), repeat=3)
        if tp + fp + fn <= n and fits((tp, fp, fn, n - tp - fp - fn))
    ]
    found = reconstruct(printed, n=n, rounding=rounding)
    assert sorted(map(tuple, found.tables.tolist())) == every
    assert found.hull.tolist() == [np.min(every, axis=0).tolist(), np.max(every, axis=0).tolist()]


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_are_the_tables_of_four_with_one_printed_metric_exactly_those_that_print_it(rounding) -> None:
    # Quarters are ties at one decimal, and with four cases any part of the table may be empty.
    by_text: dict[tuple[str, str], list[tuple[int, ...]]] = defaultdict(list)
    for tp, fp, fn in product(range(5), repeat=3):
        if tp + fp + fn <= 4:
            table = (tp, fp, fn, 4 - tp - fp - fn)
            for name, value in exact_metrics(*table).items():
                by_text[name, show(value, 1, False, rounding)].append(table)
    for (name, text), tables in by_text.items():
        found = reconstruct({name: text}, n=4, rounding=rounding).tables.tolist()
        assert sorted(map(tuple, found)) == sorted(tables), (name, text)


@given(table=st.tuples(*[st.integers(0, 4)] * 4).filter(lambda table: sum(table) > 0))
def test_are_tables_with_a_printed_mcc_exactly_those_that_have_it(table) -> None:
    n, text = sum(table), f"{mcc(*table):.2f}"
    assume(abs(abs(mcc(*table)) * 100 % 1 - 0.5) > 1e-9)
    every = [
        (tp, fp, fn, n - tp - fp - fn)
        for tp, fp, fn in product(range(n + 1), repeat=3)
        if tp + fp + fn <= n and abs(mcc(tp, fp, fn, n - tp - fp - fn) - float(text)) < 0.005 - 1e-12
    ]
    found = {tuple(row) for row in reconstruct({"mcc": text}, n=n, rounding="half-up").tables.tolist()}
    assert set(every) <= found
    assert all(abs(mcc(*row) - float(text)) < 0.005 + 1e-12 for row in found)


@pytest.mark.parametrize(
    ("printed", "n", "expected"),
    [
        # Martini 2020: test set of 42.
        ({"sensitivity": "95", "accuracy": "88", "ppv": "83"}, 42, [[19, 4, 1, 18], [20, 4, 1, 17]]),
        ({"sensitivity": "95", "accuracy": "88", "ppv": "83", "f1": "89"}, 42, [[20, 4, 1, 17]]),
        # Righetti 2024: the size of the test set is not printed.
        ({"sensitivity": "100 %", "specificity": "0.90", "ppv": "0.97", "f1": "0.98"}, 42, [[32, 1, 0, 9]]),
        ({"sensitivity": "100 %", "specificity": "0.90", "ppv": "0.97", "f1": "0.98"}, 41, [[31, 1, 0, 9]]),
        (
            {"sensitivity": "100 %", "specificity": "0.90", "ppv": "0.97", "f1": "0.98", "n_nondiseased": 48},
            206,
            [[158, 5, 0, 43]],
        ),
        # Left-ventricular remodelling 2026 (PMID 42031064).
        ({"sensitivity": "77.3", "specificity": "85.2", "accuracy": "82.9"}, 76, [[17, 8, 5, 46]]),
        # Coronary magnetic resonance angiography 2025, segments.
        (
            {"sensitivity": "83.3", "specificity": "83.6", "accuracy": "83.6", "n_diseased": 84},
            951,
            [[70, 142, 14, 725]],
        ),
        # Paciorek 2024, phase-sensitive inversion recovery, if 40 were tested.
        ({"sensitivity": "100", "specificity": "38", "accuracy": "88"}, 40, [[32, 5, 0, 3]]),
    ],
)
def test_are_the_tables_of_published_studies_found(printed, n, expected) -> None:
    assert reconstruct(printed, n=n).tables.tolist() == expected


def test_is_a_contradiction_shown_by_its_smallest_part() -> None:
    printed = {"sensitivity": "100 %", "specificity": "0.90", "ppv": "0.97", "f1": "0.98", "npv": "1.0"}
    with pytest.raises(DataError) as raised:
        reconstruct({**printed, "accuracy": "100 %"}, n=42)
    (fault,) = raised.value.faults
    assert fault.code == "RECONSTRUCTION-003"
    assert set(fault.field.split(", ")) == {"accuracy", "specificity", "ppv"}
    assert "accuracy 100 %" in fault.problem
    # Counts are among what may contradict each other.
    with pytest.raises(DataError) as raised:
        reconstruct({"sensitivity": "1.00", "tp": 5, "n_diseased": 4}, n=10)
    assert raised.value.faults[0].field == "tp, n_diseased"
    # Known case mix: accuracy 100 % and specificity 90 % alone contradict each other.
    with pytest.raises(DataError) as raised:
        reconstruct({"specificity": "0.90", "accuracy": "1.00", "n_nondiseased": 30}, n=42)
    assert raised.value.faults[0].field == "specificity, accuracy, n"


def has_table(names: list[str], printed: dict[str, str], n: int) -> bool:
    """Return whether some table has these printed proportions, at the total n or else at a multiple up to 20,000."""
    metrics = {name: Printed.parse(printed[name]) for name in names if name != "n"}
    sizes = [n] if "n" in names else [n, 12 * n, 20_000 // n * n]
    return any(
        next(compatible_runs(constraints_of({}, metrics, rounding), size, size), None) is not None
        for size in sizes
        for rounding in ROUNDINGS
    )


@pytest.mark.slow
@settings(max_examples=30)
@given(table=tables, data=st.data())
def test_does_leaving_out_any_part_of_a_contradiction_resolve_it(table, data) -> None:
    exact = exact_metrics(*table)
    assume(len(exact) == 8)
    names = data.draw(st.lists(st.sampled_from(sorted(exact)), min_size=2, max_size=4, unique=True))
    printed = {name: show(exact[name], 2, False, "half-up") for name in names}
    wrong = data.draw(st.sampled_from(names))
    printed[wrong] = f"{data.draw(st.integers(0, 100)) / 100:.2f}"
    n = sum(table)
    try:
        found = reconstruct(printed, n=n, limit=10**6)
    except DataError as error:
        parts = error.faults[0].field.split(", ")
        assert not has_table(parts, printed, n)
        for left_out in parts:
            assert has_table([name for name in parts if name != left_out], printed, n)
    else:
        assert found.count > 0
        for row in found.tables[:: max(1, found.count // 5)].tolist():
            shown = {name: show(exact_metrics(*row)[name], 2, False, found.rounding) for name in names}
            assert shown == printed


def test_are_rounding_conventions_tried_in_order_and_named() -> None:
    # 1/8 = 0.125 exactly: 0.13 half-up, 0.12 half-even and truncated; 7/8 = 0.875: 0.88, 0.88, 0.87.
    assert reconstruct({"sensitivity": "0.13", "n_diseased": 8, "n_nondiseased": 1}).rounding == "half-up"
    assert reconstruct({"sensitivity": "0.12", "n_diseased": 8, "n_nondiseased": 1}).rounding == "half-even"
    found = reconstruct({"sensitivity": "0.87", "n_diseased": 8, "n_nondiseased": 1})
    assert found.rounding == "truncation"
    assert set(found.tables[:, 0].tolist()) == {7}


def test_are_ties_decided_without_floating_point_for_nonlinear_metrics() -> None:
    # Balanced accuracy of 201/400 exactly 0.5025: printed to three decimals it is a tie.
    table = {"tp": 1, "fn": 199, "tn": 200, "fp": 0}
    for rounding, text in (("half-up", "0.503"), ("half-even", "0.502"), ("truncation", "0.502")):
        found = reconstruct({"balanced_accuracy": text, **table}, rounding=rounding)
        assert found.tables.tolist() == [[1, 0, 199, 200]]
    # A Matthews correlation of exactly 1/2, printed without decimals: (3·3 − 1·1) / √(4·4·4·4).
    half = {"tp": 3, "fp": 1, "fn": 1, "tn": 3}
    with pytest.raises(DataError):
        reconstruct({"mcc": "0", **half}, rounding="half-up")
    assert reconstruct({"mcc": "1", **half}, rounding="half-up").exact
    assert reconstruct({"mcc": "0", **half}, rounding="half-even").exact


def test_is_a_miss_by_a_ten_millionth_a_miss() -> None:
    # 4999/9999 = 0.49994999… and 5000/9999 = 0.50005000…: neither rounds to 0.5000, the second is cut to it.
    found = reconstruct({"sensitivity": "0.5000", "n_diseased": 9999, "n_nondiseased": 1})
    assert found.rounding == "truncation"
    assert set(found.tables[:, 0].tolist()) == {5000}


def test_does_an_unknown_total_give_the_tables_of_each_size() -> None:
    printed = {"sensitivity": "100 %", "specificity": "0.90", "ppv": "0.97", "f1": "0.98"}
    found = reconstruct(printed, n=(37, 48), rounding="half-up")
    totals = found.tables.sum(axis=1)
    assert found.tables[totals == 42].tolist() == [[32, 1, 0, 9]]
    for n in range(37, 49):
        try:
            alone = reconstruct(printed, n=n, rounding="half-up").tables.tolist()
        except DataError:
            alone = []
        assert found.tables[totals == n].tolist() == alone


def test_are_many_tables_counted_with_their_hull() -> None:
    printed = {"sensitivity": "0.9", "specificity": "0.8"}
    listed = reconstruct(printed, n=120, limit=10**6)
    counted = reconstruct(printed, n=120, limit=10)
    assert len(counted.tables) == 0
    assert not counted.complete
    assert counted.count == listed.count == len(listed.tables) > 10
    assert counted.hull.tolist() == [listed.tables.min(axis=0).tolist(), listed.tables.max(axis=0).tolist()]
    assert any("counted, not listed" in note for note in counted.notes)
    assert reconstruct(printed, n=120, limit=listed.count).complete
    assert not reconstruct(printed, n=120, limit=listed.count - 1).complete


@pytest.mark.parametrize("limit", [0, 1000])
def test_does_the_answer_say_between_which_totals_its_tables_are(limit) -> None:
    found = reconstruct({"sensitivity": "0.87", "ppv": "0.90"}, n=(10, 90), rounding="half-up", limit=limit)
    # The smallest fractions that print so are 13/15 and 9/10; a table of both has 26 true positives at least.
    listed = reconstruct({"sensitivity": "0.87", "ppv": "0.90"}, n=(10, 90), rounding="half-up", limit=10**6)
    totals = listed.tables.sum(axis=1)
    assert 10 < totals.min() < totals.max() == 90
    assert found.sizes == listed.sizes == (totals.min(), totals.max())
    assert found.to_dict()["n"] == [totals.min(), totals.max()]
    assert found.hull.tolist() == [listed.tables.min(axis=0).tolist(), listed.tables.max(axis=0).tolist()]


@pytest.mark.parametrize("method", ["wilson", "clopper_pearson"])
def test_does_a_printed_interval_constrain_when_a_method_reproduces_it(method) -> None:
    table = Counts.from_arrays([57], [9], [3], [81])
    ends = {}
    for metric in (sensitivity, specificity):
        interval = metric(table, method=method)[0]
        ends[f"{metric.__name__}_ci"] = (f"{interval.lower:.3f}", f"{interval.upper:.3f}")
    printed = {"sensitivity": "0.95", "specificity": "0.90"}
    without = reconstruct(printed, n=150)
    narrowed = reconstruct({**printed, **ends}, n=150)
    assert method in narrowed.interval_methods
    assert [57, 9, 3, 81] in narrowed.tables.tolist()
    assert narrowed.count < without.count


@pytest.mark.parametrize("method", ["wilson", "clopper_pearson"])
def test_are_the_tables_of_two_printed_intervals_exactly_those_that_print_them(method) -> None:
    truth = Counts.from_arrays([19], [7], [3], [41])
    printed = {"sensitivity": "0.86", "specificity": "0.85"}

    def ends(counts: Counts) -> list[tuple[tuple[str, str], ...]]:
        intervals = [metric(counts, method=method) for metric in (sensitivity, specificity)]
        return [
            tuple((f"{interval.lower:.2f}", f"{interval.upper:.2f}") for interval in study)
            for study in zip(*intervals, strict=True)
        ]

    ((of_sensitivity, of_specificity),) = ends(truth)
    without = reconstruct(printed, n=(60, 80), rounding="half-up")
    narrowed = reconstruct(
        {**printed, "sensitivity_ci": of_sensitivity, "specificity_ci": of_specificity}, n=(60, 80), rounding="half-up"
    )
    fits = [shown == (of_sensitivity, of_specificity) for shown in ends(Counts.from_arrays(*without.tables.T))]
    assert narrowed.interval_methods == (method,)
    assert narrowed.tables.tolist() == without.tables[fits].tolist()
    assert 0 < narrowed.count < without.count


def test_are_tables_that_reproduce_an_interval_some_of_the_others_in_their_order() -> None:
    printed = {"sensitivity": "0.95", "specificity": "0.90"}
    without = reconstruct(printed, n=(50, 70))
    narrowed = reconstruct({**printed, "specificity_ci": ("0.8", "1.0")}, n=(50, 70))
    kept = narrowed.tables.tolist()
    assert len(narrowed.interval_methods) > 1
    assert 1 < len(kept) < without.count
    assert [table for table in without.tables.tolist() if table in kept] == kept
    totals = narrowed.tables.sum(axis=1)
    assert narrowed.sizes == (totals.min(), totals.max())
    assert totals.min() < totals.max()
    assert narrowed.hull.tolist() == [narrowed.tables.min(axis=0).tolist(), narrowed.tables.max(axis=0).tolist()]
    many = reconstruct({**printed, "specificity_ci": ("0.8", "1.0")}, n=(50, 70), limit=narrowed.count // 2)
    assert many.notes[0] == "too many tables reproduce specificity_ci; not used"
    assert (many.count, many.interval_methods) == (without.count, ())


def test_is_a_wald_interval_recognised() -> None:
    half = 1.959964 * math.sqrt(0.95 * 0.05 / 60)
    ends = (f"{0.95 - half:.3f}", f"{min(1.0, 0.95 + half):.3f}")
    found = reconstruct({"sensitivity": "0.950", "sensitivity_ci": ends, "n_nondiseased": 5}, n=(20, 200))
    assert found.interval_methods == ("wald",)
    assert set((found.tables[:, 0] + found.tables[:, 2]).tolist()) == {60}


def test_is_an_interval_that_no_method_reproduces_left_out_and_said() -> None:
    printed = {"sensitivity": "0.95", "specificity": "0.90"}
    found = reconstruct({**printed, "sensitivity_ci": ("0.10", "0.99")}, n=150)
    assert found.count == reconstruct(printed, n=150).count
    assert found.interval_methods == ()
    assert found.notes == ("no named method reproduces sensitivity_ci; not used",)


@pytest.mark.parametrize(
    ("text", "value", "decimals", "percent"),
    [
        ("0.94", Fraction(94, 100), 2, False),
        ("94 %", Fraction(94, 100), 0, True),
        ("95.24%", Fraction(9524, 10000), 2, True),
        ("1.0", Fraction(1), 1, False),
        ("95", Fraction(95, 100), 0, True),
        (".940", Fraction(94, 100), 3, False),
        ("0·94", Fraction(94, 100), 2, False),
        ("94,5 %", Fraction(945, 1000), 1, True),
        ("−0.12", Fraction(-12, 100), 2, False),
        ("0.5 %", Fraction(5, 1000), 1, True),
        ("1.5", Fraction(15, 1000), 1, True),
        ("0.12345678", Fraction(12345678, 10**8), 8, False),
    ],
)
def test_is_a_number_read_as_printed(text, value, decimals, percent) -> None:
    read = Printed.parse(text)
    assert (read.value, read.decimals, read.percent) == (value, decimals, percent)


@pytest.mark.parametrize("text", ["", "NR", "0.9.4", "1e-1", "120 %", "95-99", "%", "0.123456789", "٠.٩", 0.94])
def test_is_what_is_no_printed_number_refused_with_the_way_out(text) -> None:
    with pytest.raises(DataError) as raised:
        Printed.parse(text)
    assert raised.value.faults[0].remedy
    assert raised.value.faults[0].code == "RECONSTRUCTION-001"


@given(
    value=st.fractions(-1, 1, max_denominator=400),
    decimals=st.integers(0, 3),
    percent=st.booleans(),
    rounding=st.sampled_from(ROUNDINGS),
)
def test_do_the_values_behind_a_printed_number_include_the_one_printed(value, decimals, percent, rounding) -> None:
    text = ("-" if value < 0 else "") + show(abs(value), decimals, percent, rounding)
    # Proportions of at most 1 only: a bare number above 1 would be read as a percentage.
    read = Printed.parse(text)
    assert values_behind(read, rounding).contains(value) or read.value == 0
    if read.value == 0 and value:
        assert values_behind(read, rounding).upper >= abs(value)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("text", ["-0.3", "-0.2", "0.0", "0.2", "0.3"])
def test_are_the_values_behind_a_printed_number_exactly_those_that_print_it(text, rounding) -> None:
    bounds = values_behind(Printed.parse(text), rounding)
    for value in (Fraction(k, 40) for k in range(-40, 41)):
        size = float(show(abs(value), 1, False, rounding))
        assert bounds.contains(value) is ((size if value > 0 else -size) == float(text)), value


def test_are_all_faults_reported_at_once() -> None:
    with pytest.raises(DataError) as raised:
        reconstruct({"sensitivity": 0.95, "youden": "0.5", "ppv": "-0.2", "tp": -1}, n=10)
    assert [fault.field for fault in raised.value.faults] == ["sensitivity", "youden", "ppv", "tp"]
    assert {fault.line for fault in raised.value.faults} == {0}


def test_is_an_unknown_total_asked_for() -> None:
    with pytest.raises(DataError, match="the total is not known") as raised:
        reconstruct({"sensitivity": "0.95"})
    assert raised.value.faults[0].code == "RECONSTRUCTION-002"
    with pytest.raises(DataError, match="lowest"):
        reconstruct({"sensitivity": "0.95"}, n=(50, 20))
    assert reconstruct({"sensitivity": "1.0"}, n=1).exact


def test_is_the_result_plain_and_read_only() -> None:
    found = reconstruct({"sensitivity": "95", "accuracy": "88", "ppv": "83", "f1": "89"}, n=42)
    plain = found.to_dict()
    assert plain["tables"] == [{"tp": 20, "fp": 4, "fn": 1, "tn": 17}]
    assert plain["printed"] == {"sensitivity": "95 %", "accuracy": "88 %", "ppv": "83 %", "f1": "89 %", "n": "42"}
    assert plain["exact"] is True
    assert repr(found) == "Reconstruction(exact: tp=20 fp=4 fn=1 tn=17; rounding half-up)"
    two = reconstruct({"sensitivity": "95", "accuracy": "88", "ppv": "83"}, n=42)
    assert repr(two) == "Reconstruction(2 tables: tp=19–20 fp=4–4 fn=1–1 tn=17–18; rounding half-up)"
    assert two.to_dict()["hull"] == {"tp": [19, 20], "fp": [4, 4], "fn": [1, 1], "tn": [17, 18]}
    assert reconstruct({"tp": 1, "fp": 2, "fn": 3, "tn": 4}).to_dict()["printed"]["fp"] == "2"
    with pytest.raises(ValueError, match="read-only"):
        found.tables[0, 0] = 1


def test_are_blocks_larger_than_one_step_complete(monkeypatch) -> None:
    monkeypatch.setattr("livingreview.reconstruction.compatible.BLOCK", 7)
    runs = list(compatible_runs(Constraints(()), 1, 6))
    found = np.concatenate([expand(run) for run in runs])
    # C(n + 3, 3) tables of total n.
    assert len(found) == len(np.unique(found, axis=0)) == sum(math.comb(n + 3, 3) for n in range(1, 7))


def test_does_every_metric_alone_have_an_answer_for_a_common_value() -> None:
    for name in METRICS:
        assert reconstruct({name: "0.50"}, n=40, limit=0).count > 0
