"""LATP, lithium aluminium titanium phosphate, as an amorphous sputtered film.

Lithium metal reduces it: between the two goes another layer.
"""

from .material import REVIEW, Material, Value, calculated_window

TABLE = f"Table 5 of {REVIEW}"

MATERIAL = Material(
    "LATP",
    "lithium aluminium titanium phosphate, amorphous film",
    ("electrolyte",),
    {
        "conductivity": Value(
            "2.46e-5 S/cm",
            f"published: {TABLE}, sputtered; its text has 6.47e-6 S/cm; bulk 7e-4 S/cm",
            "25 degC",
        ),
        "conductivity_activation_energy": Value(
            "0.35 eV", "assumed: of amorphous films; no value is printed with this one"
        ),
        "density": Value(
            "2.94 g/cm3",
            "derived: Li1.3Al0.3Ti1.7(PO4)3, crystal, a = 8.50 and c = 20.8 angstrom",
        ),
        "window_lower": Value("2.4 V", f"published: {TABLE}", "reduced below it"),
    },
    {
        **calculated_window("2.17 V", "4.21 V"),
        "process_thickness": Value("1 um", "assumed: sputtered", "0.3 to 3 um"),
    },
)
