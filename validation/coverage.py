"""Count how often 95 % intervals of a pooled logit hold the truth, with few and with many studies.

    python validation/coverage.py > data/examples/coverage.csv

simulates reviews from the bivariate binomial model, fits each with structure="auto", and counts in how many the Wald
interval holds the true mean: with the normal quantile, as other software has it, and with Student's.
"""

from __future__ import annotations

import csv
import sys

import numpy as np
from scipy.stats import norm, t

from livingreview.synthesis import Counts, fit_many

SEED = 1
SETS = 2000
STUDIES = (3, 5, 7, 10, 15, 20, 30)
MEANS = ((1.5, 1.5), (2.5, 1.5))
TAU = (0.5, 1.0)
RHO = -0.4
# Participants of an arm: log-normal about 50, at least 8.
MEDIAN_SIZE, SPREAD, SMALLEST = 50, 0.6, 8
COLUMNS = ("studies", "quantile", "measure", "true_logit", "tau", "sets", "covered", "source")
SOURCE = f"simulated by validation/coverage.py with seed {SEED}"


def reviews(rng: np.random.Generator, k: int, mean: tuple[float, float], tau: float) -> list[Counts]:
    """Return simulated reviews of k studies."""
    between = tau**2 * np.array([[1.0, RHO], [RHO, 1.0]])
    sets = []
    for _ in range(SETS):
        logits = rng.multivariate_normal(mean, between, size=k)
        n = np.maximum(np.exp(rng.normal(np.log(MEDIAN_SIZE), SPREAD, size=(k, 2))).round(), SMALLEST).astype(int)
        y = rng.binomial(n, 1 / (1 + np.exp(-logits)))
        sets.append(Counts.from_arrays(tp=y[:, 0], fp=(n - y)[:, 1], fn=(n - y)[:, 0], tn=y[:, 1]))
    return sets


def main() -> None:
    """Write one row per setting, measure and quantile."""
    rng = np.random.default_rng(SEED)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    for mean in MEANS:
        for tau in TAU:
            for k in STUDIES:
                found = fit_many(reviews(rng, k, mean, tau), structure="auto")
                done = found.converged
                error = np.sqrt(np.diagonal(found.mu_cov[done], axis1=1, axis2=2))
                distance = np.abs(found.mu[done] - mean) / error
                for name, quantile in (("normal", norm.isf(0.025)), ("t", t.isf(0.025, k - 1))):
                    for arm, measure in enumerate(("sensitivity", "specificity")):
                        covered = float((distance[:, arm] < quantile).mean())
                        out.writerow((k, name, measure, mean[arm], tau, int(done.sum()), round(covered, 4), SOURCE))


if __name__ == "__main__":
    main()
