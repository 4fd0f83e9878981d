"""Layers of a cell, and the file that states them."""
