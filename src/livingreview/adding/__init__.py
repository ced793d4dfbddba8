"""Write the file of a new study from its bibliographic record, and nothing that nobody has read."""
