"""What a designer asks first of a cell, and what an experiment will do, as text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from .. import units
from ..cell import layers as energy
from ..errors import count
from ..materials.laws import FARADAY, Constant
from ..materials.material import Value

if TYPE_CHECKING:
    from rich.console import Console

    from ..cell.cell import Anode, Cell
    from ..experiment.cases import Expanded
    from ..materials.material import Material


RESISTIVE_DROP = 0.5  # V: about what a cell of 3.9 V loses before a 3 V cut-off bites


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
    from ..physics.thin_film_cell import ThinFilmCell

    c, a = cell.cathode, cell.anode
    model, values = ThinFilmCell(), cell.parameter_values()
    p = model.param

    def at_temperature(E: Any) -> float:
        return float(values.evaluate(p.arrhenius(E)))

    low, high = cell.x_range
    x = np.linspace(low, high, 501)
    D = 1 / float(np.mean(1 / c.transport.diffusivity(x))) * c.diffusivity_scale
    D *= at_temperature(c.diffusivity_activation_energy)
    span = high - low
    RT_F = float(values.evaluate(1 / p.f))
    i0_p, i0_n = (
        f.exchange_current * at_temperature(f.exchange_current_activation_energy)
        for f in (c, a)
    )
    R_p, R_n = (
        f.film_resistance / at_temperature(f.film_resistance_activation_energy)
        for f in (c, a)
    )
    share = getattr(a, "utilisation", 1.0)
    R_e = values.evaluate(model.variables["Electrolyte resistance [Ohm.m2]"])
    c_active = c.c_sites * c.active_fraction
    resistances = {
        "R_electrolyte": float(R_e),
        "R_ct_cathode": RT_F / i0_p / c.utilisation,
        "R_film_cathode": R_p / c.utilisation,
        "R_ct_lithium": RT_F / i0_n / share,
        "R_film_lithium": R_n / share,
        "R_contact": float(cell.contact_resistance),
    }
    return {
        **resistances,
        "loading": cell.loading,
        "one_c": cell.one_c_current_density,
        "theoretical_charge": cell.theoretical_charge,
        "D_mean": D,
        "diffusion_time": float(c.thickness**2 / D),
        "rate_limit": float(
            1.5 * FARADAY * c_active * D * span / c.thickness * c.utilisation
        ),
        "resistive_limit": RESISTIVE_DROP / sum(resistances.values()),
    }


def describe_cell(cell: Cell, console: Console, warnings: bool = True) -> None:
    """Print a cell: layers, capacities, times, resistances, origins, and its warnings
    unless they are not wanted."""
    c = cell.cathode
    say = lambda text="": console.print(escape(text))  # noqa: E731
    text, numbers = units.text, estimates(cell)
    say(cell.name)
    if cell.source:
        say(cell.source)
    say()
    console.print(_stack(cell) if cell.stack else _layers(cell))
    say()
    one_c = numbers["one_c"]
    hours = numbers["theoretical_charge"] / one_c / 3600
    theoretical = numbers["theoretical_charge"]
    low, high = cell.x_range
    anode = "lithium" if hasattr(cell.anode, "lithium") else "anode"
    R = {k: v for k, v in numbers.items() if k.startswith("R_")}
    facts = [
        ("Area", text(cell.area, "area")),
        ("Temperature", text(cell.temperature, "temperature")),
        ("Cathode loading", f"{numbers['loading'] * 100:.4g} mg.cm-2"),
        (
            "Stoichiometry",
            f"{cell.x_initial:.4g} as made; U(x) covers {low:.4g} to {high:.4g}",
        ),
        (
            "Theoretical capacity",
            f"{text(theoretical, 'areal charge')}, "
            f"{text(theoretical / numbers['loading'], 'specific charge')} of film",
        ),
        (
            "1C",
            f"{text(one_c, 'current density')} = {text(cell.one_c_current, 'current')}; "
            f"the theoretical capacity lasts {hours:.3g} h at it",
        ),
        ("Diffusivity, mean over x", text(numbers["D_mean"], "diffusivity")),
        ("Diffusion time L^2/D", f"{numbers['diffusion_time']:.4g} s"),
        (
            "Resistance",
            f"{text(sum(R.values()), 'areal resistance')} in all, at "
            f"x = {c.exchange_current_stoichiometry:g}",
        ),
        *(
            ("  " + label, text(R[key], "areal resistance"))
            for key, label in {
                "R_electrolyte": "electrolyte",
                "R_ct_cathode": "cathode charge transfer",
                "R_film_cathode": "cathode film",
                "R_ct_lithium": f"{anode} charge transfer",
                "R_film_lithium": f"{anode} film",
                "R_contact": "contacts",
            }.items()
            if R[key] > 0
        ),
        ("  drop at 1C", f"{sum(R.values()) * one_c * 1e3:.4g} mV"),
        *(
            (
                label,
                f"{text(numbers[key], 'current density')} = {numbers[key] / one_c:.3g}C",
            )
            for key, label in {
                "rate_limit": "Diffusion leaves half the capacity at about",
                "resistive_limit": f"Resistance takes {RESISTIVE_DROP:g} V at about",
            }.items()
        ),
        *(_balance(cell) if anode == "anode" else _of_the_collector(cell.anode)),
    ]
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in facts:
        table.add_row(label, escape(value))
    console.print(table)
    if cell.origins:
        say()
        origins = Table(box=None, pad_edge=False)
        origins.add_column("Field")
        origins.add_column("Origin")
        for field, origin in cell.origins.items():
            origins.add_row(escape(field), escape(origin))
        console.print(origins)
    for warning in cell.warnings() if warnings else ():
        say(f"note: {warning}")


def _layers(cell: Cell) -> Table:
    """Print the three layers every cell has."""
    c, e, a = cell.cathode, cell.electrolyte, cell.anode
    text = units.text
    layers = Table(box=None, pad_edge=False)
    for column in ("Layer", "Material", "Thickness"):
        layers.add_column(column)
    thickness = a.thickness if hasattr(a, "thickness") else a.lithium
    lithium = text(thickness, "length") if thickness else "none as made"
    layers.add_row("anode", escape(a.material or "lithium"), lithium)
    if e.second is not None:
        second = escape(e.second.material or "")
        layers.add_row("second electrolyte", second, text(e.second.thickness, "length"))
    layers.add_row("electrolyte", escape(e.material or ""), text(e.span, "length"))
    layers.add_row("cathode", escape(c.material or ""), text(c.thickness, "length"))
    return layers


def _stack(cell: Cell) -> Table:
    """Print all layers as made, from the substrate up, with their shares and the sum."""
    found = energy.layers(cell)
    volume, mass = energy.total_volume(found), energy.total_mass(found)
    shared = any(layer.shared_by > 1 for layer in found)
    table = Table(box=None, pad_edge=False)
    for column in ("Layer", "Material", "Thickness", "Shared by", "Volume", "Mass"):
        if column != "Shared by" or shared:
            right = column not in ("Layer", "Material")
            table.add_column(column, justify="right" if right else "left")

    def row(*cells: str) -> None:
        table.add_row(*(cells if shared else cells[:3] + cells[4:]))

    for layer in found:
        row(
            layer.name,
            escape(layer.material),
            units.text(layer.thickness, "length") if layer.thickness else "none as made",
            f"{layer.shared_by} cells" if layer.shared_by > 1 else "",
            f"{100 * layer.volume / volume:.1f} %",
            f"{100 * layer.mass / mass:.1f} %",
        )
    per_cell = (units.text(volume, "length"), f"{mass * 100:.4g} mg.cm-2")
    row("one cell, as made", "", per_cell[0], "", "", per_cell[1])
    return table


def _balance(cell: Cell) -> list[tuple[str, str]]:
    """Return which of two films limits the cell, a line each."""
    text, a = units.text, cell.anode
    low, high = a.x_range
    alone = [
        FARADAY * film.sites * (film.x_range[1] - film.x_range[0])
        for film in (cell.cathode, a)
    ]
    found = [
        (
            "Anode",
            f"x = {cell.anode_initial:.4g} as made; U(x) covers {low:.4g} to {high:.4g}",
        ),
        (
            "  capacity",
            f"{text(alone[1], 'areal charge')}, {alone[1] / alone[0]:.3g} times the "
            f"cathode's {text(alone[0], 'areal charge')}",
        ),
    ]
    for words, voltage in zip(
        ("discharged", "charged"), cell.states_of_charge, strict=True
    ):
        x = cell.stoichiometry(voltage, cell.reference_temperature)
        x_n = cell.anode_at(x)
        share = cell.anode_share(x, x_n)
        which = "the anode" if share > 0.5 else "the cathode"
        found.append(
            (
                f"  {words}, {voltage:.4g} V",
                f"x = {x:.4g} in the cathode, {x_n:.4g} in the anode; {which} limits, "
                f"with {100 * max(share, 1 - share):.3g} % of the slope",
            )
        )
    return found


def _of_the_collector(anode: Anode) -> list[tuple[str, str]]:
    """Print what lithium plated in situ finds, a line each."""
    text, found = units.text, []
    if anode.plated:
        named = [n for n in (anode.interlayer, anode.collector) if n]
        eta, i = anode.nucleation_overpotential, anode.nucleation_current
        found += [
            ("Lithium is plated on", " on ".join(named) or "its collector"),
            (
                "  nucleation",
                f"{text(float(eta or 0), 'voltage')} at "
                f"{text(float(i or 0), 'current density')}; "
                f"{text(float(anode.coverage_thickness or 0), 'length')} cover 63 %",
            ),
            (
                "  lost to first plating",
                text(anode.interlayer_loss + anode.interphase_loss, "areal charge"),
            ),
            (
                "  inactive",
                f"{100 * anode.inactive_fraction:.4g} % of {anode.inactive_from}",
            ),
        ]
    if anode.critical_current is not None:
        critical = text(anode.critical_current, "current density")
        found.append(("Critical current density", critical))
    return found


def describe_experiment(expanded: Expanded, console: Console) -> None:
    """Print an experiment: its steps and its cases."""
    experiment, cases = expanded.experiment, expanded.cases
    say = lambda text="": console.print(escape(text))  # noqa: E731
    say(experiment.description or expanded.document.path.stem)
    if experiment.source:
        say(experiment.source)
    cells = list(dict.fromkeys(case.cell.name for case in cases))
    say(f"cell: {'; '.join(cells)}")
    for label, steps in (
        ("conditioning", _lines(experiment.conditioning)),
        ("steps", _lines(experiment.steps)),
    ):
        for k, line in enumerate(steps):
            say(f"{label + ':' if k == 0 else '':<14}{line}")
    say(f"{'cycles:':<14}{experiment.cycles}")
    most = 20
    say(f"{count(len(cases), 'case')}:")
    for case in cases[:most]:
        first = "; ".join(step.text for step in case.protocol.steps[:4])
        if (more := len(case.protocol.steps) - 4) > 0:
            first += f"; and {count(more, 'step')} more"
        say(f"  {case.name}: {first}")
    if len(cases) > most:
        say(f"  ... and {len(cases) - most} more")


def _lines(steps: Any) -> list[str]:
    """Return steps and groups as indented lines."""
    if steps is None:
        return []
    if hasattr(steps, "steps"):
        return [*_lines(steps.steps), f"({steps.cycles} cycles)"]
    lines = []
    for step in steps:
        if isinstance(step, str):
            lines.append(step)
        elif "step" in step:
            lines.append(f"{step['step']} at {step.get('temperature', '?')}")
        else:
            over = step.get("for_each") or f"{step.get('repeat')} times"
            lines.append(f"repeated ({over}):")
            lines += ["  " + line for line in _lines(step["steps"])]
    return lines


def describe_material(material: Material, console: Console) -> None:
    """Print a material: each value with its source and range, and U at ten steps of x."""
    say = partial(console.print, highlight=False, markup=False)
    names = f" ({', '.join(material.also)})" if material.also else ""
    say(f"{material.name}{names}: {material.title}")
    places = {"cathode": "cathode or film at the anode", "stack": "layer around the cell"}
    say(f"may stand as {', '.join(places.get(one, one) for one in material.layers)}")
    law = material.fields.get("open_circuit_potential")
    known = law is not None and {"molar_mass", "density"} <= material.fields.keys()
    theory = _theory(material, law.x_max) if known else {}
    for name, value in {**material.values, **material.data, **theory}.items():
        say(f"  {name}: {as_text(value.value)}")
        say(f"    {value.source}{value.valid and '; ' + value.valid}")
    if law is not None:
        say("\nU(x) [V against Li]")
        for x in np.linspace(0.0, law.x_max, 11)[1:-1]:
            if law.curve.x[0] <= x <= law.curve.x[-1]:
                say(f"  x = {x:.3g}  {float(law.curve(x)):.3f}")


def as_text(given: Any) -> str:
    """Return a value of a material in words."""
    if isinstance(given, Constant):
        return f"{given.value:g} m2/s"
    return f"a law of x ({type(given).__name__})" if callable(given) else str(given)


def _theory(material: Material, sites: float) -> dict[str, Value]:
    """Return the capacity of all sites, which no source need print."""
    mass = units.parse(material.fields["molar_mass"], "molar mass")
    specific = sites * FARADAY / mass  # C/kg
    density = units.parse(material.fields["density"], "density")
    per_volume = specific * density / 3.6e7  # uAh/(cm2 um)
    source = f"derived: {sites:.4g} lithium a formula"
    return {
        "theoretical_capacity": Value(f"{specific / 3600:.4g} mA h/g", source),
        "theoretical_volumetric_capacity": Value(
            f"{per_volume:.4g} uA h/(cm2 um)", f"{source}, at density"
        ),
    }
