"""Meta-analysis of diagnostic test accuracy: the numeric core, on numpy and scipy alone.

Modules
-------
counts
    2×2 tables, their validation and continuity corrections, and study-level measures with intervals.
"""
