"""Which time a question is about: words to a period, and a period to a span of the ledger.

Pure. A period that cannot be read is said to be so; it never silently becomes today.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from medical_ai.assistant.wording import NUMBER, words_of

NIGHT_ENDS = 4
"""Until this hour it is still the night of the day before."""
WEEK = 7


class DayPart(StrEnum):
    """Parts of a day."""

    MORNING = "morning"
    NOON = "noon"
    AFTERNOON = "afternoon"
    EVENING = "evening"
    NIGHT = "night"
    BEDTIME = "bedtime"


PART_HOURS = {
    DayPart.MORNING: (4, 12),
    DayPart.NOON: (11, 15),
    DayPart.AFTERNOON: (12, 18),
    DayPart.EVENING: (17, 24),
    DayPart.NIGHT: (17, 28),
    DayPart.BEDTIME: (20, 28),
}
"""First and last hour (excluded); past 24 means the early hours of the day after."""

_PARTS = {part.value: part for part in DayPart} | {"tonight": DayPart.NIGHT}
_MEALS = {"breakfast": DayPart.MORNING, "lunch": DayPart.NOON, "dinner": DayPart.EVENING}
_BEFORE_A_MEAL = frozenset({"at", "with", "before", "after", "this", "for", "during"})
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = {day: index for index, day in enumerate(WEEKDAYS)}
_DAYS |= {f"{day}s": index for index, day in enumerate(WEEKDAYS)}
_LONG = {
    "this week": ("week", 0),
    "last week": ("week", 1),
    "past week": ("days", 7),
    "last few days": ("days", 7),
    "past few days": ("days", 7),
    "last fortnight": ("days", 14),
    "past fortnight": ("days", 14),
    "last two weeks": ("days", 14),
    "this month": ("month", 0),
    "last month": ("month", 1),
    "past month": ("days", 30),
    "weekend": ("weekend", 0),
    "recently": ("days", 7),
    "lately": ("days", 7),
    "regularly": ("days", 7),
}
_NUMBERS = {
    **{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8},
    **{"nine": 9, "ten": 10, "twelve": 12, "fourteen": 14, "thirty": 30},
}
_UNREADABLE = words_of(
    "january february march april june july august september october november december year "
    "years month months ever since ago hour hours minute minutes fortnight weeks"
)
_MONTH_OF_MAY = (" in may ", " last may ", " since may ", " this may ")
_PAST = words_of("was were did had last taken took")
MOST_DAYS = 92
"""As much as the ledger gives at once."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time as a question names it.

    `day` is a number of days from today, `weekday` a day of the week, `part` a part of it; `long`
    is a stretch of days. `is_usual` speaks of every day, as "in the morning" does, and `is_past` of
    what has been.
    """

    day: int | None = None
    weekday: int | None = None
    part: DayPart | None = None
    long: tuple[str, int] | None = None
    is_usual: bool = False
    is_past: bool = False
    is_readable: bool = True

    @property
    def is_named(self) -> bool:
        """Whether any time was named at all."""
        return replace(self, is_past=False) != Period()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the ledger: `start` ≤ due < `end`, and how to say it.

    `spoken` goes into a sentence ("yesterday"); `label` says exactly what was looked at.
    """

    start: datetime
    end: datetime
    spoken: str
    label: str
    days: int = 1


def read_period(words: Sequence[str], raw: Sequence[str]) -> Period:
    """Return the time that plain words name; an empty one where they name none."""
    text = f" {' '.join(words)} "
    period = Period(
        day=_day_of(words, text),
        weekday=_weekday_of(words),
        part=_part_of(words),
        long=_long_of(text) or _counted_days(words, raw),
        is_past=not _PAST.isdisjoint(words),
    )
    if period.long is None and period.day is None and _is_unreadable(words, text):
        return Period(is_readable=False)
    return replace(period, is_usual=_is_usual(period, text))


def _long_of(text: str) -> tuple[str, int] | None:
    return next((value for phrase, value in _LONG.items() if f" {phrase} " in text), None)


def _is_usual(period: Period, text: str) -> bool:
    is_this = any(f" this {word} " in text for word in (*_PARTS, *_MEALS))
    has_day = period.day is not None or period.weekday is not None or period.long is not None
    return period.part is not None and not has_day and not period.is_past and not is_this


def _part_of(words: Sequence[str]) -> DayPart | None:
    for before, word in zip(("", *words), words, strict=False):
        if word in _PARTS and before != "good":
            return _PARTS[word]
        if word in _MEALS and before in _BEFORE_A_MEAL:
            return _MEALS[word]
    return None


def _weekday_of(words: Sequence[str]) -> int | None:
    return next((_DAYS[word] for word in words if word in _DAYS), None)


def _day_of(words: Sequence[str], text: str) -> int | None:
    if " day before yesterday " in text:
        return -2
    if " day after tomorrow " in text:
        return 2
    if "yesterday" in words or " last night " in text or " last evening " in text:
        return -1
    if "tomorrow" in words:
        return 1
    return 0 if {"today", "tonight"} & set(words) else None


def _counted_days(words: Sequence[str], raw: Sequence[str]) -> tuple[str, int] | None:
    """Read `last 7 days` and `3 days ago`."""
    for index, word in enumerate(words[:-1]):
        count = _number(word, raw[index])
        if count is None or words[index + 1] not in {"days", "weeks"}:
            continue
        count *= WEEK if words[index + 1] == "weeks" else 1
        if words[index + 2 : index + 3] == ("ago",) and count <= MOST_DAYS:
            return ("ago", count)
        if index and words[index - 1] in {"last", "past"} and 0 < count < MOST_DAYS:
            return ("days", count)
    return None


def _number(word: str, raw: str) -> int | None:
    if word in _NUMBERS:
        return _NUMBERS[word]
    is_figure = word == NUMBER and raw.isascii() and raw.isdigit() and len(raw) <= len("999")
    return int(raw) if is_figure else None


def _is_unreadable(words: Sequence[str], text: str) -> bool:
    return not _UNREADABLE.isdisjoint(words) or any(one in text for one in _MONTH_OF_MAY)


def span_of(period: Period, now: datetime, zone: ZoneInfo) -> Span:
    """Return the span that a readable period means, as seen from `now`; today without one.

    A weekday is the last one before today. In the early hours "tonight" is the night that is on.
    """
    local = now.astimezone(zone)
    today = local.date()
    if period.long:
        return _long_span(period.long, today, zone)
    day = today + timedelta(days=period.day or 0)
    if period.weekday is not None and period.day is None:
        day = today - timedelta(days=(today.weekday() - period.weekday) % WEEK or WEEK)
    is_night = period.part in {DayPart.NIGHT, DayPart.BEDTIME}
    if is_night and day == today and local.hour < NIGHT_ENDS:
        day -= timedelta(days=1)
    if period.part is None:
        spoken = spoken_day(day, today)
        return _span(day, 0, 24, zone, spoken=spoken, label=_exact(day, today))
    first, after = PART_HOURS[period.part]
    label = f"{_exact(day, today)}, {_hours(first, after)}"
    return _span(day, first, after, zone, spoken=_spoken_part(period.part, day, today), label=label)


def span_between(start: datetime, end: datetime, spoken: str) -> Span:
    """Return a span of moments."""
    return Span(start, end, spoken, spoken)


def _long_span(long: tuple[str, int], today: date, zone: ZoneInfo) -> Span:
    kind, count = long
    if kind == "ago":
        day = today - timedelta(days=count)
        return _span(day, 0, 24, zone, spoken=spoken_day(day, today), label=_exact(day, today))
    first, last = _first_and_last(kind, count, today)
    names = {("week", 0): "this week", ("week", 1): "last week"}
    names |= {("month", 0): "this month", ("month", 1): "last month"}
    spoken = f"in the last {count} days" if kind == "days" else names.get(long, "at the weekend")
    label = f"{spoken_date(first)} to {spoken_date(last)}"
    start, _ = _bounds(first, 0, 24, zone)
    _, end = _bounds(last, 0, 24, zone)
    return Span(start, end, spoken, label, (last - first).days + 1)


def _first_and_last(kind: str, count: int, today: date) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday())
    if kind == "days":
        return today - timedelta(days=count - 1), today
    if kind == "weekend":
        saturday = today - timedelta(days=(today.weekday() - 5) % WEEK)
        return saturday, min(today, saturday + timedelta(days=1))
    if kind == "week":
        first = monday - timedelta(days=WEEK * count)
        return first, today if count == 0 else first + timedelta(days=WEEK - 1)
    first = today.replace(day=1)
    if count == 0:
        return first, today
    last = first - timedelta(days=1)
    return last.replace(day=1), last


def _span(day: date, first: int, after: int, zone: ZoneInfo, *, spoken: str, label: str) -> Span:
    start, end = _bounds(day, first, after, zone)
    return Span(start, end, spoken, label)


def _bounds(day: date, first: int, after: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    def moment(hours: int) -> datetime:
        at = datetime.combine(day + timedelta(days=hours // 24), time(hours % 24), tzinfo=zone)
        return at.astimezone(UTC)

    return moment(first), moment(after)


def _hours(first: int, after: int) -> str:
    ends = {12: "noon", 24: "midnight", 28: "04:00 the next day"}
    starts = {12: "noon"}
    return f"{starts.get(first, f'{first:02}:00')} to {ends.get(after, f'{after:02}:00')}"


def _spoken_part(part: DayPart, day: date, today: date) -> str:
    is_night = part is DayPart.NIGHT
    if day == today:
        words = {DayPart.NIGHT: "tonight", DayPart.BEDTIME: "at bedtime", DayPart.NOON: "at noon"}
        return words.get(part, f"this {part.value}")
    if is_night and day == today - timedelta(days=1):
        return "last night"
    return f"{spoken_day(day, today)} {'at ' if part is DayPart.BEDTIME else ''}{part.value}"


def spoken_day(day: date, today: date) -> str:
    """Return a day as a person says it: `yesterday`, `on Monday 16 November`."""
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    return near.get((day - today).days, f"on {spoken_date(day)}")


def spoken_date(day: date) -> str:
    """Return a date in words: `Monday 16 November`."""
    return f"{day:%A} {day.day} {day:%B}"


def _exact(day: date, today: date) -> str:
    near = {-1: "yesterday, ", 0: "today, ", 1: "tomorrow, "}
    return near.get((day - today).days, "") + spoken_date(day)


def spoken_slot(slot: str, today: date) -> str:
    """Return a wall-clock moment in words: `today at 20:00`."""
    day, _, at = slot.partition("T")
    return f"{spoken_day(date.fromisoformat(day), today)} at {at}"
