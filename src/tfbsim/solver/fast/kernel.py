"""The kernel of a model: written, compiled once, kept, and called on arrays."""

from __future__ import annotations

import copy
import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import casadi
import numpy as np
import platformdirs
from casadi import SX

from ..equations import Equations
from .emit import Source, Unknown

Array = np.ndarray
MOST_STATES = 160  # straight-line code grows with them
FLAGS = (
    *("-O2", "-march=native", "-shared", "-fPIC", "-std=gnu11", "-w"),
    # A sum may be taken in any order; what is no number stays none
    *("-ftree-vectorize", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"),
    *("-ffp-contract=fast", "-freciprocal-math", "-fno-signed-zeros"),
)
LIBMVEC = ("-DLIBMVEC", "-lmvec")  # glibc's; tried first
SEAL = 32  # bytes
POINTS = 250  # of each curve that there is room for at first
ENDED = np.array(["time", "event", "inside", "failure"])  # -1 is the last


class Ends(NamedTuple):
    """What ends a step, expressions of the states and inputs.

    Parameters
    ----------
    room : casadi.SX
        Falls through 0 where the step ends.
    inside : casadi.SX
        The same of the inside of the film.
    stray : casadi.SX
        How far what is held is off.
    within : casadi.SX
        Below 0 where an end lies within a step; of single states and inputs.
    watched : list of int
        Those states.
    """

    room: SX
    inside: SX
    stray: SX
    within: SX
    watched: list[int]


class Curves(NamedTuple):
    """Points of the curves of all cells.

    Parameters
    ----------
    rows : ndarray, shape (points, 3 + states)
        Number of the cell, time, voltage and states, as they were found.
    order : ndarray of int, shape (points,)
        Brings those of a cell in a row.
    """

    rows: Array
    order: Array

    @property
    def t(self) -> Array:
        """Times, in order."""
        return self.rows[self.order, 1]

    @property
    def y(self) -> Array:
        """States, in order."""
        return self.rows[self.order, 3:]

    @property
    def voltage(self) -> Array:
        """Voltages [V], in order."""
        return self.rows[self.order, 2]

    def state(self, k: int) -> Array:
        """Return one of the states, in order."""
        return self.rows[self.order, 3 + k]


class Solved(NamedTuple):
    """Of each cell its last state, the time, how it ended, the stray and the steps."""

    y: Array
    t: Array
    ended: Array
    stray: Array
    steps: Array
    curves: Curves | None = None


class _Rows(ctypes.Structure):
    """Where the library writes points of curves."""

    _fields_ = [
        ("bend", ctypes.c_double),
        ("room", ctypes.c_long),
        ("count", ctypes.c_long),
        ("rows", ctypes.c_void_p),
    ]


class Kernel:
    """A compiled model: its shared library."""

    def __init__(self, code: ctypes.CDLL) -> None:
        names = "STATES", "INPUTS", "WHOLE", "SHOWN", "LANES"
        sizes = (ctypes.c_int.in_dll(code, name).value for name in names)
        self.states, self.inputs, self._all, self._shown, self.lanes = sizes
        self._points = POINTS
        self._run, self._show, self._whole = code.run, code.show, code.whole
        self._run.restype = self._show.restype = self._whole.restype = None

    def __call__(
        self, y0: Array, p: Array, rtol: float, atol: Array, bend: float | None = None
    ) -> Solved:
        """Integrate cells from time 0 to 1 or an end.

        Parameters
        ----------
        y0, p : ndarray, shape (cells, states), (cells, inputs)
            Where each starts, and its inputs.
        rtol : float
            Relative tolerance.
        atol : ndarray, shape (states,)
            Absolute tolerance.
        bend : float, optional
            Return curves too: points so close that straight lines between them miss the
            state that is watched by no more.  Between steps they are on the dense output
            of the method, of order 3.
        """
        count = len(y0)
        y0, p, atol = (np.ascontiguousarray(a, dtype=float) for a in (y0, p, atol))
        if y0.shape != (count, self.states) or len(p) != count:
            raise ValueError("arrays of another model")
        p = self.whole(p)
        y, t, stray = np.empty_like(y0), np.empty(count), np.empty(count)
        ended, steps = np.empty(count, np.int32), np.empty(count, np.int32)
        of = ctypes.c_long(count), *map(_at, (y0, p)), ctypes.c_double(rtol), _at(atol)
        results = [_at(a) for a in (y, t, ended, stray, steps)]
        if bend is None:
            self._run(*of, *results, None)
            return Solved(y, t, ENDED[ended], stray, steps)
        while True:
            rows = np.empty((self._points * count, self.states + 3))
            curve = _Rows(bend, len(rows), 0, rows.ctypes.data)
            self._run(*of, *results, ctypes.byref(curve))
            if curve.count <= len(rows):
                break
            self._points = 5 * curve.count // (4 * count) + 1
        rows = rows[: curve.count]
        cell = rows[:, 0].astype(np.min_scalar_type(count))  # 16 bits are sorted at once
        curves = Curves(rows, np.argsort(cell, kind="stable"))
        return Solved(y, t, ENDED[ended], stray, steps, curves)

    def show(self, y: Array, p: Array, cell: Array | None = None) -> Array:
        """Return what is shown of states, shape (what is shown, states).

        Parameters
        ----------
        y, p : ndarray, shape (points, states), (cells, inputs)
            The states, and the inputs of each cell.
        cell : ndarray of int, shape (points,), optional
            Which cell's a state is; by default one each.
        """
        y, p = (np.ascontiguousarray(a, dtype=float) for a in (y, p))
        cell = np.arange(len(y)) if cell is None else np.ascontiguousarray(cell, int)
        one_each = len(cell) == len(y) and not np.any(cell >= len(p))
        if y.shape != (len(y), self.states) or not one_each:
            raise ValueError("arrays of another model")
        p = self.whole(p)
        found = np.empty((self._shown, len(y)))
        self._show(ctypes.c_long(len(y)), *map(_at, (y, p, cell, found)))
        return found

    def whole(self, p: Array) -> Array:
        """Return inputs and what follows from them alone, which every call takes too."""
        if p.shape[1:] == (self._all,):
            return p
        if p.shape[1:] != (self.inputs,):
            raise ValueError("arrays of another model")
        p, found = np.ascontiguousarray(p, float), np.empty((len(p), self._all))
        self._whole(ctypes.c_long(len(p)), _at(p), _at(found))
        return found


def _at(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class Written(NamedTuple):
    """The C of a kernel."""

    source: str

    @property
    def kept(self) -> bool:
        """Whether it was compiled before."""
        machine, folder = _machine(), _folder()
        return machine is not None and (folder / _name(self.source, machine)).exists()

    def compiled(self) -> Kernel | None:
        """Return the kernel, or None on a machine without a C compiler."""
        code = _compiled(self.source)
        return None if code is None else Kernel(code)


def written(
    equations: Equations, rates: SX, residual: SX, ends: Ends, shown: SX, voltage: SX
) -> Written | None:
    """Return the kernel of dy_d/dt = rates, 0 = residual, or None where there is none.

    ``shown`` is what :meth:`Kernel.show` evaluates, a column; ``voltage`` is drawn.

    There is none for equations with an operation of no known C, and for more states than
    ``MOST_STATES``.
    """
    if equations.y.numel() > MOST_STATES:
        return None
    q = copy.copy(equations)
    q.parts = [copy.copy(part) for part in q.parts]
    arguments = [part.argument for part in q.parts]
    columns = [rates, residual, shown, voltage, *ends[:4], *arguments]
    columns = [casadi.densify(column) for column in columns]
    held = casadi.extract_parametric(casadi.vertcat(*columns), q.p)
    stops = np.cumsum([0, *(column.numel() for column in columns)]).tolist()
    rates, residual, shown, voltage, *rest = casadi.vertsplit(held[0], stops)
    for part, argument in zip(q.parts, rest[4:], strict=True):
        part.argument = argument
    given, combined = q.p.numel(), casadi.vertcat(*held[2])
    q.p = casadi.vertcat(q.p, *held[1])
    both = casadi.vertcat(rates, residual)
    room, inside, stray, within = rest[:4]
    ends = Ends(room, inside, stray, within, ends.watched)
    looked_at = {"shown_": {"o": shown}, "voltage_": {"v": voltage}}
    looked_at["combined"] = {"q": combined}
    try:
        return Written(
            _source(q, casadi.densify(both), rates.numel(), ends, looked_at, given)
        )
    except Unknown:
        return None


def _source(
    q: Equations,
    both: SX,
    differential: int,
    ends: Ends,
    others: dict[str, dict[str, SX]],
    given: int,
) -> str:
    """Return the C of rates and residuals, of the ends of a step, and of others."""
    J = q.jacobian(both)
    source = Source(q)
    functions = {"model": {"f": both}, "slope": {"f": both, "a": J.nz[:]}}
    functions["ends"] = {"e": casadi.vertcat(*ends[:3])}
    functions["within_"] = {"e": ends.within}
    for name, results in (functions | others).items():
        source.function(name, results)
    numbers = source.matrix(J.sparsity(), differential)
    watched = ", ".join(map(str, ends.watched or [0]))
    sizes = {
        "N": q.y.numel(),
        "ND": differential,
        "P": q.p.numel(),
        "GIVEN": given,
        "NA": numbers,
        "ENDS": 3,
        "WATCHED": len(ends.watched),
        "M": others["shown_"]["o"].numel(),
    }
    folder = resources.files(__package__)
    return "\n".join(
        [
            (folder / "lanes.h").read_text(),
            *(f"enum {{ {name} = {value} }};" for name, value in sizes.items()),
            f"static const int watched[] = {{{watched}}};",
            source.text(),
            "static inline V within(const V *z, const V *p)",
            "{ V e[1]; within_(z, p, e); return e[0]; }",
            (folder / "rodas4.c").read_text(),
        ]
    )


@lru_cache(maxsize=1)
def _machine() -> tuple[str, str] | None:
    """Return the compiler, and what it says of itself and of this processor."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        return None
    asked = [compiler, "-march=native", "-dM", "-E", "-x", "c", os.devnull]
    try:
        told = subprocess.run(asked, capture_output=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return compiler, told.stdout.decode(errors="replace")


def _folder() -> Path:
    """Return the folder where libraries are kept."""
    return Path(platformdirs.user_cache_dir("tfbsim")) / "kernels"


def _name(source: str, machine: tuple[str, str]) -> str:
    """Return the name of the library of a source."""
    content = "\0".join([source, machine[1], *FLAGS, *LIBMVEC])
    return f"{hashlib.sha256(content.encode()).hexdigest()[:24]}.so"


def _compiled(source: str) -> ctypes.CDLL | None:
    machine = _machine()
    if machine is None:
        return None
    compiler, folder = machine[0], _folder()
    kept = folder / _name(source, machine)
    places: list[Path | None] = [None]  # where nothing can be kept, for this process
    with suppress(OSError):
        if folder.is_absolute():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_own(folder):
            places.insert(0, folder)
            if _is_own(kept) and kept.read_bytes() == _sealed(kept.read_bytes()[:-SEAL]):
                return ctypes.CDLL(str(kept))
    for place in places:
        with (
            suppress(OSError, subprocess.SubprocessError),
            tempfile.TemporaryDirectory(dir=place) as scratch,
        ):
            made = _made(Path(scratch), compiler, source)
            code = ctypes.CDLL(str(made))
            if place:
                os.replace(made, kept)
            return code
    return None


def _made(scratch: Path, compiler: str, source: str) -> Path:
    text, made = scratch / "kernel.c", scratch / "kernel.so"
    text.write_text(source)
    command = [compiler, *FLAGS, str(text), "-o", str(made)]
    for more in (LIBMVEC, ()):
        done = subprocess.run([*command, *more, "-lm"], capture_output=True, timeout=300)
        if done.returncode == 0:
            break
    content = made.read_bytes()  # an OSError where no compiler made it
    made.unlink()
    made.touch(mode=0o600)
    made.write_bytes(_sealed(content))
    return made


def _sealed(content: bytes) -> bytes:
    """Return a library with its hash behind it, which a loader passes over."""
    return content + hashlib.sha256(content).digest()


def _is_own(path: Path) -> bool:
    """Return whether no other user can have put there what would be loaded."""
    if not path.is_absolute() or not hasattr(os, "geteuid"):
        return path.is_absolute() and path.exists()
    status = path.stat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022
