"""Li3OCl, a lithium-rich antiperovskite, as a film of pulsed laser deposition."""

from .material import REVIEW, Material, Value

TABLE = f"Table 5 of {REVIEW}"

MATERIAL = Material(
    "Li3OCl",
    "lithium-rich antiperovskite, PLD film",
    ("electrolyte",),
    {
        "conductivity": Value(
            "2e-4 S/cm", f"published: {TABLE}, PLD; bulk 1e-6 S/cm", "25 degC"
        ),
        "conductivity_activation_energy": Value(
            "0.35 eV",
            "assumed: of films by pulsed laser; no value is printed with this one",
        ),
        "density": Value("2.01 g/cm3", "derived: cubic, a = 3.91 angstrom"),
        "window_lower": Value("0 V", "assumed: films are used against lithium"),
        "window_upper": Value("6 V", f"published: {TABLE}", "as used"),
    },
    {"process_thickness": Value("1 um", "assumed", "0.1 to 5 um")},
)
