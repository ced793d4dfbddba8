"""The examples of the methods page: one simulated set, our answers beside those of other software, and coverage.

The set, the other software's answers and the simulated coverage are files (``data/examples``); our answers are
computed when the page is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from livingreview.errors import DataError, Fault
from livingreview.pool.tables import read_counts
from livingreview.review.reading import read_text
from livingreview.synthesis import univariate
from livingreview.synthesis.bivariate import BivariateFit, fit
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.simple_pooling import log_ratios, pooled_sensitivity, pooled_specificity
from livingreview.wording import percent

__all__ = ["OTHERS", "PROMISED", "QUANTITIES", "WorkedExample", "coverage_table", "worked_example"]

EXAMPLE = "sparse_tables"
#: What the engine promises of means and standard errors; smaller differences are not written out, because their
#: digits are those of the machine.
PROMISED = 1e-5
#: What is compared, in the order of the table.
QUANTITIES: Mapping[str, str] = {
    "log_likelihood": "log-likelihood",
    "logit_sensitivity": "mean logit Se",
    "logit_specificity": "mean logit Sp",
    "se_logit_sensitivity": "SE, logit Se",
    "se_logit_specificity": "SE, logit Sp",
    "tau2_sensitivity": "τ², logit Se",
    "tau2_specificity": "τ², logit Sp",
    "rho": "correlation",
    "log_dor": "log DOR",
    "se_log_dor": "SE, log DOR",
    "tau2_log_dor": "τ², log DOR",
    "sensitivity": "pooled Se",
    "specificity": "pooled Sp",
}
#: Other software's answer, by name in the file, and the model of ours that it stands beside.
OTHERS: Mapping[str, tuple[str, str]] = {
    "exact_binomial": ("binomial", "exact (binomial)"),
    "lme4": ("binomial", "lme4"),
    "exact_normal": ("normal", "exact (normal)"),
    "mada": ("normal", "mada"),
    "metafor": ("random_effects", "metafor"),
    "simple_pooling": ("simple", "closed form"),
}
MODELS: Mapping[str, str] = {
    "binomial": "bivariate binomial",
    "normal": "bivariate normal, REML",
    "random_effects": "random effects of the log odds ratio",
    "simple": "simple pooling",
}


@dataclass(frozen=True, eq=False)
class WorkedExample:
    """One simulated set with all answers.

    Parameters
    ----------
    note
        How the set was simulated and where the other answers are from.
    software
        Name in `answers` to software and version.
    counts
        The tables.
    answers
        ``theirs``, ``ours`` and their ``difference``, ours minus theirs, by software and quantity.
    """

    note: str
    software: Mapping[str, str]
    counts: Counts
    answers: pd.DataFrame

    def tables(self) -> pd.DataFrame:
        """Return the 2×2 tables, one row per study."""
        c = self.counts
        return pd.DataFrame({"Study": c.study, "TP": c.tp, "FP": c.fp, "FN": c.fn, "TN": c.tn})

    def software_table(self) -> pd.DataFrame:
        """Return which software gave each answer, and of which model."""
        rows = [(title, MODELS[model], self.software[name]) for name, (model, title) in OTHERS.items()]
        return pd.DataFrame(rows, columns=["Beside", "Model", "Software"])

    def comparison(self) -> pd.DataFrame:
        """Return every quantity of every software beside ours, one row each."""
        written = self.answers.map(_written)
        written["difference"] = self.answers["difference"].map(_difference)
        written.insert(0, "quantity", self.answers.index.get_level_values("quantity").map(QUANTITIES))
        written.insert(0, "beside", [OTHERS[name][1] for name in self.answers.index.get_level_values("software")])
        return written.reset_index(drop=True).rename(columns=str.capitalize)


def worked_example(root: Path) -> WorkedExample:
    """Read the example of a data folder and compute our answers.

    Raises
    ------
    DataError
        If a file is missing or is not what it should be.
    """
    counts = read_counts(root / "examples" / f"{EXAMPLE}.csv").counts
    held = _answers(root / "examples" / f"{EXAMPLE}.json", root)
    effects = univariate.fit(*log_ratios(counts, "diagnostic_odds_ratio", "all"), method="reml", test="z")
    ours = {
        "binomial": _bivariate(fit(counts, structure="unstructured")),
        "normal": _bivariate(fit(counts, model="normal", method="reml", structure="unstructured")),
        "random_effects": {
            "log_dor": float(effects.coefficients[0]),
            "se_log_dor": float(np.sqrt(effects.covariance[0, 0])),
            "tau2_log_dor": effects.tau2,
        },
        "simple": {
            "sensitivity": pooled_sensitivity(counts).interval.estimate,
            "specificity": pooled_specificity(counts).interval.estimate,
        },
    }
    rows = [
        (name, quantity, value, ours[model][quantity])
        for name, (model, _) in OTHERS.items()
        for quantity, value in held["answers"][name].items()
        if value is not None
    ]
    answers = pd.DataFrame(rows, columns=["software", "quantity", "theirs", "ours"]).set_index(["software", "quantity"])
    answers["difference"] = answers["ours"] - answers["theirs"]
    return WorkedExample(held["note"], held["software"], counts, answers)


def coverage_table(root: Path) -> pd.DataFrame:
    """Return how often simulated intervals of 95 % held the truth, by number of studies and quantile.

    One row per number of studies, with the lowest and the highest share over settings and measures.
    """
    read = pd.read_csv(root / "examples" / "coverage.csv")
    spans = read.groupby(["studies", "quantile"])["covered"].agg(["min", "max"])
    pairs = zip(spans["min"], spans["max"], strict=True)
    spans["span"] = [f"{percent(low, 0)} to {percent(high, 0)}" for low, high in pairs]
    table = spans["span"].unstack().rename_axis(columns=None).reset_index()
    return table.rename(columns={"studies": "Studies", "normal": "Normal quantile", "t": "Student's quantile"})


def _answers(path: Path, root: Path) -> dict[str, Any]:
    shown = f"{root.name}/examples/{path.name}"
    remedy = "restore the file from the golden results"
    try:
        read = json.loads(read_text(path, root))
    except json.JSONDecodeError as error:
        raise DataError([Fault(shown, error.lineno, "", "not JSON", remedy, "EXAMPLE-001")]) from None
    if not isinstance(read, dict) or set(OTHERS) - set(read.get("answers", ())):
        raise DataError([Fault(shown, 1, "answers", f"expected {', '.join(OTHERS)}", remedy, "EXAMPLE-002")])
    return read


def _bivariate(found: BivariateFit) -> dict[str, float]:
    return {
        "log_likelihood": found.log_likelihood,
        "logit_sensitivity": float(found.mu[0]),
        "logit_specificity": float(found.mu[1]),
        "se_logit_sensitivity": float(np.sqrt(found.mu_cov[0, 0])),
        "se_logit_specificity": float(np.sqrt(found.mu_cov[1, 1])),
        "tau2_sensitivity": float(found.between_study_cov[0, 0]),
        "tau2_specificity": float(found.between_study_cov[1, 1]),
        "rho": found.rho,
    }


def _written(value: float) -> str:
    return f"{value:.5f}".replace("-", "−") if abs(value) >= PROMISED else "0"


def _difference(value: float) -> str:
    """Write a difference with two digits, or that it is below what the engine promises."""
    return "below 1e−5" if abs(value) < PROMISED else f"{value:+.1e}".replace("-", "−")
