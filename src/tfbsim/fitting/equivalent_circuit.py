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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations
from types import ModuleType

import numpy as np
import pandas as pd
from scipy.optimize import least_squares, nnls
from scipy.special import fdtri, stdtrit

from ..data.measured import Array
from ..errors import InputError, shown

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
PARTS = {"CPE": ("Q", "n"), "Wo": ("W", "L2/D"), "Ws": ("W", "L2/D")}
UNITS = {"Ohm": "Ohm.cm2", "F": "F.cm-2", "H": "H.cm2", "sec": "s"}
UNITS |= {"Ohm^-1 sec^a": "S.s^n.cm-2", "Ohm sec^-1/2": "Ohm.cm2.s-0.5"}


@dataclass(frozen=True)
class EquivalentCircuit:
    """A circuit fitted to a spectrum."""

    # Elements in series, those side by side as p(,): ``R0-p(R1,C1)-p(R2-Wo2,CPE2)``
    description: str
    # Element, value, unit, lower and upper end of the 95 % interval, per cm2
    rows: list[tuple[str, float, str, float, float]]
    Z: Array  # of the circuit [Ohm.cm2]
    misfit: float  # root of the mean square of |Z_fit - Z|/|Z|
    determined: bool  # whether the spectrum tells every value of it

    @property
    def undetermined(self) -> list[str]:
        """Elements that the spectrum does not tell."""
        return [name for name, value, _, _, high in self.rows if not high < 3 * value]

    @property
    def information(self) -> float:
        """The information criterion (BIC), of a misfit not below ``EXACT``."""
        number = 2 * len(self.Z)
        square = max(self.misfit, EXACT) ** 2
        return number * math.log(square) + len(self.rows) * math.log(number)


def _library(name: str, task: str) -> ModuleType:
    """Return a package of the extra, without which a task cannot be done."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(name)
    except ImportError:
        raise InputError(
            f"{task} by {name.partition('.')[0]}, which "
            "is not installed: pip install 'tfbsim[circuit]'"
        ) from None


def relaxation_times(frequency: Array, Z: Array) -> tuple[Array, Array]:
    """Return relaxation times [s] and their distribution [Ohm.cm2 per ln(s)]."""
    library = _library("pyimpspec", "relaxation times are worked out")
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
    module = "impedance.models.circuits.fitting"
    library = _library(module, "an equivalent circuit is fitted")
    times, whole = _peaks(frequency, Z), _Fits(library, frequency, Z)
    if description is not None:
        try:
            fit = whole.best(description, times)
        except (ValueError, KeyError, IndexError, AttributeError, SyntaxError):
            raise InputError(
                f"'{shown(description)}' is no circuit; one such as {EXAMPLE} would do",
                field="--model",
            ) from None
        if fit is None:
            raise InputError("does not fit the spectrum", field="--model")
        return fit
    some = np.unique(np.linspace(0, len(Z) - 1, min(len(Z), ENOUGH)).astype(int))
    few = _Fits(library, frequency[some], Z[some])
    firsts = ["R0", "L0-R0"] if _inductive(few.frequency, few.Z) else ["R0"]
    found: list[EquivalentCircuit] = []
    best: EquivalentCircuit | None = None
    for number in range(ARCS + 1):
        before = best
        for name in (f"{first}-{end}" for first in firsts for end in _ends(number)):
            fit = few.best(name, times)
            if fit is not None:
                found.append(few.with_capacitances(fit))
        # Of those that are determined, unless all of these are far off
        least = max(min((c.misfit for c in found), default=0.0), EXACT)
        known = [c for c in found if c.determined and c.misfit < FAR * least] or found
        best = min(known, key=lambda c: c.information, default=None)
        if best is not None and ((number > 1 and best is before) or best.misfit < EXACT):
            break
    if best is None:
        raise InputError("no circuit could be fitted to the spectrum")
    start = [value for _, value, *_ in best.rows]
    return whole.fit(best.description, start, 1e-12) or best


def _ends(number: int) -> list[str]:
    """Return circuits of so many arcs, with and without diffusion behind the slowest."""
    if not number:
        return ["W1", "Wo1"]
    arcs = [f"p(R{k},CPE{k})" for k in range(1, number + 1)]
    slowest = (f"p(R{number}-{W}{number},CPE{number})" for W in ("W", "Wo"))
    return ["-".join([*arcs[:-1], last]) for last in (arcs[-1], *slowest)]


def _inductive(frequency: Array, Z: Array) -> bool:
    """Return whether a spectrum shows an inductance in series.

    It does where relaxations, a resistance and a capacitance describe it better, by an F
    test, with one whose reactance is more than what circuits are told apart by.
    """
    w = 2j * np.pi * frequency
    ends = 0.01 / np.abs(w).max(), 100 / np.abs(w).min()
    tau = np.geomspace(*ends, 5 * math.ceil(math.log10(ends[1] / ends[0])))
    parts = np.column_stack([1 / (1 + w[:, None] * tau), np.ones_like(w), 1 / w, w])
    weighted = parts / np.abs(Z)[:, None]
    matrix = np.vstack([weighted.real, weighted.imag])
    size = np.linalg.norm(matrix, axis=0)
    aim = np.hstack([(Z / np.abs(Z)).real, (Z / np.abs(Z)).imag])
    _, without = nnls((matrix / size)[:, :-1], aim)
    x, with_one = nnls(matrix / size, aim)
    freedom = max(len(aim) - np.count_nonzero(x), 1)
    gain = (without**2 - with_one**2) / max(with_one**2 / freedom, 1e-300)
    share = x[-1] / size[-1] * np.abs(w).max() / np.abs(Z[np.argmax(frequency)])
    return bool(share > 2 * EXACT and gain > fdtri(1, freedom, 0.99))


def _peaks(frequency: Array, Z: Array) -> list[float]:
    """Return the highest relaxation times [s]; without pyimpspec some in every decade."""
    fast, slow = (1 / (2 * math.pi * f) for f in (frequency.max(), frequency.min()))
    even = np.geomspace(fast, slow, PEAKS + 2)[1:-1].tolist()
    try:
        tau, gamma = relaxation_times(frequency, Z)
    except InputError:
        return even
    inside = (gamma[1:-1] > gamma[:-2]) & (gamma[1:-1] >= gamma[2:])
    peaks = sorted(np.flatnonzero(inside) + 1, key=lambda k: -gamma[k])[:PEAKS]
    found = [float(tau[k]) for k in peaks]
    return found + even[: max(0, ARCS - len(found))]


def _kind(element: str) -> str:
    return re.sub(r"[\d_]+$", "", element)


class _Fits:
    """Fits of circuits of impedance.py to a spectrum."""

    def __init__(self, library: ModuleType, frequency: Array, Z: Array) -> None:
        self.library, self.frequency, self.Z = library, frequency, Z

    def best(self, name: str, times: Sequence[float]) -> EquivalentCircuit | None:
        """Return the best of the fits from the nearest starts, None if all fail."""
        model = self.library.wrapCircuit(name, {})
        both = np.hstack([self.Z.real, self.Z.imag])

        def far(start: list[float]) -> float:
            ratio = np.abs(model(self.frequency, *start) / both)
            return float(np.abs(np.log(1e-9 + ratio)).sum())

        with np.errstate(all="ignore"):
            starts = sorted(self._starts(name, times), key=far)
        found: list[EquivalentCircuit] = []
        for start in starts[:STARTS]:
            fit = self.fit(name, start)
            if fit is None:
                continue
            found.append(fit)
            least = max(min(f.misfit for f in found), EXACT)
            if sum(f.misfit < 1.01 * least for f in found) == AGREE:
                break
        return min(found, key=lambda f: f.misfit, default=None)

    def _starts(self, name: str, times: Sequence[float]) -> Iterator[list[float]]:
        """Yield values to begin with: arcs at the relaxation times, in all choices."""
        elements = self.library.extract_circuit_elements(name)
        pairs = sum(e.startswith(("C", "CPE")) for e in elements)
        low, high = int(np.argmin(self.frequency)), int(np.argmax(self.frequency))
        Z_low, Z_high = complex(self.Z[low]), complex(self.Z[high])
        span = abs(Z_low.real - Z_high.real) or abs(Z_high)
        w, w_high = (2 * math.pi * float(self.frequency[k]) for k in (low, high))
        C = 1 / (w * max(-Z_low.imag, 1e-6 * abs(Z_low)))
        blocks = any(e.startswith("Wo") for e in elements)
        R = span / max(pairs, 1)
        for chosen in map(sorted, combinations(times, pairs)):
            for slow in (10.0, 1.0, 0.1, 0.01) if blocks else (1.0,):
                tau, start = iter(chosen), []
                for k, element in enumerate(elements):
                    kind = _kind(element)
                    if kind == "R":
                        first = k == 0 or elements[k - 1].startswith("L")
                        start.append(max(Z_high.real, 1e-3 * span) if first else R)
                    elif kind in ("C", "CPE"):
                        start += [next(tau) / R, 0.95][: 1 + (kind == "CPE")]
                    elif kind == "L":
                        start.append(max(abs(Z_high.imag) / w_high, 1e-15))
                    elif kind in ("Wo", "Ws"):
                        start += [slow / w / C, slow / w]
                    elif kind == "W":
                        start.append(span * math.sqrt(w))
                    else:
                        start += [1.0] * self.library.check_and_eval(kind).num_params
                yield start

    def fit(
        self, name: str, start: Sequence[float], tolerance: float = 1e-8
    ) -> EquivalentCircuit | None:
        """Return a fit from one start, None where it fails."""
        elements = self.library.extract_circuit_elements(name)
        made = {e: self.library.check_and_eval(_kind(e)) for e in elements}
        parts = [(e, k) for e in elements for k in range(made[e].num_params)]
        exponent = np.array([e.startswith("CPE") and k == 1 for e, k in parts])
        model, Z = self.library.wrapCircuit(name, {}), self.Z
        size = np.hstack([np.abs(Z), np.abs(Z)])
        both = np.hstack([Z.real, Z.imag]) / size

        def values_of(q: Array) -> Array:
            return np.where(exponent, q, np.exp(np.where(exponent, 0.0, q)))

        def residuals(q: Array) -> Array:
            found = model(self.frequency, *values_of(q)) / size - both
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
            fitted = model(self.frequency, *values)
        if not np.isfinite(fitted).all():
            return None
        fitted = fitted[: len(Z)] + 1j * fitted[len(Z) :]
        freedom = max(2 * len(Z) - len(values), 1)
        _, size, along = np.linalg.svd(found.jac, full_matrices=False)
        nothing = size < SMALL * size.max()  # directions that change no impedance
        flat = (np.abs(along[nothing]) > 0.1).any(axis=0)
        steep = along[~nothing] / size[~nothing, None]
        errors = np.sqrt((steep**2).sum(axis=0) * 2 * found.cost / freedom)
        half = float(stdtrit(freedom, 0.975)) * np.where(flat, 80.0, errors)
        ratio = np.exp(np.clip(half, -80, 80))
        lows = np.where(exponent, values - half, values / ratio)
        highs = np.where(exponent, values + half, values * ratio)
        rows = []
        for (element, k), *row in zip(parts, values, lows, highs, strict=True):
            of = made[element]
            names = PARTS.get(_kind(element), [str(n + 1) for n in range(of.num_params)])
            label = element if of.num_params == 1 else f"{element}, {names[k]}"
            value, low_, high_ = map(float, row)
            rows.append((label, value, UNITS.get(of.units[k], ""), low_, high_))
        misfit = float(np.sqrt(np.mean(np.abs(fitted - Z) ** 2 / np.abs(Z) ** 2)))
        # A resistance in series that is too small to be seen leaves the others alone
        counts = np.array([element != "R0" for element, _ in parts])
        known = bool((errors < KNOWN)[counts].all() and not flat[counts].any())
        return EquivalentCircuit(name, rows, fitted, misfit, known)

    def with_capacitances(self, circuit: EquivalentCircuit) -> EquivalentCircuit:
        """Return a circuit with capacitances for phase elements of exponent 1."""
        values = {name: value for name, value, *_ in circuit.rows}
        name = circuit.description
        for element in re.findall(r"CPE\d+", name):
            if values[f"{element}, n"] > IDEAL:
                name = name.replace(element, f"C{element[3:]}")
                del values[f"{element}, n"]
        if name == circuit.description:
            return circuit
        return self.fit(name, [*values.values()]) or circuit


@dataclass(frozen=True)
class Fitted:
    """Circuits and relaxation times of several spectra, by their labels."""

    circuits: dict[str, EquivalentCircuit]
    # Time constants [s] and their distribution [Ohm.cm2]
    relaxation: dict[str, tuple[Array, Array]]
    missing: tuple[str, ...]  # what could not be done, and why

    @property
    def table(self) -> pd.DataFrame:
        """Return the columns ``FITTED``, a row for each value of each spectrum."""
        every = self.circuits.items()
        rows = [(label, c.description, *row) for label, c in every for row in c.rows]
        return pd.DataFrame(rows, columns=list(FITTED))

    @property
    def times(self) -> pd.DataFrame:
        """Return Spectrum, ``TIME`` and ``GAMMA``."""
        every = self.relaxation.items()
        rows = [(k, *row) for k, both in every for row in zip(*both, strict=True)]
        return pd.DataFrame(rows, columns=["Spectrum", TIME, GAMMA])

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

    Spectra are frequencies [Hz] and impedances [Ohm.cm2] by their labels; without a
    description each has its own circuit (:func:`equivalent_circuit`).
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
