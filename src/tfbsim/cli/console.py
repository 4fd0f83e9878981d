"""Where commands print."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

# Into a file or a pipe, tables keep their lines whole
WIDE = None if sys.stdout and sys.stdout.isatty() else 160
# No emoji: `file.yaml:100: ...` is a line of a file
out = Console(highlight=False, emoji=False, soft_wrap=True, width=WIDE)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def say(*sentences: object) -> None:
    """Print sentences as they are, a line each."""
    for sentence in sentences:
        out.print(escape(str(sentence)))


def warn(*sentences: object) -> None:
    """Print sentences to standard error, a line each."""
    for sentence in sentences:
        err.print(escape(str(sentence)))
