"""LATP, lithium aluminium titanium phosphate, as an amorphous sputtered film.

Lithium metal reduces it: between the two goes another layer.
Conductivity at room temperature only; no activation energy of the film is printed, so
that it is the same at every temperature unless a cell file gives one.
"""

from .material import Material, Value

REVIEW = "Table 5 of a 2026 review of thin-film cells"

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
    },
    {"window_lower": Value("2.4 V", f"published: {REVIEW}", "reduced below it")},
)
