"""The equivalent circuit that a cell has at a uniform state, in closed form.

Per area, linearised about rest; i flows through the whole film, i_ct is its faradaic part
at the electrolyte face:

    W = -U' L/(F D)   U' = dU/dc,   s = sqrt(j omega L^2/D)
    A = coth(s)/s,   A - B = tanh(s/2)/s
    z_p = {R_ct,p + W [A - t_i (A - B)]}/{1 + j omega C_dl,p (R_ct,p + W A)}
    Z_p = z_p + (L/sigma_e) {1 - t_i - (1 - j omega C_dl,p z_p - 2 t_i) tanh(s/2)/s}
    Z = R_contact + [R_e || C_geo] + [R_ct,n || C_dl,n] + R_f + Z_p

Migration is driven by i, insertion by i_ct, and the electron path lies outside the double
layer.  With t_i = 0 and sigma_e infinite Z_p is the usual charge transfer in series with
a finite-space Warburg element, both beside the double layer (Randles; Franceschetti &
Macdonald, J. Electroanal. Chem. 101 (1979) 307).  Of a share u_A of contact and u_V of
active sites, Z_p is that of the true area over u_A, with W over u_V.  Leakage of
electrons is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..cell.cell import Cell
from ..materials.laws import FARADAY, GAS_CONSTANT, Law
from .electrolyte import VACUUM

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray


@dataclass(frozen=True)
class Circuit:
    """Elements of a cell at a uniform state, per area of the cell.

    Parameters
    ----------
    contact, electrolyte, film : float
        Resistances [Ohm.m2]; film that of both interphases.
    cathode_transfer, lithium_transfer : float
        Charge-transfer resistances [Ohm.m2].
    electron_path : float
        L/sigma_e of the cathode film [Ohm.m2].
    warburg : float
        W of the cathode film [Ohm.m2].
    diffusion_time : float
        L^2/D [s].
    transference : float
        t_i of the film [-].
    cathode_capacitance, lithium_capacitance, electrolyte_capacitance : float
        Of the double layers and the electrolyte [F/m2].
    """

    contact: float
    electrolyte: float
    film: float
    cathode_transfer: float
    lithium_transfer: float
    electron_path: float
    warburg: float
    diffusion_time: float
    transference: float = 0.0
    cathode_capacitance: float = 0.0
    lithium_capacitance: float = 0.0
    electrolyte_capacitance: float = 0.0

    @classmethod
    def of(
        cls, cell: Cell, x: float, temperature: float | None = None, coverage: float = 1.0
    ) -> Circuit:
        """Return the circuit of a cell.

        Parameters
        ----------
        cell : Cell
            The cell.
        x : float
            Stoichiometry of the cathode film.
        temperature : float, optional
            [K]; that of the cell if left out.
        coverage : float
            Share of the collector that lithium covers.
        """
        c, e, a = cell.cathode, cell.electrolyte, cell.anode
        T, T_ref = float(temperature or cell.temperature), cell.reference_temperature
        f = FARADAY / (GAS_CONSTANT * T)

        def rate(energy: float) -> float:
            return math.exp(energy / GAS_CONSTANT * (1 / T_ref - 1 / T))

        def at(law: Law | float) -> float:
            return float(law(x)) if callable(law) else float(law)

        transport = c.transport
        D = at(transport.diffusivity) * c.diffusivity_scale
        D *= rate(c.diffusivity_activation_energy)
        alpha, theta = c.anodic_transfer_coefficient, x / c.x_max
        theta_ref = c.exchange_current_stoichiometry / c.x_max
        order = (theta / theta_ref) ** (1 - alpha)
        order *= ((1 - theta) / (1 - theta_ref)) ** alpha
        i_p = c.exchange_current * rate(c.exchange_current_activation_energy) * order
        i_n = a.exchange_current * rate(a.exchange_current_activation_energy) * coverage
        films = c.film_resistance / rate(c.film_resistance_activation_energy)
        films /= c.utilisation
        films += a.film_resistance / rate(a.film_resistance_activation_energy)
        path = 0.0
        if transport.electronic is not None:
            path = c.thickness / at(transport.electronic) / rate(c.electronic_activation)
        sigma = e.sigma * T_ref / T * rate(e.conductivity_activation_energy)
        slope = -float(cell.structure.cathode.curve.slope(x)) / (
            c.c_sites * c.active_fraction
        )
        behind = 0.0
        if (second := e.second) is not None:
            behind = second.thickness / second.conductivity * T / T_ref
            behind /= rate(second.conductivity_activation_energy)
            energy = second.interface_resistance_activation_energy
            behind += second.interface_resistance / rate(energy)
        return cls(
            contact=float(cell.contact_resistance),
            electrolyte=e.span / sigma + behind,
            film=films,
            cathode_transfer=1 / (f * i_p * c.utilisation) if i_p else math.inf,
            lithium_transfer=1 / (f * i_n) if i_n else math.inf,
            electron_path=path / c.utilisation,
            warburg=slope * c.thickness / (FARADAY * D * c.utilisation),
            diffusion_time=c.thickness**2 / D,
            transference=at(transport.transference),
            cathode_capacitance=(c.double_layer_capacitance or 0.0) * c.utilisation,
            lithium_capacitance=float(a.double_layer_capacitance or 0.0),
            electrolyte_capacitance=(e.relative_permittivity or 0.0) * VACUUM / e.span,
        )

    @property
    def table(self) -> pd.DataFrame:
        """Element, Value and Unit: what there is, and what follows from it."""
        import pandas as pd

        ohm, farad = "Ohm.cm2", "uF.cm-2"
        rows: list[tuple[str, float, str]] = [
            ("Contact resistance", self.contact * 1e4, ohm),
            ("Electrolyte resistance", self.electrolyte * 1e4, ohm),
            ("Interphase resistance", self.film * 1e4, ohm),
            ("Charge transfer at the cathode", self.cathode_transfer * 1e4, ohm),
            ("Charge transfer at the lithium", self.lithium_transfer * 1e4, ohm),
            ("Electron path of the film", self.electron_path * 1e4, ohm),
            ("Diffusion, limiting resistance", self.warburg / 3 * 1e4, ohm),
        ]
        pairs = {
            "Double layer at the cathode": (
                self.cathode_transfer,
                self.cathode_capacitance,
            ),
            "Double layer at the lithium": (
                self.lithium_transfer,
                self.lithium_capacitance,
            ),
            "Electrolyte, geometric": (self.electrolyte, self.electrolyte_capacitance),
        }
        pairs = {name: pair for name, pair in pairs.items() if pair[1]}
        rows += [(name, C * 1e2, farad) for name, (_, C) in pairs.items()]
        tau = self.diffusion_time
        rows.append(("Insertion, limiting capacitance", tau / self.warburg * 1e2, farad))
        # Where A = 1/s and B = 0
        t_i = self.transference
        slope = (1 - t_i) * self.warburg - (1 - 2 * t_i) * self.electron_path
        slope *= 1e4 / math.sqrt(2 * tau)
        rows.append(("Warburg coefficient", slope, "Ohm.cm2.s-0.5"))
        rows += [
            (f"{name}, characteristic frequency", 1 / (2 * math.pi * R * C), "Hz")
            for name, (R, C) in pairs.items()
        ]
        rows.append(("Diffusion, D/(2 pi L^2)", 1 / (2 * math.pi * tau), "Hz"))
        rows = [row for row in rows if row[1]]
        return pd.DataFrame(rows, columns=["Element", "Value", "Unit"])

    def impedance(self, frequency: npt.ArrayLike) -> Array:
        """Return Z at frequencies [Hz], complex [Ohm.m2]."""
        w: Array = 2j * np.pi * np.asarray(frequency, dtype=float)
        s = np.sqrt(w * self.diffusion_time)
        half = np.tanh(s / 2) / s  # A - B
        A, t_i, R = 1 / (s * np.tanh(s)), self.transference, self.cathode_transfer
        charging = w * self.cathode_capacitance
        z_p = R + self.warburg * (A - t_i * half)
        z_p = z_p / (1 + charging * (R + self.warburg * A))
        path = 1 - t_i - (1 - charging * z_p - 2 * t_i) * half
        return np.asarray(
            self.contact
            + self.film
            + 1 / (1 / self.electrolyte + w * self.electrolyte_capacitance)
            + 1 / (1 / self.lithium_transfer + w * self.lithium_capacitance)
            + z_p
            + self.electron_path * path
        )
