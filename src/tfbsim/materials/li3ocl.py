"""Li3OCl, a lithium-rich antiperovskite, as a film of pulsed laser deposition.

Conductivity at room temperature only; no activation energy of the film is printed, so
that it is the same at every temperature unless a cell file gives one.
"""

from .material import Material, Value

REVIEW = "Table 5 of a 2026 review of thin-film cells"

MATERIAL = Material(
    "Li3OCl",
    "lithium-rich antiperovskite, PLD film",
    ("electrolyte",),
    {
        "conductivity": Value(
            "2e-4 S/cm", f"published: {REVIEW}, PLD; bulk 1e-6 S/cm", "25 degC"
        ),
    },
    {"window_upper": Value("6 V", f"published: {REVIEW}", "as used")},
)
