"""Amorphous carbon, sputtered, 100 nm or less, between collector and LiPON.

Critical current density 8 mA/cm2, a lower overpotential for plating, and a first loss of
a few tens of nm of lithium where the carbon is not dense: Futscher et al., J. Mater.
Chem. A 10 (2022) 15535.  Taken as 30 nm, 6 uAh/cm2.  Assumed: 20 mV at 0.1 mA/cm2, and
that 10 nm of lithium cover 63 %, the carbon being a seed layer.
"""

from .material import Material, Value

MATERIAL = Material(
    "amorphous carbon",
    "amorphous carbon, sputtered, 100 nm or less",
    ("interlayer",),
    {
        "nucleation_overpotential": Value("20 mV", "assumed"),
        "nucleation_current": Value("0.1 mA/cm2", "assumed"),
        "coverage_thickness": Value("10 nm", "assumed"),
        "critical_current": Value(
            "8 mA/cm2", "published: Futscher et al., J. Mater. Chem. A 10 (2022) 15535"
        ),
        "interlayer_loss": Value(
            "6 uAh/cm2", "published: Futscher et al. 2022: a few tens of nm of lithium"
        ),
        "interphase_loss": Value("0 uAh/cm2", "assumed"),
    },
)
