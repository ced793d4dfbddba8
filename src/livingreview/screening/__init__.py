"""Screening: who decided what about which record, how well people agree, and what to read next.

Nothing here excludes a record: people do.
"""
