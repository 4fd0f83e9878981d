"""Electronic leakage of the electrolyte: self-discharge, holds, coulombic efficiency.

i_e = sigma_el V_f/L_e, with V_f the potential between the faces of the electrolyte.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from tfbsim import load_cell
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.materials import laws
from tfbsim.numerics import Numerics
from tfbsim.solver.audit import audit
from tfbsim.solver.cycler import run_case
from tfbsim.solver.records import REACHED, TIME_LIMIT

F, R = 96485.33212, 8.314462618
AREA, L, C = 1e-4, 1e-6, 5e4  # of the ideal cell
TIGHT = Numerics(rtol=1e-10, atol=1e-12)
FIELD = "electrolyte.electronic_conductivity"
L_E = 1e-6


def leaking(cell, i_e, **changes):
    """The cell with so much leakage [A/m2] at 4 V between the faces."""
    sigma = i_e * float(cell.electrolyte.thickness) / 4.0
    return cell.replace({FIELD: sigma, **changes})


LOSSES = {
    "cathode.exchange_current": 0.5,
    "cathode.film_resistance": 2e-2,
    "cathode.utilisation": 0.8,
    "anode.exchange_current": 0.7,
    "anode.film_resistance": 1e-2,
    "electrolyte.conductivity": 2e-5,
    "contact_resistance": 0.05,
}


def at_rest(cell, x, i=0.0):
    """i_e and V of a film that is level at x: own equations, solved for i_e."""
    p, e, a = cell.cathode, cell.electrolyte, cell.anode
    T, ref = float(cell.temperature), float(cell.reference_temperature)

    def faster(E):
        return np.exp(E / R * (1 / ref - 1 / T))

    theta, theta_ref = x / p.x_max, p.exchange_current_stoichiometry / p.x_max
    i_0 = p.exchange_current * faster(p.exchange_current_activation_energy)
    i_0 *= np.sqrt(theta * (1 - theta) / theta_ref / (1 - theta_ref)) * p.utilisation
    i_0_n = a.exchange_current * faster(a.exchange_current_activation_energy)
    sigma = e.conductivity * ref / T * faster(e.conductivity_activation_energy)
    resistance = e.thickness / sigma + p.film_resistance / p.utilisation
    resistance += a.film_resistance
    leak = e.electronic_conductivity / e.thickness
    leak *= faster(e.electronic_conductivity_activation_energy)

    def faces(i_ion):
        eta = np.arcsinh(i_ion / 2 / i_0) + np.arcsinh(i_ion / 2 / i_0_n)
        U = p.open_circuit_potential.curve(x)
        return U - 2 * R * T / F * eta - i_ion * resistance

    i_e = brentq(lambda j: leak * faces(i + j) - j, 0.0, 10 * leak, xtol=1e-16)
    return i_e, faces(i + i_e)


# --- Rest ----------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["ideal", "nmc811-lipon-li"])
def test_self_discharge_of_a_level_film(ideal, run, figure, which):
    """D so large that the film is level: dx/dt = i_e/(F n), and V follows."""
    if which == "ideal":
        # At 40 degC, where losses and leakage have activation energies of their own
        cell = leaking(ideal, 0.02, **LOSSES, temperature=313.15)
        cell = cell.replace(
            {
                "electrolyte.electronic_conductivity_activation_energy": 6e4,
                "electrolyte.conductivity_activation_energy": 5e4,
                "cathode.diffusivity": 1e-9,
            }
        )
        x_0, days = 0.5, 0.2
    else:
        cell = leaking(load_cell(which), 0.004, **{"cathode.diffusivity": 1e-9}).replace(
            {"cathode.initial_voltage": "4.2 V"}
        )
        x_0, days = cell.cathode.x_initial, 6.0
    n = float(cell.site_inventory)
    trace = run(cell, "current", 0.0, days * 86400)
    own = solve_ivp(
        lambda _, x: [at_rest(cell, float(x[0]))[0] / (F * n)],
        (0.0, days * 86400),
        [x_0],
        method="LSODA",
        t_eval=trace.t,
        rtol=1e-11,
        atol=1e-13,
    )
    x = own.y[0]
    assert x[-1] - x[0] > 0.1
    V = np.array([at_rest(cell, at)[1] for at in x])
    i_e = np.array([at_rest(cell, at)[0] for at in x])
    seen = trace.observed
    worst = np.abs(seen["Voltage [V]"] - V).max()
    figure("Self-discharge, level film: voltage", 1e6 * worst, at_most=1.0, unit="uV")
    worst = np.abs(seen["Leakage current density [A.m-2]"] / i_e - 1).max()
    figure("Self-discharge, level film: i_e, relative", worst, at_most=1e-6)
    mean = seen["Cathode mean stoichiometry"]
    there = np.flatnonzero(mean - x_0 > 1e-9)[5:-5]  # beyond rounding
    assert len(there) > 40
    rate = np.gradient(mean, trace.t, edge_order=2)[there]
    assert rate == pytest.approx((i_e / (F * n))[there], rel=1e-3)
    leaked = seen["Leakage capacity [A.h]"] * 3600 / float(cell.area) / F / n
    figure(
        "Self-discharge: x gained less charge leaked",
        np.abs(mean - x_0 - leaked).max(),
        at_most=1e-10,
    )
    # None of it passes the circuit
    assert np.all(seen["Discharge capacity [A.h]"] == 0)


def test_the_cell_discharges_itself_to_the_end(ideal, run):
    """Always discharging: V falls all the way, also from a film that is not level."""
    cell = leaking(ideal, 0.05)
    charged = run(cell, "current", -AREA, 600.0)
    rest = run(cell, "current", 0.0, 1e5, state=charged.end)
    V, x = (rest.observed[n] for n in ("Voltage [V]", "Cathode mean stoichiometry"))
    assert np.all(np.diff(x) > -1e-15)  # rounding, in the first instants
    assert np.all(np.diff(V) < 1e-10)


@pytest.mark.parametrize("law", [False, True])
def test_what_leaks_enters_at_the_electrolyte(ideal, run, figure, law):
    """N(0) = i_e/F at rest: t_i shares out the external current, of which there is none.

    Long after, the profile is the parabola of a constant flux at one face.
    """
    D, i_e = 1e-15, 0.01
    changes = {"cathode.transference": 0.7, "cathode.electronic_conductivity": 1e-3}
    if law:
        sigma_e = F * C * D / 0.7  # dU/dx = -1 V
        changes = {
            "cathode.electron_path": "consistent",
            "cathode.electronic_conductivity": sigma_e,
        }
    cell = leaking(ideal, i_e, **changes)
    seen = run(cell, "current", 0.0, 5000.0).observed
    unit = seen["Leakage current density [A.m-2]"][-1] * L / (F * C * D)
    mean = seen["Cathode mean stoichiometry"][-1]
    for where, share in (("surface", 1 / 3), ("collector", -1 / 6)):
        lead = (seen[f"Cathode {where} stoichiometry"][-1] - mean) / unit
        claim = "Self-discharge, t_i = 0.7: x at both faces less mean, of i_e L/(F c D)"
        figure(claim, lead - share, at_most=1e-4)
    # Ions carry i_e from one face on, electrons come to meet them: F N = i_e (1 - xi)
    drop = seen["Electron path voltage drop [V]"][-1]
    sigma = float(cell.parameters()["Cathode electronic resistivity [Ohm.m]"]) ** -1
    assert drop == pytest.approx(-unit / 2 * F * C * D / sigma, rel=1e-3)


def test_activation(ideal, run, figure):
    E = 6e4
    cell = leaking(ideal, 0.01).replace(
        {
            "electrolyte.electronic_conductivity_activation_energy": E,
            "cathode.diffusivity": 1e-9,  # no gradient that i_e builds up
        }
    )
    first = [
        run(cell, "current", 0.0, 1.0, temperature=T).observed[
            "Leakage current density [A.m-2]"
        ][0]
        for T in (298.15, 338.15)
    ]
    expected = np.exp(E / R * (1 / 298.15 - 1 / 338.15))
    miss = first[1] / first[0] / expected - 1
    figure("Leakage: Arrhenius factor of 40 K, relative", miss, at_most=1e-9)
    assert first[0] == pytest.approx(0.01, rel=1e-6)


# --- Under current ---------------------------------------------------------------------


def test_between_the_faces(ideal, run, figure):
    """The potential that drives i_e: V and the drops behind the faces, under current."""
    cell = leaking(
        ideal,
        0.05,
        **LOSSES,
        **{"cathode.transference": 0.3, "cathode.electronic_conductivity": 2e-6},
    )
    for sign in (1, -1):
        seen = run(cell, "current", sign * AREA, 200.0).observed
        behind = (
            seen["Voltage [V]"] + sign * 0.05 + seen["Electron path voltage drop [V]"]
        )
        i_e = seen["Leakage current density [A.m-2]"]
        conductance = cell.electrolyte.electronic_conductivity / L_E
        worst = np.abs(i_e / (conductance * behind) - 1).max()
        claim = "Leakage under current: i_e over that of V_f, relative"
        figure(claim, worst, at_most=1e-6)
        # Electrolyte and film resistances carry the ions of both
        drop = seen["Electrolyte voltage drop [V]"] / (L_E / 2e-5)
        assert drop == pytest.approx(sign + i_e, abs=1e-9)


@pytest.mark.parametrize("law", [False, True])
def test_charge_balance_with_what_leaks(ideal, run, figure, law):
    """Of a film that ions also enter from the collector's side."""
    changes = {"cathode.transference": 0.3}
    if law:  # t_i from 0.17 at x = 0 to 0.6 at x = 1
        sigma_e = F * C * 1e-15 / 0.6
        changes = {
            "cathode.electron_path": "consistent",
            "cathode.electronic_conductivity": laws.LogPolynomial(
                (np.log10(sigma_e) + 0.55, -0.55)
            ),
        }
    cell = leaking(ideal, 0.2, **LOSSES, **changes)
    trace = run(cell, "current", -AREA, 400.0)
    leaked = trace.observed["Leakage capacity [A.h]"] * 3600 / AREA
    gained = trace.observed["Cathode lithium [mol.m-2]"]
    gained = (gained - gained[0]) * F
    balance = np.abs(gained + trace.t - leaked).max() / 400.0
    claim = "Charge balance with leakage, constant current: of the charge"
    figure(claim, balance, at_most=1e-10)
    total = trace.observed["Total lithium [mol.m-2]"]
    figure("Leakage: lithium lost, of all", np.ptp(total) / total[0], at_most=1e-12)


PROTOCOL = (
    "Charge at 1C until 4.3 V",
    "Hold at 4.3 V until C/5",
    "Rest for 10 minutes",
    "Discharge at 500 uW/cm2 until 3.7 V",
    "Hold at 3.8 V for 20 minutes",
    "Rest for 10 minutes",
)


@pytest.mark.parametrize("which", ["ideal", "nmc811-lipon-li"])
@pytest.mark.parametrize("kinetics", ["symmetric", "asymmetric"])
def test_every_control(ideal, figure, which, kinetics):
    """CC, CV, rest and power with leakage: no fallback, and both balances."""
    cell = ideal.replace(LOSSES) if which == "ideal" else load_cell(which)
    alpha = 0.5 if kinetics == "symmetric" else 0.4
    cell = leaking(cell, 0.02 * float(cell.one_c)).replace(
        {
            "cathode.anodic_transfer_coefficient": alpha,
            "anode.anodic_transfer_coefficient": 1 - alpha,
        }
    )
    (cycle,) = run_case(cell, Protocol(parse_cycle(PROTOCOL, cell))).cycles
    assert [step.outcome for step in cycle.steps] == [REACHED] * len(PROTOCOL)
    assert not any("fallback" in step.detail for step in cycle.steps)
    assert sum(step.trace.t[-1] for step in cycle.steps) > 2400
    lithium, charge = audit(cycle.steps, cell)
    figure("Leakage, CC-CV-rest-power: balance of lithium", lithium, at_most=1e-8)
    figure("Leakage, CC-CV-rest-power: balance of charge", charge, at_most=1e-8)


def test_a_holds_current_tends_to_the_leakage(ideal, run, figure):
    cell = leaking(ideal, 0.01, **LOSSES)
    trace = run(cell, "voltage", 4.1, 5e4)
    i = trace.observed["Current [A]"] / AREA
    i_e = trace.observed["Leakage current density [A.m-2]"]
    assert abs(i[0]) > 10 * i_e[0]
    figure(
        "Leakage: i + i_e at the end of a hold, over i_e",
        i[-1] / i_e[-1] + 1,
        at_most=1e-6,
    )
    # No electrons flow in the film, nor ions: V_f is V and the contact's drop
    exact = 0.01 / 4.0 * (4.1 + i[-1] * 0.05)
    assert i_e[-1] == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("share", [0.9, 0.99])
def test_a_charge_below_the_leakage_never_ends(ideal, share):
    """It ends by its time limit, and says that leakage is why."""
    cell = leaking(ideal, 0.01)
    step = f"Charge at {share} uA/cm2 until 4.3 V"
    (cycle,) = run_case(cell, Protocol(parse_cycle([step], cell))).cycles
    (record,) = cycle.steps
    assert record.outcome == TIME_LIMIT
    assert "leaks" in record.detail
    assert len(record.detail.splitlines()) == 1
    # 10 % above what leaks at 4.3 V it does end
    step = f"Charge at {1.1 * 4.3 / 4} uA/cm2 until 4.3 V"
    (cycle,) = run_case(cell, Protocol(parse_cycle([step], cell))).cycles
    assert cycle.outcome == REACHED


def test_a_hold_whose_current_cannot_fall_so_far(ideal):
    cell = leaking(ideal, 0.01)
    steps = ["Charge at 1C until 4.2 V", "Hold at 4.2 V until 0.5 uA/cm2"]
    (cycle,) = run_case(cell, Protocol(parse_cycle(steps, cell))).cycles
    assert [s.outcome for s in cycle.steps] == [REACHED, TIME_LIMIT]
    assert "leaks" in cycle.steps[1].detail


def test_coulombic_efficiency(ideal, figure):
    """(i - i_e)/(i + i_e), 1 - 2 i_e/i for small i_e; it falls with the rate.

    i_e follows V over the cycle: its mean over x, of U = 4.5 V - x V between the
    cut-offs, is that of the middle, 4.0 V.  What 1 - 2 i_e/i leaves out is 2 (i_e/i)^2;
    what the ratio leaves out is 4 (i_e/i)^3 times the variance of i_e over its mean,
    2e-3 between 3.7 and 4.3 V, and the film's gradients, small with this D.
    """
    efficiencies = []
    for i in (0.05, 0.2):
        cell = leaking(ideal, 0.001, **{"cathode.diffusivity": 1e-13})
        rate = f"{100 * i:g} uA/cm2"
        steps = [f"Charge at {rate} until 4.3 V", f"Discharge at {rate} until 3.7 V"]
        protocol = Protocol(parse_cycle(steps, cell), cycles=3)
        record = run_case(cell, protocol, TIGHT)
        last = record.cycles[-1]
        assert last.outcome == REACHED
        efficiency = last.discharge / last.charge
        ratio = 0.001 / i
        claim = f"Coulombic efficiency at i_e/i = {ratio:g}"
        figure(claim, efficiency, about=(1 - 2 * ratio, 3 * ratio**2))
        exact = (1 - ratio) / (1 + ratio)
        figure(f"{claim}: less (i - i_e)/(i + i_e)", efficiency - exact, at_most=ratio**3)
        efficiencies.append(efficiency)
    assert efficiencies[0] < efficiencies[1] < 1


# --- Without ----------------------------------------------------------------------------


def test_without_leakage_nothing_changes(ideal, run, figure):
    cell = ideal.replace(LOSSES)
    off = cell.replace({FIELD: None})
    assert off.structure == cell.structure
    for mode, target in (("current", -AREA), ("voltage", 4.1)):
        first, second = (run(c, mode, target, 300.0) for c in (cell, off))
        assert np.array_equal(first.t, second.t)
        for name, values in first.observed.items():
            assert np.array_equal(values, second.observed[name]), name
        assert np.all(first.observed["Leakage current density [A.m-2]"] == 0)
        # and next to none is next to nothing
        least = run(leaking(cell, 1e-15), mode, target, 300.0)
        name = "Voltage [V]" if mode == "current" else "Current [A]"
        smooth = np.interp(least.t[least.t > 1], first.t, first.observed[name])
        assert least.observed[name][least.t > 1] == pytest.approx(smooth, rel=1e-4)
