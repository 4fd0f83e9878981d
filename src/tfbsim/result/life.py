"""How long cells last, and how much sooner the warm ones end."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..data.curve_table import CASE, CYCLE
from ..errors import InputError
from ..materials.laws import FARADAY, GAS_CONSTANT
from .columns import CHECK_UP
from .result import Result

CAPACITY, TEMPERATURE = "Discharge capacity [mA.h.g-1]", "temperature [degC]"
CYCLES, DAYS, HOW = "Cycles", "Time [d]", "How"
FEWEST = 4  # capacities, half of which a straight line goes through


def life(result: Result, share: float = 0.8, extrapolate: bool = False) -> pd.DataFrame:
    """Return after how many cycles and days each case falls below a share of its first.

    Parameters
    ----------
    result : Result
        Of one or many cases; where there are check-ups, they are judged.
    share : float
        Of the first discharge.
    extrapolate : bool
        Whether a case that lasts longer is continued, by a straight line through the
        later half of its capacities.

    Returns
    -------
    DataFrame
        ``Case``, ``temperature [degC]`` where it varies, ``Cycles``, ``Time [d]`` since
        the first, and ``How``: "reached", "extrapolated", or "not reached" with NaN.

    Examples
    --------
    >>> import tfbsim
    >>> result = tfbsim.simulate(
    ...     "lco-lipon-li-raijmakers2020",
    ...     ["Charge at 1C until 4.2 V", "Discharge at 1C until 3.0 V"],
    ... )
    >>> tfbsim.life(result)["How"].item()
    'not reached'
    """
    if not 0 < share < 1:
        raise InputError(f"'{share:g}' must lie between 0 and 1", field="share")
    hours = result.steps[result.steps[CYCLE] > 0]
    rows = []
    for case, table in result.summary.groupby(CASE, sort=False):
        clock = hours[hours[CASE] == case].groupby(CYCLE)["Duration [s]"].sum().cumsum()
        if CHECK_UP in table:
            table = table[table[CHECK_UP] == 1]
        n, Q = table[CYCLE].to_numpy(float), table[CAPACITY].to_numpy(float)
        at, how = _below(n, Q, share * Q[0], extrapolate)
        days = np.interp(at, clock.index, clock) / 86400
        if how == "extrapolated":  # as long a cycle as the last one
            days = (clock.iloc[-1] + (at - n[-1]) * np.diff(clock)[-1]) / 86400
        days -= clock[n[0]] / 86400
        warm = {TEMPERATURE: table[TEMPERATURE].iloc[0]} if TEMPERATURE in table else {}
        days = days if at == at else np.nan
        rows.append({CASE: case, **warm, CYCLES: at, DAYS: days, HOW: how})
    return pd.DataFrame(rows)


def _below(
    n: np.ndarray, Q: np.ndarray, limit: float, extrapolate: bool
) -> tuple[float, str]:
    """Return the cycle at which a capacity comes down to a limit, and how it is known."""
    below = np.flatnonzero(limit > Q)
    if len(below):
        k = int(below[0])
        return float(np.interp(-limit, -Q[k - 1 : k + 1], n[k - 1 : k + 1])), "reached"
    if extrapolate and len(n) >= FEWEST:
        slope, start = np.polyfit(n[len(n) // 2 :], Q[len(n) // 2 :], 1)
        if slope < 0:
            return float((limit - start) / slope), "extrapolated"
    return np.nan, "not reached"


def arrhenius(lives: pd.DataFrame) -> dict[str, float]:
    """Return the activation energy of what ends lives at several temperatures.

    Parameters
    ----------
    lives : DataFrame
        As :func:`life` returns it, of cases that vary the temperature.

    Returns
    -------
    dict
        ``Activation energy [eV]``, of 1/time against 1/T, and its ``Standard error [eV]``
        (NaN of two temperatures).
    """
    known = lives.dropna(subset=[DAYS]) if TEMPERATURE in lives else lives.iloc[:0]
    x = 1 / (known.get(TEMPERATURE, pd.Series(dtype=float)).to_numpy(float) + 273.15)
    if len(np.unique(x)) < 2:
        raise InputError("needs the lives of cases at two temperatures or more")
    y = np.log(known[DAYS].to_numpy(float))
    if len(x) > 2:
        (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
        error = float(np.sqrt(covariance[0, 0]))
    else:
        (slope, _), error = np.polyfit(x, y, 1), np.nan
    eV = GAS_CONSTANT / FARADAY
    return {"Activation energy [eV]": slope * eV, "Standard error [eV]": error * eV}
