"""What an experiment will do, and what is known of a material, as text."""

from __future__ import annotations

from functools import partial

import numpy as np
from rich.console import Console

from .. import units
from ..errors import count
from ..experiment.expand import Expanded
from ..experiment.experiment import Conditioning
from ..materials.laws import FARADAY, Constant
from ..materials.material import Material, Value

MOST_CASES = 20  # of an experiment, listed


def describe_experiment(expanded: Expanded, console: Console) -> None:
    """Print an experiment: its steps and its cases."""
    experiment, cases = expanded.experiment, expanded.cases
    say = partial(console.print, markup=False)
    say(experiment.description or expanded.document.path.stem)
    if experiment.source:
        say(experiment.source)
    say(f"cell: {'; '.join(dict.fromkeys(case.cell.name for case in cases))}")
    before, lines = experiment.conditioning, {"steps": _lines(experiment.steps)}
    if isinstance(before, Conditioning):
        cycles = f"({before.cycles} cycles)"
        lines = {"conditioning": [*_lines(before.steps), cycles], **lines}
    elif before is not None:
        lines = {"conditioning": _lines(before), **lines}
    for label, of_label in lines.items():
        for k, line in enumerate(of_label):
            say(f"{label + ':' if k == 0 else '':<14}{line}")
    say(f"{'cycles:':<14}{experiment.cycles}")
    say(f"{count(len(cases), 'case')}:")
    for case in cases[:MOST_CASES]:
        words = [step.text for step in case.protocol.steps[:4]]
        if (more := len(case.protocol.steps) - 4) > 0:
            words.append(f"and {count(more, 'step')} more")
        say(f"  {case.name}: {'; '.join(words)}")
    if len(cases) > MOST_CASES:
        say(f"  ... and {len(cases) - MOST_CASES} more")


def _lines(steps: object) -> list[str]:
    """Return steps and groups as indented lines."""
    lines = []
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, dict):
            lines.append(str(step))
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
    law, values = material.potential, {**material.values, **material.data}
    if law is not None:
        values |= _theory(material, law.x_max)
    for name, value in values.items():
        say(f"  {name}: {as_text(value.value)}")
        say(f"    {value.source}{value.valid and '; ' + value.valid}")
    if law is not None:
        say("\nU(x) [V against Li]")
        for x in np.linspace(0.0, law.x_max, 11)[1:-1]:
            if law.curve.x[0] <= x <= law.curve.x[-1]:
                say(f"  x = {x:.3g}  {float(law.curve(x)):.3f}")


def as_text(given: object) -> str:
    """Return a value of a material in words."""
    if isinstance(given, Constant):
        return f"{given.value:g} m2/s"
    return f"a law of x ({type(given).__name__})" if callable(given) else str(given)


def _theory(material: Material, sites: float) -> dict[str, Value]:
    """Return the capacity of all sites, if it is known, which no source need print."""
    fields = material.fields
    if not {"molar_mass", "density"} <= fields.keys():
        return {}
    mass = units.parse(str(fields["molar_mass"]), "molar mass")
    density = units.parse(str(fields["density"]), "density")
    specific = sites * FARADAY / mass  # C/kg
    per_volume = f"{specific * density / 3.6e7:.4g} uA h/(cm2 um)"
    source = f"derived: {sites:.4g} lithium a formula"
    return {
        "theoretical_capacity": Value(f"{specific / 3600:.4g} mA h/g", source),
        "theoretical_volumetric_capacity": Value(per_volume, f"{source}, at density"),
    }
