"""The one schema: a pydantic model for every file under ``data/``.

The loader's types, the JSON Schema that editors use, the codebook and the published data package all come from here.
Three ideas hold everywhere:

* unknown is absent: a field that nobody reported is left out, never guessed and never ``NR``;
* every value names its source: a block's ``source`` is one key of the study's ``sources`` for all its values, a list
  of keys, or a mapping field → key(s);
* what a paper printed is kept as printed: ``"0.90"``, ``"95.24%"`` are quoted texts, because their decimals say how
  far they were rounded.
"""

from __future__ import annotations

from typing import Any

from livingreview.review.model.base import FileModel, Source, Unit, source_keys
from livingreview.review.model.files import (
    Concept,
    ConclusionRule,
    Dataset,
    Instrument,
    Release,
    ReleaseNotes,
    ReviewFile,
    Strategy,
    Term,
)
from livingreview.review.model.study import (
    AccuracyEntry,
    Appraisal,
    AsPrinted,
    Candidate,
    Extraction,
    IndexTest,
    Judgement,
    OverlapEntry,
    PersonExtraction,
    Quoted,
    RiskOfBias,
    Sample,
    Setting,
    Standing,
    Study,
    Translation,
    bare,
    number,
)

__all__ = [
    "AccuracyEntry", "Appraisal", "AsPrinted", "Candidate", "Concept", "ConclusionRule", "Dataset", "Extraction",
    "IndexTest", "Instrument", "Judgement", "OverlapEntry", "PersonExtraction", "Quoted", "Release", "ReleaseNotes",
    "ReviewFile", "RiskOfBias", "Sample", "Setting", "Source", "Standing", "Strategy", "Study", "Term", "Translation",
    "Unit", "bare", "json_schemas", "number", "source_keys",
]  # fmt: skip


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each kind of file, as editors read it from ``data/schema/<name>.schema.json``."""
    kinds: dict[str, type[FileModel]] = {
        "study": Study,
        "extraction": PersonExtraction,
        "dataset": Dataset,
        "instrument": Instrument,
        "review": ReviewFile,
        "strategy": Strategy,
        "release": Release,
    }
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **kind.model_json_schema()}
        for name, kind in kinds.items()
    }
