"""The diagnostic synthesis: the main analysis, its sensitivity analyses and subgroups, and what they leave out.

Where several 2×2 tables fit what a study prints, none is chosen: the analysis is repeated over tables drawn from all
that fit and combined by Rubin's rules, so that the interval holds what the reports leave open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from livingreview.analysis.evidence import MAIN, SENSITIVITY_RULES, Rule, Selection, TableEvidence, gather, select
from livingreview.analysis.tabulate import NOT_SEEN, reference
from livingreview.errors import ConvergenceError
from livingreview.reconstruction.imputation import Extremes, ImputedFit, extremes, multiple_imputation
from livingreview.review import STUDY_ID, Review
from livingreview.review.model import Quoted, RiskOfBias
from livingreview.synthesis.bias import FEWEST_STUDIES, deeks
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import CELLS, Counts
from livingreview.synthesis.fit_result import BivariateFit
from livingreview.synthesis.influence import leave_one_out
from livingreview.synthesis.intervals import Interval
from livingreview.wording import p_value, percent, plural, with_interval

__all__ = [
    "FEWEST", "Pooled", "changes_table", "entries_table", "facts", "headline", "leave_one_out_table",
    "left_out_table", "pool", "printed_text", "provisos", "sensitivity_table", "subgroup_table", "used_table",
]  # fmt: skip

# With two studies a spread between studies cannot be told from chance; nothing is pooled below three.
FEWEST = 3
# The Monte-Carlo error of a pooled logit is then a fourteenth of the spread between imputations.
DRAWS = 200
SEED = 1
MEASURES = ("sensitivity", "specificity")
CHARACTERISTICS = {
    "task": "Task",
    "access": "Access to the data",
    "centres": "Centres",
    "validation": "Design of the evaluation",
}


@dataclass(frozen=True, eq=False)
class Pooled:
    """What one rule gives.

    Parameters
    ----------
    selection
        What was used and what was left out.
    fit
        The exact binomial model on each study's central table; None where nothing was pooled.
    imputed
        The same model over all compatible tables; None where nothing was pooled.
    extremes
        How far the pooled estimates move over the compatible tables; None where nothing was pooled.
    reason
        Why nothing was pooled; empty where something was.
    """

    selection: Selection
    fit: BivariateFit | None
    imputed: ImputedFit | None
    extremes: Extremes | None
    reason: str

    @property
    def k(self) -> int:
        """Number of studies used."""
        return len(self.selection.used)

    def participants(self, *cells: str) -> str:
        """Return how many participants are in some cells of all studies: a range where several tables fit."""
        columns = [CELLS.index(cell) for cell in cells]
        totals = [item.tables[:, columns].sum(axis=1) for item in self.selection.used]
        low, high = (int(sum(limit(total) for total in totals)) for limit in (min, max))
        return f"{low:,}" if low == high else f"{low:,} to {high:,}"

    @property
    def risk_of_bias(self) -> dict[str, list[RiskOfBias | None]]:
        """Of each domain that was judged in a study used, what was judged of each of them."""
        judged = [item.study.risk_of_bias_by_domain for item in self.selection.used]
        domains = dict.fromkeys(domain for found in judged for domain in found)
        return {name.replace("_", " ").capitalize(): [found.get(name) for found in judged] for name in domains}

    @cached_property
    def counts(self) -> Counts:
        """The central table of each study used."""
        used = self.selection.used
        return _central_counts([item.tables for item in used], [item.label for item in used])


def pool(review: Review, rule: Rule = MAIN, *, evidence: Sequence[TableEvidence] | None = None) -> Pooled:
    """Pool what a rule takes.

    Parameters
    ----------
    review
        The review on a day.
    rule
        Which tables enter.
    evidence
        As returned by :func:`~livingreview.analysis.evidence.gather`, to share between rules.

    Returns
    -------
    Pooled
        With `fit` None and the reason where there are fewer than three studies or no finite estimate. The same
        tables are pooled once in a process.
    """
    selection = select(evidence if evidence is not None else gather(review), rule, review)
    used = selection.used
    if len(used) < FEWEST:
        return Pooled(selection, None, None, None, f"{len(used)} usable, at least {FEWEST} are needed")
    return Pooled(selection, *_fitted(tuple((item.label, item.tables.tobytes()) for item in used)))


@lru_cache(maxsize=64)
def _fitted(used: tuple[tuple[str, bytes], ...]) -> tuple[BivariateFit | None, ImputedFit | None, Extremes | None, str]:
    """Fit the tables of labelled studies, (m, 4) arrays of 64-bit integers as bytes."""
    tables = [np.frombuffer(held, dtype=np.int64).reshape(-1, 4) for _, held in used]
    try:
        central = fit(_central_counts(tables, [label for label, _ in used]), quantile="t")
        imputed = multiple_imputation(
            tables, draws=DRAWS, seed=SEED, weights=[size_weights(t) for t in tables], structure=central.structure
        )
        return central, imputed, extremes(tables, structure=central.structure), ""
    except ConvergenceError as error:
        return None, None, None, str(error)


def _central_counts(tables: Sequence[NDArray[np.int64]], labels: Sequence[str]) -> Counts:
    tp, fp, fn, tn = np.array([central_table(item) for item in tables], dtype=np.int64).reshape(-1, 4).T
    return Counts.from_arrays(tp, fp, fn, tn, study=labels)


def central_table(tables: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the table closest to the mean of all, distances in units of each cell's spread."""
    spread = np.maximum(tables.std(axis=0), 1.0)
    distance = (((tables - tables.mean(axis=0)) / spread) ** 2).sum(axis=1)
    nearest: NDArray[np.int64] = tables[int(distance.argmin())]
    return nearest


def size_weights(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights that make every possible total equally likely, and every table of one total."""
    _, at, times = np.unique(tables.sum(axis=1), return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1.0 / times[at]
    return weights


def sensitivity_table(review: Review) -> pd.DataFrame:
    """Return the main analysis and every sensitivity analysis, one row each."""
    evidence = gather(review)
    rows = []
    for rule in (MAIN, *SENSITIVITY_RULES):
        pooled = pool(review, rule, evidence=evidence)
        rows.append(
            {
                "Analysis": rule.name,
                "Studies": pooled.k,
                "Sensitivity": with_interval(pooled.imputed.sensitivity) if pooled.imputed else "",
                "Specificity": with_interval(pooled.imputed.specificity) if pooled.imputed else "",
                "What it does": rule.says,
                "Model": pooled.fit.structure.replace("_", " ") if pooled.fit else "",
                "If not pooled, why": pooled.reason,
            }
        )
    return pd.DataFrame(rows)


def changes_table(review: Review) -> pd.DataFrame:
    """Return what each sensitivity analysis leaves out and adds, compared with the main one, and why."""
    evidence = gather(review)
    main = select(evidence, MAIN, review).used
    rows = []
    for rule in SENSITIVITY_RULES:
        selection = select(evidence, rule, review)
        rows += [(rule.name, item.label, "left out", reason) for item, reason in selection.left_out if item in main]
        rows += [(rule.name, item.label, "added", rule.says) for item in selection.used if item not in main]
    return pd.DataFrame(rows, columns=["Analysis", "Study", "Change", "Why"])


def leave_one_out_table(pooled: Pooled) -> pd.DataFrame:
    """Return the pooled estimates without each study in turn, on the central tables; in the last row, with all."""
    columns = ["Left out", "Sensitivity", "Specificity", "Cook's distance"]
    if pooled.fit is None:
        return pd.DataFrame(columns=columns)
    rows = []
    found = leave_one_out(pooled.fit)
    for i, name in enumerate(found.study):
        texts = [found.failure[i]] * 2
        if not found.failure[i]:
            rows_of = (found.sensitivity[i].tolist(), found.specificity[i].tolist())
            texts = [with_interval(Interval(e, low, high, pooled.fit.level)) for e, low, high in rows_of]
        rows.append((name, *texts, round(float(found.cook_distance[i]), 2)))
    rows.append(("none", with_interval(pooled.fit.sensitivity), with_interval(pooled.fit.specificity), None))
    return pd.DataFrame(rows, columns=columns)


def left_out_table(left_out: Sequence[tuple[TableEvidence, str]]) -> pd.DataFrame:
    """Return what a synthesis leaves out, and why."""
    rows = [
        (item.study.id, item.label, _evaluation(item), item.study.target_condition or "", reason)
        for item, reason in left_out
    ]
    return pd.DataFrame(rows, columns=[STUDY_ID, "Study", "Evaluation", "Target", "Reason"])


def _evaluation(item: TableEvidence) -> str:
    return item.entry.label or item.entry.id.replace("_", " ")


def entries_table(review: Review, selection: Selection) -> pd.DataFrame:
    """Return every accuracy entry: what it prints, how its table is known, and whether it is pooled."""
    used = {(item.study.id, item.entry.id) for item in selection.used}
    rows = []
    for item in gather(review):
        entry, standing = item.entry, item.study.standing_on(review.day)
        shown = {"sensitivity": "Sensitivity", "specificity": "Specificity", "accuracy": "Accuracy", "ppv": "PPV",
                 "auc": "AUC"}  # fmt: skip
        rows.append(
            {
                STUDY_ID: item.study.id,
                "Study": item.label,
                "Evaluation": _evaluation(item),
                "Standing": standing.status if standing else "",
                "Target": item.study.target_condition or "",
                "Unit": entry.unit or "",
                "n": entry.n,
                **{title: printed_text(getattr(entry, name)) for name, title in shown.items()},
                "2×2 table": item.grade,
                "Pooled": "yes" if (item.study.id, entry.id) in used else "no",
                "Reference": reference(item.study),
            }
        )
    return pd.DataFrame(rows).astype({"n": "Int64"})


def used_table(pooled: Pooled) -> pd.DataFrame:
    """Return the studies pooled: counts, or their range where several tables fit."""
    rows = []
    for item in pooled.selection.used:
        low, high = item.tables.min(axis=0), item.tables.max(axis=0)
        cells = [f"{a}" if a == b else f"{a}–{b}" for a, b in zip(low, high, strict=True)]
        told = (item.study.target_condition or "", len(item.tables), item.reason, reference(item.study))
        rows.append((item.study.id, item.label, *cells, *told))
    columns = [STUDY_ID, "Study", "TP", "FP", "FN", "TN", "Target", "Tables that fit", "How known", "Reference"]
    return pd.DataFrame(rows, columns=columns)


def subgroup_table(review: Review, pooled: Pooled) -> pd.DataFrame:
    """Return the pooled estimates per level of each characteristic.

    A characteristic is compared only if two of its levels have at least three studies each; then a common
    between-study covariance is fitted and both means are tested jointly (likelihood ratio). Otherwise its levels are
    listed with their numbers of studies and no estimate; a characteristic in which no studies differ is left out.
    """
    studies = review.studies_table().set_index("study")
    ids = [item.study.id for item in pooled.selection.used]
    rows: list[tuple[object, ...]] = []
    for name, title in CHARACTERISTICS.items():
        levels = [str(value) for value in studies.loc[ids, name].astype(object).fillna(NOT_SEEN)]
        if len(set(levels)) < 2:
            continue
        found = compared_levels(pooled, levels) or [(level, n, "", "", "") for level, n in Counter(levels).items()]
        rows += [(title, *row) for row in found]
    columns = ["Characteristic", "Level", "Studies", "Sensitivity", "Specificity", "P of the difference"]
    return pd.DataFrame(rows, columns=columns)


def compared_levels(pooled: Pooled, levels: Sequence[str]) -> list[tuple[str, int, str, str, str]]:
    """Return level, studies, both estimates and P of each level with enough studies, nothing without two of these."""
    enough = [level for level, n in Counter(levels).items() if n >= FEWEST and level != NOT_SEEN]
    if len(enough) < 2 or pooled.fit is None:
        return []
    keep = np.array([level in enough for level in levels])
    try:
        compared = fit(pooled.counts.subset(keep), by=[level for level in levels if level in enough], quantile="t")
    except ConvergenceError:
        return []
    joint = next(test for test in compared.tests if (test.kind, test.effect_on) == ("likelihood_ratio", "both"))
    return [
        (str(level.label), level.k, with_interval(level.sensitivity), with_interval(level.specificity),
         p_value(joint.p_value))
        for level in compared.levels
    ]  # fmt: skip


def facts(pooled: Pooled) -> dict[str, str]:
    """Return what a chapter says of the main analysis, by name; ``not pooled`` where there is nothing."""
    fit, imputed, furthest = pooled.fit, pooled.imputed, pooled.extremes
    if fit is None or imputed is None or furthest is None:
        parts = ("i2", "prediction", "widening", "central", "extreme")
        names = (f"{part}_{measure}" for part in parts for measure in MEASURES)
        return dict.fromkeys(("structure", "structure_reason", *names, "searched", "funnel"), "not pooled")
    test = deeks(pooled.counts)
    caution = f" {test.notes[0].capitalize()}." if test.notes else ""
    told = {"structure": fit.structure.replace("_", " "), "structure_reason": fit.structure_reason}
    for measure, widening in zip(MEASURES, imputed.widening, strict=True):
        new: Interval = getattr(fit, f"prediction_interval_{measure}")
        told[f"i2_{measure}"] = percent(getattr(fit.i2, measure), 0)
        told[f"prediction_{measure}"] = _span(new.lower, new.upper)
        told[f"widening_{measure}"] = _wider(float(widening) - 1)
        told[f"central_{measure}"] = with_interval(getattr(fit, measure))
        told[f"extreme_{measure}"] = _span(*getattr(furthest, measure))
    told["searched"] = (
        "No choice of tables leads further."
        if furthest.searched == "all combinations"
        else "Too many combinations fit to pool each: this is over extreme ones, and one in between may lie beyond."
    )
    # Below ten studies a sentence stands in the figure's place and says why.
    return told | {"funnel": f"Deeks' test gives {p_value(test.p)}.{caution}" if pooled.k >= FEWEST_STUDIES else ""}


def _span(lower: float, upper: float) -> str:
    return f"{percent(lower)} to {percent(upper)}"


def _wider(share: float) -> str:
    """Write how much wider an interval becomes.

    >>> _wider(0.12), _wider(-0.02), _wider(0.001)
    ('12 % wider', '2 % narrower', 'no wider')
    """
    if abs(share) < 0.005:
        return "no wider"
    return f"{percent(abs(share), 0)} {'wider' if share > 0 else 'narrower'}"


def headline(pooled: Pooled) -> str:
    """Return one sentence on what the main analysis says today."""
    if pooled.imputed is None or pooled.fit is None:
        return f"Nothing can be pooled today: {pooled.reason}."
    targets = len({item.study.target_condition or item.study.id for item in pooled.selection.used})
    return (
        f"Pooled over {plural(pooled.k, 'study', 'studies')} of {plural(targets, 'target condition')}, sensitivity is "
        f"{with_interval(pooled.imputed.sensitivity)} and specificity {with_interval(pooled.imputed.specificity)}."
    )


def provisos(review: Review, pooled: Pooled) -> str:
    """Return what has to stand beside the main analysis wherever it is shown; empty where nothing is pooled."""
    if pooled.imputed is None or pooled.fit is None:
        return ""
    undecided = sum(item.study in review.awaiting for item in pooled.selection.used)
    unsigned = sum(not item.study.verified for item in pooled.selection.used)
    sensitive, specific = pooled.fit.prediction_interval_sensitivity, pooled.fit.prediction_interval_specificity
    sentences = [
        "These studies ask different questions, so the figures describe the field and no single test: in the next "
        f"study, sensitivity could lie anywhere from {_span(sensitive.lower, sensitive.upper)}, specificity from "
        f"{_span(specific.lower, specific.upper)}."
    ]
    if undecided:
        belong = plural(undecided, "study belongs", "studies belong")
        sentences.append(f"Whether {belong} here no person has decided yet.")
    if unsigned:
        sentences.append(f"The values of {plural(unsigned, 'study', 'studies')} bear no person's signature.")
    return " ".join(sentences)


def printed_text(value: str | Quoted | None) -> str:
    """Return a metric as printed, with what is printed beside it."""
    if value is None:
        return ""
    if isinstance(value, Quoted):
        extra = f" ({value.ci[0]}–{value.ci[1]})" if value.ci else f" ± {value.sd}" if value.sd else ""
        return value.value + extra
    return value
