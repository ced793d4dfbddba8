"""A CSV file of 2×2 tables in, one synthesis out."""
