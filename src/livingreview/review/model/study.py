"""``data/studies/<id>.yaml``: everything known about one study, and what one person extracted of it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args, overload

from pydantic import Field, PrivateAttr

from livingreview.review.model.base import (
    AnyText,
    Count,
    Dimensionality,
    Doi,
    Family,
    FileModel,
    Identification,
    Metric,
    Pmcid,
    Pmid,
    PrintedNumber,
    Sequence,
    Source,
    Sourced,
    SourceKey,
    SourceRef,
    Structure,
    StudyId,
    Task,
    Text,
    Topic,
    Unit,
    WebAddress,
    Year,
)

TABLE_METRICS = ("sensitivity", "specificity", "accuracy", "ppv", "npv", "f1")
RiskOfBias = Literal["low", "unclear", "high"]
TABLE_COUNTS = ("tp", "fp", "fn", "tn", "n_diseased", "n_nondiseased")


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


class Candidate(FileModel):
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


class Standing(FileModel):
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


class Quoted(FileModel):
    """A number as printed, with what was printed beside it."""

    value: PrintedNumber
    ci: Annotated[list[PrintedNumber], Field(min_length=2, max_length=2)] | None = None
    sd: PrintedNumber | None = None


AsPrinted = PrintedNumber | Quoted


def bare(printed: AsPrinted) -> str:
    """Return a number as printed, without what was printed beside it."""
    return printed.value if isinstance(printed, Quoted) else printed


@overload
def number(printed: AsPrinted) -> float: ...
@overload
def number(printed: AsPrinted | None) -> float | None: ...
def number(printed: AsPrinted | None) -> float | None:
    """Return a printed number as a float; percentages become proportions.

    >>> number("95.24%")
    0.9524
    """
    if printed is None:
        return None
    text = bare(printed).strip()
    return round(float(text[:-1]) / 100, 12) if text.endswith("%") else float(text)


class Contradiction(FileModel):
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
    sensitivity: AsPrinted | None = None
    specificity: AsPrinted | None = None
    accuracy: AsPrinted | None = None
    ppv: AsPrinted | None = None
    npv: AsPrinted | None = None
    f1: AsPrinted | None = None
    auc: AsPrinted | None = None
    threshold: AnyText | None = None
    n_between: Annotated[list[Count], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Smallest and largest possible n, where n itself is not printed."
    )
    contradiction: Contradiction | None = None
    note: Text | None = None

    @property
    def metrics(self) -> dict[str, AsPrinted]:
        """The metrics of a 2×2 table that are printed, without those that a contradiction leaves out."""
        left_out = self.contradiction.leaves_out if self.contradiction else ()
        found = {name: getattr(self, name) for name in TABLE_METRICS if name not in left_out}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def counts(self) -> dict[str, int]:
        """The counts that are printed."""
        return {name: count for name in TABLE_COUNTS if (count := getattr(self, name)) is not None}

    @property
    def size(self) -> int | tuple[int, int] | None:
        """Number of cases, or its smallest and largest possible value; None where nothing printed bounds it."""
        if self.n is not None:
            return self.n
        if self.n_between is not None:
            return self.n_between[0], self.n_between[1]
        if self.n_diseased is not None and self.n_nondiseased is not None:
            return self.n_diseased + self.n_nondiseased
        return None


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


class Judgement(FileModel):
    """One quality judgement; fits QUADAS-2 (per study) and QUADAS-3 (per estimate)."""

    tool: Literal["QUADAS-2", "QUADAS-3"]
    domain: Text = Field(description="Domain of the tool; `overall` for the judgement that figures and filters show.")
    kind: Literal["risk of bias", "applicability"]
    judgement: RiskOfBias
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


class Appraisal(FileModel):
    """Quality and reporting judgements."""

    claim: ClaimScore | None = None
    judgements: list[Judgement] = []


class Extraction(FileModel):
    """Who read the values, and whether a person has signed them."""

    by: Text
    kind: Literal["machine-assisted", "person"]
    on: date
    verified_by: Text | None = None
    verified_on: date | None = None


class Study(FileModel):
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

    _letter: str = PrivateAttr("")

    @property
    def letter(self) -> str:
        """What tells it apart from other studies of one author and year: a, b, …; empty where there is no other."""
        return self._letter

    def lettered(self, letter: str) -> Study:
        """Return the study with a letter, which is none of its facts: it depends on the other studies."""
        study = self.model_copy()
        study._letter = letter
        return study

    def standing_on(self, day: date) -> Standing | None:
        """Return what the review held of the study on a day, None before it was first met."""
        held = [standing for standing in self.standing if standing.on <= day]
        return max(held, key=lambda standing: standing.on) if held else None

    def as_of(self, day: date) -> Study:
        """Return the study with only the signatures and judgements made by the end of a day."""
        unsigned = {"verified_by": None, "verified_on": None}
        then = [
            item.model_copy(update=unsigned) if item.verified_on is not None and item.verified_on > day else item
            for item in self.extraction
        ]
        update: dict[str, object] = {"extraction": then}
        if self.appraisal is not None:
            judged = [item for item in self.appraisal.judgements if item.on <= day]
            update["appraisal"] = self.appraisal.model_copy(update={"judgements": judged})
        return self.model_copy(update=update)

    @property
    def risk_of_bias(self) -> RiskOfBias | None:
        """The overall risk of bias, None where no judgement names the study."""
        return self.risk_of_bias_by_domain.get("overall")

    @property
    def risk_of_bias_by_domain(self) -> dict[str, RiskOfBias]:
        """The risk of bias in each domain that was judged, its name in small letters.

        Of each tool, and of each estimate it judges, the newest judgement counts; where these differ, the worst.
        """
        order: tuple[RiskOfBias, ...] = get_args(RiskOfBias)
        held = [item for item in (self.appraisal.judgements if self.appraisal else ()) if item.kind == "risk of bias"]
        newest = {
            (item.domain.casefold(), item.tool, item.estimate): item.judgement
            for item in sorted(held, key=lambda item: (item.on, order.index(item.judgement)))
        }
        worst: dict[str, RiskOfBias] = {}
        for (domain, *_), judgement in newest.items():
            worst[domain] = max(worst.get(domain, judgement), judgement, key=order.index)
        return worst

    @property
    def primary(self) -> AccuracyEntry | None:
        """The evaluation that syntheses use when there are several."""
        return next((entry for entry in self.accuracy if entry.primary), None)

    @property
    def verified(self) -> bool:
        """Whether a person has signed an extraction of this study."""
        return any(extraction.verified_by for extraction in self.extraction)


class PersonExtraction(FileModel):
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
