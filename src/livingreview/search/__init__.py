"""Find reports: one search strategy, written out in the query language of every bibliographic database."""
