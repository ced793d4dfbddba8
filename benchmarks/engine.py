"""How fast, and how good, is the bivariate engine beside R's? Run with ``python benchmarks/engine.py``.

One run times this package's exact binomial fit and its normal fit against lme4::glmer (bobyqa), glmmTMB (both by
Laplace's approximation), metafor::rma.mv and, where it is installed, pimeta, on sets of 10, 14, 33, 51 and 500
studies; then 200 refits of a parametric bootstrap, growth with the number of studies, and the import. Times are CPU
seconds of the quickest of several fits, after loading and one to warm up; log-likelihoods stand beside them, because a
fast wrong answer is no answer.

R's side needs R with lme4, glmmTMB, metafor and jsonlite; on Debian and Ubuntu:

    apt-get install r-base-core r-cran-lme4 r-cran-glmmtmb r-cran-metafor r-cran-jsonlite

The published sets are read from the folder that LIVINGREVIEW_REFERENCE names; without it, sets of the same sizes are
simulated from a fixed seed.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from history import record
from livingreview.synthesis.bivariate import BivariateFit, fit
from livingreview.synthesis.counts import Counts, corrected

ROOT = Path(__file__).parents[1]
PUBLISHED = {"skin_tests": 10, "auditc": 14, "dementia": 33, "smoking": 51}
LARGE = "edge_sim500"
REFITS = 200
GROWTH = (125, 250, 500, 1000, 2000)
INSTALL = "apt-get install r-base-core r-cran-lme4 r-cran-glmmtmb r-cran-metafor r-cran-jsonlite"


def simulate(k: int, seed: int) -> Counts:
    """Draw k studies from a bivariate binomial-normal model."""
    random = np.random.default_rng(seed)
    z = random.standard_normal((k, 2))
    eta = np.stack([1.5 + 0.8 * z[:, 0], 2.0 - 0.3 * z[:, 0] + 0.7 * z[:, 1]], axis=1)
    n = np.stack([random.integers(20, 150, k), random.integers(30, 250, k)], axis=1)
    hits = random.binomial(n, 1 / (1 + np.exp(-eta)))
    return Counts.from_arrays(hits[:, 0], (n - hits)[:, 1], (n - hits)[:, 0], hits[:, 1])


def read(path: Path) -> Counts:
    with path.open(encoding="utf-8", newline="") as lines:
        return Counts.from_records(csv.DictReader(lines))


def write(counts: Counts, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["study", "tp", "fp", "fn", "tn"])
        rows.writerows(zip(counts.study, counts.tp, counts.fp, counts.fn, counts.tn, strict=True))


def data_sets() -> dict[str, Counts]:
    sets = {}
    reference = os.environ.get("LIVINGREVIEW_REFERENCE")
    for seed, (name, k) in enumerate(PUBLISHED.items()):
        path = Path(reference or "", "datasets", f"{name}.csv")
        if reference and path.is_file():
            sets[name] = read(path)
        else:
            sets[f"simulated_{k}"] = simulate(k, seed)
    sets[LARGE] = read(ROOT / "tests" / "golden" / "datasets" / f"{LARGE}.csv")
    return sets


def cpu(call: Callable[[], object], repeats: int) -> float:
    """Return the least CPU seconds of a call, warmed up: what it needs when nothing else runs."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds)


def in_r(sets: dict[str, Counts], bootstrap_set: str) -> dict[str, Any]:
    """Return R's times and log-likelihoods; empty, and saying why, where R is not there."""
    if not shutil.which("Rscript"):
        print(f"R: not found, its columns are left out; to install it: {INSTALL}")
        return {}
    with tempfile.TemporaryDirectory() as folder:
        for name, counts in sets.items():
            write(counts, Path(folder, f"{name}.csv"))
        command = ["Rscript", str(ROOT / "benchmarks" / "engine.R"), folder, bootstrap_set, str(REFITS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"R: {done.stderr.strip().splitlines()[-1]}; to install what is missing: {INSTALL}")
        return {}
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def by_pimeta(counts: Counts) -> float | None:
    """Return the CPU seconds of pimeta's port of rma.mv, or None where it is not installed."""
    try:
        from pimeta.rma_mv import rma_mv
    except ImportError:
        return None
    tp, fp, fn, tn = corrected(counts)
    y, v = np.r_[np.log(tp / fn), np.log(tn / fp)], np.r_[1 / tp + 1 / fn, 1 / tn + 1 / fp]
    arm = np.repeat(["sensitivity", "specificity"], counts.k)
    labels = {"arm": arm, "study": np.tile(np.arange(counts.k), 2).astype(str)}
    x = np.stack([arm == "sensitivity", arm == "specificity"], axis=1).astype(float)
    arguments = {"random": "~ arm | study", "struct": "UN", "data": labels, "mods": x, "intercept": False}
    return cpu(lambda: rma_mv(y, v, method="REML", **arguments), 3)


def compare(title: str, mine: float, theirs: dict[str, Any] | None, note: str = "") -> None:
    if theirs is None:
        return
    if "error" in theirs:
        print(f"    {title:<17} failed: {theirs['error']}")
        return
    value = f"  log-likelihood {theirs['log_likelihood']:.6f}" if "log_likelihood" in theirs else ""
    print(
        f"    {title:<17} {1e3 * theirs['seconds']:10.1f} ms  {theirs['seconds'] / mine:7.1f} times ours{value}{note}"
    )


def one_set(name: str, counts: Counts, r: dict[str, Any]) -> dict[str, float]:
    repeats = 150 if counts.k < 200 else 15  # as long as R fits, so that a busy moment hits both alike
    found: BivariateFit = fit(counts, structure="unstructured")
    mine = exact = cpu(lambda: fit(counts, structure="unstructured"), repeats)
    print(f"{name}: k = {counts.k}")
    print(f"  binomial, exact     {1e3 * mine:10.1f} ms{'':20}log-likelihood {found.log_likelihood:.6f}")
    for title in ("lme4::glmer", "glmmTMB"):
        compare(title, mine, r.get(name, {}).get(title), " (Laplace)")
    mine = cpu(lambda: fit(counts, model="normal", method="reml", structure="unstructured"), repeats)
    print(f"  normal, REML        {1e3 * mine:10.1f} ms")
    # Their constants differ from ours, so that log-likelihoods do not stand beside each other here;
    # validation/compare.py makes them comparable and compares them.
    theirs = r.get(name, {}).get("metafor::rma.mv")
    compare("metafor::rma.mv", mine, {k: v for k, v in theirs.items() if k != "log_likelihood"} if theirs else None)
    seconds = by_pimeta(counts) if counts.k < 200 else None
    compare("pimeta.rma_mv", mine, None if seconds is None else {"seconds": seconds})
    return {f"{name}, binomial": exact, f"{name}, normal": mine}


def main() -> None:
    sets = data_sets()
    bootstrap_set = next(name for name, counts in sets.items() if counts.k == PUBLISHED["auditc"])
    r = in_r(sets, bootstrap_set)
    if r:
        print(", ".join(f"{name} {version}" for name, version in r["software"].items()))
    if by_pimeta(sets[bootstrap_set]) is None:
        print("pimeta: not installed, its line is left out")
    measured: dict[str, float] = {}
    for name, counts in sets.items():
        measured |= one_set(name, counts, r)

    found = fit(sets[bootstrap_set], structure="unstructured")
    mine = cpu(lambda: found.bootstrap(REFITS, seed=1), 5)
    print(f"parametric bootstrap of {bootstrap_set}, {REFITS} refits\n  ours                {1e3 * mine:10.1f} ms")
    compare("lme4::refit", mine, r.get("bootstrap"))
    measured[f"{bootstrap_set}, bootstrap"] = mine

    print("growth with the number of studies (binomial, exact)")
    for k in GROWTH:
        counts = simulate(k, seed=k)
        seconds = cpu(lambda counts=counts: fit(counts, structure="unstructured"), 10)  # type: ignore[misc]
        measured[f"k = {k}, binomial"] = seconds
        print(f"  k = {k:5d} {1e3 * seconds:10.1f} ms {1e6 * seconds / k:8.1f} µs per study")

    code = "import time; import numpy; s = time.perf_counter(); import livingreview.synthesis.bivariate; "
    code += "print(time.perf_counter() - s)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    measured["import after numpy"] = float(done.stdout)
    print(f"import of the engine after numpy: {1e3 * float(done.stdout):.0f} ms")
    record("engine", measured)


if __name__ == "__main__":
    main()
