"""Lithium titanate, Li_(4+x)Ti5O12, x from 0 to 3.

Open-circuit potential: a plateau at 1.55 V.  Its width is assumed: 98 % of the sites have
a quarter of the ideal width (0.25 k T/e = 6.4 mV), and 2 % a width of 15, which bounds
dU/dx at both ends.
Li4Ti5O12 separates into two phases (regular solution of 1.43e-20 J a site, 3.5 k T at
25 degC).  A planar film with this U(x) is single-phase: it shows the voltage and the
capacity of the plateau, no boundary that moves between two phases.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_atoms

VASILEIADIS = "Vasileiadis et al., Adv. Funct. Mater. 28 (2018) 1705992"

MATERIAL = Material(
    "LTO",
    "Li_(4+x)Ti5O12, three sites a formula",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(U=(1.55, 1.55), X=(2.94, 0.06), omega=(0.25, 15.0)),
            f"published plateau: {VASILEIADIS}; widths assumed",
            "0 <= x <= 3",
        ),
        "density": Value("3.354 g/cm3", f"derived: 21,919 mol/m3 of {VASILEIADIS}"),
        "molar_mass": of_atoms("459.1", "Li4Ti5O12"),
        "diffusivity": Value(Constant(4.0e-16), f"published: {VASILEIADIS}", "lattice"),
        **kinetics_of_lco(1.5),
    },
    {
        "capacity": Value(
            "175 mA h/g",
            "published: Table 6 of a 2026 review of thin-film cells; sputtered and PLD",
        ),
        "lower_voltage": Value("1.0 V", "assumed"),
        "upper_voltage": Value("2.5 V", "assumed"),
    },
)
