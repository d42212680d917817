"""Read measured values out of a clause: pressure, pulse, oxygen, temperature, sugar, age.

Values come back in the unit their quantity's name ends in; other units are converted. A
number whose meaning is not said is left alone, never guessed.
"""

from dataclasses import dataclass

LOOK_BACK_WORDS = 6
MG_PER_DL_PER_MMOL_GLUCOSE = 18.0
LOWEST_FAHRENHEIT = 90
LOWEST_BARE_PRESSURE = (100, 40)
MAX_PAIR_DIGITS = 6
MAX_PLAUSIBLE_MMOL_GLUCOSE = 35.0
"""Above this a bare sugar reading is taken as mg/dL, as home meters show it."""

_NAMES: dict[str, str] = {
    "bp": "pressure",
    "pressure": "pressure",
    "systolic": "pressure",
    "pulse": "pulse_per_minute",
    "hr": "pulse_per_minute",
    "heart rate": "pulse_per_minute",
    "heartbeat": "pulse_per_minute",
    "heartrate": "pulse_per_minute",
    "rr": "breaths_per_minute",
    "respiratory rate": "breaths_per_minute",
    "resp rate": "breaths_per_minute",
    "breathing rate": "breaths_per_minute",
    "sats": "spo2_percent",
    "sat": "spo2_percent",
    "spo2": "spo2_percent",
    "o2": "spo2_percent",
    "oxygen": "spo2_percent",
    "oximeter": "spo2_percent",
    "saturation": "spo2_percent",
    "pulse ox": "spo2_percent",
    "temp": "temperature_celsius",
    "temperature": "temperature_celsius",
    "temps": "temperature_celsius",
    "fever": "temperature_celsius",
    "fevers": "temperature_celsius",
    "hot": "temperature_celsius",
    "thermometer": "temperature_celsius",
    "glucose": "glucose_mmol_per_litre",
    "sugar": "glucose_mmol_per_litre",
    "sugars": "glucose_mmol_per_litre",
    "bg": "glucose_mmol_per_litre",
    "bm": "glucose_mmol_per_litre",
    "cbg": "glucose_mmol_per_litre",
    "fingerstick": "glucose_mmol_per_litre",
    "meter": "glucose_mmol_per_litre",
    "sodium": "sodium_mmol_per_litre",
    "potassium": "potassium_mmol_per_litre",
    "inr": "inr_ratio",
    "cholesterol": "other",
    "ldl": "other",
    "creatinine": "other",
    "ketones": "other",
}
_UNITS: dict[str, str] = {
    "bpm": "pulse_per_minute",
    "beats per": "pulse_per_minute",
    "beats a": "pulse_per_minute",
    "breaths per": "breaths_per_minute",
    "breaths a": "breaths_per_minute",
    "celsius": "temperature_celsius",
    "fahrenheit": "temperature_celsius",
    "degrees": "temperature_celsius",
    "meq": "salt",
    "c": "temperature_celsius",
    "f": "temperature_celsius",
    "sats": "spo2_percent",
    "oxygen": "spo2_percent",
}
_NOT_A_READING = frozenset(
    [
        "hour",
        "hours",
        "hr",
        "hrs",
        "minute",
        "minutes",
        "min",
        "mins",
        "second",
        "seconds",
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "year",
        "years",
        "yr",
        "yrs",
        "yo",
        "am",
        "pm",
        "time",
        "times",
        "mg",
        "mcg",
        "ml",
        "g",
        "gram",
        "grams",
        "unit",
        "units",
        "tablet",
        "tablets",
        "pill",
        "pills",
        "lb",
        "lbs",
        "pound",
        "pounds",
        "kg",
    ]
)
_PLAUSIBLE: dict[str, tuple[float, float]] = {
    "systolic_mmhg": (40, 300),
    "diastolic_mmhg": (20, 200),
    "pulse_per_minute": (15, 300),
    "breaths_per_minute": (3, 80),
    "spo2_percent": (50, 100),
    "temperature_celsius": (25, 44),
    "glucose_mmol_per_litre": (0.5, 80),
    "sodium_mmol_per_litre": (90, 190),
    "potassium_mmol_per_litre": (1, 10),
    "inr_ratio": (0.5, 25),
    "age_months": (0, 1_500),
}
_MONTHS_PER: dict[str, float] = {
    "day": 12 / 365.25,
    "week": 84 / 365.25,
    "wk": 84 / 365.25,
    "month": 1.0,
    "mo": 1.0,
    "year": 12.0,
    "yr": 12.0,
    "yo": 12.0,
    "y": 12.0,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A value and the word of the clause it stands at."""

    quantity: str
    value: float
    position: int


def find_readings(clause: tuple[str, ...]) -> list[Reading]:
    """Return every plausible measured value of one clause."""
    found: list[Reading] = []
    for position, word in enumerate(clause):
        if word[0].isdigit():
            found.extend(_read_number(clause, position))
    return [reading for reading in found if _is_plausible(reading)]


def _is_plausible(reading: Reading) -> bool:
    low, high = _PLAUSIBLE[reading.quantity]
    return low <= reading.value <= high


def _read_number(clause: tuple[str, ...], position: int) -> list[Reading]:
    pressure = _read_pressure(clause, position)
    if pressure:
        return pressure
    value = _as_float(clause[position])
    if value is None:
        return []
    age = _read_age(clause, position, value)
    if age is not None:
        return [Reading("age_months", age, position)]
    return _read_named_value(clause, position, value)


def _read_named_value(clause: tuple[str, ...], position: int, value: float) -> list[Reading]:
    after = clause[position + 1 : position + 3]
    is_other = after[:1] and after[0] in _NOT_A_READING and after[1:] != ("dl",)
    quantity = _unit_after(clause, position) or _name_before(clause, position)
    if quantity is None or quantity == "other" or is_other:
        return []
    if quantity == "salt":
        quantity = _salt_of(value)
    if quantity == "pressure":
        quantity = "systolic_mmhg"
    return [Reading(quantity, _convert(quantity, value, clause[position + 1 :]), position)]


def _salt_of(value: float) -> str:
    """Tell sodium from potassium by size when only "mEq" is said."""
    low, high = _PLAUSIBLE["potassium_mmol_per_litre"]
    is_potassium = low <= value <= high
    return "potassium_mmol_per_litre" if is_potassium else "sodium_mmol_per_litre"


def _convert(quantity: str, value: float, after: tuple[str, ...]) -> float:
    if quantity == "temperature_celsius" and value >= LOWEST_FAHRENHEIT:
        return (value - 32) / 1.8
    if quantity == "glucose_mmol_per_litre":
        is_mmol = bool(after) and after[0].startswith("mmol")
        if not is_mmol and (value > MAX_PLAUSIBLE_MMOL_GLUCOSE or after[:1] == ("mg",)):
            return value / MG_PER_DL_PER_MMOL_GLUCOSE
    return value


def _read_pressure(clause: tuple[str, ...], position: int) -> list[Reading]:
    """Read "210/130" or "178 over 104"; a bare pair must look like a blood pressure."""
    first, _, second = clause[position].partition("/")
    if clause[position + 1 : position + 2] == ("over",):
        second = "".join(clause[position + 2 : position + 3])
    if not (first.isdecimal() and second.isdecimal() and len(first + second) <= MAX_PAIR_DIGITS):
        return []
    systolic, diastolic = float(first), float(second)
    is_named = _name_before(clause, position) == "pressure"
    low_systolic, low_diastolic = LOWEST_BARE_PRESSURE
    is_likely = systolic >= low_systolic and diastolic >= low_diastolic
    if systolic <= diastolic or not (is_named or is_likely):
        return []
    return [
        Reading("systolic_mmhg", systolic, position),
        Reading("diastolic_mmhg", diastolic, position),
    ]


def _read_age(clause: tuple[str, ...], position: int, value: float) -> float | None:
    """Return an age in months from "6 week old", "34 yo" or "aged 3 years"."""
    after = clause[position + 1 : position + 3]
    if not after:
        return None
    unit = after[0].removesuffix("s")
    is_age = unit == "yo" or "old" in after[1:] or clause[position - 1 : position] == ("aged",)
    return value * _MONTHS_PER[unit] if is_age and unit in _MONTHS_PER else None


def _unit_after(clause: tuple[str, ...], position: int) -> str | None:
    after = clause[position + 1 : position + 3]
    return _UNITS.get(" ".join(after)) or (_UNITS.get(after[0]) if after else None)


def _name_before(clause: tuple[str, ...], position: int) -> str | None:
    """Return the nearest quantity named before the number."""
    for index in range(position - 1, max(-1, position - 1 - LOOK_BACK_WORDS), -1):
        pair = " ".join(clause[max(0, index - 1) : index + 1])
        name = _NAMES.get(pair) or _NAMES.get(clause[index])
        if name:
            return name
    return None


def _as_float(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
