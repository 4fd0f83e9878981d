"""Lithium metal, evaporated or plated.

4.85 um of it hold 1 mAh/cm2; against LiPON it has 44 ohm cm2 at 20 degC.
"""

from .inert import CRC
from .material import Material, Value

MATERIAL = Material(
    "Li",
    "lithium metal, evaporated or plated",
    ("anode",),
    {
        "molar_volume": Value("13.0 cm3/mol", "derived: density 0.534 g/cm3"),
        "exchange_current": Value(
            "0.575 mA/cm2",
            "published: Raijmakers et al., Electrochim. Acta 330 (2020) 135147",
            "20 degC",
        ),
        "exchange_current_activation_energy": Value("0.50 eV", "assumed"),
    },
    {
        "thermal_conductivity": Value("84.8 W/(m K)", CRC, "27 degC"),
        "heat_capacity": Value("3.58 J/(g K)", CRC, "25 degC"),
    },
)
