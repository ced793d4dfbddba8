"""Entries of the base review beside the primary studies, as far as pages of these could be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from livingreview.audit.base import BaseReview, study_link
from livingreview.audit.statements import Statement, Verdict, compare, rounds_to, worst
from livingreview.model import AccuracyEntry, OverlapEntry, Printed, Quoted, Study
from livingreview.review import label, number, source_keys
from livingreview.synthesis.printed import Printed as PrintedText
from livingreview.wording import listing, plural

__all__ = ["kind_of_source", "primary_studies", "published"]

METRICS = ("accuracy", "sensitivity", "specificity", "ppv")
NAMES = {
    "ppv": "precision",
    "auc": "AUC",
    "dice": "Dice coefficient",
    "hausdorff": "Hausdorff distance",
    "hausdorff95": "95th-percentile Hausdorff distance",
    "iou": "Jaccard coefficient",
}
KINDS = {"multi-class average": "an average over classes", "localisation": "finding a structure"}


def primary_studies(base: BaseReview) -> Iterator[Statement]:
    """Yield a comparison for every entry whose primary study could be read, then the completeness of the tables."""
    for study in base.studies:
        yield from _overlap(base, study)
        yield from _accuracy(base, study)
        yield from _label(base, study)
    for metric in ("dice", "hausdorff"):
        yield _complete(base, metric)


def kind_of_source(study: Study, entry: OverlapEntry | AccuracyEntry) -> str:
    """Return the kind of an entry's first source."""
    return study.sources[source_keys(entry.source)[0]].kind


def _place(study: Study, entry: OverlapEntry | AccuracyEntry) -> tuple[str, int]:
    source = study.sources[source_keys(entry.source)[0]]
    return source.table or "", source.row or 0


def published(study: Study) -> list[OverlapEntry]:
    """Return the values of the study's own model, as its own report prints them."""
    return [
        entry for entry in study.overlap if kind_of_source(study, entry) == "publication" and entry.rater == "model"
    ]


def _overlap(base: BaseReview, study: Study) -> Iterator[Statement]:
    for entry in study.overlap:
        if kind_of_source(study, entry) != "baseline":
            continue
        family = "hausdorff" if entry.metric.startswith("hausdorff") else entry.metric
        own = [item for item in published(study) if item.metric.startswith(family)]
        if not own:
            continue
        table, row = _place(study, entry)
        verdict, explanation = _compare_overlap(base, entry, own)
        values = [f"{item.value} ({_what(base, item)})" for item in own]
        yield Statement(
            f"entry-{table}-{study.id}",
            "primary studies",
            f"{NAMES[entry.metric]} of {label(study)} ({base.link(table)[0].partition(', ')[2]}, row {row})",
            entry.value,
            "; ".join(values),
            verdict,
            explanation,
            (base.link(table), study_link(study)),
        )


def _compare_overlap(base: BaseReview, entry: OverlapEntry, own: Sequence[OverlapEntry]) -> tuple[Verdict, str]:
    value = number(entry.value)
    same = [item for item in own if item.metric == entry.metric and number(item.value) == value]
    if not same:
        other = next((item for item in own if item.metric != entry.metric and number(item.value) == value), None)
        if other is not None:
            return "contradicts", f"The abstract gives this number with another definition ({_what(base, other)})."
        nearest = min(own, key=lambda item: abs((number(item.value) or 0) - (value or 0)))
        verdict = compare(entry.value, number(nearest.value) or 0)
        how = {"agrees": "which rounds to the entry", "contradicts": "not the entry"}.get(verdict, "cut to the entry")
        if verdict == "contradicts" and nearest.statistic == "median":  # a mean may stand in the full text
            verdict, how = "cannot be derived", "not the entry; no mean was seen"
        return verdict, f"The abstract prints {nearest.value} ({_what(base, nearest)}), {how}."
    match = same[0]
    others = [item for item in own if _target(item) != _target(match)]
    if others:
        return "cannot be derived", (
            f"The entry is one of {plural(len(own), 'value')} ({_what(base, match)}); why this one stands for the "
            "study is not said."
        )
    if match.statistic == "median":
        return "agrees", "The same number; it is a median, which the table averages with means."
    return "agrees", "The same number."


def _target(entry: OverlapEntry) -> tuple[object, ...]:
    return entry.structure, entry.sequence, entry.dataset


def _what(base: BaseReview, entry: OverlapEntry) -> str:
    metric = NAMES[entry.metric] if entry.metric != "dice" else ""
    statistic = f"{entry.statistic or ''} {metric}".strip()
    parts = (entry.structure, entry.sequence, base.dataset(entry.dataset) if entry.dataset else None, statistic)
    return ", ".join(part for part in parts if part)


def _accuracy(base: BaseReview, study: Study) -> Iterator[Statement]:
    printed = next((item for item in study.accuracy if kind_of_source(study, item) == "baseline"), None)
    own = next((item for item in study.accuracy if item.primary and kind_of_source(study, item) == "publication"), None)
    if printed is None or own is None:
        return
    verdicts: list[Verdict] = []
    notes = []
    for name in METRICS:
        value = getattr(printed, name)
        if value is not None:
            verdict, note = _compare_metric(NAMES.get(name, name), _text(value), getattr(own, name), own.auc)
            verdicts.append(verdict)
            notes += [note] if note else []
    table, row = _place(study, printed)
    shown = [f"{NAMES.get(name, name)} {_text(getattr(own, name))}" for name in (*METRICS, "auc") if getattr(own, name)]
    yield Statement(
        f"entry-{table}-{study.id}",
        "primary studies",
        f"Row {row} of the accuracy table and {label(study)}",
        ", ".join(f"{NAMES.get(name, name)} {_text(value)}" for name in METRICS if (value := getattr(printed, name))),
        ", ".join(shown),
        worst(verdicts),
        _joined(notes) or "The same figures.",
        (base.link(table), study_link(study)),
    )


def _compare_metric(name: str, printed: str, own: Printed | None, auc: Printed | None) -> tuple[Verdict, str]:
    value = number(printed) or 0.0
    if own is None:
        if auc is not None and rounds_to(_text(auc), value):
            note = f"the abstract has no {name}; its area under the curve is {_text(auc)}, which the entry may be"
            return "cannot be derived", note
        return "cannot be derived", f"no {name} was seen on the pages that could be read"
    theirs = number(own) or 0.0
    if theirs == value:
        if PrintedText.parse(printed).unit < PrintedText.parse(_text(own)).unit:
            return "agrees within rounding", f"the abstract prints the {name} with fewer digits, as {_text(own)}"
        return "agrees", ""
    # Either side may have been printed with more digits than the other.
    finer = rounds_to(_text(own).removesuffix("%"), value * (100 if _text(own).endswith("%") else 1))
    coarser = rounds_to(printed.removesuffix("%"), theirs * (100 if printed.endswith("%") else 1))
    if finer or coarser:
        return "agrees within rounding", f"the abstract prints the {name} as {_text(own)}"
    return "contradicts", f"the abstract prints a {name} of {_text(own)}"


def _text(value: Printed) -> str:
    return value.value if isinstance(value, Quoted) else value


def _joined(notes: Sequence[str]) -> str:
    text = "; ".join(notes)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _label(base: BaseReview, study: Study) -> Iterator[Statement]:
    if study.base_label is None:
        return
    own = next((item for item in study.accuracy if item.primary), None)
    kind = KINDS.get(own.problem or "") if own else None
    target = study.target_condition or "not said"
    yield Statement(
        f"label-{study.id}",
        "primary studies",
        f"{label(study)} is a study of {study.base_label}",
        study.base_label,
        f"{study.task} (target: {target})",
        "agrees" if study.base_label == study.task else "contradicts",
        "By the base review's own definitions, prediction is of future outcomes and diagnosis of disease in a patient."
        + (f" The figures score {kind}." if kind else ""),
        (base.link("Introduction"), base.link("accuracy"), study_link(study)),
    )


def _status(study: Study) -> str:
    return study.identification.status if study.identification else "unknown"


def _complete(base: BaseReview, metric: str) -> Statement:
    rows = len(base.tables[metric])
    lacking = [
        study
        for study in base.studies
        if _status(study) != "unknown"
        and any(item.metric == metric for item in published(study))
        and not any(source.table == metric for source in study.sources.values())
    ]
    certain = [study for study in lacking if _status(study) == "certain"]
    explanation = "No included study was found that reports one and is not in the table."
    if lacking:
        explanation = (
            f"{listing([label(study) for study in lacking])} also report{'s' if len(lacking) == 1 else ''} one"
        )
        explanation += (
            "." if certain else ", if these are the papers meant: their identification is probable, not certain."
        )
    return Statement(
        f"{metric}-complete",
        "primary studies",
        f"The table holds every included study that reports a {NAMES[metric]}",
        plural(rows, "study", "studies"),
        f"at least {rows + len(lacking)}" if lacking else f"{rows}",
        "contradicts" if certain else "cannot be derived" if lacking else "agrees",
        explanation,
        (base.link(metric), *(study_link(study) for study in lacking)),
    )
