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
from typing import TYPE_CHECKING

from pydantic import PrivateAttr

from .. import units
from ..errors import InputError, shown
from ..fields import Quantity, Strict, check_head, described, refuse, validate
from ..materials import library
from ..materials.material import Material
from ..yaml_file import Content, Document, block, load, resolve
from . import paths
from .cell_fields import CellFields
from .electrolyte import OF_A_FILM
from .film import INITIAL, LAWS, at_voltage
from .half_cell import STATE, standard_parameters
from .layers import capacitive
from .named import filled, named_in, take_in, where_it_stands
from .stack import Layer, layers
from .structure import Structure

if TYPE_CHECKING:
    import pybamm


LAYERS = ("cathode", "electrolyte", "anode")
# Of a cell's fields, worked out once
FOLLOWING = "structure", "constants", "open_circuit_potential"


class Cell(CellFields):
    """A thin-film cell, in SI; every field documented in docs/files.md."""

    # Where the file stands, and the texts of its tables, by name
    _folder: Path = PrivateAttr(default_factory=Path)
    _tables: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def origins(self) -> dict[str, str]:
        """Origin of each field: as its file says, or else its material's."""
        of_material = {
            f"{layer}.{field}": "; ".join(filter(None, (value.source, value.valid)))
            for layer, material in self._materials()
            for field, value in material.values.items()
            if field not in block(self._raw, layer)
        }
        return {**of_material, **self.origin}

    def _materials(self) -> Iterator[tuple[str, Material]]:
        """Each layer and material of the library in it, what sets most last."""
        for layer in LAYERS:
            fields = block(self._raw, layer)
            for field, group in named_in(layer, fields):
                if material := library(group).get(str(fields[field])):
                    yield layer, material

    # --- What the model is made of ---

    @property
    def stacked(self) -> tuple[Layer, ...]:
        """Return the layers of a stack as a result keeps them; nothing without one."""
        return tuple(layers(self)) if self.stack is not None else ()

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
        anode = film.structure if film else None
        return Structure(self.cathode.structure, anode, tuple(chosen.items()))

    def parameters(self, temperature: float | None = None) -> dict[str, float]:
        """The scalar parameters of :class:`ThinFilmCell`, SI, by PyBaMM name."""
        ambient = float(temperature or self.temperature)
        return {"Ambient temperature [K]": ambient, **self.constants}

    @cached_property
    def constants(self) -> dict[str, float]:
        """Return the parameters that hold at any temperature."""
        values = {
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
        if self.metal:
            values |= self.metal.parameters
        if self.negative and self.structure.anode:
            values |= self.negative.parameters("Anode", self.structure.anode)
            values["Anode stoichiometry as made"] = self.anode_initial
        return {name: float(value) for name, value in values.items()}

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

    def value(self, path: str) -> tuple[float, str]:
        """Return a number in its display unit, and that unit; as :meth:`number`."""
        number, dimension = self.number(path)
        return units.to_display(number, dimension), units.display_unit(dimension)

    def number(self, path: str) -> tuple[float, str]:
        """Return a numeric field in SI, and its dimension; InputError of any other."""
        return paths.number(self, path)

    @property
    def numeric_fields(self) -> list[str]:
        """Dotted paths of the fields that are numbers."""
        blocks = {"": self, **{name: getattr(self, name) for name in LAYERS}}
        blocks |= {f"ageing.{name}": law for name, law in self.ageing}
        blocks |= {f"stack.{name}": layer for name, layer in self.stack or ()}
        return paths.numeric(blocks)

    # --- Changed copies ---

    def replace(self, changes: Content, *, si: bool = True) -> Cell:
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
            paths.put(Cell, raw, path, value)
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
            if field in block(raw, layer) and f"{layer}.{field}" not in changes
        )
        return cell

    def _with_numbers(self, changes: Content) -> Cell | None:
        """A copy with plain numbers changed, without reading everything anew: a fifth of
        the time.  None where that would not do, or if they will not."""
        layers: dict[str, dict[str, float]] = {}
        for path, value in changes.items():
            layer, _, name = path.rpartition(".")
            model = getattr(self, layer, None) if layer else self
            if not isinstance(model, Strict) or type(value) is not float:
                return None
            quantity = described(type(model), name)
            if not isinstance(quantity, Quantity) or not quantity.holds(value):
                return None
            if not isinstance(getattr(model, name), int | float):  # an alternative
                return None
            layers.setdefault(layer, {})[name] = value
        update: dict[str, object] = dict(layers.pop("", {}))
        raw = self._raw | update
        try:
            for layer, numbers in layers.items():
                changed = getattr(self, layer).model_copy(update=numbers)
                changed.__dict__.pop("transport", None)
                _check(changed)
                update[layer] = changed
                raw[layer] = {**block(raw, layer), **numbers}
            cell = self.model_copy(update=update)
            cell._raw = raw
            if "one_c" in changes:
                cell._stated_thickness = float(cell.cathode.thickness)
            for name in FOLLOWING:
                cell.__dict__.pop(name, None)
            _check(cell)
        except InputError:
            return None
        if cell.structure == self.structure:
            cell.__dict__["structure"] = self.structure  # with what it has worked out
        return cell

    def __getstate__(self) -> dict[object, object]:
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


def _check(model: Strict) -> None:
    """Check again what of the fields of a model must agree."""
    for name in type(model).__pydantic_decorators__.model_validators:
        getattr(model, name)()


@dataclass(frozen=True)
class Written:
    """The content of a cell, from which it can be made again without its files."""

    content: dict[str, object]  # What its file and :meth:`Cell.replace` said
    tables: dict[str, str]  # Text of each CSV table, by name
    stated_thickness: float  # The thickness that ``one_c`` is stated at [m]


def tables(content: Content) -> list[str]:
    """Return the names of the CSV files that a valid cell's file names."""
    films = block(content, "cathode"), block(content, "anode")
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
    data: dict[str, object],
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
            before, there = block(like._raw, layer), getattr(like, layer)
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


def _by_mass(fields: dict[str, object], python: bool) -> str | None:
    """Return a 1C current that is stated per mass of the film as one per area."""
    try:
        specific = units.parse(fields.get("one_c"), "specific current")
    except ValueError:
        return None
    loading = 1.0
    for name, dimension in (("density", "density"), ("thickness", "length")):
        value = paths.at(fields, f"cathode.{name}")
        if python and isinstance(value, float | int):
            loading *= value
            continue
        try:
            loading *= units.parse(value, dimension)
        except ValueError:  # which is told of that field
            return "1 A/m2"
    return f"{specific * loading!r} A/m2"
