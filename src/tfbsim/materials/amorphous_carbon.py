"""Amorphous carbon, sputtered, 100 nm or less, between collector and LiPON.

Critical current density 8 mA/cm2, a lower overpotential for plating, and a first loss of
a few tens of nm of lithium where the carbon is not dense: Futscher et al., J. Mater.
Chem. A 10 (2022) 15535.  Taken as 30 nm, 6 uAh/cm2.  Assumed: 20 mV at 0.1 mA/cm2, and
that 10 nm of lithium cover 63 %, the carbon being a seed layer.
"""

PROPERTIES = {
    "nucleation_overpotential": "20 mV",
    "nucleation_current": "0.1 mA/cm2",
    "coverage_thickness": "10 nm",
    "critical_current": "8 mA/cm2",
    "interlayer_loss": "6 uAh/cm2",
    "interphase_loss": "0 uAh/cm2",
}
