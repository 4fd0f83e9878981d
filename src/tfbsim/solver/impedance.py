"""Impedance of a cell at a state, from the linearised discretised model.

About a state y_0 the solver's own equations read M dy/dt = J (y - y_0); with the voltage
as what is controlled, V = V_0 + dV exp(j omega t) gives

    (j omega M - J) dy = -e_k dV,   Z = -A dV/dI

k the row of the voltage and I the current, positive on discharge.  Nothing is fitted and
no law is written twice: every state that a law carries is in y.  (As PyBaMM's
``EISSimulation``: Hallemans et al., J. Electrochem. Soc. 172 (2025) 060507.)

A spectrum is that of a steady state; how far from one the cell is, is the rate at which
its voltage would go on at the current that flows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from ..cell.cell import Cell, load_cell
from ..cell.film import Film
from ..cell.half_cell import STATE
from ..errors import InputError, shown
from ..experiment.frequencies import SPECTRUM, checked, parse_frequencies
from ..materials.laws import PotentialLaw, Table
from ..numerics import Numerics
from ..physics.circuit import Circuit
from ..physics.site_loss import ACTIVE, NOT_LOST
from .engine import Engine, Linearised, engine
from .trace import Infeasible, Request, State

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray
FREQUENCY, REAL, IMAGINARY = "Frequency [Hz]", "Z real [Ohm.cm2]", "Z imaginary [Ohm.cm2]"
COLUMNS = (FREQUENCY, REAL, IMAGINARY, "Z real [Ohm]", "Z imaginary [Ohm]")
GRADING = 12.0  # of the mesh: the layer of a megahertz is thinner than that of a step
ALIKE = 0.2  # of their mean, that slopes of U(x) between points of a table may differ by
BLOCKS = 1e15  # ohm m2, above which nothing of a cell conducts
FEW = 0.01  # of the sites that may be lost within such a period
STEADY = 1e-3  # V that the voltage may go on within a period of the lowest frequency


@dataclass(frozen=True)
class Spectrum:
    """Impedance of a cell at a state.

    Parameters
    ----------
    frequency : ndarray, shape (frequencies,)
        [Hz].
    Z : ndarray of complex, shape (frequencies,)
        Per area [Ohm.m2].
    area : float
        Of the cell [m2].
    voltage, current_density : float
        At the state [V], [A/m2].
    temperature : float
        [K].
    drift : float
        How fast the voltage would go on at this current, within a period of the lowest
        frequency [V/s]; 0 at a steady state.
    losing : float
        Share of its sites that the film loses, over that as made [1/s].
    circuit : Circuit or None
        What the cell consists of, where its cathode is uniform and its anode lithium: the
        closed form knows one film.
    kink : str
        What a coarse table of U(x) leaves open of its slope, on which low frequencies
        rest; "" where the slope is known.
    """

    frequency: Array
    Z: Array
    area: float
    voltage: float
    current_density: float
    temperature: float
    drift: float
    losing: float = 0.0
    circuit: Circuit | None = None
    kink: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """``COLUMNS``, a row for each frequency."""
        return table_of(self.frequency, self.Z, self.area)

    @property
    def moving(self) -> str:
        """Says so, in words, where the state is too far from steady for the spectrum."""
        slowest = float(self.frequency.min())
        if self.losing > FEW * slowest:
            lost = 100 * self.losing / slowest
            return (
                f"the film is not steady: it loses {lost:.2g} % of its sites in a period "
                f"of {slowest:.3g} Hz"
            )
        if abs(self.drift) <= STEADY * slowest:
            return ""
        return (
            f"the cell is not at rest: its voltage moves by {self.drift:.2g} V/s, "
            f"{abs(self.drift) / slowest:.2g} V in a period of {slowest:.3g} Hz; "
            "a longer rest or hold before it would do"
        )


def table_of(frequency: Array, Z: Array, area: float | None) -> pd.DataFrame:
    """Return a spectrum as a table.

    Parameters
    ----------
    frequency : ndarray, shape (frequencies,)
        [Hz].
    Z : ndarray of complex, shape (frequencies,)
        Per area [Ohm.m2].
    area : float or None
        Of the cell [m2]; without it, per area alone.
    """
    import pandas as pd

    both = [Z * 1e4] if area is None else [Z * 1e4, Z / area]
    parts = (part for z in both for part in (z.real, z.imag))
    return pd.DataFrame(dict(zip(COLUMNS, (frequency, *parts), strict=False)))


def impedance_of(linear: Linearised, frequency: Array) -> Array:
    """Return dV/dI of a linearised cell, positive at rest [Ohm].

    Parameters
    ----------
    linear : Linearised
        The cell.
    frequency : ndarray, shape (frequencies,)
        [Hz].
    """
    largest = np.abs(linear.J).max(axis=1, keepdims=True)
    largest[largest == 0] = 1.0  # nothing changes the lithium of a film that is blocked
    J, M = csc_array(linear.J / largest), csc_array(linear.M / largest)
    e = np.zeros(len(largest), complex)
    e[linear.control] = -1.0 / largest[linear.control, 0]
    omegas = 2j * np.pi * np.asarray(frequency)
    C_rates = [splu(omega * M - J).solve(e)[linear.control] for omega in omegas]
    return -1 / (linear.nominal * np.array(C_rates))


def drift_of(linear: Linearised, time: float) -> float:
    """Return how fast the voltage moves at constant current, over a time [V/s].

    In one step of implicit Euler: the instantaneous rate is that of the thinnest element,
    which holds next to nothing.
    """
    J, k = linear.J, linear.control
    others = np.delete(np.arange(len(J)), k)
    matrix = (linear.M / time - J)[np.ix_(others, others)]
    change = np.linalg.solve(matrix, linear.rates[others])
    return float(J[k, others] @ change) / time


def fine(numerics: Numerics) -> Numerics:
    """Return the mesh a spectrum is worked out on: twice the elements, finer at the
    electrolyte; volumes as they are."""
    if numerics.mesh == "volumes" or numerics.grading == GRADING:
        return numerics
    return replace(numerics.plain, points=2 * numerics.points, grading=GRADING)


def spectrum(
    solver: Engine,
    state: State,
    parameters: dict[str, float],
    frequency: Array,
    voltage: float | None = None,
) -> tuple[Spectrum, dict[str, Array]]:
    """Return the impedance of a cell at a state, and what is observed there.

    Parameters
    ----------
    solver : Engine
        Of the cell's structure.
    state : State
        Of the cell.
    parameters : dict
        As :meth:`Cell.parameters`.
    frequency : ndarray, shape (frequencies,)
        [Hz].
    voltage : float, optional
        That is held [V]; without, no current flows.

    Raises
    ------
    Infeasible, SolverFailed
        No current meets the voltage, or none flows at any frequency.
    """
    control = ("current", 0.0) if voltage is None else ("voltage", voltage)
    linear = solver.linearised(Request(*control, 1.0, state, parameters))
    observed, slices = linear.observed, linear.slices
    shares = [slices[n] for n in (ACTIVE, *NOT_LOST.values()) if n in slices]
    losing = float(max((-linear.rates[share].item() for share in shares), default=0.0))
    drift = drift_of(linear, 1 / float(np.min(frequency)))

    numerics = fine(solver.numerics)
    if numerics != solver.numerics:
        other = engine(solver.structure, numerics)
        profile = solver.mesh.interpolation(other.xi)
        values = {
            name: profile @ value if len(value) > 1 else value
            for name, value in state.values.items()
        }
        moved = replace(state, values=values)
        linear = other.linearised(Request(*control, 1.0, moved, parameters))
    area = parameters["Electrode area [m2]"]
    Z = impedance_of(linear, frequency) * area
    if np.abs(Z).min() > BLOCKS:
        raise Infeasible(
            "the collector is bare and blocks at every frequency: a voltage of the "
            "charged cell would do, or an anode.double_layer_capacitance"
        )
    return Spectrum(
        np.asarray(frequency, dtype=float),
        Z,
        area,
        float(observed["Voltage [V]"][0]),
        float(observed["Current [A]"][0]) / area,
        parameters["Ambient temperature [K]"],
        drift,
        losing,
    ), observed


def impedance(
    cell: Cell | str,
    voltage: float | None = None,
    frequencies: npt.ArrayLike | None = None,
    temperature: float | None = None,
    stoichiometry: float | None = None,
    numerics: Numerics | None = None,
) -> Spectrum:
    """Return the impedance of a cell at rest, its cathode uniform.

    Parameters
    ----------
    cell : Cell or str
        A cell, or the name or path :func:`load_cell` takes.
    voltage : float, optional
        In equilibrium [V].
    frequencies : array_like, optional
        [Hz]; ten in each decade from 10 mHz to 1 MHz if left out.
    temperature : float, optional
        [K]; that of the cell if left out.
    stoichiometry : float, optional
        Of the cathode, in place of a voltage; with neither, as made.
    numerics : Numerics, optional
        Mesh, of which a spectrum takes one twice as fine.

    Returns
    -------
    Spectrum
        ``table`` (pandas), ``frequency``, ``Z`` and the state it is of; ``circuit``.

    Raises
    ------
    InputError
        A voltage or frequency that is none.

    Notes
    -----
    Lithium that is not in the cathode is at the anode, none of it lost.

    Examples
    --------
    >>> import tfbsim
    >>> found = tfbsim.impedance("lco-lipon-li-raijmakers2020", voltage=3.9)
    >>> list(found.table)[:3]
    ['Frequency [Hz]', 'Z real [Ohm.cm2]', 'Z imaginary [Ohm.cm2]']
    """
    if isinstance(cell, str):
        cell = load_cell(cell)
    wanted = parse_frequencies(SPECTRUM) if frequencies is None else frequencies
    frequency = _checked(wanted)
    for field, given in (
        ("voltage", voltage),
        ("stoichiometry", stoichiometry),
        ("temperature", temperature),
    ):
        if not isinstance(given, Real | None):
            message = f"'{shown(given)}' is given where a number would do"
            raise InputError(message, field=field)
    if temperature is not None and not 150 <= temperature <= 700:
        raise InputError(
            f"'{shown(temperature)}' K is not a temperature a cell runs at",
            field="temperature",
        )
    numerics = numerics or Numerics()
    numerics.check(cell.cathode.double_layer_capacitance is not None)
    x = _uniform(cell, voltage, stoichiometry, temperature)
    solver = engine(cell.structure, fine(numerics))
    lithium = cell.anode_at(x)
    if lithium < 0:
        raise InputError(
            f"the cell has too little lithium for it: the cathode holds "
            f"{cell.x_initial:.4g} as made and would hold {x:.4g}",
            field="stoichiometry" if voltage is None else "voltage",
        )
    state = solver.uniform(x, lithium)
    parameters = cell.parameters(temperature) | {STATE: x * cell.cathode.c_sites}
    try:
        found, _ = spectrum(solver, state, parameters, frequency)
    except Infeasible as reason:
        raise InputError(str(reason), field="voltage") from None
    found = replace(found, kink=_kink(cell.cathode.open_circuit_potential, x))
    if isinstance(cell.anode, Film):
        return found
    thickness = lithium * cell.site_inventory * cell.anode.molar_volume
    covers = cell.anode.coverage_thickness
    coverage = -math.expm1(-thickness / covers) if covers else 1.0
    return replace(found, circuit=Circuit.of(cell, x, temperature, coverage))


def _kink(potential: PotentialLaw, x: float) -> str:
    """Say by how much the slope of U(x) is open, where it is a table with a kink at x."""
    if not isinstance(potential, Table):
        return ""
    low, high = potential.chords(x)
    if high - low <= ALIKE * abs(high + low) / 2:
        return ""
    return (
        f"U(x) is a table with a kink: between its points about x = {x:.4g} the slope "
        f"goes from {low:.3g} to {high:.3g} V, and Z at low frequency is as uncertain"
    )


def _checked(frequencies: npt.ArrayLike) -> Array:
    """Return frequencies as an array, or refuse them."""
    try:
        frequency = np.atleast_1d(np.asarray(frequencies, dtype=float))
    except (TypeError, ValueError):
        message = f"'{shown(frequencies)}' is given where frequencies in Hz would do"
        raise InputError(message, field="frequencies") from None
    if frequency.ndim != 1 or not frequency.size:
        raise InputError("must be a list of frequencies in Hz", field="frequencies")
    try:
        return np.array([checked(f) for f in frequency])
    except ValueError as error:
        raise InputError(str(error), field="frequencies") from None


def _uniform(
    cell: Cell, voltage: float | None, x: float | None, temperature: float | None
) -> float:
    """Return the stoichiometry of the cathode at a voltage, or as given."""
    if voltage is not None and x is not None:
        raise InputError("is given beside a voltage; one would do", field="stoichiometry")
    if voltage is not None:
        try:
            return cell.stoichiometry(voltage, temperature)
        except ValueError as error:
            raise InputError(str(error), field="voltage") from None
    if x is None:
        return cell.x_initial
    low, high = cell.x_range
    if not low <= x <= high:
        raise InputError(
            f"{x:g} is outside the open-circuit potential, which covers {low:.4g} to "
            f"{high:.4g}",
            field="stoichiometry",
        )
    return x
