"""LATP, lithium aluminium titanium phosphate, as an amorphous sputtered film.

Lithium metal reduces it: between the two goes another layer.
The conductivity is that of room temperature; no activation energy is printed with it, and
the one here is assumed.
"""

from .material import Material, Value

REVIEW = "Table 5 of a 2026 review of thin-film cells"
ZHU = "Zhu et al., ACS Appl. Mater. Interfaces 7 (2015) 23685; not "
ZHU += "compared with the print"

MATERIAL = Material(
    "LATP",
    "lithium aluminium titanium phosphate, amorphous film",
    ("electrolyte",),
    {
        "conductivity": Value(
            "2.46e-5 S/cm",
            f"published: {REVIEW}, sputtered; its text has 6.47e-6 S/cm; bulk 7e-4 S/cm",
            "25 degC",
        ),
        "conductivity_activation_energy": Value(
            "0.35 eV", "assumed: of amorphous films; no value is printed with this one"
        ),
        "density": Value(
            "2.94 g/cm3",
            "derived: Li1.3Al0.3Ti1.7(PO4)3, crystal, a = 8.50 and c = 20.8 angstrom",
        ),
        "window_lower": Value("2.4 V", f"published: {REVIEW}", "reduced below it"),
    },
    {
        "calculated_window_lower": Value("2.17 V", f"published: {ZHU}", "in equilibrium"),
        "calculated_window_upper": Value("4.21 V", f"published: {ZHU}", "in equilibrium"),
        "process_thickness": Value("1 um", "assumed: sputtered", "0.3 to 3 um"),
    },
)
