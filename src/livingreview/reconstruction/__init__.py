"""2×2 tables from the figures that a report prints, and what is pooled when several tables fit.

>>> from livingreview.reconstruction import reconstruct
>>> reconstruct({"sensitivity": "95", "accuracy": "88", "ppv": "83", "f1": "89"}, n=42)
Reconstruction(exact: tp=20 fp=4 fn=1 tn=17; rounding half-up)

Modules
-------
printed
    A number as it is printed.
constraints, compatible
    What printed figures demand of a table, and every table that meets it.
tables
    All that is printed about one table, and the tables that it leaves.
imputation
    Pooled accuracy when several tables fit.
implied
    What other printed figures imply: heterogeneity, exact intervals, areas under curves.
"""

from __future__ import annotations

from livingreview.reconstruction.tables import Reconstruction, reconstruct

__all__ = ["Reconstruction", "reconstruct"]
