"""Figures: each function takes a result and an optional Axes and returns what it drew on."""
