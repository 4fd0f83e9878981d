"""Answer Ctrl-C and SIGTERM, whatever the program does at that moment.

Its imports are few, so that the signals are answered before all others are imported.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

INTERRUPTED = 130  # exit code
SIGNALS = signal.SIGINT, signal.SIGTERM
SOON = 0.02  # s

_asked: list[int] = []  # signals that came
_codes: list[int] = []  # of the command that is done


def answer_signals() -> None:
    """Turn both signals into a KeyboardInterrupt that no destructor swallows.

    Python drops an exception that a destructor or a weak reference's callback raises.
    An interrupt that lands there is sent again a moment later.
    """
    _asked.clear()
    atexit.register(_exit)  # the first, so that it is the last to be called
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as behind nohup
            signal.signal(number, _interrupt)
    dropped = sys.unraisablehook

    def hook(unraisable: UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            dropped(unraisable)
            return
        from threading import Timer

        timer = Timer(SOON, _send_again)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # Python ends
            return

    sys.unraisablehook = hook


def ignore_signals(code: int) -> None:
    """Leave the exit code as it is, now that the command is done."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _codes[:] = [code]


def interrupted() -> bool:
    """Return whether a signal came.

    A library may turn the KeyboardInterrupt into an exception of its own.
    """
    return bool(_asked)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _asked.append(number)
    raise KeyboardInterrupt


def _send_again() -> None:
    import threading

    if hasattr(signal, "pthread_kill"):  # also ends what the main thread waits for
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def _exit() -> None:
    # Where exec of a text was interrupted, Python kills itself by SIGINT in the end
    if _asked and _codes:
        os._exit(_codes[0])
