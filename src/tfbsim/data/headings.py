"""What a heading says: the quantity and its unit.

The Battery Data Format (https://github.com/battery-data-alliance/battery-data-format)
writes `Voltage / V` or `voltage_volt`; cyclers `Ewe/V`, `Voltage(V)`, `U[V]`, `Volts`;
papers `voltage_V`, `Voltage, V`, `Voltage in V`.  A unit that stands there is taken; one
that stands there and is not known is no missing unit.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from .mapping import DIMENSIONS, dimension_of

# Names a role goes by, the best first; letters and digits alone, in lower case.  A net
# capacity counts up in a charge and down in a discharge, or the other way round; an
# increment is the charge between a row and the one before.
_NAMES = """
time: test time, total time, cumulative time, run time, prog time, time, elapsed time,
    time elapsed, t, zeit, temps, test time total, record time, duration, test, testzeit,
    programmdauer, 测试时间, 总时间, 时间
step_time: step time, steptime, relative time, t step, schrittdauer, 工步时间, 步骤时间
date: date time, datetime, timestamp, time stamp, date time iso string, date, dpt time,
    sys time, absolute time, real time, unix time, date and time, start date, clock,
    clock time, wall clock, datum, local time, utc time, time of day, uhrzeit,
    datum uhrzeit, epoch, 绝对时间, 系统时间, 日期
voltage: voltage, ewe, ecell, vf, e, u, v, potential, cell voltage, terminal voltage,
    battery voltage, spannung, volt, volts, emf, ocv, ocp, potentiel, tension,
    end voltage, working potential, cell potential, voltage v, working electrode, 电压,
    vdc, v dc, e dc, dc voltage, dc potential, dc bias, bias
current: current, i, im, current density, j, i mean, applied current, strom, courant,
    cell current, amps, 电流
charge_capacity: charging capacity, charge capacity, chg cap, q charge, cap chg,
    capacity charge, chg capacity, charge cap, 充电容量
discharge_capacity: discharging capacity, discharge capacity, dchg cap, q discharge,
    capacity discharge, dischg cap, dischg capacity, discharge cap, dchg capacity,
    cap dchg, 放电容量
capacity: step capacity, capacity, cap, specific capacity, areal capacity, q,
    q charge discharge, end capacity, amp hr, ah, normalized capacity,
    normalised capacity, relative capacity, capacitance density, kapazitat, capacite, 容量
net_capacity: q q0, q qo, net capacity
step_charge: charge of whole step
increment: dq
cycle: cycle count, cycle, cycle number, cycle index, cycle id, cycle no, cyc, cycle c,
    cyc count, zyklus, 循环, 循环号, 循环序号
step: step count, step index, step, step number, step id, ns, step no, steps, line,
    schritt, 工步, 工步号, 工步序号
step_type: step type, state, status, step name, md, command, mode name, current mode,
    工步类型, 状态
temperature: temperature, ambient temperature, surface temperature, temp, t1,
    cell temperature, aux temperature 1, temperature t1, temperature 1, 温度
c_rate: c rate, rate, crate
frequency: freq, frequency, f, frequency hz, freq hz
real: re z, z re, z real, zreal, zre, real, re, rez, z r, zr, real part, z prime
imaginary: im z, z im, z imag, zimag, zim, zimg, imag, im, imz, imaginary, z i,
    z imaginary, imaginary part, z double prime
modulus: z, mod z, zmod, z mod, modulus, z modulus, impedance
phase: phase, phase z, zphz, phz, phase angle, theta
"""
NAMES = {
    role: [" ".join(name.split()) for name in names.split(",")]
    for role, names in re.findall(r"^(\w+): ((?:.+\n)(?: .+\n)*)", _NAMES, re.MULTILINE)
}
ROLE = {name: role for role, names in reversed(NAMES.items()) for name in names}
# What a role is measured in, where that is not its own name
KIND = dict.fromkeys(("step_time", "date"), "time")
KIND |= dict.fromkeys(("real", "imaginary", "modulus"), "impedance")
KIND |= {role: "capacity" for role in NAMES if role.endswith("_capacity")}
KIND |= dict.fromkeys(("step_charge", "increment"), "capacity")
# A unit in words to its symbol, one after another
_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), symbol)
    for pattern, symbol in (
        (r"\s*\bv(?:ersu)?s\b\.?.*", ""),
        (r"^in\s+", ""),
        (r"[_ ]?\bper\b[_ ]?|(?<=[a-z])_per_", "/"),
        (r"square[_ -]?centimet(?:er|re)s?", "cm2"),
        (r"square[_ -]?met(?:er|re)s?", "m2"),
        (r"milli[- ]?(?=[a-z])", "m"),
        (r"micro[- ]?(?=[a-z])", "u"),
        (r"nano[- ]?(?=[a-z])", "n"),
        (r"kilo[- ]?(?=[a-z])", "k"),
        (r"grams?\b", "g"),
        (r"ampere[- _]?hours?|amp[- _]?(?:hours?|hrs?)", "Ah"),
        (r"amp(?:ere)?s?(?![a-z])", "A"),
        (r"volts?(?![a-z])", "V"),
        (r"ohms?(?![a-z])|[ΩΩ]", "ohm"),
        (r"(?<![a-z])([mun]?)(?:seconds?|secs?\.?)(?![a-z])|秒", r"\1s"),
        (r"(?<![a-z])(?:minutes?|mins)(?![a-z])", "min"),
        (r"(?<![a-z])(?:hours?|hrs?)(?![a-z])|(?<=[a-z])hrs?$", "h"),
        (r"(?<![a-z])days?(?![a-z])", "d"),
        (r"(?:deg(?:ree)?s?[_. ]*|[°ºo])c(?:elsius)?$|^celsius$|℃", "degC"),
        (r"^kelvin$", "K"),
        (r"hertz", "Hz"),
        (r"coulombs?", "C"),
        (r"(?<=A)[-_ .·*]?h(?![a-z])", "h"),
        (r"(?<=[A-Za-z0-9])\s*-\s*(?=[a-z])", "."),
    )
)
# As written without capitals
_SMALL = {
    unit.lower(): unit
    for unit in re.findall(
        r"\S+",
        "A mA uA nA V mV uV Ah mAh uAh nAh mAh/g mA/g mA/cm2 uA/cm2 mAh/cm2 "
        "K Hz kHz s h min ms d degC ohm kohm",
    )
}
_ODD = {
    ("d", "time"): (86400.0, "time"),
    ("C", "capacity"): (1.0, "charge"),
    ("mC", "capacity"): (1e-3, "charge"),
    ("uC", "capacity"): (1e-6, "charge"),
    ("As", "capacity"): (1.0, "charge"),
    ("C", "temperature"): (1.0, "temperature"),
}
_HZ = {"Hz": 1.0, "1/s": 1.0, "s-1": 1.0, "mHz": 1e-3, "kHz": 1e3, "MHz": 1e6}
_HZ["rad/s"] = 1 / (2 * math.pi)
# A power of ten before a unit: 10^-6 A, x1e-3 A, *10⁻³ mA
_POWER = re.compile(
    r"[x×*·]?\s*(?:10\s*(?:\^|\*\*)?\s*[({]?\s*(-?\d{1,2})\s*[)}]?|1[eE]([-+]?\d{1,2}))"
    r"\s*[x×*·.]?\s*(?=[A-Za-zµμΩ])"
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
_ENERGY = re.compile(r"[munkµ]?W[. ]?h(?:/\w+)?|watt[- ]?h(?:ou)?rs?", re.IGNORECASE)
CLOCK = re.compile(r"[hdms: .]*(hh?:m|h:m|mm?:s|hms|d:h)[a-z: .-]*|.*hh:mm.*", re.I)
# Nova's "WE(1).Current (A)"; "E vs. Li/Li+ (V)"
_TERMINAL = re.compile(r"^WE\(\d\)\.")
_REFERENCE = re.compile(r"\s(?:vs\.?|versus)\s[^()\[\]]*", re.I)
_NOT_UNIT = {"#", "bits", "°", "deg", "%", "-", "1", "hh:mm:ss", "rad"}
_NUMBERED = re.compile(r"(?<=[A-Za-z\])}])[ ._#]?\d+(?=\s*(?:[\[({/,].*)?$)")
_CLOSING = re.compile(r"(.*?)\s*[\[({]\s*([^\[\](){}]{0,60})\s*[\])}]\s*")


@dataclass(frozen=True)
class Heading:
    """What a heading says."""

    words: str  # the name, in lower case, letters and digits alone
    unit: str = ""  # as written
    odd: str = ""  # what stands where a unit would, and is none that is known


def hertz(unit: str) -> float | None:
    """Return a unit of frequency in Hz, or None."""
    return _HZ.get(symbol(unit) or "Hz", _HZ.get(unit))


@lru_cache(maxsize=2048)
def symbol(unit: str) -> str:
    """Return a unit, in words or in another spelling, by its symbol."""
    text = unit.strip().replace("Â", "")  # of UTF-8 that was read as latin-1
    text = text.replace("²", "2").replace("μ", "u").replace("µ", "u")
    for pattern, short in _WORDS:
        text = pattern.sub(short, text)
    return text.strip(" .")


@lru_cache(maxsize=2048)
def factor(unit: str, kind: str) -> tuple[float, str] | None:
    """Return the SI value of a unit and its dimension; None if it is none of `kind`."""
    if found := _POWER.match(unit.strip().translate(_RAISED)):
        rest = factor(unit.strip().translate(_RAISED)[found.end() :], kind)
        return rest and (10.0 ** int(found[1] or found[2]) * rest[0], rest[1])
    text = symbol(unit)
    for spelled in dict.fromkeys((text, _SMALL.get(text.lower(), text))):
        if (spelled, kind) in _ODD:
            return _ODD[spelled, kind]
        if not spelled or len(spelled) > 30:
            continue
        zero = 273.15 if spelled == "degC" else 0.0
        try:
            value, dimension = dimension_of(f"1 {spelled}", kind)
        except ValueError:
            continue
        return value - zero, dimension
    return None


@lru_cache(maxsize=2048)
def is_unit(text: str) -> bool:
    """Return whether a text is a unit that a column may have."""
    return (
        text in _NOT_UNIT
        or symbol(text) in _HZ
        or bool(_ENERGY.fullmatch(text))
        or any(factor(text, kind) is not None for kind in DIMENSIONS)
    )


@lru_cache(maxsize=4096)
def heading(name: str) -> Heading:
    """Return what a heading says: `Ewe/V` is `ewe` in `V`."""
    name = " ".join(name.split()).strip("~#\"' ") if name.count('"') != 1 else name
    name = name.replace("<", "").replace(">", "")  # EC-Lab's mark of a mean
    name = _REFERENCE.sub(" ", _TERMINAL.sub("", name)).strip()
    odd = ""
    if found := _CLOSING.fullmatch(name):
        inside = found[2].strip()
        if re.match(r"Z\s*'", name) and inside in ("a", "b"):
            return Heading(words(found[1]), "ohm")  # ZView's names of its columns
        if is_unit(inside):
            return Heading(words(found[1]), inside)
        if CLOCK.fullmatch(inside):
            return Heading(words(found[1]))
        bare = heading(found[1]) if found[1] else Heading(words(name))
        if bare.unit or not found[1]:
            return bare
        if words(found[1]) in ROLE:
            odd = inside
        return Heading(words(found[1] if odd else name), odd=odd)
    for mark in ("/", ",", " in "):
        at = [m.start() for m in re.finditer(re.escape(mark), name)]
        for k in at:
            head, unit = name[:k], name[k + len(mark) :].strip()
            if head.strip() and is_unit(unit):
                return Heading(words(head), unit)
        if at and mark == "/" and words(name[: at[0]]) in ROLE:
            odd = name[at[0] + 1 :].strip()
    for mark in ("_", " "):
        parts = name.split(mark)
        for k in range(1, len(parts)):
            head, unit = words(" ".join(parts[:k])), " ".join(parts[k:])
            unit = unit.replace(" per ", "/")
            for spelled in (unit, unit.replace(" ", ".")):
                if is_unit(spelled) and (mark == "_" or head in ROLE):
                    return Heading(head, spelled)
    if len(name) > 1 and is_unit(name):
        for kind in ("voltage", "current", "capacity"):
            if factor(name, kind):
                return Heading(kind, name)
    said = words(name[: name.index("/")]) if odd else words(name)
    return Heading(said, odd=odd)


def words(text: str) -> str:
    """Return the letters and digits of a text, in lower case, apart by single blanks."""
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    text = text.lower().replace("ä", "a").replace("é", "e")
    return re.sub(r"[\W_]+", " ", text).strip()


def role_of(name: str) -> str | None:
    """Return the role of a column by its heading, or None."""
    said = heading(name)
    role, unit = ROLE.get(said.words), said.unit
    if name.lstrip().startswith("|") and not re.match(r"\s*\|Z\|", name):
        return None  # an amplitude
    if name.lstrip().startswith("dQ"):
        return None  # the charge since the step began; dq is that since the last row
    if found := re.match(r"\s*[-−]?\s*Z\s*(''|\"|’’|″|['’′])", name):
        return "imaginary" if len(found[1]) > 1 or found[1] in '"″' else "real"
    if unit and _ENERGY.fullmatch(unit):
        return None
    if said.words == "t" and factor(unit, "temperature"):
        return "temperature"
    if said.words == "im" and factor(unit, "impedance"):
        return "imaginary"
    if role == "step" and factor(unit, "time"):
        return "step_time"
    if role in ("real", "modulus") and unit and not factor(unit, "impedance"):
        return None
    if role == "frequency" and unit and hertz(unit) is None:
        return None
    return role


def unnumbered(name: str) -> str:
    """Return a heading without the number of its set: `Voltage 2 (V)`, `Time (s).1`."""
    if role_of(name) is not None:
        return name
    base = _NUMBERED.sub("", name)
    return base if role_of(base) is not None else name


def rank(name: str, role: str) -> int:
    """Return how good a name is for a role; the least is the best."""
    said = heading(name).words
    return NAMES[role].index(said) if said in NAMES[role] else 99
