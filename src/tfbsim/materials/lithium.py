"""Lithium metal, evaporated or plated.

Molar volume 13.0 cm3/mol (density 0.534 g/cm3, 6.941 g/mol): 4.85 um per mAh/cm2.
Exchange current density 0.575 mA/cm2 against LiPON at 20 degC: Raijmakers et al.,
Electrochim. Acta 330 (2020) 135147 (44 ohm cm2).  Activation energy 0.50 eV: assumed.
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
