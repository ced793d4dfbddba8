"""A review with hostile texts and known addresses, to try what is published on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from livingreview.review import Review
from livingreview.review.model import Standing, Study

SITE = "https://example.org/made-up-review"
HOSTILE = "</script><script>alert(1)</script> ]]> <!-- \"quoted\" & \u202eevil\u202c 'x'"
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "'=1", "'tis")


def with_site(review: Review, site: str = SITE) -> Review:
    """Return the review as it would be at an address."""
    addresses = review.file.addresses.model_copy(update={"site": site})
    return replace(review, file=review.file.model_copy(update={"addresses": addresses}))


def with_study(review: Review, study_id: str = "madeup2099", **report: Any) -> Review:
    """Return the review with a made-up study, included after everything else."""
    day: date = review.day + timedelta(days=1)
    standing = [Standing(on=day, status="included", route="databases", reason="made up for a test")]
    like = review.included[0]
    update = {"id": study_id, "standing": standing, "report": like.report.model_copy(update=report), "notes": []}
    made_up: Study = like.model_copy(update=update)
    return replace(review, day=day, studies=(*review.studies, made_up))
