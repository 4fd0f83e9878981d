"""LiPON, lithium phosphorus oxynitride: a glassy single-ion conductor.

Conductivity 2e-6 S/cm at room temperature and activation energy 0.55 eV: Bates et al.,
Solid State Ionics 53-56 (1992) 647; Yu et al., J. Electrochem. Soc. 144 (1997) 524
(2.3e-6 S/cm at 25 degC, 0.55 eV), from about -25 to 140 degC.
"""

PROPERTIES = {
    "conductivity": "2e-6 S/cm",
    "conductivity_activation_energy": "0.55 eV",
}
