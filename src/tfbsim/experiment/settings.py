"""Mesh and tolerances as an experiment's file or a record of a run has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from ..errors import InputError, at_field, placed, shown
from ..fields import Quantity, Strict, validate
from ..numerics import Numerics


class Settings(Strict):
    """Mesh and tolerances that suit an experiment."""

    points: Annotated[StrictInt, Field(ge=8, le=5000)] | None = None
    rtol: Annotated[float, Field(ge=1e-12, le=1e-2)] | None = None
    voltage_tolerance: Annotated[float, Quantity("voltage", ge=1e-8, le=0.1)] | None = (
        None
    )
    mesh: Literal["elements", "volumes"] | None = None
    grading: Annotated[float, Field(ge=0, le=10)] | None = None
    compile: StrictBool | None = None

    def applied(self) -> Numerics:
        """With the defaults for what is not given; ``atol`` follows ``rtol``."""
        given = {k: v for k, v in self.model_dump().items() if v is not None}
        if self.rtol is not None:
            given.setdefault("atol", self.rtol / 100)
        return Numerics(**given)


class Recorded(Settings):
    """All of the numerics of a run, within the bounds that a file has."""

    atol: Annotated[float, Field(ge=1e-14, le=1e-2)] | None = None
    error_bar: StrictBool = False


def numerics_of(given: object, default: Settings | None = None) -> Numerics:
    """Return mesh and tolerances, also from a mapping of what a file may say of them.

    None stands for the default, that of an experiment if there is one.  An InputError
    names the field.
    """
    if isinstance(given, Numerics):
        return given
    if given is None:
        return (default or Settings()).applied()
    if not isinstance(given, Mapping):
        message = f"'{shown(given)}' is given where Numerics or a mapping would do"
        raise InputError(message, field="numerics")
    with placed(at_field, "numerics"):
        settings: Settings = validate(Settings, dict(given))
    return settings.applied()
