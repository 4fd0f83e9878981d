"""What an experiment will do, and what is known of a material, as text."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from rich.console import Console

from .. import units
from ..errors import count
from ..experiment.expand import Expanded
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
    for label in ("conditioning", "steps"):
        for k, line in enumerate(_lines(getattr(experiment, label))):
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
    law = material.potential
    known = {"molar_mass", "density"} <= material.fields.keys()
    theory = _theory(material, law.x_max) if law and known else {}
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
    density = units.parse(material.fields["density"], "density")
    specific = sites * FARADAY / mass  # C/kg
    per_volume = f"{specific * density / 3.6e7:.4g} uA h/(cm2 um)"
    source = f"derived: {sites:.4g} lithium a formula"
    return {
        "theoretical_capacity": Value(f"{specific / 3600:.4g} mA h/g", source),
        "theoretical_volumetric_capacity": Value(per_volume, f"{source}, at density"),
    }
