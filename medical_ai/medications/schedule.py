"""Schedule arithmetic: pure functions from a schedule and a zone to moments in UTC.

A time-of-day schedule keeps the wall clock. On the day the clocks go forward a time that does
not exist is moved on by the length of the gap; on the day they go back a time that exists twice
means its first occurrence: each gives exactly one dose (PEP 495, fold=0).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NOON = time(12)


@dataclass(frozen=True, slots=True)
class TimesOfDay:
    """Fixed times on the wall clock, on every day or on some weekdays.

    `first_day` and `last_day` are local dates, both included; no last day means for good.
    """

    times: tuple[time, ...]
    days: frozenset[str]
    first_day: date
    last_day: date | None = None


@dataclass(frozen=True, slots=True, order=True)
class PlannedDose:
    """One dose to come: when, and the wall-clock slot that names it for ever."""

    due_at: datetime
    slot: str


def doses_between(
    schedule: TimesOfDay, zone: ZoneInfo, after: datetime, until: datetime
) -> list[PlannedDose]:
    """Return the doses with `after` < due ≤ `until`, in order. Both moments are aware."""
    first = max(schedule.first_day, after.astimezone(zone).date() - timedelta(days=1))
    last = until.astimezone(zone).date() + timedelta(days=1)
    if schedule.last_day is not None:
        last = min(last, schedule.last_day)
    doses = (
        dose
        for day in _days(first, last)
        if WEEKDAYS[day.weekday()] in schedule.days
        for dose in _doses_on(day, schedule.times, zone)
    )
    return sorted(dose for dose in doses if after < dose.due_at <= until)


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """Return a wall-clock time as a moment in UTC.

    None where the whole day is missing from the calendar, as 30 December 2011 is in Samoa.
    """
    # Noon tells whether there is such a day: a time near midnight may be moved out of a day that
    # exists, as 23:30 is on the night in March when Nuuk's clocks go from 23:00 to 00:00.
    noon = datetime.combine(day, NOON, tzinfo=zone).astimezone(UTC)
    if noon.astimezone(zone).date() != day:
        return None
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def slot_of(local: datetime) -> str:
    """Return the name of a wall-clock moment: `2026-11-21T08:00`, with seconds where it has any."""
    spec = "seconds" if local.second else "minutes"
    return local.replace(tzinfo=None).isoformat(timespec=spec)


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def _doses_on(day: date, times: Iterable[time], zone: ZoneInfo) -> Iterator[PlannedDose]:
    for at in times:
        due_at = moment_of(day, at, zone)
        if due_at is not None:
            yield PlannedDose(due_at, slot_of(datetime.combine(day, at)))
