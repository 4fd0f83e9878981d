"""reference.c from Python: compiled on first use with the system's C compiler."""

from __future__ import annotations

import ctypes
import hashlib
import math
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from problem import (
    ATOL,
    FALL,
    FARADAY,
    HOLD_UNTIL,
    LOWER,
    RTOL,
    UPPER,
    VOLUMES,
    Film,
    film,
)

ONE_END = ("-DONE_END",)  # the usual elimination
# D(x) of problem.falling, which is D exp(FALL/4) at x = 0.5
FALLING = (f"-DFALL={FALL!r}", f"-DAT_HALF={math.exp(FALL / 4)!r}")

SOURCE = Path(__file__).with_name("reference.c")
# What -ffast-math is made of lets the compiler vectorise the sum of the error; nothing
# here is infinite or NaN; with that very word, loading the library would turn off
# subnormal numbers in all of Python
FAST = (
    *("-fassociative-math", "-freciprocal-math", "-ffinite-math-only"),
    *("-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"),
)
FLAGS = ("-O3", "-march=native", *FAST, "-shared", "-fPIC")


def compiler() -> str | None:
    """The system's C compiler, if there is one."""
    return shutil.which(os.environ.get("CC", "cc"))


@cache
def library(*more: str) -> ctypes.CDLL:
    """The compiled reference; with more flags than the usual."""
    command = [compiler() or "cc", *FLAGS, *more]
    key = hashlib.sha256(SOURCE.read_bytes() + repr(command).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"tfbsim-reference-{os.getuid()}-{key}.so"
    if not path.exists():
        made = path.with_suffix(f".{os.getpid()}")
        subprocess.run([*command, "-o", made, SOURCE, "-lm"], check=True)
        made.replace(path)
    found = ctypes.CDLL(str(path))
    found.discharge.restype = ctypes.c_double
    found.sweep.restype = None
    return found


def _array(values: np.ndarray) -> ctypes.Array:
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def _cell(f: Film) -> ctypes.Array:
    """``Cell`` of reference.c."""
    own = (f.thickness, f.diffusivity, f.sites, f.electrolyte, f.i0_cathode)
    return (ctypes.c_double * 9)(*own, f.i0_lithium, f.x_start, FARADAY, f.RT_F)


def _tolerances(rtol: float, atol: float) -> tuple[ctypes.c_double, ctypes.c_double]:
    return ctypes.c_double(rtol), ctypes.c_double(atol)


def discharge(
    i: float, volumes: int = VOLUMES, rtol: float = RTOL, atol: float = ATOL
) -> tuple[float, np.ndarray, np.ndarray]:
    """Capacity [C/m2] of the shipped cell at a current density; t [s], V [V]."""
    t, V, samples = np.empty(10_000), np.empty(10_000), ctypes.c_int()
    seconds = library().discharge(
        _cell(film()),
        *(ctypes.c_double(i), ctypes.c_double(LOWER), volumes),
        *_tolerances(rtol, atol),
        *(_array(t), _array(V), len(t), ctypes.byref(samples)),
    )
    return i * seconds, t[: samples.value], V[: samples.value]


def sweep(
    conditions: np.ndarray,
    volumes: int = VOLUMES,
    rtol: float = RTOL,
    atol: float = ATOL,
    flags: tuple[str, ...] = (),
) -> np.ndarray:
    """Capacities [C/m2] of points (thickness, current density)."""
    L, i = np.ascontiguousarray(conditions.T)
    t = np.empty(len(L))
    library(*flags).sweep(
        *(_cell(film()), len(L), _array(L), _array(i)),
        *(ctypes.c_double(LOWER), volumes, *_tolerances(rtol, atol), _array(t)),
    )
    return i * t


def cycles(
    number: int, volumes: int = VOLUMES, rtol: float = RTOL, atol: float = ATOL
) -> np.ndarray:
    """Charge [C/m2] of charge, hold and discharge of 1C cycles, shape (cycles, 3)."""
    one_c = film().one_c
    charges = np.empty((number, 3))
    done = library().cycles(
        *(_cell(film()), number, ctypes.c_double(one_c)),
        *(ctypes.c_double(LOWER), ctypes.c_double(UPPER)),
        *(ctypes.c_double(one_c / HOLD_UNTIL), volumes),
        *(*_tolerances(rtol, atol), _array(charges)),
    )
    if done != number:
        raise RuntimeError(f"cycle {done + 1} failed")
    return charges
