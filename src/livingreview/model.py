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

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "AccuracyEntry",
    "Appraisal",
    "Candidate",
    "ConclusionRule",
    "Dataset",
    "Extraction",
    "Identification",
    "IndexTest",
    "Instrument",
    "Judgement",
    "OverlapEntry",
    "Quoted",
    "Report",
    "ReviewFile",
    "Sample",
    "Setting",
    "Source",
    "Standing",
    "Strategy",
    "Study",
    "Translation",
    "json_schemas",
]

SourceKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
SourceRef = SourceKey | list[SourceKey] | dict[str, SourceKey | list[SourceKey]]
StudyId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Doi = Annotated[str, StringConstraints(pattern=r"^10\.\d{4,9}/[^\s<>\"'`{}|\\]+$", max_length=200)]
Pmid = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,8}$")]
Pmcid = Annotated[str, StringConstraints(pattern=r"^PMC\d{1,9}$")]
WebAddress = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"'`{}|\\]+$", max_length=500)]
PrintedNumber = Annotated[str, StringConstraints(pattern=r"^\d{1,6}(\.\d{1,6})?\s?%?$")]
Count = Annotated[int, Field(ge=0, le=10_000_000_000, strict=True)]
Year = Annotated[int, Field(ge=1980, le=2100, strict=True)]

Task = Literal["segmentation", "diagnosis", "prediction"]
Family = Literal[
    "U-Net", "nnU-Net", "V-Net", "DenseNet", "CNN", "RNN", "R-CNN", "transformer", "autoencoder", "SegNet",
    "mixer", "shape model hybrid", "other",
]  # fmt: skip
Dimensionality = Literal["2D", "2.5D", "2D+t", "3D", "3D+t"]
Sequence = Literal[
    "cine", "LGE", "T1 mapping", "T2 mapping", "T2*", "T2-weighted", "perfusion", "phase contrast", "tagging",
    "coronary MRA", "other",
]  # fmt: skip
Structure = Literal[
    "LV", "LV cavity", "LV epicardium", "LV myocardium", "LV trabeculations", "RV", "LA", "RA", "atria", "scar",
    "multi-class", "other",
]  # fmt: skip
Topic = Literal[
    "ventricles", "atria", "ventricles and atria", "scar or fibrosis", "amyloidosis",
    "hypertrophic cardiomyopathy", "non-compaction", "myocarditis", "ischaemic heart disease",
    "pulmonary hypertension", "arrhythmia or sudden death", "iron overload", "congenital heart disease",
    "mortality or heart failure", "several conditions", "other",
]  # fmt: skip
Unit = Literal["patient", "exam", "slice", "image", "segment", "lesion", "voxel", "box"]
Metric = Literal["dice", "iou", "hausdorff", "hausdorff95"]


class Record(BaseModel):
    """Base of all file models: unknown keys are refused, values cannot be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Record):
    """A block whose values each name their source."""

    source: SourceRef = Field(description="Key of `sources`: one for all values, a list, or a mapping field → key(s).")


class Source(Record):
    """Where a value was read.

    ``baseline``: a row of the base review's transcribed tables; ``baseline_text``: its running text;
    ``publication``: the study's own report; ``page``: another public page; ``derived``: arithmetic on stated values;
    ``coding``: this review's own classification.
    """

    kind: Literal["baseline", "baseline_text", "publication", "page", "derived", "coding"]
    table: Text | None = Field(None, description="Name of the baseline table, without `.csv`.")
    row: Annotated[int, Field(ge=1, strict=True)] | None = Field(None, description="Value of its `row` column.")
    where: Text | None = Field(None, description="Place in the source: abstract, Table 2, p. 5, a section heading.")
    how: Text | None = Field(None, description="For `derived` and `coding`: the arithmetic or the rule.")
    doi: Doi | None = None
    pmid: Pmid | None = None
    pmcid: Pmcid | None = None
    url: WebAddress | None = None


class Report(Sourced):
    """Bibliographic facts of the study's main report."""

    title: Text | None = None
    first_author: Text | None = Field(None, description="Surname and initials as printed.")
    authors: list[Text] | None = Field(None, description="All authors, in order, when known.")
    journal: Text | None = Field(None, description="Journal with volume, issue and pages as far as known.")
    year: Year | None = None
    published: date | None = Field(None, description="Date of first publication, when known to the day.")
    kind: Literal["journal article", "conference paper", "preprint"] | None = None
    doi: Doi | None = None
    pmid: Pmid | None = None
    pmcid: Pmcid | None = None
    url: WebAddress | None = None


class Candidate(Record):
    """A paper that might be the one the base review means; its findings are kept out of the study's facts."""

    title: Text | None = None
    first_author: Text | None = None
    journal: Text | None = None
    year: Year | None = None
    doi: Doi | None = None
    pmid: Pmid | None = None
    pmcid: Pmcid | None = None
    url: WebAddress | None = None
    reason: Text = Field(description="What speaks for it, and what against.")


class Identification(Record):
    """How sure it is that ``report`` is the paper the base review means."""

    status: Literal["certain", "probable", "unknown"]
    reason: Text


class Standing(Record):
    """What the review holds of the study from a date on; the last one on or before a day counts on that day."""

    on: date = Field(description="Date of the update that decided it.")
    status: Literal["included", "awaiting classification", "cited as background", "excluded"]
    route: Literal["databases", "other methods"] = Field(description="PRISMA's two ways into a review.")
    reason: Text


class IndexTest(Sourced):
    """The deep-learning method."""

    architecture: Text | None = None
    family: Family | None = None
    dimensionality: Dimensionality | None = None
    sequences: list[Sequence] | None = None
    learning: Literal["supervised", "semi-supervised", "self-supervised", "unsupervised"] | None = None


class Setting(Sourced):
    """Where the data came from, and how the method was tested."""

    datasets: list[StudyId] | None = Field(None, description="Ids of files under `data/datasets/`.")
    description: Text | None = None
    access: Literal["public", "private", "mixed"] | None = None
    centres: Literal["single", "multi"] | None = None
    vendors: list[Text] | None = None
    validation: Literal["internal test set", "cross-validation", "external", "internal and external"] | None = None


class Sample(Sourced):
    """Sizes of the whole cohort and its parts, in the unit named."""

    unit: Unit | None = None
    n: Count | None = None
    n_train: Count | None = None
    n_validation: Count | None = None
    n_test: Count | None = None
    n_diseased: Count | None = None
    n_nondiseased: Count | None = None
    note: Text | None = None


class Quoted(Record):
    """A number as printed, with what was printed beside it."""

    value: PrintedNumber
    ci: Annotated[list[PrintedNumber], Field(min_length=2, max_length=2)] | None = None
    sd: PrintedNumber | None = None


Printed = PrintedNumber | Quoted


class Contradiction(Record):
    """Printed values that cannot all be true, and which of them a reconstruction leaves out."""

    leaves_out: Annotated[
        list[Literal["sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "auc", "n"]], Field(min_length=1)
    ]
    says: Text


class AccuracyEntry(Sourced):
    """One evaluation of one method on one set, at one threshold."""

    id: SourceKey
    primary: bool = Field(default=False, description="The entry that syntheses use when a study has several.")
    label: Text | None = Field(None, description="What distinguishes it, e.g. the sequence or the network.")
    problem: Literal["binary", "multi-class average", "localisation", "segmentation"] | None = Field(
        None, description="Only `binary` problems have a 2×2 table."
    )
    unit: Unit | None = None
    split: Literal["internal test", "external test", "cross-validation"] | None = None
    n: Count | None = None
    n_diseased: Count | None = None
    n_nondiseased: Count | None = None
    tp: Count | None = Field(None, description="Only when printed; otherwise the table is reconstructed.")
    fp: Count | None = None
    fn: Count | None = None
    tn: Count | None = None
    sensitivity: Printed | None = None
    specificity: Printed | None = None
    accuracy: Printed | None = None
    ppv: Printed | None = None
    npv: Printed | None = None
    f1: Printed | None = None
    auc: Printed | None = None
    threshold: Text | None = None
    n_between: Annotated[list[Count], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Smallest and largest possible n, where n itself is not printed."
    )
    contradiction: Contradiction | None = None
    note: Text | None = None


class OverlapEntry(Sourced):
    """Agreement of a segmentation with its reference: Dice, Jaccard (IoU) or a Hausdorff distance in millimetres."""

    metric: Metric
    value: PrintedNumber
    statistic: Literal["mean", "median"] | None = Field(None, description="Absent where the source does not say.")
    sd: PrintedNumber | None = None
    iqr: Annotated[list[PrintedNumber], Field(min_length=2, max_length=2)] | None = None
    structure: Structure | None = None
    phase: Literal["ED", "ES", "ED and ES", "all frames"] | None = None
    sequence: Sequence | None = None
    dataset: StudyId | None = None
    n: Count | None = Field(None, description="Units the statistic was computed over.")
    unit: Unit | None = None
    rater: Literal["model", "comparator model", "human observers"] = "model"
    label: Text | None = None
    note: Text | None = None


class Translation(Sourced):
    """Readiness for use: the text reported, or ``not reported``; absent means not yet extracted."""

    interpretability: Text | None = None
    calibration: Text | None = None
    decision_curve: Text | None = None
    workflow: Text | None = None
    runtime: Text | None = None
    hardware: Text | None = None
    external_validation: Text | None = None
    code: Text | None = None
    data_availability: Text | None = None


class Judgement(Record):
    """One quality judgement; fits QUADAS-2 (per study) and QUADAS-3 (per estimate)."""

    tool: Literal["QUADAS-2", "QUADAS-3"]
    domain: Text
    kind: Literal["risk of bias", "applicability"]
    judgement: Literal["low", "high", "unclear"]
    reason: Text
    by: Text
    on: date
    estimate: SourceKey | None = Field(None, description="Id of the accuracy entry judged; absent: whole study.")


class ClaimScore(Sourced):
    """CLAIM 2020 section scores of the study, where its row in the base review's table is known."""

    edition: Literal["2020"] = "2020"
    title_abstract: Count
    introduction: Count
    methods: Count
    results: Count
    discussion: Count
    other: Count


class Appraisal(Record):
    """Quality and reporting judgements."""

    claim: ClaimScore | None = None
    judgements: list[Judgement] = []


class Extraction(Record):
    """Who read the values, and whether a person has signed them."""

    by: Text
    kind: Literal["machine-assisted", "person"]
    on: date
    verified_by: Text | None = None
    verified_on: date | None = None


class Study(Record):
    """Everything known about one study; the file name is its id."""

    id: StudyId
    report: Report
    identification: Identification | None = Field(None, description="Only for studies of the base review.")
    candidates: list[Candidate] = []
    standing: Annotated[list[Standing], Field(min_length=1)]
    task: Task | None = Field(None, description="Absent where the base review names a study without saying.")
    base_label: Text | None = Field(None, description="The base review's label, where this review codes otherwise.")
    target_condition: Text | None = None
    topic: Topic | None = None
    source: SourceRef = Field(description="Sources of the fields above: task, target_condition, topic, base_label.")
    index_test: IndexTest | None = None
    setting: Setting | None = None
    sample: Sample | None = None
    accuracy: list[AccuracyEntry] = []
    overlap: list[OverlapEntry] = []
    translation: Translation | None = None
    appraisal: Appraisal | None = None
    shares_patients_with: list[StudyId] = []
    notes: list[Text] = []
    extraction: Annotated[list[Extraction], Field(min_length=1)]
    sources: Annotated[dict[SourceKey, Source], Field(min_length=1)]

    def standing_on(self, day: date) -> Standing | None:
        """Return what the review held of the study on a day, None before it was first met."""
        held = [standing for standing in self.standing if standing.on <= day]
        return max(held, key=lambda standing: standing.on) if held else None

    @property
    def verified(self) -> bool:
        """Whether a person has signed an extraction of this study."""
        return any(extraction.verified_by for extraction in self.extraction)


class Dataset(Record):
    """A public CMR dataset: what the base review prints of it, and what its own pages say."""

    id: StudyId
    name: Text
    identification: Identification
    n: Text | None = Field(None, description="Size, in the words of the source.")
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


class InstrumentItem(Record):
    """One item or signalling question, in this review's own short words."""

    id: int | str
    asks: Text
    section: Text | None = None


class InstrumentDomain(Record):
    """A QUADAS-2 domain."""

    id: Text
    applicability: bool
    signalling: list[InstrumentItem]


class Instrument(Record):
    """An appraisal instrument: edition, source and items."""

    name: Text
    edition: Text
    doi: Doi
    note: Text | None = None
    items: list[InstrumentItem] = []
    domains: list[InstrumentDomain] = []


class ConclusionRule(Record):
    """A change that readers must be told about, decided before it happens."""

    id: SourceKey
    synthesis: Text
    measure: Text
    kind: Literal["crosses threshold", "interval excludes previous estimate", "heterogeneity class changes"]
    threshold: float | None = None
    says: Text


class Living(Record):
    """PRISMA-LSR's living-mode parameters."""

    search_every_days: Annotated[int, Field(ge=1)]
    rebuild_every_days: Annotated[int, Field(ge=1)]
    status: Literal["living", "paused", "retired"]
    retirement_rule: Text


class Thresholds(Record):
    """Decision limits of the base review, kept for its updates."""

    p_value: float
    i2_percent: float
    source: Text


class Addresses(Record):
    """Where the repository and the site live; empty until they are published."""

    repository: WebAddress | Literal[""] = ""
    site: WebAddress | Literal[""] = ""


class ReviewFile(Record):
    """``data/review.yaml``: the question, its limits and the rules of living."""

    title: Text
    version: Annotated[str, StringConstraints(pattern=r"^\d{4}\.\d{1,3}$")]
    base_review: dict[str, Any]
    question: dict[Literal["participants", "intervention", "comparison", "outcomes"], Text]
    question_source: Text
    eligibility: dict[Literal["include", "exclude"], list[Text]]
    eligibility_source: Text
    registration: dict[Literal["registry", "number", "source"], Text]
    thresholds: Thresholds
    living: Living
    conclusion_rules: list[ConclusionRule]
    addresses: Addresses = Addresses()


class Term(Record):
    """One search term: free text, or a subject heading of one database."""

    text: Text
    heading: bool = False
    truncated: bool = Field(default=False, description="Also longer words that begin like the last one.")
    databases: list[Text] | None = Field(None, description="Only these databases; absent: all.")
    note: Text | None = Field(None, description="Why the term stands here, where the strategy's source does not say.")


class Concept(Record):
    """Terms joined by OR; concepts are joined by AND."""

    name: Text
    terms: Annotated[list[Term], Field(min_length=1)]


class Strategy(Record):
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


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each kind of file, as editors read it from ``data/schema/<name>.schema.json``."""
    kinds: dict[str, type[Record]] = {
        "study": Study,
        "dataset": Dataset,
        "instrument": Instrument,
        "review": ReviewFile,
        "strategy": Strategy,
    }
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **kind.model_json_schema()}
        for name, kind in kinds.items()
    }
