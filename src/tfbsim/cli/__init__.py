"""The command line: a command a file; ``edge`` turns every error into one sentence.

Exit codes: 0 done as asked; 1 ran, but an outcome not asked for occurred; 2 bad input;
130 interrupted, what was finished kept.
"""

import gc
import sys

from .interrupts import INTERRUPTED, answer_signals, ignore_signals


def main() -> None:
    """Run the command line and exit with its code, never with a traceback."""
    # Imports make a million objects that stay: to look through them time and again would
    # take a tenth of a second in each second
    gc.set_threshold(50_000)
    code = INTERRUPTED
    try:
        answer_signals()
        # Late, so that an interrupt while they are imported has its exit code too
        from .edge import outcome

        code = outcome(_command)
    except KeyboardInterrupt:
        ignore_signals(code)
        print("interrupted", file=sys.stderr)
    ignore_signals(code)
    sys.exit(code)


def _command() -> None:
    from .app import app

    app(standalone_mode=True)
