"""The review over time: its results on a day, what changed between two days, rules, and frozen releases."""
