"""Made-up cycler records of known charge, written as the cyclers' programs export them.

Each writer takes a record and a way of writing (locale, sign, units, clock) and returns
a text.  Layouts follow public files of the formats; the numbers are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

Array = np.ndarray
NAMES = {"charge": "C", "hold": "C", "rest": "R", "discharge": "D"}


@dataclass
class Record:
    """Rows of a record, charge positive; SI but for charges [mA.h] and currents [mA].

    Parameters
    ----------
    t, own, V, i : ndarray
        Total clock and that of the step [s], voltage [V], current [mA].
    step, number, cycle : ndarray of int
        Steps counted on, step of the programme, cycle.
    up, down, net, of_step : ndarray
        Counters: all charged, all discharged, their difference, of the step [mA.h].
    truth : list of (str, float)
        Kind and charge [mA.h] of each step.
    """

    t: Array
    own: Array
    V: Array
    i: Array
    step: Array
    number: Array
    cycle: Array
    up: Array
    down: Array
    net: Array
    of_step: Array
    kind: list[str]
    truth: list[tuple[str, float]] = field(default_factory=list)

    def take(self, keep: Array) -> Record:
        """Return some of the rows."""
        arrays = {k: v[keep] for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        kind = [k for k, kept in zip(self.kind, keep, strict=True) if kept]
        return Record(**arrays, kind=kind, truth=self.truth)


def record(r: np.random.Generator, cycles: int = 2, discharge_first: bool = False):
    """Return cycles of charge, hold, rest and discharge, of random current and rate."""
    rows: list[tuple[float, ...]] = []
    kinds: list[str] = []
    truth: list[tuple[str, float]] = []
    t = up = down = 0.0
    step = 0
    plan = ["charge", "hold", "rest", "discharge", "rest"]
    if discharge_first:
        plan = ["discharge", "rest", "charge", "hold", "rest"]
    every = float(r.choice([10.0, 30.0, 60.0]))
    current = float(r.uniform(0.2, 0.9))
    for cycle in range(1, cycles + 1):
        for number, kind in enumerate(plan, start=1):
            step += 1
            points = int(r.integers(12, 40))
            own = np.linspace(0, points * every, points + 1)
            f = own / own[-1]
            if kind == "charge":
                i, V = np.full(len(f), current), 3.7 + 0.5 * f**2
                q = current * own / 3600
            elif kind == "hold":
                tau = own[-1] / 3
                i, V = current * np.exp(-own / tau), np.full(len(f), 4.2)
                q = current * tau * (1 - np.exp(-own / tau)) / 3600
            elif kind == "rest":
                i, V, q = 0 * f, (4.18 if number == 3 else 3.6) - 0.01 * f, 0 * f
            else:
                i, V = np.full(len(f), -0.8 * current), 4.15 - 0.6 * f**2
                q = 0.8 * current * own / 3600
            for k in range(len(f)):
                more = q[k] if kind in ("charge", "hold") else 0.0
                less = q[k] if kind == "discharge" else 0.0
                rows.append(
                    (t + own[k], own[k], V[k], i[k], step, number, cycle, up + more,
                     down + less, up + more - down - less, q[k])
                )  # fmt: skip
                kinds.append(kind)
            up += q[-1] if kind in ("charge", "hold") else 0.0
            down += q[-1] if kind == "discharge" else 0.0
            t += own[-1] + 0.001
            truth.append((kind, float(q[-1])))
    return Record(*np.array(rows).T, kinds, truth)


@dataclass
class Way:
    """How a table is written.

    Parameters
    ----------
    decimal, delimiter : str
        Marks.
    sign : float
        -1 where discharge is positive; 0 where the current has no sign.
    unit : str
        Of the current.
    digits : int
        Of the current, behind the point.
    clock : str
        Of the time: s, min, h, ms, h:m:s, d h:m:s, 12 h, spoken, date, us date,
        eu date, unix, unix ms or sheet.
    """

    decimal: str = "."
    delimiter: str = ","
    sign: float = 1.0
    unit: str = "mA"
    digits: int = 6
    clock: str = "s"


UNITS = {"A": 1e-3, "mA": 1.0, "uA": 1e3, "µA": 1e3, "nA": 1e6}
BEGAN = datetime(2024, 2, 28, 22, 50)


def number(x: float, way: Way, digits: int = 6) -> str:
    """Return a number in the locale of a way."""
    return f"{x:.{digits}f}".replace(".", way.decimal)


def current(i: float, way: Way) -> str:
    """Return a current in the sign and unit of a way."""
    i = abs(i) if way.sign == 0 else way.sign * i
    i = i if i else 0.0  # no -0
    more = {"A": 3, "mA": 0}.get(way.unit, -3)
    return number(UNITS[way.unit] * i, way, max(way.digits + more, 3))


def clock(t: float, way: Way, form: str = "") -> str:
    """Return a time as a clock of a way."""
    form = form or way.clock
    size = {"s": 1.0, "min": 60.0, "h": 3600.0, "ms": 1e-3}
    if form in size:
        return number(t / size[form], way, 3 if form in ("s", "ms") else 8)
    h, m, s = int(t // 3600), int(t % 3600 // 60), t % 60
    then = BEGAN + timedelta(seconds=t)
    if form == "h:m:s":
        return f"{h}:{m:02d}:" + number(s, way, 3).zfill(6)
    if form == "d h:m:s":
        return f"  {h // 24}d {h % 24:02d}:{m:02d}:" + number(s, way, 2).zfill(5)
    if form == "spoken":
        return f"{h // 24}d {h % 24}h {m}m {number(s, way, 2)}s"
    if form == "unix":
        return number(1709160600 + t, way, 3)
    if form == "unix ms":
        return str(round(1709160600000 + 1000 * t))
    if form == "sheet":
        return number(45350.9513888 + t / 86400, way, 9)
    forms = {
        "12 h": "%I:%M:%S.%f %p",
        "date": "%Y-%m-%d %H:%M:%S.%f",
        "us date": "%m/%d/%Y %I:%M:%S %p",
        "eu date": "%d.%m.%Y %H:%M:%S",
    }
    return then.strftime(forms[form])


def table(heads: list[str], columns: list[list[str]], way: Way, before: str = "") -> str:
    """Return headings and columns as text."""
    lines = [way.delimiter.join(row) for row in zip(*columns, strict=True)]
    return before + "\n".join([way.delimiter.join(heads), *lines]) + "\n"


def _n(values: Array, way: Way, digits: int = 6, size: float = 1.0) -> list[str]:
    return [number(size * x, way, digits) for x in values]


def _whole(values: Array) -> list[str]:
    return [str(int(x)) for x in values]


def arbin(r: Record, w: Way) -> str:
    heads = ["Data_Point", "Date_Time", "Test_Time(s)", "Step_Time(s)", "Step_Index"]
    heads += ["Cycle_Index", "Current(A)", "Voltage(V)", "Charge_Capacity(Ah)"]
    heads += ["Discharge_Capacity(Ah)", "Charge_Energy(Wh)", "Internal_Resistance(Ohm)"]
    w = Way(w.decimal, w.delimiter, w.sign, "A", w.digits, w.clock)
    return table(heads, [
        [str(k + 1) for k in range(len(r.t))], [clock(t, w, "us date") for t in r.t],
        _n(r.t, w, 4), _n(r.own, w, 4), _whole(r.number), _whole(r.cycle),
        [current(i, w) for i in r.i], _n(r.V, w), _n(r.up, w, 9, 1e-3),
        _n(r.down, w, 9, 1e-3), _n(3.9 * r.up, w, 9, 1e-3), _n(0 * r.t, w),
    ], w)  # fmt: skip


def maccor(r: Record, w: Way) -> str:
    before = "Today's Date 03/01/2024\nDate of Test:\t02/28/2024 Filename:\tC:\\a.001\n"
    heads = ["Rec#", "Cyc#", "Step", "TestTime", "StepTime", "Amp-hr", "Watt-hr", "Amps"]
    heads += ["Volts", "State", "ES", "DPt Time"]
    w = Way(w.decimal, "\t", 0.0, "A", w.digits, w.clock)
    return table(heads, [
        [str(k + 1) for k in range(len(r.t))], _whole(r.cycle), _whole(r.number),
        [clock(t, w, "d h:m:s") for t in r.t], [clock(t, w, "d h:m:s") for t in r.own],
        _n(r.of_step, w, 9, 1e-3), _n(4 * r.of_step, w, 9, 1e-3),
        [current(i, w) for i in r.i], _n(r.V, w), [NAMES[k] for k in r.kind],
        ["1"] * len(r.t), [clock(t, w, "us date") for t in r.t],
    ], w, before)  # fmt: skip


def neware_levels(r: Record, w: Way) -> str:
    """Three levels: cycle, step, record."""
    d = w.delimiter
    kinds = {"charge": "CC Chg", "hold": "CV Chg", "rest": "Rest", "discharge": "CC DChg"}
    lines = [
        d.join(["Cycle ID", "Cap_Chg(mAh)", "Cap_DChg(mAh)"]),
        d.join(["", "Step ID", "Step Name", "Step Time(h:min:s)", "Capacity(mAh)"]),
        d.join(["", "", "Record ID", "Time(h:min:s.ms)", "Voltage(V)", "Current(mA)",
                "Capacity(mAh)", "Realtime"]),
    ]  # fmt: skip
    cycle = step = -1.0
    of_which = 0
    w = Way(w.decimal, d, w.sign, "mA", w.digits, w.clock)
    for k in range(len(r.t)):
        if r.cycle[k] != cycle:
            cycle = r.cycle[k]
            lines.append(d.join([str(int(cycle)), number(1, w), number(1, w)]))
        if r.step[k] != step:
            step = r.step[k]
            last = r.truth[of_which][1]  # of the whole step, whatever rows are there
            of_which += 1
            took = clock(r.own[r.step == step][-1], w, "h:m:s")
            of_step = [str(int(r.number[k])), kinds[r.kind[k]], took, number(last, w)]
            lines.append(d.join(["", *of_step]))
        lines.append(d.join([
            "", "", str(k + 1), clock(r.own[k], w, "h:m:s"), number(r.V[k], w, 4),
            current(r.i[k], w), number(r.of_step[k], w), clock(r.t[k], w, "date")[:19],
        ]))  # fmt: skip
    return "\n".join(lines) + "\n"


def neware_flat(r: Record, w: Way) -> str:
    kinds = {"charge": "CC Chg", "hold": "CV Chg", "rest": "Rest", "discharge": "CC DChg"}
    heads = ["DataPoint", "Cycle Index", "Step Index", "Step Type", "Time", "Total Time"]
    heads += [f"Current({w.unit})", "Voltage(V)", "Capacity(mAh)", "Date"]
    return table(heads, [
        [str(k + 1) for k in range(len(r.t))], _whole(r.cycle), _whole(r.number),
        [kinds[k] for k in r.kind], [clock(t, w, "h:m:s") for t in r.own],
        [clock(t, w, "h:m:s") for t in r.t], [current(i, w) for i in r.i],
        _n(r.V, w, 4), _n(r.of_step, w), [clock(t, w, "date")[:19] for t in r.t],
    ], w)  # fmt: skip


def pec(r: Record, w: Way) -> str:
    before = "TestRegime Name:,a\nTest:,77\nStart Time:,03/27/2020 10:07:00 AM\n"
    heads = ["Test", "Cell", "Rack", "Step Time (Seconds)", "Step (#)", "Cycle (#)"]
    heads += ["Total Time (Seconds)", "Voltage (mV)", "Current (mA)"]
    heads += ["Charge Capacity (mAh)", "Discharge Capacity (mAh)", "ReasonCode"]
    w = Way(w.decimal, w.delimiter, w.sign, "mA", w.digits, w.clock)
    one = ["77"] * len(r.t)
    return table(heads, [
        one, ["3"] * len(r.t), ["1"] * len(r.t), _n(r.own, w, 3), _whole(r.number),
        _whole(r.cycle), _n(r.t, w, 3), _n(1e3 * r.V, w, 2), [current(i, w) for i in r.i],
        _n(r.up, w), _n(r.down, w), ["0"] * len(r.t),
    ], w, before)  # fmt: skip


def basytec(r: Record, w: Way) -> str:
    before = "~Resultfile from Basytec Battery Test System\n~Date and Time: 28.02.2024\n"
    before += "~Battery: a\n"
    heads = ["~Time[h]", "DataSet", "t-Step[h]", "Line", "Command", "U[V]", "I[A]"]
    heads += ["Ah[Ah]", "T1[°C]", "Cyc-Count", "State"]
    words = {"charge": "Charge", "hold": "Charge", "rest": "Pause"}
    w = Way(w.decimal, "\t", w.sign, "A", w.digits, w.clock)
    return table(heads, [
        _n(r.t / 3600, w, 9), [str(k + 1) for k in range(len(r.t))],
        _n(r.own / 3600, w, 9), _whole(r.number),
        [words.get(k, "Discharge") for k in r.kind], _n(r.V, w, 5),
        [current(i, w) for i in r.i], _n(r.net, w, 9, 1e-3), _n(25 + 0 * r.t, w, 1),
        _whole(r.cycle), ["0"] * len(r.t),
    ], w, before)  # fmt: skip


def novonix(r: Record, w: Way) -> str:
    before = "[Summary]\nNovonix HPC Data File\nStarted: 2024-02-28\n[End Summary]\n"
    before += "[Protocol]\n[1 - Repeat: 2 times]\n[End Protocol]\n[Data]\n"
    heads = ["Date and Time", "Cycle Number", "Step Type", "Run Time (h)"]
    heads += ["Step Time (h)", "Current (A)", "Potential (V)", "Capacity (Ah)"]
    heads += ["Temperature (°C)", "Circuit Temperature (°C)", "Step Number"]
    codes = {"charge": "1", "hold": "3", "rest": "0", "discharge": "2"}
    w = Way(w.decimal, w.delimiter, w.sign, "A", w.digits, w.clock)
    return table(heads, [
        [clock(t, w, "date")[:19] for t in r.t], _whole(r.cycle),
        [codes[k] for k in r.kind], _n(r.t / 3600, w, 9), _n(r.own / 3600, w, 9),
        [current(i, w) for i in r.i], _n(r.V, w), _n(r.of_step, w, 9, 1e-3),
        _n(30 + 0 * r.t, w, 1), _n(31 + 0 * r.t, w, 1), _whole(r.step),
    ], w, before)  # fmt: skip


def landt(r: Record, w: Way) -> str:
    heads = ["Index", "TestTime", "StepTime", f"Current/{w.unit}", "Capacity/mAh"]
    heads += ["SCapacity/mAh/g", "Voltage/V", "Energy/mWh", "SysTime"]
    return table(heads, [
        [str(k + 1) for k in range(len(r.t))], [clock(t, w, "h:m:s") for t in r.t],
        [clock(t, w, "h:m:s") for t in r.own], [current(i, w) for i in r.i],
        _n(r.of_step, w), _n(10 * r.of_step, w), _n(r.V, w, 4), _n(4 * r.of_step, w),
        [clock(t, w, "date")[:19] for t in r.t],
    ], w)  # fmt: skip


def mpt(r: Record, w: Way) -> str:
    before = "EC-Lab ASCII FILE\nNb header lines : 4\nSome text\n"
    heads = ["mode", "ox/red", "error", "Ns changes", "Ns", "time/s", "control/V/mA"]
    heads += ["Ewe/V", "I/mA", "(Q-Qo)/mA.h", "half cycle", "cycle number"]
    w = Way(w.decimal, "\t", 1.0, "mA", w.digits, w.clock)
    n = len(r.t)
    half = np.cumsum(np.insert(np.diff(np.sign(r.net)) != 0, 0, False))
    return table(heads, [
        ["1"] * n, [str(int(i > 0)) for i in r.i], ["0"] * n,
        ["0", *["1" if d else "0" for d in np.diff(r.step)]], _whole(r.number - 1),
        _n(r.t, w, 9), [current(i, w) for i in r.i], _n(r.V, w),
        [current(i, w) for i in r.i], _n(r.net, w, 9), [str(k) for k in half],
        [f"{c}{w.decimal}0" for c in _whole(r.cycle - 1)],
    ], w, before)  # fmt: skip


def gamry(r: Record, w: Way) -> str:
    """One table of the current and voltage."""
    w = Way(w.decimal, "\t", w.sign, "A", w.digits, "s")
    heads = "\tPt\tT\tVf\tIm\tVu\tSig\tAch\tIERange\n\t#\ts\tV vs. Ref.\tA\tV\tV\tV\t#\n"
    rows = "".join(
        f"\t{k}\t{number(t, w)}\t{number(V, w)}\t{current(i, w)}\t0\t0\t0\t9\n"
        for k, (t, V, i) in enumerate(zip(r.t, r.V, r.i, strict=True))
    )
    before = "EXPLAIN\nTAG\tCHARGEDISCHARGE\nTITLE\tLABEL\tCharge\tTest &Identifier\n"
    return f"{before}CURVE\tTABLE\t{len(r.t)}\n{heads}{rows}"


def bdf(r: Record, w: Way) -> str:
    heads = ["Test Time / s", "Voltage / V", "Current / A", "Unix Time / s"]
    heads += ["Cycle Count / 1", "Step Count / 1", "Ambient Temperature / degC"]
    heads += ["Charging Capacity / Ah", "Discharging Capacity / Ah"]
    w = Way(w.decimal, w.delimiter, 1.0, "A", w.digits, w.clock)
    return table(heads, [
        _n(r.t, w, 3), _n(r.V, w), [current(i, w) for i in r.i],
        [clock(t, w, "unix") for t in r.t], _whole(r.cycle), _whole(r.step),
        _n(25 + 0 * r.t, w, 1), _n(r.up, w, 9, 1e-3), _n(r.down, w, 9, 1e-3),
    ], w)  # fmt: skip


def bdf_machine(r: Record, w: Way) -> str:
    heads = ["test_time_second", "voltage_volt", "current_ampere", "cycle_count"]
    heads += ["step_count", "net_capacity_ampere_hour"]
    w = Way(w.decimal, w.delimiter, 1.0, "A", w.digits, w.clock)
    return table(heads, [
        _n(r.t, w, 3), _n(r.V, w), [current(i, w) for i in r.i], _whole(r.cycle),
        _whole(r.step), _n(r.net, w, 9, 1e-3),
    ], w)  # fmt: skip


def plain(r: Record, w: Way) -> str:
    """A table of one's own: time, voltage, current, step."""
    heads = {"s": "Time (s)", "min": "Time (min)", "h": "t / h", "ms": "Time [ms]"}
    head = heads.get(w.clock, "Timestamp" if "unix" in w.clock else "Time")
    head = "Date" if w.clock in ("date", "us date", "eu date", "sheet") else head
    return table([head, "Voltage (V)", f"Current ({w.unit})", "Step"], [
        [clock(t, w) for t in r.t], _n(r.V, w, 5), [current(i, w) for i in r.i],
        _whole(r.step),
    ], w)  # fmt: skip


def bare(r: Record, w: Way) -> str:
    """Time, voltage and current alone."""
    rows = plain(r, w).split("\n")
    return "\n".join(row.rsplit(w.delimiter, 1)[0] for row in rows if row) + "\n"


WRITERS = (arbin, maccor, neware_levels, neware_flat, pec, basytec, novonix, landt, mpt)
WRITERS += (gamry, bdf, bdf_machine, plain, bare)
