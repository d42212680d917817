"""Red flags as reference data: concepts, rules, advice and emergency numbers.

The facts live in ``data/red_flags.toml``; its header describes the format. This module loads
and checks them once. It must not read patient data, decide anything about a message, or
import a web framework.
"""

import tomllib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

QUANTITIES = frozenset(
    {
        "systolic_mmhg",
        "diastolic_mmhg",
        "pulse_per_minute",
        "breaths_per_minute",
        "spo2_percent",
        "temperature_celsius",
        "glucose_mmol_per_litre",
        "sodium_mmol_per_litre",
        "potassium_mmol_per_litre",
        "inr_ratio",
        "age_months",
    }
)
"""Measured quantities a ``[[measure]]`` may name; the unit is in the name."""

CUE_KINDS = frozenset(
    {"negation", "not_negation", "absent", "past", "current", "supposed", "condition", "elsewhere"}
)
"""Kinds of context cue the data must list."""

ADVICE_PLACEHOLDERS = frozenset({"emergency_number", "crisis_line", "poison_line"})
"""Names an advice text may leave open for the country's numbers."""


class TriageLevel(StrEnum):
    """How soon a person should get help, ordered from ``NONE`` to ``EMERGENCY``."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"
    SELF_CARE = "self-care"
    NONE = "none"

    @property
    def rank(self) -> int:
        """Return 0 for ``NONE`` up to 4 for ``EMERGENCY``."""
        return _RANKS[self.value]

    def __lt__(self, other: str) -> bool:
        return self.rank < TriageLevel(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= TriageLevel(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > TriageLevel(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= TriageLevel(other).rank


_RANKS = {"none": 0, "self-care": 1, "routine": 2, "urgent": 3, "emergency": 4}


@dataclass(frozen=True, slots=True)
class Source:
    """A public page a rule or number was taken from."""

    id: str
    title: str
    url: str
    reviewed: date


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing a message can say, with the lay wordings that say it."""

    id: str
    label: str
    phrases: tuple[str, ...]
    is_a: tuple[str, ...] = ()
    is_symptom: bool = True
    is_lasting: bool = False
    """True for facts that stay true once past, such as an operation or an illness."""
    counts_when_asked: bool = False
    """True when the question itself is the alarm, such as asking for a way to die."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A concept that holds when a measured quantity lies in ``at_least <= value < below``."""

    concept: str
    quantity: str
    at_least: float | None = None
    below: float | None = None

    def holds(self, value: float) -> bool:
        """Say whether the value, in the quantity's own unit, is inside the band."""
        return (self.at_least is None or value >= self.at_least) and (
            self.below is None or value < self.below
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """Concepts that together call for one level of help."""

    id: str
    level: TriageLevel
    advice: str
    source: Source
    all_of: frozenset[str] = frozenset()
    any_of: frozenset[str] = frozenset()
    at_least: int = 1
    none_of: frozenset[str] = frozenset()
    crisis: bool = False
    quiet: bool = False
    """True where nobody at home may hear of it: they may be whom the person is afraid of."""

    def matches(self, concepts: frozenset[str]) -> bool:
        """Say whether the rule holds for the concepts found."""
        if not self.all_of <= concepts or self.none_of & concepts:
            return False
        return not self.any_of or len(self.any_of & concepts) >= self.at_least


@dataclass(frozen=True, slots=True)
class Numbers:
    """Whom to call in one country (ISO 3166-1 alpha-2), as wording ready for a sentence."""

    country: str
    emergency: str
    crisis: str
    poison: str


@dataclass(frozen=True, slots=True)
class Language:
    """Word classes, filler words, idioms and context cues that phrases are read with.

    ``alarming`` words are read through a slip of spelling, ``harmless`` ones never taken for them.
    """

    words: Mapping[str, tuple[str, ...]]
    fillers: frozenset[str]
    idioms: tuple[str, ...]
    cues: Mapping[str, tuple[str, ...]]
    alarming: frozenset[str]
    harmless: frozenset[str]


@dataclass(frozen=True, slots=True)
class RedFlags:
    """The whole checked table."""

    version: str
    language: Language
    concepts: Mapping[str, Concept]
    measures: tuple[Measure, ...]
    rules: tuple[Rule, ...]
    advice: Mapping[str, str]
    numbers: Mapping[str, Numbers]
    default_numbers: Numbers

    def numbers_for(self, country: str | None) -> Numbers:
        """Return the numbers of an ISO country code, or the 112-style wording."""
        return self.numbers.get((country or "").strip().upper(), self.default_numbers)


@cache
def get_red_flags() -> RedFlags:
    """Return the shipped table, read and checked once per process."""
    path = files("medical_ai.knowledge") / "data" / "red_flags.toml"
    return parse_red_flags(tomllib.loads(path.read_text(encoding="utf-8")))


def parse_red_flags(data: Mapping[str, Any]) -> RedFlags:
    """Build the table from parsed TOML.

    Raises ValueError naming the entry when something is unknown, missing or repeated.
    """
    sources = {row["id"]: Source(**row) for row in data["source"]}
    concepts = {row["id"]: _parse_concept(row) for row in data["concept"]}
    _refuse_repeats("concept", (row["id"] for row in data["concept"]))
    _refuse_repeats("rule", (row["id"] for row in data["rule"]))
    red_flags = RedFlags(
        version=str(data["version"]),
        language=_parse_language(data),
        concepts=concepts,
        measures=tuple(Measure(**row) for row in data["measure"]),
        rules=tuple(_parse_rule(row, sources) for row in data["rule"]),
        advice={row["key"]: row["text"] for row in data["advice"]},
        numbers={row["country"]: _parse_numbers(row, sources) for row in data["numbers"]},
        default_numbers=_parse_numbers(data["default_numbers"], sources),
    )
    _check_concept_names(red_flags)
    _check_rules(red_flags)
    _check_advice(red_flags)
    return red_flags


def _parse_language(data: Mapping[str, Any]) -> Language:
    cues = {kind: tuple(phrases) for kind, phrases in data["cues"].items()}
    if set(cues) != CUE_KINDS:
        raise ValueError(f"cues: expected {sorted(CUE_KINDS)}, found {sorted(cues)}")
    return Language(
        words={name: tuple(words) for name, words in data["words"].items()},
        fillers=frozenset(data["fillers"]),
        idioms=tuple(data["idioms"]),
        cues=cues,
        alarming=frozenset(data["spelling"]["alarming"]),
        harmless=frozenset(data["spelling"]["harmless"]),
    )


def _parse_concept(row: Mapping[str, Any]) -> Concept:
    values = {**row, "phrases": tuple(row.get("phrases", ())), "is_a": tuple(row.get("is_a", ()))}
    return Concept(**values)


def _parse_rule(row: Mapping[str, Any], sources: Mapping[str, Source]) -> Rule:
    source = sources.get(row.get("source", ""))
    if source is None:
        raise ValueError(f"rule {row['id']}: missing or unknown source {row.get('source')!r}")
    sets = {name: frozenset(row.get(name, ())) for name in ("all_of", "any_of", "none_of")}
    return Rule(**{**row, **sets, "level": TriageLevel(row["level"]), "source": source})


def _parse_numbers(row: Mapping[str, Any], sources: Mapping[str, Source]) -> Numbers:
    if row.get("source") not in sources:
        raise ValueError(f"numbers {row['country']}: missing or unknown source")
    return Numbers(**{name: row[name] for name in ("country", "emergency", "crisis", "poison")})


def _refuse_repeats(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{kind} {name}: listed twice")
        seen.add(name)


def _check_concept_names(red_flags: RedFlags) -> None:
    known = set(red_flags.concepts)
    for concept in red_flags.concepts.values():
        _refuse_unknown(f"concept {concept.id}", set(concept.is_a) - known)
    for measure in red_flags.measures:
        _refuse_unknown(f"measure of {measure.concept}", {measure.concept} - known)
        _refuse_unknown(f"measure of {measure.concept}", {measure.quantity} - QUANTITIES)
    for rule in red_flags.rules:
        _refuse_unknown(f"rule {rule.id}", (rule.all_of | rule.any_of | rule.none_of) - known)


def _check_rules(red_flags: RedFlags) -> None:
    for rule in red_flags.rules:
        if not (rule.all_of or rule.any_of):
            raise ValueError(f"rule {rule.id}: would match every message")
        _refuse_unknown(f"rule {rule.id}", {rule.advice} - set(red_flags.advice))


def _check_advice(red_flags: RedFlags) -> None:
    for key, text in red_flags.advice.items():
        names = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        _refuse_unknown(f"advice {key}", names - ADVICE_PLACEHOLDERS)


def _refuse_unknown(where: str, names: Set[str]) -> None:
    if names:
        raise ValueError(f"{where}: unknown {', '.join(sorted(names))}")
