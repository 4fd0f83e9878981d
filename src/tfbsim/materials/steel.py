"""Stainless steel, a collector on which lithium is plated in situ against LiPON.

No measurement against LiPON is known to us.  Assumed: as copper (which see), with half as
much again of nucleation overpotential, 0.15 V at 0.1 mA/cm2; lithium alloys with neither.
"""

PROPERTIES = {
    "nucleation_overpotential": "0.15 V",
    "nucleation_current": "0.1 mA/cm2",
    "coverage_thickness": "50 nm",
    "critical_current": "2 mA/cm2",
    "interphase_loss": "12 uAh/cm2",
}
