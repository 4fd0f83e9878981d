"""Titanium dioxide, Li_xTiO2, x from 0 to 0.7, amorphous as sputtered.

Anatase has a plateau at 1.78 V (Wagemaker et al., Nature 418 (2002) 397); amorphous
films slope between 1 and 3 V.

Open-circuit potential: assumed, no curve with its numbers was found in a printed source.
Smooth sites through the voltages named here; their widths are assumed.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_a_film

MATERIAL = Material(
    "TiO2",
    "Li_xTiO2, amorphous film",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(2.1, 1.75, 1.3),
                X=(0.15, 0.35, 0.2),
                omega=(5.0, 3.0, 5.0),
            ),
            "assumed: smooth through the voltages named in its file",
            "0 <= x <= 0.7",
        ),
        "density": Value("3.7 g/cm3", "assumed: amorphous; anatase has 3.89"),
        "molar_mass": Value("79.87 g/mol", "derived: TiO2, standard atomic masses"),
        "diffusivity": Value(
            Constant(1e-16),
            "assumed: of the order of sputtered oxide films",
            "all x, 25 degC",
        ),
        **kinetics_of_lco(0.35),
    },
    {
        "capacity": Value("228.9 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("1.0 V", "assumed"),
        "upper_voltage": Value("3.0 V", "assumed"),
        "film_capacity": of_a_film("204 mA h/g", "sputtered, at 50 mA/g"),
    },
)
