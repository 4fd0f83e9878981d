"""The cases of an experiment, and who computes them into which folder."""
