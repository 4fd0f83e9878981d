"""Where a command ends: every error becomes one sentence and an exit code, here alone."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import TextIO

from ..errors import InputError, shown
from ..output import CannotWrite
from .interrupts import INTERRUPTED, interrupted

OTHER_OUTCOME, BAD_INPUT = 1, 2
TRACEBACK = "TFBSIM_TRACEBACK"  # set, an error that is our fault shows where it arose


class Stream:
    """Standard output or error that a command may write to whatever becomes of it.

    What cannot be written - the reader of a pipe is gone, the disk is full, the stream is
    closed - is left out, and the command goes on: its result does not depend on who
    reads.  A character that the encoding lacks is written as its escape.  There is none
    where Python found it closed from the start.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.error: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write as far as that goes."""
        self._try("write", text)
        return len(text)

    def flush(self) -> None:
        """Flush as far as that goes."""
        self._try("flush")

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.stream is not None and bool(self.stream.isatty())

    def _try(self, method: str, *arguments: str) -> None:
        if self.stream is None or self.error:
            return
        try:
            getattr(self.stream, method)(*arguments)
        except OSError as error:
            self.error = error
            with contextlib.suppress(OSError, ValueError):  # what is left goes nowhere
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.stream.fileno())
                os.close(nowhere)


def outcome(command: Callable[[], object]) -> int:
    """Run a command, which may exit, and return its exit code."""
    _occupy()
    output, errors = Stream(sys.stdout), Stream(sys.stderr)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = _code(command)
        output.flush()
        lost = output.error
        if lost and lost.errno != errno.EPIPE:
            _say(f"standard output: cannot be written ({lost.strerror})")
            code = code or BAD_INPUT
        errors.flush()
    return code


class Interrupted(Exception):
    """A command was interrupted, and what remains of it is said in one sentence."""


def _code(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as exit_:
        if exit_.code != INTERRUPTED:
            return exit_.code if isinstance(exit_.code, int) else 0
        _say("interrupted")
        return INTERRUPTED
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except Interrupted as error:
        _say(str(error))
        return INTERRUPTED
    except Exception as error:
        if interrupted():  # a library made another exception of it
            _say("interrupted")
            return INTERRUPTED
        _say(_sentence(error))
        return BAD_INPUT
    return 0


def _sentence(error: Exception) -> str:
    match error:
        case InputError():
            return str(error)
        case OSError():
            where = f"{shown(error.filename, 300)}: " if error.filename else ""
            done = "written" if isinstance(error, CannotWrite) else "read or written"
            why = error.strerror or shown(error, 200)
            return f"{where}cannot be {done} ({why})"
        case MemoryError():
            return "there is not enough memory for this"
    if os.environ.get(TRACEBACK):
        raise error
    return (
        f"a fault of tfbsim ({type(error).__name__}: {shown(error, 200)}); "
        f"{TRACEBACK}=1 in the environment shows where"
    )


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _occupy() -> None:
    """Open what is closed of standard input, output and error, lest a file of the
    command gets its number and what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
