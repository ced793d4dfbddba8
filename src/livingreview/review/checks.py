"""What a schema cannot see: rules within a study and between files.

Each rule yields problems: where, what, the way out, and a code that is stable and never re-used. :func:`cross_check`
runs them all, those of :mod:`livingreview.review.number_checks` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain

from livingreview.errors import Fault
from livingreview.review.model import Dataset, Instrument, Source, Study, source_keys
from livingreview.review.model.base import Sourced
from livingreview.review.number_checks import Problem, Rows, number_problems
from livingreview.review.reading import Document, Place

__all__ = ["cross_check"]

Loaded = tuple[Study, Document]

PLACES = frozenset({"where", "doi", "pmid", "pmcid", "url"})
# What a source of each kind says of itself: one of these at least (a table's row: both), and these where they help.
KINDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "baseline": (frozenset({"table", "row"}), frozenset({"where"})),
    "baseline_text": (frozenset({"where"}), frozenset()),
    "publication": (PLACES, frozenset()),
    "page": (PLACES, frozenset()),
    "derived": (frozenset({"how"}), frozenset()),
    "coding": (frozenset({"how"}), frozenset()),
}
# No deep learning in cardiac MRI, and no paper of it, is older.
EARLIEST = date(1980, 1, 1)
MARKUP = re.compile(r"</?[A-Za-z][^<>]*>")
SHARED_ROWS = {"datasets"}
NOT_VALUES = {"source", "sources", "id", "primary", "note", "notes", "label", "rater", "edition", "contradiction"}
STUDY_VALUES = ("task", "base_label", "target_condition", "topic")


def cross_check(
    studies: Sequence[Loaded],
    datasets: Sequence[tuple[Dataset, Document]],
    baseline: Rows,
    latest: date,
    instruments: Iterable[Instrument] = (),
) -> Iterator[Fault]:
    """Yield every fault that only shows when values are read together.

    Parameters
    ----------
    studies, datasets
        Models with the documents they were read from (for line numbers).
    baseline
        Baseline tables: name → row number → cells.
    latest
        Today, or the newest day that the ledgers speak of: nothing has happened after it.
    instruments
        What studies are appraised with.
    """
    known_datasets = {dataset.id for dataset, _ in datasets}
    known_studies = {study.id: study for study, _ in studies}
    domains = {tool.name: [*(domain.id for domain in tool.domains), "overall"] for tool in instruments if tool.domains}
    for dataset, document in datasets:
        rules = (
            _file_name(dataset.id, document.path),
            _block_sources(dataset, (), set(dataset.sources)),
            _kinds(dataset.sources),
        )
        yield from (document.fault(*problem) for problem in chain(*rules))
    for study, document in studies:
        problems = chain(
            _file_name(study.id, document.path),
            _sources(study),
            _kinds(study.sources),
            _references(study, known_datasets, known_studies),
            _standing(study),
            _signatures(study),
            _task(study),
            _report(study),
            _judgements(study, domains),
            _days(study, latest),
            number_problems(study, baseline),
        )
        yield from (document.fault(*problem) for problem in problems)
    yield from _unique(studies, "LINK-007", "DOI")
    yield from _unique(studies, "LINK-008", "PMID")
    yield from _same_study(studies)
    yield from _baseline_rows_once(studies)


def _file_name(identifier: str, path: str) -> Iterator[Problem]:
    expected = f"{identifier}.yaml"
    if path.rsplit("/", 1)[-1] != expected:
        yield ("id",), f"the id {identifier!r} does not fit the file's name", f"rename it {expected}", "LINK-001"


def _sources(study: Study) -> Iterator[Problem]:
    keys = set(study.sources)
    used: set[str] = set()
    blocks: list[tuple[Place, Study | Sourced]] = [((), study)]
    for name in ("report", "index_test", "setting", "sample", "translation"):
        if (block := getattr(study, name)) is not None:
            blocks.append(((name,), block))
    for name in ("accuracy", "overlap"):
        blocks += [((name, index), entry) for index, entry in enumerate(getattr(study, name))]
    if study.appraisal and study.appraisal.claim:
        blocks.append((("appraisal", "claim"), study.appraisal.claim))
    for where, block in blocks:
        yield from _block_sources(block, where, keys)
        used |= set(source_keys(block.source))
    for key in sorted(keys - used):
        yield ("sources", key), "a source that no value names", "name it or delete it", "LINK-004"


def _kinds(sources: Mapping[str, Source]) -> Iterator[Problem]:
    for key, source in sources.items():
        needed, allowed = KINDS[source.kind]
        filled = source.model_fields_set - {"kind"}
        for name in sorted(filled - needed - allowed):
            remedy = "correct the kind, or delete it"
            yield ("sources", key, name), f"{name} beside kind: {source.kind}", remedy, "SOURCE-001"
        if not filled & needed or (source.kind == "baseline" and not needed <= filled):
            problem = f"a source of kind {source.kind} without {' and '.join(sorted(needed))}"
            if source.kind in ("publication", "page"):
                problem = f"a source of kind {source.kind} that says nothing of where it is"
            yield ("sources", key), problem, "add it, or correct the kind", "SOURCE-002"


def _block_sources(block: Sourced | Study | Dataset, where: Place, known: set[str]) -> Iterator[Problem]:
    """Every key named exists, and every value of the block is covered by one."""
    named = block.source if isinstance(block.source, Mapping) else {None: block.source}
    for name, source in named.items():
        place = (*where, "source") if name is None else (*where, "source", name)
        for key in sorted(set(source_keys(source)) - known):
            remedy = f"add it under sources, or use one of {', '.join(sorted(known))}"
            yield place, f"the source {key!r} is not defined", remedy, "LINK-003"
    if not isinstance(block.source, Mapping):
        return
    if isinstance(block, Study):
        names: Sequence[str] = STUDY_VALUES
    else:
        names = [name for name in type(block).model_fields if name not in NOT_VALUES]
    filled = [name for name in names if getattr(block, name) not in (None, [])]
    for name in filled:
        if name not in block.source:
            yield (*where, name), "a value without a source", f"add {name} to source", "LINK-002"
    for name in block.source:
        if name not in filled:
            problem = f"source names {name!r}, which has no value here"
            yield (*where, "source", name), problem, "delete it or add the value", "LINK-005"


def _references(study: Study, datasets: set[str], studies: Mapping[str, Study]) -> Iterator[Problem]:
    in_setting = enumerate((study.setting and study.setting.datasets) or [])
    named: list[tuple[Place, str]] = [(("setting", "datasets", i), name) for i, name in in_setting]
    named += [(("overlap", i, "dataset"), entry.dataset) for i, entry in enumerate(study.overlap) if entry.dataset]
    for where, name in named:
        if name not in datasets:
            remedy = f"add data/datasets/{name}.yaml, or use one of {', '.join(sorted(datasets))}"
            yield where, f"unknown dataset {name!r}", remedy, "LINK-006"
    for index, other in enumerate(study.shares_patients_with):
        if other not in studies or other == study.id:
            yield ("shares_patients_with", index), f"no other study {other!r}", "use a study's id", "LINK-009"
        elif study.id not in studies[other].shares_patients_with:
            problem = f"{other} does not say that it shares patients with {study.id}"
            remedy = f"add {study.id} to shares_patients_with of {other}"
            yield ("shares_patients_with", index), problem, remedy, "LINK-013"


def _standing(study: Study) -> Iterator[Problem]:
    days = [standing.on for standing in study.standing]
    for index in range(1, len(days)):
        if days[index] <= days[index - 1]:
            problem = "standings out of order or twice on one day"
            remedy = "one line for each day, the earliest first; replace the line that no longer holds"
            yield ("standing", index, "on"), problem, remedy, "LINK-010"
    ids = [entry.id for entry in study.accuracy]
    primaries = [index for index, entry in enumerate(study.accuracy) if entry.primary]
    if len(ids) > 1 and not primaries:
        yield ("accuracy",), "several entries and none is primary", "mark one", "LINK-011"
    for index in primaries[1:]:
        yield ("accuracy", index, "primary"), "more than one primary entry", "mark one", "LINK-011"
    for index, name in enumerate(ids):
        if name in ids[:index]:
            yield ("accuracy", index, "id"), f"the id {name!r} stands twice", "rename one", "LINK-012"


def _task(study: Study) -> Iterator[Problem]:
    if study.task is not None and study.base_label == study.task:
        yield ("base_label",), "the base review's label is the task itself", "delete it, or correct task", "TASK-001"
    decides = any(entry.problem in ("binary", "multi-class average") for entry in study.accuracy)
    if study.task == "segmentation" and decides and not study.overlap:
        problem = "a segmentation study with no Dice, Jaccard or Hausdorff value, but diagnostic accuracy"
        yield ("task",), problem, "correct task, or add overlap", "TASK-002"
    if study.task in ("diagnosis", "prediction") and study.overlap and not study.accuracy:
        problem = f"a {study.task} study with nothing but values of a segmentation"
        yield ("task",), problem, "correct task, or add accuracy", "TASK-002"


def _report(study: Study) -> Iterator[Problem]:
    """Yield a fault where the same thing is said twice and not alike, or a name or title is not plain text."""
    report = study.report
    for key, source in study.sources.items():
        for name in ("doi", "pmid", "pmcid") if source.kind == "publication" else ():
            here, there = getattr(report, name), getattr(source, name)
            if here and there and here.lower() != there.lower():
                remedy = "correct the wrong one; where the source is another paper, give it kind: page"
                problem = f"the report's {name} is {here}, its source {key} gives {there}"
                yield ("report", name), problem, remedy, "REF-001"
    for name in ("title", "first_author", "authors", "journal"):
        value = getattr(report, name)
        if any(MARKUP.search(text) for text in (value if isinstance(value, list) else [value or ""])):
            remedy = "write what a reader sees, such as T1 for T<sub>1</sub>"
            yield ("report", name), "mark-up, which is shown as it stands", remedy, "REF-004"
    if report.authors and report.first_author and report.authors[0] != report.first_author:
        problem = f"the first of the authors is {report.authors[0]}"
        yield ("report", "first_author"), problem, "write both alike", "REF-002"
    if report.year is None:
        return
    told = {
        "id": re.findall(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])", study.id),
        "journal": re.findall(r"(?<![0-9])(?:19|20)[0-9]{2}(?=;)", report.journal or ""),
    }
    for name, years in told.items():
        if years and str(report.year) not in years:
            problem = f"the year is {report.year}, the {name} says {years[0]}"
            yield ("report", "year"), problem, "correct one of them", "REF-003"
    if report.published is not None and report.year - report.published.year not in (0, 1):
        problem = f"the year is {report.year}, the report was published on {report.published}"
        yield ("report", "year"), problem, "correct one of them", "REF-003"


def _judgements(study: Study, domains: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for index, item in enumerate(study.appraisal.judgements if study.appraisal else ()):
        if item.domain not in domains.get(item.tool, (item.domain,)):
            where = ("appraisal", "judgements", index, "domain")
            remedy = f"use one of {', '.join(domains[item.tool])}"
            yield where, f"{item.domain!r} is no domain of {item.tool}", remedy, "JUDGEMENT-001"


def _days(study: Study, latest: date) -> Iterator[Problem]:
    days: list[tuple[Place, date | None]] = [(("report", "published"), study.report.published)]
    days += [(("standing", i, "on"), standing.on) for i, standing in enumerate(study.standing)]
    for index, item in enumerate(study.extraction):
        days += [(("extraction", index, "on"), item.on), (("extraction", index, "verified_on"), item.verified_on)]
    judgements = study.appraisal.judgements if study.appraisal else []
    days += [(("appraisal", "judgements", i, "on"), judgement.on) for i, judgement in enumerate(judgements)]
    for where, day in days:
        if day is not None and not EARLIEST <= day <= latest:
            problem = f"expected a day from {EARLIEST} to {latest}, found {day}"
            yield where, problem, "check the day", "DAY-001"
    published = study.report.published
    last = max(item.on for item in study.extraction)
    if published is not None and last < published <= latest:
        problem = f"published on {published}, after it was read on {last}"
        yield ("report", "published"), problem, "correct one of the days", "DAY-002"


def _signatures(study: Study) -> Iterator[Problem]:
    for index, item in enumerate(study.extraction):
        where = ("extraction", index)
        if (item.verified_by is None) != (item.verified_on is None):
            remedy = "give verified_by and verified_on, or neither"
            yield where, "a signature without its name or its day", remedy, "SIGN-001"
        elif item.verified_on is not None and item.verified_on < item.on:
            yield where, "signed before it was extracted", "check the days", "SIGN-002"
        elif item.verified_by is not None and item.verified_by.casefold() == item.by.casefold():
            yield where, f"{item.by} verifies what {item.by} extracted", "let another sign", "SIGN-003"


def _same_study(studies: Sequence[Loaded]) -> Iterator[Fault]:
    """Yield a fault for each study that has another's title, or another's first author, year and results.

    Two that name each other under ``shares_patients_with`` are two studies, as somebody has seen.
    """
    first: dict[tuple[object, ...], Study] = {}
    for study, document in studies:
        report = study.report
        title = tuple(re.findall(r"\w+", re.sub(r"<[^>]*>", "", report.title or "").casefold()))
        results: list[object] = [pair for entry in study.accuracy for pair in (*entry.metrics.items(), entry.counts)]
        results += [(entry.metric, entry.structure, entry.phase, entry.value) for entry in study.overlap]
        alike: list[tuple[str, tuple[object, ...]]] = [("title", ("title", *title))] if title else []
        if report.first_author and report.year and len(results) > 1:
            alike.append(("first author, year and results", (report.first_author, report.year, str(results))))
        for what, key in alike:
            other = first.setdefault(key, study)
            identified = any(
                here and here == there
                for here, there in ((report.doi, other.report.doi), (report.pmid, other.report.pmid))
            )
            if other.id != study.id and other.id not in study.shares_patients_with and not identified:
                remedy = "one study, one file; if they are two, name each under shares_patients_with of the other"
                yield document.fault(("report", "title"), f"the {what} of {other.id}", remedy, "LINK-014")
                break


def _baseline_rows_once(studies: Sequence[Loaded]) -> Iterator[Fault]:
    first: dict[tuple[str, int], str] = {}
    for study, document in studies:
        for key, source in study.sources.items():
            if source.kind != "baseline" or source.row is None or source.table in SHARED_ROWS:
                continue
            place = (source.table or "", source.row)
            if place in first and first[place] != study.id:
                problem = f"row {source.row} of {source.table} is already {first[place]}'s"
                yield document.fault(("sources", key), problem, "a row belongs to one study", "BASE-003")
            first.setdefault(place, study.id)


def _unique(studies: Sequence[Loaded], code: str, what: str) -> Iterator[Fault]:
    holders: dict[str, str] = {}
    for study, document in studies:
        identifier = (getattr(study.report, what.lower()) or "").lower()
        if identifier in holders:
            problem = f"the {what} {identifier} is already {holders[identifier]}'s"
            remedy = "one study, one file: add what is new there"
            yield document.fault(("report", what.lower()), problem, remedy, code)
        elif identifier:
            holders[identifier] = study.id
