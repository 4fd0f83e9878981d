"""The protocol: what is done to a cell, step by step.

A step is a sentence in PyBaMM's own form ("Discharge at 1C until 3.0 V", "Hold at 4.2 V
until C/20", "Rest for 1 hour"), with uA, uA/cm2, uW, uW/cm2 and a closing "at 60 degC"
besides.  Those quantities are rewritten and :func:`pybamm.step.string` parses the rest:
there is no grammar of our own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import pybamm

from .. import units
from ..cell.cell import Cell
from ..errors import shown

Control = Literal["current", "voltage", "power"]

EXAMPLES = (
    "'Charge at C/10 until 4.3 V', 'Discharge at 40 uA/cm2 until 3.0 V', "
    "'Hold at 4.2 V until C/20', 'Rest for 1 hour'"
)
MAX_STEPS = 100_000

# A default time limit, for a step that states none: long enough for three times the
# charge the whole film holds at the step's current.
DEFAULT_DURATION_FACTOR = 3.0
LEAST_VOLTAGE = 0.1  # V, that a power is taken to be drawn at


@dataclass(frozen=True)
class Step:
    """One step for one cell, in SI.

    Parameters
    ----------
    text : str
        The sentence it came from.
    control : str
        "current", "voltage" or "power"; a rest is a current of 0.
    value : float
        Current [A], voltage [V] or power [W]; discharge positive.
    duration : float
        Time limit [s].
    timed : bool
        Whether the sentence states the duration, so that reaching it is as asked.
    lower, upper : float or None
        Voltage that ends it [V].
    c_rate_cut_off : float or None
        |i|/one_c that ends a hold.
    temperature : float or None
        Of the step [K]; None for the cell's.
    """

    text: str
    control: Control
    value: float
    duration: float
    timed: bool
    lower: float | None = None
    upper: float | None = None
    c_rate_cut_off: float | None = None
    temperature: float | None = None

    @property
    def rest(self) -> bool:
        """Whether no current flows."""
        return self.control == "current" and self.value == 0


@dataclass(frozen=True)
class Protocol:
    """Steps of one cycle, repeated, after conditioning that is not recorded.

    Parameters
    ----------
    steps : tuple of Step
        One cycle.
    cycles : int
        How often.
    conditioning : tuple of Step
        One conditioning cycle.
    conditioning_cycles : int
        How often, before the first recorded cycle.
    """

    steps: tuple[Step, ...]
    cycles: int = 1
    conditioning: tuple[Step, ...] = ()
    conditioning_cycles: int = 1

    @property
    def all_cycles(self) -> int:
        """With those of the conditioning."""
        return self.cycles + (self.conditioning_cycles if self.conditioning else 0)


_NUMBER = r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?"
# Quantities PyBaMM's sentences do not know, or read in their own way
_CURRENT = re.compile(
    rf"({_NUMBER})\s*((?:[nuµμm]?A|[nuµμm]?W)(?:\s*[/.]\s*(?:c?m2|c?m-2|c?m\^2))?)(?![\w/])"
)
_TEMPERATURE = re.compile(r"\s+at\s+(-?[0-9.]+)\s*(degC|°C|oC|K)\s*$")
# PyBaMM wants the time first
_TIME_LAST = re.compile(r"^(.*?) until (.*?) or for (.*)$")
_WORDS = ("charge", "discharge", "hold", "rest")


def parse_step(text: str, cell: Cell, temperature: str | None = None) -> Step:
    """A sentence as a step for a cell.

    Parameters
    ----------
    text : str
        As "Discharge at C/10 until 3.0 V".
    cell : Cell
        Gives the area, 1C, and the default time limit.
    temperature : str, optional
        Of the step, such as "60 degC".

    Raises
    ------
    ValueError
        One sentence: what is wrong with it, and what would do.
    """
    sentence = " ".join(text.split())
    if len(sentence) > 200:
        raise ValueError("a step is a sentence of at most 200 characters")
    closing = _TEMPERATURE.search(sentence)
    if closing:
        if temperature is not None:
            raise ValueError("the temperature is given twice")
        temperature = f"{closing[1]} {closing[2].replace('oC', 'degC')}"
        sentence = sentence[: closing.start()]
    T = None if temperature is None else units.parse(temperature, "temperature")
    if T is not None and not 150 <= T <= 700:
        raise ValueError(f"'{temperature}' is not a temperature a cell runs at")

    quoted = f"'{shown(text)}'"
    plain, step = _read(sentence, quoted, float(cell.area))
    return _checked(step, quoted, text, plain, cell, T)


@lru_cache(maxsize=10_000)  # the points of a sweep share their sentences
def _read(sentence: str, quoted: str, area: float) -> tuple[str, Any]:
    """A sentence in PyBaMM's words, and PyBaMM's step, for an area [m2]."""
    plain = _CURRENT.sub(lambda m: _absolute(m[1], m[2], area), sentence)
    plain = _TIME_LAST.sub(r"\1 for \3 or until \2", plain)
    plain = plain[:1].upper() + plain[1:]
    if plain.split(" ")[0].lower() not in _WORDS:
        raise ValueError(f"{quoted} is not a step; steps are such as {EXAMPLES}")
    try:
        return plain, pybamm.step.string(plain)
    except Exception as error:  # PyBaMM lets slip IndexError and its like
        reason = str(error).split(". For")[0].split("For example")[0].strip().rstrip(".")
        known = isinstance(error, ValueError) and not re.search(
            "unpack|could not convert", reason
        )
        because = f" ({reason})" if known and len(reason) < 90 else ""
        raise ValueError(
            f"{quoted} cannot be read as a step{because}; steps are such as {EXAMPLES}"
        ) from None


def _absolute(number: str, unit: str, area: float) -> str:
    """A current or power, per area or not, as PyBaMM's "x A" or "x W"."""
    unit = unit.replace(" ", "").replace(".", "/").replace("^", "").replace("-2", "2")
    kind = {"A": "current", "W": "power"}[unit.split("/")[0][-1]]
    if "/" in unit:
        dimension = {"current": "current density", "power": "areal power"}[kind]
        value = units.parse(f"{number} {unit}", dimension) * area
    else:
        value = units.parse(f"{number} {unit}", kind)
    return f"{value!r} {unit.split('/')[0][-1]}"


def _checked(
    step: Any, quoted: str, text: str, plain: str, cell: Cell, temperature: float | None
) -> Step:
    kinds = pybamm.step
    if isinstance(step, kinds.CRate):
        control: Control = "current"
        value = float(step.value) * cell.one_c_current
    elif isinstance(step, kinds.Current):
        control, value = "current", float(step.value)
    elif isinstance(step, kinds.Voltage):
        control, value = "voltage", float(step.value)
        if not plain.startswith("Hold"):
            raise ValueError(f"{quoted}: a voltage is held: 'Hold at 4.2 V until C/20'")
    elif isinstance(step, kinds.Power):
        control, value = "power", float(step.value)
    else:
        raise ValueError(f"{quoted}: a step controls a current, a voltage or a power")
    if plain.startswith("Hold") and control != "voltage":
        raise ValueError(f"{quoted}: only a voltage is held")
    if not math.isfinite(value):
        raise ValueError(f"{quoted}: the value is not finite")
    if control != "voltage" and value == 0 and not plain.startswith("Rest"):
        raise ValueError(f"{quoted}: no current at all is 'Rest for 1 hour'")

    direction = -1 if plain.startswith("Charge") else 1
    if control != "voltage" and value * direction < 0:
        raise ValueError(f"{quoted}: say charge or discharge, with a value above 0")
    lower = upper = cut_off = None
    for end in step.termination:
        limit = float(end.value)
        if isinstance(end, kinds.step_termination.VoltageTermination):
            if control == "voltage" or value == 0:
                raise ValueError(f"{quoted}: a hold ends by a current, a rest by a time")
            lower, upper = (limit, None) if value > 0 else (None, limit)
        elif control == "voltage":
            cut_off = limit
            if isinstance(end, kinds.step_termination.CurrentTermination):
                cut_off = limit / cell.one_c_current
            if cut_off <= 0:
                raise ValueError(f"{quoted}: a hold ends at a current above 0")
        else:
            raise ValueError(f"{quoted}: only a hold ends by its current")

    low, high = cell.voltage_limits
    volts = (lower, upper, value if control == "voltage" else None)
    for voltage in volts:
        if voltage is not None and not low <= voltage <= high:
            raise ValueError(
                f"{quoted}: {voltage:g} V is outside the cell's voltage_limits, {low:g} "
                f"to {high:g} V"
            )

    timed = step.input_duration is not None
    duration = float(step.duration) if timed else _default(control, value, cut_off, cell)
    if timed and not 0 < duration < 1e10:
        raise ValueError(f"{quoted}: the time must be above 0 and finite")
    return Step(text, control, value, duration, timed, lower, upper, cut_off, temperature)


def _default(control: str, value: float, cut_off: float | None, cell: Cell) -> float:
    """Time limit of a step that states none [s]."""
    charge = cell.theoretical_charge * float(cell.area)
    if control == "voltage":
        current = (cut_off or 0.01) * cell.one_c_current
    elif control == "power":
        U = cell.cathode.open_circuit_potential.curve(cell.cathode.x_initial)
        current = abs(value) / max(abs(float(U)), LEAST_VOLTAGE)
    else:
        current = abs(value)
    return float(DEFAULT_DURATION_FACTOR * charge / current)


def parse_cycle(steps: Sequence[Any], cell: Cell) -> tuple[Step, ...]:
    """One cycle: sentences, ``(sentence, temperature)`` pairs or Steps.

    Raises
    ------
    ValueError
        As :func:`parse_step`, with the position in ``args[1]``.
    """
    parsed: list[Step] = []
    known: dict[Any, Step] = {}  # a group repeats its sentences thousands of times
    for k, step in enumerate(steps):
        if isinstance(step, Step):
            parsed.append(step)
            continue
        text, temperature = step if isinstance(step, tuple) else (step, None)
        if not isinstance(text, str):
            raise ValueError(f"'{shown(str(text))}' is not a sentence", k)
        if (text, temperature) not in known:
            try:
                known[text, temperature] = parse_step(text, cell, temperature)
            except ValueError as error:
                raise ValueError(str(error), k) from None
        parsed.append(known[text, temperature])
    _check_window(parsed)
    return tuple(parsed)


def _check_window(steps: Sequence[Step]) -> None:
    """A lower cut-off at or above an upper one cannot be meant."""
    lower = [(s.lower, k) for k, s in enumerate(steps) if s.lower is not None]
    upper = [s.upper for s in steps if s.upper is not None]
    if not lower or not upper:
        return
    worst = max(lower)
    if worst[0] >= min(upper):
        raise ValueError(
            f"the lower cut-off {worst[0]:g} V is not below the upper one "
            f"{min(upper):g} V",
            worst[1],
        )
