"""``data/extraction/<study id>/<person>.yaml``: what one person read in the report of one study."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from livingreview.review.model.base import Record, Source, SourceKey, StudyId, Text
from livingreview.review.model.study import AccuracyEntry, IndexTest, OverlapEntry, Sample, Setting, Translation


class PersonExtraction(Record):
    """One person's extraction, made without looking at another's; the blocks are those of a study file."""

    study: StudyId = Field(description="Id of the study, which is also the folder's name.")
    person: Text = Field(description="Who read the report.")
    on: date
    index_test: IndexTest | None = None
    setting: Setting | None = None
    sample: Sample | None = None
    accuracy: list[AccuracyEntry] = Field([], description="Agree on the ids of the evaluations beforehand.")
    overlap: list[OverlapEntry] = []
    translation: Translation | None = None
    sources: Annotated[dict[SourceKey, Source], Field(min_length=1)]
