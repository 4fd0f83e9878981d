"""The protocol: what is done to a cell, step by step.

A step is a sentence in PyBaMM's words ("Discharge at 1C until 3.0 V", "Hold at 4.2 V
until C/20", "Rest for 1 hour") or a voltage ramp ("Sweep to 4.2 V at 0.1 mV/s"): a verb,
what is controlled, its ends in any order, a closing "at 60 degC".  Quantities are those
of the fields of a file (:mod:`tfbsim.units`), and PyBaMM, which takes longer to import
than a file to check, is not asked.  A profile (:mod:`.profile`) is a step too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from .. import units
from ..cell.cells import AnyCell
from ..errors import shown, suggest
from .frequencies import SPECTRUM, parse_frequencies

Control = Literal["current", "voltage", "power"]

EXAMPLES = (
    "'Charge at C/10 until 4.3 V', 'Discharge at 40 uA/cm2 until 3.0 V', "
    "'Hold at 4.2 V until C/20', 'Rest for 1 hour', 'Sweep to 4.2 V at 0.1 mV/s'"
)

# A default time limit, for a step that states none: long enough for three times the
# charge the whole film holds at the step's current.
DEFAULT_DURATION_FACTOR = 3.0
LEAST_VOLTAGE = 0.1  # V, that a power is taken to be drawn at


@dataclass(frozen=True)
class ProfilePart:
    """A part of a profile: the control goes straight from one value to another."""

    duration: float
    first: float
    last: float


@dataclass(frozen=True)
class Step:
    """One step for one cell, in SI; of many cells at once its numbers are arrays."""

    text: str  # The sentence it came from
    control: Control  # "current", "voltage" or "power"; a rest is a current of 0
    # Current [A], voltage [V] or power [W], discharge positive; of a ramp the voltage it
    # goes to, of a profile the value farthest from 0
    value: float
    duration: float  # Time limit [s]; of a ramp without a start, the longest it may take
    # Whether the sentence states the duration, so that reaching it is as asked
    timed: bool
    # Voltage that ends it [V]
    lower: float | None = None
    upper: float | None = None
    c_rate_cut_off: float | None = None  # |i|/one_c that ends a hold
    temperature: float | None = None  # Of the step [K]; None for the cell's
    # Charge exchanged since the start of the step that ends it [A.s]
    charge: float | None = None
    rate: float | None = None  # How fast the voltage of a ramp changes [V/s], above 0
    # Voltage where a ramp begins [V]; None for that of the cell then
    start: float | None = None
    profile: tuple[ProfilePart, ...] = ()  # Of a profile, its parts in turn
    # Whether a profile begins again at its end, until something else ends the step
    repeat: bool = False
    # Of a spectrum [Hz], which takes no time and leaves the cell as it is: at the voltage
    # that is held, or without current
    frequencies: tuple[float, ...] = ()

    @property
    def rest(self) -> bool:
        """Whether no current flows."""
        return self.control == "current" and not np.any(self.value)

    @property
    def constant(self) -> bool:
        """Whether the control keeps its value: neither a ramp nor a profile."""
        return self.rate is None and not self.profile

    @property
    def held(self) -> bool:
        """Whether a voltage is held."""
        return self.control == "voltage" and self.constant


@dataclass(frozen=True)
class EndOfLife:
    """An end of the cycling before all cycles are done."""

    QUANTITIES: ClassVar = {"capacity": (0, 100), "resistance": (100, 1e6)}  # bounds, %
    quantity: str  # "capacity" or "resistance", a key of ``QUANTITIES``
    # Of that of the first cycle of its kind; the capacity ends below, the resistance
    # above it
    share: float

    @classmethod
    def parse(cls, text: str) -> EndOfLife:
        """Return "capacity 80 %" as an end; ValueError says what would do."""
        word, _, share = text.strip().partition(" ")
        such = "an end is such as 'capacity 80 %' or 'resistance 200 %'"
        if word not in cls.QUANTITIES:
            raise ValueError(f"'{shown(text)}': {such}{suggest(word, cls.QUANTITIES)}")
        if not (found := re.fullmatch(r"([0-9.]+)\s*%(\s+of the first)?", share.strip())):
            raise ValueError(f"'{shown(text)}': {such}")
        value, (low, high) = float(found[1]), cls.QUANTITIES[word]
        if not low < value < high:
            bounds = f"between {low} and {high:g} % of the first cycle's"
            raise ValueError(f"'{shown(text)}': the {word} must be {bounds}")
        return cls(word, value / 100)

    def met(self, value: float, first: float) -> bool:
        """Return whether a value is beyond the end, given that of the first cycle."""
        limit = self.share * first
        return value < limit if self.quantity == "capacity" else value > limit


@dataclass(frozen=True)
class Protocol:
    """Steps of one cycle, repeated, after conditioning that is not recorded."""

    steps: tuple[Step, ...]  # One cycle
    cycles: int = 1  # How often
    conditioning: tuple[Step, ...] = ()  # One conditioning cycle
    conditioning_cycles: int = 1  # How often, before the first recorded cycle
    # Cycle that is run in place of the first and of every ``every``-th after it
    check_up: tuple[Step, ...] = ()
    every: int = 0  # 0 without check-ups
    until: EndOfLife | None = None  # What ends it before

    def is_check_up(self, number: int) -> bool:
        """Return whether a cycle, from 1, is a check-up."""
        return bool(self.check_up) and (number - 1) % self.every == 0

    def of(self, number: int) -> tuple[Step, ...]:
        """Return the steps of a cycle, from 1."""
        return self.check_up if self.is_check_up(number) else self.steps

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """Every step there is, once."""
        return (*self.conditioning, *self.check_up, *self.steps)

    @property
    def all_cycles(self) -> int:
        """Return the number of cycles, with those of the conditioning."""
        return self.cycles + (self.conditioning_cycles if self.conditioning else 0)


def least(one: float, other: float) -> float:
    """Return the smaller of two numbers, or of each two of arrays."""
    found = np.minimum(one, other)
    return found if np.ndim(found) else float(found)


# --- Quantities for a cell -----------------------------------------------------------

CURRENTS = ("current", "current density", "specific current")
POWERS = ("power", "areal power")
CHARGES = ("charge", "areal charge", "specific charge")
_SHARE = re.compile(r"([0-9.]+(?:e[+-]?[0-9]+)?)\s*%\s*of\s*1\s*C", re.IGNORECASE)


def in_amperes(value: float, kind: str, cell: AnyCell) -> float:
    """Return a current, charge or power in A, A.s or W, of the cell's area or mass."""
    if kind in ("C-rate", "share of 1C"):
        return value * cell.one_c_current
    area = cell.area
    if kind in ("current density", "areal charge", "areal power"):
        return value * area
    if kind.startswith("specific"):  # per gram of the whole film, as in the summary
        return value * cell.loading * area
    return value


@lru_cache(maxsize=10_000)  # the points of a sweep share their sentences
def _quantity(text: str, dimensions: tuple[str, ...]) -> tuple[float, str]:
    """Return a quantity and its dimension; that of a C-rate is "C-rate"."""
    rate = units.c_rate(text)
    if rate is not None and "C-rate" in dimensions:
        return rate, "C-rate"
    if (share := _SHARE.fullmatch(text.strip())) and "charge" in dimensions:
        return 36 * units.parse(share[1], "dimensionless"), "share of 1C"
    return units.quantity(text, [d for d in dimensions if d != "C-rate"])


# --- Sentences -----------------------------------------------------------------------

_VERBS = ("charge", "discharge", "hold", "rest", "sweep")
_KEYWORD = re.compile(r"\s+(?:or\s+)?(until|for|at|to|from)\s+", re.IGNORECASE)


def parse_step(text: str, cell: AnyCell, temperature: object = None) -> Step:
    """Return a sentence, as "Discharge at C/10 until 3.0 V", as a step for a cell.

    The temperature of the step is such as "60 degC", or a number in K.  A ValueError says
    what is wrong with the sentence, and what would do.
    """
    sentence = " ".join(text.split())
    if len(sentence) > 200:
        raise ValueError("a step is a sentence of at most 200 characters")
    quoted = f"'{shown(text)}'"
    if sentence[:4].lower().rstrip(" ,") == "eis":
        return _checked(_spectrum(text, sentence[3:], temperature), quoted, cell)
    verb, parts, ends = _taken_apart(sentence, quoted)
    if "temperature" in parts and temperature is not None:
        raise ValueError("the temperature is given twice")
    T = _temperature(parts.get("temperature", temperature))
    try:
        step = _step(text, verb, parts, ends, cell)
    except ValueError as error:
        reason = str(error).removesuffix(".")
        raise ValueError(f"{quoted} cannot be read as a step: {reason}") from None
    return _checked(replace(step, temperature=T), quoted, cell)


def _spectrum(text: str, sentence: str, temperature: object) -> Step:
    """Return "[at VOLTAGE,] [FREQUENCIES] [at TEMPERATURE]" as a step."""
    sentence, value = sentence.strip(" ,"), None
    at_once = re.fullmatch(
        r"at\s+([^,]+?)(?:\s*,\s*(.*)|\s+(from\s.*))?", sentence, re.IGNORECASE
    )
    try:
        if at_once is not None:
            value = units.parse(at_once[1], "voltage")
            sentence = at_once[2] or at_once[3] or ""
        head, closing, last = re.sub(r"(?i)\bat\b", "at", sentence).rpartition("at ")
        if closing:
            if temperature is not None:
                raise ValueError("the temperature is given twice")
            sentence, temperature = head.strip(" ,"), last
        sentence = re.sub(r"(?i)^from\s+", "", sentence) or SPECTRUM
        frequencies = parse_frequencies(sentence)
    except ValueError as error:
        such = f"a spectrum is such as 'EIS at 3.9 V, {SPECTRUM}'"
        message = f"'{shown(text)}' cannot be read as a step: {error}; {such}"
        raise ValueError(message) from None
    control: Control = "current" if value is None else "voltage"
    T = _temperature(temperature)
    step = Step(text, control, value or 0.0, 0.0, True, temperature=T)
    return replace(step, frequencies=frequencies)


def _temperature(given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, int | float) and not isinstance(given, bool):
        T = float(given)
    else:
        T = units.parse(given, "temperature")
    if not 150 <= T <= 700:
        raise ValueError(f"'{shown(given)}' is not a temperature a cell runs at")
    return T


@lru_cache(maxsize=10_000)
def _taken_apart(
    sentence: str, quoted: str
) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """Return the verb of a sentence, its parts by name, and its ends.

    The keywords come in any order; a part is "at", "to", "start", "time" or
    "temperature".
    """
    head, *rest = _KEYWORD.split(sentence)
    verb, _, strange = head.lower().partition(" ")
    if verb not in _VERBS:
        hint = suggest(verb, _VERBS) if verb else ""
        raise ValueError(
            f"{quoted} is not a step{hint or f'; steps are such as {EXAMPLES}'}"
        )

    def wrong(reason: str) -> ValueError:
        message = f"{quoted} cannot be read as a step ({reason}); steps are such as "
        return ValueError(message + EXAMPLES)

    if strange:
        raise wrong(f"'{strange}' is not understood")
    found: dict[str, str] = {}
    ends: list[str] = []
    for keyword, argument in zip(rest[::2], rest[1::2], strict=True):
        name = {"for": "time", "from": "start"}.get(keyword.lower(), keyword.lower())
        if name == "until":
            ends += re.split(r"\s+or\s+", argument)
            continue
        if name == "at" and (verb == "rest" or "at" in found):
            name = "temperature"
        if name in found:
            raise wrong(f"it says '{keyword}' twice")
        if name in ("to", "start") and verb != "sweep":
            raise wrong(f"'{keyword}' goes with a sweep")
        found[name] = argument
    if verb not in ("rest", "sweep") and "at" not in found:
        raise wrong(f"what it {verb}s at is missing")
    if verb == "sweep" and not {"to", "at"} <= found.keys():
        raise wrong("a sweep goes to a voltage, at a rate")
    if not ends and "time" not in found and verb != "sweep":
        raise wrong("it needs an end, 'until ...' or 'for ...'")
    return verb, found, tuple(ends)


def _step(
    text: str, verb: str, parts: dict[str, str], until: Sequence[str], cell: AnyCell
) -> Step:
    """Return the step that the parts of a sentence say, its limits not yet checked."""
    control: Control = "voltage" if verb in ("hold", "sweep") else "current"
    value, rate, start = 0.0, None, None
    if verb == "hold":
        value, kind = _quantity(parts["at"], ("voltage", "C-rate", *CURRENTS))
        if kind != "voltage":
            raise ValueError("only a voltage is held")
    elif verb == "sweep":
        value = units.parse(parts["to"], "voltage")
        rate = units.parse(parts["at"], "voltage rate")
        if rate <= 0:
            raise ValueError("the rate must be above 0; the voltages say which way")
        start = units.parse(parts["start"], "voltage") if "start" in parts else None
        if start == value:
            raise ValueError("it ends where it begins")
    elif verb != "rest":
        if parts["at"].startswith("-"):
            raise ValueError("say charge or discharge, with a value above 0")
        known = ("C-rate", *CURRENTS, *POWERS, "voltage")
        value, kind = _quantity(parts["at"], known)
        if kind == "voltage":
            raise ValueError("a voltage is held: 'Hold at 4.2 V until C/20'")
        if value == 0:
            raise ValueError("no current at all is 'Rest for 1 hour'")
        control = "power" if kind in POWERS else "current"
        value = (-1 if verb == "charge" else 1) * in_amperes(value, kind, cell)

    found = _ends(until, verb, cell)
    timed = "time" in parts
    if timed:
        duration = units.parse(parts["time"], "time")
        if not 0 < duration < 1e10:
            raise ValueError("the time must be above 0 and finite")
    elif rate is not None:
        low, high = cell.voltage_limits
        span = high - low if start is None else abs(value - start)
        duration, timed = span / rate, True
    else:
        duration = _default(control, value, found.get("c_rate_cut_off"), cell)
    charge = found.get("charge")
    # A time, where the current is constant
    if charge is not None and control == "current":
        whole = charge / abs(value)
        duration = least(duration, whole) if timed else whole
        timed = True
    lower, upper, cut_off = map(found.get, ("lower", "upper", "c_rate_cut_off"))
    ends = lower, upper, cut_off, None, charge, rate, start
    return Step(text, control, value, duration, timed, *ends)


def _ends(texts: Sequence[str], verb: str, cell: AnyCell) -> dict[str, float]:
    """Return what ends a step, by the name of its field."""
    found: dict[str, float] = {}
    for text in texts:
        if "%" in text and not _SHARE.fullmatch(text.strip()):
            raise ValueError("a share is one of 1C for an hour: 'until 80 % of 1C'")
        value, kind = _quantity(text, ("voltage", "C-rate", *CURRENTS, *CHARGES))
        if kind == "voltage":
            name, fits = "upper" if verb == "charge" else "lower", "charge" in verb
            lack = "a hold ends by a current, a rest by a time, a sweep at its voltage"
        elif kind in ("C-rate", *CURRENTS):
            name, fits = "c_rate_cut_off", verb == "hold"
            lack = "only a hold ends by its current"
            of_zero = "a hold ends at a current above 0"
        else:
            name, fits = "charge", verb != "rest"
            lack = "a rest ends by a time: no charge flows"
            of_zero = "the charge that ends it must be above 0"
        if not fits:
            raise ValueError(lack)
        if kind != "voltage" and value <= 0:
            raise ValueError(of_zero)
        if kind not in ("voltage", "C-rate"):
            value = in_amperes(value, kind, cell)
            value = value / cell.one_c_current if kind in CURRENTS else value
        if name in found:
            raise ValueError(f"'{shown(text)}' is a second end of its kind")
        found[name] = value
    return found


def _checked(step: Step, quoted: str, cell: AnyCell) -> Step:
    """Return a step whose voltages the cell allows."""
    low, high = cell.voltage_limits
    held = (step.value, step.start) if step.control == "voltage" else ()
    for voltage in (step.lower, step.upper, *held):
        if voltage is not None and not low <= voltage <= high:
            limits = f"outside the cell's voltage_limits, {low:g} to {high:g} V"
            raise ValueError(f"{quoted}: {voltage:g} V is {limits}")
    if step.lower is not None and step.upper is not None and step.lower >= step.upper:
        order = f"{step.lower:g} V is not below the upper one {step.upper:g} V"
        raise ValueError(f"{quoted}: the lower cut-off {order}")
    for number in (step.value, step.duration, step.charge):
        if number is not None and not np.all(np.isfinite(number)):
            raise ValueError(f"{quoted}: the value is not finite")
    return step


def _default(control: str, value: float, cut_off: float | None, cell: AnyCell) -> float:
    """Time limit of a step that states none [s]."""
    charge = cell.theoretical_charge * cell.area
    if control == "voltage":
        current = (0.01 if cut_off is None else cut_off) * cell.one_c_current
    elif control == "power":
        U = cell.open_circuit_potential.curve(cell.x_initial)
        current = abs(value) / np.maximum(abs(U), LEAST_VOLTAGE)
    else:
        current = abs(value)
    if not np.all(current):
        return math.inf
    duration = DEFAULT_DURATION_FACTOR * charge / current
    return duration if np.ndim(duration) else float(duration)
