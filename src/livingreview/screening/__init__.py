"""Screening: who decided what about which record, how well people agree, and what to read next.

Modules
-------
ledger
    The decisions: one row per person, record and stage, appended and never rewritten.
verdicts
    What the decisions of several people, and an adjudication, come to.
library
    The records found, copies of one publication taken together, and what waits for whom.
agreement
    Raw agreement, Cohen's kappa and its prevalence-adjusted form.
ranking, backtest
    What to read first, learned from past decisions, and how much reading that would have saved.
stopping
    How likely it is that something was missed.
exchange
    Out to ASReview and Rayyan, and back.
session, terminal
    Screening in the terminal.
reports
    The ranking as a table.

Nothing here excludes a record: people do.
"""
