"""Random cells and protocols: every law, all shipped materials, extremes of every field.

Number ``k`` of a seed is drawn from its own generator, so that it can be run alone.
``python tests/adversary/random_cells.py 171819 2000`` counts what is refused of a seed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from tfbsim import load_cell
from tfbsim.cell.cell import Cell
from tfbsim.errors import InputError
from tfbsim.experiment.foresee import check_ageing
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.materials import laws
from tfbsim.yaml_file import shipped as files

# With a film as anode; with lithium, evaporated or plated in situ
TWO_FILMS = tuple(n for n in sorted(files("models")) if n.endswith(("-lto", "-si")))
METAL = tuple(n for n in sorted(files("models")) if n not in TWO_FILMS)
ANODES = "LTO", "Si", "TiO2", "MoO3", "V2O5"
ELECTROLYTES = "LiPON", "LATP", "LLTO", "LLZO", "Li3OCl", "Li3PO4"
OF_ONE_FILM = "electrolyte.electronic_conductivity", "electrolyte.relative_permittivity"


@cache
def shipped(name: str) -> Cell:
    """A shipped cell, read once."""
    return load_cell(name)


def draw_fields(seed: int, number: int, base: Cell) -> tuple[Cell, list[Any]]:
    """A cell whose laws are those of another, and the steps of one cycle.

    Steps are those the kernel takes; all fields that no law depends on are drawn.
    """
    rng = np.random.default_rng([seed, number])
    scalars = _scalars(rng) | _of_a_film(rng, "cathode") | _of_lithium(rng)
    while True:
        some = {name: draw() for name, draw in scalars.items() if rng.random() < 0.5}
        try:
            cell = base.replace(some)
        except InputError:
            continue
        break
    steps: list[Any] = []
    while len(steps) < 4:
        found = _steps(rng, cell)
        steps += [s for s in found if isinstance(s, str) and s[:3] not in ("EIS", "Swe")]
    return cell, steps


def draw(
    seed: int, number: int, refused: Counter[str] | None = None
) -> tuple[Cell, list[Any]]:
    """A cell, and the steps of one cycle.

    A combination the files refuse, a diffusion time that is too short for one or an
    ageing that ends everything at once, is drawn again; ``refused`` counts what by.
    """
    refused = Counter() if refused is None else refused
    rng = np.random.default_rng([seed, number])
    while True:  # limits of a cell may leave no voltage, too
        base = shipped(str(rng.choice(TWO_FILMS if rng.random() < 0.2 else METAL)))
        try:
            cell = base.replace(_changes(rng, base))
            low, high = _window(cell)
            if low > high:
                refused["no voltage within the limits"] += 1
                continue
            steps = [s for _ in range(rng.integers(2, 6)) for s in _steps(rng, cell)]
            check_ageing([(cell, Protocol(parse_cycle(steps, cell, "steps")))])
        except InputError as error:
            refused[error.field or error.message] += 1
            continue
        return cell, steps


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between two, its logarithm even."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def mostly(
    rng: np.random.Generator, usual: tuple[float, float], extreme: tuple[float, float]
) -> float:
    """A number between two, and now and then between two that are farther apart."""
    return log_uniform(rng, *(extreme if rng.random() < 0.08 else usual))


# --- The cell --------------------------------------------------------------------------


def _numbers(rng: np.random.Generator) -> Callable[..., str]:
    """What draws a number between two, with its unit."""

    def number(low: float, high: float, unit: str = "") -> str:
        return f"{log_uniform(rng, low, high):.6g} {unit}".rstrip()

    return number


Draws = dict[str, Callable[[], Any]]


def _scalars(rng: np.random.Generator) -> Draws:
    """What draws a field of no film that no law depends on, by field."""
    number = _numbers(rng)
    return {
        "area": lambda: number(1e-4, 1e3, "cm2"),
        "temperature": lambda: f"{rng.uniform(-40, 150):.1f} degC",
        "contact_resistance": lambda: number(1e-2, 1e3, "Ohm cm2"),
        "electrolyte.thickness": lambda: number(0.05, 10, "um"),
        "electrolyte.conductivity": lambda: number(1e-8, 1e-4, "S/cm"),
        "electrolyte.conductivity_activation_energy": _activation(rng),
    }


def _activation(rng: np.random.Generator) -> Callable[[], str]:
    return lambda: f"{rng.uniform(0, 1):.3f} eV"


def _of_a_film(rng: np.random.Generator, side: str) -> Draws:
    """What draws a field of a film that no law depends on."""
    number = _numbers(rng)
    found: Draws = {
        "thickness": lambda: number(0.02, 50, "um"),
        "exchange_current": lambda: number(1e-4, 10, "mA/cm2"),
        "film_resistance": lambda: number(1e-1, 1e3, "Ohm cm2"),
        "utilisation": lambda: round(rng.uniform(0.2, 1), 3),
        "active_fraction": lambda: round(rng.uniform(0.2, 1), 3),
        "entropic_change": lambda: f"{rng.uniform(-0.3, 0.3):.3f} mV/K",
    }
    for name in ("diffusivity", "exchange_current", "film_resistance"):
        found[f"{name}_activation_energy"] = _activation(rng)
    return {f"{side}.{name}": draw for name, draw in found.items()}


def _of_lithium(rng: np.random.Generator) -> Draws:
    """What draws a field of lithium metal that no law depends on."""
    number = _numbers(rng)
    return {
        "anode.lithium": lambda: number(0.01, 50, "um"),
        "anode.exchange_current": lambda: number(1e-3, 10, "mA/cm2"),
        "anode.film_resistance": lambda: number(1e-1, 1e3, "Ohm cm2"),
        "anode.exchange_current_activation_energy": _activation(rng),
        "anode.film_resistance_activation_energy": _activation(rng),
    }


def _drawn(rng: np.random.Generator, draws: Draws, share: float) -> dict[str, Any]:
    """Of so many of the fields, a value."""
    return {name: draw() for name, draw in draws.items() if rng.random() < share}


def _changes(rng: np.random.Generator, base: Cell) -> dict[str, Any]:
    number = _numbers(rng)
    two = base.structure.anode is not None
    if two and rng.random() < 0.5:
        changes: dict[str, Any] = {"anode.material": str(rng.choice(ANODES))}
    else:
        changes = {}
    sometimes = _scalars(rng) | _of_a_film(rng, "cathode")
    sometimes |= _of_a_film(rng, "anode") if two else _of_lithium(rng)
    sometimes |= {
        "electrolyte.electronic_conductivity": lambda: number(1e-16, 1e-11, "S/cm"),
        "anode.anodic_transfer_coefficient": lambda: round(rng.uniform(0.2, 0.8), 3),
    }
    if not two:
        sometimes["anode.critical_current"] = lambda: number(1e-3, 10, "mA/cm2")
    for side in ("cathode", "anode") if two else ("cathode",):
        changes |= _film(rng, side)
    changes |= _drawn(rng, sometimes, 0.2)
    capacitive: Draws = {
        "cathode.double_layer_capacitance": lambda: number(0.1, 1e3, "uF/cm2"),
        "anode.double_layer_capacitance": lambda: number(0.1, 1e3, "uF/cm2"),
        "electrolyte.relative_permittivity": lambda: round(rng.uniform(1, 100), 1),
    }
    changes |= _drawn(rng, capacitive, 0.1)
    if rng.random() < 0.3:
        names = rng.choice([*_ageing(number, rng)], int(rng.integers(1, 4)), False)
        laws_of_it = _ageing(number, rng)
        changes |= {f"ageing.{name}": laws_of_it[str(name)] for name in names}
    if not two and rng.random() < 0.15:
        changes |= _plated(rng)
    if rng.random() < 0.2:
        changes["electrolyte.material"] = str(rng.choice(ELECTROLYTES))
    kind = rng.choice(["one film", "second", "liquid"], p=[0.8, 0.1, 0.1])
    if kind != "one film":
        changes = {n: v for n, v in changes.items() if n not in OF_ONE_FILM}
    if kind == "second":
        changes |= {
            "electrolyte.second.material": str(rng.choice(ELECTROLYTES)),
            "electrolyte.second.thickness": number(0.02, 50, "um"),
            "electrolyte.second.interface_resistance": number(0.1, 1e4, "Ohm cm2"),
        }
    if kind == "liquid":
        for name in ("material", "conductivity", "thickness"):
            changes.pop(f"electrolyte.{name}", None)
        salt: Draws = {
            "concentration": lambda: number(0.01, 3, "mol/L"),
            "diffusivity": lambda: number(1e-9, 1e-5, "cm2/s"),
            "transference": lambda: round(rng.uniform(0, 0.95), 3),
            "thermodynamic_factor": lambda: round(rng.uniform(0.2, 5), 3),
        }
        salt = {f"electrolyte.salt.{name}": draw for name, draw in salt.items()}
        salt["electrolyte.separator"] = lambda: number(1, 300, "um")
        changes |= {"electrolyte.material": "LiClO4-PC", **_drawn(rng, salt, 0.5)}
    if rng.random() < 0.25:
        volts = ["1.0 V", "3.2 V"] if two else ["2.5 V", "4.5 V"]
        changes["voltage_limits"] = volts
    return changes


def _film(rng: np.random.Generator, side: str) -> dict[str, Any]:
    """Laws of a film and of its face."""
    number = _numbers(rng)
    thickness = mostly(rng, (0.02, 50), (1e-4, 1e3))
    changes: dict[str, Any] = {"thickness": f"{thickness:.6g} um"}
    if rng.random() < 0.6:
        changes |= _potential(rng, 0.0 if side == "cathode" else -2.5)
    if rng.random() < 0.6:
        changes["diffusivity"] = _diffusivity(rng)
    if rng.random() < 0.2:
        changes["anodic_transfer_coefficient"] = round(rng.uniform(0.2, 0.8), 3)
    if rng.random() < 0.15:
        changes["hysteresis"] = f"{rng.uniform(0.005, 0.3):.4f} V"
        changes["hysteresis_stoichiometry"] = number(0.005, 0.5)
    if rng.random() < 0.3:
        changes["transference"] = round(float(rng.uniform(0, 0.9)), 3)
        if rng.random() < 0.5:
            changes["electron_path"] = "consistent"
    elif rng.random() < 0.2:
        changes["electronic_conductivity"] = number(1e-8, 1e-2, "S/cm")
        if rng.random() < 0.3:
            sigma = log_uniform(rng, 1e-6, 1) * np.exp(rng.normal(0, 1, 3))
            table = laws.Table((0.0, 0.5, 1.0), tuple(sigma.tolist()), logarithmic=True)
            changes["electronic_conductivity"] = table
    return {f"{side}.{name}": value for name, value in changes.items()}


def _plated(rng: np.random.Generator) -> dict[str, Any]:
    """Lithium that is plated in situ."""
    number = _numbers(rng)
    plated: Draws = {
        "nucleation_overpotential": lambda: f"{rng.uniform(0, 0.2):.4f} V",
        "coverage_thickness": lambda: number(0.1, 100, "nm"),
        "interlayer_loss": lambda: number(1e-2, 10, "uAh/cm2"),
        "interphase_loss": lambda: number(1e-2, 10, "uAh/cm2"),
        "inactive_conductivity": lambda: number(1e-9, 1e-5, "S/cm"),
    }
    changes = {
        "lithium": "0 um",
        "collector": str(rng.choice(["copper", "steel"])),
        "inactive_fraction": float(rng.choice([0, 1e-3, 0.05])),
        "inactive_from": str(rng.choice(["plating", "stripping"])),
        **_drawn(rng, plated, 0.3),
    }
    return {f"anode.{name}": value for name, value in changes.items()}


def _ageing(number: Any, rng: np.random.Generator) -> dict[str, Any]:
    """A block of each law that ages a cell, its numbers from slow to fast."""
    first = {"initial_resistance": number(0.1, 100, "Ohm cm2")}
    at = {
        cause: {
            "potential": f"{rng.uniform(low, low + 1):.3f} V",
            "transfer_coefficient": round(rng.uniform(0.1, 0.9), 3),
        }
        for cause, low in (("oxidation", 3.8), ("reduction", 2.0))
    }
    within = {"growth_time": number(1e3, 1e8, "s")}
    found: dict[str, Any] = {
        "interphase_with_time": {"growth": number(1, 1e4, "Ohm cm2"), **first, **within},
        "lithium_consumption": {"current": number(1e-5, 1, "uA/cm2")},
        "electrolyte_oxidation": {
            "current": number(1e-4, 1, "uA/cm2"),
            "reservoir": number(0.1, 100, "uAh/cm2"),
            **at["oxidation"],
        },
    }
    if rng.random() < 0.5:
        grown = {"growth": number(0.1, 100, "uAh/cm2"), **within}
        found["lithium_consumption"] = grown
    for cause, potential in at.items():
        rate = number(1e-9, 1e-3, "Ohm cm2/s")
        found[f"interphase_by_{cause}"] = {"rate": rate, **first, **potential}
        kept = {"lithium": str(rng.choice(["kept", "left"]))}
        rate = number(1e-10, 1e-4, "s-1")
        found[f"site_loss_by_{cause}"] = {"rate": rate, **kept, **potential}
    return found


def _potential(rng: np.random.Generator, shift: float) -> dict[str, Any]:
    """U(x) of one of the laws, so much higher [V], with an initial state within it."""
    kind = rng.choice(["sites", "polynomial", "rational", "table"])
    x_max = 1.0
    law: Any
    if kind == "sites":
        levels = np.sort(rng.uniform(2.6, 4.2, rng.integers(1, 5)))[::-1]
        shares = rng.dirichlet(np.full(len(levels), 3.0))
        law = {
            "sites": [
                {
                    "potential": f"{U + shift:.3f} V",
                    "sites": round(float(X), 4) + 0.01,
                    "width": round(float(rng.uniform(0.6, 5)), 2),
                }
                for U, X in zip(levels, shares, strict=True)
            ]
        }
        x_max = sum(site["sites"] for site in law["sites"])
    elif kind == "polynomial":
        slope = log_uniform(rng, 0.005, 1.0)
        law = {"polynomial": [round(float(rng.uniform(3.4, 4.2)) + shift, 3), -slope]}
        law |= {
            "exponentials": [
                {"amplitude": "-1 V", "center": 1.0, "width": round(w, 4)}
                for w in [log_uniform(rng, 0.008, 0.1)]
            ],
            "range": [0.0, 1.0],
        }
        if rng.random() < 0.5:
            law["exponentials"].append(
                {"amplitude": "1 V", "center": 0.0, "width": -0.02}
            )
    elif kind == "rational":
        top = float(rng.uniform(3.8, 4.4)) + shift
        law = {"numerator": [top, -top], "denominator": [1.0, -0.9], "range": [0.0, 0.99]}
        x_max = 0.99
    else:
        x = np.linspace(0, 1, int(rng.integers(3, 12)))
        drops = np.cumsum(rng.exponential(0.15, len(x)))
        law = laws.Table(tuple(x.tolist()), tuple((4.3 + shift - drops).tolist()))
    share = float(rng.choice([rng.uniform(0.02, 0.98), 0.0, 1.0], p=[0.9, 0.05, 0.05]))
    if kind == "sites":
        share = min(max(share, 1e-3), 0.999)
    return {
        "open_circuit_potential": law,
        "initial_stoichiometry": share * x_max,
        "exchange_current_stoichiometry": round(float(rng.uniform(0.1, 0.9)), 3) * x_max,
    }


def _diffusivity(rng: np.random.Generator) -> Any:
    D = mostly(rng, (1e-18, 1e-12), (1e-22, 1e-8))
    kind = rng.choice(["constant", "self", "table"], p=[0.5, 0.25, 0.25])
    if kind == "constant":
        return f"{D:.4g} m2/s"
    if kind == "self":
        return {"self_diffusivity": f"{D:.4g} m2/s"}
    D_x = D * np.exp(rng.normal(0, 1.5, 4))
    return laws.Table((0.0, 0.4, 0.7, 1.0), tuple(D_x.tolist()), logarithmic=True)


# --- What is done to it ----------------------------------------------------------------


def _steps(rng: np.random.Generator, cell: Cell) -> list[Any]:
    """One step, or a few pulses."""
    low, high = _window(cell)
    c_rate = mostly(rng, (1e-3, 30), (1e-6, 1e5))
    seconds = mostly(rng, (0.1, 1e5), (1e-6, 3e8))
    at = f" at {rng.uniform(-40, 150):.1f} degC" if rng.random() < 0.05 else ""
    kinds = ["current", "power", "hold", "rest", "sweep", "profile", "pulses", "EIS"]
    kind = rng.choice(kinds, p=[0.4, 0.13, 0.2, 0.07, 0.06, 0.06, 0.04, 0.04])
    if kind == "rest":
        return [f"Rest for {seconds:.5g} seconds{at}"]
    volts = rng.uniform(low, high)
    if kind == "hold":
        ends = [f"for {seconds:.5g} seconds", f"until {log_uniform(rng, 1e-5, 1):.4g}C"]
        end = ends[0] if rng.random() < 0.4 else f"{ends[1]} or {ends[0]}"
        return [f"Hold at {volts:.4f} V {end}{at}"]
    if kind == "sweep":
        rate = mostly(rng, (1e-3, 100), (1e-5, 1e6))
        return [f"Sweep to {volts:.4f} V at {rate:.4g} mV/s{at}"]
    if kind == "EIS":
        return ["EIS 1 mHz to 1 MHz, 2 per decade"]
    if kind == "profile":
        times = [0.0, *np.cumsum(rng.exponential(seconds / 4, 4)).tolist()]
        column = rng.choice(["C-rate", "Current [mA]"])
        size = c_rate * (1 if column == "C-rate" else 1e3 * cell.one_c_current)
        table = {"Time [s]": times, str(column): (size * rng.normal(0, 1, 5)).tolist()}
        way = str(rng.choice(["linear", "stepwise"]))
        return [{"profile": table, "interpolation": way}]
    word = str(rng.choice(["Charge", "Discharge"]))
    amount = f"{c_rate:.4g}C"
    if kind == "pulses":
        pulse = f"{word} at {amount} for {min(seconds, 30):.4g} seconds"
        return [pulse, f"Rest for {seconds:.5g} seconds"] * 2
    if kind == "power":
        amount = f"{c_rate * cell.one_c_current_density * 3.8 * 100:.5g} uW/cm2"
    end = f"until {volts:.4f} V"
    if rng.random() < 0.3:
        end = f"for {seconds:.5g} seconds"
    elif rng.random() < 0.2:
        charge = log_uniform(rng, 1e-4, 1) * cell.one_c_current_density * 100
        end += f" or until {charge:.5g} uAh/cm2"
    return [f"{word} at {amount} {end}{at}"]


def _window(cell: Cell) -> tuple[float, float]:
    """Voltages a user may ask for: what U(x) covers, and some more."""
    curve = cell.open_circuit_potential.curve
    x = np.linspace(*cell.x_range, 101)[1:-1]
    U = np.asarray(curve(x))
    low, high = cell.voltage_limits
    return max(low, float(U.min()) - 0.3), min(high, float(U.max()) + 0.3)


if __name__ == "__main__":
    counted: Counter[str] = Counter()
    for k in range(int(sys.argv[2])):
        draw(int(sys.argv[1]), k, counted)
    for reason, count in counted.most_common():
        print(f"{count:6d} {reason}")
