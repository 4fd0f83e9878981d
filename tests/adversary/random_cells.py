"""Random cells and protocols: every law, all shipped materials, extremes of every field.

Number ``k`` of a seed is drawn from its own generator, so that it can be run alone.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tfbsim import load_cell
from tfbsim.cell.cell import Cell
from tfbsim.errors import InputError
from tfbsim.materials import laws

CELLS = (
    "lco-lipon-li-constant-d",
    "lco-lipon-li-danilov2011",
    "lco-lipon-li-raijmakers2020",
    "lco-lipon-steel-ensurge2023",
    "nmc811-lipon-li",
)


@cache
def shipped(name: str) -> Cell:
    """A shipped cell, read once."""
    return load_cell(name)


def draw(seed: int, number: int) -> tuple[Cell, list[str]]:
    """A cell, and the sentences of one cycle.

    A combination the files refuse, a diffusion time that is too short for one, is drawn
    again.
    """
    rng = np.random.default_rng([seed, number])
    while True:
        base = shipped(str(rng.choice(CELLS)))
        try:
            cell = base.replace(_changes(rng, base))
        except InputError:
            continue
        return cell, _sentences(rng, cell)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between two, its logarithm even."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# --- The cell --------------------------------------------------------------------------


def _changes(rng: np.random.Generator, base: Cell) -> dict[str, Any]:
    def number(low: float, high: float, unit: str = "") -> str:
        return f"{log_uniform(rng, low, high):.6g} {unit}".rstrip()

    changes: dict[str, Any] = {"cathode.thickness": number(0.02, 50, "um")}
    if rng.random() < 0.6:
        changes |= _potential(rng)
    if rng.random() < 0.6:
        changes["cathode.diffusivity"] = _diffusivity(rng)
    sometimes: dict[str, Any] = {
        "area": lambda: number(1e-4, 1e3, "cm2"),
        "temperature": lambda: f"{rng.uniform(-30, 100):.1f} degC",
        "contact_resistance": lambda: number(1e-2, 1e3, "Ohm cm2"),
        "cathode.exchange_current": lambda: number(1e-4, 10, "mA/cm2"),
        "cathode.anodic_transfer_coefficient": lambda: round(rng.uniform(0.2, 0.8), 3),
        "cathode.film_resistance": lambda: number(1e-1, 1e3, "Ohm cm2"),
        "cathode.utilisation": lambda: round(rng.uniform(0.2, 1), 3),
        "cathode.active_fraction": lambda: round(rng.uniform(0.2, 1), 3),
        "cathode.entropic_change": lambda: f"{rng.uniform(-0.3, 0.3):.3f} mV/K",
        "electrolyte.thickness": lambda: number(0.05, 10, "um"),
        "electrolyte.conductivity": lambda: number(1e-8, 1e-4, "S/cm"),
        "electrolyte.electronic_conductivity": lambda: number(1e-16, 1e-11, "S/cm"),
        "anode.lithium": lambda: number(0.01, 50, "um"),
        "anode.exchange_current": lambda: number(1e-3, 10, "mA/cm2"),
        "anode.anodic_transfer_coefficient": lambda: round(rng.uniform(0.2, 0.8), 3),
        "anode.film_resistance": lambda: number(1e-1, 1e3, "Ohm cm2"),
    }
    changes |= {name: draw() for name, draw in sometimes.items() if rng.random() < 0.25}
    if rng.random() < 0.3:
        changes["cathode.transference"] = round(float(rng.uniform(0, 0.9)), 3)
        if rng.random() < 0.5:
            changes["cathode.electron_path"] = "consistent"
    elif rng.random() < 0.2:
        changes["cathode.electronic_conductivity"] = number(1e-8, 1e-2, "S/cm")
    if rng.random() < 0.15:
        changes |= {
            "anode.lithium": "0 um",
            "anode.collector": str(rng.choice(["copper", "steel"])),
            "anode.inactive_fraction": float(rng.choice([0, 1e-3, 0.05])),
        }
    if rng.random() < 0.25:
        changes["voltage_limits"] = ["2.5 V", "4.5 V"]
    return changes


def _potential(rng: np.random.Generator) -> dict[str, Any]:
    """U(x) of one of the laws, with an initial state within it."""
    kind = rng.choice(["sites", "polynomial", "rational", "table"])
    x_max = 1.0
    law: Any
    if kind == "sites":
        levels = np.sort(rng.uniform(2.6, 4.2, rng.integers(1, 5)))[::-1]
        shares = rng.dirichlet(np.full(len(levels), 3.0))
        law = {
            "sites": [
                {
                    "potential": f"{U:.3f} V",
                    "sites": round(float(X), 4) + 0.01,
                    "width": round(float(rng.uniform(0.6, 5)), 2),
                }
                for U, X in zip(levels, shares, strict=True)
            ]
        }
        x_max = sum(site["sites"] for site in law["sites"])
    elif kind == "polynomial":
        slope = log_uniform(rng, 0.005, 1.0)
        law = {"polynomial": [round(float(rng.uniform(3.4, 4.2)), 3), -slope]}
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
        top = float(rng.uniform(3.8, 4.4))
        law = {"numerator": [top, -top], "denominator": [1.0, -0.9], "range": [0.0, 0.99]}
        x_max = 0.99
    else:
        x = np.linspace(0, 1, int(rng.integers(3, 12)))
        drops = np.cumsum(rng.exponential(0.15, len(x)))
        law = laws.Table(tuple(x.tolist()), tuple((4.3 - drops).tolist()))
    share = float(rng.choice([rng.uniform(0.02, 0.98), 0.0, 1.0], p=[0.9, 0.05, 0.05]))
    if kind == "sites":
        share = min(max(share, 1e-3), 0.999)
    return {
        "cathode.open_circuit_potential": law,
        "cathode.initial_stoichiometry": share * x_max,
        "cathode.exchange_current_stoichiometry": round(float(rng.uniform(0.1, 0.9)), 3)
        * x_max,
    }


def _diffusivity(rng: np.random.Generator) -> Any:
    D = log_uniform(rng, 1e-18, 1e-12)
    kind = rng.choice(["constant", "self", "table"], p=[0.5, 0.25, 0.25])
    if kind == "constant":
        return f"{D:.4g} m2/s"
    if kind == "self":
        return {"self_diffusivity": f"{D:.4g} m2/s"}
    D_x = D * np.exp(rng.normal(0, 1.5, 4))
    return laws.Table((0.0, 0.4, 0.7, 1.0), tuple(D_x.tolist()), logarithmic=True)


# --- What is done to it ----------------------------------------------------------------


def _sentences(rng: np.random.Generator, cell: Cell) -> list[str]:
    return [_sentence(rng, cell) for _ in range(rng.integers(2, 7))]


def _sentence(rng: np.random.Generator, cell: Cell) -> str:
    low, high = _window(cell)
    c_rate = log_uniform(rng, 1e-3, 30)
    seconds = log_uniform(rng, 0.1, 1e5)
    kind = rng.choice(["current", "power", "hold", "rest"], p=[0.5, 0.15, 0.25, 0.1])
    if kind == "rest":
        return f"Rest for {seconds:.5g} seconds"
    volts = rng.uniform(low, high)
    if kind == "hold":
        ends = [f"for {seconds:.5g} seconds", f"until {log_uniform(rng, 1e-5, 1):.4g}C"]
        end = ends[0] if rng.random() < 0.4 else f"{ends[1]} or {ends[0]}"
        return f"Hold at {volts:.4f} V {end}"
    word = str(rng.choice(["Charge", "Discharge"]))
    amount = f"{c_rate:.4g}C"
    if kind == "power":
        amount = f"{c_rate * cell.one_c_current_density * 3.8 * 100:.5g} uW/cm2"
    end = f"until {volts:.4f} V"
    if rng.random() < 0.3:
        end = f"for {seconds:.5g} seconds"
    return f"{word} at {amount} {end}"


def _window(cell: Cell) -> tuple[float, float]:
    """Voltages a user may ask for: what U(x) covers, and some more."""
    curve = cell.cathode.open_circuit_potential.curve
    x = np.linspace(*cell.cathode.x_range, 101)[1:-1]
    U = np.asarray(curve(x))
    low, high = cell.voltage_limits
    return max(low, float(U.min()) - 0.3), min(high, float(U.max()) + 0.3)
