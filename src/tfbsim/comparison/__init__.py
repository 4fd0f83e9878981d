"""Measured beside simulated: which belong together, and how they differ."""
