"""Golden results by name: the simulated sets kept here, and the published ones that the reference data hold.

``tests/golden`` keeps the simulated ``edge_*`` sets with what R and an independent exact maximiser say about
them (each expected file names its software and versions). The published sets belong to other packages and are
read only from the folder that LIVINGREVIEW_REFERENCE names.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from livingreview.synthesis.counts import Counts

GOLDEN = Path(__file__).parent / "golden"

EDGE = (
    "edge_huge_counts",
    "edge_k2",
    "edge_k3",
    "edge_k4",
    "edge_k5",
    "edge_one_tau0",
    "edge_perfect_spec",
    "edge_rho_neg1",
    "edge_rho_pos1",
    "edge_sim500",
    "edge_tau0",
    "edge_zero_cells",
)
PUBLISHED = (
    "anti_ccp",
    "ascus_triage",
    "auditc",
    "csf_tau14",
    "dementia",
    "glas_telomerase",
    "iqcode",
    "mmse_k4",
    "ogt",
    "scheidler_all",
    "scheidler_ct",
    "scheidler_lag",
    "scheidler_mri",
    "skin_tests",
    "smoking",
    "smoking_saq",
)
EVERY = EDGE + PUBLISHED


@dataclass(frozen=True)
class Case:
    """A data set and every reference result for it."""

    name: str
    folder: Path

    @property
    def csv(self) -> Path:
        """The table as a file."""
        return self.folder / "datasets" / f"{self.name}.csv"

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        """The table's rows, covariates included."""
        with self.csv.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    @cached_property
    def counts(self) -> Counts:
        """The 2×2 tables."""
        return Counts.from_records(self.rows)

    @cached_property
    def expected(self) -> dict[str, Any]:
        """The reference results, as the reference README describes them."""
        loaded: dict[str, Any] = json.loads((self.folder / "expected" / f"{self.name}.json").read_text("utf-8"))
        return loaded


def edge(name: str) -> Counts:
    """Return the tables of a simulated set."""
    return Case(name, GOLDEN).counts
