"""The command line: a command a file; ``edge`` turns every error into one sentence.

Exit codes: 0 done as asked; 1 ran, but an outcome not asked for occurred; 2 bad input;
130 interrupted, what was finished kept.
"""

import sys

from .edge import INTERRUPTED, outcome


def main() -> None:
    """Run the command line and exit with its code, never with a traceback."""
    try:
        sys.exit(outcome(_command))
    except KeyboardInterrupt:  # while the outcome of another was told
        sys.exit(INTERRUPTED)


def _command() -> None:
    # Late, so that an interrupt while all of it is imported has its exit code too
    from .app import app

    app(standalone_mode=True)
