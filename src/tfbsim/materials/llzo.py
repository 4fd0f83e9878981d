"""LLZO, lithium lanthanum zirconate, the cubic garnet, as the best films have it.

Films span 1e-8 to 1e-4 S/cm and more with how they are made; the tetragonal phase has
1.6e-6 S/cm and 0.5 eV.
"""

from .material import Material, Value

REVIEW = "Table 5 of a 2026 review of thin-film cells"

MATERIAL = Material(
    "LLZO",
    "lithium lanthanum zirconate, cubic garnet",
    ("electrolyte",),
    {
        "conductivity": Value(
            "2e-4 S/cm",
            f"published: {REVIEW}, the best film; bulk 3e-4 to 1e-3 S/cm",
            "25 degC",
        ),
        "conductivity_activation_energy": Value(
            "0.32 eV", "assumed: bulk has 0.30 to 0.33 eV"
        ),
    },
    {"window_upper": Value("6 V", f"published: {REVIEW}", "as used")},
)
