"""What chapters, pages and comparisons tell of the evidence: its tables, its syntheses, its audit."""
