"""What the numbers of one study say against each other, and against the base review's tables."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Any

from livingreview.errors import DataError
from livingreview.reconstruction import reconstruct
from livingreview.review.model import AccuracyEntry, OverlapEntry, Quoted, Sample, Study, bare, number, source_keys
from livingreview.review.model.study import TABLE_METRICS
from livingreview.review.reading import Place

__all__ = ["Problem", "Rows", "number_problems"]

# Where a fault is, what it is, what to do about it, and its code.
Problem = tuple[Place, str, str, str]
Rows = Mapping[str, Mapping[int, Mapping[str, Any]]]
PROPORTIONS = (*TABLE_METRICS, "auc")
# What each baseline table prints, as field of a study → column of the table.
TABULATED = {
    "dice": {"value": "dice"},
    "hausdorff": {"value": "hausdorff_mm"},
    "accuracy": {
        "sensitivity": "sensitivity_percent",
        "specificity": "specificity_percent",
        "accuracy": "accuracy_percent",
        "ppv": "precision_percent",
    },
}
# Below a voxel or beyond half a heart, a distance is most likely in another unit. This review's choice.
PLAUSIBLE_MM = (1.0, 50.0)
# How many times wider or narrower than usual: no method explains it, nor a level of 90 or 99 %. This review's choice.
UNLIKE = 2.0
Z = 1.96
CHECK_REPORT = "compare them with the report; if it contradicts itself, say so under contradiction"


def number_problems(study: Study, baseline: Rows) -> Iterator[Problem]:
    """Yield what is wrong with the numbers of one study; `baseline` holds tables: name → row number → cells."""
    if study.sample is not None:
        yield from _cohort(study.sample)
    for index, overlap in enumerate(study.overlap):
        yield from _overlap_values(overlap, ("overlap", index))
    yield from _overlap_entries(study)
    for index, entry in enumerate(study.accuracy):
        yield from _accuracy_values(entry, ("accuracy", index))
        if study.sample is not None and study.sample.unit == entry.unit:
            yield from _within_cohort(entry, study.sample, ("accuracy", index))
    yield from _tabulated(study, baseline)


def _cohort(sample: Sample) -> Iterator[Problem]:
    split = (sample.n_train, sample.n_validation, sample.n_test)
    cases = (sample.n_diseased, sample.n_nondiseased)
    for name, parts in (("n_train + n_validation + n_test", split), ("n_diseased + n_nondiseased", cases)):
        total = sum(part for part in parts if part is not None)
        # A split may leave cases unused; the diseased and the others are everybody.
        apart = sample.n is not None and total != sample.n and parts is cases and None not in parts
        if sample.n is not None and (total > sample.n or apart):
            problem = f"{name} is {total}, n is {sample.n}"
            yield ("sample", "n"), problem, "check the sizes against the paper", "SIZE-001"


def _within_cohort(entry: AccuracyEntry, sample: Sample, where: Place) -> Iterator[Problem]:
    if entry.split == "external test":
        return
    limits = [(name, name) for name in ("n", "n_diseased", "n_nondiseased")]
    limits += [("n", "n_test")] if entry.split == "internal test" else []
    for name, limit in limits:
        tested, most = getattr(entry, name), getattr(sample, limit)
        if tested is not None and most is not None and tested > most:
            problem = f"{name} is {tested}, more than the sample's {limit} = {most}"
            yield (*where, name), problem, "check the sizes against the paper", "SIZE-002"


def _proportion(text: str, where: Place) -> Iterator[Problem]:
    value = number(text)
    if value > 1:
        possible = not text.endswith("%") and value <= 100
        remedy = f'write "{text}%" for a percentage' if possible else "check it against the paper"
        yield where, f"the proportion {text} is larger than {'100%' if '%' in text else 1}", remedy, "RANGE-001"
    if text.endswith("%") and 0 < value <= 0.01:
        bare = text.rstrip("% ")
        remedy = f'write "{bare}" for a proportion; if it is that small, write "{value:g}"'
        yield where, f"the percentage {text} is at most 1%", remedy, "RANGE-006"


def _spread(sd: str, value: str, where: Place) -> Iterator[Problem]:
    """Ask for an SD of at most √(m(1 − m)), the most that values between 0 and 1 with mean m can have."""
    mean, slack = number(value), _half_step(value)
    mean = min(max(0.5, mean - slack), mean + slack)
    most = sqrt(max(mean * (1 - mean), 0))
    if number(sd) > most + _half_step(sd):
        problem = f"the SD {sd} is larger than {most:.2g}, the most that proportions with a mean of {value} can have"
        yield where, problem, "check it; write a percentage with its %", "RANGE-007"


def _overlap_entries(study: Study) -> Iterator[Problem]:
    """Yield a fault for two values of one thing, and for more cases than the sample has."""
    most = study.sample and study.sample.n
    seen: dict[tuple[Any, ...], int] = {}
    for index, entry in enumerate(study.overlap):
        about = entry.model_dump(exclude={"value", "sd", "iqr", "n", "note", "source"})
        first = seen.setdefault(tuple(about.values()), index)
        if first != index:
            problem = f"a second {entry.metric} of what overlap[{first}] is of"
            yield ("overlap", index), problem, "keep one, or say under label what differs", "METRIC-007"
        if study.sample and most and entry.n and entry.n > most and entry.unit in (None, study.sample.unit):
            problem = f"n is {entry.n}, more than the sample's n = {most}"
            remedy = "check the sizes against the paper; if n counts something else, name its unit"
            yield ("overlap", index, "n"), problem, remedy, "SIZE-004"


def _overlap_values(entry: OverlapEntry, where: Place) -> Iterator[Problem]:
    value = number(entry.value)
    texts: dict[Place, str] = {(*where, "value"): entry.value}
    if entry.iqr is not None:
        texts |= {(*where, "iqr", index): limit for index, limit in enumerate(entry.iqr)}
    if entry.metric in ("dice", "iou"):
        for place, text in texts.items():
            yield from _proportion(text, place)
        if entry.sd is not None and value <= 1:
            yield from _spread(entry.sd, entry.value, (*where, "sd"))
    else:
        texts |= {(*where, "sd"): entry.sd} if entry.sd is not None else {}
        for place, text in texts.items():
            if text.endswith("%"):
                yield place, "a distance given as a percentage", "give millimetres", "RANGE-002"
        if not PLAUSIBLE_MM[0] <= value <= PLAUSIBLE_MM[1] and entry.value not in (entry.note or ""):
            problem = f"a Hausdorff distance of {entry.value} mm"
            remedy = f"give millimetres; if {entry.value} mm is printed, say so under note, with the number"
            yield (*where, "value"), problem, remedy, "RANGE-008"
    if entry.sd is not None and entry.statistic == "median":
        yield (*where, "sd"), "an SD beside a median", "give iqr, or statistic: mean", "RANGE-003"
    if entry.iqr is not None and not number(entry.iqr[0]) <= value <= number(entry.iqr[1]):
        yield (*where, "iqr"), "iqr does not hold the value", "check value and iqr", "RANGE-004"


def _accuracy_values(entry: AccuracyEntry, where: Place) -> Iterator[Problem]:
    printed: dict[str, str] = {}
    for name in PROPORTIONS:
        quoted = getattr(entry, name)
        if quoted is None:
            continue
        printed[name] = bare(quoted)
        yield from _proportion(printed[name], (*where, name))
        if isinstance(quoted, Quoted):
            yield from _beside(quoted, (*where, name))
    yield from _counts(entry, where)
    left_out = entry.contradiction.leaves_out if entry.contradiction else []
    for index, name in enumerate(left_out):
        if getattr(entry, name) is None:
            problem = f"the contradiction leaves out {name}, which has no value here"
            yield (*where, "contradiction", "leaves_out", index), problem, "delete it", "METRIC-006"
    if entry.n_between is not None and entry.n_between[0] > entry.n_between[1]:
        yield (*where, "n_between"), "smallest after largest", "swap the two", "RANGE-009"
    elif entry.problem == "binary" and all(number(text) <= 1 for text in printed.values()):
        kept = {name: text for name, text in printed.items() if name not in left_out}
        found = [*_between(kept, where), *_counts_against_metrics(entry, kept, where), *_harmonic(kept, where)]
        yield from found or _no_table(entry, where)
        yield from _widths(entry, left_out, where)
        yield from _wide_together(entry, left_out, where)
    elif entry.problem == "localisation":
        yield from _harmonic(printed, where)


def _beside(quoted: Quoted, where: Place) -> Iterator[Problem]:
    if quoted.sd is not None and number(quoted.value) <= 1:
        yield from _spread(quoted.sd, quoted.value, (*where, "sd"))
    if quoted.ci is None:
        return
    for index, limit in enumerate(quoted.ci):
        yield from _proportion(limit, (*where, "ci", index))
    if not number(quoted.ci[0]) <= number(quoted.value) <= number(quoted.ci[1]):
        problem = f"the interval {quoted.ci[0]} to {quoted.ci[1]} does not hold {quoted.value}"
        yield (*where, "ci"), problem, "check value and interval", "RANGE-005"


def _counts(entry: AccuracyEntry, where: Place) -> Iterator[Problem]:
    sums = (("n", ("tp", "fp", "fn", "tn")), ("n_diseased", ("tp", "fn")), ("n_nondiseased", ("fp", "tn")),
            ("n", ("n_diseased", "n_nondiseased")))  # fmt: skip
    for total, parts in sums:
        counts = [getattr(entry, part) for part in parts]
        stated = getattr(entry, total)
        known = sum(count for count in counts if count is not None)
        if stated is None or not (known > stated or (None not in counts and known != stated)):
            continue
        problem = f"{' + '.join(parts)} is {known}, {total} is {stated}"
        yield (*where, total), problem, "check the counts against the paper", "METRIC-001"


def _between(printed: Mapping[str, str], where: Place) -> Iterator[Problem]:
    """Ask for an accuracy that is a weighted mean of sensitivity and specificity."""
    if not {"sensitivity", "specificity", "accuracy"} <= set(printed):
        return
    ranges = [_range(printed[name]) for name in ("sensitivity", "specificity")]
    lower, upper = _range(printed["accuracy"])
    if upper < min(low for low, _ in ranges) or lower > max(high for _, high in ranges):
        problem = "accuracy does not lie between sensitivity and specificity"
        yield (*where, "accuracy"), problem, CHECK_REPORT, "METRIC-002"


def _counts_against_metrics(entry: AccuracyEntry, printed: Mapping[str, str], where: Place) -> Iterator[Problem]:
    tp, fp, fn, tn = entry.tp, entry.fp, entry.fn, entry.tn
    ratios = {"sensitivity": (tp, fn), "specificity": (tn, fp), "ppv": (tp, fp), "npv": (tn, fn)}
    for name, (hit, miss) in ratios.items():
        if name not in printed or hit is None or miss is None or hit + miss == 0:
            continue
        implied = hit / (hit + miss)
        # A whole step, not half of one, so that truncation passes as well as rounding.
        if abs(implied - number(printed[name])) > 2 * _half_step(printed[name]) + 1e-12:
            problem = f"printed {name} is {printed[name]}, the counts give {implied:.4f}"
            yield (*where, name), problem, CHECK_REPORT, "METRIC-003"


def _harmonic(printed: Mapping[str, str], where: Place) -> Iterator[Problem]:
    if not {"sensitivity", "ppv", "f1"} <= set(printed):
        return
    lowest, highest = (
        2 * recall * precision / (recall + precision) if recall + precision else 0.0
        for recall, precision in zip(_range(printed["sensitivity"]), _range(printed["ppv"]), strict=True)
    )
    lower, upper = _range(printed["f1"])
    if upper < lowest or lower > highest:
        problem = f"sensitivity and ppv give an F1 of {lowest:.3f} to {highest:.3f}, printed is {printed['f1']}"
        yield (*where, "f1"), problem, CHECK_REPORT, "METRIC-004"


def _no_table(entry: AccuracyEntry, where: Place) -> Iterator[Problem]:
    """Ask for whole numbers that give what is printed, except of means over folds, which need none."""
    metrics = {name: bare(value) for name, value in entry.metrics.items()}
    known = {**metrics, **entry.counts}
    if entry.split == "cross-validation" or not entry.size or not metrics or len(known) < 2:
        return
    try:
        reconstruct(known, n=entry.size)
    except DataError as error:
        involved = [name for name in error.faults[0].field.split(", ") if name in known]
        place = (*where, involved[0]) if involved else where
        yield place, error.faults[0].problem, CHECK_REPORT, "METRIC-005"


def _widths(entry: AccuracyEntry, left_out: Sequence[str], where: Place) -> Iterator[Problem]:
    """Ask for intervals about as wide as the numbers of cases make them, except of means over folds."""
    for name, (fewest, most) in _cases(entry).items() if entry.split != "cross-validation" else ():
        quoted = getattr(entry, name)
        if not isinstance(quoted, Quoted) or quoted.ci is None or {name, "n"} & set(left_out):
            continue
        lower, upper = (number(limit) for limit in quoted.ci)
        slack = sum(map(_half_step, quoted.ci))
        # The rounding of the proportion itself, too, for the benefit of the doubt: towards 0 or 1, then towards 1/2.
        low, high = _range(quoted.value)
        outer, inner = sorted((low, min(high, 1.0)), key=lambda p: p * (1 - p))
        problem = ""
        if most and (upper - lower + slack) * UNLIKE < _wald_width(outer, most):
            problem = f"the interval {quoted.ci[0]} to {quoted.ci[1]} is too narrow for {most} cases"
        elif fewest and upper - lower - slack > UNLIKE * _wilson_width(inner, fewest):
            problem = f"the interval {quoted.ci[0]} to {quoted.ci[1]} is too wide for {fewest} cases"
        if problem and not all(limit in (entry.note or "") for limit in quoted.ci):
            remedy = "check cases and interval; if they are printed so, say it under note, with both limits"
            yield (*where, name, "ci"), problem, remedy, "SIZE-003"


def _wide_together(entry: AccuracyEntry, left_out: Sequence[str], where: Place) -> Iterator[Problem]:
    """Ask that intervals of sensitivity and specificity are not too wide for n, whatever the share of the diseased."""
    both = (entry.sensitivity, entry.specificity)
    known = {*entry.counts} or {"n", "sensitivity", "specificity"} & set(left_out) or entry.split == "cross-validation"
    if known or entry.n is None:
        return
    most = 0
    for quoted in both:
        if not isinstance(quoted, Quoted) or quoted.ci is None or all(x in (entry.note or "") for x in quoted.ci):
            return
        lower, upper = (number(limit) for limit in quoted.ci)
        width = upper - lower - sum(map(_half_step, quoted.ci))
        p = min(_range(quoted.value), key=lambda p: abs(p - 0.5))
        # The interval is UNLIKE times as wide as of so many cases; the width falls with the number of cases.
        most += bisect_right(range(1, entry.n + 1), -width, key=lambda n: -UNLIKE * _wilson_width(p, n))
    if most < entry.n:
        problem = f"the intervals of sensitivity and specificity are too wide for {entry.n} cases"
        remedy = "check n and the intervals; if they are printed so, say it under note, with the limits"
        yield (*where, "n"), problem, remedy, "SIZE-003"


def _cases(entry: AccuracyEntry) -> dict[str, tuple[int | None, int | None]]:
    """Return the fewest and the most cases that each proportion can be of; None where nothing printed says."""
    tp, fp, fn, tn = entry.tp, entry.fp, entry.fn, entry.tn
    smallest, largest = entry.size if isinstance(entry.size, tuple) else (entry.size, entry.size)
    known = {
        "sensitivity": _sum(tp, fn) if entry.n_diseased is None else entry.n_diseased,
        "specificity": _sum(tn, fp) if entry.n_nondiseased is None else entry.n_nondiseased,
        "ppv": _sum(tp, fp),
        "npv": _sum(tn, fn),
    }
    return {"accuracy": (smallest, largest), **{name: (n, largest if n is None else n) for name, n in known.items()}}


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second


def _wald_width(p: float, n: int) -> float:
    half = Z * sqrt(max(p * (1 - p), 0) / n)
    return min(p + half, 1.0) - max(p - half, 0.0)


def _wilson_width(p: float, n: int) -> float:
    return 2 * Z * sqrt(max(p * (1 - p), 0) / n + (Z / n) ** 2 / 4) / (1 + Z**2 / n)


def _tabulated(study: Study, baseline: Rows) -> Iterator[Problem]:
    """Ask that values which name a row of the base review's tables are what that row prints."""
    entries: list[tuple[Place, AccuracyEntry | OverlapEntry]] = [
        *((("accuracy", index), entry) for index, entry in enumerate(study.accuracy)),
        *((("overlap", index), entry) for index, entry in enumerate(study.overlap)),
    ]
    for key, source in study.sources.items():
        if source.kind != "baseline":
            continue
        table = source.table or ""
        row = baseline.get(table, {}).get(source.row or 0)
        if row is None:
            problem = f"no row {source.row} in the baseline table {source.table!r}"
            yield ("sources", key), problem, f"use one of {', '.join(sorted(baseline))}", "BASE-001"
            continue
        for where, entry in entries:
            named = {used: study.sources.get(used) for used in source_keys(entry.source)}
            # An undefined source has its own fault; this review's coding says nothing about the numbers.
            if {used for used, other in named.items() if other is None or other.kind != "coding"} == {key}:
                yield from _against_row(entry, where, table, row, ("sources", key))


def _against_row(
    entry: AccuracyEntry | OverlapEntry, where: Place, table: str, row: Mapping[str, Any], key: Place
) -> Iterator[Problem]:
    if isinstance(entry, OverlapEntry) and entry.metric != table:
        problem = f"{entry.metric} from the base review's table {table}"
        yield (*where, "metric"), problem, f"write {table}, or correct the source", "BASE-006"
    for name, column in TABULATED.get(table, {}).items():
        printed = getattr(entry, name, None)
        try:
            cell = float(row[column])
        except (KeyError, ValueError):
            problem = f"row {row['row']} of the baseline table {table} has no number under {column}"
            yield key, problem, "restore the table as it was", "BASE-004"
            continue
        stated = None if printed is None else number(printed)
        expected = None if cell != cell else cell / 100 if column.endswith("_percent") else cell
        if (stated is None) != (expected is None) or (
            stated is not None and expected is not None and abs(stated - expected) > 1e-9
        ):
            problem = f"expected {expected} as in row {row['row']} of {table}, found {stated}"
            yield (*where, name), problem, "copy the table's value", "BASE-002"


def _half_step(text: str) -> float:
    """Return half a unit of the last printed digit, as a proportion."""
    step = 10.0 ** -(len(text.rstrip("% ").partition(".")[2]))
    return step / (200 if text.endswith("%") else 2)


def _range(text: str) -> tuple[float, float]:
    """Return the smallest and largest value that rounds to what is printed."""
    value, slack = number(text), _half_step(text) + 1e-12
    return max(value - slack, 0.0), value + slack
