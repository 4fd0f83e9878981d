"""A discretised model as casadi functions of its states and inputs, scalar by scalar.

PyBaMM writes a discretised model in sparse matrices, and each of its functions evaluates
whole vectors: the voltage, which needs psi at the surface, evaluates psi everywhere.
Expanded to scalars, what is zero, or not asked for, is gone, and a Jacobian is its
non-zeros.  Only tables cannot be expanded: they are taken out as w = T(a), each evaluated
at the arguments that are needed, and the rest is a function of (y, p, w).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import casadi
import pybamm

SX, MX = casadi.SX, casadi.MX


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
        self.argument = SX()  # of the states, the inputs and the tables before it

    def values(self, a: Any) -> Any:
        """w at arguments a (casadi, a column)."""
        child = pybamm.StateVector(slice(0, a.numel()))
        return self.node.create_copy(new_children=[child]).to_casadi(None, a)

    def slopes_at(self, a: Any) -> Any:
        """dw/da at arguments a (casadi, a column)."""
        x = MX.sym("x", a.numel())
        slopes = casadi.jtimes(self.values(x), x, MX.ones(a.numel()))
        return casadi.Function("slopes", [x], [slopes])(a)


class Equations:
    """Symbols of a discretised model, and functions of them.

    Parameters
    ----------
    symbols : dict
        Discretised PyBaMM symbols by name.
    states : int
        Length of the state vector y.

    Attributes
    ----------
    t, y, p : casadi.SX
        Time, states, and inputs, shape (1,), (states,), (number of inputs,).
    inputs : list of str
        Names of the inputs, each a number, in the order of p.
    expressions : dict of casadi.SX
        The symbols, in t, y, p and the values of tables.
    """

    def __init__(self, symbols: dict[str, pybamm.Symbol], states: int) -> None:
        found = pybamm.SymbolUnpacker(pybamm.InputParameter).unpack_list_of_symbols(
            list(symbols.values())
        )
        self.inputs: list[str] = sorted({symbol.name for symbol in found})
        self.t, self.y, self.p = (
            SX.sym(*named) for named in (("t",), ("y", states), ("p", len(self.inputs)))
        )
        self.tables: list[Table] = []
        self._expand(symbols)

    def _expand(self, symbols: dict[str, pybamm.Symbol]) -> None:
        t, y, p = (MX.sym("given", of.numel()) for of in self._given)
        inputs = {name: p[k] for k, name in enumerate(self.inputs)}
        known: dict[pybamm.Symbol, Any] = {}  # PyBaMM's cache of what it has converted
        taken_out, arguments = [], []
        for symbol in symbols.values():
            for node in symbol.post_order():
                if not isinstance(node, pybamm.Interpolant) or node in known:
                    continue
                (child,) = node.children
                a = child.to_casadi(t, y, inputs=inputs, casadi_symbols=known)
                self.tables.append(Table(node, a.numel()))
                known[node] = MX.sym("w", a.numel())
                taken_out.append(known[node])
                arguments.append(a)
        rows = [
            casadi.densify(symbol.to_casadi(t, y, inputs=inputs, casadi_symbols=known))
            for symbol in symbols.values()
        ]
        whole = casadi.Function("model", [t, y, p, *taken_out], [*arguments, *rows])
        values = [table.w for table in self.tables]
        scalars = whole.expand().call([*self._given, *values])
        for table in self.tables:
            table.argument = scalars.pop(0)
        self.expressions = dict(zip(symbols, scalars, strict=True))

    @property
    def _given(self) -> tuple[Any, Any, Any]:
        return self.t, self.y, self.p

    def jacobian(self, expression: Any) -> Any:
        """d(expression)/dy, through the tables: casadi.SX, sparse."""
        totals: list[Any] = []  # dw/dy of each table

        def total(e: Any) -> Any:
            J = casadi.jacobian(e, self.y)
            for table, of_table in zip(self.tables, totals, strict=False):
                J += casadi.jacobian(e, table.w) @ of_table
            return J

        for table in self.tables:
            totals.append(casadi.diag(table.slopes) @ total(table.argument))
        return total(expression)

    def function(self, name: str, given: Sequence[Any], expression: Any) -> Any:
        """A casadi.Function of symbols, each table evaluated where the result needs it.

        Parameters
        ----------
        name : str
            Its name.
        given : sequence of casadi.SX
            Its arguments: t, y, p or other symbols.
        expression : casadi.SX
            Its result.
        """
        needed = _symbols(expression)
        used: list[tuple[Table, list[int], list[int]]] = []
        for table in reversed(self.tables):
            values, slopes = (
                [k for k, symbol in enumerate(_hashes(of)) if symbol in needed]
                for of in (table.w, table.slopes)
            )
            needed |= _symbols(table.argument[sorted({*values, *slopes})])
            used.append((table, values, slopes))
        arguments = [MX.sym("x", of.numel()) for of in given]
        known: list[Any] = []
        found: list[Any] = []
        for table, values, slopes in reversed(used):
            for which, symbols, evaluate in (
                (values, table.w, table.values),
                (slopes, table.slopes, table.slopes_at),
            ):
                if which:
                    wanted = table.argument[which]
                    a = _scalar(f"{name}_argument", [*given, *known], wanted)
                    found.append(evaluate(a(*arguments, *found)))
                    known.append(symbols[which])
        whole = _scalar(f"{name}_rest", [*given, *known], expression)
        return casadi.Function(name, arguments, [whole(*arguments, *found)])


def _scalar(name: str, given: Iterable[Any], expression: Any) -> Any:
    return casadi.Function(name, list(given), [expression], {"cse": True})


def _hashes(symbols: Any) -> list[int]:
    return [symbols[k].element_hash() for k in range(symbols.numel())]


def _symbols(expression: Any) -> set[int]:
    return {symbol.element_hash() for symbol in casadi.symvar(casadi.vec(expression))}
