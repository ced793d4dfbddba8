"""One page per study: what it did and found, where each value was read, how it was judged, and what it moves.

The pages are Markdown with one block of HTML. No text of a study's file is read as Markdown: the block escapes it,
and in the heading every sign that could mean something is a character reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any
from unicodedata import combining, normalize
from urllib.parse import quote

import numpy as np
import pandas as pd
from pydantic import BaseModel

from livingreview.analysis.diagnosis import Pooled, central_table, leave_one_out_table, left_out_table, pool
from livingreview.analysis.evidence import TableEvidence
from livingreview.analysis.segmentation import METRICS, PooledGroup, pool_groups
from livingreview.analysis.tabulate import reference
from livingreview.publish.elements import PageLink, link_html, table_html
from livingreview.publish.inputs import Change, changes
from livingreview.publish.references import authors_of
from livingreview.review import Review, plain_label
from livingreview.review.model import Quoted, Source, Study, source_keys
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.measures import sensitivity, specificity
from livingreview.wording import day as written
from livingreview.wording import with_interval

__all__ = ["corrections", "study_pages"]

_NAMES = {"target_condition": "condition", "topic": "subject"}
_ABBREVIATED = ("tp", "fp", "fn", "tn", "ppv", "npv", "f1", "auc")
KINDS = {
    "baseline": "a table of the base review",
    "baseline_text": "the text of the base review",
    "publication": "the report",
    "page": "a web page",
    "derived": "computed from other values",
    "coding": "this review's coding: its own classification, which the report does not print",
}
#: What a page says → what a reader may look for instead; the search of the site compares words, not meanings.
SYNONYMS = {
    "hypertrophic cardiomyopathy": "HCM",
    "dilated cardiomyopathy": "DCM",
    "infarction": "heart attack",
    "right ventric": "RV",
    "left ventric": "LV",
    "late gadolinium enhancement": "LGE",
    "hypoplastic left heart": "HLHS",
}
BLOCKS = {
    "index_test": "The deep-learning method",
    "setting": "Where the data came from",
    "sample": "Sizes",
    "translation": "Readiness for use",
}


def study_pages(review: Review, *, repository: str, history: Mapping[str, Sequence[Change]]) -> dict[str, str]:
    """Return the page of every study of the review on its day: ``studies/<id>.md`` → text in MyST Markdown.

    `repository` is its address, empty where it is not known; `history` is as :func:`corrections` returns it.
    """
    pooled, segmented = pool(review), _segmented(pool_groups(review))
    moved = leave_one_out_table(pooled)
    return {
        f"studies/{study.id}.md": _page(
            study, _parts(study, pooled, moved, segmented.get(study.id, []), repository, history.get(study.id, ()))
        )
        for study in review.studies
    }


def corrections(root: Path) -> dict[str, list[Change]]:
    """Return the changes of each study's file that the repository remembers, newest first, by the study's id."""
    return {Path(path).stem: made for path, made in changes(root, "data/studies").items()}


def _page(study: Study, parts: Iterable[str]) -> str:
    title = f"{plain_label(study)}: {study.report.title}" if study.report.title else plain_label(study)
    # On one line, so that nothing in it can end the block.
    line = re.sub(r"[^\S\N{NO-BREAK SPACE}]+", " ", "".join(parts))
    return f"---\norphan: true\n---\n\n# {_inert(title)}\n\n```{{raw}} html\n{line}\n```\n"


def _inert(text: str) -> str:
    """Return text in which Markdown finds no sign: all but letters, digits and spaces as character references."""
    return re.sub(r"[^\w\s]|_", lambda sign: f"&#{ord(sign[0])};", " ".join(text.split()))


def _parts(
    study: Study,
    pooled: Pooled,
    moved: pd.DataFrame,
    segmented: Sequence[Mapping[str, str]],
    repository: str,
    history: Sequence[Change],
) -> Iterator[str]:
    authors, address = ", ".join(authors_of(study)), reference(study)
    link = link_html(address, address) if address else ""
    journal, year = study.report.journal or "", str(study.report.year or "")
    printed = journal if year in journal else f"{journal} {year}".strip()
    facts = [text for text in (escape(authors), escape(printed), link) if text]
    yield f"<p>{'. '.join(facts) or 'The report has not been identified.'}</p>"
    if not authors:
        name = escape(plain_label(study))
        yield f"<p>No author was seen in what was read; {name} is this review's own name for the study.</p>"
    yield f"<p>{_signed(study)} {_correct(study, repository)}</p>"
    if others := _other_words(study, authors):
        yield f'<p class="lr-also">Other words for it: {escape(", ".join(others))}.</p>'
    for title, parts in (
        ("Standing", [_records(study.standing, "on status route reason", "What the review holds of it.")]),
        ("What it found", _findings(study)),
        *([("Remarks", [_remarks(study)])] if study.notes else []),
        ("In the syntheses", _syntheses(study, pooled, moved, segmented)),
        ("What it did", _blocks(study)),
        ("Quality", _quality(study)),
        ("Where the values were read", [_sources(study)]),
        ("History of this file", [_history(history)]),
    ):
        yield f"<section><h2>{title}</h2>{''.join(parts)}</section>"


def _signed(study: Study) -> str:
    if study.verified:
        names = ", ".join(entry.verified_by for entry in study.extraction if entry.verified_by)
        return f"<strong>Extraction verified</strong> by {escape(names)}."
    return "<strong>No person has verified this extraction.</strong>"


def _correct(study: Study, repository: str) -> str:
    if not repository:
        return '<a href="../chapters/contribute.html">Correct a value</a>'
    form = f"{repository.rstrip('/')}/issues/new?template=correct-a-value.yml&study={quote(study.id)}"
    return f'<a href="{escape(form)}">Correct a value</a>'


def _other_words(study: Study, authors: str) -> list[str]:
    """Return what a reader may type to find the study: short and everyday words, and names without their accents."""
    structures = {"right ventricle" for entry in study.overlap if entry.structure == "RV"}
    about = " ".join(filter(None, (study.target_condition, study.topic, study.report.title, *structures))).casefold()
    plain = [
        "".join(sign for sign in normalize("NFKD", word) if not combining(sign))
        for word in re.findall(r"[^\W\d_]+", authors)
    ]
    folded = [name for name in plain if name not in authors]
    return [*(word for said, word in SYNONYMS.items() if said in about), *dict.fromkeys(folded)]


def _blocks(study: Study) -> Iterator[str]:
    about = {name: getattr(study, name) for name in ("task", "target_condition", "topic")}
    yield _facts(about, study.source, "The question")
    for name, title in BLOCKS.items():
        block = getattr(study, name)
        if block is not None:
            values = {field: getattr(block, field) for field in type(block).model_fields if field != "source"}
            yield _facts(values, block.source, title)


def _facts(values: Mapping[str, Any], source: Any, caption: str) -> str:
    rows = [
        {"Item": _item(name), "Value": _text(value), "Source": _named(source, name)}
        for name, value in values.items()
        if value is not None
    ]
    html = _rows(rows, caption) if rows else ""
    # Nobody sorts the facts of one study.
    return html.replace('class="lr-table"', 'class="lr-table lr-facts"', 1)


def _item(field: str) -> str:
    """Write the name of a field as a reader knows it.

    >>> _item("auc"), _item("n_diseased"), _item("field_strength")
    ('AUC', 'n diseased', 'Field strength')
    """
    if field in _ABBREVIATED:
        return field.upper()
    field = _NAMES.get(field, field)
    name = field.replace("_", " ")
    return name if re.match(r"n( |$)", name) else name[:1].upper() + name[1:]


def _named(source: Any, field: str) -> list[PageLink]:
    """Return the sources of a value, each leading to its row among the sources."""
    keys = source_keys(source[field]) if isinstance(source, dict) and field in source else source_keys(source)
    return [PageLink(f"#source-{key}", key) for key in keys]


def _text(value: Any) -> str:
    if isinstance(value, Quoted):
        extra = f" ({' to '.join(value.ci)})" if value.ci else f" ± {value.sd}" if value.sd else ""
        return value.value + extra
    if isinstance(value, BaseModel):
        return "; ".join(f"{name.replace('_', ' ')}: {_text(part)}" for name, part in value if part is not None)
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return written(value) if isinstance(value, date) else str(value)


def _findings(study: Study) -> Iterator[str]:
    for entry in study.accuracy:
        values = {name: value for name, value in entry if name not in ("id", "source", "label")}
        yield _facts(values, entry.source, entry.label or entry.id.replace("_", " "))
    if study.overlap:
        rows = [
            {
                METRICS.get(entry.metric, entry.metric): f"{entry.value}{f' ± {entry.sd}' if entry.sd else ''}",
                "Structure": entry.structure or "",
                "Phase": entry.phase or "",
                "Statistic": entry.statistic or "not stated",
                "n": "" if entry.n is None else str(entry.n),
                "Of": entry.rater,
                "Source": _named(entry.source, "value"),
            }
            for entry in study.overlap
        ]
        for metric in dict.fromkeys(next(iter(row)) for row in rows):
            yield _rows([row for row in rows if next(iter(row)) == metric], metric)
    if not study.accuracy and not study.overlap:
        yield "<p>No result has been extracted.</p>"


def _segmented(groups: Sequence[PooledGroup]) -> dict[str, list[dict[str, str]]]:
    """Return what each study gives to the segmentation syntheses, by its id."""
    found: dict[str, list[dict[str, str]]] = {}
    for group in groups:
        for value in group.rows.to_dict("records"):
            row = {
                "Synthesis": f"{METRICS[group.metric]}, {group.group}",
                "Value": f"{value['value']:g}",
                "Used": "yes" if value["usable"] else f"no: {value['refusal']}",
            }
            found.setdefault(value["study"], []).append(row)
    return found


def _syntheses(
    study: Study, pooled: Pooled, moved: pd.DataFrame, segmented: Sequence[Mapping[str, str]]
) -> Iterator[str]:
    used = [(place, item) for place, item in enumerate(pooled.selection.used) if item.study.id == study.id]
    out = [(item, why) for item, why in pooled.selection.left_out if item.study.id == study.id]
    diagnosis = '<a href="../chapters/diagnosis.html">main diagnostic synthesis</a>'
    for place, item in used:
        yield f"<p>It is in the {diagnosis}: {escape(item.reason)}.</p>"
        if len(moved) > place:  # empty where nothing could be pooled
            yield table_html(
                moved.iloc[[place, -1]],
                caption="The pooled estimates without it, and with all studies, on the central tables.",
            )
    known = [item for _, item in used] + [item for item, _ in out if item.usable]
    if known:
        yield _rows(
            [_table(item) for item in known],
            "The 2×2 table, with its range where several fit what is printed. This review computed sensitivity and "
            "specificity from the table (the central one of several), with Wilson intervals; for what the report "
            "prints, see What it found.",
        )
    if out:
        reasons = left_out_table(out)
        yield table_html(reasons[["Evaluation", "Reason"]], caption="Left out of the main diagnostic synthesis.")
    if segmented:
        yield _rows(segmented, "In the segmentation syntheses.")
    if not used and not out and not segmented:
        yield "<p>It is in no synthesis: it has no result that one could use.</p>"


def _table(item: TableEvidence) -> dict[str, str]:
    cells, low, high = central_table(item.tables), item.tables.min(axis=0), item.tables.max(axis=0)
    counts = Counts.from_arrays(*np.reshape(cells, (4, 1)))
    shown = (f"{n}" if a == b else f"{n} ({a} to {b})" for n, a, b in zip(cells, low, high, strict=True))
    counted = f"{item.entry.unit}s" if item.entry.unit else "of a unit not seen"
    return {
        "Evaluation": f"{item.entry.label or item.entry.id.replace('_', ' ')}, {counted}",
        **dict(zip(("TP", "FP", "FN", "TN"), shown, strict=True)),
        **{
            title: with_interval(measure(counts)[0]) if arm.any() else "not defined"
            for title, measure, arm in (
                ("Computed sensitivity", sensitivity, counts.n_diseased),
                ("Computed specificity", specificity, counts.n_nondiseased),
            )
        },
    }


def _remarks(study: Study) -> str:
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in study.notes)}</ul>"


def _quality(study: Study) -> Iterator[str]:
    appraisal = study.appraisal
    if appraisal and appraisal.judgements:
        fields = "tool domain kind judgement reason by on"
        yield _records(appraisal.judgements, fields, "Judgements of risk of bias and applicability.")
    if appraisal and appraisal.claim:
        values = {name: value for name, value in appraisal.claim if name not in ("source", "edition")}
        yield _facts(values, appraisal.claim.source, f"CLAIM {appraisal.claim.edition}, points per section")
    if not appraisal or not (appraisal.judgements or appraisal.claim):
        listed = any(item.status == "included" for item in study.standing)
        reason = "the base review prints its judgements without names" if listed else "nobody has made one yet"
        yield f"<p>No judgement of this study is recorded: {reason}.</p>"


def _records(records: Sequence[BaseModel], fields: str, caption: str) -> str:
    return _rows(
        [{name.capitalize(): _text(getattr(item, name)) for name in fields.split()} for item in records], caption
    )


def _rows(rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    return table_html(pd.DataFrame(rows), caption=caption)


def _sources(study: Study) -> str:
    rows = [
        {"Source": key, "Link": _links(source), "Kind": KINDS[source.kind], "Where": _where(source)}
        for key, source in study.sources.items()
    ]
    html = _rows(rows, "Every value above names one of these, and leads to it.")
    for key in study.sources:
        html = re.sub(rf'<th scope="row"([^>]*)>{key}</th>', rf'<th scope="row" id="source-{key}"\1>{key}</th>', html)
    return html


def _where(source: Source) -> str:
    table = source.table and f"table {source.table}" + (f", row {source.row}" if source.row else "")
    return "; ".join(filter(None, (table, source.where, source.how)))


def _links(source: Source) -> list[str]:
    pubmed = source.pmid and f"https://pubmed.ncbi.nlm.nih.gov/{source.pmid}/"
    pmc = source.pmcid and f"https://pmc.ncbi.nlm.nih.gov/articles/{source.pmcid}/"
    return [link for link in (source.doi, pubmed, pmc, source.url) if link]


def _history(history: Sequence[Change]) -> str:
    if not history:
        return "<p>This copy of the review does not hold its history.</p>"
    return _rows([{"Day": written(day), "Change": subject} for day, subject in history], "Changes of the study's file.")
