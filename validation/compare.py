"""Where does R agree with the bivariate engine, and where not? Run with ``python validation/compare.py [results]``.

Reads what ``validation/r/bivariate.R`` wrote (validation/r/bivariate.json, or the file named), fits the same sets, and
prints the differences R − ours. Data sets are looked up in tests/golden and in the folder that LIVINGREVIEW_REFERENCE
names.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from livingreview.errors import ReviewError
from livingreview.synthesis.bivariate import BivariateFit, fit
from livingreview.synthesis.counts import Counts

ROOT = Path(__file__).parents[1]
FITTERS: dict[str, dict[str, Any]] = {
    "lme4": {"model": "binomial"},
    "glmmTMB": {"model": "binomial"},
    "metafor_ml": {"model": "normal", "method": "ml"},
    "metafor_reml": {"model": "normal", "method": "reml"},
}


def read(name: str) -> Counts:
    """Return a data set by its name."""
    folders = [ROOT / "tests" / "golden"]
    if reference := os.environ.get("LIVINGREVIEW_REFERENCE"):
        folders.append(Path(reference))
    path = next(path for folder in folders if (path := folder / "datasets" / f"{name}.csv").is_file())
    with path.open(encoding="utf-8", newline="") as lines:
        return Counts.from_records(csv.DictReader(lines))


def line(ours: BivariateFit, theirs: dict[str, Any]) -> str:
    """Return the differences of one fit, or what R said in place of it."""
    if "error" in theirs:
        return f"R stopped: {theirs['error']}"
    value, means = theirs["log_likelihood"], np.asarray(theirs["mu"], dtype=float)
    spread = np.asarray(theirs["between_study_cov"], dtype=float)
    if value is None:
        return f"R gave no likelihood: {'; '.join(theirs['messages'])}"
    differences = (
        f"log-likelihood {value - ours.log_likelihood:+.1e}",
        f"means {np.abs(means - ours.mu).max():.1e}",
        f"between-study covariance {np.abs(spread - ours.between_study_cov).max():.1e}",
    )
    warned = f"; R warned: {theirs['messages'][0][:60]}" if theirs["messages"] else ""
    return ", ".join(differences) + warned


def main() -> None:
    """Print one line per data set and fitter."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "validation" / "r" / "bivariate.json"
    results = json.loads(path.read_text("utf-8"))
    print(", ".join(f"{name} {version}" for name, version in results.pop("software").items()))
    for name, by_fitter in results.items():
        counts = read(name)
        print(f"{name} (k = {counts.k})")
        for fitter, arguments in FITTERS.items():
            theirs = by_fitter[fitter]
            if not theirs:
                continue
            try:
                told = line(fit(counts, structure="unstructured", **arguments), theirs)
            except ReviewError as error:
                value = theirs.get("log_likelihood")
                told = f"ours refuses ({str(error).split(':')[0]}); R's log-likelihood: {value}"
            print(f"  {fitter:<13} {told}")


if __name__ == "__main__":
    main()
