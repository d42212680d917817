"""Repeated looks told once on a page. Pure; the log itself keeps every one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Generic, TypeVar

from medical_ai.core.zones import zone_of
from medical_ai.web.access_log import AccessRead
from medical_ai.web.access_words import spoken_day
from medical_ai.web.audit_log import AuditRead

SAME_SITTING = timedelta(minutes=30)

Entry = TypeVar("Entry", AccessRead, AuditRead)


@dataclass(slots=True)
class Group(Generic[Entry]):
    """The same thing done by the same person again and again, by a zone's clock.

    `entry` is the latest; `first_at` is when the earliest was.
    """

    entry: Entry
    first_at: datetime
    last_at: datetime
    times: int = 1

    @property
    def spoken(self) -> str:
        """Return how often and when: `3 times, 14:02 to 14:09`."""
        first, last = f"{self.first_at:%H:%M}", f"{self.last_at:%H:%M}"
        span = last if first == last else f"{first} to {last}"
        return span if self.times == 1 else f"{self.times} times, {span}"


@dataclass(frozen=True, slots=True)
class Day(Generic[Entry]):
    """A day by a zone's clock, and what happened on it, the latest first."""

    date: date
    title: str
    groups: list[Group[Entry]]


def days_of(entries: Iterable[Entry], *, zone: str, today: date) -> list[Day[Entry]]:
    """Return entries, newest first, by their days, repeated ones together."""
    home = zone_of(zone)
    by_day = groupby(entries, key=lambda one: one.at.astimezone(home).date())
    return [Day(day, _title(day, today), groups_of(list(some), zone)) for day, some in by_day]


def groups_of(entries: list[Entry], zone: str) -> list[Group[Entry]]:
    """Return entries, newest first, with neighbours that say the same as one."""
    home, groups = zone_of(zone), list[Group[Entry]]()
    for entry in entries:
        local = entry.at.astimezone(home)
        last = groups[-1] if groups else None
        if last and _said(last.entry) == _said(entry) and last.first_at - local <= SAME_SITTING:
            last.first_at, last.times = local, last.times + 1
        else:
            groups.append(Group(entry, first_at=local, last_at=local))
    return groups


def _said(entry: AccessRead | AuditRead) -> tuple[object, ...]:
    whose = entry.patient if isinstance(entry, AuditRead) else ""
    return entry.person_id, entry.who, entry.did, entry.why, whose


def _title(day: date, today: date) -> str:
    spoken = spoken_day(day, today)
    return spoken.capitalize() if spoken in {"today", "yesterday"} else f"{day:%A}, {spoken}"
