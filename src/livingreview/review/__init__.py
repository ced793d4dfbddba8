"""The review as its files are: records, how they are read, what is checked, and the review on a given day."""

from livingreview.review.loading import RUN_COLUMNS, STUDY_ID, Review, check
from livingreview.review.reports import OTHER_METHODS, OTHER_METHODS_COLUMNS, label, plain_label

__all__ = [
    "OTHER_METHODS", "OTHER_METHODS_COLUMNS", "RUN_COLUMNS", "STUDY_ID", "Review", "check", "label", "plain_label",
]  # fmt: skip
