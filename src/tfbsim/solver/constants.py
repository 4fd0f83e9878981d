"""Combinations of inputs that hold for a step, evaluated before it."""

from __future__ import annotations

from collections.abc import Mapping

import casadi
import numpy as np
import pybamm

from ..materials.laws import Array, Floats
from .one_at_a_time import one_at_a_time
from .trace import Inputs

MOST_KNOWN = 10_000  # combinations of inputs


class Constants:
    """Combinations of inputs, of one cell or of many.

    Parameters
    ----------
    names : list of str
        What they are called.
    symbols : list of pybamm.Symbol
        Of input parameters alone.
    """

    def __init__(self, names: list[str], symbols: list[pybamm.Symbol]) -> None:
        unpacker = pybamm.SymbolUnpacker(pybamm.InputParameter)
        found = unpacker.unpack_list_of_symbols(symbols)
        self.names = names
        self.needs = sorted({symbol.name for symbol in found})
        p = {name: casadi.MX.sym(name) for name in self.needs}
        rows = [symbol.to_casadi(inputs=p) for symbol in symbols]
        stacked = casadi.vertcat(*p.values())
        self._known: dict[tuple[Floats, ...], Inputs] = {}
        whole = casadi.Function("constants", [stacked], [casadi.vertcat(*rows)])
        self._evaluate = whole.expand()

    def arrays(self, inputs: Mapping[str, Floats]) -> dict[str, Array]:
        """Return the combinations, by name, of inputs that are arrays or numbers."""
        needed = np.broadcast_arrays(*(inputs[name] for name in self.needs))
        return dict(zip(self.names, self._evaluate(np.array(needed)).full(), strict=True))

    @one_at_a_time
    def __call__(self, inputs: Mapping[str, Floats]) -> Inputs:
        """Return the combinations, by name, of inputs that are numbers."""
        key = tuple(inputs[name] for name in self.needs)
        if key not in self._known:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            found = self._evaluate(np.array(key)).full()[:, 0].tolist()
            self._known[key] = dict(zip(self.names, found, strict=True))
        return self._known[key]
