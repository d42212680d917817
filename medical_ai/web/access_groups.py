"""Repeated looks told once on the page. Pure; the log itself keeps every one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from medical_ai.core.zones import zone_of
from medical_ai.web.access_log import AccessRead
from medical_ai.web.access_words import spoken_day

SAME_SITTING = timedelta(minutes=30)


@dataclass(slots=True)
class Group:
    """The same thing done by the same person again and again; `first_at` is the earliest."""

    entry: AccessRead
    first_at: datetime
    last_at: datetime
    times: int = 1


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the patient's, and what happened on it, the latest first."""

    date: date
    title: str
    groups: list[Group]


def days_of(entries: Iterable[AccessRead], *, zone: str, today: date) -> list[Day]:
    """Return entries by the day of the patient's own clock, repeated ones together."""
    home = zone_of(zone)
    by_day = groupby(entries, key=lambda one: one.at.astimezone(home).date())
    return [
        Day(day, _title(day, today), groups_of(list(of_day), home_zone=zone))
        for day, of_day in by_day
    ]


def groups_of(entries: list[AccessRead], *, home_zone: str) -> list[Group]:
    """Return entries, newest first, with neighbours that say the same as one."""
    home, groups = zone_of(home_zone), list[Group]()
    for entry in entries:
        local = entry.at.astimezone(home)
        last = groups[-1] if groups else None
        if last and _says_the_same(last.entry, entry) and last.first_at - local <= SAME_SITTING:
            last.first_at, last.times = local, last.times + 1
        else:
            groups.append(Group(entry, first_at=local, last_at=local))
    return groups


def _says_the_same(one: AccessRead, other: AccessRead) -> bool:
    return (one.person_id, one.who, one.did, one.why) == (
        other.person_id,
        other.who,
        other.did,
        other.why,
    )


def _title(day: date, today: date) -> str:
    spoken = spoken_day(day, today)
    return spoken.capitalize() if spoken in {"today", "yesterday"} else f"{day:%A}, {spoken}"
