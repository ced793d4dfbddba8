"""Statements of the running text about single studies, beside what these studies report."""

from __future__ import annotations

from collections.abc import Iterator

from livingreview.audit.base import BaseReview, study_link
from livingreview.audit.primaries import kind_of_source, published
from livingreview.audit.statements import Statement
from livingreview.review import label, number
from livingreview.wording import listing

__all__ = ["claims_on_studies"]


def claims_on_studies(base: BaseReview) -> Iterator[Statement]:
    """Yield what the text says of units, kinds of report, structures and cohorts."""
    yield _unit(base)
    yield _conference(base)
    yield from _structures(base)
    yield _comparison(base)
    yield _cohort(base)


def _unit(base: BaseReview) -> Statement:
    quote = base.quotes["unit_of_analysis"]
    found = []
    for study in base.studies:
        own = next((item for item in study.accuracy if item.primary), None)
        labelled = {study.task, study.base_label} & {"diagnosis", "prediction"}
        if own is not None and own.unit not in (None, quote.reading, "exam") and labelled:
            found.append((study, own.unit))
    return Statement(
        "unit-of-analysis",
        "primary studies",
        "Diagnosis and prediction are at patient level",
        quote.printed,
        listing([f"{label(study)}: {unit}" for study, unit in found]) or "patients wherever the unit was seen",
        "contradicts" if found else "agrees",
        "Several of these can come from one patient." if found else "No other unit was seen.",
        (base.link(quote.where), *(study_link(study) for study, _ in found)),
    )


def _conference(base: BaseReview) -> Statement:
    quote = base.quotes["conference_papers"]
    found = [study for study in base.studies if study.report.kind == quote.reading]
    return Statement(
        "conference-papers",
        "primary studies",
        "Conference papers are excluded",
        quote.printed,
        listing([f"{label(study)} is one" for study in found]) or "none found",
        "contradicts" if found else "agrees",
        f"{listing([study.report.journal or label(study) for study in found])} is among the included studies."
        if found
        else "No included study was identified as one.",
        (base.link(quote.where), *(study_link(study) for study in found)),
    )


def _structures(base: BaseReview) -> Iterator[Statement]:
    quote = base.quotes["structure"]
    study = base.review.study(quote.about)
    printed = next(
        item for item in study.overlap if kind_of_source(study, item) == "baseline" and item.metric == "dice"
    )
    own = [item for item in published(study) if item.metric == "dice"]
    named = [item for item in own if item.structure == quote.reading]
    holders = [item.structure or "" for item in own if number(item.value) == number(printed.value)]
    right = any(number(item.value) == number(printed.value) for item in named)
    sources = (base.link(quote.where), study_link(study))
    yield Statement(
        f"structure-{study.id}",
        "primary studies",
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
        "primary studies",
        f"{label(study)} segments a single structure",
        quote.printed,
        listing(structures),
        "agrees" if len(structures) == int(quote.reading) else "contradicts",
        "The abstract reports one Dice coefficient for each of these.",
        (base.link(quote.where), study_link(study)),
    )


def _comparison(base: BaseReview) -> Statement:
    quote = base.quotes["comparison"]
    study = base.review.study(quote.about)
    return Statement(
        f"comparison-{study.id}",
        "primary studies",
        f"{label(study)} shows that the left ventricle is segmented better than the atria",
        quote.printed,
        f"segments the {study.topic}",
        "agrees" if study.topic == quote.reading else "cannot be derived",
        "A study compares chambers only where it segments both; its abstract names the chambers given here.",
        (base.link(quote.where), study_link(study)),
    )


def _cohort(base: BaseReview) -> Statement:
    quote = base.quotes["single_centre"]
    study = base.review.study(quote.about)
    setting = study.setting
    centres = setting.centres if setting else None
    public = [base.review.datasets[name].name for name in (setting.datasets if setting and setting.datasets else [])]
    return Statement(
        f"cohort-{study.id}",
        "primary studies",
        f"{label(study)} used a small single-centre cohort",
        quote.printed,
        f"data of {listing(public)}" if public else "the study's own data",
        "cannot be derived" if centres is None else "agrees" if centres == quote.reading else "contradicts",
        "The abstract names this public challenge; the number of centres was not seen."
        if public and centres is None
        else "As coded from the study's own pages.",
        (base.link(quote.where), study_link(study)),
    )
