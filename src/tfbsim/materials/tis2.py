"""Titanium disulfide, Li_xTiS2, x from 0 to 1: one phase throughout.

Its potential falls evenly from about 2.5 to 1.9 V (Whittingham, Science 192 (1976) 1126).

Open-circuit potential: assumed, no curve with its numbers was found in a printed source.
Smooth sites through the voltages named here; their widths are assumed.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco

MATERIAL = Material(
    "TiS2",
    "Li_xTiS2",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(2.45, 2.2, 1.95),
                X=(0.35, 0.35, 0.3),
                omega=(2.2, 2.2, 2.2),
            ),
            "assumed: smooth through the voltages named in its file",
            "0 <= x <= 1",
        ),
        "density": Value("3.24 g/cm3", "published: crystal"),
        "molar_mass": Value("112.00 g/mol", "derived: TiS2, standard atomic masses"),
        "diffusivity": Value(
            Constant(1e-14),
            "assumed: of the order of sputtered oxide films",
            "all x, 25 degC",
        ),
        **kinetics_of_lco(0.5),
    },
    {
        "capacity": Value("238.1 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("1.6 V", "assumed"),
        "upper_voltage": Value("2.7 V", "assumed"),
    },
)
