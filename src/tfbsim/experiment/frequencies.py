"""Frequencies of a spectrum, as they are written: "10 mHz to 800 kHz, 10 per decade"."""

from __future__ import annotations

import math
import re

from .. import units
from ..errors import shown

RANGE = 1e-6, 1e9  # Hz
PER_DECADE = 10
MOST_PER_DECADE = 1000
SPECTRUM = "10 mHz to 1 MHz, 10 per decade"  # where none is stated
EXAMPLE = f"'{SPECTRUM}'"
_SENTENCE = re.compile(
    r"(?P<low>[^,]+?)(?:\s+to\s+(?P<high>[^,]+?))?"
    r"(?:\s*,?\s*\b(?P<number>\S+)\s+(?:points\s+)?per\s+decade)?",
    re.IGNORECASE,
)


def parse_frequencies(text: str) -> tuple[float, ...]:
    """Return the frequencies of a sentence, from high to low [Hz].

    It is a range as "10 mHz to 800 kHz, 10 per decade", or one frequency; a ValueError
    says what is wrong with it, and what would do.
    """
    found = _SENTENCE.fullmatch(" ".join(text.split()))
    if found is None:
        raise ValueError(
            f"'{shown(text)}' is no range of frequencies; {EXAMPLE} would do"
        )
    low = checked(units.parse(found["low"], "frequency"))
    number = found["number"]
    if number is not None and not (
        number.isdecimal() and 1 <= int(number) <= MOST_PER_DECADE
    ):
        raise ValueError(
            f"'{shown(number)}' per decade is out of range; a whole number from 1 to "
            f"{MOST_PER_DECADE} would do"
        )
    if found["high"] is None:
        if number is not None:
            raise ValueError(f"a range has two ends: {EXAMPLE}")
        return (low,)
    high = checked(units.parse(found["high"], "frequency"))
    if low >= high:
        a, b = found["low"], found["high"]
        hint = f"is reversed; '{b} to {a}' would do" if low > high else "has no width"
        raise ValueError(f"the range '{a} to {b}' {hint}")
    return decades(low, high, int(number or PER_DECADE))


def decades(low: float, high: float, per_decade: int = PER_DECADE) -> tuple[float, ...]:
    """Return frequencies from high to low [Hz], both ends included."""
    steps = max(1, round(per_decade * math.log10(high / low)))
    between = (high * (low / high) ** (k / steps) for k in range(1, steps))
    return (high, *between, low)


def checked(frequency: float) -> float:
    """Return a frequency [Hz] that a spectrum may have; ValueError of another."""
    low, high = RANGE
    if low <= frequency <= high:
        return frequency
    raise ValueError(
        f"{frequency:g} Hz is out of range; a frequency is above 0, from {low:g} to "
        f"{high:g} Hz"
    )
