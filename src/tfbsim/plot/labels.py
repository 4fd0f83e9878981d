"""What figures print: names, units, numbers, and the values that set a case apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from matplotlib.font_manager import findfont, get_font

PER_MASS, PER_AREA = "(mAh g⁻¹)", "(µAh cm⁻²)"
CELL = "Name of the cell"  # not a column of the summary, but told apart like one
Value: TypeAlias = str | float | None  # of a column of the summary; None where missing
Key: TypeAlias = tuple[Value, ...]


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def text(words: object, limit: int = 36) -> str:
    """Return text that matplotlib may print: no mathtext, no missing glyphs."""
    known = "".join(c if ord(c) in _glyphs() else " " for c in str(words))
    short = _shortened(known, limit)
    # a leading underscore would keep it out of a legend
    return (" " + short if short.startswith("_") else short).replace("$", r"\$")


def _shortened(words: str, limit: int) -> str:
    return words if len(words) <= limit else words[: limit - 1] + "…"


def short_names(names: Sequence[str], limit: int = 24) -> list[str]:
    """Return names of cells, each up to the part ("cathode | electrolyte | ...") that
    suffices to tell them apart."""
    parts = [re.split(r"\s*\|\s*", name) for name in names]
    short = list(names)
    for k in range(max(map(len, parts)), 0, -1):
        fewer = [" | ".join(p[:k]) for p in parts]
        if len(set(fewer)) == len(names):
            short = fewer
    cut = [_shortened(name, limit) for name in short]
    if len(set(cut)) == len(cut):
        return cut
    return [f"{k}. {name}" for k, name in enumerate(cut, start=1)]


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _unit(unit: str) -> str:
    """Return PyBaMM's uA.h.cm-2 as a paper prints it: µAh cm⁻²."""
    parts = []
    for part in unit.replace("A.h", "Ah").replace("W.h", "Wh").split("."):
        found = re.fullmatch(r"([A-Za-z%]+)(-?\d+)?", part)
        if not found:
            return text(unit)
        name, power = found.groups()
        name = re.sub("^u", "µ", name).replace("Ohm", "Ω").replace("degC", "°C")
        parts.append(name + (power or "").translate(_SUPERSCRIPT))
    return " ".join(parts)


def split_unit(column: str) -> tuple[str, str]:
    """Name and unit of a column."""
    found = re.fullmatch(r"(.*) \[([^\]]*)\]", column)
    return (found[1], _unit(found[2])) if found else (column, "")


def axis_label(column: str) -> str:
    """Return a column as the label of an axis: Cathode thickness (µm)."""
    name, unit = split_unit(column)
    words = text(re.sub(r"[._]+", " ", name))
    return words[:1].upper() + words[1:] + (f" ({unit})" if unit else "")


def slug(column: str) -> str:
    """Return a column as part of a file name."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", split_unit(column)[0]).strip("-.")
    return (name if "." in name else name.lower())[:60] or "value"


def rate(value: float) -> str:
    inverse = 1 / value if value > 0 else 0.0
    if inverse > 1.5 and abs(inverse - round(inverse)) < 1e-6 * inverse:
        return f"C/{round(inverse)}"
    return f"{value:.3g}C"


def number(value: float) -> str:
    """Return a number in three digits; far from one as a power of ten: 3×10⁻⁶."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{float(f'{value:.3g}'):g}"
    digits, power = f"{value:.2e}".split("e")
    raised = "10" + str(int(power)).translate(_SUPERSCRIPT)
    factor = f"{float(digits):g}"
    return raised if factor == "1" else f"{factor}×{raised}"


def volt(value: float) -> str:
    """Return a cut-off with one decimal, or the more it has: 3.0, 4.25."""
    words = f"{value:.4f}".rstrip("0")
    return words + "0" if words.endswith(".") else words


def _value(column: str, value: Value) -> str:
    if not isinstance(value, int | float):
        return text(value)
    if column in ("C-rate", "Charge C-rate"):
        return rate(value)
    return f"{number(value)} {split_unit(column)[1]}".strip()


def key_label(columns: Sequence[str], key: Sequence[Value]) -> str:
    """Return the values that set a group apart, a window as 3.0–4.2 V."""
    given = {c: v for c, v in zip(columns, key, strict=True) if not missing(v)}
    ends = (given.pop(f"{end} cut-off [V]", None) for end in ("Lower", "Upper"))
    low, high = ("" if end is None else volt(float(end)) for end in ends)
    texts = [_value(c, v) for c, v in given.items()]
    if low and high:
        texts.append(f"{low}–{high} V")
    elif low or high:
        texts.append(f"from {low} V" if low else f"to {high} V")
    return ", ".join(texts)


def title(columns: Sequence[str], key: Sequence[Value]) -> str:
    """Return the same for a panel: the cell in a line of its own."""
    n = int(CELL in columns[:1])
    lines = key_label(columns[:n], key[:n]), key_label(columns[n:], key[n:])
    return "\n".join(filter(None, lines))


def missing(value: object) -> bool:
    """Return whether a value is None or NaN."""
    return value is None or (isinstance(value, float) and np.isnan(value))
