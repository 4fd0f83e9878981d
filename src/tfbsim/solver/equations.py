"""A discretised model as casadi functions of its states and inputs, scalar by scalar.

PyBaMM writes a discretised model in sparse matrices, and each of its functions evaluates
whole vectors: the voltage, which needs psi at the surface, evaluates psi everywhere.
Expanded to scalars, what is zero, or not asked for, is gone, and a Jacobian is its
non-zeros.  Two things are taken out as w = T(a), each evaluated at the arguments that are
needed, and the rest is a function of (y, p, w): tables, which cannot be expanded, and
products with large constant matrices, a loop of which is faster than its scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import casadi
import numpy as np
import pybamm
from casadi import MX, SX
from scipy.sparse import csc_matrix

Array = np.ndarray
LARGE = 100  # non-zeros from which on a matrix is not expanded


class Call(NamedTuple):
    """Symbols that are wanted, the rows of the argument they need, how they follow."""

    symbols: SX
    rows: list[int]
    evaluate: Callable[[MX], MX]


class Table:
    """An interpolant of a model: its values w and slopes dw/da at arguments a.

    Parameters
    ----------
    node : pybamm.Interpolant
        Of one child.
    size : int
        Length of that child.
    """

    def __init__(self, node: pybamm.Interpolant, size: int) -> None:
        self.node = node
        self.w, self.slopes = SX.sym("w", size), SX.sym("slope", size)
        self.argument = SX()  # of the states, the inputs and what was taken out before it

    def values(self, a: MX) -> MX:
        """Return w at arguments a (casadi, a column)."""
        node = self.node
        if node.interpolator == "pchip" and node.function.c.ndim == 2:
            return self._monotone(a)
        child = pybamm.StateVector(slice(0, a.numel()))
        return node.create_copy(new_children=[child]).to_casadi(None, a)

    def _monotone(self, a: MX) -> MX:
        """Return what PyBaMM does in half the time: on even nodes without a search."""
        x, c = self.node.function.x, self.node.function.c
        step, last = (x[-1] - x[0]) / (len(x) - 1), len(x) - 2
        if np.ptp(np.diff(x)) < 1e-9 * step:
            s = (a - x[0]) / step
            k = casadi.fmin(casadi.fmax(casadi.floor(s), 0), last)
            rest = s - k
        else:
            step = 1.0
            k = casadi.low(MX(x), a, {"lookup_mode": "binary"})
            rest = a - MX(x)[k]
        c3, c2, c1, c0 = (
            MX(casadi.DM(row * step**power))[k]
            for row, power in zip(c, (3, 2, 1, 0), strict=True)
        )
        return c0 + rest * (c1 + rest * (c2 + rest * c3))

    def slopes_at(self, a: MX) -> MX:
        """Return dw/da at arguments a (casadi, a column)."""
        x = MX.sym("x", a.numel())
        slopes = casadi.jtimes(self.values(x), x, MX.ones(a.numel()))
        return casadi.Function("slopes", [x], [slopes])(a)

    def calls(self, needed: set[int]) -> Iterable[Call]:
        """Yield what is to be evaluated for the symbols of it that are needed."""
        for symbols, evaluate in ((self.w, self.values), (self.slopes, self.slopes_at)):
            if rows := _within(symbols, needed):
                yield Call(symbols[rows], rows, evaluate)


class Product:
    """A constant matrix times an argument, w = A a.

    Parameters
    ----------
    node : pybamm.MatrixMultiplication
        Of a constant matrix and another symbol.
    """

    def __init__(self, node: pybamm.MatrixMultiplication) -> None:
        self.matrix = csc_matrix(node.left.evaluate())
        self.w = SX.sym("w", self.matrix.shape[0])
        self.argument = SX()

    def calls(self, needed: set[int]) -> Iterable[Call]:
        """Yield what is to be evaluated for the symbols of it that are needed."""
        if rows := _within(self.w, needed):
            some = self.matrix[rows]
            columns = np.flatnonzero(np.diff(some.indptr)).tolist()
            A = casadi.DM(some[:, columns])
            yield Call(self.w[rows], columns, lambda a: A @ a)


def _large(node: pybamm.Symbol) -> bool:
    """Return whether a node is a product with a large constant matrix."""
    return (
        isinstance(node, pybamm.MatrixMultiplication)
        and isinstance(node.left, pybamm.Matrix)
        and getattr(node.left.entries, "nnz", 0) > LARGE
    )


class Equations:
    """Symbols of a discretised model, and functions of them.

    Parameters
    ----------
    symbols : dict
        Discretised PyBaMM symbols by name.
    states : int
        Length of the state vector y.
    loops : bool
        Whether functions have products as loops: to be interpreted, not compiled.

    Attributes
    ----------
    t, y, p : casadi.SX
        Time, states, and inputs, shape (1,), (states,), (number of inputs,).
    inputs : list of str
        Names of the inputs, each a number, in the order of p.
    expressions : dict of casadi.SX
        The symbols, in t, y, p and what was taken out.
    """

    def __init__(
        self, symbols: dict[str, pybamm.Symbol], states: int, loops: bool = True
    ) -> None:
        self.loops = loops
        found = pybamm.SymbolUnpacker(pybamm.InputParameter).unpack_list_of_symbols(
            list(symbols.values())
        )
        self.inputs: list[str] = sorted({symbol.name for symbol in found})
        self.t, self.y, self.p = (
            SX.sym(*named) for named in (("t",), ("y", states), ("p", len(self.inputs)))
        )
        self.parts: list[Table | Product] = []
        self._expand(symbols)

    def _expand(self, symbols: dict[str, pybamm.Symbol]) -> None:
        t, y, p = (MX.sym("given", of.numel()) for of in self._given)
        inputs = {name: p[k] for k, name in enumerate(self.inputs)}
        known: dict[pybamm.Symbol, MX] = {}  # PyBaMM's cache of what it has converted
        taken_out, arguments = [], []
        for symbol in symbols.values():
            for node in symbol.post_order():
                table = isinstance(node, pybamm.Interpolant)
                if node in known or not (table or _large(node)):
                    continue
                argument = node.children[-1]
                a = argument.to_casadi(t, y, inputs=inputs, casadi_symbols=known)
                part = Table(node, a.numel()) if table else Product(node)
                self.parts.append(part)
                known[node] = MX.sym("w", part.w.numel())
                taken_out.append(known[node])
                arguments.append(a)
        rows = [
            casadi.densify(symbol.to_casadi(t, y, inputs=inputs, casadi_symbols=known))
            for symbol in symbols.values()
        ]
        whole = casadi.Function("model", [t, y, p, *taken_out], [*arguments, *rows])
        values = [part.w for part in self.parts]
        scalars = whole.expand().call([*self._given, *values])
        for part in self.parts:
            part.argument = scalars.pop(0)
        self.expressions = dict(zip(symbols, scalars, strict=True))

    @property
    def _given(self) -> tuple[SX, SX, SX]:
        return self.t, self.y, self.p

    def jacobian(self, expression: SX) -> SX:
        """Return d(expression)/dy, through the tables and products: casadi.SX, sparse."""
        # dw/dy of each part as a sum of C R, matrices of numbers times of symbols: what
        # follows from products of products is multiplied out in numbers
        totals: list[list[tuple[SX, SX]]] = []

        def through(e: SX, *kinds: type) -> Iterable[tuple[SX, SX]]:
            for part, pairs in zip(self.parts, totals, strict=False):
                if isinstance(part, kinds) and (J := casadi.jacobian(e, part.w)).nnz():
                    yield from ((J @ C, R) for C, R in pairs)

        def total(e: SX, *kinds: type) -> SX:
            J = casadi.jacobian(e, self.y)
            for C, R in through(e, *kinds or (Table, Product)):
                J += C @ R
            return J

        for part in self.parts:
            if isinstance(part, Table):
                slopes = casadi.diag(part.slopes)
                totals.append([(slopes, total(part.argument))])
            else:
                A = SX(casadi.DM(part.matrix))
                own = [(A, total(part.argument, Table))]
                others = through(part.argument, Product)
                totals.append(own + [(A @ C, R) for C, R in others])
        return total(expression)

    def function(self, name: str, given: Sequence[SX], expression: SX) -> casadi.Function:
        """Return a casadi.Function of symbols; what was taken out is evaluated if needed.

        Parameters
        ----------
        name : str
            Its name.
        given : sequence of casadi.SX
            Its arguments: t, y, p or other symbols.
        expression : casadi.SX
            Its result.
        """
        for part in reversed(self.parts):
            if isinstance(part, Product) and not self.loops:
                scalars = casadi.densify(SX(casadi.DM(part.matrix)) @ part.argument)
                expression = casadi.substitute(expression, part.w, scalars)
        needed = _symbols(expression)
        calls: list[tuple[Table | Product, Call]] = []
        for part in reversed(self.parts):
            own = list(part.calls(needed))
            for call in own:
                needed |= _symbols(part.argument[call.rows])
            calls += [(part, call) for call in reversed(own)]
        arguments = [MX.sym("x", of.numel()) for of in given]
        known: list[SX] = []
        found: list[MX] = []
        for part, call in reversed(calls):
            wanted = part.argument[call.rows]
            a = _picked(wanted, [*given, *known], [*arguments, *found])
            if a is None:
                argument = _scalar(f"{name}_argument", [*given, *known], wanted)
                a = argument(*arguments, *found)
            found.append(call.evaluate(a))
            known.append(call.symbols)
        whole = _scalar(f"{name}_rest", [*given, *known], expression)
        return casadi.Function(name, arguments, [whole(*arguments, *found)])


def _scalar(name: str, given: Iterable[SX], expression: SX) -> casadi.Function:
    return casadi.Function(name, list(given), [expression], {"cse": True})


def _picked(wanted: SX, symbols: Sequence[SX], values: Sequence[MX]) -> MX | None:
    """Return values of what is wanted if it is symbols of one column; else None."""
    hashes = [wanted[k].element_hash() for k in range(wanted.numel())]
    for column, value in zip(symbols, values, strict=True):
        place = {column[k].element_hash(): k for k in range(column.numel())}
        if all(one in place for one in hashes):
            rows = [place[one] for one in hashes]
            return value if rows == list(range(len(place))) else value[rows]
    return None


def _within(symbols: SX, needed: set[int]) -> list[int]:
    """Return which of a column of symbols are needed."""
    hashes = (symbols[k].element_hash() for k in range(symbols.numel()))
    return [k for k, symbol in enumerate(hashes) if symbol in needed]


def _symbols(expression: SX) -> set[int]:
    return {symbol.element_hash() for symbol in casadi.symvar(casadi.vec(expression))}


class Rows:
    """A casadi function of states and inputs, evaluated for one pair after the other.

    Through its buffers: to hand casadi a matrix, and get one back, takes longer than a
    small model itself.
    """

    def __init__(self, function: casadi.Function) -> None:
        self.function = function  # the buffer does not keep it
        buffer, self._evaluate = function.buffer()
        sizes = [function.size1_in(k) for k in range(function.n_in())]
        self._arguments = [np.zeros(size) for size in sizes]  # a time may come first
        self._result = np.zeros(function.size1_out(0))
        self._buffer = buffer
        for k, argument in enumerate(self._arguments):
            buffer.set_arg(k, argument.data)  # type: ignore[call-arg]  # casadi's stub
        buffer.set_res(0, self._result.data)  # type: ignore[call-arg]

    def __call__(self, states: Array, inputs: Array) -> Array:
        """Return a row for each row of states, with that of inputs, or the one."""
        results = np.empty((len(states), len(self._result)))
        one = len(inputs) == 1
        *_, y, p = self._arguments
        p[:] = inputs[0]
        for k, row in enumerate(states):
            y[:] = row
            if not one:
                p[:] = inputs[k]
            self._evaluate()
            results[k] = self._result
        return results
