"""What ages a cell: a block of the cell file for each law, off where it is left out.

Rates hold at the reference temperature of the cell and act in every step, rests and holds
included.  The potential they depend on is that of the cathode at its electrolyte face
against lithium, U(x_s) + eta.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import model_validator

from .. import units
from ..fields import (
    Activation,
    ArealCharge,
    ArealResistance,
    Coefficient,
    CurrentDensity,
    Quantity,
    Strict,
    Voltage,
    numbers,
    refuse,
)

GAS_CONSTANT, FARADAY = 8.31446261815324, 96485.33212331001  # CODATA 2018
Time = Annotated[float, Quantity("time", gt=0)]
PositiveResistance = Annotated[float, Quantity("areal resistance", gt=0)]
PositiveCharge = Annotated[float, Quantity("areal charge", gt=0, le=1e6)]
# Beyond these a law would end everything within seconds
MOST_RESISTANCE = 1.0  # Ohm m2/s
MOST_SHARE = 1.0  # of the sites per second
MOST_C_RATE = 1e4
SIGNS = {"oxidation": 1, "reduction": -1}


class Tafel(Strict):
    """A rate that grows exponentially with the potential of the cathode."""

    potential: Voltage
    """Potential against lithium at which the rate is the one given."""
    transfer_coefficient: Coefficient = 0.5
    """Transfer coefficient alpha: a factor of e in the rate every RT/(alpha F)."""
    activation_energy: Activation = 0.0
    """Activation energy of the rate."""
    RATE: ClassVar = "rate"  # The field that is the rate

    def at(self, cause: str, potential: float, T: float, T_ref: float) -> float:
        """Return the rate at a potential [V] and temperatures [K], SI."""
        per_volt = SIGNS[cause] * self.transfer_coefficient * FARADAY / T
        activated = self.activation_energy * (1 / T_ref - 1 / T)
        exponent = (per_volt * (potential - self.potential) + activated) / GAS_CONSTANT
        return float(getattr(self, self.RATE) * math.exp(min(exponent, 600.0)))


class InterphaseWithTime(Strict):
    """An interphase at the cathode whose resistance grows with the root of time."""

    initial_resistance: PositiveResistance
    """Resistance as made, per contact area; it grows from there."""
    growth: PositiveResistance
    """What one grows to from nothing within growth_time."""
    growth_time: Time
    """Time in which it grows to growth: R^2 = R_0^2 + growth^2 t/growth_time."""
    activation_energy: Activation = 0.0
    """Activation energy of growth; that of R^2 is twice as large."""


class InterphaseByReaction(Tafel):
    """An interphase at the cathode whose resistance grows with the potential."""

    initial_resistance: ArealResistance = 0.0
    """Resistance as made, per contact area."""
    rate: Annotated[float, Quantity("areal resistance rate", gt=0)]
    """Growth of the resistance per time at the potential given."""


class SiteLoss(Tafel):
    """Sites of the cathode that are lost, everywhere in the film alike."""

    rate: Annotated[float, Quantity("rate", gt=0)]
    """Share of the active sites lost per time at the potential given."""
    lithium: Literal["kept", "left"] = "kept"
    """Whether lost sites keep their lithium, which is inactive then, or leave it to the
    rest of the film."""


class LithiumConsumption(Strict):
    """Lithium that is consumed at the anode, by time."""

    current: CurrentDensity | None = None
    """Constant consumption, as a current density."""
    growth: PositiveCharge | None = None
    """Charge a layer of products has consumed within growth_time if it began at nothing:
    consumption slows down with the root of time."""
    growth_time: Time | None = None
    """Time of growth."""
    initial: PositiveCharge = 360.0
    """Charge in the layer of products as made; 10 uAh/cm2 unless given."""
    activation_energy: Activation = 0.0
    """Activation energy of the consumption."""

    @model_validator(mode="after")
    def _consistent(self) -> LithiumConsumption:
        if self.current is None and self.growth is None:
            refuse("current", "is missing; it or growth is needed")
        if (self.growth is None) != (self.growth_time is None):
            missing = "growth" if self.growth is None else "growth_time"
            refuse(missing, "is missing; growth goes with growth_time")
        return self


class ElectrolyteOxidation(Tafel):
    """Oxidation of the electrolyte at the cathode, until its reservoir is empty."""

    RATE = "current"
    current: CurrentDensity
    """Current density of the oxidation at the potential given, per area of the cell."""
    reservoir: ArealCharge
    """Lithium of the electrolyte that oxidation can set free."""


class Ageing(Strict):
    """The laws that age a cell."""

    interphase_with_time: InterphaseWithTime | None = None
    """Interphase that grows with the root of time."""
    interphase_by_oxidation: InterphaseByReaction | None = None
    """Interphase that grows at a high potential."""
    interphase_by_reduction: InterphaseByReaction | None = None
    """Interphase that grows at a low potential."""
    site_loss_by_oxidation: SiteLoss | None = None
    """Sites lost at a high potential."""
    site_loss_by_reduction: SiteLoss | None = None
    """Sites lost at a low potential."""
    lithium_consumption: LithiumConsumption | None = None
    """Lithium consumed at the anode."""
    electrolyte_oxidation: ElectrolyteOxidation | None = None
    """Oxidation of the electrolyte."""

    @property
    def blocks(self) -> Iterator[tuple[str, Strict]]:
        """Yield the blocks that are given, each with its option of the model."""
        for name, block in self:
            if block is not None:
                yield name.replace("_", " "), block

    def check(
        self, potential: float, T: float, T_ref: float, one_c: float, where: str
    ) -> None:
        """Refuse a rate that would end everything within a second.

        It is that at a potential of the cathode against lithium [V], called ``where``,
        and a temperature [K] of a step; 1C is in A/m2.
        """
        most_of: dict[type, tuple[str, float]] = {
            InterphaseByReaction: ("areal resistance rate", MOST_RESISTANCE),
            SiteLoss: ("rate", MOST_SHARE),
            ElectrolyteOxidation: ("current density", MOST_C_RATE * one_c),
        }
        for option, block in self.blocks:
            if not isinstance(block, Tafel):
                continue
            cause = "reduction" if option.endswith("reduction") else "oxidation"
            dimension, most = most_of[type(block)]
            if (rate := block.at(cause, potential, T, T_ref)) > most:
                refuse(
                    f"ageing.{option.replace(' ', '_')}",
                    f"at {where}, to which the protocol goes, its rate would be "
                    f"{units.text(rate, dimension)}, more than "
                    f"{units.text(most, dimension)}; a lower rate, another "
                    "potential or a narrower window would do",
                )

    @property
    def parameters(self) -> dict[str, float]:
        """Numbers in SI, by PyBaMM name: "Site loss by oxidation rate [s-1]".

        Of a law that is off they are its defaults, or 0.
        """
        found = dict(_numbers_of_laws_off())
        for option, block in self.blocks:
            found |= _numbers(option, block)
        return found


def _numbers(option: str, block: Strict) -> dict[str, float]:
    prefix, fields = option.capitalize(), type(block).model_fields
    found = numbers(block, prefix, tuple(n for n in fields if n != "lithium"))
    if isinstance(block, SiteLoss):
        found[f"{prefix} lithium left"] = float(block.lithium == "left")
    return found


@cache
def _numbers_of_laws_off() -> dict[str, float]:
    found: dict[str, float] = {}
    for name, field in Ageing.model_fields.items():
        block = get_args(field.annotation)[0].model_construct()
        found |= _numbers(name.replace("_", " "), block)
    return found
