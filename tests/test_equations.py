"""The model in scalars: PyBaMM's own values and derivatives, whatever tables it has."""

from __future__ import annotations

import shutil
from dataclasses import replace

import casadi
import numpy as np
import pybamm
import pytest

from tfbsim import load_cell
from tfbsim.materials import laws
from tfbsim.numerics import Numerics
from tfbsim.solver.engine import Engine
from tfbsim.solver.equations import Equations

SMALL = Numerics(points=150)  # matrices large enough to be loops
# t_i(x) and sigma_e(x), each a law of its own
CONSISTENT = {
    "cathode.electron_path": "consistent",
    "cathode.electronic_conductivity": laws.LogPolynomial((-4.0, 1.0)),
}
CELLS = {
    "tables of U, D": ("lco-lipon-li-raijmakers2020", {}),
    "formulas": ("lco-lipon-li-constant-d", {}),
    "more than one electron": ("nmc811-lipon-li", {}),
    "t_i(x), sigma_e(x)": ("nmc811-lipon-li", CONSISTENT),
    "plated in situ": ("lco-lipon-steel-ensurge2023", {}),
    "asymmetric": (
        "lco-lipon-li-raijmakers2020",
        {"cathode.anodic_transfer_coefficient": 0.4},
    ),
}


@pytest.fixture(params=CELLS)
def cell(request):
    name, changes = CELLS[request.param]
    return load_cell(name).replace(changes)


def states_and_inputs(built, cell, rng):
    """A state the cell may be in, and its inputs."""
    y = rng.uniform(0.4, 0.6, built.model.len_rhs_and_alg)
    inputs = {name: rng.uniform(0.5, 1.5) for name in built.inputs} | cell.parameters()
    constants = built.constants(inputs)
    return y, inputs | constants


@pytest.mark.parametrize("mode", ["current", "voltage"])
def test_every_function_is_pybamms_own(cell, mode):
    engine = Engine(cell.structure, SMALL)
    built, model = engine.built(mode), engine.built(mode).model
    rng = np.random.default_rng(0)
    for _ in range(5):
        y, inputs = states_and_inputs(engine.built("current"), cell, rng)
        y = rng.uniform(0.4, 0.6, model.len_rhs_and_alg)
        inputs = {name: rng.uniform(0.5, 1.5) for name in built.inputs} | inputs
        p = built.stack(inputs)
        whole = pybamm.numpy_concatenation(
            model.concatenated_rhs, model.concatenated_algebraic
        )
        expected = whole.evaluate(0.0, y[:, None], inputs=inputs)
        found = built.functions["rhs_alg"](0, y, p).full()
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-11)
        end = built.functions["events"](0, y, p).full()
        event = model.events[0].expression.evaluate(0.0, y[:, None], inputs=inputs)
        assert end == pytest.approx(event, rel=1e-11)
        observed = built.observe(y[:, None], p[:, None])
        for name, values in observed.items():
            variable = model.get_processed_variable(name)
            value = variable.evaluate(0.0, y[:, None], inputs=inputs)
            assert values == pytest.approx(np.ravel(value), rel=1e-11, abs=1e-13), name


@pytest.mark.parametrize("mode", ["current", "voltage"])
def test_jacobian_through_the_tables(cell, mode):
    engine = Engine(cell.structure, SMALL)
    built = engine.built(mode)
    rng = np.random.default_rng(1)
    y, inputs = states_and_inputs(engine.built("current"), cell, rng)
    y = rng.uniform(0.4, 0.6, built.model.len_rhs_and_alg)
    p = built.stack({name: rng.uniform(0.5, 1.5) for name in built.inputs} | inputs)
    cj, n = 0.7, built.model.len_rhs
    found = built.functions["jac_times_cjmass"](0, y, p, cj).full()
    step = 1e-6
    slopes = np.empty_like(found)
    for k in range(len(y)):
        up, down = y.copy(), y.copy()
        up[k] += step
        down[k] -= step
        rates = [built.functions["rhs_alg"](0, at, p).full()[:, 0] for at in (up, down)]
        slopes[:, k] = (rates[0] - rates[1]) / (2 * step)
    slopes[range(n), range(n)] -= cj
    scale = np.abs(slopes).max(axis=1, keepdims=True)
    assert np.abs(found - slopes).max(initial=0, where=scale > 0) == pytest.approx(
        0, abs=1e-6 * scale.max()
    )
    v = rng.normal(size=len(y))
    action = built.functions["jac_action"](0, y, p, v).full()[:, 0]
    expected = found @ v
    expected[:n] += cj * v[:n]
    assert action == pytest.approx(expected, rel=1e-10, abs=1e-10 * scale.max())


def test_a_table_is_evaluated_where_it_is_needed():
    """A surface value takes psi at the volumes next to it, not of the whole film."""
    x = np.linspace(0, 1, 30)
    node = pybamm.Interpolant(x, x**2, pybamm.StateVector(slice(0, 50)))
    first = pybamm.Index(node, slice(0, 2))
    q = Equations({"first": first, "all": node}, 50)
    few, every = (
        q.function(name, [q.y], q.expressions[name]) for name in ("first", "all")
    )
    y = np.linspace(0.1, 0.9, 50)
    assert few(y).full()[:, 0] == pytest.approx(every(y).full()[:2, 0], rel=1e-15)
    assert few.sparsity_jac(0, 0).nnz() <= 4 < every.sparsity_jac(0, 0).nnz()
    work = [f.sz_w() for f in (few, every)]
    assert work[0] < work[1] / 2


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
def test_compiled_is_the_same(cell):
    """Two codes of one function differ by rounding."""
    interpreted = Engine(cell.structure, SMALL).built("current")
    compiled = Engine(cell.structure, replace(SMALL, compile=True)).built("current")
    assert isinstance(compiled.functions["rhs_alg"], casadi.Function)
    assert compiled.functions["rhs_alg"].class_name() == "External"
    rng = np.random.default_rng(2)
    y, inputs = states_and_inputs(compiled, cell, rng)
    p = interpreted.stack(inputs)
    # Energies are states of the compiled one alone
    same = [
        k
        for name, rows in compiled.slices.items()
        if name in interpreted.slices
        for k in range(rows.start, rows.stop)
    ]
    rates = compiled.functions["rhs_alg"](0, y, p).full()[same]
    expected = interpreted.functions["rhs_alg"](0, y[same], p).full()
    assert rates == pytest.approx(expected, rel=1e-10, abs=1e-10)
    ends = compiled.functions["events"](0, y, p).full()
    expected = interpreted.functions["events"](0, y[same], p).full()
    assert ends == pytest.approx(expected, rel=1e-10, abs=1e-10)
