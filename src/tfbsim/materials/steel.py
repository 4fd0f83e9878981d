"""Stainless steel, a collector on which lithium is plated in situ against LiPON.

No measurement against LiPON is known to us.  Assumed: as copper (which see), with half as
much again of nucleation overpotential, 0.15 V at 0.1 mA/cm2; lithium alloys with neither.
"""

from .material import Material, Value

MATERIAL = Material(
    "steel",
    "stainless steel, a collector on LiPON",
    ("collector",),
    {
        "nucleation_overpotential": Value("0.15 V", "assumed"),
        "nucleation_current": Value("0.1 mA/cm2", "assumed"),
        "coverage_thickness": Value("50 nm", "assumed"),
        "critical_current": Value("2 mA/cm2", "assumed, as copper"),
        "interphase_loss": Value("12 uAh/cm2", "assumed"),
    },
)
