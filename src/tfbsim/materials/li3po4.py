"""Li3PO4, lithium phosphate, as a film of 40 nm by atomic layer deposition.

Conductivity at room temperature only; no activation energy of the film is printed, so
that it is the same at every temperature unless a cell file gives one.
Density 2.5 g/cm3: of the crystal; it enters the mass of a stack only.
"""

from .material import Material, Value

MATERIAL = Material(
    "Li3PO4",
    "lithium phosphate, ALD film",
    ("electrolyte",),
    {
        "conductivity": Value(
            "1.4e-10 S/cm",
            "published: Put et al., J. Electrochem. Soc. 166 (2019) A1239",
            "25 degC; 40 nm",
        ),
        "density": Value("2.5 g/cm3", "assumed: the crystal, rounded"),
    },
)
