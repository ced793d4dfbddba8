"""The base review beside its primary studies, as far as these could be read: entries of tables, claims of the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from livingreview.analysis.audit.statements import (
    PLACES,
    VERDICTS,
    BaseReview,
    Statement,
    Verdict,
    compare,
    judged,
    rounds_to,
    short,
)
from livingreview.reconstruction.printed import Printed
from livingreview.review import label
from livingreview.review.model import AccuracyEntry, AsPrinted, OverlapEntry, Source, Study, bare, number, source_keys
from livingreview.wording import listing, plural

__all__ = ["primary_studies"]

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
    """Yield a comparison for every entry whose study could be read, whether the tables are complete, and the claims."""
    for study in base.studies:
        yield from _overlap(base, study)
        yield from _accuracy(base, study)
        yield from _label(base, study)
    for metric in ("dice", "hausdorff"):
        yield _complete(base, metric)
    yield _unit(base)
    yield _conference(base)
    yield from _structures(base)
    yield _comparison(base)
    yield _cohort(base)


def _origin(study: Study, entry: OverlapEntry | AccuracyEntry) -> Source:
    return study.sources[source_keys(entry.source)[0]]


def _printed(study: Study) -> list[OverlapEntry]:
    """Return the values that the base review prints of a study."""
    return [entry for entry in study.overlap if _origin(study, entry).kind == "baseline"]


def _published(study: Study) -> list[OverlapEntry]:
    """Return the values of the study's own model, as its own report prints them."""
    own = (entry for entry in study.overlap if _origin(study, entry).kind == "publication")
    return [entry for entry in own if entry.rater == "model"]


def _overlap(base: BaseReview, study: Study) -> Iterator[Statement]:
    for entry in _printed(study):
        family = "hausdorff" if entry.metric.startswith("hausdorff") else entry.metric
        own = [item for item in _published(study) if item.metric.startswith(family)]
        if not own:
            continue
        table, row = _origin(study, entry).table or "", _origin(study, entry).row
        yield Statement(
            f"entry-{table}-{study.id}",
            f"{NAMES[entry.metric]} of {label(study)} ({PLACES.get(table, table)}, row {row})",
            entry.value,
            "; ".join(f"{item.value} ({_what(base, item)})" for item in own),
            *_compare_overlap(base, entry, own),
            base.sources(table, study),
        )


def _compare_overlap(base: BaseReview, entry: OverlapEntry, own: Sequence[OverlapEntry]) -> tuple[Verdict, str]:
    value = number(entry.value)
    same = [item for item in own if item.metric == entry.metric and number(item.value) == value]
    if not same:
        other = next((item for item in own if item.metric != entry.metric and number(item.value) == value), None)
        if other is not None:
            return "contradicts", f"The abstract gives this number with another definition ({_what(base, other)})."
        nearest = min(own, key=lambda item: abs(number(item.value) - value))
        verdict = compare(entry.value, number(nearest.value))
        how = {"agrees": "which rounds to the entry", "contradicts": "not the entry"}.get(verdict, "cut to the entry")
        if verdict == "contradicts" and nearest.statistic == "median":  # a mean may stand in the full text
            verdict, how = "cannot be derived", "not the entry; no mean was seen"
        return verdict, f"The abstract prints {nearest.value} ({_what(base, nearest)}), {how}."
    match = same[0]
    if any(_target(item) != _target(match) for item in own):
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
    parts = (
        entry.structure,
        entry.sequence,
        short(base.review.datasets[entry.dataset]) if entry.dataset else None,
        statistic,
    )
    return ", ".join(part for part in parts if part)


def _accuracy(base: BaseReview, study: Study) -> Iterator[Statement]:
    printed = next((item for item in study.accuracy if _origin(study, item).kind == "baseline"), None)
    own = next((item for item in study.accuracy if item.primary and _origin(study, item).kind == "publication"), None)
    if printed is None or own is None:
        return
    found = [
        _compare_metric(NAMES.get(name, name), bare(value), getattr(own, name), own.auc)
        for name in METRICS
        if (value := getattr(printed, name)) is not None
    ]
    notes = "; ".join(note for _, note in found if note)
    table, row = _origin(study, printed).table or "", _origin(study, printed).row
    shown = [f"{NAMES.get(name, name)} {bare(getattr(own, name))}" for name in (*METRICS, "auc") if getattr(own, name)]
    yield Statement(
        f"entry-{table}-{study.id}",
        f"Row {row} of the accuracy table and {label(study)}",
        ", ".join(f"{NAMES.get(name, name)} {bare(value)}" for name in METRICS if (value := getattr(printed, name))),
        ", ".join(shown),
        max((verdict for verdict, _ in found), key=VERDICTS.index),
        f"{notes[0].upper()}{notes[1:]}." if notes else "The same figures.",
        base.sources(table, study),
    )


def _compare_metric(name: str, printed: str, own: AsPrinted | None, auc: AsPrinted | None) -> tuple[Verdict, str]:
    value = number(printed)
    if own is None:
        if auc is not None and rounds_to(bare(auc), value):
            note = f"the abstract has no {name}; its area under the curve is {bare(auc)}, which the entry may be"
            return "cannot be derived", note
        return "cannot be derived", f"no {name} was seen on the pages that could be read"
    theirs = number(own)
    if theirs == value:
        if Printed.parse(printed).unit < Printed.parse(bare(own)).unit:
            return "agrees within rounding", f"the abstract prints the {name} with fewer digits, as {bare(own)}"
        return "agrees", ""
    # Either side may have been printed with more digits than the other.
    finer = rounds_to(bare(own).removesuffix("%"), value * (100 if bare(own).endswith("%") else 1))
    coarser = rounds_to(printed.removesuffix("%"), theirs * (100 if printed.endswith("%") else 1))
    if finer or coarser:
        return "agrees within rounding", f"the abstract prints the {name} as {bare(own)}"
    return "contradicts", f"the abstract prints a {name} of {bare(own)}"


def _label(base: BaseReview, study: Study) -> Iterator[Statement]:
    if study.base_label is None:
        return
    own = study.primary
    kind = KINDS.get(own.problem or "") if own else None
    target = study.target_condition or "not said"
    yield Statement(
        f"label-{study.id}",
        f"{label(study)} is a study of {study.base_label}",
        study.base_label,
        f"{study.task} (target: {target})",
        "agrees" if study.base_label == study.task else "contradicts",
        "By the base review's own definitions, prediction is of future outcomes and diagnosis of disease in a patient."
        + (f" The figures score {kind}." if kind else ""),
        base.sources("Introduction", "accuracy", study),
    )


def _complete(base: BaseReview, metric: str) -> Statement:
    rows = len(base.tables[metric])
    lacking = [
        study
        for study in base.studies
        if study.identification
        and study.identification.status != "unknown"
        and any(item.metric == metric for item in _published(study))
        and not any(source.table == metric for source in study.sources.values())
    ]
    certain = any(study.identification and study.identification.status == "certain" for study in lacking)
    unsure = "" if certain else ", if these are the papers meant: their identification is probable, not certain"
    also = f"{listing([label(study) for study in lacking])} also report{'s' if len(lacking) == 1 else ''} one{unsure}."
    return Statement(
        f"{metric}-complete",
        f"The table holds every included study that reports a {NAMES[metric]}",
        plural(rows, "study", "studies"),
        f"at least {rows + len(lacking)}" if lacking else f"{rows}",
        *judged(
            not lacking,
            "No included study was found that reports one and is not in the table.",
            also,
            otherwise="contradicts" if certain else "cannot be derived",
        ),
        base.sources(metric, *lacking),
    )


def _unit(base: BaseReview) -> Statement:
    quote = base.quotes["unit_of_analysis"]
    found = []
    for study in base.studies:
        own = study.primary
        labelled = {study.task, study.base_label} & {"diagnosis", "prediction"}
        if own is not None and own.unit not in (None, quote.reading, "exam") and labelled:
            found.append((study, own.unit))
    return Statement(
        "unit-of-analysis",
        "Diagnosis and prediction are at patient level",
        quote.printed,
        listing([f"{label(study)}: {unit}" for study, unit in found]) or "patients wherever the unit was seen",
        *judged(not found, "No other unit was seen.", "Several of these can come from one patient."),
        base.sources(quote.where, *(study for study, _ in found)),
    )


def _conference(base: BaseReview) -> Statement:
    quote = base.quotes["conference_papers"]
    found = [study for study in base.studies if study.report.kind == quote.reading]
    why_not = f"{listing([study.report.journal or label(study) for study in found])} is among the included studies."
    return Statement(
        "conference-papers",
        "Conference papers are excluded",
        quote.printed,
        listing([f"{label(study)} is one" for study in found]) or "none found",
        *judged(not found, "No included study was identified as one.", why_not),
        base.sources(quote.where, *found),
    )


def _structures(base: BaseReview) -> Iterator[Statement]:
    quote, study = base.quoted("structure")
    printed = next(item for item in _printed(study) if item.metric == "dice")
    own = [item for item in _published(study) if item.metric == "dice"]
    named = [item for item in own if item.structure == quote.reading]
    holders = [item.structure or "" for item in own if number(item.value) == number(printed.value)]
    right = any(number(item.value) == number(printed.value) for item in named)
    sources = base.sources(quote.where, study)
    yield Statement(
        f"structure-{study.id}",
        f"What the Dice coefficient of {label(study)} was measured on",
        f"{printed.value}, {quote.printed}",
        "; ".join(f"{item.value} {item.structure}" for item in own),
        "agrees" if right else "contradicts" if named else "cannot be derived",
        f"In the abstract {printed.value} is the value of the {listing(holders)}.",
        sources,
    )
    quote = base.quotes["single_class"]
    structures = sorted({item.structure for item in own if item.structure})
    yield Statement(
        f"classes-{study.id}",
        f"{label(study)} segments a single structure",
        quote.printed,
        listing(structures),
        "agrees" if len(structures) == int(quote.reading) else "contradicts",
        "The abstract reports one Dice coefficient for each of these.",
        base.sources(quote.where, study),
    )


def _comparison(base: BaseReview) -> Statement:
    quote, study = base.quoted("comparison")
    return Statement(
        f"comparison-{study.id}",
        f"{label(study)} shows that the left ventricle is segmented better than the atria",
        quote.printed,
        f"segments the {study.topic}",
        "agrees" if study.topic == quote.reading else "cannot be derived",
        "A study compares chambers only where it segments both; its abstract names the chambers given here.",
        base.sources(quote.where, study),
    )


def _cohort(base: BaseReview) -> Statement:
    quote, study = base.quoted("single_centre")
    setting = study.setting
    centres = setting.centres if setting else None
    public = [base.review.datasets[name].name for name in (setting.datasets if setting and setting.datasets else [])]
    return Statement(
        f"cohort-{study.id}",
        f"{label(study)} used a small single-centre cohort",
        quote.printed,
        f"data of {listing(public)}" if public else "the study's own data",
        "cannot be derived" if centres is None else "agrees" if centres == quote.reading else "contradicts",
        "The abstract names this public challenge; the number of centres was not seen."
        if public and centres is None
        else "As coded from the study's own pages.",
        base.sources(quote.where, study),
    )
