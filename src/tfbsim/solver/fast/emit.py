"""C for one discretised model, written from its equations.

The laws are those of :mod:`tfbsim.physics` and stand nowhere else: casadi lists the
operations of the scalar expressions that :class:`~tfbsim.solver.equations.Equations` made
of them, and each is written here as an operation on vectors with a cell in every lane.
The matrix of a step, g M - J, is decomposed on paper: its pattern is known, and no pivot
is looked for, because the film's part is a positive matrix once its rows and columns are
scaled, and algebraic states come behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import casadi
import numpy as np
from casadi import SX
from numpy.typing import ArrayLike

from ..equations import Equations, Product, Table

_INFIX = {
    casadi.OP_ADD: "+",
    casadi.OP_SUB: "-",
    casadi.OP_MUL: "*",
    casadi.OP_DIV: "/",
}
_COMPARED = {
    casadi.OP_LT: "<",
    casadi.OP_LE: "<=",
    casadi.OP_EQ: "==",
    casadi.OP_NE: "!=",
}
_CALLED = {
    casadi.OP_SQRT: "vsqrt",
    casadi.OP_EXP: "vexp",
    casadi.OP_LOG: "vlog",
    casadi.OP_ASINH: "vasinh",
    casadi.OP_TANH: "vtanh",
    casadi.OP_SINH: "vsinh",
    casadi.OP_COSH: "vcosh",
    casadi.OP_FABS: "size",
    casadi.OP_SIGN: "sign",
    casadi.OP_FMIN: "lesser",
    casadi.OP_FMAX: "larger",
    casadi.OP_POW: "vpow",
    casadi.OP_CONSTPOW: "vpow",
}
_WRITTEN = {
    casadi.OP_NEG: "-{0}",
    casadi.OP_SQ: "{0} * {0}",
    casadi.OP_TWICE: "{0} + {0}",
    casadi.OP_INV: "1 / {0}",
    casadi.OP_NOT: "truth({0} == 0)",
    casadi.OP_AND: "truth(({0} != 0) & ({1} != 0))",
    casadi.OP_OR: "truth(({0} != 0) | ({1} != 0))",
    casadi.OP_IF_ELSE_ZERO: "pick({0} != 0, {1}, same(0))",
    casadi.OP_ASSIGN: "{0}",
}
HIGHEST = 8  # whole powers up to it are products


class Unknown(Exception):
    """An operation or a table there is no C for here."""


class Source:
    """C of functions of the states and inputs of a model.

    Parameters
    ----------
    equations : Equations
        With their products written out where they are evaluated.
    """

    def __init__(self, equations: Equations) -> None:
        self.equations = equations
        self.lines: list[str] = []
        self.tables = [part for part in equations.parts if isinstance(part, Table)]
        self._arguments = [self._plain(t.argument) for t in self.tables]
        self._nodes: dict[int, str] = {}  # of each table, as C takes them
        for k, one in enumerate(self.tables):
            self._table(k, one)

    def text(self) -> str:
        """Return all of it."""
        return "\n".join([*self.lines, ""])

    def function(self, name: str, results: Mapping[str, SX]) -> None:
        """Write a function of y and p with results of these names, vectors."""
        q = self.equations
        results = {name: self._plain(value) for name, value in results.items()}
        whole = casadi.vertcat(*results.values())
        needed = _symbols(whole)
        if _symbols(q.t) & needed:
            raise Unknown("time")
        wanted: list[tuple[int, list[int], bool, bool]] = []
        for k in reversed(range(len(self.tables))):
            of = self.tables[k]
            w, s = (_within(v, needed) for v in (of.w, of.slopes))
            if rows := sorted(w | s):
                needed |= _symbols(self._arguments[k][rows])
                wanted.append((k, rows, bool(w), bool(s)))
        given = [(q.y, "y[{}]"), (q.p, "p[{}]")]
        taken = ", ".join(f"V *restrict {name}" for name in results)
        self.lines += [
            f"static inline void {name}"
            f"(const V *restrict y, const V *restrict p, {taken})",
            "{",
        ]
        for k, rows, values, slopes in reversed(wanted):
            of = self.tables[k]
            names = [f"x{k}_{row}" for row in rows]
            self.lines += [f"    V {n};" for n in names]
            self._scalars(f"{k}", given, self._arguments[k][rows], names)
            for row in rows:
                value, slope = f"w{k}_{row}", f"s{k}_{row}"
                self.lines.append(f"    V {value}, {slope};")
                args = (f"&{value}" if values else "0", f"&{slope}" if slopes else "0")
                self.lines.append(
                    f"    table(c{k}, {self._nodes[k]}, x{k}_{row}, {', '.join(args)});"
                )
                self.lines.append(f"    (void){value}, (void){slope};")
            given += [(of.w, f"w{k}_{{}}"), (of.slopes, f"s{k}_{{}}")]
        names = [
            f"{name}[{row}]" for name, v in results.items() for row in range(v.numel())
        ]
        self._scalars("", given, whole, names)
        self.lines.append("}")

    def _plain(self, expression: SX) -> SX:
        """Return an expression with its products written out."""
        for part in reversed(self.equations.parts):
            if isinstance(part, Product):
                scalars = casadi.densify(SX(casadi.DM(part.matrix)) @ part.argument)
                expression = casadi.substitute(expression, part.w, scalars)
        return casadi.densify(expression)

    def _table(self, k: int, of: Table) -> None:
        node = of.node
        if np.shape(getattr(node.function, "c", 0))[:1] != (4,) or node.y.ndim != 1:
            raise Unknown(f"a table of kind {node.interpolator}")
        x, c = node.function.x, node.function.c
        step = (x[-1] - x[0]) / (len(x) - 1)
        even = np.ptp(np.diff(x)) < 1e-9 * step
        if not even:
            step = 1.0
            self.lines.append(f"static const double n{k}[] = {_numbers(x)};")
        rows = [_numbers(row) for row in (c[::-1] * step ** np.arange(4)[:, None]).T]
        self.lines.append(f"static const double c{k}[][4] = {{{','.join(rows)}}};")
        nodes = "0" if even else f"n{k}"
        self._nodes[k] = f"{nodes}, {len(x) - 1}, {float(x[0])!r}, {float(step)!r}"

    def _scalars(
        self,
        label: str,
        given: Sequence[tuple[SX, str]],
        expression: SX,
        names: Sequence[str],
    ) -> None:
        """Write one operation after the other, as casadi lists them."""
        symbols = [symbol for symbol, _ in given]
        f = casadi.Function("f", symbols, [expression], {"cse": True})
        held: dict[int, str] = {}
        for k in range(f.n_instructions()):
            op, into, of = (
                f.instruction_id(k),
                f.instruction_output(k),
                f.instruction_input(k),
            )
            if op == casadi.OP_OUTPUT:
                self.lines.append(f"    {names[into[1]]} = {held[of[0]]};")
                continue
            if op == casadi.OP_INPUT:
                held[into[0]] = given[of[0]][1].format(of[1])
                continue
            if op == casadi.OP_CONST:
                held[into[0]] = f"same({f.instruction_constant(k)!r})"
                continue
            written = _operation(op, [held[one] for one in of])
            held[into[0]] = f"v{label}_{k}"
            self.lines.append(f"    const V v{label}_{k} = {written};")

    def matrix(self, pattern: casadi.Sparsity, differential: int) -> int:
        """Write ``factor`` and ``solve`` of g M - J, and return how many numbers it has.

        Parameters
        ----------
        pattern : casadi.Sparsity
            Of J; ``slope`` has its non-zeros first.
        differential : int
            Number of states with a mass, the first ones.
        """
        n = pattern.size1()
        cells = zip(pattern.row(), pattern.get_col(), strict=True)
        place = {cell: k for k, cell in enumerate(cells)}
        diagonal = set(range(differential)) | {i for i, j in place if i == j}
        if len(diagonal) < n:
            raise Unknown("a state that no equation of its own has")
        for i in range(differential):
            place.setdefault((i, i), len(place))
        order = _order(place, n)
        factor, down, up = _decomposed(place, order)
        first = [
            f"    for (int i = 0; i < {pattern.nnz()}; i++) a[i] = -a[i];",
            f"    for (int i = {pattern.nnz()}; i < {len(place)}; i++) a[i] = same(0);",
            *(f"    a[{place[i, i]}] += g;" for i in range(differential)),
        ]
        for head, body in (
            ("factor(V *restrict a, V g)", first + factor),
            ("solve(const V *restrict a, V *restrict b)", down + up),
        ):
            self.lines += [f"static void {head}", "{", *body, "}"]
        return len(place)


def _operation(op: int, of: Sequence[str]) -> str:
    if op in (casadi.OP_POW, casadi.OP_CONSTPOW) and of[1].startswith("same("):
        power = float(of[1][5:-1])
        if power == int(power) and 1 <= power <= HIGHEST:
            return " * ".join([of[0]] * int(power))
    if op in _INFIX:
        return f" {_INFIX[op]} ".join(of)
    if op in _COMPARED:
        return f"truth({of[0]} {_COMPARED[op]} {of[1]})"
    if op in _CALLED:
        return f"{_CALLED[op]}({', '.join(of)})"
    if op in _WRITTEN:
        return _WRITTEN[op].format(*of)
    raise Unknown(f"casadi's operation {op}")


def _order(place: Iterable[tuple[int, int]], n: int) -> list[int]:
    """Return in which order unknowns are eliminated: first those that no other row has.

    Counters, and what is but shown, then cost nothing.  The others stay as they are: the
    film from face to face, then what is algebraic.
    """
    left = set(range(n))
    order: list[int] = []
    while True:
        used = {j for i, j in place if i != j and i in left}
        free = [k for k in sorted(left) if k not in used]
        if not free:
            return order + sorted(left)
        order += free
        left -= set(free)


def _decomposed(
    place: dict[tuple[int, int], int], order: Sequence[int]
) -> tuple[list[str], list[str], list[str]]:
    """Return L U in place, inverse pivots on the diagonal; ``place`` gets the fills."""
    factor, down, up = [], [], []
    at = {k: position for position, k in enumerate(order)}
    columns: dict[int, list[int]] = {k: [] for k in order}
    rows: dict[int, list[int]] = {k: [] for k in order}
    for i, j in place:
        if at[i] > at[j]:
            columns[j].append(i)
        elif at[j] > at[i]:
            rows[i].append(j)
    for k in order:
        pivot = f"a[{place[k, k]}]"
        factor.append(f"    {pivot} = 1 / {pivot};")
        for i in sorted(columns[k], key=at.__getitem__):
            below = f"a[{place[i, k]}]"
            factor.append(f"    {below} *= {pivot};")
            down.append(f"    b[{i}] -= {below} * b[{k}];")
            for j in rows[k]:
                if (i, j) not in place:
                    place[i, j] = len(place)
                    (columns[j] if at[i] > at[j] else rows[i]).append(
                        i if at[i] > at[j] else j
                    )
                factor.append(f"    a[{place[i, j]}] -= {below} * a[{place[k, j]}];")
    for k in reversed(order):
        sums = "".join(f" - a[{place[k, j]}] * b[{j}]" for j in rows[k])
        up.append(f"    b[{k}] = (b[{k}]{sums}) * a[{place[k, k]}];")
    return factor, down, up


def _numbers(values: ArrayLike) -> str:
    return "{" + ",".join(map(repr, np.asarray(values, float).tolist())) + "}"


def _symbols(expression: SX) -> set[int]:
    return {symbol.element_hash() for symbol in casadi.symvar(casadi.vec(expression))}


def _within(symbols: SX, needed: set[int]) -> set[int]:
    hashes = (symbols[k].element_hash() for k in range(symbols.numel()))
    return {k for k, symbol in enumerate(hashes) if symbol in needed}
