"""Does the figure of cumulative estimates show each step?"""

from __future__ import annotations

import pytest

from gallery import STEPS, texts
from livingreview.plots.rows import cumulative


def test_does_the_figure_show_every_step_twice_and_the_last_as_a_diamond() -> None:
    ax = cumulative(STEPS)
    shown = texts(ax)
    assert shown.count("not pooled") == 2
    assert {"0.80 [0.60, 0.90]", "0.75 [0.60, 0.85]"} <= set(shown)
    corners = [patch.get_xy()[:, 0] for patch in ax.patches]
    assert [(min(xs), max(xs)) for xs in corners] == [(0.7, 0.95), (0.6, 0.85)]
    with pytest.raises(ValueError, match="no step"):
        cumulative(())
