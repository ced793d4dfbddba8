"""Are refits of fewer studies the fits of these studies?"""

from __future__ import annotations

import json

import numpy as np
import pytest

from livingreview.errors import TooFewStudies
from livingreview.synthesis import refits, univariate

EFFECTS = np.array([0.1, 1.3, 0.4, 1.9, 1.2, 2.9, 1.6])
VARIANCES = np.linspace(0.02, 0.3, 7)


@pytest.mark.parametrize("method", ["fixed", "dl", "reml"])
@pytest.mark.parametrize("test", ["z", "hartung_knapp"])
def test_refits_are_the_fits_of_the_studies_left(method: univariate.Method, test: univariate.Test) -> None:
    y, v = EFFECTS, VARIANCES
    whole = univariate.fit(y, v, method=method, test=test)
    subsets = {
        "leave_one_out": (refits.leave_one_out(whole), [np.arange(7) != i for i in range(7)]),
        "cumulative": (refits.cumulative(whole), [np.arange(7) <= i for i in range(7)]),
    }
    for table, kept in subsets.values():
        for i, rows in enumerate(kept):
            if rows.sum() < 2:
                assert (table.estimate[i], table.tau2[i], table.i2[i], table.h2[i]) == pytest.approx((y[0], 0, 0, 1))
                continue
            part = univariate.fit(y[rows], v[rows], method=method, test=test)
            assert table.estimate[i] == pytest.approx(part.estimate.estimate)
            assert (table.lower[i], table.upper[i]) == pytest.approx((part.estimate.lower, part.estimate.upper))
            assert (table.standard_error[i], table.p_value[i]) == pytest.approx(
                (part.standard_errors[0], part.p_values[0])
            )
            found = (table.tau2[i], table.q[i], table.i2[i], table.h2[i])
            assert found == pytest.approx((part.tau2, part.q, part.i2, part.h2), abs=1e-9)


def test_cumulative_follows_the_order_given() -> None:
    result = univariate.fit([0.1, 0.4, 0.2], [0.01, 0.02, 0.03], method="dl", test="z")
    table = refits.cumulative(result, order=[2, 0, 1])
    assert table.estimate[0] == pytest.approx(0.2)
    assert table.estimate[-1] == pytest.approx(result.estimate.estimate)
    with pytest.raises(ValueError, match="each row 0 … 2 once"):
        refits.cumulative(result, order=[0, 0, 1])


def test_what_has_no_refit_is_refused() -> None:
    with pytest.raises(TooFewStudies, match="at least two studies, found 1"):
        refits.leave_one_out(univariate.fit([0.5], [0.04], method="fixed"))
    slope = univariate.fit(EFFECTS, VARIANCES, moderators=np.arange(7.0))
    for refit in (refits.leave_one_out, refits.cumulative):
        with pytest.raises(ValueError, match="without moderators"):
            refit(slope)


def test_of_two_studies_one_is_left_without_a_hartung_knapp_interval() -> None:
    left = refits.leave_one_out(univariate.fit([0.1, 0.9], [0.01, 0.02]))
    assert left.estimate.tolist() == pytest.approx([0.9, 0.1])
    assert left.tau2.tolist() == [0, 0]
    assert np.isnan([left.lower, left.upper, left.p_value]).all()


def test_refits_are_plain_json_and_cannot_be_changed() -> None:
    table = refits.cumulative(univariate.fit([0.1, 0.4, 0.2], [0.01, 0.02, 0.03], study=["A", "B", "C"]))
    assert table.study == ("A", "B", "C")
    first, *_, last = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert (first["study"], first["estimate"], first["lower"]) == ("A", pytest.approx(0.1), None)
    assert last["upper"] == table.upper[-1]
    with pytest.raises(ValueError, match="read-only"):
        table.estimate[0] = 1.0
