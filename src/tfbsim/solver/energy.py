"""The energy that passed in a step: one integral, from the voltage and the charge.

    E_out = integral of V dQ_out,    E_in = integral of V dQ_in

over each step of a curve, fine enough that V is straight between its samples.  The
charges are states of the solver.  So an energy is as good as V(t), however little passed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray
OUT, IN = "Discharge energy [W.h]", "Charge energy [W.h]"


class Passed(NamedTuple):
    """What passed at the samples of a curve.

    Parameters
    ----------
    t : ndarray, shape (samples,)
        Time over the duration.
    V : ndarray, shape (samples,)
        Voltage [V].
    I : ndarray, shape (samples,)
        Current, in any unit.
    out, back : ndarray, shape (samples,)
        Charge that came out and that went in [A.h].
    """

    t: Array
    V: Array
    I: Array
    out: Array
    back: Array


def energies(passed: Passed, t: Array) -> dict[str, Array]:
    """Return the energies that had come out and gone in at times of a step [W.h].

    Parameters
    ----------
    passed : Passed
        At the samples of a curve.
    t : ndarray, shape (times,)
        Time over the duration, the ends included.
    """
    V, I = passed.V, passed.I
    mean = (V[1:] + V[:-1]) / 2
    # Where the current changes too, it is the mean weighted by the current
    both = I[1:] + I[:-1]
    straight = I[1:] * I[:-1] > 0
    weight = np.where(straight, np.diff(I) / np.where(straight, both, 1.0), 0.0)
    mean += np.diff(V) * weight / 6
    found = {}
    for name, charge in ((OUT, passed.out), (IN, passed.back)):
        energy = np.append(0.0, np.cumsum(mean * np.diff(charge)))
        found[name] = np.interp(t, passed.t, energy)
    return found
