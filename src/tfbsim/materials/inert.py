"""Solids that store no charge: substrates, collectors, interlayers, packaging.

Density, thermal conductivity and heat capacity at room temperature, of the bulk;
sputtered films may be a few per cent lighter and conduct heat less well.  Values of
handbooks are given from memory and were not compared with the print.

What lithium plated in situ finds on a metal: the overpotential of nucleation on Au, Ag,
Al, Pt and Ni is that of Yan et al. 2016 in a liquid carbonate at 10 uA/cm2, also from
memory; no measurement against LiPON is known to us.  That Au, Ag, Al and Pt take lithium
up as alloys is left out.  Copper: Futscher et al. 2022 print the critical current
density of Cu | LiPON; Sagane et al., J. Power Sources 233 (2013) 34, a large potential
drop of the first lithium, whose size, 0.1 V at 0.1 mA/cm2, is assumed.  Amorphous carbon:
lower overpotential and a first loss of a few tens of nm of lithium where it is not dense
(Futscher et al.), taken as 30 nm.  60 nm of lithium are 12 uAh/cm2.
"""

from .material import Material, Value

PRINT = "not compared with the print"
CRC = f"published: CRC Handbook of Chemistry and Physics; {PRINT}"
CALLISTER = "published: Callister, Materials Science and Engineering, appendix B"
CALLISTER += f"; {PRINT}"
INCROPERA = (
    "published: Incropera et al., Fundamentals of Heat and Mass Transfer, appendix A"
)
INCROPERA += f"; {PRINT}"
KAPTON = "published: data sheet of Kapton HN, DuPont"
PARYLENE = f"published: data sheets of makers; {PRINT}"
FUTSCHER = "published: Futscher et al., J. Mater. Chem. A 10 (2022) 15535"
YAN = "published: Yan et al., Nat. Energy 1 (2016) 16010, in a liquid carbonate"
YAN += f"; {PRINT}"
ITO_FILM = "J. Vac. Sci. Technol. A 23 (2005) 1180"


def surface(eta: Value, current: str, covering: str, **more: Value) -> dict[str, Value]:
    """Return what sets how lithium plates on a surface: overpotential at a current
    density, and the thickness that covers 63 %."""
    return {
        "nucleation_overpotential": eta,
        "nucleation_current": Value(current, eta.source),
        "coverage_thickness": Value(covering, "assumed"),
        **more,
    }


def metal(eta: Value, current: str = "10 uA/cm2", **more: Value) -> dict[str, Value]:
    """Return the same of a metal that no interlayer covers."""
    return surface(
        eta, current, "50 nm", interphase_loss=Value("12 uAh/cm2", "assumed"), **more
    )


ASSUMED = "0.1 mA/cm2"  # at which the assumed overpotentials are stated
SURFACES = {
    "Ag": metal(Value("0 V", YAN)),
    "Al": metal(Value("5 mV", YAN)),
    "Au": metal(Value("0 V", YAN)),
    "Ni": metal(Value("30 mV", YAN)),
    "Pt": metal(Value("8 mV", YAN)),
    "copper": metal(
        Value("0.1 V", "assumed"), ASSUMED, critical_current=Value("2 mA/cm2", FUTSCHER)
    ),
    "steel": metal(
        Value("0.15 V", "assumed: half as much again as copper"),
        ASSUMED,
        critical_current=Value("2 mA/cm2", "assumed, as copper"),
    ),
    "amorphous carbon": surface(
        Value("20 mV", "assumed"),
        ASSUMED,
        "10 nm",
        critical_current=Value("8 mA/cm2", FUTSCHER),
        interlayer_loss=Value("6 uAh/cm2", f"{FUTSCHER}: a few tens of nm of lithium"),
        interphase_loss=Value("0 uAh/cm2", "assumed"),
    ),
}
# Names, title; density [g/cm3], thermal conductivity [W/(m K)], heat capacity [J/(g K)]
# with their sources, one source for all or one each
SOLIDS = (
    ("Ag, silver", "silver", "10.5", "429", "0.235", CRC),
    ("Al, aluminium", "aluminium", "2.70", "237", "0.897", CRC),
    ("Al2O3, alumina", "alumina, dense", "3.98", "39", "0.775", CALLISTER),
    ("Au, gold", "gold", "19.3", "317", "0.129", CRC),
    (
        *("ITO,", "indium tin oxide", "7.14", "3.1", "0.36"),
        "published: bulk; sputtered films from 6.8 g/cm3",
        f"derived: diffusivity 1.2e-6 m2/s of sputtered films, {ITO_FILM}",
        "assumed: as In2O3",
    ),
    ("Ni, nickel", "nickel", "8.90", "90.7", "0.444", CRC),
    ("Pt, platinum", "platinum", "21.5", "71.6", "0.133", CRC),
    ("Ti, titanium", "titanium", "4.51", "21.9", "0.523", CRC),
    (
        *("amorphous carbon, a-C", "amorphous carbon, sputtered, 100 nm or less"),
        *("2.0", "1", "0.71"),
        "assumed: 1.8 to 2.4, by how it is deposited",
        "assumed: of the order of amorphous films, 0.1 to 2",
        "assumed: as graphite",
    ),
    ("copper, Cu", "metal, foil or film", "8.96", "401", "0.385", CRC),
    ("glass,", "borosilicate glass", "2.23", "1.4", "0.835", INCROPERA),
    (
        *("mica,", "muscovite mica", "2.8", "0.54", "0.88"),
        f"published: 2.7 to 2.9, CRC Handbook; {PRINT}",
        "published: data sheet of ICR Mica, across the cleavage planes",
        "published: data sheet of ICR Mica",
    ),
    ("parylene C, parylene", "parylene C", "1.289", "0.084", "0.712", PARYLENE),
    ("polyimide, Kapton", "polyimide, Kapton HN", "1.42", "0.12", "1.09", KAPTON),
    ("silica,", "silica, vitreous", "2.20", "1.4", "0.74", CALLISTER),
    ("silicon,", "crystal; as an electrode see Si", "2.33", "148", "0.712", INCROPERA),
    ("steel, stainless steel 304", "stainless 304", "8.00", "16.2", "0.50", CALLISTER),
)


PROPERTIES = {
    "density": "g/cm3",
    "thermal_conductivity": "W/(m K)",
    "heat_capacity": "J/(g K)",
}


def _solid(names: str, title: str, *row: str) -> Material:
    """Return a solid of the table: three numbers, and a source for all or one each."""
    name, _, also = names.partition(",")
    numbers, sources = row[:3], row[3:] * (3 // len(row[3:]))
    data = {
        field: Value(f"{number} {unit}", source, "25 degC")
        for (field, unit), number, source in zip(
            PROPERTIES.items(), numbers, sources, strict=True
        )
    }
    plated = SURFACES.get(name, {})
    layer = "interlayer" if name == "amorphous carbon" else "collector"
    layers = (layer, "stack") if plated else ("stack",)
    return Material(name, title, layers, plated, data, (also.strip(),) if also else ())


MATERIALS = tuple(_solid(*solid) for solid in SOLIDS)
