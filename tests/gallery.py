"""One of every figure, from made-up numbers, for the tests that hold of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import NDArray

from livingreview.analysis.flow import FlowBox
from livingreview.analysis.tabulate import Elsewhere
from livingreview.living.news import Step
from livingreview.plots.evidence import bar_counts, evidence_map, gap_map
from livingreview.plots.flow import flow_diagram
from livingreview.plots.forest import forest
from livingreview.plots.quality import claim_distribution, claim_sections, quadas_summary
from livingreview.plots.rows import cumulative
from livingreview.plots.segmentation import overlap_against, overlap_by_group
from livingreview.plots.sroc import funnel, sroc
from livingreview.plots.style import COLUMN
from livingreview.plots.utility import fagan, icon_array, predictive_values
from livingreview.synthesis.bias import deeks
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.intervals import Interval, Intervals

HOSTILE = '<script>alert("x")</script> & $\\frac{'
"""A study label that is markup, an entity and half a formula at once."""

COUNTS = Counts.from_arrays(
    tp=[45, 60, 31, 70],
    fp=[10, 4, 6, 9],
    fn=[5, 20, 9, 7],
    tn=[90, 40, 52, 81],
    study=["Adams 2019", HOSTILE, "Chen 2021", "Diaz 2022"],
)


@dataclass(frozen=True)
class Fit:
    """What the figures read of a bivariate fit; :data:`FIT` is one."""

    counts: Counts
    mu: NDArray[np.float64]
    mu_cov: NDArray[np.float64]
    between_study_cov: NDArray[np.float64]
    parameter_cov: NDArray[np.float64]
    level: float
    sensitivity: Interval
    specificity: Interval
    prediction_interval_sensitivity: Interval
    prediction_interval_specificity: Interval

    has_covariates: bool = False

    @property
    def prediction_df(self) -> tuple[int, int]:
        return self.counts.k - 2, self.counts.k - 2


FIT = Fit(
    counts=COUNTS,
    mu=np.array([1.7, 2.2]),
    mu_cov=np.array([[0.05, -0.01], [-0.01, 0.04]]),
    between_study_cov=np.array([[0.3, -0.1], [-0.1, 0.2]]),
    parameter_cov=0.01 * np.eye(5),
    level=0.95,
    sensitivity=Interval(0.846, 0.78, 0.895),
    specificity=Interval(0.9, 0.86, 0.93),
    prediction_interval_sensitivity=Interval(0.846, 0.5, 0.97),
    prediction_interval_specificity=Interval(0.9, 0.63, 0.98),
)

BY = fit(COUNTS, by=[HOSTILE, "ward", HOSTILE, "ward"], structure="fixed")
"""A fit whose levels have names of any kind."""

FLOW = (
    FlowBox("identified", "Records identified\nPubMed: 60\nEmbase: 40", 100, False, "Databases", 0, False),
    FlowBox("duplicates", "Duplicates removed", 30, False, "Databases", 0, True),
    FlowBox("screened", "Records screened", 70, True, "Databases", 1, False),
    FlowBox("included", "Studies included", 12, False, "Databases", 2, False),
)
OTHER = FlowBox("cited", "Reports found by citation", 3, False, "Other methods", 1, False)

OVERLAP = pd.DataFrame(
    [
        ("Adams", "Myocardium", 0.85, 0.02, 50, "mean"),
        (HOSTILE, "Left ventricle", 0.91, None, 100, "median"),
        ("Chen", "Left ventricle", 0.95, 0.01, None, "mean"),
        ("Diaz", "Myocardium", 0.88, None, 20, None),
        ("Evans", "Left ventricle", 0.93, 0.03, 30, "mean"),
    ],
    columns=["label", "group", "value", "sd", "n", "statistic"],
)


def _values(measure: str, values: Iterable[float]) -> Intervals:
    middle = np.array(list(values))
    return Intervals(measure, "delta", middle, middle - 0.05, np.minimum(1, middle + 0.05), 0.95)


PPV, NPV = _values("ppv", (0.2, 0.5, 0.7)), _values("npv", (0.99, 0.95, 0.9))
RATINGS = ["low", "unclear", "high", None]
STATES = ["reported", "not reported", "not yet extracted", "reported"]

STEPS = (
    Step("to 2020", ("Adams",), 1, None, None, HOSTILE),
    Step(HOSTILE, ("Chen", "Diaz"), 3, Interval(0.8, 0.6, 0.9), Interval(0.7, 0.5, 0.8), ""),
    Step("to 2022", ("Evans",), 4, Interval(0.85, 0.7, 0.95), Interval(0.75, 0.6, 0.85), ""),
)

GALLERY: dict[str, Callable[[], Axes]] = {
    "bar_counts": lambda: bar_counts({HOSTILE: 4, "none": 0}, total=8),
    "claim_distribution": lambda: claim_distribution([70.0, 80, 80], elsewhere=Elsewhere(63, 11, HOSTILE)),
    "claim_sections": lambda: claim_sections({HOSTILE: 80.0}),
    "cumulative": lambda: cumulative(STEPS),
    "evidence_map": lambda: evidence_map(
        COUNTS.study, ["U-Net", "U-Net", HOSTILE, "GAN"], ["x", "y", "x", "x"], ["low", "high", "unclear", None]
    ),
    "fagan": lambda: fagan(0.2, Interval(8.0, 5.0, 12.0), Interval(0.1, 0.05, 0.2)),
    "flow": lambda: flow_diagram((*FLOW, OTHER), width=8.0),
    "flow_stacked": lambda: flow_diagram((*FLOW, OTHER), width=COLUMN),
    "forest": lambda: forest(FIT, descriptors={HOSTILE: ["a", "b", "c", "d"]}, quality={"Index test": RATINGS}),
    "forest_compact": lambda: forest(FIT, width=COLUMN),
    "forest_levels": lambda: forest(BY, levels=BY.levels),
    "funnel": lambda: funnel(deeks(COUNTS), study=COUNTS.study),
    "gap_map": lambda: gap_map(COUNTS.study, {HOSTILE: STATES, "Code": STATES}),
    "icon_array": lambda: icon_array(8, 2, 10, 80),
    "overlap_against": lambda: overlap_against(
        OVERLAP["n"],
        OVERLAP["value"],
        group=list(OVERLAP["group"]),
        study=list(OVERLAP["label"]),
        xlabel="n",
        ylabel="Dice",
        xscale="log",
    ),
    "overlap_by_group": lambda: overlap_by_group(OVERLAP, "group"),
    "predictive_values": lambda: predictive_values([0.1, 0.3, 0.5], PPV, NPV, scenarios={HOSTILE: 0.2}),
    "quadas_summary": lambda: quadas_summary({HOSTILE: {"low": 3, "high": 1}}),
    "sroc": lambda: sroc(FIT),
    "sroc_levels": lambda: sroc(BY, levels=BY.levels),
}


def tips(ax: Axes) -> dict[str, list[Artist]]:
    """Return the artists that have a tooltip, by its text."""
    found: dict[str, list[Artist]] = {}
    for artist in ax.findobj(lambda artist: (artist.get_gid() or "").startswith("tip:")):
        found.setdefault(str(artist.get_gid()).removeprefix("tip:"), []).append(artist)
    return found


def texts(ax: Axes) -> list[str]:
    """Return every text in axes that is not empty."""
    return [text.get_text() for text in ax.findobj(lambda a: hasattr(a, "get_fontsize")) if text.get_text()]
