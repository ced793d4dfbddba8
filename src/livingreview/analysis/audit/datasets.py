"""The base review's table of public datasets beside what the datasets' own pages say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from livingreview.analysis.audit.statements import BaseReview, Statement, Verdict, judged, short
from livingreview.review.model import Dataset, source_keys
from livingreview.wording import listing

__all__ = ["public_datasets"]

# Words of the table → sequences of the study files.
SEQUENCES: Mapping[str, str] = {
    r"\bcine\b": "cine", r"\bLGE\b": "LGE", r"\bT1\b": "T1 mapping", r"\bT2\b": "T2 mapping", r"\btagging\b": "tagging",
}  # fmt: skip
NUMBER = re.compile(r"\d{1,3}(?:[ ,\u202f]\d{3})+|\d+")


def public_datasets(base: BaseReview) -> Iterator[Statement]:
    """Yield vendors, size and sequences of each dataset, then what the text says of two of them."""
    at = {
        source.row: dataset
        for dataset in base.review.datasets.values()
        for source in dataset.sources.values()
        if source.table == "datasets"
    }
    for cells in base.tables["datasets"].to_dict("records"):
        if (dataset := at.get(int(cells["row"]))) is None:
            continue
        if dataset.identification.status == "unknown":
            why = dataset.discrepancy or dataset.identification.reason
            yield _statement(base, dataset, "identity", (f"row {cells['row']}", "not found"), "cannot be derived", why)
            continue
        if dataset.vendors and _own(dataset, "vendors") and "vendor" in str(cells["vendor_diversity"]).lower():
            yield _vendors(base, dataset, str(cells["vendor_diversity"]))
        if dataset.n and _own(dataset, "n"):
            yield _size(base, dataset, str(cells["sample_size"]))
        if dataset.sequences and _own(dataset, "sequences"):
            yield _sequences(base, dataset, str(cells["cmr_sequences"]))
    yield _text_and_table(base)
    yield _centres(base)


def _own(dataset: Dataset, field: str) -> bool:
    """Whether a value comes from elsewhere than the base review: else there is nothing to compare."""
    source = dataset.source.get(field, []) if isinstance(dataset.source, dict) else dataset.source
    return any(not dataset.sources[key].kind.startswith("baseline") for key in source_keys(source))


def _statement(
    base: BaseReview, dataset: Dataset, aspect: str, texts: tuple[str, str], verdict: Verdict, why: str = ""
) -> Statement:
    """Return the statement on one aspect; by default its explanation is what this review says of the difference."""
    own = "As on its own pages." if verdict == "agrees" else dataset.discrepancy or "Its own pages say otherwise."
    name, sources = f"dataset-{dataset.id}-{aspect}", base.sources("datasets", dataset)
    return Statement(name, f"{aspect.capitalize()} of {short(dataset)}", *texts, verdict, why or own, sources)


def _vendors(base: BaseReview, dataset: Dataset, printed: str) -> Statement:
    vendors = dataset.vendors or []
    named = re.search(r"single.vendor \((.+)\)", printed, re.IGNORECASE)
    agrees = vendors == [named[1]] if named else printed.lower().startswith("multi") == (len(vendors) > 1)
    return _statement(base, dataset, "vendors", (printed, listing(vendors)), "agrees" if agrees else "contradicts")


def _size(base: BaseReview, dataset: Dataset, printed: str) -> Statement:
    stated, texts = _numbers(printed), (printed, dataset.n or "")
    if stated and stated[0] in _numbers(dataset.n or ""):
        return _statement(base, dataset, "size", texts, "agrees")
    if printed.startswith("∼"):
        why = "No page with a count near the printed one was seen."
        return _statement(base, dataset, "size", texts, "cannot be derived", why)
    return _statement(base, dataset, "size", texts, "contradicts")


def _sequences(base: BaseReview, dataset: Dataset, printed: str) -> Statement:
    own = [str(name) for name in dataset.sequences or []]
    claimed = [name for pattern, name in SEQUENCES.items() if re.search(pattern, printed, re.IGNORECASE)]
    missing = [name for name in claimed if name not in own]
    verdict, why = judged(not missing, "As on its own pages.", f"Not on its own pages: {listing(missing)}.")
    return _statement(base, dataset, "sequences", (printed, listing(own)), verdict, why)


def _text_and_table(base: BaseReview) -> Statement:
    quote = base.quotes["multi_vendor"]
    dataset = base.review.datasets[quote.about]
    row = next(source.row for source in dataset.sources.values() if source.table == "datasets")
    table = base.tables["datasets"]
    printed = str(table.loc[table["row"] == str(row), "vendor_diversity"].iloc[0])
    agrees = printed.lower().startswith("multi")
    return Statement(
        f"text-and-table-{dataset.id}",
        f"Text and Table 1 describe {short(dataset)} alike",
        quote.printed,
        printed,
        *judged(agrees, "The same description.", "The text counts it among multi-vendor sets, the table does not."),
        base.sources(quote.where, "datasets"),
    )


def _centres(base: BaseReview) -> Statement:
    quote = base.quotes["multi_centre"]
    dataset = base.review.datasets[quote.about]
    centres = dataset.centres or ""
    single = bool(re.match(r"(one|1)\b", centres))
    return Statement(
        f"centres-{dataset.id}",
        f"{short(dataset)} is a multi-centre set",
        quote.printed,
        centres or "not seen",
        "contradicts" if single else "agrees" if centres else "cannot be derived",
        "Its own pages name one centre." if single else "As on its own pages.",
        base.sources(quote.where, dataset),
    )


def _numbers(text: str) -> list[int]:
    return [int(re.sub(r"\D", "", found)) for found in NUMBER.findall(text)]
