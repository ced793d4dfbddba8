"""Figures: each function takes a result, and axes to draw on or else makes a new figure, and returns the axes."""
