"""The governing equations: one PyBaMM submodel a file, each next to its source."""

from contextlib import suppress

with suppress(ImportError):
    from pybtex.database.output.bibtex import Writer
    from pybtex.plugin import register_plugin

    # PyBaMM writes its 82 citations as it is imported, if pybtex is there, which would
    # look for its writer among all packages each time: half a second
    register_plugin("pybtex.database.output", "bibtex", Writer, force=True)
