"""LLZO, lithium lanthanum zirconate, the cubic garnet, as the best films have it.

Films span 1e-8 to 1e-4 S/cm and more with how they are made; the tetragonal phase has
1.6e-6 S/cm and 0.5 eV.  Amorphous as sputtered: Kalita et al. 2012.
"""

from dataclasses import replace

from .material import REVIEW, Material, Value, calculated_window

TABLE = f"Table 5 of {REVIEW}"

MATERIAL = Material(
    "LLZO",
    "lithium lanthanum zirconate, cubic garnet",
    ("electrolyte",),
    {
        "conductivity": Value(
            "2e-4 S/cm",
            f"published: {TABLE}, the best film; bulk 3e-4 to 1e-3 S/cm",
            "25 degC",
        ),
        "conductivity_activation_energy": Value(
            "0.32 eV", "assumed: bulk has 0.30 to 0.33 eV"
        ),
        "density": Value(
            "5.11 g/cm3", "derived: Li7La3Zr2O12, cubic, a = 12.97 angstrom"
        ),
        "window_lower": Value("0 V", "assumed: metastable, used against lithium"),
        "window_upper": Value("6 V", f"published: {TABLE}", "as used"),
    },
    {
        "electronic_conductivity": Value(
            "5.5e-8 S/cm",
            "published: Han et al., Nat. Energy 4 (2019) 187; not compared with "
            "the print",
            "30 degC, pellets; a cell leaks only where its file says so",
        ),
        **calculated_window("0.05 V", "2.91 V"),
        "process_thickness": Value("1 um", "assumed", "0.1 to 5 um"),
    },
)

KALITA = "Kalita et al., Solid State Ionics 229 (2012) 14"
MATERIALS = (
    replace(
        MATERIAL,
        name="LLZO-amorphous",
        title="lithium lanthanum zirconate, amorphous sputtered film",
        values={
            **MATERIAL.values,
            "conductivity": Value(
                "4e-7 S/cm",
                f"published: {KALITA}, at 40 W; 2e-7 and 0.8e-7 S/cm at 60 and 80 W",
                "room temperature",
            ),
            "conductivity_activation_energy": Value(
                "0.6 eV", "assumed: of amorphous films; the printed one was not seen"
            ),
            "density": Value("4.8 g/cm3", "assumed: a few per cent below the crystal"),
        },
        data={k: v for k, v in MATERIAL.data.items() if k != "electronic_conductivity"},
    ),
)
