"""What a designer asks first of a cell, as text."""

from __future__ import annotations

from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table

from .. import units
from ..cell import stack as energy
from ..cell.anode import Anode
from ..cell.cell import Cell
from ..cell.film import Film
from ..materials.laws import FARADAY
from ..physics.thin_film_cell import ThinFilmCell
from .printed import text_table

RESISTIVE_DROP = 0.5  # V: about what a cell of 3.9 V loses before a 3 V cut-off bites
RESISTANCES = {
    "R_electrolyte": "electrolyte",
    "R_ct_cathode": "cathode charge transfer",
    "R_film_cathode": "cathode film",
    "R_ct_lithium": "{} charge transfer",
    "R_film_lithium": "{} film",
    "R_contact": "contacts",
}
LIMITS = {
    "rate_limit": "Diffusion leaves half the capacity at about",
    "resistive_limit": f"Resistance takes {RESISTIVE_DROP:g} V at about",
}


def estimates(cell: Cell) -> dict[str, float]:
    """Return closed-form figures of a cell, SI.

    Returns
    -------
    dict
        loading [kg/m2]; one_c [A/m2]; theoretical_charge [C/m2] of the whole range of
        x; D_mean [m2/s], the harmonic mean of D(x) over that range; diffusion_time
        L^2/D_mean [s]; resistances [ohm m2], by the model's own laws at the operating
        temperature; rate_limit [A/m2], the current at which diffusion leaves half of the
        charge: for a slab the surface runs ahead of the mean by i L/(3 F c D), so half
        of the range dx is used at i = 3 F c D dx/(2 L) (constant-flux solution at long
        times); resistive_limit [A/m2], the current at which the resistances together
        take ``RESISTIVE_DROP``.
    """
    c, a = cell.cathode, cell.anode
    model, values = ThinFilmCell(), cell.parameter_values()
    p = model.param

    def at_temperature(value: float, E: object) -> float:
        return value * float(values.evaluate(p.arrhenius(E)))

    low, high = cell.x_range
    D = 1 / float(np.mean(1 / c.transport.diffusivity(np.linspace(low, high, 501))))
    D = at_temperature(D * c.diffusivity_scale, c.diffusivity_activation_energy)
    RT_F = float(values.evaluate(1 / p.f))
    R_e = values.evaluate(model.variables["Electrolyte resistance [Ohm.m2]"])
    found = {"R_electrolyte": float(R_e)}
    shares = {"cathode": c.utilisation, "lithium": getattr(a, "utilisation", 1.0)}
    for film, (name, share) in zip((c, a), shares.items(), strict=True):
        of = film.exchange_current, film.exchange_current_activation_energy
        found[f"R_ct_{name}"] = RT_F / at_temperature(*of) / share
        softer = at_temperature(share, film.film_resistance_activation_energy)
        found[f"R_film_{name}"] = film.film_resistance / softer
    found["R_contact"] = float(cell.contact_resistance)
    c_used = c.c_sites * c.active_fraction * c.utilisation
    return {
        **found,
        "loading": cell.loading,
        "one_c": cell.one_c_current_density,
        "theoretical_charge": cell.theoretical_charge,
        "D_mean": D,
        "diffusion_time": float(c.thickness**2 / D),
        "rate_limit": float(1.5 * FARADAY * c_used * D * (high - low) / c.thickness),
        "resistive_limit": RESISTIVE_DROP / sum(found.values()),
    }


def describe_cell(cell: Cell, console: Console, warnings: bool = True) -> None:
    """Print a cell: layers, capacities, times, resistances, origins, and its warnings
    unless they are not wanted."""
    say = partial(console.print, markup=False)
    say(cell.name)
    if cell.source:
        say(cell.source)
    say()
    console.print(_stack(cell) if cell.stack else _layers(cell))
    say()
    console.print(text_table(_facts(cell).items()))
    if cell.origins:
        say()
        console.print(text_table(cell.origins.items(), ("Field", "Origin")))
    for warning in cell.warnings() if warnings else ():
        say(f"note: {warning}")


def _facts(cell: Cell) -> dict[str, str]:
    """Return what is told of a cell below its layers, by label."""
    text, found, c = units.text, estimates(cell), cell.cathode
    one_c, theoretical = found["one_c"], found["theoretical_charge"]
    low, high = cell.x_range
    film = "lithium" if cell.metal else "anode"
    total = sum(R for name, R in found.items() if name.startswith("R_"))
    facts = {
        "Area": text(cell.area, "area"),
        "Temperature": text(cell.temperature, "temperature"),
        "Cathode loading": f"{found['loading'] * 100:.4g} mg.cm-2",
        "Stoichiometry": f"{cell.x_initial:.4g} as made; U(x) covers "
        f"{low:.4g} to {high:.4g}",
        "Theoretical capacity": f"{text(theoretical, 'areal charge')}, "
        f"{text(theoretical / found['loading'], 'specific charge')} of film",
        "1C": f"{text(one_c, 'current density')} = "
        f"{text(cell.one_c_current, 'current')}; the theoretical capacity lasts "
        f"{theoretical / one_c / 3600:.3g} h at it",
        "Diffusivity, mean over x": text(found["D_mean"], "diffusivity"),
        "Diffusion time L^2/D": f"{found['diffusion_time']:.4g} s",
        "Resistance": f"{text(total, 'areal resistance')} in all, at "
        f"x = {c.exchange_current_stoichiometry:g}",
    }
    for name, label in RESISTANCES.items():
        if found[name] > 0:
            facts["  " + label.format(film)] = text(found[name], "areal resistance")
    facts["  drop at 1C"] = f"{total * one_c * 1e3:.4g} mV"
    for name, label in LIMITS.items():
        current = text(found[name], "current density")
        facts[label] = f"{current} = {found[name] / one_c:.3g}C"
    if cell.metal:
        facts |= _of_the_collector(cell.metal)
    if cell.negative:
        facts |= _balance(cell, cell.negative)
    return facts


def _layers(cell: Cell) -> Table:
    """Return the layers every cell has."""
    c, e, a = cell.cathode, cell.electrolyte, cell.anode
    thickness = a.thickness if isinstance(a, Film) else a.lithium
    layers = [("anode", a.material or "lithium", thickness)]
    if (second := e.second) is not None:
        layers.append(("second electrolyte", second.material or "", second.thickness))
    layers.append(("electrolyte", e.material or "", e.span))
    layers.append(("cathode", c.material or "", c.thickness))
    rows = [(name, material, _thick(float(L or 0))) for name, material, L in layers]
    return text_table(rows, ("Layer", "Material", "Thickness"))


def _thick(length: float) -> str:
    return units.text(length, "length") if length else "none as made"


def _stack(cell: Cell) -> Table:
    """Return all layers as made, from the substrate up, with their shares and the sum."""
    found = energy.layers(cell)
    volume, mass = energy.total_volume(found), energy.total_mass(found)
    heads = ["Layer", "Material", "Thickness", "Shared by", "Volume", "Mass"]
    rows = [
        [
            layer.name,
            layer.material,
            _thick(float(layer.thickness)),
            f"{layer.shared_by:g} cells" if layer.shared_by > 1 else "",
            f"{100 * layer.volume / volume:.1f} %",
            f"{100 * layer.mass / mass:.1f} %",
        ]
        for layer in found
    ]
    per_area = units.text(float(volume), "length"), f"{mass * 100:.4g} mg.cm-2"
    rows.append(["one cell, as made", "", per_area[0], "", "", per_area[1]])
    if not any(layer.shared_by > 1 for layer in found):
        for row in (heads, *rows):
            del row[3]
    return text_table(rows, heads, range(2, len(heads)))


def _balance(cell: Cell, a: Film) -> dict[str, str]:
    """Return which of two films limits the cell."""
    text = units.text
    low, high = a.x_range
    cathode, anode = (
        FARADAY * film.sites * (film.x_range[1] - film.x_range[0])
        for film in (cell.cathode, a)
    )
    covers = f"U(x) covers {low:.4g} to {high:.4g}"
    times = f"{anode / cathode:.3g} times the cathode's {text(cathode, 'areal charge')}"
    found = {
        "Anode": f"x = {cell.anode_initial:.4g} as made; {covers}",
        "  capacity": f"{text(anode, 'areal charge')}, {times}",
    }
    for word, V in zip(("discharged", "charged"), cell.states_of_charge, strict=True):
        x = cell.stoichiometry(V, cell.reference_temperature)
        x_n = cell.anode_at(x)
        share = cell.anode_share(x, x_n)
        found[f"  {word}, {V:.4g} V"] = (
            f"x = {x:.4g} in the cathode, {x_n:.4g} in the anode; "
            f"the {'anode' if share > 0.5 else 'cathode'} limits, with "
            f"{100 * max(share, 1 - share):.3g} % of the slope"
        )
    return found


def _of_the_collector(anode: Anode) -> dict[str, str]:
    """Return what lithium plated in situ finds."""

    def of(name: str, dimension: str) -> str:
        return units.text(float(getattr(anode, name) or 0), dimension)

    found = {}
    if anode.plated:
        on = " on ".join(filter(None, (anode.interlayer, anode.collector)))
        lost = float((anode.interlayer_loss or 0) + (anode.interphase_loss or 0))
        found = {
            "Lithium is plated on": on or "its collector",
            "  nucleation": f"{of('nucleation_overpotential', 'voltage')} at "
            f"{of('nucleation_current', 'current density')}; "
            f"{of('coverage_thickness', 'length')} cover 63 %",
            "  lost to first plating": units.text(lost, "areal charge"),
            "  inactive": f"{100 * anode.inactive_fraction:.4g} % of "
            f"{anode.inactive_from}",
        }
    if anode.critical_current is not None:
        found["Critical current density"] = of("critical_current", "current density")
    return found
