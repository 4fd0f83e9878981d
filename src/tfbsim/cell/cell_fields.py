"""The fields of a cell, what of them must agree, and the equilibrium that they state."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Discriminator, PrivateAttr, Tag, model_validator

from ..fields import (
    TAGGED,
    ArealResistance,
    CurrentDensity,
    Quantity,
    Strict,
    Temperature,
    TwoVoltages,
    refuse,
)
from ..materials import laws, library
from ..materials.laws import FARADAY
from ..materials.transport import diffusion_potential
from ..yaml_file import block
from .ageing import Ageing
from .anode import Anode, is_a_film
from .electrolyte import OF_A_FILM, Electrolyte, ElectrolyteFilm
from .film import Film, at_voltage
from .fitted import Datum
from .stack import Stack

MIN_DIFFUSION_TIME = 1e-13  # s, L^2/D: below, the solver takes minutes for a step
LEAST_RANGE = 0.01  # of the cathode's sites, that two films must be able to exchange
TAGGED |= {"kind: Film": Film, "kind: Anode": Anode}
MAX_LITHIUM = 1e4  # over the cathode's sites: beyond, its balance drowns in rounding


class CellFields(Strict):
    """What a file of kind ``cell`` says, in SI."""

    format: Literal[1] = 1
    """Version of the format of the file."""
    kind: Literal["cell"] = "cell"
    """What the file states."""
    name: str
    """Name, in words."""
    description: str = ""
    """A sentence for `tfbsim list`."""
    source: str = ""
    """Where the values come from."""
    area: Annotated[float, Quantity("area", gt=0, le=1.0)]
    """Area of the cell."""
    temperature: Temperature
    """Temperature the cell runs at."""
    reference_temperature: Temperature
    """Temperature the parameters hold at; that of the file if left out."""
    one_c: CurrentDensity
    """Current density that C-rates refer to, or current per gram of the film (mA/g);
    scales with cathode.thickness when that is varied."""
    contact_resistance: ArealResistance = 0.0
    """Resistance in series, independent of temperature."""
    voltage_limits: TwoVoltages = [0.0, 6.0]
    """Voltages that no step goes beyond, also where it states no cut-off."""
    window: TwoVoltages | None = None
    """Voltages the cell is cycled between, 0 and 100 % state of charge; cut-offs of its
    PyBaMM parameter set; left out: voltage_limits."""
    cathode: Film
    """The film of the positive electrode."""
    electrolyte: Electrolyte
    """The electrolyte."""
    anode: Annotated[
        Annotated[Anode, Tag("kind: Anode")] | Annotated[Film, Tag("kind: Film")],
        Discriminator(lambda anode: f"kind: {'Film' if is_a_film(anode) else 'Anode'}"),
    ]
    """The lithium, or what it is plated on; or a film, with the fields of a cathode."""
    ageing: Ageing = Ageing()
    """What ages the cell, a block for each law."""
    stack: Stack | None = None
    """The layers around the cell, for energy per volume and mass."""
    origin: dict[str, str] = {}
    """Field to text: published, derived, fitted, assumed; printed by `show`."""
    fitted: list[Datum] = []
    """What a fit saw, and what it held out, as `tfbsim fit` writes it."""

    # What the file said, the thickness its one_c is stated at, and the fields that stayed
    # where another material was set
    _raw: dict[str, object] = PrivateAttr(default_factory=dict)
    _stated_thickness: float = PrivateAttr(default=math.nan)
    _kept: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.voltage_limits
        if not low < high:
            refuse("voltage_limits", "must rise, as [0 V, 6 V]")
        if self.window is not None and not self.window[0] < self.window[1]:
            refuse("window", "must rise, as [3 V, 4.2 V]")
        try:
            _ = self.x_initial
        except ValueError as error:
            refuse("cathode.initial_voltage", str(error))
        if self._diffusion_time < MIN_DIFFUSION_TIME:
            refuse(
                "cathode.diffusivity",
                f"so fast that the film is level within {self._diffusion_time:.1g} s "
                f"(L^2/D); at least {MIN_DIFFUSION_TIME:g} s can be simulated",
            )
        if self.stack is not None and self.electrolyte.density is None:
            message = "is missing; a cell with a stack needs it, or a material of the "
            refuse("electrolyte.density", message + "library")
        if self.negative:
            self._check_balance()
        film = self.cathode.film_resistance + self.anode.film_resistance
        behind = self.contact_resistance + film
        if self.electrolyte.relative_permittivity is not None and not behind:
            refuse(
                "electrolyte.relative_permittivity",
                "needs a contact_resistance above 0: a held voltage would charge the "
                "electrolyte at once",
            )
        if self.lithium_inventory > MAX_LITHIUM * self.site_inventory:
            refuse(
                "anode.lithium",
                f"is more than {MAX_LITHIUM:,.0f} times what the sites of the cathode "
                "hold; less would do, or a thicker cathode",
            )
        return self

    def _check_balance(self) -> None:
        """Refuse two films that have no voltage in common."""
        law = self.open_circuit_potential
        low, high = law.valid
        if not high - low > LEAST_RANGE * self.cathode.x_max:
            refuse(
                "anode.initial_stoichiometry",
                f"cannot exchange lithium with the cathode: both are as empty or full, "
                f"at x = {self.anode_initial:.4g} here and {self.x_initial:.4g} there",
            )
        if not law.curve(0.9 * low + 0.1 * high) > 0:
            message = "is above that of the cathode wherever the two films meet; "
            refuse("anode.open_circuit_potential", message + "exchange them")

    # --- Equilibrium ---

    @property
    def x_initial(self) -> float:
        """Stoichiometry of the lattice as made, a voltage being that of the cell's own
        temperature."""
        return self._as_made(self.cathode)

    @property
    def negative(self) -> Film | None:
        """The film at the anode; None where it is lithium metal."""
        return self.anode if isinstance(self.anode, Film) else None

    @property
    def metal(self) -> Anode | None:
        """The lithium metal at the anode; None where it is a film."""
        return self.anode if isinstance(self.anode, Anode) else None

    @property
    def _ratio(self) -> float:
        """Sites of the cathode over those of a film at the anode; 1 of lithium metal."""
        return self.site_inventory / self.negative.sites if self.negative else 1.0

    @property
    def anode_initial(self) -> float:
        """Lithium at the anode as made, over the cathode's sites; of a film its x."""
        if self.negative:
            return self._as_made(self.negative)
        return self.lithium_inventory / self.site_inventory

    def anode_at(self, x: float) -> float:
        """Return ``anode_initial`` at another x of the cathode, with no lithium lost."""
        return self.anode_initial + self._ratio * (self.x_initial - x)

    def _as_made(self, film: Film) -> float:
        if film.initial_voltage is None:
            return float(film.x_initial)
        warmer = self.temperature - self.reference_temperature
        shift = warmer * film.entropic_change
        return film.stoichiometry(float(film.initial_voltage) - shift)

    @cached_property
    def open_circuit_potential(self) -> laws.PotentialLaw:
        """Voltage in equilibrium over the cathode's x: U(x) of it, less the anode's."""
        law = self.cathode.open_circuit_potential
        if not self.negative:
            return law
        made = self.x_initial, self.anode_initial, self._ratio
        return laws.Difference(law, self.negative.open_circuit_potential, *made)

    def anode_share(self, x: float, x_n: float) -> float:
        """The share of a film at the anode in the slope of the voltage, at x and its x_n:
        0 where the cathode alone is what bends it, as at an end that the cathode sets."""
        films = ((self.negative or self.cathode, x_n), (self.cathode, x))
        own, other = (
            -float(film.open_circuit_potential.curve.slope(x)) / film.sites
            for film, x in films
        )
        return own / (own + other)

    @property
    def entropic_change(self) -> float:
        """dU/dT of that voltage [V/K]."""
        return float(self.cathode.entropic_change - self.anode.entropic_change)

    @property
    def x_range(self) -> tuple[float, float]:
        """Stoichiometries of the cathode that equilibrium is known at."""
        return self.open_circuit_potential.curve.ends

    def stoichiometry(self, voltage: float, temperature: float | None = None) -> float:
        """Return the cathode's x in equilibrium at a voltage [V]; ValueError if none."""
        warmer = (temperature or self.temperature) - self.reference_temperature
        shift = warmer * self.entropic_change
        return at_voltage(self.open_circuit_potential, voltage - shift)

    # --- Amounts ---

    @property
    def one_c_current_density(self) -> float:
        """1C [A/m2]: stated at the file's thickness, it scales with the thickness."""
        return float(self.one_c * self.cathode.thickness / self._stated_thickness)

    @property
    def one_c_current(self) -> float:
        """1C [A]."""
        return self.one_c_current_density * float(self.area)

    @property
    def loading(self) -> float:
        """Mass of cathode film per area [kg/m2]."""
        return float(self.cathode.density * self.cathode.thickness)

    @property
    def site_inventory(self) -> float:
        """Active formula units per area, u_A u_V c_sites L [mol/m2]."""
        return self.cathode.sites

    @property
    def theoretical_charge(self) -> float:
        """Charge of the whole stoichiometry range of the active film [C/m2]."""
        low, high = self.x_range
        return FARADAY * self.site_inventory * (high - low)

    @property
    def inactive_lithium(self) -> float:
        """Lithium of the films that takes no part [mol/m2]."""
        return self.cathode.idle(self.x_initial) + self.anode.idle(self.anode_initial)

    @property
    def _diffusion_time(self) -> float:
        """L^2/D at the cell's temperature, where D is largest [s]."""
        c = self.cathode
        if isinstance(c.diffusivity, laws.PythonLaw):
            return math.inf
        inverse = 1 / self.reference_temperature - 1 / self.temperature
        factor = math.exp(c.diffusivity_activation_energy / laws.GAS_CONSTANT * inverse)
        psi = diffusion_potential(
            c.open_circuit_potential, c.x_max, c.transport.diffusivity
        )
        D = psi.D_ref * c.diffusivity_scale
        return float(c.thickness**2 / (D * factor))

    @property
    def lithium_inventory(self) -> float:
        """Lithium metal at the anode as made [mol/m2]."""
        return float(self.anode.inventory)

    @property
    def least_inventory(self) -> float:
        """Lithium that counts as none, over the cathode's sites; 0 where evaporated."""
        return float(self.anode.least_inventory / self.site_inventory)

    @property
    def cut_offs(self) -> tuple[float, float]:
        """``window``, as far as ``voltage_limits`` leave it [V]."""
        limits = self.voltage_limits
        low, high = self.window or limits
        low, high = max(low, limits[0]), min(high, limits[1])
        return (low, high) if low < high else (limits[0], limits[1])

    @property
    def states_of_charge(self) -> tuple[float, float]:
        """Open-circuit voltages at 0 and 100 % state of charge, within U(x) [V]."""
        curve = self.open_circuit_potential.curve
        low, high = (float(curve(x)) for x in reversed(self.x_range))
        least, most = self.cut_offs
        return max(low, least), min(high, most)

    # --- What is worth knowing ---

    def beyond_the_electrolyte(self, highest: float | None = None) -> list[str]:
        """Where an electrolyte meets an electrode outside its window, in words.

        The highest voltage of the cell [V] is the one as made if left out.
        """
        first = self.electrolyte
        last: ElectrolyteFilm = first.second or first
        nodes = self.open_circuit_potential.curve
        positive = highest or float(nodes(self.x_initial))
        negative, of = 0.0, "lithium"
        if self.negative:
            x = float(np.interp(-positive, -nodes.y, nodes.x))
            positive = float(self.cathode.open_circuit_potential.curve(x))
            negative = float(self.negative.open_circuit_potential.curve(self.anode_at(x)))
            of = f"the anode, at {negative:.3g} V against lithium,"
        found = []
        if last.window_lower is not None and negative < last.window_lower:
            found.append(
                f"{of} reduces {last.material or 'the electrolyte'}, which is stable "
                f"above {last.window_lower:g} V only; no layer between them is modelled"
            )
        if first.window_upper is not None and positive > first.window_upper:
            found.append(
                f"the cathode, at {positive:.3g} V against lithium, oxidises "
                f"{first.material or 'the electrolyte'}, which is stable below "
                f"{first.window_upper:g} V only"
            )
        return found

    def warnings(self) -> list[str]:
        """Return sentences on what is consistent enough to run, and worth knowing."""
        c = self.cathode
        found = []
        if c.transference > 0 and c.transport.electronic is None:
            found.append(
                f"cathode.transference is {c.transference:g} with an electronic "
                "conductivity left infinite: the film's own voltage loss is then partly "
                "left out"
            )
        bare = not self.negative and not self.lithium_inventory
        if bare and not self.anode.plated:
            found.append(
                "there is no lithium as made and no anode.collector: the first charge "
                "plates it as if on lithium"
            )
        if self._kept:
            found.append(
                f"the cell's own {', '.join(self._kept)} stay where another material is "
                "set; change them too, or take a cell that leaves them to the material"
            )
        low, high = self.cut_offs
        empty, full = self.states_of_charge
        if self.negative and not empty < full:
            found.append(
                f"no voltage between {low:g} and {high:g} V, its window, is one in "
                "equilibrium of the two films"
            )
        found += self.beyond_the_electrolyte(self.window[1] if self.window else None)
        of_library = library("electrolyte").get(self.electrolyte.material or "")
        if of_library is not None and "salt" in of_library.values:
            left = [
                f"electrolyte.{k}"
                for k in OF_A_FILM
                if k in block(self._raw, "electrolyte")
            ]
            left += ["cathode.utilisation"] if c.utilisation == 1 else []
            found.append(
                f"{self.electrolyte.material} is a liquid, in a separator of "
                f"{1e6 * self.electrolyte.span:.4g} um that wets all of the film: not "
                f"used are {', '.join(left)}"
            )
        law = c.open_circuit_potential
        if isinstance(law, laws.MultiSite) or c.initial_stoichiometry is None:
            return found
        if not law.valid[0] <= self.x_initial <= law.valid[1]:
            found.append("the initial stoichiometry is outside the source of U(x)")
        return found
