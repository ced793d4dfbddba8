"""The base review, recomputed: every checkable statement with its verdict.

:func:`audit` computes each verdict from the transcription and the study files; :func:`audit_table` lays them out.
"""

from __future__ import annotations

from livingreview.audit.base import BaseReview
from livingreview.audit.claims import claims_on_studies
from livingreview.audit.datasets import public_datasets
from livingreview.audit.metrics import LeaveOneOut, diagnostic_metrics, hausdorff_sds, segmentation_metrics
from livingreview.audit.pooled import PointAndCurve, point_and_curve, pooled_estimates
from livingreview.audit.primaries import primary_studies
from livingreview.audit.rows import rows
from livingreview.audit.selection import characteristics, quality, selection
from livingreview.audit.statements import VERDICTS, Statement, Verdict, audit_table, verdict_counts
from livingreview.review import Review

__all__ = [
    "VERDICTS",
    "LeaveOneOut",
    "PointAndCurve",
    "Statement",
    "Verdict",
    "audit",
    "audit_table",
    "hausdorff_sds",
    "point_and_curve",
    "verdict_counts",
]

PARTS = (
    selection, characteristics, quality, segmentation_metrics, diagnostic_metrics, pooled_estimates, rows,
    primary_studies, claims_on_studies, public_datasets,
)  # fmt: skip


def audit(review: Review) -> tuple[Statement, ...]:
    """Recompute every checkable statement of the base review.

    Parameters
    ----------
    review
        The review; its transcription of the base review and its study files are read, nothing else.

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
    return tuple(statement for part in PARTS for statement in part(base))
