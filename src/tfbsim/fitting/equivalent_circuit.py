"""Equivalent circuits fitted to a spectrum, and its distribution of relaxation times.

Circuits and their elements are those of impedance.py, relaxation times those of
pyimpspec: an extra, for pyimpspec is under the GPL-3.  Both were tried on a spectrum with
0.5 % of noise, of two depressed arcs with a blocked Warburg element behind the second.
The fits of pyimpspec (5.2.0; ``leastsq`` and ``least_squares``) ended away from the true
values, with standard errors of capacitances far too small.  impedance.py
(1.7.1) found them, each within two standard errors; it takes seconds from a far start,
and has no relaxation times.  Values run over ten decades, so SciPy's least squares
searches in their logarithms here.

Arcs are constant phase elements beside resistances, a capacitance where the exponent
comes to 1.  Residuals are (Z - Z_fit)/|Z|, so every decade counts; intervals are those of
Student's t on the standard errors of the linearised fit, of the logarithm of a value.

References
----------
.. [1] M. D. Murbach et al., J. Open Source Softw. 5 (2020) 2349 (impedance.py).
.. [2] V. Yrjana, J. Open Source Softw. 7 (2022) 4808 (pyimpspec).
.. [3] A. L. Gavrilyuk, D. A. Osinkin, D. I. Bronin, Russ. J. Electrochem. 53 (2017) 575
   (relaxation times by Tikhonov regularisation and non-negative least squares).
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares, nnls
from scipy.stats import f as f_test
from scipy.stats import t as student

from ..errors import InputError, shown

Array = np.ndarray
ARCS, PEAKS = 3, 5  # arcs at most; relaxation times they may begin at
STARTS, AGREE = 4, 2  # fits of a circuit at most; that end alike, which is enough
IDEAL = 0.998  # exponent from which a constant phase element is a capacitance
KNOWN = 0.5  # relative standard error up to which a parameter is determined
ENOUGH = 40  # frequencies that a circuit is chosen by
FAR = 5.0  # times the least misfit
SMALL = 1e-6  # singular value over the largest, of a direction that nothing tells
EXACT = 1e-3  # misfit below which circuits describe a spectrum alike
EXAMPLE = "'R0-p(R1,CPE1)-p(R2-Wo1,C2)'"
FITTED = ("Spectrum", "Circuit", "Element", "Value", "Unit", "Low 95 %", "High 95 %")
TIME, GAMMA = "Time constant [s]", "Distribution [Ohm.cm2]"
UNITS = {"Ohm": "Ohm.cm2", "F": "F.cm-2", "H": "H.cm2", "sec": "s"}
UNITS |= {"Ohm^-1 sec^a": "S.s^n.cm-2", "Ohm sec^-1/2": "Ohm.cm2.s-0.5"}


@dataclass(frozen=True)
class EquivalentCircuit:
    """A circuit fitted to a spectrum.

    Parameters
    ----------
    description : str
        Elements in series, those side by side as p(,): ``R0-p(R1,C1)-p(R2-Wo2,CPE2)``.
    rows : list of tuple
        Element, value, unit, lower and upper end of the 95 % interval, per cm2.
    Z : ndarray of complex, shape (frequencies,)
        Of the circuit [Ohm.cm2].
    misfit : float
        Root of the mean square of |Z_fit - Z|/|Z|.
    determined : bool
        Whether the spectrum tells every value of it.
    """

    description: str
    rows: list[tuple[str, float, str, float, float]]
    Z: Array
    misfit: float
    determined: bool

    def table(self, label: str) -> pd.DataFrame:
        """Return the columns ``FITTED``, a row for each value."""
        rows = [(label, self.description, *row) for row in self.rows]
        return pd.DataFrame(rows, columns=list(FITTED))

    @property
    def undetermined(self) -> list[str]:
        """Elements that the spectrum does not tell."""
        return [name for name, value, _, _, high in self.rows if not high < 3 * value]


def _library(name: str) -> Any:
    """Return a package of the extra.

    Raises
    ------
    InputError
        It is not installed.
    """
    package = name.partition(".")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(name)
    except ImportError:
        what = {"pyimpspec": "relaxation times are worked out"}
        raise InputError(
            f"{what.get(package, 'an equivalent circuit is fitted')} by {package}, which "
            "is not installed: pip install 'tfbsim[circuit]'"
        ) from None


def relaxation_times(frequency: Array, Z: Array) -> tuple[Array, Array]:
    """Return time constants [s] and their distribution [Ohm.cm2 per ln(s)].

    Parameters
    ----------
    frequency : ndarray, shape (frequencies,)
        [Hz].
    Z : ndarray of complex, shape (frequencies,)
        [Ohm.cm2].

    Raises
    ------
    InputError
        pyimpspec is not installed, or finds none.
    """
    library = _library("pyimpspec")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = library.DataSet(frequencies=frequency, impedances=Z)
            found = library.calculate_drt(data, method="tr-nnls", num_procs=1)
            tau, gamma = (np.asarray(a, dtype=float) for a in found.get_drt_data())
        except Exception as error:  # whatever the library makes of a spectrum
            raise InputError(f"no relaxation times were found: {shown(error)}") from None
    return tau, gamma


def equivalent_circuit(
    frequency: Array, Z: Array, description: str | None = None
) -> EquivalentCircuit:
    """Fit a circuit to a spectrum.

    Parameters
    ----------
    frequency : ndarray, shape (frequencies,)
        [Hz].
    Z : ndarray of complex, shape (frequencies,)
        [Ohm.cm2].
    description : str, optional
        The circuit, as impedance.py writes it.  Without it, of circuits of up to ``ARCS``
        arcs, with and without diffusion behind the slowest, the one of least information
        criterion (BIC) whose values the spectrum determines; with an inductance in series
        where the spectrum shows one.

    Raises
    ------
    InputError
        impedance.py is not installed, the circuit is none, or no circuit fits.
    """
    fitting = _library("impedance.models.circuits.fitting")
    times = _peaks(frequency, Z)
    if description is not None:
        try:
            fit = _best(fitting, description, times, frequency, Z)
        except (ValueError, KeyError, IndexError, AttributeError, SyntaxError):
            raise InputError(
                f"'{shown(description)}' is no circuit; one such as {EXAMPLE} would do",
                field="--model",
            ) from None
        if fit is None:
            raise InputError("does not fit the spectrum", field="--model")
        return fit
    found: list[EquivalentCircuit] = []
    some = np.unique(np.linspace(0, len(Z) - 1, min(len(Z), ENOUGH)).astype(int))
    few = frequency[some], Z[some]
    best: EquivalentCircuit | None = None
    for number in range(ARCS + 1):
        before = best
        for name in _candidates(number, *few):
            fit = _best(fitting, name, times, *few)
            if fit is not None:
                found.append(_ideal(fitting, fit, *few))
        best = _chosen(found, few[0])
        if best is not None and ((number > 1 and best is before) or best.misfit < EXACT):
            break
    if best is None:
        raise InputError("no circuit could be fitted to the spectrum")
    start = [value for _, value, *_ in best.rows]
    return _fit(fitting, best.description, start, frequency, Z, 1e-12) or best


def _chosen(found: list[EquivalentCircuit], frequency: Array) -> EquivalentCircuit | None:
    """Return the circuit of least information criterion: of those that are determined,
    unless all of these are far off."""
    least = max(min((c.misfit for c in found), default=0.0), EXACT)
    known = [c for c in found if c.determined and c.misfit < FAR * least] or found
    return min(known, key=lambda c: _bic(c, len(frequency)), default=None)


def _best(
    fitting: Any, name: str, times: list[float], frequency: Array, Z: Array
) -> EquivalentCircuit | None:
    """Return the best of the fits from the starts that are nearest, None if all fail."""
    model = fitting.wrapCircuit(name, {})
    both = np.hstack([Z.real, Z.imag])

    def far(start: list[float]) -> float:
        return float(np.abs(np.log(1e-9 + np.abs(model(frequency, *start) / both))).sum())

    with np.errstate(all="ignore"):
        starts = sorted(_starts(fitting, name, times, frequency, Z), key=far)
    found: list[EquivalentCircuit] = []
    for start in starts[:STARTS]:
        fit = _fit(fitting, name, start, frequency, Z)
        if fit is None:
            continue
        found.append(fit)
        least = max(min(f.misfit for f in found), EXACT)
        if sum(f.misfit < 1.01 * least for f in found) == AGREE:
            break
    return min(found, key=lambda f: f.misfit, default=None)


def _bic(circuit: EquivalentCircuit, frequencies: int) -> float:
    square = max(circuit.misfit, EXACT) ** 2
    number = 2 * frequencies
    return number * math.log(square) + len(circuit.rows) * math.log(number)


def _candidates(number: int, frequency: Array, Z: Array) -> list[str]:
    """Return circuits of so many arcs; also with an inductance where one is seen."""
    firsts = ["R0", "L0-R0"] if _inductive(frequency, Z) else ["R0"]
    arcs = [f"p(R{k},CPE{k})" for k in range(1, number + 1)]
    if not arcs:
        return [f"{first}-{W}" for first in firsts for W in ("W1", "Wo1")]
    slowest = (f"p(R{number}-{W}{number},CPE{number})" for W in ("W", "Wo"))
    ends = [arcs, *([*arcs[:-1], last] for last in slowest)]
    return ["-".join([first, *end]) for first in firsts for end in ends]


def _inductive(frequency: Array, Z: Array) -> bool:
    """Return whether a spectrum shows an inductance in series.

    It does where relaxations, a resistance and a capacitance describe it better, by an F
    test, with one whose reactance is more than what circuits are told apart by.
    """
    w = 2j * np.pi * frequency
    ends = 0.01 / abs(w).max(), 100 / abs(w).min()
    tau = np.geomspace(*ends, 5 * math.ceil(math.log10(ends[1] / ends[0])))
    parts = np.column_stack([1 / (1 + w[:, None] * tau), np.ones_like(w), 1 / w, w])
    weighted = parts / np.abs(Z)[:, None]
    matrix = np.vstack([weighted.real, weighted.imag])
    size = np.linalg.norm(matrix, axis=0)
    aim = np.hstack([(Z / np.abs(Z)).real, (Z / np.abs(Z)).imag])
    (_, without), (x, with_one) = (
        nnls((matrix / size)[:, :-1], aim),
        nnls(matrix / size, aim),
    )
    freedom = max(len(aim) - np.count_nonzero(x), 1)
    gain = (without**2 - with_one**2) / max(with_one**2 / freedom, 1e-300)
    share = x[-1] / size[-1] * np.abs(w).max() / np.abs(Z[np.argmax(frequency)])
    return bool(share > 2 * EXACT and gain > f_test.ppf(0.99, 1, freedom))


def _starts(
    fitting: Any, name: str, times: list[float], frequency: Array, Z: Array
) -> list[list[float]]:
    """Return values to begin with: arcs at the relaxation times, in all choices."""
    elements = fitting.extract_circuit_elements(name)
    pairs = sum(e.startswith(("C", "CPE")) for e in elements)
    low, high = int(np.argmin(frequency)), int(np.argmax(frequency))
    span = abs(float(Z[low].real - Z[high].real)) or abs(complex(Z[high]))
    w = 2 * math.pi * float(frequency[low])
    blocks = any(e.startswith("Wo") for e in elements)
    found = []
    for chosen in map(sorted, combinations(times, pairs)):
        for slow in (10.0, 1.0, 0.1, 0.01) if blocks else (1.0,):
            R, tau = span / max(pairs, 1), list(chosen)
            start: list[float] = []
            for k, element in enumerate(elements):
                kind = re.sub(r"[\d_]+$", "", element)
                if kind == "R":
                    first = k == 0 or elements[k - 1].startswith("L")
                    start.append(max(float(Z[high].real), 1e-3 * span) if first else R)
                elif kind == "C":
                    start.append(tau.pop(0) / R)
                elif kind == "CPE":
                    start += [tau.pop(0) / R, 0.95]
                elif kind == "L":
                    henry = abs(float(Z[high].imag)) / (2 * math.pi * frequency[high])
                    start.append(max(float(henry), 1e-15))
                elif kind in ("Wo", "Ws"):
                    C = 1 / (w * max(-float(Z[low].imag), 1e-6 * abs(complex(Z[low]))))
                    start += [slow / w / C, slow / w]
                elif kind == "W":
                    start.append(span * math.sqrt(w))
                else:
                    start += [1.0] * fitting.check_and_eval(kind).num_params
            found.append(start)
    return found


def _peaks(frequency: Array, Z: Array) -> list[float]:
    """Return the highest relaxation times [s]; without pyimpspec some in every decade."""
    fast, slow = (1 / (2 * math.pi * f) for f in (frequency.max(), frequency.min()))
    even = [float(t) for t in np.geomspace(fast, slow, PEAKS + 2)[1:-1]]
    try:
        tau, gamma = relaxation_times(frequency, Z)
    except InputError:
        return even
    inside = (gamma[1:-1] > gamma[:-2]) & (gamma[1:-1] >= gamma[2:])
    peaks = sorted(np.flatnonzero(inside) + 1, key=lambda k: -gamma[k])[:PEAKS]
    found = [float(tau[k]) for k in peaks]
    return found + even[: max(0, ARCS - len(found))]


def _fit(
    fitting: Any,
    name: str,
    start: list[float],
    frequency: Array,
    Z: Array,
    tolerance: float = 1e-8,
) -> EquivalentCircuit | None:
    """Return a fit from one start, None where it fails."""
    elements = fitting.extract_circuit_elements(name)
    parts = [(e, k) for e in elements for k in range(_made(fitting, e).num_params)]
    exponent = np.array([e.startswith("CPE") and k == 1 for e, k in parts])
    model, size = fitting.wrapCircuit(name, {}), np.hstack([np.abs(Z), np.abs(Z)])
    both = np.hstack([Z.real, Z.imag]) / size

    def values_of(q: Array) -> Array:
        return np.where(exponent, q, np.exp(np.where(exponent, 0.0, q)))

    def residuals(q: Array) -> Array:
        found = model(frequency, *values_of(q)) / size - both
        return np.nan_to_num(np.clip(found, -1e6, 1e6), nan=1e6)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        q = np.where(exponent, start, np.log(np.where(exponent, 1.0, start)))
        low, high = np.where(exponent, 0.2, -80.0), np.where(exponent, 1.0, 80.0)
        found = least_squares(
            *(residuals, np.clip(q, low + 1e-6, high - 1e-6)),
            bounds=(low, high),
            ftol=tolerance,
            max_nfev=60,
        )
        values = values_of(found.x)
        fitted = model(frequency, *values)
    if not np.isfinite(fitted).all():
        return None
    fitted = fitted[: len(Z)] + 1j * fitted[len(Z) :]
    freedom = max(2 * len(Z) - len(values), 1)
    _, size, along = np.linalg.svd(found.jac, full_matrices=False)
    nothing = size < SMALL * size.max()  # directions that change no impedance
    flat = (np.abs(along[nothing]) > 0.1).any(axis=0)
    steep = along[~nothing] / size[~nothing, None]
    errors = np.sqrt((steep**2).sum(axis=0) * 2 * found.cost / freedom)
    half = float(student.ppf(0.975, freedom)) * np.where(flat, 80.0, errors)
    lows, highs = (
        np.where(
            exponent, values + side * half, values * np.exp(np.clip(side * half, -80, 80))
        )
        for side in (-1, 1)
    )
    rows = []
    for (element, k), *row in zip(parts, values, lows, highs, strict=True):
        made = _made(fitting, element)
        label = element if made.num_params == 1 else f"{element}, {_part(element, k)}"
        value, low_, high_ = map(float, row)
        rows.append((label, value, UNITS.get(made.units[k], ""), low_, high_))
    misfit = float(np.sqrt(np.mean(np.abs(fitted - Z) ** 2 / np.abs(Z) ** 2)))
    # A resistance in series that is too small to be seen leaves the others as they are
    counts = np.array([element != "R0" for element, _ in parts])
    known = bool((errors < KNOWN)[counts].all() and not flat[counts].any())
    return EquivalentCircuit(name, rows, fitted, misfit, known)


def _made(fitting: Any, element: str) -> Any:
    """Return the function of an element, which knows its values and units."""
    return fitting.check_and_eval(re.sub(r"[\d_]+$", "", element))


def _part(element: str, number: int) -> str:
    """Return what a value of an element of several is called."""
    names = {"CPE": ("Q", "n"), "Wo": ("W", "L2/D"), "Ws": ("W", "L2/D")}
    kind = re.sub(r"[\d_]+$", "", element)
    return names[kind][number] if kind in names else str(number + 1)


def _ideal(
    fitting: Any, circuit: EquivalentCircuit, frequency: Array, Z: Array
) -> EquivalentCircuit:
    """Return a circuit with capacitances in place of phase elements of exponent 1."""
    values = {name: value for name, value, *_ in circuit.rows}
    name = circuit.description
    for element in re.findall(r"CPE\d+", name):
        if values[f"{element}, n"] > IDEAL:
            name = name.replace(element, f"C{element[3:]}")
    if name == circuit.description:
        return circuit
    start = []
    for label, value, *_ in circuit.rows:
        element, _, part = label.partition(", ")
        if part == "n" and element not in name:
            continue
        start.append(value)
    return _fit(fitting, name, start, frequency, Z) or circuit


def _below(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


@dataclass(frozen=True)
class Fitted:
    """Circuits and relaxation times of several spectra.

    Parameters
    ----------
    circuits : dict
        Label of the spectrum to its :class:`EquivalentCircuit`.
    relaxation : dict
        Label to time constants [s] and their distribution [Ohm.cm2].
    missing : tuple of str
        What could not be done, and why.
    """

    circuits: dict[str, EquivalentCircuit]
    relaxation: dict[str, tuple[Array, Array]]
    missing: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """Return the columns ``FITTED``, a row for each value of each spectrum."""
        return _below([circuit.table(k) for k, circuit in self.circuits.items()])

    @property
    def times(self) -> pd.DataFrame:
        """Return Spectrum, ``TIME`` and ``GAMMA``."""
        named = ((k, *times) for k, times in self.relaxation.items())
        names = "Spectrum", TIME, GAMMA
        return _below([pd.DataFrame(dict(zip(names, n, strict=True))) for n in named])

    @property
    def sentences(self) -> list[str]:
        """Return the circuits in lines, and what the spectra do not tell of them."""
        found = []
        for label, circuit in self.circuits.items():
            off = f"{100 * circuit.misfit:.2g} % of |Z| off"
            found.append(f"Fitted to {label}: {circuit.description}, {off}")
            for name, value, unit, low, high in circuit.rows:
                ends = f"95 %: {low:.4g} to {high:.4g}"
                found.append(f"  {name:12} {value:10.4g} {unit:14} {ends}")
            if circuit.undetermined:
                names = ", ".join(circuit.undetermined)
                found.append(f"  The spectrum does not determine {names}.")
        return found


def of_spectra(
    spectra: Mapping[str, tuple[Array, Array]], description: str | None = None
) -> Fitted:
    """Fit circuits to spectra, and work out their relaxation times.

    Parameters
    ----------
    spectra : mapping
        Label to frequencies [Hz] and impedances [Ohm.cm2].
    description : str, optional
        The circuit; by default each spectrum's own (:func:`equivalent_circuit`).

    Raises
    ------
    InputError
        The circuit is none.
    """
    circuits, relaxation, missing = {}, {}, []
    for label, (frequency, Z) in spectra.items():
        try:
            circuits[label] = equivalent_circuit(frequency, Z, description)
        except InputError as error:
            if error.field:
                raise
            missing.append(str(error))
        try:
            relaxation[label] = relaxation_times(frequency, Z)
        except InputError as error:
            missing.append(str(error))
    return Fitted(circuits, relaxation, tuple(dict.fromkeys(missing)))
