"""Solids that store no charge: substrates, collectors, interlayers, packaging.

Density, thermal conductivity and heat capacity at room temperature, of the bulk;
sputtered films may be a few per cent lighter and conduct heat less well.  Values of
handbooks are given from memory and were not compared with the print.  They are rows of
``solids.csv``; ``surfaces.csv`` says how lithium plates on some of them.

What lithium plated in situ finds on a metal: the overpotential of nucleation on Au, Ag,
Al, Pt and Ni is that of Yan et al. 2016 in a liquid carbonate at 10 uA/cm2, also from
memory; no measurement against LiPON is known to us.  That Au, Ag, Al and Pt take lithium
up as alloys is left out.  Copper: Futscher et al. 2022 print the critical current
density of Cu | LiPON; Sagane et al., J. Power Sources 233 (2013) 34, a large potential
drop of the first lithium, whose size, 0.1 V at 0.1 mA/cm2, is assumed.  Amorphous carbon:
lower overpotential and a first loss of a few tens of nm of lithium where it is not dense
(Futscher et al.), taken as 30 nm.  60 nm of lithium are 12 uAh/cm2.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from .material import Material, Value

PROPERTIES = {
    "density": "g/cm3",
    "thermal_conductivity": "W/(m K)",
    "heat_capacity": "J/(g K)",
}


def _rows(name: str) -> list[dict[str, str]]:
    path = Path(__file__).with_name(name)
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _solids() -> Iterator[Material]:
    surfaces = _rows("surfaces.csv")
    for row in _rows("solids.csv"):
        name, source = row["name"], row["source"]
        data = {
            field: Value(
                f"{row[field]} {unit}", row.get(f"source of {field}") or source, "25 degC"
            )
            for field, unit in PROPERTIES.items()
        }
        plated = {
            surface["field"]: Value(surface["value"], surface["source"])
            for surface in surfaces
            if surface["solid"] == name
        }
        layer = "interlayer" if name == "amorphous carbon" else "collector"
        layers = (layer, "stack") if plated else ("stack",)
        also = (row["also"],) if row["also"] else ()
        yield Material(name, row["title"], layers, plated, data, also)


MATERIALS = tuple(_solids())
