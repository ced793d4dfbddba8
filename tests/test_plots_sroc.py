"""Do the SROC plane and the funnel show the fit where it is?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Ellipse
from scipy.special import expit

from gallery import COUNTS, FIT, tips
from livingreview.plots.sroc import funnel, sroc
from livingreview.synthesis.bias import deeks, egger
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.regions import confidence_region, prediction_region
from livingreview.synthesis.sroc import rutter_gatsonis


def line(ax, label):
    (found,) = [line for line in ax.lines if line.get_label() == label]
    return np.column_stack(found.get_data())


def ellipses(ax):
    return [patch for patch in ax.patches if isinstance(patch, Ellipse)]


def test_summary_point_is_the_mean_pair() -> None:
    assert line(sroc(FIT), "summary point").tolist() == [[expit(-FIT.mu[1]), expit(FIT.mu[0])]]


def test_each_level_has_a_point_a_region_and_studies_told_apart_without_colour() -> None:
    by = fit(COUNTS, by=["clinic" if row % 2 else "ward" for row in range(COUNTS.k)])
    ax = sroc(by, levels=by.levels)
    points = {mark.get_label(): mark for mark in ax.lines if mark.get_label() in ("clinic", "ward")}
    signs = {name: (mark.get_marker(), mark.get_markeredgecolor()) for name, mark in points.items()}
    assert len(set(signs.values())) == len({marker for marker, _ in signs.values()}) == 2
    dashes = set()
    for level in by.levels:
        (place,) = np.column_stack(points[level.label].get_data())
        assert place.tolist() == [1 - level.specificity.estimate, level.sensitivity.estimate]
        (region,) = tips(ax)[f"{level.label}: 95 % confidence region"]
        assert np.array_equal(np.column_stack(region.get_data()), confidence_region(level).roc)
        dashes.add(region.get_linestyle())
        marker, edge = signs[level.label]
        studies = [ellipses(ax)[row] for row in level.rows]
        assert {to_hex(study.get_facecolor()) for study in studies} == {edge} == {region.get_color()}
        own = [mark.get_xydata()[0].tolist() for mark in ax.lines if mark.get_marker() == marker and mark not in points]
        assert all(list(study.get_center()) in own for study in studies)
    assert len(dashes) == 2


def test_levels_take_the_place_of_their_average() -> None:
    by = fit(COUNTS, by=["clinic" if row % 2 else "ward" for row in range(COUNTS.k)])
    shown = _legend(sroc(by, levels=by.levels))
    assert not [text for text in shown if text in ("summary point", "SROC curve") or text.startswith("95 %")]
    pair = fit(COUNTS.subset([0, 1, 2]), by=["a", "a", "b"], structure="fixed")
    assert "no regions: too few studies" in _legend(sroc(pair, levels=pair.levels))
    yearly = fit(COUNTS, covariates={"year": [1, 2, 3, 5]}, structure="fixed")
    assert "no curve: it depends on covariates" in _legend(sroc(yearly))


def test_the_legend_says_what_the_shape_of_a_study_means() -> None:
    assert "study: wide by √(non-diseased),\nhigh by √(diseased)" in _legend(sroc(FIT))


def test_regions_are_those_of_the_fit() -> None:
    ax = sroc(FIT)
    assert np.array_equal(line(ax, "95 % confidence region"), confidence_region(FIT).roc)
    assert np.array_equal(line(ax, "95 % prediction region"), prediction_region(FIT).roc)
    wide = replace(FIT, level=0.8)
    assert np.array_equal(line(sroc(wide), "80 % confidence region"), confidence_region(wide).roc)


def test_curve_stays_in_the_observed_range() -> None:
    drawn, expected = line(sroc(FIT), "SROC curve"), rutter_gatsonis(FIT)
    assert np.array_equal(drawn, np.column_stack([expected.fpr, expected.sensitivity]))
    observed = COUNTS.fp / COUNTS.n_nondiseased
    assert (drawn[0, 0], drawn[-1, 0]) == (observed.min(), observed.max())


def test_no_curve_when_none_is_determined() -> None:
    assert "SROC curve" in _legend(sroc(FIT))
    flat = replace(FIT, between_study_cov=np.array([[0.3, 0.0], [0.0, 0.0]]))
    assert "no curve: a variance is 0" in _legend(sroc(flat))


def test_two_studies_have_no_region_and_the_legend_says_so() -> None:
    assert "no regions: too few studies" in _legend(sroc(replace(FIT, counts=COUNTS.subset([0, 1]))))


def test_ellipses_stand_at_the_studies_and_grow_with_their_arms() -> None:
    shapes = ellipses(sroc(FIT))
    centres = [shape.get_center() for shape in shapes]
    expected = np.column_stack([COUNTS.fp / COUNTS.n_nondiseased, COUNTS.tp / COUNTS.n_diseased])
    assert np.array_equal(centres, expected)
    assert shapes[0].width / shapes[1].width == pytest.approx(math.sqrt(100 / 44))
    assert shapes[0].height / shapes[1].height == pytest.approx(math.sqrt(50 / 80))


def test_one_armed_study_is_left_out_and_counted() -> None:
    counts = Counts.from_arrays([5, 0, 8, 9], [1, 2, 3, 4], [3, 0, 1, 2], [9, 8, 7, 6])
    ax = sroc(replace(FIT, counts=counts))
    assert len(ellipses(ax)) == 3
    assert "not drawn: 1 with one arm" in _legend(ax)


def test_funnel_shows_the_points_and_the_line_of_the_test() -> None:
    test = deeks(COUNTS)
    ax = funnel(test, study=COUNTS.study)
    points = [mark.get_xydata()[0] for mark in ax.lines if mark.get_marker() == "o"]
    assert np.array_equal(points, np.column_stack([test.effects, test.x]))
    (regression,) = [line for line in ax.lines if str(line.get_label()).startswith("regression")]
    x, y = regression.get_data()
    assert np.allclose(x, test.intercept + test.slope * y)
    assert ax.get_ylim()[0] > ax.get_ylim()[1] == 0
    assert [tip for tip in tips(ax) if tip.startswith("Adams 2019: ")]


def test_odds_ratio_axis_is_labelled_in_ratios() -> None:
    ax = funnel(deeks(COUNTS))
    for position, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True):
        assert float(label.get_text().replace(",", "")) == pytest.approx(math.exp(position), rel=0.06)
    assert len(ax.get_xticks()) >= 2


def test_few_studies_are_named_in_the_legend_and_many_are_not() -> None:
    assert "4 studies: too few to rely on" in _legend(funnel(deeks(COUNTS)))
    effects = np.linspace(0, 1, 12)
    many = _legend(funnel(egger(effects, 0.1 + effects**2)))
    assert not [text for text in many if "too few" in text]


def test_funnel_refuses_labels_of_other_studies() -> None:
    with pytest.raises(ValueError, match="4 studies in the test, but 1 labels"):
        funnel(deeks(COUNTS), study=["A"])


def _legend(ax) -> list[str]:
    (legend,) = ax.get_figure(root=True).legends
    return [text.get_text() for text in legend.get_texts()]
