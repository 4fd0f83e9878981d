"""Copper, a collector on which lithium is plated in situ against LiPON.

Critical current density 2 mA/cm2, of Cu | LiPON for plating and stripping: Futscher et
al., J. Mater. Chem. A 10 (2022) 15535.  The first lithium meets a large potential drop:
Sagane et al., J. Power Sources 233 (2013) 34.  Its size, 0.1 V at 0.1 mA/cm2, the 50 nm
of lithium that cover 63 %, and the 12 uAh/cm2 (60 nm of lithium) that the first plating
loses are assumed.
"""

PROPERTIES = {
    "nucleation_overpotential": "0.1 V",
    "nucleation_current": "0.1 mA/cm2",
    "coverage_thickness": "50 nm",
    "critical_current": "2 mA/cm2",
    "interphase_loss": "12 uAh/cm2",
}
