"""The kernel for many cells against the general solver, which is its yardstick."""

from __future__ import annotations

import platform
from dataclasses import replace

import numpy as np
import pytest

from tfbsim import load_cell
from tfbsim.cell.cells import Unlike
from tfbsim.comparison.replay import Replay
from tfbsim.experiment.experiment import NO_CURVES
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.materials.laws import FARADAY
from tfbsim.numerics import Numerics
from tfbsim.run.optimise import BY_GENERAL, BY_KERNEL, optimise
from tfbsim.solver import batch, discretised
from tfbsim.solver import engine as general
from tfbsim.solver.batch import paying, replayed
from tfbsim.solver.cycler import run_case
from tfbsim.solver.engine import Engine
from tfbsim.solver.fast import kernel as compiled
from tfbsim.solver.trace import BALANCE_LIMIT, CURVE_TOLERANCE, PROFILE, Request

# Both at tolerances at which what is left is the difference between the two
TIGHT = Numerics(points=100, rtol=1e-8, atol=1e-10, voltage_tolerance=1e-6, compile=True)
QUICK = replace(TIGHT, points=40)
CHARGE, VOLTAGE, ENERGY = 1e-6, 10e-6, 1e-5  # of the film's charge, V, relative
SMALL = 1e-4  # W.h, that an error of a smaller energy is relative to
CELLS = ("lco-lipon-li-raijmakers2020", "lco-lipon-li-danilov2011", "nmc811-lipon-li")
PASSED = "Discharge capacity [A.h]"
COUNT = 3  # one of each cell
SEED = 2026


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Kernels of a test in a folder of its own, engines built anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    general.engine.cache_clear()
    yield tmp_path
    general.engine.cache_clear()


def draw(number):
    """A cell and the sentences of a cycle."""
    rng = np.random.default_rng([SEED, number])
    name = CELLS[number % len(CELLS)]
    thickness = float(np.exp(rng.uniform(np.log(0.1e-6), np.log(20e-6))))
    cell = load_cell(name).replace({"cathode.thickness": thickness})
    low, high = rng.uniform(2.9, 3.4), rng.uniform(4.0, 4.25)
    rate, other = np.exp(rng.uniform(np.log(0.1), np.log(20), 2))
    power = 100 * other * cell.one_c_current_density * 3.8
    out = rng.choice([f"{rate:.3g}C", f"{power:.4g} uW/cm2"])
    return cell, [
        f"Charge at {other:.3g}C until {high:.3f} V",
        f"Hold at {high:.3f} V until {other / 20:.3g}C or for 3 hours",
        f"Rest for {rng.uniform(0.1, 30):.3g} minutes",
        f"Discharge at {out} until {low:.3f} V",
        f"Rest for {rng.uniform(0.1, 30):.3g} minutes",
    ]


def cycle_of(cell, sentences, numerics):
    protocol = Protocol(parse_cycle(sentences, cell))
    return run_case(cell, protocol, numerics, curves=NO_CURVES).cycles[0]


def without(monkeypatch):
    """The general solver alone, whatever the structure."""
    monkeypatch.setattr(discretised.Discretised, "kernel", None)
    general.engine.cache_clear()


def compare(found, wanted, cell):
    """How far apart capacities [of the film's charge], energies and voltages [V] are."""
    off = dict.fromkeys(("charge", "energy", "voltage"), 0.0)

    def seen(name, value, most):
        off[name] = max(off[name], abs(value))
        assert abs(value) < most, (name, one.step.text)

    full = cell.site_inventory * FARADAY * float(cell.area) / 3600
    for one, other in zip(found.steps, wanted.steps, strict=True):
        assert (one.outcome, one.detail) == (other.outcome, other.detail), one.step.text
        seen("charge", (one.charge - other.charge) / full, CHARGE)
        seen("charge", (one.discharge - other.discharge) / full, CHARGE)
        energy = max(other.energy_out, SMALL)
        seen("energy", (one.energy_out - other.energy_out) / energy, ENERGY)
        if one.trace is not None and len(one.trace.t) > 1:
            V, V_other = one.end["Voltage [V]"], other.end["Voltage [V]"]
            seen("voltage", V - V_other, VOLTAGE)
    assert found.lithium_balance_error < BALANCE_LIMIT
    assert found.charge_balance_error < BALANCE_LIMIT
    return off


def pinned(numbers, monkeypatch):
    """Cycles of these numbers by the kernel and by the general solver."""
    cells, sentences = zip(*map(draw, numbers), strict=True)
    steps = []
    call = compiled.Kernel.__call__

    def counted(self, *of):
        found = call(self, *of)
        steps.extend(found.ended)
        return found

    monkeypatch.setattr(compiled.Kernel, "__call__", counted)
    of = list(zip(cells, sentences, strict=True))
    found = [cycle_of(*one, TIGHT) for one in of]
    # Some may be too much for it, and go to the general solver; most are not
    assert steps.count("failure") < 0.02 * len(steps)
    assert len(steps) > 2 * len(of)
    without(monkeypatch)
    each = [
        compare(cycle, cycle_of(*one, TIGHT), cell)
        for cell, cycle, one in zip(cells, found, of, strict=True)
    ]
    return {name: max(off[name] for off in each) for name in each[0]}


def test_cycles_are_those_of_the_general_solver(monkeypatch):
    pinned(range(COUNT), monkeypatch)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_two_thousand_cycles_are_those_of_the_general_solver(monkeypatch, figure):
    off = pinned(range(2000), monkeypatch)
    claim = "The kernel of sweeps beside the general solver, 2,000 random cycles"
    figure(f"{claim}: capacity, of the film's charge", off["charge"], at_most=CHARGE)
    figure(f"{claim}: energy, relative", off["energy"], at_most=ENERGY)
    figure(f"{claim}: voltage at ends", 1e6 * off["voltage"], at_most=10, unit="uV")


@pytest.mark.parametrize(
    "change",
    [
        {"electrolyte.electronic_conductivity": "1e-13 S/cm"},
        {"cathode.anodic_transfer_coefficient": 0.4},
    ],
    ids=["leaking", "asymmetric"],
)
def test_algebraic_states(change, monkeypatch):
    cell = load_cell(CELLS[0]).replace(change)
    sentences = [
        "Charge at 1C until 4.1 V",
        "Discharge at 3C until 3.2 V",
        "Rest for 1 h",
    ]
    found = cycle_of(cell, sentences, TIGHT)
    without(monkeypatch)
    compare(found, cycle_of(cell, sentences, TIGHT), cell)


CURVE = [
    "Charge at 1C until 4.1 V",
    "Hold at 4.1 V until C/20",
    "Rest for 10 minutes",
    "Discharge at 2C until 3.2 V",
    "Rest for 10 minutes",
    "Discharge at 100 uW/cm2 until 3.0 V",
]


@pytest.mark.parametrize("name", CELLS)
def test_curves_are_those_of_the_general_solver(name, monkeypatch):
    """Read off by straight lines, from 1 ms on, at the default tolerances."""
    cell, numerics = load_cell(name), Numerics(points=150, compile=True)
    protocol = Protocol(parse_cycle(CURVE, cell))
    found = run_case(cell, protocol, numerics).cycles[0]
    without(monkeypatch)
    sharp = replace(numerics, rtol=1e-9, atol=1e-11, voltage_tolerance=1e-7)
    wanted = run_case(cell, protocol, sharp).cycles[0]
    allowed = {"Voltage [V]": 2 * CURVE_TOLERANCE, "Current [A]": 1e-3, PASSED: 1e-4}
    for one, other in zip(found.steps, wanted.steps, strict=True):
        assert one.outcome == other.outcome
        end = min(one.trace.t[-1], other.trace.t[-1])
        if end == 0:
            continue
        t = np.union1d(np.geomspace(1e-3, end, 500), np.linspace(1e-3, end, 2000))
        for quantity, most in allowed.items():
            scale = 1 if "[V]" in quantity else cell.one_c_current
            read = [
                np.interp(t[:-1], trace.t, trace.observed[quantity])
                for trace in (one.trace, other.trace)
            ]
            off = np.abs(read[0] - read[1]).max() / scale
            assert off < most, (one.step.text, quantity)
    assert found.energy_out == pytest.approx(wanted.energy_out, rel=1e-5)
    assert max(len(step.trace.t) for step in found.steps) < 1000


def test_a_curve_longer_than_its_room(monkeypatch):
    solver, cell = Engine(load_cell(CELLS[0]).structure, TIGHT), load_cell(CELLS[0])
    start = solver.uniform(0.5, 1.0), cell.parameters(None)
    asked = Request("current", cell.one_c_current, 7200.0, *start, lower=3.0)
    whole = solver.run(asked)
    monkeypatch.setattr(compiled, "POINTS", 5)
    again = solver.run(asked)
    assert len(again.t) > 5
    assert np.array_equal(again.t, whole.t)
    assert np.array_equal(again.profiles, whole.profiles)


def test_a_cell_does_not_depend_on_its_neighbours():
    built = Engine(load_cell(CELLS[0]).structure, TIGHT).built("current")
    kernel, rng = built.kernel, np.random.default_rng(0)
    assert kernel is not None
    requests = []
    for thickness in rng.uniform(1e-6, 10e-6, 21):
        cell = load_cell(CELLS[0]).replace({"cathode.thickness": float(thickness)})
        requests.append(
            Request(
                *("current", cell.one_c_current, 7200.0),
                general.engine(cell.structure, TIGHT).uniform(0.5, 1.0),
                cell.parameters(None),
                lower=3.0,
                curve=False,
            )
        )
    solver = Engine(load_cell(CELLS[0]).structure, TIGHT)
    built, handed = solver.built("current"), []
    solve = built.solve

    def heard(y, p, *how):
        handed.append((y, p))
        return solve(y, p, *how)

    built.solve = heard
    alone = [solver.run(request) for request in requests]
    y, p = (np.array(of) for of in zip(*handed, strict=True))
    together, again = built.integrated(y, p), built.integrated(y[::-1], p[::-1])
    assert np.array_equal(together.y, again.y[::-1])
    assert np.array_equal(together.t, again.t[::-1])
    profiles = [trace.end.profile for trace in alone]
    assert np.array_equal(together.y[:, built.slices[PROFILE]], profiles)
    assert np.array_equal(together.t * 7200, [trace.t[-1] for trace in alone])


def twenty(structure):
    """States where discharges of twenty thicknesses end, and the lanes they were in."""
    kernel = Engine(structure, QUICK).built("current").kernel
    solver, requests = Engine(structure, QUICK), []
    for thickness in np.geomspace(1e-6, 10e-6, 20):
        cell = load_cell(CELLS[0]).replace({"cathode.thickness": float(thickness)})
        start = solver.uniform(0.5, 1.0), cell.parameters(None)
        of = Request("current", cell.one_c_current, 7200.0, *start, lower=3.0)
        requests.append(replace(of, curve=False))
    ends = [solver.run(request).end.profile for request in requests]
    return np.array(ends), kernel.lanes


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="its flags are of x86")
def test_narrower_vectors_give_the_same(cache, monkeypatch):
    structure, flags = load_cell(CELLS[0]).structure, compiled.FLAGS
    wanted, widest = twenty(structure)
    widths = {widest}
    for less in ("-mno-avx512f", "-mno-avx"):
        monkeypatch.setattr(compiled, "FLAGS", (*flags, less))
        found, lanes = twenty(structure)
        assert np.allclose(found, wanted, rtol=0, atol=1e-9)
        widths.add(lanes)
    assert min(widths) == 2 and len(widths) > 1


def test_without_a_compiler_the_general_solver_does_it(cache, monkeypatch):
    compiled._machine.cache_clear()
    monkeypatch.setenv("CC", str(cache / "none"))
    try:
        solver = Engine(load_cell(CELLS[0]).structure, TIGHT)
        assert solver.built("current").kernel is None
    finally:
        compiled._machine.cache_clear()


def test_a_kernel_is_kept(cache):
    structure = load_cell(CELLS[0]).structure
    assert Engine(structure, TIGHT).built("current").kernel is not None
    (kept,) = (cache / "tfbsim" / "kernels").iterdir()
    before = kept.stat().st_mtime_ns
    assert Engine(structure, TIGHT).built("current").kernel is not None
    assert kept.stat().st_mtime_ns == before


def test_what_it_does_not_know_is_the_general_solvers(monkeypatch):
    plated = load_cell("lco-lipon-steel-ensurge2023").structure
    assert Engine(plated, TIGHT).built("current").kernel is None
    film = load_cell(CELLS[0]).structure
    assert Engine(film, replace(TIGHT, compile=False)).built("current").kernel is None
    assert Engine(film, TIGHT).built("current ramp").kernel is None
    # Of an option that is not listed it takes the default alone
    leaking = film.choosing("leakage", "electronic")
    assert Engine(leaking, TIGHT).built("current").kernel is not None
    listed = {k: v for k, v in discretised.IN_THE_KERNEL.items() if k != "leakage"}
    monkeypatch.setattr(discretised, "IN_THE_KERNEL", listed)
    assert Engine(leaking, TIGHT).built("current").kernel is None


CONDITIONING = ["Discharge at C/2 until 3.5 V", "Charge at 1C until 4.1 V"]
STEPS = [
    ["Discharge at C/2 until 3.0 V", "Rest for 5 minutes", "Charge at 1C until 4.1 V"],
    ["Discharge at 4C until 3.0 V", "Rest for 20 minutes", "Charge at 1C until 4.1 V"],
]


def test_cells_in_one_batch_are_those_of_the_runner():
    """Each through each protocol; curves, charges and the state that comes next."""
    base, numerics = load_cell(CELLS[0]), Numerics(points=40, compile=True)
    changes = {"cathode.transference": 0.1}, {"cathode.transference": 0.9}
    cells = [base.replace(one) for one in changes]  # in the last the film fills behind
    conditioning = parse_cycle(CONDITIONING, base)
    protocols = [
        Protocol(parse_cycle(steps, base), 2, conditioning, 2) for steps in STEPS
    ]
    for bend in (CURVE_TOLERANCE, None):
        found = replayed(cells, protocols, 2, bend, numerics)
        assert found.plain.all()
        pairs = [(cell, protocol) for cell in cells for protocol in protocols]
        replays = {id(cell): Replay(numerics) for cell in cells}
        for row, (cell, protocol) in enumerate(pairs):
            wanted = replays[id(cell)].cycles(cell, protocol, 2, bend is not None)
            for n, (one, other) in enumerate(zip(found.cycles, wanted, strict=True)):
                same_cycle(one, other, row)
                for k, curve in enumerate(found.drawn[n]):
                    observed = other.steps[k].trace.observed
                    names = "Voltage [V]", "Discharge capacity [A.h]"
                    for values, name in zip(curve.of(row), names, strict=True):
                        scale = np.abs(observed[name]).max()
                        assert np.abs(values - observed[name]).max() <= 1e-7 * scale
    assert not any(found.drawn)
    filled = [step.outcome for step in wanted[0].steps]
    assert "infeasible" in filled  # numbers alone are had of it


def same_cycle(one, other, row):
    assert one.number == other.number
    assert one.discharge[row] == pytest.approx(other.discharge, rel=1e-9, abs=1e-15)
    assert one.lithium_balance_error[row] < BALANCE_LIMIT
    ends = [0, -1]
    for step, like in zip(one.steps, other.steps, strict=True):
        trace, wanted = step.trace, like.trace
        assert trace.event[row] == wanted.event
        # rounding in the starts
        assert trace.t[:, row] == pytest.approx(wanted.t[ends], rel=1e-7)
        assert trace.observed.keys() == wanted.observed.keys()
        for name, values in trace.observed.items():
            scale = np.abs(wanted.observed[name]).max()
            off = np.abs(values[:, row] - wanted.observed[name][ends])
            assert off.max() <= 1e-7 * scale, name
        profiles = wanted.profiles[ends]
        assert trace.profiles[:, row] == pytest.approx(profiles, abs=1e-7)
        profile = trace.end.profile[row]
        assert profile == pytest.approx(wanted.end.profile, abs=1e-9)


def test_what_is_over_at_once_is_run_alone():
    cell, numerics = load_cell(CELLS[0]), Numerics(points=40, compile=True)
    drop = 1.0 / (2 * cell.one_c_current_density)  # 1 V at 2C
    resistive = cell.replace({"contact_resistance": drop})
    protocols = [Protocol(parse_cycle([text], cell)) for text in OVER]
    found = replayed([cell, resistive], protocols, 1, CURVE_TOLERANCE, numerics)
    assert found.plain.tolist() == [True, True, True, False]
    with pytest.raises(Unlike):
        other = Protocol(parse_cycle(["Hold at 4 V for 1 h"], cell))
        replayed([cell], [protocols[0], other], 1, CURVE_TOLERANCE, numerics)


OVER = ["Discharge at C/10 until 3.0 V", "Discharge at 2C until 3.0 V"]


def test_a_kernel_pays_or_is_kept(cache):
    cell, numerics = load_cell(CELLS[0]), Numerics(points=40)
    protocols = [Protocol(parse_cycle([text], cell)) for text in OVER]
    assert paying(cell, protocols, 999, numerics, kept=True) is None
    wanted = replace(numerics, compile=True)
    assert paying(cell, protocols, 1000, numerics) == wanted  # compiles it
    assert paying(cell, protocols, 999, numerics) is None
    assert paying(cell, protocols, 999, numerics, kept=True) == wanted
    assert paying(cell, protocols, 99, numerics, kept=True) is None
    plated = load_cell("lco-lipon-steel-ensurge2023")
    steps = [Protocol(parse_cycle(["Rest for 1 h"], plated))]
    assert paying(plated, steps, 10**6, numerics) is None


def test_an_optimum_is_that_of_the_general_solver(monkeypatch):
    numerics, steps = Numerics(points=40), ["Charge at C/5 until 4.2 V", OVER[1]]
    asked = CELLS[0], "cathode.thickness", ("2 um", "60 um"), steps
    alone = optimise(*asked, numerics=numerics)
    monkeypatch.setattr(batch, "WORTH_COMPILING", 30)
    found = optimise(*asked, numerics=numerics)
    assert (alone.solved, found.solved) == (BY_GENERAL, BY_KERNEL)
    assert found.value == pytest.approx(alone.value, rel=2e-3)
    assert found.maximum == pytest.approx(alone.maximum, rel=1e-5)
