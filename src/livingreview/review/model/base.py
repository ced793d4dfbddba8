"""What every file has in common: the kinds of values, blocks, and the sources that they name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _with_words(text: str) -> str:
    if not any(char.isalpha() for char in text):
        raise ValueError("expected words")
    return text


SourceKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
SourceRef = SourceKey | list[SourceKey] | dict[str, SourceKey | list[SourceKey]]
StudyId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
AnyText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Text = Annotated[AnyText, AfterValidator(_with_words)]
Doi = Annotated[
    str,
    StringConstraints(pattern=r"^10\.[0-9]{4,9}/[!#-&(-;=?-\[\]^_a-z~]*[!#-&(-+/0-9=?-\[\]^_a-z~-]$", max_length=200),
]
Pmid = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")]
Pmcid = Annotated[str, StringConstraints(pattern=r"^PMC[0-9]{1,9}$")]
WebAddress = Annotated[str, StringConstraints(pattern=r"^https?://[!#-&(-;=?-\[\]^_a-z~]+$", max_length=500)]
PrintedNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})? ?%?$")]
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


class FileModel(BaseModel):
    """Base of all file models: unknown keys are refused, values cannot be changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; what nobody set is left out, as the file leaves it out."""
        return self.model_dump(mode="json", exclude_unset=True)


class Sourced(FileModel):
    """A block whose values each name their source."""

    source: SourceRef = Field(description="Key of `sources`: one for all values, a list, or a mapping field → key(s).")


class Source(FileModel):
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


def source_keys(source: SourceRef) -> tuple[str, ...]:
    """Return every key of ``sources`` that a ``source`` field names, each once, in order."""
    if isinstance(source, str):
        return (source,)
    parts = source.values() if isinstance(source, dict) else source
    return tuple(dict.fromkeys(key for part in parts for key in ([part] if isinstance(part, str) else part)))


class Identification(FileModel):
    """How sure it is that ``report`` is the paper the base review means."""

    status: Literal["certain", "probable", "unknown"]
    reason: Text
