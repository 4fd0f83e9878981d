"""What a discretised model is built for: everything of a cell that is not a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..materials.laws import Array, Curve, DiffusionPotential, Law, PotentialLaw
from ..materials.transport import diffusion_potential, path_potential, resistivity

if TYPE_CHECKING:
    import pybamm

# Options of the model for the anode, and the number each has in a parameter set
KINDS = {"evaporated": 0, "plated in situ": 1, "film": 2}


@dataclass(frozen=True)
class FilmStructure:
    """The laws and options of a film: everything of it that is not a number."""

    potential: PotentialLaw  # U(x) [V]; seen by the model as ``potential.curve``
    diffusivity: Law  # Shape of D(x) [m2/s]; its scale is an input
    x_max: float  # Sites per formula unit
    # t_i(x) [-] and sigma_e(x) [S/m] of the film where they are not constants
    transference: Law | None = None
    electronic: Law | None = None

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
    def rho_ref(self) -> float:
        """Resistivity that rho_e(x) is relative to [Ohm m]; 0 where it is no law."""
        sigma_e = self.electronic
        return 0.0 if sigma_e is None else resistivity(sigma_e, self.psi.x)[0]

    def path_resistivity(self, x: Array) -> Array:
        """Return (1 - t_i)/sigma_e at x [Ohm m]; 0 where nothing resists electrons."""
        if self.electronic is None:
            return np.zeros_like(x)
        inside = np.clip(x, 0, self.x_max)
        t_i = 0 if self.transference is None else self.transference(inside)
        return np.asarray((1 - t_i) / self.electronic(inside), dtype=float)

    def functions(self, side: str) -> dict[str, object]:
        """The function parameters of the model, by name; of "Cathode" or "Anode"."""
        psi = self.psi
        functions = {
            "open-circuit potential [V]": self.curve.symbol,
            "diffusion potential": psi.of,
            "stoichiometry of diffusion potential": psi.inverse,
        }
        if self.transference is not None:
            t_i = Curve(psi.x, np.asarray(self.transference(psi.x), dtype=float))
            functions["ionic transference number"] = t_i.of
        if self.electronic is not None:
            rho_ref, relative = resistivity(self.electronic, psi.x)
            path = path_potential(psi, self.electronic, rho_ref)
            functions["relative resistivity"] = relative.of
            functions["electron path potential"] = path.of
        return {f"{side} {name}": function for name, function in functions.items()}

    def markers(self, side: str) -> dict[str, float]:
        """Parameters (0 or 1) that tell a model which options the film implies."""
        return {
            f"{side} transference number is a law": float(self.transference is not None),
            f"{side} resistivity is a law": float(self.electronic is not None),
        }


@dataclass(frozen=True)
class Structure:
    """What a discretised model is built for."""

    cathode: FilmStructure  # The film of the positive electrode
    anode: FilmStructure | None = None  # That of the negative; None: lithium metal
    # Options of :class:`ThinFilmCell` that the cell implies
    chosen: tuple[tuple[str, str], ...] = ()
    # Further laws, as :class:`ThinFilmCell` takes them
    laws: tuple[Callable[..., pybamm.BaseSubModel], ...] = ()

    @property
    def films(self) -> dict[str, FilmStructure]:
        """Return the films, by side."""
        films = {"Cathode": self.cathode, "Anode": self.anode}
        return {side: film for side, film in films.items() if film is not None}

    @property
    def capacitive(self) -> bool:
        """Whether any part holds charge of its own, which comes and goes quickly."""
        return "capacitive" in dict(self.chosen).values()

    @property
    def kind(self) -> str:
        """Return the option of the model for the anode."""
        return dict(self.chosen)["anode"]

    def choosing(self, name: str, value: str) -> Structure:
        """Return it with another value of an option."""
        return replace(self, chosen=tuple({**dict(self.chosen), name: value}.items()))

    def functions(self) -> dict[str, object]:
        """The function parameters of the model, by name."""
        films = self.films.items()
        return {k: v for side, film in films for k, v in film.functions(side).items()}

    def markers(self) -> dict[str, float]:
        """Parameters that tell a model which options the cell implies."""
        found = {
            "Kind of anode": float(KINDS[self.kind]),
            "Electrolyte is a liquid": float(("electrolyte", "liquid") in self.chosen),
        }
        for side, film in self.films.items():
            found |= film.markers(side)
        return found

    def options(self, mode: str) -> dict[str, str]:
        """Options of :class:`ThinFilmCell` for this structure."""
        return {"operating mode": mode, "constants": "precomputed", **dict(self.chosen)}
