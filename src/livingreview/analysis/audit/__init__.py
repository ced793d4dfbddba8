"""The base review, recomputed: every checkable statement with its verdict.

:func:`audit` computes each verdict from the transcription and the study files; :func:`audit_table` lays them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from livingreview.analysis.audit.accuracy import diagnostic_metrics, rows
from livingreview.analysis.audit.datasets import public_datasets
from livingreview.analysis.audit.pooled import PointAndCurve, point_and_curve, pooled_estimates
from livingreview.analysis.audit.statements import (
    VERDICTS,
    BaseReview,
    Statement,
    Topic,
    Verdict,
    audit_table,
    verdict_counts,
)
from livingreview.analysis.audit.studies import primary_studies
from livingreview.analysis.audit.text import (
    LeaveOneOut,
    characteristics,
    hausdorff_sds,
    quality,
    segmentation_metrics,
    selection,
)
from livingreview.review import Review

__all__ = [
    "VERDICTS", "LeaveOneOut", "PointAndCurve", "Statement", "Verdict", "audit", "audit_table", "hausdorff_sds",
    "point_and_curve", "verdict_counts",
]  # fmt: skip

PARTS: Final[Mapping[Topic, Callable[[BaseReview], Iterator[Statement]]]] = {
    "study selection": selection,
    "characteristics": characteristics,
    "quality": quality,
    "segmentation metrics": segmentation_metrics,
    "diagnostic metrics": diagnostic_metrics,
    "pooled estimates": pooled_estimates,
    "rows of the accuracy table": rows,
    "primary studies": primary_studies,
    "public datasets": public_datasets,
}


def audit(review: Review) -> tuple[Statement, ...]:
    """Recompute every checkable statement of the base review from its transcription and the study files.

    Returns
    -------
    tuple of Statement
        In the order of the base review; ids are unique.

    Raises
    ------
    DataError
        The statements transcribed from the text cannot be read.
    """
    base = BaseReview.of(review)
    return tuple(replace(found, topic=topic) for topic, part in PARTS.items() for found in part(base))
