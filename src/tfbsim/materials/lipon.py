"""LiPON, lithium phosphorus oxynitride: a glassy single-ion conductor.

Conductivity 2e-6 S/cm at room temperature and activation energy 0.55 eV: Bates et al.,
Solid State Ionics 53-56 (1992) 647; Yu et al., J. Electrochem. Soc. 144 (1997) 524
(2.3e-6 S/cm at 25 degC, 0.55 eV), from about -25 to 140 degC.
Density 2.3 g/cm3: assumed, a glass somewhat lighter than the Li3PO4 it is sputtered from
(2.5 g/cm3); it enters the mass of a stack only.
"""

from .material import Material, Value

ZHU = "Zhu et al., ACS Appl. Mater. Interfaces 7 (2015) 23685"

MATERIAL = Material(
    "LiPON",
    "lithium phosphorus oxynitride, a glass",
    ("electrolyte",),
    {
        "conductivity": Value(
            "2e-6 S/cm",
            "published: Bates et al., Solid State Ionics 53-56 (1992) 647",
            "room temperature",
        ),
        "conductivity_activation_energy": Value(
            "0.55 eV",
            "published: Yu et al., J. Electrochem. Soc. 144 (1997) 524",
            "-25 to 140 degC",
        ),
        "density": Value("2.3 g/cm3", "assumed"),
    },
    {
        "window_upper": Value(
            "5.5 V", "published: Table 5 of a 2026 review of thin-film cells", "as used"
        ),
        "electronic_conductivity": Value(
            "1e-14 S/cm",
            "published: Table 5 of a 2026 review of thin-film cells",
            "order of magnitude; a cell leaks only where its file says so",
        ),
        "calculated_window_lower": Value("0.68 V", f"published: {ZHU}", "in equilibrium"),
        "calculated_window_upper": Value("2.63 V", f"published: {ZHU}", "in equilibrium"),
        "process_thickness": Value("1 um", "assumed: sputtered films have 0.1 to 3 um"),
    },
)
