"""Lithium nickel cobalt aluminium oxide, Li_xNi0.8Co0.15Al0.05O2, x from 0.35 to 0.97.

Open-circuit potential: five sites fitted to a printed polynomial, 0.6 mV rms, 4.6 mV at
most.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_atoms

KIM = "Kim et al., J. Electrochem. Soc. 158 (2011) A955"

MATERIAL = Material(
    "NCA",
    "Li_xNi0.8Co0.15Al0.05O2",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(4.7145, 3.9908, 3.692, 3.559, 3.5105),
                X=(0.2312, 0.5158, 0.206, 0.0245, 0.0225),
                omega=(4.2067, 7.5658, 2.2728, 0.7281, 0.3616),
            ),
            f"fitted: polynomial of {KIM}, as PyBaMM's set of that name prints it",
            "0.35 <= x <= 0.97",
        ),
        "density": Value("4.708 g/cm3", "derived: 49,000 mol/m3 of Kim et al. 2011"),
        "molar_mass": of_atoms("96.08", "LiNi0.8Co0.15Al0.05O2"),
        "diffusivity": Value(Constant(3e-15), f"published: {KIM}", "particles, 25 degC"),
        **kinetics_of_lco(0.5),
    },
    {
        "capacity": Value("169.1 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("3.45 V", "derived: low end of the fitted part"),
        "upper_voltage": Value("4.2 V", "derived: high end of the fitted part"),
    },
)
