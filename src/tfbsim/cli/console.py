"""Where commands print."""

from __future__ import annotations

import sys

from rich.console import Console

# Into a file or a pipe, tables keep their lines whole
WIDE = None if sys.stdout and sys.stdout.isatty() else 160
# No emoji: `file.yaml:100: ...` is a line of a file
out = Console(highlight=False, emoji=False, soft_wrap=True, width=WIDE)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
