"""LiClO4 in propylene carbonate, in a separator: the liquid of reference cells.

Conductivity: the form of Casteel and Amis, 5.42 mS/cm at most, at 0.6616 mol/kg, with
a = 0.855 and b = -0.08 kg2/mol2; density 1.2041 kg/L; here in mol/L of the solution at
that density, r = c/(0.797 mol/L), with b over the square of the peak.  D = 2.58e-6 cm2/s
and t_+ = 0.2.  All as Fuller, Doyle and Newman used them for LiClO4 in propylene
carbonate, and their program dualfoil: J. Electrochem. Soc. 141 (1994) 1.  The
thermodynamic factor of an ideal solution, that of 1 mol/L and the separator are assumed.
"""

from .material import Material, Value

FULLER = "Fuller, Doyle & Newman, J. Electrochem. Soc. 141 (1994) 1"

MATERIAL = Material(
    "LiClO4-PC",
    "LiClO4 in propylene carbonate, a liquid in a separator",
    ("electrolyte",),
    {
        "separator": Value("25 um", "assumed: that of a common separator"),
        "conductivity": Value("5.42e-3 S/cm", f"published: {FULLER}", "25 degC"),
        "salt": Value(
            {
                "concentration": "1 mol/L",
                "diffusivity": "2.58e-6 cm2/s",
                "transference": 0.2,
                "thermodynamic_factor": 1.0,
                "peak": "0.797 mol/L",
                "exponent": 0.855,
                "curvature": -0.035,
            },
            f"published: {FULLER}; the thermodynamic factor of an ideal solution assumed",
            "25 degC",
        ),
    },
)
