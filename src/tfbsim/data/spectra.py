"""Impedance spectra: frequency, and both parts of Z or its size and phase."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from ..errors import InputError, count
from .cells import Array, numbers
from .columns import find_columns, frequency, quantity
from .headings import factor, heading
from .mapping import Mapping
from .measured import Spectrum
from .remarks import Remarks
from .table import Table
from .units_per_area import PerArea

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


def frequencies(table: Table, mapping: Mapping) -> Array | None:
    """Return the frequency of each row [Hz], NaN where none; None if no row has one."""
    columns = find_columns(table, mapping)
    if "frequency" not in columns:
        return None
    f = frequency(table, columns["frequency"])
    f[~((f > DECADES[0]) & (f < DECADES[1]))] = np.nan
    return f if np.isfinite(f).any() else None


def spectra(
    table: Table, f: Array, mapping: Mapping, per_area: PerArea, remarks: Remarks
) -> tuple[Spectrum, ...]:
    """Return the spectra of a table, each a run through the frequencies.

    Parameters
    ----------
    table : Table
        With frequency and impedance.
    f : ndarray
        Of each row [Hz]; NaN where it is none of a spectrum.
    mapping, per_area, remarks
        As of :func:`tfbsim.data.record.record`.

    Raises
    ------
    InputError
        Fewer than 3 frequencies.
    """
    Z = _impedance(table, mapping, per_area)
    known = np.isfinite(Z) & np.isfinite(f) & (Z != 0)
    if lost := int((np.isfinite(f) & ~known).sum()):
        remarks.note(f"Left out {count(lost, 'frequency')} without an impedance.")
    f, Z = f[known], Z[known]
    if len(f) < 3:
        raise InputError("holds fewer than 3 frequencies", table.path)
    if np.mean(Z.imag > 0) > 0.8:
        remarks.note(
            "The imaginary part is above 0 almost throughout: taken as -Im Z, for a cell "
            "is capacitive."
        )
        Z = Z.conj()
    if (Z.real < 0).mean() > 0.2:
        remarks.note("The real part is below 0 at many frequencies: check the columns.")
    stated = {role: _stated(table, role, known, mapping) for role in _STATED}
    direction = np.sign(f[1] - f[0]) or -1.0
    again = np.flatnonzero(np.sign(np.diff(f)) == -direction) + 1
    edges = [0, *again.tolist(), len(f)]
    parts = [(a, b) for a, b in pairwise(edges) if b - a >= 3] or [(0, len(f))]
    found = []
    for number, (a, b) in enumerate(parts, start=1):
        order = np.argsort(-f[a:b], kind="stable")
        at = f[a:b][order], Z[a:b][order]
        V, T = (None if s is None else float(np.median(s[a:b])) for s in stated.values())
        V, T = (None if x is None or not np.isfinite(x) else x for x in (V, T))
        found.append(Spectrum(*at, f"spectrum {number}", V, T))
        _inductive(*at, remarks)
    return tuple(found)


def _stated(table: Table, role: str, known: Array, mapping: Mapping) -> Array | None:
    """Return the voltage [V] or temperature [K] of each point of a spectrum.

    By the mapping, a column or the preamble; None where none of them has it.
    """
    if (given := getattr(mapping, role)) is not None:
        return np.full(int(known.sum()), given)
    columns = find_columns(table, mapping)
    if role in columns:
        try:
            found = quantity(table, columns[role], role, mapping).values[known]
            if np.abs(np.nan_to_num(found)).max() >= LEAST_VOLTAGE:
                return found
        except InputError:
            if getattr(mapping.columns, role):
                raise
    for unit, value, behind in _STATED[role].findall(table.head):
        size = factor(behind or unit.strip("()[]"), role) or (1.0, role)
        number = float(value.replace(",", ".")) * size[0]
        if role == "temperature":
            number += 0.0 if (behind or unit.strip("()[]")).upper() == "K" else 273.15
        if role == "temperature" or abs(number) >= LEAST_VOLTAGE:
            return np.full(int(known.sum()), number)
    return None


def _inductive(f: Array, Z: Array, remarks: Remarks) -> None:
    """Say where a spectrum, from high to low frequency, is inductive."""
    above = Z.imag > 0
    leads = int(np.argmin(above)) if not above.all() else len(above)
    if leads:
        henry = float(Z.imag[0] / (2 * np.pi * f[0])) * 1e4
        remarks.note(
            f"Inductive above {f[leads - 1]:.3g} Hz ({henry:.2g} H.cm2): kept, but a "
            "cell has no inductance; leads have."
        )
    if number := int(above[leads:].sum()):
        remarks.note(
            f"Of the lower frequencies {number} have an imaginary part above 0: kept, "
            "but a cell at rest is capacitive."
        )


def _impedance(table: Table, mapping: Mapping, per_area: PerArea) -> Array:
    columns = find_columns(table, mapping)
    if {"real", "imaginary"} <= columns.keys():
        real = quantity(table, columns["real"], "real", mapping)
        imaginary = quantity(table, columns["imaginary"], "imaginary", mapping)
        a, b = (-1.0 if _minus(x.name) else 1.0 for x in (real, imaginary))
        return a * real.values * per_area(real.dimension) + b * 1j * (
            imaginary.values * per_area(imaginary.dimension)
        )
    size = quantity(table, columns["modulus"], "modulus", mapping)
    name = table.names[columns["phase"]]
    phase = numbers(table, columns["phase"]) * (-1.0 if _minus(name) else 1.0)
    if heading(name).unit != "rad":
        phase = np.deg2rad(phase)
    return size.values * per_area(size.dimension) * np.exp(1j * phase)


def _minus(name: str) -> bool:
    return name.lstrip(" <(").startswith(("-", "−", "–"))
