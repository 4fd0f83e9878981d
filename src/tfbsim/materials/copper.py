"""Copper, a collector on which lithium is plated in situ against LiPON.

Critical current density 2 mA/cm2, of Cu | LiPON for plating and stripping: Futscher et
al., J. Mater. Chem. A 10 (2022) 15535.  The first lithium meets a large potential drop:
Sagane et al., J. Power Sources 233 (2013) 34.  Its size, 0.1 V at 0.1 mA/cm2, the 50 nm
of lithium that cover 63 %, and the 12 uAh/cm2 (60 nm of lithium) that the first plating
loses are assumed.
"""

from .material import Material, Value

MATERIAL = Material(
    "copper",
    "copper, a collector on LiPON",
    ("collector",),
    {
        "nucleation_overpotential": Value("0.1 V", "assumed"),
        "nucleation_current": Value("0.1 mA/cm2", "assumed"),
        "coverage_thickness": Value("50 nm", "assumed"),
        "critical_current": Value(
            "2 mA/cm2", "published: Futscher et al., J. Mater. Chem. A 10 (2022) 15535"
        ),
        "interphase_loss": Value("12 uAh/cm2", "assumed"),
    },
)
