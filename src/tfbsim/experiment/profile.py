"""A step that follows a profile: a current, C-rate or power against time.

    - {profile: load.csv, interpolation: stepwise, scale: 2, repeat: true, lower: 3.0 V}

The table has two columns, headed by what they hold and its unit: "Time [s],Current
[uA]".  Discharge is positive, unless the headings are the Battery Data Format's ("Test
Time / s,Current / A"), in which charge is.  Every row is a breakpoint that the solver
hits: between two of them the control is constant (stepwise) or straight (linear).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from .. import units
from ..cell.cells import AnyCell
from ..errors import shown
from ..fields import Quantity, Strict, Temperature, Voltage, refuse, validate
from ..yaml_file import Content, load_columns
from .steps import (
    CHARGES,
    CURRENTS,
    POWERS,
    Control,
    ProfilePart,
    Step,
    _checked,
    _default,
    _quantity,
    in_amperes,
)

MAX_ROWS = 20_000
_HEADING = re.compile(r"\s*(.*?)\s*(?:\[(.*)\]|\((.*)\)|/ *(.*))\s*")
_BDF = {"test_time_second": "Test Time / s", "current_ampere": "Current / A"}
Table = dict[str, list[float]]
Values = Annotated[
    list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2)
]


class ProfileStep(Strict):
    """A profile, and what ends it."""

    profile: StrictStr | dict[StrictStr, Values]
    interpolation: Literal["linear", "stepwise"] = "linear"
    scale: Annotated[float, Quantity("dimensionless")] = 1.0
    repeat: StrictBool = False
    lower: Voltage | None = None
    upper: Voltage | None = None
    until: StrictStr | None = None
    time: Annotated[float, Quantity("time", gt=0, lt=1e10)] | None = None
    temperature: Temperature | None = None


def read_profile(name: str, folder: Path, columns: int | None = 2) -> Table:
    """Return the two columns of a CSV file, or any number, by their headings."""
    path = Path(name)
    if path.suffix != ".csv" or path.is_absolute() or ".." in path.parts:
        raise ValueError(
            f"'{shown(name)}' must name a .csv file in the folder of the experiment"
        )
    headings, values = load_columns(folder / path, columns)
    if len(headings) != (columns or len(values)):
        raise ValueError(
            f"{shown(name)}: has no heading; 'Time [s],Current [uA]' and its like say "
            "what it holds"
        )
    return dict(zip(headings, (c.tolist() for c in values), strict=True))


def parse_profile(given: Content, cell: AnyCell) -> Step:
    """Return a profile, the fields of :class:`ProfileStep`, as a step for a cell.

    A ValueError says in one sentence what is wrong with it.
    """
    fields = validate(ProfileStep, dict(given))
    table = fields.profile
    if isinstance(table, str):
        table = read_profile(table, Path())
        fields = validate(ProfileStep, {**given, "profile": table})
    if len(table) != 2:
        refuse("profile", "must have two columns, time and a control")
    (t_name, t), (name, v) = table.items()
    if len(t) != len(v) or len(t) > MAX_ROWS:
        refuse("profile", f"must have as many times as values, up to {MAX_ROWS:,}")
    bdf = t_name in _BDF or t_name.strip().lower().startswith("test time /")
    seconds, _ = _scale(_BDF.get(t_name, t_name), ("time",))
    factor, kind = _scale(_BDF.get(name, name), ("C-rate", *CURRENTS, *POWERS))
    control: Control = "power" if kind in POWERS else "current"
    factor *= in_amperes(1.0, kind, cell)
    factor *= -fields.scale if bdf else fields.scale
    straight = fields.interpolation == "linear"
    parts = _parts([seconds * a for a in t], [factor * b for b in v], straight)
    length = sum(part.duration for part in parts)
    mean = sum((abs(p.first) + abs(p.last)) / 2 * p.duration for p in parts) / length
    ends = (fields.lower, fields.upper, fields.until, fields.time)
    if fields.repeat and not any(end is not None for end in ends):
        refuse("repeat", "needs an end: lower, upper, until (a charge) or time")
    duration = fields.time or length
    if not fields.repeat:
        duration = min(duration, length)
    elif fields.time is None:
        duration = min(max(_default(control, mean, None, cell), length), 1e10)
    charge = None
    if fields.until is not None:
        charge = in_amperes(*_quantity(fields.until, CHARGES), cell)
        if charge <= 0:
            refuse("until", "the charge that ends it must be above 0")
    scale = given.get("scale", 1)
    step = Step(
        f"Profile {name}" + ("" if scale == 1 else f" times {scale}"),
        control,
        max((x for part in parts for x in (part.first, part.last)), key=abs),
        duration,
        timed=not fields.repeat or fields.time is not None,
        lower=fields.lower,
        upper=fields.upper,
        temperature=fields.temperature,
        charge=charge,
        profile=parts,
        repeat=fields.repeat,
    )
    return _checked(step, "the profile", cell)


def _scale(heading: str, dimensions: Sequence[str]) -> tuple[float, str]:
    """Return the unit of a heading in SI, and its dimension."""
    if "C-rate" in dimensions and heading.lower().startswith("c-rate"):
        return 1.0, "C-rate"
    found = _HEADING.fullmatch(heading)
    unit = next((u for u in (found.groups()[1:] if found else ()) if u), None)
    plain = [d for d in dimensions if d != "C-rate"]
    if unit is None:
        such = f"{plain[0].title()} [{units.sample(plain[0]).split(' ', 1)[1]}]"
        refuse("profile", f"'{shown(heading)}' has no unit; such as '{such}' would do")
    try:
        return units.quantity(f"1 {unit}", plain)
    except ValueError as error:
        refuse("profile", f"'{shown(heading)}': {error}")


def _parts(t: list[float], v: list[float], linear: bool) -> tuple[ProfilePart, ...]:
    """Return the parts of a profile; neighbours of one constant value are one."""
    found: list[ProfilePart] = []
    for k, ((a, b), (x, y)) in enumerate(zip(pairwise(t), pairwise(v), strict=True)):
        if not b >= a:
            refuse(
                "profile", f"time runs backwards at row {k + 2} ({b:g} s after {a:g} s)"
            )
        if b == a:  # a jump
            continue
        part = ProfilePart(b - a, x, y if linear else x)
        last = found[-1] if found else None
        if last and last.first == last.last == part.first == part.last:
            found[-1] = ProfilePart(last.duration + part.duration, x, x)
        else:
            found.append(part)
    if not found or not math.isfinite(sum(part.duration for part in found)):
        refuse("profile", "must last some time")
    if all(part.first == part.last == 0 for part in found):
        refuse("profile", "is 0 throughout; 'Rest for 1 hour' says so")
    return tuple(found)
