"""What a discretised model is built for: everything of a cell that is not a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..materials.laws import Curve, DiffusionPotential, Law, PotentialLaw
from ..materials.transport import diffusion_potential, path_potential, resistivity


@dataclass(frozen=True)
class Structure:
    """What a discretised model is built for.

    Parameters
    ----------
    potential : PotentialLaw
        U(x) [V]; seen by the model as ``potential.curve``.
    diffusivity : Law
        Shape of D(x) [m2/s]; its scale is an input.
    x_max : float
        Sites per formula unit.
    symmetric_cathode, symmetric_lithium : bool
        Whether a transfer coefficient is 1/2 and its overpotential explicit.
    transference, electronic : Law or None
        t_i(x) [-] and sigma_e(x) [S/m] of the film where they are not constants.
    leakage : bool
        Whether the electrolyte leaks electrons.
    plated : bool
        Whether the lithium is plated in situ, on a collector.
    ageing : tuple of str
        Options of the laws of ageing that are on.
    cathode_double_layer, lithium_double_layer, capacitive_electrolyte : bool
        Whether these hold charge of their own.
    liquid : bool
        Whether the electrolyte is a liquid with a salt.
    laws : tuple of callable
        Further laws, as :class:`ThinFilmCell` takes them.
    """

    potential: PotentialLaw
    diffusivity: Law
    x_max: float
    symmetric_cathode: bool = True
    symmetric_lithium: bool = True
    transference: Law | None = None
    electronic: Law | None = None
    leakage: bool = False
    plated: bool = False
    ageing: tuple[str, ...] = ()
    cathode_double_layer: bool = False
    lithium_double_layer: bool = False
    capacitive_electrolyte: bool = False
    liquid: bool = False
    laws: tuple[Callable[[Any], Any], ...] = ()

    @property
    def capacitive(self) -> bool:
        """Whether any part holds charge of its own, which comes and goes quickly."""
        layers = self.cathode_double_layer or self.lithium_double_layer
        return layers or self.capacitive_electrolyte

    @property
    def curve(self) -> Curve:
        """U(x) as the model evaluates it."""
        return self.potential.curve

    @cached_property
    def psi(self) -> DiffusionPotential:
        """Diffusion potential of D(x)."""
        others = (self.transference, self.electronic)
        return diffusion_potential(self.potential, self.x_max, self.diffusivity, *others)

    @cached_property
    def _resistivity(self) -> tuple[float, Curve]:
        assert self.electronic is not None
        return resistivity(self.electronic, self.psi.x)

    @property
    def rho_ref(self) -> float:
        """What rho_e(x) is stated against [Ohm m]."""
        return self._resistivity[0]

    def functions(self) -> dict[str, Any]:
        """The function parameters of the model, by name."""
        psi = self.psi
        functions = {
            "Cathode open-circuit potential [V]": self.curve.symbol,
            "Cathode diffusion potential": psi.of,
            "Cathode stoichiometry of diffusion potential": psi.inverse,
        }
        if self.transference is not None:
            t_i = Curve(psi.x, np.asarray(self.transference(psi.x), dtype=float))
            functions["Cathode ionic transference number"] = t_i.of
        if self.electronic is not None:
            rho_ref, relative = self._resistivity
            path = path_potential(psi, self.electronic, rho_ref)
            functions["Cathode relative resistivity"] = relative.of
            functions["Cathode electron path potential"] = path.of
        return functions

    def markers(self) -> dict[str, float]:
        """Parameters (0 or 1) that tell a model which options the cell implies."""
        return {
            "Cathode transference number is a law": float(self.transference is not None),
            "Cathode resistivity is a law": float(self.electronic is not None),
            "Lithium is plated in situ": float(self.plated),
            "Electrolyte is a liquid": float(self.liquid),
        }

    def options(self, mode: str) -> dict[str, str]:
        """Options of :class:`ThinFilmCell` for this structure."""
        layer = {True: "capacitive", False: "absent"}
        word = {True: "symmetric", False: "asymmetric"}
        return {
            "operating mode": mode,
            "cathode kinetics": word[self.symmetric_cathode],
            "lithium kinetics": word[self.symmetric_lithium],
            "cathode transference": "law" if self.transference else "constant",
            "cathode resistivity": "law" if self.electronic else "constant",
            "leakage": "electronic" if self.leakage else "none",
            "anode": "plated in situ" if self.plated else "evaporated",
            **dict.fromkeys(self.ageing, "on"),
            "cathode double layer": layer[self.cathode_double_layer],
            "lithium double layer": layer[self.lithium_double_layer],
            "electrolyte": "liquid" if self.liquid else "film",
            "electrolyte capacitance": layer[self.capacitive_electrolyte],
            "constants": "precomputed",
        }
