"""Do the figures of the reproduction chapter show what was printed and what was recomputed?"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from livingreview.analysis.audit import LeaveOneOut, PointAndCurve
from livingreview.plots.audit import leave_one_out_sds, point_and_curve
from livingreview.plots.style import colour


def test_only_the_study_whose_absence_gives_the_printed_value_is_filled() -> None:
    ax = leave_one_out_sds(LeaveOneOut("6.45", 6.18, ("A", "B"), (6.457, 3.07)))
    marks = {line.get_xdata()[0]: line for line in ax.lines if line.get_marker() == "o"}
    assert marks[6.457].get_markerfacecolor() == colour("pooled")
    assert marks[3.07].get_markerfacecolor() == colour("paper")
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() in ("", "None")] == [6.45, 6.18]


def test_curve_passes_through_its_q_star_and_dashes_through_the_point() -> None:
    log_dor = 2 * logit(0.9432)
    found = PointAndCurve(0.94, 0.91, (0.935, 0.945), (0.905, 0.915), log_dor, (log_dor, log_dor), 0.9432)
    ax = point_and_curve(found)
    curve, dashed = ax.lines[:2]
    assert np.interp(1 - 0.9432, *curve.get_data()) == pytest.approx(0.9432, abs=1e-4)
    assert np.interp(1 - 0.91, *dashed.get_data()) == pytest.approx(0.94, abs=1e-4)
    (box,) = ax.patches
    assert box.get_bbox().bounds == pytest.approx((0.085, 0.935, 0.01, 0.01))
