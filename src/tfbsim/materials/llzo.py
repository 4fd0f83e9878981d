"""LLZO, lithium lanthanum zirconate, the cubic garnet, as the best films have it.

Films span 1e-8 to 1e-4 S/cm and more with how they are made; the tetragonal phase has
1.6e-6 S/cm and 0.5 eV.
"""

from .material import Material, Value

REVIEW = "Table 5 of a 2026 review of thin-film cells"
ZHU = "Zhu et al., ACS Appl. Mater. Interfaces 7 (2015) 23685"

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
    {
        "window_upper": Value("6 V", f"published: {REVIEW}", "as used"),
        "calculated_window_lower": Value("0.05 V", f"published: {ZHU}", "in equilibrium"),
        "calculated_window_upper": Value("2.91 V", f"published: {ZHU}", "in equilibrium"),
        "process_thickness": Value("1 um", "assumed: films of 0.1 to 5 um"),
    },
)
