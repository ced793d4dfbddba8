"""Segmentation: Dice and Hausdorff values, which of them may be pooled, what they pool to, and why the others may not.

Never mixed: structures, means with medians, the Hausdorff distance with its 95th percentile, the values that the base
review tabulates with those that the studies report.

The model is a three-level one: estimates within studies, with cluster-robust standard errors; where every study gives
one estimate the levels cannot be told apart, and it is the ordinary random-effects model with Hartung–Knapp intervals.
Dice is pooled on the logit scale, because it is bounded by 1 and most values lie close to it, where a symmetric
interval on the raw scale would pass the bound; distances are pooled on the log scale, because they are positive and
skewed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from livingreview.analysis.evidence import UNSIGNED
from livingreview.analysis.tabulate import NOT_SEEN
from livingreview.review import STUDY_ID, Review
from livingreview.synthesis import multilevel, univariate
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.multilevel import MultilevelFit
from livingreview.synthesis.univariate import UnivariateFit
from livingreview.wording import decimal, in_words, listing, p_value, plural

__all__ = [
    "BASELINE_VALUE", "FEWEST", "GROUP_OF", "METRICS", "STRUCTURE_GROUPS", "PooledGroup", "facts", "group_table",
    "of_one_structure", "pool_groups", "pooling_table", "refusals_table", "regression_table", "reported",
    "statistic_in_words", "tabulated", "within_networks",
]  # fmt: skip

# Below three studies a between-study variance has no degree of freedom to be judged by.
FEWEST = 3
METRICS: Mapping[str, str] = {
    "dice": "Dice coefficient",
    "hausdorff": "Hausdorff distance (mm)",
    "hausdorff95": "95th percentile Hausdorff distance (mm)",
}
FEWEST_FOR_REGRESSION = 10
MODERATORS: Mapping[str, str] = {
    "family": "Network family",
    "dimensionality": "Dimensionality",
    "access": "Access to the data",
    "sequence": "Sequence",
}
Scale = Literal["logit", "log"]
SCALES: Mapping[str, Scale] = {"dice": "logit", "hausdorff": "log", "hausdorff95": "log"}
INDEPENDENT_UNITS = ("patient", "exam")
BASELINE_VALUE = {"dice": "dice", "hausdorff": "hausdorff_mm"}
CODED = ("family", "dimensionality", "access")
SEVERAL = "Several structures"
# Structures that may be looked at together; a cavity and a muscle are not the same target.
STRUCTURE_GROUPS = {
    "LV": ("LV", "LV cavity"),
    "LV epicardium": ("LV epicardium",),
    "LV myocardium": ("LV myocardium",),
    "LV trabeculations": ("LV trabeculations",),
    "RV": ("RV",),
    "LA": ("LA",),
    "Atria": ("atria", "RA"),
    "Scar": ("scar",),
    SEVERAL: ("multi-class",),
    "Not stated": (None, "other"),
}
GROUP_OF = {name: title for title, names in STRUCTURE_GROUPS.items() for name in names}


def tabulated(review: Review, metric: str) -> pd.DataFrame:
    """Return the base review's table of ``"dice"`` or ``"hausdorff"``, each row with the study it belongs to.

    Returns
    -------
    DataFrame
        Columns ``row``, ``author``, ``value``, ``study``, ``label``, and the study's ``family``,
        ``dimensionality``, ``access`` as this review codes them (None where unknown).
    """
    table = review.baseline[metric]
    studies = review.studies_table().set_index("study")
    owner = {
        source.row: study.id
        for study in review.studies
        for source in study.sources.values()
        if source.kind == "baseline" and source.table == metric
    }
    frame = pd.DataFrame(
        {
            "row": table["row"],
            "author": table["author"],
            "value": table[BASELINE_VALUE[metric]].astype(float),
            "study": [owner.get(int(row)) for row in table["row"]],
        }
    )
    return frame.merge(studies[["label", *CODED]], left_on="study", right_index=True, how="left")


def reported(review: Review, metrics: Sequence[str]) -> pd.DataFrame:
    """Return what the studies' own reports give for their model in these metrics, one row per value.

    Returns
    -------
    DataFrame
        The overlap table's columns with ``group`` (see `STRUCTURE_GROUPS`), ``family``, ``dimensionality``,
        ``access``, ``se`` (SD/√n, where mean, SD and n are known); ordered by group and value.
    """
    table = review.overlap_table()
    keep = (table["kind_of_source"] != "baseline") & (table["rater"] == "model") & table["metric"].isin(list(metrics))
    table = table[keep].copy()
    table["group"] = [GROUP_OF[None if structure != structure else structure] for structure in table["structure"]]
    studies = review.studies_table().set_index("study")
    table = table.merge(studies[list(CODED)], left_on="study", right_index=True, how="left")
    mean = table["statistic"] == "mean"
    table["se"] = np.where(mean, table["sd"].astype(float) / np.sqrt(table["n"].astype(float)), np.nan)
    order = {title: place for place, title in enumerate(STRUCTURE_GROUPS)}
    table = table.assign(place=table["group"].map(order)).sort_values(["place", "value"], ascending=[True, False])
    return table.drop(columns="place").reset_index(drop=True)


def group_table(values: pd.DataFrame, column: str) -> pd.DataFrame:
    """Describe values by a column, e.g. ``"group"`` or ``"family"``; studies and values are counted apart."""
    grouped = values.groupby(values[column].fillna(NOT_SEEN), sort=False)
    return grouped.agg(
        studies=("study", "nunique"), values=("value", "size"), median=("value", "median"), lowest=("value", "min"),
        highest=("value", "max"),
    ).reset_index()  # fmt: skip


def of_one_structure(values: pd.DataFrame) -> pd.DataFrame:
    """Return those of the values of :func:`reported` that are of a single structure, not of several together."""
    return values[values["group"] != SEVERAL]


def within_networks(values: pd.DataFrame) -> str:
    """Return one sentence on how far structures lie apart within a study's network; empty where none outlined two."""
    spans = [
        "from {} to {} in {}".format(*(f"{decimal(row['value'])} ({row['group']})" for row in (best, worst)), name)
        for name, rows in of_one_structure(values).groupby("label_of_study", sort=False)
        if rows["group"].nunique() > 1
        for best, worst in [rows.sort_values("value", kind="stable").iloc[[-1, 0]].to_dict("records")]
    ]
    return f"What is outlined matters within one network: {listing(spans)}." if spans else ""


@dataclass(frozen=True, eq=False)
class PooledGroup:
    """One metric of one structure group.

    Parameters
    ----------
    metric, group
        What is pooled.
    rows
        Every reported value of the metric and group, with ``usable`` and, where it is not, ``refusal``.
    fit
        The three-level (or, with one estimate per study, the random-effects) model on its scale; None where there are
        too few studies.
    """

    metric: str
    group: str
    rows: pd.DataFrame
    fit: MultilevelFit | UnivariateFit | None

    @property
    def scale(self) -> Scale:
        """Scale of `fit`."""
        return SCALES[self.metric]

    @property
    def studies(self) -> int:
        """Number of studies with a usable value."""
        return int(self.rows.loc[self.rows["usable"], "study"].nunique())

    @property
    def reason(self) -> str:
        """Why nothing was pooled; empty where something was."""
        if self.fit is not None:
            return ""
        # As released versions hold it; for readers see `shortfall`.
        return f"{self.studies} of {self.rows['study'].nunique()} studies can be used; at least {FEWEST} are needed"

    @property
    def shortfall(self) -> str:
        """Why nothing was pooled, as a table says it; empty where something was."""
        usable, every = self.studies, int(self.rows["study"].nunique())
        known = f"{in_words(usable)} of {plural(every, 'study', 'studies')}" if self.fit is None else ""
        if usable == 0 or every == 1:
            known = "its only study" if usable else "no study"
        return f"{known} can be used; at least {in_words(FEWEST)} are needed" if known else ""

    @property
    def estimate(self) -> Interval | None:
        """Pooled value on the scale of the metric."""
        return None if self.fit is None else self._back(self.fit.estimate)

    @property
    def prediction(self) -> Interval | None:
        """Where a new study's value is expected, on the scale of the metric."""
        return None if self.fit is None else self._back(self.fit.prediction_interval())

    def _back(self, interval: Interval) -> Interval:
        inverse = expit if self.scale == "logit" else np.exp
        estimate, lower, upper = (float(inverse(x)) for x in (interval.estimate, interval.lower, interval.upper))
        return Interval(estimate, lower, upper, interval.level)


def pool_groups(review: Review) -> tuple[PooledGroup, ...]:
    """Pool every metric of every structure group for which enough studies report what is needed."""
    groups = []
    for metric in METRICS:
        values = reported(review, [metric])
        for group in STRUCTURE_GROUPS:
            rows = values[values["group"] == group].copy()
            if rows.empty:
                continue
            barred = {study.id for study in review.studies if review.verified_only and not study.verified}
            rows["refusal"] = [_refusal(row, barred) for row in rows.to_dict("records")]
            rows["usable"] = rows["refusal"] == ""
            groups.append(PooledGroup(metric, group, rows, _fit(rows, SCALES[metric])))
    return tuple(groups)


def regression_table(groups: Sequence[PooledGroup]) -> pd.DataFrame:
    """Return the meta-regressions of every pooled group on each moderator, or why one is not made.

    A moderator is tried where ten studies are pooled and its two most frequent levels have three studies each
    (Cochrane Handbook, chapter 10: at least ten studies per covariate). The coefficient is the difference of the second
    level from the first on the scale of the model, with its cluster-robust or Hartung–Knapp P value.
    """
    rows = []
    for group in groups:
        for name, title in MODERATORS.items():
            head = (METRICS[group.metric], group.group, title, group.studies)
            compared = _regression(group, name)
            rows.append((*head, "", "", "", compared) if isinstance(compared, str) else (*head, *compared, ""))
    columns = ["Metric", "Structure", "Moderator", "Studies", "Compared", "Difference", "P", "If not, why"]
    return pd.DataFrame(rows, columns=columns)


def facts(groups: Sequence[PooledGroup]) -> dict[str, str]:
    """Return the sentences of the chapter that say what is pooled and what is not, by name."""
    count, pooled = len(groups), sum(group.fit is not None for group in groups)
    dice = [row for group in groups if group.metric == "dice" for row in group.rows.to_dict("records")]
    why = Counter(row["refusal"] for row in dice if not row["usable"])
    usable = len(dice) - why.total()
    have = f"{_number(usable)} {'has' if usable == 1 else 'have'} all that"
    others = "; ".join(f"{reason} ({n})" for reason, n in why.most_common())
    alone = [group for group in groups if group.metric == "dice" and len(group.rows) == 1]
    said = (f"{group.group} {_one_value(group.rows.iloc[0])}" for group in alone)
    made = regression_table(groups)
    regressions = int((made["If not, why"] == "").sum())
    most = max((group.studies for group in groups), default=0)
    return {
        "pooled_today": f"{_number(pooled).capitalize()} of the {count} combinations of metric and structure can be "
        "pooled today.",
        "usable_values": f"Of the {len(dice)} Dice values, {have}."
        + (f" The others lack it, for these reasons: {others}." if others else ""),
        "alone": f"Only one Dice value was seen for each of these: {'; '.join(said)}." if alone else "",
        "regressions": f"Of {len(made)} such meta-regressions, {_number(regressions)} can be made today"
        f"{'' if regressions else f': the structure with most studies has {_number(most)} that can be used'}.",
    }  # fmt: skip


def _number(count: int) -> str:
    return in_words(count) if count else "none"


def _one_value(row: pd.Series[Any]) -> str:
    """Write the only value of a structure, e.g. ``0.90 (Tran 2020, median of 40 patients)``."""
    return f"{decimal(row['value'])} ({row['label_of_study']}, {statistic_in_words(row)})"


def statistic_in_words(row: Mapping[Any, Any] | pd.Series[Any]) -> str:
    """Write what a reported value is and of how many, e.g. ``median of 40 patients``."""
    kind = "kind not stated" if pd.isna(row["statistic"]) else row["statistic"]
    unit = "case" if pd.isna(row["unit"]) else row["unit"]
    return kind if pd.isna(row["n"]) else f"{kind} of {plural(int(row['n']), unit)}"


def _regression(group: PooledGroup, name: str) -> tuple[str, str, str] | str:
    """Return the levels compared, their difference and its P value, or why there is none."""
    if group.fit is None or group.studies < FEWEST_FOR_REGRESSION:
        return f"{group.studies} usable, at least {FEWEST_FOR_REGRESSION} are needed"
    usable = group.rows[group.rows["usable"]]
    per_level = usable.groupby(name)["study"].nunique().sort_values(ascending=False, kind="stable")
    levels = [str(level) for level, n in per_level.items() if n >= FEWEST][:2]
    if len(levels) < 2:
        return f"fewer than two levels with {FEWEST} studies each"
    part = usable[usable[name].isin(levels)]
    found = _fit(part, group.scale, moderator=np.asarray(part[name] == levels[1], dtype=np.float64))
    assert found is not None  # both levels have enough studies
    difference = f"{found.intervals[1]} ({group.scale} scale)"
    return f"{levels[1]} against {levels[0]}", difference, p_value(float(found.p_values[1]))


def _refusal(row: Mapping[Any, Any], barred: Container[str]) -> str:
    """Return why a value cannot be pooled, or nothing."""
    reasons = {
        "the structure is not stated": row["group"] == "Not stated",
        "a median": row["statistic"] == "median",
        "whether it is a mean is not stated": row["statistic"] not in ("mean", "median"),
        "no standard deviation": pd.isna(row["sd"]),
        "no number of cases": pd.isna(row["n"]),
        f"per {row['unit']}, which are not independent": row["unit"] not in (*INDEPENDENT_UNITS, None)
        and not pd.isna(row["unit"]),
        UNSIGNED: row["study"] in barred,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _fit(
    rows: pd.DataFrame, scale: Scale, moderator: NDArray[np.float64] | None = None
) -> MultilevelFit | UnivariateFit | None:
    usable = rows[rows["usable"]]
    if usable["study"].nunique() < FEWEST:
        return None
    value, se = usable["value"].to_numpy(float), usable["se"].to_numpy(float)
    effects: NDArray[np.float64] = logit(value) if scale == "logit" else np.log(value)
    # Delta method: the derivative of the logit is 1/(x(1 − x)), of the logarithm 1/x.
    slope = 1 / (value * (1 - value)) if scale == "logit" else 1 / value
    variances = (se * slope) ** 2
    moderators = None if moderator is None else moderator[:, None]
    if usable["study"].is_unique:
        labels = list(usable["study"])
        return univariate.fit(effects, variances, method="reml", study=labels, moderators=moderators)
    return multilevel.fit(effects, variances, usable["study"], moderators=moderators)


def pooling_table(groups: tuple[PooledGroup, ...]) -> pd.DataFrame:
    """Return what each metric and structure pools to, or why it does not."""
    rows = [
        (
            METRICS[group.metric],
            group.group,
            group.rows["study"].nunique(),
            len(group.rows),
            group.studies,
            f"{group.estimate or ''}",
            f"{group.prediction or ''}",
            group.shortfall,
        )
        for group in groups
    ]
    columns = ["Metric", "Structure", "Studies", "Values", "Usable studies", "Pooled", "Prediction interval",
               "If not, why"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def refusals_table(groups: tuple[PooledGroup, ...]) -> pd.DataFrame:
    """Return every value that cannot be pooled with its reason."""
    parts = [group.rows.loc[~group.rows["usable"]].assign(metric=METRICS[group.metric]) for group in groups]
    columns = {
        "study": STUDY_ID, "label_of_study": "Study", "metric": "Metric", "group": "Structure", "value": "Value",
        "refusal": "Reason",
    }  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=list(columns.values()))
    return pd.concat(parts)[list(columns)].rename(columns=columns).reset_index(drop=True)
