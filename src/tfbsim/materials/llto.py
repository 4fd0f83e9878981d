"""LLTO, lithium lanthanum titanate, as an amorphous film.

Lithium metal reduces it: between the two goes another layer.
"""

from .material import REVIEW, Material, Value, calculated_window

MATERIAL = Material(
    "LLTO",
    "lithium lanthanum titanate, amorphous film",
    ("electrolyte",),
    {
        "conductivity": Value(
            "5.32e-5 S/cm",
            f"published: text of {REVIEW}; its Table 5 has 8.2e-4 S/cm, above the 1e-6 "
            "to 1e-4 S/cm of films elsewhere",
            "25 degC",
        ),
        "conductivity_activation_energy": Value(
            "0.36 eV",
            "published: amorphous sol-gel films, Zheng et al., RSC Adv. 7 (2017) 30160",
            "30 to 90 degC",
        ),
        "density": Value(
            "5.03 g/cm3", "derived: Li0.33La0.557TiO3, cubic, a = 3.87 angstrom"
        ),
        "window_lower": Value(
            "2.8 V", f"published: Table 5 of {REVIEW}", "reduced below it"
        ),
    },
    {
        **calculated_window("1.75 V", "3.71 V"),
        "process_thickness": Value("1 um", "assumed", "0.1 to 2 um"),
    },
)
