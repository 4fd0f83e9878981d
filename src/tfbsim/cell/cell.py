"""The cell: what a file of kind ``cell`` says, checked, in SI, frozen.

``load_cell`` reads models/*.yaml or a file of your own; ``Cell.replace`` gives a changed
copy; ``Cell.parameter_values`` hands the cell to PyBaMM.
"""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Discriminator, PrivateAttr, Tag, model_validator

from .. import units
from ..errors import InputError, shown, suggest
from ..fields import (
    TAGGED,
    ArealResistance,
    CurrentDensity,
    Quantity,
    Strict,
    Temperature,
    TwoVoltages,
    check_head,
    described,
    inner_models,
    refuse,
    validate,
)
from ..materials import laws, library
from ..materials.material import Material
from ..materials.transport import SelfDiffusion, diffusion_potential
from ..yaml_file import Document, load, resolve
from .ageing import Ageing
from .fitted import Datum
from .half_cell import STATE, standard_parameters
from .layers import (
    INITIAL,
    LAWS,
    OF_A_FILM,
    Anode,
    Electrolyte,
    ElectrolyteFilm,
    Film,
    at_voltage,
    capacitive,
    is_a_film,
)
from .named import at, filled, named_in, take_in, where_it_stands
from .stack import Stack, layers
from .structure import Structure

if TYPE_CHECKING:
    import pybamm


FARADAY = laws.FARADAY
MIN_DIFFUSION_TIME = 1e-13  # s, L^2/D: below, the solver takes minutes for a step
LAYERS = ("cathode", "electrolyte", "anode")
# Of a cell's fields, worked out once
FOLLOWING = "structure", "constants", "open_circuit_potential"
LEAST_RANGE = 0.01  # of the cathode's sites, that two films must be able to exchange
TAGGED |= {"kind: Film": Film, "kind: Anode": Anode}
MAX_LITHIUM = 1e4  # over the cathode's sites: beyond, its balance drowns in rounding


class Cell(Strict):
    """A thin-film cell, in SI; every field documented in docs/files.md."""

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

    # As written, for changed copies: what the file said, where, and the thickness its
    # one_c is stated at.
    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)
    _folder: Path = PrivateAttr(default_factory=Path)
    _tables: dict[str, str] = PrivateAttr(default_factory=dict)
    _stated_thickness: float = PrivateAttr(default=math.nan)
    _kept: tuple[str, ...] = PrivateAttr(default=())  # where the material was changed

    @property
    def origins(self) -> dict[str, str]:
        """Origin of each field: as its file says, or else its material's."""
        of_material = {
            f"{layer}.{field}": "; ".join(filter(None, (value.source, value.valid)))
            for layer, material in self._materials()
            for field, value in material.values.items()
            if field not in self._raw[layer]
        }
        return {**of_material, **self.origin}

    def _materials(self) -> Iterator[tuple[str, Material]]:
        """Each layer and material of the library in it, what sets most last."""
        for layer in LAYERS:
            fields = self._raw.get(layer, {})
            for field, group in named_in(layer, fields):
                if fields[field] in library(group):
                    yield layer, library(group)[fields[field]]

    @model_validator(mode="after")
    def _consistent(self) -> Cell:
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

    # --- What follows from the fields ---

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
        assert self.negative
        own, other = (
            -float(film.open_circuit_potential.curve.slope(x)) / film.sites
            for film, x in ((self.negative, x_n), (self.cathode, x))
        )
        return own / (own + other)

    @property
    def entropic_change(self) -> float:
        """dU/dT of that voltage [V/K]."""
        return float(self.cathode.entropic_change - self.anode.entropic_change)

    @property
    def x_range(self) -> tuple[float, float]:
        """Stoichiometries of the cathode that equilibrium is known at."""
        x = self.open_circuit_potential.curve.x
        return float(x[0]), float(x[-1])

    def stoichiometry(self, voltage: float, temperature: float | None = None) -> float:
        """Return the cathode's x in equilibrium at a voltage [V]; ValueError if none."""
        warmer = (temperature or self.temperature) - self.reference_temperature
        shift = warmer * self.entropic_change
        return at_voltage(self.open_circuit_potential, voltage - shift)

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
    def stacked(self) -> tuple[Any, ...]:
        """Return the layers of a stack as a result keeps them; nothing without one."""
        return tuple(layers(self)) if self.stack is not None else ()

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

    @cached_property
    def structure(self) -> Structure:
        """What a discretised model of this cell is built for."""
        electrolyte, film = self.electrolyte, self.negative
        metal = "plated in situ" if self.anode.plated else "evaporated"
        leaks = electrolyte.electronic_conductivity is not None
        chosen = {
            "anode": "film" if film else metal,
            "electrolyte": "liquid" if electrolyte.salt else "film",
            "electrolyte capacitance": capacitive(electrolyte.relative_permittivity),
            "leakage": "electronic" if leaks else "none",
            **self.cathode.options("cathode"),
            **self.anode.options("anode" if film else "lithium"),
            **{option: "on" for option, _ in self.ageing.blocks},
        }
        return Structure(
            self.cathode.structure,
            film.structure if film else None,
            tuple(chosen.items()),
        )

    def parameters(self, temperature: float | None = None) -> dict[str, float]:
        """The scalar parameters of :class:`ThinFilmCell`, SI, by PyBaMM name."""
        ambient = float(temperature or self.temperature)
        return {"Ambient temperature [K]": ambient, **self.constants}

    @cached_property
    def constants(self) -> dict[str, float]:
        """Return the parameters that hold at any temperature."""
        values: dict[str, Any] = {
            "Reference temperature [K]": self.reference_temperature,
            "Electrode area [m2]": self.area,
            "Nominal cell capacity [A.h]": self.one_c_current,
            "Contact resistance [Ohm.m2]": self.contact_resistance,
            **self.cathode.parameters("Cathode", self.structure.cathode),
            "Inactive lithium [mol.m-2]": self.inactive_lithium,
            "Initial lithium inventory [mol.m-2]": self.lithium_inventory,
            STATE: self.x_initial * self.cathode.c_sites,
            "Cathode stoichiometry as made": self.x_initial,
            **self.electrolyte.parameters,
            **self.ageing.parameters,
        }
        values |= self.anode.parameters("Anode", self.structure.anode)
        if self.negative:
            values["Anode stoichiometry as made"] = self.anode_initial
        return {name: float(value) for name, value in values.items()}

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

    def parameter_values(self, charged: bool = False) -> pybamm.ParameterValues:
        """Everything PyBaMM needs to solve :class:`ThinFilmCell` for this cell.

        Parameters
        ----------
        charged : bool
            Start at 100 % state of charge, with ``window`` as cut-offs; else as made,
            with ``voltage_limits``.  A cell without lithium at the anode starts as made
            either way, and its current function charges it.
        """
        import pybamm

        low, high = self.cut_offs if charged else self.voltage_limits
        empty, full = self.states_of_charge
        current, state = self.one_c_current, self.constants[STATE]
        if charged and (self.lithium_inventory > 0 or self.negative):
            state = at_voltage(self.open_circuit_potential, full) * self.cathode.c_sites
        elif charged:
            current = -current
        return pybamm.ParameterValues(
            {
                **self.parameters(),
                **self.structure.functions(),
                **self.structure.markers(),
                **standard_parameters(self.open_circuit_potential),
                STATE: state,
                "Initial temperature [K]": self.temperature,
                "Current function [A]": current,
                "Lower voltage cut-off [V]": low,
                "Upper voltage cut-off [V]": high,
                "Open-circuit voltage at 0% SOC [V]": empty,
                "Open-circuit voltage at 100% SOC [V]": full,
            }
        )

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
        own = self._raw.get("electrolyte", {})
        if of_library is not None and "salt" in of_library.values:
            left = [f"electrolyte.{k}" for k in OF_A_FILM if k in own]
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

    # --- Changed copies ---

    def replace(self, changes: Mapping[str, Any], *, si: bool = True) -> Cell:
        """A copy with fields changed, checked again.

        Parameters
        ----------
        changes : dict
            Dotted path to value: text with a unit, or a plain number in SI, as in
            ``{"cathode.thickness": "800 nm", "temperature": 333.15}``.  ``one_c`` is
            per thickness: it scales with the film unless it is changed too.
        si : bool
            Whether a plain number is one in SI; in a file it lacks its unit.

        Raises
        ------
        InputError
            A field that does not exist, or a value that will not do.
        """
        both = [f"cathode.{name}" for name in INITIAL]
        named = isinstance(changes, Mapping) and {type(k) for k in changes} <= {str}
        if not named:
            message = f"'{shown(changes)}' is given where {{'field': value}} would do"
            refuse("changes", message)
        if {*both} <= changes.keys():
            refuse(both[1], f"is given with {both[0]}; the initial state is given once")
        if si and (found := self._with_numbers(changes)) is not None:
            return found
        raw = copy.deepcopy(self._raw)
        for path, value in changes.items():
            _set(raw, path, value)
        try:
            cell = _cell(raw, self._folder, python=si, like=self)
        except InputError as error:
            raise InputError(error.message, field=error.field) from None
        if "one_c" not in changes:
            cell._stated_thickness = self._stated_thickness
        cell._kept = tuple(
            f"{layer}.{field}"
            for layer, material in cell._materials()
            if f"{layer}.material" in changes
            for field in material.values
            if "salt" not in material.values or field not in OF_A_FILM
            if field in raw[layer] and f"{layer}.{field}" not in changes
        )
        return cell

    def _with_numbers(self, changes: Mapping[str, Any]) -> Cell | None:
        """A copy with plain numbers changed, without reading everything anew: a fifth of
        the time.  None where that would not do, or if they will not."""
        layers: dict[str, dict[str, float]] = {}
        for path, value in changes.items():
            layer, _, name = path.rpartition(".")
            model = getattr(self, layer, None) if layer else self
            quantity = described(type(model), name)
            if not isinstance(quantity, Quantity) or type(value) is not float:
                return None
            if not quantity.holds(value):
                return None
            if not isinstance(getattr(model, name), int | float):  # an alternative
                return None
            layers.setdefault(layer, {})[name] = value
        update: dict[str, Any] = dict(layers.pop("", {}))
        raw = self._raw | update
        try:
            for layer, numbers in layers.items():
                changed = getattr(self, layer).model_copy(update=numbers)
                changed.__dict__.pop("transport", None)
                for check in type(changed).__pydantic_decorators__.model_validators:
                    getattr(changed, check)()
                update[layer] = changed
                raw[layer] = raw.get(layer, {}) | numbers
            cell = self.model_copy(update=update)
            cell._raw = raw
            if "one_c" in changes:
                cell._stated_thickness = float(cell.cathode.thickness)
            for name in FOLLOWING:
                cell.__dict__.pop(name, None)
            cell._consistent()  # type: ignore[operator]
        except InputError:
            return None
        if cell.structure == self.structure:
            cell.__dict__["structure"] = self.structure  # with what it has worked out
        return cell

    def __getstate__(self) -> dict[Any, Any]:
        """Without what follows from the fields, which may be large."""
        state = super().__getstate__()
        own = {k: v for k, v in state["__dict__"].items() if k not in FOLLOWING}
        return state | {"__dict__": own}

    # --- As a record of a run keeps it ---

    @property
    def written(self) -> Written:
        """Return the content of this cell, from which it can be made again."""
        return Written(
            copy.deepcopy(self._raw), dict(self._tables), self._stated_thickness
        )

    @classmethod
    def from_written(cls, written: Written) -> Cell:
        """Return the cell that :attr:`written` is of; InputError where it will not do."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in written.tables.items():
                try:
                    if Path(name).name != name or not name.isprintable():
                        raise ValueError
                    (Path(folder) / name).write_text(text, encoding="utf-8")
                except (OSError, ValueError):
                    refuse("tables", f"'{shown(name)}' is not the name of a table")
            cell = _cell(written.content, Path(folder), python=True)
        thickness = float(written.stated_thickness)
        if not 0 < thickness < math.inf:
            refuse("stated_thickness", f"must be above 0 m, not {thickness:g}")
        cell._stated_thickness = thickness
        return cell

    def value(self, path: str) -> tuple[float, str]:
        """Return a number in its display unit, and that unit; as :meth:`number`."""
        number, dimension = self.number(path)
        return units.to_display(number, dimension), units.display_unit(dimension)

    @property
    def numeric_fields(self) -> list[str]:
        """Dotted paths of the fields that are numbers."""
        blocks = [("", self), *((f"{n}.", getattr(self, n)) for n in LAYERS)]
        blocks += [(f"ageing.{n}.", block) for n, block in self.ageing]
        blocks += [(f"stack.{n}.", layer) for n, layer in self.stack or ()]
        return [
            f"{prefix}{name}"
            for prefix, block in blocks
            if block is not None
            for name in type(block).model_fields
            if described(type(block), name) is not None
        ]

    def number(self, path: str) -> tuple[float, str]:
        """Return a numeric field in SI, and its dimension; InputError of any other."""
        here: Any = self
        what = None
        for key in path.split("."):
            if here is None:
                refuse(path, "belongs to a layer that this cell does not have")
            _check_known(type(here), key, path)
            what = described(type(here), key)
            here = getattr(here, key)
        if isinstance(here, SelfDiffusion):
            here = here.D_0
        if isinstance(here, laws.Constant):
            here = here.value
        if not isinstance(here, float | int) or what is None:
            refuse(path, "is not a number and cannot be varied as one")
        return float(here), what.dimension


def _set(raw: dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path in raw data; alternatives of a field make way."""
    here: Any = raw
    model: Any = Cell
    *parents, last = path.split(".")
    for key in parents:
        _check_known(model, key, path)
        model = next(inner_models(model.model_fields[key].annotation), None)
        if model is Anode and is_a_film(here.get(key)):
            model = Film
        if model is None:
            refuse(path, "no such field")
        here = here.setdefault(key, {})
        if not isinstance(here, dict):
            refuse(key, f"'{shown(here)}' is no layer")
    _check_known(model, last, path)
    if last in INITIAL:
        for other in INITIAL:
            here.pop(other, None)
    if last == "material":
        here.pop("material_file", None)
    here[last] = copy.deepcopy(value)


def _check_known(model: Any, key: str, path: str) -> None:
    """Refuse a key of a path that its layer does not have."""
    fields = getattr(model, "model_fields", {})
    if key not in fields:
        refuse(path, f"no such field{suggest(key, fields)}")


@dataclass(frozen=True)
class Written:
    """The content of a cell, from which it can be made again without its files."""

    content: dict[str, Any]  # What its file and :meth:`Cell.replace` said
    tables: dict[str, str]  # Text of each CSV table, by name
    stated_thickness: float  # The thickness that ``one_c`` is stated at [m]


def tables(content: Mapping[str, Any]) -> list[str]:
    """Return the names of the CSV files that a valid cell's file names."""
    films = content["cathode"], content["anode"]
    named = [film.get(name) for film in films for name in LAWS]
    # A self-diffusivity may itself be a law
    named += [law.get("self_diffusivity") for law in named if isinstance(law, dict)]
    return [law["table"] for law in named if isinstance(law, dict) and "table" in law]


# --- Reading -----------------------------------------------------------------------


def load_cell(name_or_path: str | Path | Cell) -> Cell:
    """Read a cell: the name of a shipped one, or the path of a .yaml file.

    A cell is returned as it is.

    Raises
    ------
    InputError
        Naming file, line and field, what is wrong and what would do.
    """
    if isinstance(name_or_path, Cell):
        return name_or_path
    if not isinstance(name_or_path, str | Path):
        refuse(
            "cell", f"'{shown(name_or_path)}' is given where a cell or its name would do"
        )
    document = load(resolve(str(name_or_path), "models"))
    check_head(document, "cell")
    return _cell(document.data, document.path.parent, document=document)


def _cell(
    data: dict[str, Any],
    folder: Path,
    *,
    document: Document | None = None,
    python: bool = False,
    like: Cell | None = None,
) -> Cell:
    """Return the cell that some content says; of one like another, what is the same is
    taken from there: reading a table anew for each of a thousand cases takes longest."""
    raw = dict(data)
    if "temperature" in raw:
        # Parameters hold at the file's temperature, wherever the cell is run
        raw.setdefault("reference_temperature", raw["temperature"])
    found = take_in(raw, folder)
    full = filled(raw, document)
    for layer in ("cathode", "anode"):
        if like is not None and isinstance(fields := full.get(layer), dict):
            before, there = like._raw[layer], getattr(like, layer)
            same = {
                name: getattr(there, name)
                for name in LAWS
                if isinstance(fields.get(name), dict) and fields[name] == before.get(name)
            }
            full[layer] = {**fields, **same}
    if (per_area := _by_mass(full, python)) is not None:
        raw["one_c"] = full["one_c"] = per_area
    try:
        cell: Cell = validate(Cell, full, document=document, folder=folder, python=python)
    except InputError as error:
        raise where_it_stands(error, found, data) from None
    cell._raw, cell._folder = raw, folder
    texts = like._tables if like else {}
    cell._tables = {
        name: texts.get(name) or (folder / name).read_text("utf-8-sig")
        for name in tables(raw)
    }
    cell._stated_thickness = float(cell.cathode.thickness)
    return cell


def _by_mass(fields: dict[str, Any], python: bool) -> str | None:
    """Return a 1C current that is stated per mass of the film as one per area."""
    try:
        specific = units.parse(fields.get("one_c"), "specific current")
    except ValueError:
        return None
    loading = 1.0
    for name, dimension in (("density", "density"), ("thickness", "length")):
        value = at(fields, f"cathode.{name}")
        plain = python and isinstance(value, float | int)
        try:
            loading *= float(value) if plain else units.parse(value, dimension)
        except ValueError:  # which is told of that field
            return "1 A/m2"
    return f"{specific * loading!r} A/m2"
