"""Li3PO4, lithium phosphate, as a film of 40 nm by atomic layer deposition."""

from .material import Material, Value

KAWASOKO = "Kawasoko et al., ACS Appl. Mater. Interfaces 10 (2018) 27498"
RICHARDS = "Richards et al., Chem. Mater. 28 (2016) 266; not compared with the print"

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
        "conductivity_activation_energy": Value(
            "0.58 eV",
            "assumed: of sputtered films, as LiPON's; none is printed with this one",
        ),
        "density": Value("2.5 g/cm3", "assumed: the crystal, rounded"),
        "window_lower": Value("0 V", f"published: used against lithium, {KAWASOKO}"),
        "window_upper": Value("4.9 V", f"published: on LNMO, {KAWASOKO}", "at least"),
    },
    {
        "calculated_window_lower": Value("0.69 V", f"published: {RICHARDS}"),
        "calculated_window_upper": Value("4.21 V", f"published: {RICHARDS}"),
        "process_thickness": Value(
            "40 nm", "published: Put et al., J. Electrochem. Soc. 166 (2019) A1239"
        ),
    },
)
