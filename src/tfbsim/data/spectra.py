"""Impedance spectra: frequency, and both parts of Z or its size and phase."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from ..errors import count
from .headings import factor, heading
from .measured import Array, Spectrum
from .table import File, Quantity, Table

DECADES = (1e-6, 1e12)  # Hz, of a frequency that can be meant
LEAST_VOLTAGE = 1e-3  # V; less is no cell's: a bias is then counted from open circuit
# A line of a preamble that states the voltage or temperature of all that follows: "OCV:
# 3.9 V"; Gamry's "VDC<tab>POTEN<tab>3.9<tab>F<tab>DC Voltage", where T counts from EOC
_STATED = {
    role: re.compile(
        rf"^[\W_]*(?:{words})\b(?!.*\tT\tDC)[ _]*([(\[][^)\]\n]*[)\]])?\s*"
        r"(?:POTEN|QUANT)?[ \t]*[:=\t,; ][ \t]*([-+]?\d+(?:[.,]\d+)?(?:e[-+]?\d+)?)"
        r"[ \t]*([m°]?[VCK]|degC)?\b",
        re.IGNORECASE | re.MULTILINE,
    )
    for role, words in {
        "voltage": r"(?:dc|cell|applied)?[ _]*(?:voltage|potential|bias)|oc[vp]|e_?oc|ewe"
        r"|[ve][ _]?dc|open[ -]circuit[ _](?:voltage|potential)",
        "temperature": r"(?:cell|ambient|sample)?[ _]*temp(?:erature)?",
    }.items()
}


def frequencies(table: Table) -> Array | None:
    """Return the frequency of each row [Hz], NaN where none; None if no row has one."""
    if "frequency" not in table.columns:
        return None
    f = table.hertz()
    f[~((f > DECADES[0]) & (f < DECADES[1]))] = np.nan
    return f if np.isfinite(f).any() else None


def spectra(table: Table, f: Array) -> tuple[Spectrum, ...]:
    """Return the spectra of a table, each a run through the frequencies.

    f is the frequency of each row [Hz], NaN where it is none of a spectrum.
    """
    file, Z = table.file, _impedance(table)
    known = np.isfinite(Z) & np.isfinite(f) & (Z != 0)
    if lost := int((np.isfinite(f) & ~known).sum()):
        file.note(f"Left out {count(lost, 'frequency')} without an impedance.")
    f, Z = f[known], Z[known]
    if len(f) < 3:
        raise file.error("holds fewer than 3 frequencies")
    if np.mean(Z.imag > 0) > 0.8:
        file.note(
            "The imaginary part is above 0 almost throughout: taken as -Im Z, for a cell "
            "is capacitive."
        )
        Z = Z.conj()
    if (Z.real < 0).mean() > 0.2:
        file.note("The real part is below 0 at many frequencies: check the columns.")
    stated = [_stated(table, role)[known] for role in ("voltage", "temperature")]
    direction = np.sign(f[1] - f[0]) or -1.0
    again = np.flatnonzero(np.sign(np.diff(f)) == -direction) + 1
    edges = [0, *again.tolist(), len(f)]
    found: list[Spectrum] = []
    for a, b in [p for p in pairwise(edges) if p[1] - p[0] >= 3] or [(0, len(f))]:
        order = a + np.argsort(-f[a:b], kind="stable")
        medians = (float(np.median(s[a:b])) for s in stated)
        V, T = (x if np.isfinite(x) else None for x in medians)
        name = f"spectrum {len(found) + 1}"
        found.append(Spectrum(f[order], Z[order], name, V, T))
        _tell_inductive(f[order], Z[order], file)
    return tuple(found)


def _stated(table: Table, role: str) -> Array:
    """Return the voltage [V] or temperature [K] of each row, NaN where nothing has it.

    By the mapping, a column or the preamble.
    """
    how, rows = table.file.how, len(table.data)
    if (given := getattr(how, role)) is not None:
        return np.full(rows, given)
    found = table.optional(role)
    own = found.values if isinstance(found, Quantity) else np.zeros(1)
    if np.abs(np.nan_to_num(own)).max() >= LEAST_VOLTAGE:
        return own
    for bracket, value, behind in _STATED[role].findall(table.head):
        unit = behind or bracket.strip("()[]")
        number = float(value.replace(",", ".")) * (factor(unit, role) or (1.0,))[0]
        if role == "temperature":
            return np.full(rows, number + (0.0 if unit.upper() == "K" else 273.15))
        if abs(number) >= LEAST_VOLTAGE:
            return np.full(rows, number)
    return np.full(rows, np.nan)


def _tell_inductive(f: Array, Z: Array, file: File) -> None:
    """Tell where a spectrum, from high to low frequency, is inductive."""
    above = Z.imag > 0
    leads = int(np.argmin(above)) if not above.all() else len(above)
    if leads:
        henry = float(Z.imag[0] / (2 * np.pi * f[0])) * 1e4
        file.note(
            f"Inductive above {f[leads - 1]:.3g} Hz ({henry:.2g} H.cm2): kept, but a "
            "cell has no inductance; leads have."
        )
    if number := int(above[leads:].sum()):
        file.note(
            f"Of the lower frequencies {number} have an imaginary part above 0: kept, "
            "but a cell at rest is capacitive."
        )


def _impedance(table: Table) -> Array:
    """Return Z of each row [Ohm.m2]; a minus before a heading turns its sign."""
    columns = table.columns

    def sign(role: str) -> float:
        name = table.names[columns[role]].lstrip(" <(")
        return -1.0 if name.startswith(("-", "−", "–")) else 1.0

    if {"real", "imaginary"} <= columns.keys():
        parts = [table.quantity(role) for role in ("real", "imaginary")]
        real, imaginary = (table.file.per_area(q.values, q.dimension) for q in parts)
        return sign("real") * real + 1j * sign("imaginary") * imaginary
    phase = table.numbers(columns["phase"]) * sign("phase")
    if heading(table.names[columns["phase"]]).unit != "rad":
        phase = np.deg2rad(phase)
    return np.asarray(table.areal("modulus") * np.exp(1j * phase))
