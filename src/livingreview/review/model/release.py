"""A released version: its frozen results, and what a living review tells of each version (PRISMA-LSR)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, field_validator

from livingreview.review.model.base import Count, FileModel, SourceKey, StudyId, Text

__all__ = [
    "STATUSES", "Contributor", "FrozenMeasure", "FrozenResults", "FrozenSynthesis", "Release", "ReleaseNotes",
    "Version",
]  # fmt: skip

Version = Annotated[str, StringConstraints(pattern=r"^20\d{2}\.(0|[1-9]\d{0,2})$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
#: How the review may hold a study, in the order in which results tell it.
STATUSES: Final = ("included", "awaiting classification", "cited as background", "excluded")


class Contributor(FileModel):
    """Who made a version, and in which roles; no roles where they are not known."""

    name: Text
    roles: list[Text] = []


class Told(FileModel):
    """What people say of a version; what nobody said is absent."""

    title: Text | None = None
    about: Text | None = Field(None, description="What this version is, where that needs a word.")
    trigger: Text | None = Field(None, description="What triggered this version.")
    methods_changed: list[Text] = Field([], description="Changes to the methods since the version before.")
    authors: list[Contributor] = []


class ReleaseNotes(Told):
    """The file given to ``livingreview release --notes``."""

    conclusions: dict[SourceKey, Text] = Field({}, description="Rule that fired → what it means for the conclusions.")


class Conclusion(FileModel):
    """A conclusion rule that fired between the version before and this one, and what that means."""

    rule: SourceKey
    says: Text
    text: Text


class FrozenMeasure(FileModel):
    """A number, with its interval where it has one."""

    estimate: float | None
    ci: Annotated[list[float | None], Field(min_length=2, max_length=2)] | None = None
    level: float | None = None


class FrozenSynthesis(FileModel):
    """One synthesis as it was."""

    id: Text
    title: Text
    studies: list[StudyId]
    measures: dict[SourceKey, FrozenMeasure]
    reason: str
    certainty: str = ""

    def value(self, name: str) -> float | None:
        """Return a number by name: a measure's estimate, or with ``_lower`` or ``_upper`` its limit; None for none."""
        if name in self.measures:
            return self.measures[name].estimate
        measure, _, limit = name.rpartition("_")
        found = self.measures.get(measure)
        if found is None or found.ci is None or limit not in ("lower", "upper"):
            return None
        return found.ci[limit == "upper"]


class FrozenResults(FileModel):
    """Every pooled number of the version."""

    version: Version
    day: date
    last_search: date
    studies: dict[Text, list[StudyId]]
    verified: list[StudyId]
    syntheses: list[FrozenSynthesis]

    @field_validator("studies")
    @classmethod
    def _in_order(cls, studies: dict[str, list[str]]) -> dict[str, list[str]]:
        return {status: studies[status] for status in STATUSES if status in studies}

    def __getitem__(self, synthesis: str) -> FrozenSynthesis:
        """Return a synthesis by id; a KeyError where there is none."""
        return self.by_id[synthesis]

    @property
    def by_id(self) -> dict[str, FrozenSynthesis]:
        """The syntheses by id, in their order."""
        return {item.id: item for item in self.syntheses}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return self.model_dump(mode="json", exclude_unset=True)


class Digests(FileModel):
    """SHA-256 of what the results were computed from."""

    data: Sha256 = Field(description="The data folder without its releases.")
    code: Sha256 = Field(description="The package.")
    lock: Sha256 = Field(description="requirements.lock.")


class Release(Told):
    """``data/releases/<version>.json``: written by ``livingreview release``, never edited afterwards."""

    version: Version
    day: date = Field(description="Day that the results speak of.")
    frozen: date = Field(description="Day on which this file was made.")
    conclusions: list[Conclusion] = []
    flow: dict[Text, Count | None] = Field(description="Box of the flow diagram → count.")
    results: FrozenResults
    digests: Digests
    seal: Sha256 = Field(description="SHA-256 of this file's content without the seal.")
