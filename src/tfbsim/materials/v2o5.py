"""Vanadium oxide, Li_xV2O5, x from 0 to 2.

The crystal takes its lithium near 3.4, 3.2 and 2.3 V (alpha to epsilon to delta to
gamma: Whittingham, Chem. Rev. 104 (2004) 4271); sputtered films are amorphous and slope.

Open-circuit potential: assumed, no curve with its numbers was found in a printed source.
Smooth sites through the voltages named here; their widths are assumed.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco

MATERIAL = Material(
    "V2O5",
    "Li_xV2O5",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(3.4, 3.2, 2.3),
                X=(0.45, 0.55, 1.0),
                omega=(2.5, 2.5, 4.0),
            ),
            "assumed: smooth through the voltages named in its file",
            "0 <= x <= 2",
        ),
        "density": Value("3.36 g/cm3", "published: crystal"),
        "molar_mass": Value("181.88 g/mol", "derived: V2O5, standard atomic masses"),
        "diffusivity": Value(
            Constant(1e-16),
            "assumed: of the order of sputtered oxide films",
            "all x, 25 degC",
        ),
        **kinetics_of_lco(1.0),
    },
    {
        "capacity": Value("293.5 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("1.8 V", "assumed"),
        "upper_voltage": Value("3.8 V", "assumed"),
    },
)
