"""The governing equations: one PyBaMM submodel a file, each next to its source."""
