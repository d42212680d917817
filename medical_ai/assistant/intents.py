"""What a question about the record is after. Pure: words in, an intent out; nothing is looked up.

An intent is only what the words say. Whether there is such a medicine, the record knows.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class IntentKind(StrEnum):
    """The questions that are answered from the record without a model."""

    NEXT_DOSE = "next-dose"
    MEDICINES = "medicines"
    WAS_TAKEN = "was-taken"
    DOSES_OF_DAY = "doses-of-day"
    HELP = "help"
    UNKNOWN = "unknown"


class DayPart(StrEnum):
    """Parts of a day, as wall-clock hours from and before."""

    MORNING = "morning"
    NOON = "noon"
    AFTERNOON = "afternoon"
    EVENING = "evening"
    NIGHT = "night"


PART_HOURS = {
    DayPart.MORNING: (4, 12),
    DayPart.NOON: (11, 15),
    DayPart.AFTERNOON: (12, 18),
    DayPart.EVENING: (17, 23),
    DayPart.NIGHT: (20, 28),
}
"""First and last hour (excluded); past 24 means the early hours of the day after."""

PART_WORDS = {
    "morning": DayPart.MORNING,
    "breakfast": DayPart.MORNING,
    "noon": DayPart.NOON,
    "midday": DayPart.NOON,
    "lunch": DayPart.NOON,
    "lunchtime": DayPart.NOON,
    "afternoon": DayPart.AFTERNOON,
    "evening": DayPart.EVENING,
    "dinner": DayPart.EVENING,
    "tonight": DayPart.NIGHT,
    "night": DayPart.NIGHT,
    "bedtime": DayPart.NIGHT,
}

_MEDICINE = r"(?:doses?|pills?|tablets?|medicines?|medications?|meds?|drugs?)"
_GENERIC = """
dose doses pill pills tablet tablets medicine medicines medication medications med meds drug drugs
it them that this my the one all any today yesterday now already next last first
"""
GENERIC_WORDS = frozenset(_GENERIC.split()) | frozenset(PART_WORDS)

_PATTERNS: tuple[tuple[IntentKind, re.Pattern[str]], ...] = (
    (
        IntentKind.WAS_TAKEN,
        re.compile(
            # "have I taken", never "I have had a fever"
            r"\b(?:did|have|has|had) (?:i|we|he|she|they|my \w+)\b.{0,40}"
            r"\b(?:take|taken|took|had|have|miss|missed|skip|skipped)\b"
        ),
    ),
    (
        IntentKind.WAS_TAKEN,
        re.compile(r"\b(?:was|is|were|are)\b.{0,60}\b(?:taken|missed|skipped|marked)\b"),
    ),
    (
        IntentKind.NEXT_DOSE,
        re.compile(rf"\bnext\b.{{0,40}}\b{_MEDICINE}\b|\b{_MEDICINE}\b.{{0,30}}\bnext\b"),
    ),
    (
        IntentKind.NEXT_DOSE,
        re.compile(
            rf"\b(?:when|what time)\b.{{0,30}}\b(?:take|due|{_MEDICINE})\b"
            r"|\bnext\b.{0,30}\b(?:take|due)\b"
        ),
    ),
    (
        IntentKind.DOSES_OF_DAY,
        re.compile(rf"\b(?:{_MEDICINE}|take|due)\b.{{0,40}}\b(?:today|tonight|tomorrow|left)\b"),
    ),
    (
        IntentKind.MEDICINES,
        re.compile(
            rf"\b(?:what|which|list|show|tell)\b.{{0,40}}\b(?:taking|take|on|{_MEDICINE})\b"
            rf"|\bmy {_MEDICINE}\b"
        ),
    ),
    (
        IntentKind.HELP,
        re.compile(r"^(?:hi|hello|hey|help|thanks?|thank you|good (?:morning|day|evening))\b"),
    ),
    (IntentKind.HELP, re.compile(r"\bwhat can (?:you|i)\b|\bhow (?:do|does) (?:you|this)\b")),
)
_NAMED = re.compile(
    # The word is looked at and not consumed: in "my next warfarin", `next` leads on to the name.
    r"\b(?:take|taken|took|had|have|of|my|missed?|skip(?:ped)?|next)\s+"
    r"(?=(?:my\s+|the\s+)?([a-z][a-z-]{3,}))"
)


@dataclass(frozen=True, slots=True)
class Intent:
    """What is asked: the kind, words that may name a medicine, and when."""

    kind: IntentKind
    words: frozenset[str]
    named: str | None
    days_back: int
    part: DayPart | None


def read_intent(text: str) -> Intent:
    """Return what a question is after; UNKNOWN rather than a guess."""
    plain = re.sub(r"[^a-z0-9' -]+", " ", text.casefold().replace("’", "'")).strip()
    kind = next((kind for kind, pattern in _PATTERNS if pattern.search(plain)), IntentKind.UNKNOWN)
    words = frozenset(re.findall(r"[a-z-]{4,}", plain)) - GENERIC_WORDS
    return Intent(
        kind=kind,
        words=words,
        named=_named_medicine(plain),
        days_back=_days_back(plain),
        part=next((PART_WORDS[word] for word in plain.split() if word in PART_WORDS), None),
    )


def _named_medicine(plain: str) -> str | None:
    candidates = (match.group(1) for match in _NAMED.finditer(plain))
    return next((word for word in candidates if word not in GENERIC_WORDS), None)


def _days_back(plain: str) -> int:
    if "yesterday" in plain or "last night" in plain:
        return 1
    return -1 if "tomorrow" in plain else 0
