"""Independent checks of a record: what no step of any cell may do.

Each looks at the curves alone, and compares them with sums worked out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tfbsim.cell.cell import Cell
from tfbsim.materials.laws import FARADAY
from tfbsim.physics.thin_film_cell import declared_by
from tfbsim.solver.records import OUTCOMES, CaseRecord, StepRecord

OVERFULL = 0.02  # of the sites: a straight continuation of U(x) may carry so far
EMPTY = 2e-6  # of the sites, at a face
# What a step says that the mesh does not resolve
FINER, PATH = "finer than the mesh", "its electron path has a part finer than the mesh"
SAID = 2e-3  # of the sites: a profile that is so far beyond the film at the end says so
AT_ONCE = 1e-8  # s: a hold on a bare collector, whose current is below its cut-off
# How far from what it must be, at most
LIMITS = {
    "lithium": 1e-8,  # of what passed, or of a thousandth of the sites
    "charge": 1e-9,
    "charge of a profile": 5e-6,  # of a state at rtol 1e-6
    "anode lithium": 1e-8,
    "energy": 1e-3,  # V, of the mean voltage of a step
    "voltage balance": 1e-9,  # V
    "state handed on": 1e-12,
    "beyond a voltage cut-off": 1e-4,  # V
    "beyond a limit of the cell": 1e-4,  # V
    "beyond a current cut-off": 1e-3,  # of the cut-off
    "hold strays": 2e-4,  # V
    "a face beyond the film": 1e-6,  # of the sites
    "a face that its double layer drives on": 1e-3,  # of the sites
    "overshoot about a front": 0.1,  # of the sites
    "overshoot unsaid": 0.0,
    "time runs backwards": 0.0,
    "not finite": 0.0,
    "solver failed": 0.0,
    "audit breach": 0.0,
    "not as asked": 0.0,
    "beyond a charge cut-off": 1e-6,  # of the cut-off
    "a negative resistance": 1e-6,  # of |Z|, at any frequency
}
PARTS = {
    "Cathode open-circuit potential [V]": 1,
    "Cathode overpotential [V]": 1,
    "Cathode hysteresis [V]": -1,
    "Lithium overpotential [V]": -1,
    "Anode open-circuit potential [V]": -1,
    "Anode overpotential [V]": -1,
    "Anode electron path voltage drop [V]": 1,
    "Anode hysteresis [V]": 1,
    "Electrolyte voltage drop [V]": -1,
    "Electron path voltage drop [V]": -1,
    "Film voltage drop [V]": -1,
    "Contact voltage drop [V]": -1,
}


@dataclass(frozen=True)
class Found:
    """How far a step is from what it must be.

    Parameters
    ----------
    check : str
        One of ``LIMITS``.
    value : float
        In the unit of the limit.
    step : str
        Number, sentence and outcome of the step.
    """

    check: str
    value: float
    step: str

    @property
    def holds(self) -> bool:
        """Whether it is within its limit."""
        return bool(self.value <= LIMITS[self.check])


def check(record: CaseRecord) -> list[Found]:
    """All that is checked of a case."""
    found = []
    before: StepRecord | None = None
    for cycle in record.cycles:
        found.append(Found("audit breach", float(cycle.outcome == "audit breach"), ""))
        for k, step in enumerate(cycle.steps, start=1):
            assert step.outcome in OUTCOMES
            label = f"{k}: {step.step.text!r}, {step.outcome} {step.detail}".rstrip()
            failed = float(step.outcome == "solver failed")
            pairs = [("solver failed", failed), *_of(step, before, record.cell)]
            found += [Found(name, float(value), label) for name, value in pairs]
            before = step if step.trace is not None else before
    return found


def _of(
    record: StepRecord, before: StepRecord | None, cell: Cell
) -> Iterator[tuple[str, float]]:
    trace = record.trace
    if trace is None:
        return
    seen, t = trace.observed, trace.t
    finite = all(np.isfinite(v).all() for v in (t, trace.profiles, *seen.values()))
    yield "not finite", float(not finite)
    backwards = t[0] < 0 or t[-1] > record.step.duration * (1 + 1e-9)
    yield "time runs backwards", float(backwards or (np.diff(t) < 0).any())
    yield from _sums(record, cell)
    yield from _ends(record, cell)
    # Of a cell at rest; migration without a loss on the electron path gives energy
    gives = any(
        film.transport.transference != 0 and film.electron_path == "as given"
        for film in (getattr(cell, side.lower()) for side in cell.structure.films)
    )
    if record.spectrum is not None and not record.detail and not gives:
        Z = record.spectrum.Z
        yield "a negative resistance", max(-(Z.real / np.abs(Z)).min(), 0.0)
    for side, film in cell.structure.films.items():
        # The other face is one that lithium migrates to, or a part of the inside
        migrates = getattr(cell, side.lower()).transport.transference != 0
        driven = ("surface", "collector") if migrates else ("surface",)
        faces = [seen[f"{side} {face} stoichiometry"] for face in driven]
        # Migration goes on while a double layer is charged, and what a step ended by in
        # the next until it is level
        name, full, empty = "a face beyond the film", OVERFULL, EMPTY
        if (f"{side.lower()} double layer", "capacitive") in cell.structure.chosen:
            name = "a face that its double layer drives on"
            full, empty = 2 * OVERFULL, OVERFULL
        yield name, _beyond(np.array(faces), film.x_max, full, empty)
    inside, x_max = trace.profiles, cell.cathode.x_max
    said = FINER in record.detail
    yield "overshoot about a front", 0.0 if said else _beyond(inside, x_max)
    unsaid = _beyond(inside[-1], x_max) > SAID and not said
    yield "overshoot unsaid", float(unsaid)
    if before is not None:
        last = before.trace
        assert last is not None
        scales = {f"{side} mean stoichiometry": 1.0 for side in cell.structure.films}
        if "Lithium thickness [m]" in seen:
            per_metre = 1 / (cell.anode.molar_volume * cell.site_inventory)
            scales["Lithium thickness [m]"] = per_metre
        scales |= {n: 1.0 for n in seen if n.endswith("hysteresis [V]")}
        for name, scale in scales.items():
            moved = abs(seen[name][0] - last.observed[name][-1])
            yield "state handed on", moved * scale


def _beyond(
    x: np.ndarray, x_max: float, full: float = OVERFULL, empty: float = EMPTY
) -> float:
    """How far stoichiometries are beyond what a film may hold, of its sites."""
    return max((x.max() - x_max) / x_max - full, -x.min() / x_max - empty, 0.0)


def _sums(record: StepRecord, cell: Cell) -> Iterator[tuple[str, float]]:
    """Lithium, charge and energy by sums over the samples."""
    trace = record.trace
    assert trace is not None
    seen, t = trace.observed, trace.t
    V = seen["Voltage [V]"]
    balance = sum(s * seen[name] for name, s in PARTS.items() if name in seen) - V
    yield "voltage balance", np.abs(balance).max()
    per_mol = FARADAY * float(cell.area) / 3600  # A.h.m2.mol-1
    sites = cell.site_inventory * per_mol
    passed = seen["Discharge capacity [A.h]"] - seen["Discharge capacity [A.h]"][0]
    laws = declared_by(cell.structure)
    besides = sum(seen[side.charge] - seen[side.charge][0] for side in laws.side_currents)
    besides = besides + 0 * t
    film = [name for name in laws.lithium if name.startswith("Cathode ")]
    filled = sum(seen[name] - seen[name][0] for name in film) * per_mol
    # What is rounded is all lithium of the cell
    held = seen["Total lithium [mol.m-2]"][0] * per_mol
    scale = max(np.ptp(passed) + np.ptp(besides), 1e-3 * sites, 1e-6 * held)
    yield "lithium", np.abs(filled - passed - besides).max() / scale
    if not (cell.anode.plated or cell.structure.capacitive or [*cell.ageing.blocks]):
        metal = seen["Anode lithium [mol.m-2]"] * per_mol
        scale = max(scale, metal[0])
        yield "anode lithium", np.abs(metal[0] - metal - passed - besides).max() / scale
    if record.step.control != "current" or record.spectrum is not None:
        return
    expected = np.trapezoid(seen["Current [A]"], t) / 3600
    kind = "charge" if record.step.constant else "charge of a profile"
    yield kind, abs(passed[-1] - expected) / max(abs(expected), sites)
    if abs(passed[-1]) > 1e-6 * sites and len(t) > 3 and record.step.constant:
        by_samples = np.trapezoid(V, passed)
        counted = record.energy_out - record.energy_in
        yield "energy", abs(counted - by_samples) / abs(passed[-1])


def _ends(record: StepRecord, cell: Cell) -> Iterator[tuple[str, float]]:
    """No sample lies beyond an end of its step, and what is reached was asked for."""
    trace, step = record.trace, record.step
    assert trace is not None
    V, t = trace.observed["Voltage [V]"], trace.t
    low, high = cell.voltage_limits
    lasted = t[-1] > 0
    past = [0.0]
    if lasted and step.lower is not None:
        past.append(float((step.lower - V).max()))
    if lasted and step.upper is not None:
        past.append(float((V - step.upper).max()))
    yield "beyond a voltage cut-off", 0.0 if PATH in record.detail else max(past)
    if not step.rest and low <= V[0] <= high:
        yield "beyond a limit of the cell", max(low - V.min(), V.max() - high, 0.0)
    if not lasted and step.control != "voltage" and not step.rest:
        # A current that leads back within them may begin beyond
        I = trace.observed["Current [A]"][0]
        by = max((low - V[0]) * (I > 0), (V[0] - high) * (I < 0), 0.0)
        yield "beyond a limit of the cell", by
    moved = 3600 * trace.observed["Throughput capacity [A.h]"][-1]
    if step.charge is not None:
        yield "beyond a charge cut-off", max(moved / step.charge - 1, 0.0)
    c_rate = np.abs(trace.observed["Current [A]"]) / cell.one_c_current
    cut_off = step.c_rate_cut_off
    if step.control == "voltage":
        ramp = step.value if step.rate is None else V[0]
        way = 0.0 if step.rate is None else np.sign(step.value - V[0]) * step.rate
        yield "hold strays", np.abs(V - ramp - way * t).max()
        # A collector that is stripped bare ends the current at once
        bare = "blocks" in record.detail
        if cut_off is not None and t[-1] > AT_ONCE and not bare:
            yield "beyond a current cut-off", max(1 - c_rate.min() / cut_off, 0.0)
    if record.outcome == "reached" and lasted:
        timed = step.timed and t[-1] >= step.duration * (1 - 1e-12)
        by_volts = len(past) > 1 and past[-1] >= -1e-5
        by_current = cut_off is not None and c_rate[-1] <= 1.00001 * cut_off
        by_course = step.rate is not None or bool(step.profile)
        by_charge = step.charge is not None and moved >= (1 - 1e-6) * step.charge
        asked = timed or by_volts or by_current or by_course or by_charge
        yield "not as asked", float(not asked)
