"""Random cells, every law and extreme fields: sums, ends, holds and exact scalings.

Cell k of a seed is drawn from its own generator: ``run_cell(seed, k)`` runs it alone.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from checks import LIMITS, Found, check
from random_cells import draw, draw_fields

import tfbsim
from tfbsim.experiment.experiment import NO_CURVES
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.numerics import Numerics
from tfbsim.solver.cycler import run_case
from tfbsim.solver.records import CaseRecord

SEED, FEW, MANY = 20281, 40, 2000
UNSEEN = 171819  # of the many: none of its cells was run before the solver stood
# Of the default against twice the mesh and a hundredth of the tolerances
SAME_CHARGE = 1e-4  # of the sites
SAME_VOLTAGE = 1e-3  # V, at the end of a step that lasts
# Of the kernel of sweeps against the general solver
KERNEL_CELLS = "lco-lipon-li-constant-d", "nmc811-lipon-li", "lto-lipon-li"


def run_cell(seed: int, number: int) -> list[Found]:
    """What is checked of a cell through its protocol."""
    cell, steps = draw(seed, number)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = run_case(cell, Protocol(parse_cycle(steps, cell, "steps")))
    return check(record)


def attempt(seed: int, number: int) -> list[Found] | str:
    """As :func:`run_cell`; an exception in words."""
    try:
        return run_cell(seed, number)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def report(runs: dict[int, list[Found] | str]) -> dict[str, float]:
    """The worst of each check; what is beyond its limit is printed."""
    worst = dict.fromkeys(LIMITS, 0.0)
    for number, found in runs.items():
        if isinstance(found, str):
            print(f"{number}: {found}")
            continue
        for one in found:
            worst[one.check] = max(worst[one.check], one.value)
            if not one.holds:
                print(f"{number}: {one.check} {one.value:.3g}; {one.step}")
    return worst


def _checked(runs: dict[int, Any], figure: Any) -> None:
    worst = report(runs)
    raised = sum(isinstance(found, str) for found in runs.values())
    about = f"{len(runs)} random cells"
    failed = []
    for name, value, limit in (
        ("exceptions", raised, 0.0),
        *((name, worst[name], LIMITS[name]) for name in LIMITS),
    ):
        try:
            figure(f"{about}: {name}", value, at_most=limit)
        except AssertionError as error:
            failed.append(str(error))
    assert not failed, "\n".join(failed)


def test_a_few(figure):
    _checked({k: attempt(SEED, k) for k in range(FEW)}, figure)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_thousands(figure):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        futures = {k: pool.submit(attempt, UNSEEN, k) for k in range(MANY)}
        _checked({k: future.result() for k, future in futures.items()}, figure)


@pytest.mark.slow
def test_what_is_refused(figure):
    """Of the many: how often which field of a file refuses what is drawn."""
    refused: Counter[str] = Counter()
    for number in range(MANY):
        draw(UNSEEN, number, refused)
    for field, count in refused.items():
        figure(f"{MANY} random cells: drawn again, {field}", count, at_most=MANY / 10)


# --- What must not change, or in a known way -------------------------------------------


def run(
    cell: Any, steps: Any, numerics: Numerics | None = None, **how: Any
) -> CaseRecord:
    """A cell through one cycle."""
    return run_case(cell, Protocol(parse_cycle(steps, cell)), numerics, **how)


def ends(record: CaseRecord) -> list[tuple[str, float, float, float]]:
    """Of every step: outcome, duration, voltage and mean stoichiometry at its end."""
    names = "Voltage [V]", "Cathode mean stoichiometry"
    return [
        (s.outcome, float(s.trace.t[-1]), *(s.end[n] for n in names))
        for s in record.cycles[0].steps
        if s.trace is not None
    ]


def differences(first: CaseRecord, second: CaseRecord) -> tuple[float, float, float]:
    """Largest ones of duration (relative), voltage [V] and mean stoichiometry."""
    a, b = ends(first), ends(second)
    assert [e[0] for e in a] == [e[0] for e in b]
    t, V, x = np.abs(np.array([e[1:] for e in a]) - np.array([e[1:] for e in b])).T
    lasted = np.maximum([e[1] for e in a], 1e-9)
    return float((t / lasted).max()), float(V.max()), float(x.max())


STEPS = (
    "Charge at C/2 until 4.15 V",
    "Hold at 4.15 V until C/50",
    "Discharge at 3C until 3.2 V",
    "Rest for 10 minutes",
)
LOSSES = {
    "contact_resistance": "5 Ohm cm2",
    "cathode.film_resistance": "10 Ohm cm2",
    "anode.film_resistance": "7 Ohm cm2",
    "electrolyte.electronic_conductivity": "1e-13 S/cm",
    "cathode.transference": 0.2,
}
BASES: dict[str, dict[str, Any]] = {
    "every loss": LOSSES,
    "double layers": {
        "contact_resistance": "5 Ohm cm2",
        "cathode.double_layer_capacitance": "10 uF/cm2",
        "anode.double_layer_capacitance": "5 uF/cm2",
    },
    "ageing": LOSSES
    | {
        "ageing.interphase_with_time": {
            "initial_resistance": "5 Ohm cm2",
            "growth": "50 Ohm cm2",
            "growth_time": "1000 h",
        },
        "ageing.site_loss_by_oxidation": {"rate": "1e-6 s-1", "potential": "4.1 V"},
        "ageing.lithium_consumption": {"current": "0.01 uA/cm2"},
    },
    "plated in situ": {
        "anode.lithium": "0 um",
        "anode.collector": "copper",
        "anode.inactive_fraction": 0.01,
        "cathode.initial_stoichiometry": 0.99,
    },
}


@pytest.fixture(scope="module", params=BASES)
def base(request):
    """A cell with every loss; one with charge at its interfaces; others that age."""
    return tfbsim.load_cell("lco-lipon-li-constant-d").replace(BASES[request.param])


def test_ten_times_the_area_is_ten_cells(base, figure):
    changes = {"area": f"{10 * base.area * 1e4!r} cm2"}
    t, V, _ = differences(run(base, STEPS), run(base.replace(changes), STEPS))
    figure("area x 10: durations, relative", t, at_most=1e-8)
    figure("area x 10: voltage at the end of a step", V, at_most=1e-8, unit="V")


@pytest.mark.parametrize("base", ["every loss", "double layers"], indirect=True)
def test_length_diffusivity_and_current_scale(base, figure):
    """L s, D s^2, every current density s, every resistance 1/s: the same V(t)."""
    s, c, e, a = 3.0, base.cathode, base.electrolyte, base.anode
    capacities = {
        f"{side}.double_layer_capacitance": C * s
        for side in ("cathode", "anode")
        if (C := getattr(base, side).double_layer_capacitance)
    }
    scaled = base.replace(
        capacities
        | {
            "cathode.thickness": c.thickness * s,
            "cathode.diffusivity_scale": c.diffusivity_scale * s**2,
            "cathode.exchange_current": c.exchange_current * s,
            "cathode.film_resistance": c.film_resistance / s,
            "anode.exchange_current": a.exchange_current * s,
            "anode.film_resistance": a.film_resistance / s,
            "anode.lithium": a.lithium * s,
            "contact_resistance": base.contact_resistance / s,
            "electrolyte.conductivity": e.conductivity * s,
            "electrolyte.electronic_conductivity": (e.electronic_conductivity or 0) * s
            or None,
        }
    )
    t, V, x = differences(run(base, STEPS), run(scaled, STEPS))
    figure("(L, D, i) scaled: durations, relative", t, at_most=1e-7)
    figure("(L, D, i) scaled: voltage at the end of a step", V, at_most=1e-7, unit="V")
    figure("(L, D, i) scaled: mean stoichiometry", x, at_most=1e-7)


def test_a_step_in_two_is_one_step(base, figure):
    one = run(base, ["Charge at C/2 for 10 minutes"])
    two = run(base, ["Charge at C/2 for 4 minutes", "Charge at C/2 for 6 minutes"])
    miss = np.abs(np.array(ends(one)[-1][2:]) - ends(two)[-1][2:])
    figure("a step split in two: voltage at its end", miss[0], at_most=1e-4, unit="V")
    figure("a step split in two: mean stoichiometry", miss[1], at_most=1e-8)


def test_a_repeat_and_the_ends_alone_are_the_same(base, figure):
    first = run(base, STEPS)
    figure("a repeat", max(differences(first, run(base, STEPS))), at_most=0)
    alone = run(base, STEPS, curves=NO_CURVES)
    figure("without curves: the ends", max(differences(first, alone)), at_most=0)
    E, without = (
        [s.energy_out - s.energy_in for s in record.cycles[0].steps]
        for record in (first, alone)
    )
    worst = np.abs(np.subtract(E, without)).max() / np.abs(E).max()
    figure("without curves: energy, of the largest of a step", worst, at_most=1e-4)


def test_twice_the_mesh_and_a_hundredth_of_the_tolerances(base, figure):
    _, V, x = differences(run(base, STEPS), run(base, STEPS, Numerics().tighter()))
    figure("mesh x 2, rtol/100: mean stoichiometry", x, at_most=SAME_CHARGE)
    figure("mesh x 2, rtol/100: voltage at the end of a step", V, at_most=SAME_VOLTAGE)


def test_saved_and_loaded_it_is_the_same(base, tmp_path):
    result = tfbsim.simulate(base, list(STEPS))
    result.save(tmp_path / "out", figures=False)
    loaded = tfbsim.load_result(tmp_path / "out")
    for table in ("summary", "steps", "losses"):
        assert list(getattr(loaded, table)) == list(getattr(result, table))
        numbers = getattr(result, table).select_dtypes("number")
        read = getattr(loaded, table)[list(numbers)]
        np.testing.assert_allclose(read, numbers, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNEL_CELLS)
def test_the_kernel_has_the_same_ends(name):
    """Cells with drawn fields by the kernel of sweeps, and by the general solver."""
    cell, worst = tfbsim.load_cell(name), np.zeros(3)
    for number in range(50):
        drawn, steps = draw_fields(SEED, number, cell)
        kernel = run(drawn, steps, Numerics(compile=True), curves=NO_CURVES)
        worst = np.maximum(worst, differences(kernel, run(drawn, steps)))
    t, V, x = worst
    assert t < 1e-3
    assert V < SAME_VOLTAGE
    assert x < SAME_CHARGE


if __name__ == "__main__":  # python test_random_cells.py SEED FIRST LAST
    seed, first, last = map(int, sys.argv[1:])
    found = {k: attempt(seed, k) for k in range(first, last)}
    for name, value in report(found).items():
        print(f"{name}: {value:.3g}, limit {LIMITS[name]:g}")
