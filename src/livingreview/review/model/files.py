"""The other files under ``data/``: datasets, instruments, the review itself, the search strategy, the releases."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, field_validator

from livingreview.review.model.base import (
    AnyText,
    Count,
    Doi,
    FileModel,
    Identification,
    Sequence,
    Source,
    SourceKey,
    SourceRef,
    StudyId,
    Text,
    WebAddress,
    Year,
)

Version = Annotated[str, StringConstraints(pattern=r"^20\d{2}\.(0|[1-9]\d{0,2})$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
#: How the review may hold a study, in the order in which results tell it.
STATUSES: Final = ("included", "awaiting classification", "cited as background", "excluded")


class Dataset(FileModel):
    """A public CMR dataset: what the base review prints of it, and what its own pages say."""

    id: StudyId
    name: Text
    identification: Identification
    n: AnyText | None = Field(None, description="Size, in the words of the source.")
    n_subjects: Count | None = None
    centres: Text | None = None
    countries: list[Text] | None = None
    vendors: list[Text] | None = None
    vendor_note: Text | None = None
    field_strength: list[Text] | None = None
    sequences: list[Sequence] | None = None
    sequences_note: Text | None = None
    structures_labelled: Text | None = None
    disease_groups: Text | None = None
    splits: Text | None = None
    access: Text | None = None
    url: WebAddress | None = None
    citation: Text | None = None
    citation_doi: Doi | None = None
    discrepancy: Text | None = Field(None, description="Where the base review's table and the dataset's pages differ.")
    source: SourceRef
    sources: dict[SourceKey, Source]


class InstrumentItem(FileModel):
    """One item or signalling question, in this review's own short words."""

    id: int | str
    asks: Text
    section: Text | None = None


class InstrumentDomain(FileModel):
    """A QUADAS-2 domain."""

    id: Text
    applicability: bool
    signalling: list[InstrumentItem]


class Instrument(FileModel):
    """An appraisal instrument: edition, source and items."""

    name: Text
    edition: AnyText
    doi: Doi
    note: Text | None = None
    items: list[InstrumentItem] = []
    domains: list[InstrumentDomain] = []


class ConclusionRule(FileModel):
    """A change that readers must be told about, decided before it happens."""

    id: SourceKey
    synthesis: Text
    measure: Text
    kind: Literal[
        "crosses threshold", "interval excludes previous estimate", "heterogeneity class changes", "certainty changes"
    ]
    threshold: float | None = None
    says: Text


class Certainty(FileModel):
    """A person's judgement of how certain the evidence of a synthesis is; the latest one by a day holds."""

    synthesis: Text
    level: Literal["high", "moderate", "low", "very low"]
    on: date
    by: Text
    reason: Text


class Living(FileModel):
    """PRISMA-LSR's living-mode parameters."""

    search_every_days: Annotated[int, Field(ge=1)]
    rebuild_every_days: Annotated[int, Field(ge=1)]
    status: Literal["living", "paused", "retired"]
    retirement_rule: Text


class Thresholds(FileModel):
    """Decision limits of the base review, kept for its updates."""

    p_value: float
    i2_percent: float
    source: Text


class Addresses(FileModel):
    """Where the repository and the site live; empty until they are published."""

    repository: WebAddress | Literal[""] = ""
    site: WebAddress | Literal[""] = ""


class ReviewFile(FileModel):
    """``data/review.yaml``: the question, its limits and the rules of living."""

    title: Text
    version: Version
    base_review: dict[str, Any]
    question: dict[Literal["participants", "intervention", "comparison", "outcomes"], Text]
    question_source: Text
    eligibility: dict[Literal["include", "exclude"], list[Text]]
    eligibility_source: Text
    registration: dict[Literal["registry", "number", "source"], Text]
    thresholds: Thresholds
    living: Living
    conclusion_rules: list[ConclusionRule]
    certainty: list[Certainty] = Field([], description="Empty until a person has judged; never set by a machine.")
    addresses: Addresses = Addresses()


class Term(FileModel):
    """One search term: free text, or a subject heading of one database."""

    text: AnyText
    heading: bool = False
    truncated: bool = Field(default=False, description="Also longer words that begin like the last one.")
    databases: list[Text] | None = Field(None, description="Only these databases; absent: all.")
    note: Text | None = Field(None, description="Why the term stands here, where the strategy's source does not say.")


class Concept(FileModel):
    """Terms joined by OR; concepts are joined by AND."""

    name: Text
    terms: Annotated[list[Term], Field(min_length=1)]


class Strategy(FileModel):
    """``data/search/strategy.yaml``: one strategy, serialised for every database."""

    id: SourceKey
    title: Text
    status: Text = Field(description="How the strategy came about, e.g. reconstructed from a description.")
    source: Text
    concepts: Annotated[list[Concept], Field(min_length=1)]
    from_year: Year
    to_year: Year
    languages: list[Text]
    databases: list[Text]


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
