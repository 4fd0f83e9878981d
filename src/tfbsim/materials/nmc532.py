"""NMC532, Li_xNi0.5Mn0.3Co0.2O2, x from 0.34 to 1.

Open-circuit potential: six sites fitted to the half-cell potential of Colclasure et al.
2020, as the library batmods-lite (BSD-3) holds it: 0.22 mV rms, 1.1 mV at most, over
0.34 <= x <= 0.997, that is 4.29 to 3.11 V.  The highest site, 4.62 V and a width of 12,
carries the potential on to x = 0: a continuation beyond the source.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_atoms

COLCLASURE = "Colclasure et al., Electrochim. Acta 337 (2020) 135854"

MATERIAL = Material(
    "NMC532",
    "Li_xNi0.5Mn0.3Co0.2O2",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(4.61775, 4.18714, 3.98257, 3.83100, 3.73840, 3.67535),
                X=(0.43005, 0.08114, 0.08382, 0.09043, 0.19550, 0.11906),
                omega=(12.0836, 3.6180, 2.6792, 1.8710, 1.1035, 1.2825),
            ),
            f"fitted: {COLCLASURE}",
            "0.34 <= x <= 0.997; continued below",
        ),
        "density": Value("4.789 g/cm3", f"derived: 49,599 mol/m3 of {COLCLASURE}"),
        "molar_mass": of_atoms("96.553", "LiNi0.5Mn0.3Co0.2O2"),
        "diffusivity": Value(
            Constant(1e-15), "assumed: of the order of films of LCO", "all x"
        ),
        "diffusivity_activation_energy": Value(
            "30 kJ/mol", f"published: {COLCLASURE}", "about 30 degC"
        ),
        **kinetics_of_lco(0.5),
        "exchange_current_activation_energy": Value(
            "30 kJ/mol", f"published: {COLCLASURE}", "about 30 degC"
        ),
    },
    {
        "capacity": Value(
            "182.3 mA h/g", "derived: x = 0.34 and 0.9967 at these limits in the source"
        ),
        "lower_voltage": Value("3.107 V", f"derived: low end of the curve, {COLCLASURE}"),
        "upper_voltage": Value(
            "4.290 V", f"derived: high end of the curve, {COLCLASURE}"
        ),
    },
)
