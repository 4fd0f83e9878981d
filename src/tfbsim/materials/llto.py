"""LLTO, lithium lanthanum titanate, as an amorphous film.

Lithium metal reduces it: between the two goes another layer.
Conductivity at room temperature only; no activation energy of the film is printed, so
that it is the same at every temperature unless a cell file gives one.
"""

from .material import Material, Value

REVIEW = "a 2026 review of thin-film cells"

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
    },
    {
        "window_lower": Value(
            "2.8 V", f"published: Table 5 of {REVIEW}", "reduced below it"
        )
    },
)
