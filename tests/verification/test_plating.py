"""Lithium plated in situ: Faraday's law, kinetics in closed form, losses, books kept."""

from __future__ import annotations

import numpy as np
import pytest

from tfbsim import load_cell
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.numerics import Numerics
from tfbsim.solver.cycler import run_case
from tfbsim.solver.records import INFEASIBLE, LITHIUM_EXHAUSTED, REACHED, SKIPPED

F, R, T = 96485.33212331001, 8.31446261815324, 298.15
FRT = F / (R * T)
TIGHT = Numerics(points=100, rtol=1e-9, atol=1e-11)
COVERAGE = 50e-9  # m
I_0, I_NUC, ETA_NUC = 5.0, 1.0, 0.1
INVENTORY = "Lithium thickness [m]"


@pytest.fixture(scope="module")
def free(ideal):
    """The ideal cell without lithium, its film level whatever the current."""
    return ideal.replace(
        {
            "cathode.diffusivity": 1e-9,
            "cathode.initial_stoichiometry": 0.95,
            "anode.lithium": 0.0,
            "anode.exchange_current": I_0,
            "anode.coverage_thickness": COVERAGE,
            "anode.nucleation_overpotential": ETA_NUC,
            "anode.nucleation_current": I_NUC,
        }
    )


def cycles(cell, steps, number=1, numerics=TIGHT):
    return run_case(cell, Protocol(parse_cycle(steps, cell), number), numerics).cycles


def seen(cycle, step=0):
    return cycle.steps[step].trace.observed


# --- Faraday -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["current", "voltage", "power"])
def test_faraday(free, figure, kind):
    """4.85 um per mAh/cm2 from exactly zero, whatever the control, and back."""
    area = float(free.area)
    there = {
        "current": "Charge at 1C for 30 minutes",
        "voltage": "Hold at 4.0 V for 30 minutes",
        "power": "Charge at 300 uW/cm2 for 30 minutes",
    }[kind]
    (cycle,) = cycles(free, [there, "Discharge at 2C until 2 V"])
    plated = seen(cycle)
    assert plated[INVENTORY][0] == 0.0
    charge = -plated["Discharge capacity [A.h]"] * 3600 / area / F
    n = plated[INVENTORY] / float(free.anode.molar_volume)
    miss = np.abs(n - charge).max() / n[-1]
    figure("Faraday: lithium plated from zero", miss, at_most=1e-10)
    per_charge = 1e6 * n[-1] * 13.0e-6 / (charge[-1] * F / 36000)
    assert per_charge == pytest.approx(4.85, abs=5e-3)  # um per mAh/cm2
    # All of it comes back but for what the cut-off leaves, far below 1e-6 n_c
    stripped = seen(cycle, 1)
    out = stripped["Discharge capacity [A.h]"][-1] * 3600 / area / F
    left = stripped[INVENTORY][-1] / float(free.anode.molar_volume)
    assert cycle.steps[1].outcome == REACHED
    figure(
        "Faraday: plated less stripped", abs(n[-1] - out - left) / n[-1], at_most=1e-10
    )
    assert left < 1e-6 * COVERAGE / 13.0e-6


# --- Kinetics ------------------------------------------------------------------------


def bare(i_an):
    """Overpotential at n = 0: the equation of nucleation, solved for eta."""
    return -2 / FRT * np.arcsinh(-i_an / (2 * I_NUC * np.exp(-FRT * ETA_NUC / 2)))


@pytest.mark.parametrize("i", [1e-3, 0.1, 1.0, 20.0])
def test_nucleation_at_exactly_zero(free, run, figure, i):
    trace = run(free, "current", -i * 1e-4, 1e-6)
    eta = trace.observed["Lithium overpotential [V]"][0]
    assert trace.observed["Lithium coverage"][0] == 0.0
    miss = 1e6 * abs(eta - bare(-i))
    figure("Nucleation overpotential at n = 0", miss, at_most=1e-3, unit="uV")


def written_out(eta, theta, alpha_a=0.5):
    """i_an, the coverage kinetics as they are stated."""
    alpha_c = 1 - alpha_a
    covered = I_0 * (np.exp(alpha_a * FRT * eta) - np.exp(-alpha_c * FRT * eta))
    nucleation = I_NUC * np.exp(-alpha_c * FRT * (eta + ETA_NUC))
    return theta * covered - (1 - theta) * nucleation * np.maximum(
        0, 1 - np.exp(FRT * eta)
    )


@pytest.mark.parametrize("alpha_a", [0.5, 0.35])
def test_the_whole_of_the_kinetics(free, figure, alpha_a):
    """Plating from zero, rest, stripping to the last: i_an of the eta that is found."""
    cell = free.replace({"anode.anodic_transfer_coefficient": alpha_a})
    steps = [
        "Charge at 1C for 20 minutes",
        "Rest for 1 minute",
        "Discharge at 1C until 2 V",
    ]
    (cycle,) = cycles(cell, steps)
    for step in cycle.steps:
        assert step.outcome == REACHED
        o = step.trace.observed
        n = o[INVENTORY] / COVERAGE
        assert o["Lithium coverage"] == pytest.approx(-np.expm1(-n), abs=1e-14)
        eta, theta = o["Lithium overpotential [V]"], o["Lithium coverage"]
        i = o["Current [A]"] / float(cell.area)
        miss = np.abs(written_out(eta, theta, alpha_a) - i).max() / float(cell.one_c)
        figure("Coverage kinetics: i_an of eta, over i", miss, at_most=1e-7)


def test_full_coverage_is_evaporated_lithium(ideal, free, run, figure):
    """theta_c -> 1: the same voltages as of a reservoir with Butler-Volmer kinetics."""
    thick = free.replace({"anode.lithium": 10e-6})
    plain = ideal.replace(
        {
            "anode.exchange_current": I_0,
            "cathode.diffusivity": 1e-9,
            "cathode.initial_stoichiometry": 0.95,
        }
    )
    for mode, target in (("current", -1e-4), ("voltage", 3.9), ("power", -3e-4)):
        on_collector, reservoir = (run(c, mode, target, 600.0) for c in (thick, plain))
        for name in ("Voltage [V]", "Discharge capacity [A.h]", INVENTORY):
            a, b = (s.observed[name][-1] for s in (on_collector, reservoir))
            figure(
                "Full coverage against evaporated lithium", abs(a / b - 1), at_most=1e-7
            )
        if mode == "current":
            o = on_collector.observed
            eta = 2 / FRT * np.arcsinh(-1.0 / (2 * I_0))
            assert o["Lithium overpotential [V]"] == pytest.approx(eta, rel=1e-9)


def test_the_end_of_stripping_is_smooth(free):
    """V falls ever faster and stays finite; what is left is told."""
    (cycle,) = cycles(free, ["Charge at 1C for 20 minutes", "Discharge at 1C until 2 V"])
    V, n = (seen(cycle, 1)[name] for name in ("Voltage [V]", INVENTORY))
    assert np.isfinite(V).all()
    assert np.all(np.diff(V[5:]) <= 1e-9)
    assert V[-1] == pytest.approx(2.0, abs=1e-6)
    assert n[-1] > 0
    assert "remain on the collector" in cycle.steps[1].detail


# --- Losses --------------------------------------------------------------------------

STEPS = ["Charge at 1C until 4.2 V", "Discharge at 1C until 2 V"]


@pytest.mark.parametrize("origin", ["plating", "stripping"])
@pytest.mark.parametrize("fraction", [0.001, 0.02])
def test_capacity_follows_the_coulombic_efficiency(free, figure, origin, fraction):
    """Q_n = (Q_1 - taken) CE^n, CE = 1 - phi, all lithium coming from the cathode."""
    taken = 36.0 * 1.5  # C/m2; of coverage so little that it is full when charged
    cell = free.replace(
        {
            "anode.coverage_thickness": COVERAGE / 10,
            "anode.inactive_fraction": fraction,
            "anode.inactive_from": origin,
            "anode.interlayer_loss": 36.0,
            "anode.interphase_loss": 18.0,
        }
    )
    number = 12
    found = cycles(cell, STEPS, number)
    assert all(cycle.outcome == REACHED for cycle in found)
    first = found[0].charge * 3600 / float(cell.area)
    out = np.array([cycle.discharge for cycle in found]) * 3600 / float(cell.area)
    law = (first - taken) * (1 - fraction) ** np.arange(1, number + 1)
    miss = np.abs(out / law - 1).max()
    figure("Anode-free capacity against (Q_1 - loss) CE^n", miss, at_most=1e-6)
    for cycle in found[1:]:
        ratio = cycle.discharge / cycle.charge
        assert ratio == pytest.approx(1 - fraction, rel=1e-6)
    lost = seen(found[-1], 1)["Inactive lithium [mol.m-2]"][-1] * F
    assert lost == pytest.approx(first - taken - out[-1], rel=1e-6)
    assert seen(found[-1], 1)["Lithium taken by the collector [mol.m-2]"][
        -1
    ] * F == pytest.approx(taken, rel=1e-9)


def test_a_reservoir_hides_the_loss_until_it_is_used_up(free, figure):
    """The same capacity for n_0/(phi Q) cycles, then CE^n as without it."""
    fraction, reservoir = 0.02, 100e-9
    cell = free.replace(
        {
            "anode.coverage_thickness": COVERAGE / 10,
            "anode.inactive_fraction": fraction,
            "anode.lithium": reservoir,
        }
    )
    found = cycles(cell, STEPS, 16)
    out = np.array([cycle.discharge for cycle in found]) * 3600 / float(cell.area)
    whole = found[0].charge * 3600 / float(cell.area)
    # The film starts at 0.95 and a discharge may fill it further
    n = reservoir / 13.0e-6 * F
    charged, metal = 0.0, n
    back = whole
    law = []
    room = out.max()  # what the film takes until its own cut-off
    for _ in out:
        charged = back
        metal += charged * (1 - fraction)
        back = min(metal, room)
        metal -= back
        law.append(back)
    miss = np.abs(out / law - 1).max()
    figure("Reservoir, then CE^n: capacity against the law", miss, at_most=1e-6)
    level = int(np.sum(np.abs(out / out[0] - 1) < 1e-6))
    assert 3 <= level <= 13
    late = out[level + 1 :]
    assert late[1:] / late[:-1] == pytest.approx(1 - fraction, rel=1e-6)


def test_inactive_lithium_has_thickness_and_resistance(free):
    sigma = 1e-6  # S/m
    plain = free.replace({"anode.inactive_fraction": 0.05})
    cell = plain.replace({"anode.inactive_conductivity": sigma})
    without, found = (
        cycles(c, ["Charge at 1C for 30 minutes"])[0] for c in (plain, cell)
    )
    o = seen(found)
    thickness = (
        0.05 * -o["Discharge capacity [A.h]"] * 3600 / float(cell.area) / F * 13e-6
    )
    assert o["Inactive lithium thickness [m]"] == pytest.approx(thickness, rel=1e-9)
    drop = seen(found)["Film voltage drop [V]"][-1]
    assert drop == pytest.approx(-float(cell.one_c) * thickness[-1] / sigma, rel=1e-9)
    more = o["Voltage [V]"][-1] - seen(without)["Voltage [V]"][-1]
    assert more == pytest.approx(-drop, rel=1e-6)


def test_books_of_many_cycles(figure):
    """All losses, leakage, holds, powers, rests: lithium and charge balance."""
    cell = load_cell("lco-lipon-steel-ensurge2023").replace(
        {
            "cathode.thickness": "1 um",
            "anode.inactive_fraction": 0.01,
            "anode.inactive_conductivity": "1e-6 S/cm",
            "anode.interlayer": "amorphous carbon",
            "electrolyte.electronic_conductivity": "1e-12 S/cm",
        }
    )
    steps = [
        "Hold at 4.2 V until C/20",
        "Rest for 10 hours",
        "Discharge at 1C until 3.0 V",
        "Charge at 300 uW/cm2 until 4.1 V",
        "Discharge at 3C for 20 minutes or until 2.5 V",
        "Rest for 1 hour",
    ]
    for cycle in cycles(cell, steps, 8, Numerics(points=100)):
        assert cycle.outcome == REACHED
        error = max(cycle.lithium_balance_error, cycle.charge_balance_error)
        figure("Balance with inactive lithium, 8 mixed cycles", error, at_most=1e-8)


# --- Without lithium -----------------------------------------------------------------


def test_a_bare_collector_blocks(free):
    """At rest, with and without a leak, nothing moves; V floats at 0 where it leaks."""
    (cycle,) = cycles(free, ["Rest for 1 hour"])
    assert cycle.outcome == REACHED
    U = free.cathode.open_circuit_potential(0.95)
    assert seen(cycle)["Voltage [V]"] == pytest.approx(U, abs=1e-9)

    leaking = free.replace({"electrolyte.electronic_conductivity": 1e-9})
    steps = [
        "Rest for 1 hour",
        "Charge at 1C for 1 minute",
        "Rest for 50 hours",
        "Discharge at 1C for 1 hour",
        "Charge at 1C for 10 minutes",
    ]
    (cycle,) = cycles(leaking, steps)
    outcomes = [step.outcome for step in cycle.steps]
    assert outcomes == [REACHED, REACHED, REACHED, LITHIUM_EXHAUSTED, REACHED]
    as_made, emptied = seen(cycle, 0), seen(cycle, 2)
    assert not as_made["Voltage [V]"].any()
    assert not as_made["Leakage capacity [A.h]"].any()
    # What was plated leaked away, no more; then V floats
    leaked = emptied["Leakage capacity [A.h]"][-1] * 3600 / float(leaking.area)
    lost = emptied[INVENTORY][0] - emptied[INVENTORY][-1]
    plated = lost / 13.0e-6 * F
    assert leaked == pytest.approx(plated, rel=1e-6)
    assert emptied["Voltage [V]"][0] > 3
    assert emptied["Voltage [V]"][-1] == 0
    assert "the collector blocks" in cycle.steps[2].detail
    assert max(cycle.lithium_balance_error, cycle.charge_balance_error) < 1e-8


def test_holds_and_charges_of_a_bare_collector(free):
    """i + i_e = 0: a hold draws what leaks, a charge below the leak sets the voltage."""
    g = 1e-3  # S/m2
    leaking = free.replace({"electrolyte.electronic_conductivity": g * 1e-6})
    steps = ["Hold at 3.0 V for 10 minutes", "Charge at 0.1 uA/cm2 for 10 minutes"]
    (cycle,) = cycles(leaking, steps)
    for step, V, i in zip(cycle.steps, (3.0, 1.0), (-3e-3, -1e-3), strict=True):
        o = step.trace.observed
        assert step.outcome == REACHED
        assert "the collector blocks" in step.detail
        assert o["Voltage [V]"] == pytest.approx(V, rel=1e-12)
        assert o["Current [A]"] / float(free.area) == pytest.approx(i, rel=1e-12)
        assert o["Leakage current density [A.m-2]"] == pytest.approx(-i, rel=1e-12)
        passed = o["Discharge capacity [A.h]"] + o["Leakage capacity [A.h]"]
        assert not passed.any()
        parts = o["Cathode open-circuit potential [V]"] + o["Cathode overpotential [V]"]
        parts = parts - o["Lithium overpotential [V]"] - o["Electrolyte voltage drop [V]"]
        assert parts == pytest.approx(V, abs=1e-9)
    assert cycle.charge_balance_error == 0
    assert cycle.lithium_balance_error < 1e-12

    steps = ["Hold at 3.0 V for 10 minutes", "Hold at 3.0 V until C/10"]
    (cycle,) = cycles(free, steps)
    for step in cycle.steps:
        assert step.outcome == REACHED
        assert not step.trace.observed["Current [A]"].any()


@pytest.mark.parametrize("cut_off", [3.0, 2.0, 1.5])
def test_low_cut_offs_are_met_with_the_last_lithium(free, cut_off):
    steps = ["Charge at 1C for 20 minutes", f"Discharge at C/50 until {cut_off} V"]
    (cycle,) = cycles(free, steps)
    last = cycle.steps[1]
    assert last.outcome == REACHED
    assert last.trace.observed["Voltage [V]"][-1] == pytest.approx(cut_off, abs=1e-5)


def test_exhausted_where_no_voltage_ends_it(free):
    steps = ["Charge at 1C for 10 minutes", "Discharge at 1C for 1 hour"]
    (cycle,) = cycles(free, steps)
    last = cycle.steps[1]
    assert last.outcome == LITHIUM_EXHAUSTED
    left = last.trace.observed[INVENTORY][-1]
    assert left == pytest.approx(1e-6 * COVERAGE, rel=1e-3)
    assert "5e-05 nm remain" in last.detail


# --- Critical current density --------------------------------------------------------


def test_crossing_the_critical_current(free):
    """A hold that nucleation delays crosses it some time after its start."""
    steps = ["Hold at 3.80 V for 10 minutes", "Discharge at C/2 until 3 V"]
    cell = free.replace({"electrolyte.conductivity": 1e-5})
    o = seen(cycles(cell, steps)[0])
    i = -o["Current [A]"] / float(cell.area)
    peak = int(np.argmax(i))
    assert 0 < peak < len(i) - 1
    limit = (i[0] + i[peak]) / 2
    on = cell.replace({"anode.critical_current": limit})
    (cycle,) = cycles(on, steps)
    assert [s.outcome for s in cycle.steps] == [REACHED, REACHED]
    time = cycle.steps[0].critical
    trace = cycle.steps[0].trace
    assert 0 < time < trace.t[peak]
    at = np.interp(time, trace.t, -trace.observed["Current [A]"]) / float(cell.area)
    assert at == pytest.approx(limit, rel=1e-9)
    assert cycle.steps[1].critical is None

    stop = on.replace({"anode.beyond_critical_current": "stop"})
    (cycle,) = cycles(stop, steps)
    assert [s.outcome for s in cycle.steps] == [INFEASIBLE, SKIPPED]
    assert cycle.steps[0].trace.t[-1] == pytest.approx(time)
    assert "stopped, as asked" in cycle.steps[0].detail
