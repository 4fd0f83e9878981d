"""One lock for all solvers.

A solver and the buffers of a model serve one caller at a time, and neither CasADi nor
PyBaMM builds two models at once.  Python runs one thread at a time, and an engine for
each thread would have to be built in each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import ParamSpec, TypeVar

_LOCK = RLock()
if hasattr(os, "register_at_fork"):  # a child never finds it held by a thread it lacks
    os.register_at_fork(
        before=_LOCK.acquire,
        after_in_parent=_LOCK.release,
        after_in_child=_LOCK.release,
    )
_P = ParamSpec("_P")
_T = TypeVar("_T")


def one_at_a_time(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let one thread at a time into a function."""

    @wraps(function)
    def alone(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with _LOCK:
            return function(*args, **kwargs)

    return alone
