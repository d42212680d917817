"""Schedule arithmetic against a slow and obvious oracle, and on the days when clocks change."""

import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from medical_ai.medications.schedule import (
    WEEKDAYS,
    PlannedDose,
    TimesOfDay,
    doses_between,
    moment_of,
)

CASES_FILE = Path(
    os.environ.get("TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"),
    "timing",
    "dst_and_fhir_timing.json",
)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
         "Pacific/Apia", "America/Nuuk", "Africa/Casablanca", "America/Asuncion")  # fmt: skip
MINUTE = timedelta(minutes=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def daily(*times: str, **more: Any) -> TimesOfDay:
    """Return a schedule on every day from long ago."""
    return TimesOfDay(
        times=tuple(time.fromisoformat(text) for text in times),
        days=more.pop("days", frozenset(WEEKDAYS)),
        first_day=more.pop("first_day", date(2000, 1, 1)),
        **more,
    )


def on_day(schedule: TimesOfDay, zone: str, day: date) -> list[tuple[str, str]]:
    """Return slot and UTC of the doses planned for one local day."""
    around = datetime.combine(day, time(12), UTC)
    found = doses_between(
        schedule, ZoneInfo(zone), around - timedelta(days=3), around + timedelta(days=3)
    )
    return [
        (dose.slot, dose.due_at.strftime("%m-%dT%H:%M"))
        for dose in found
        if dose.slot.startswith(day.isoformat())
    ]


def oracle(schedule: TimesOfDay, zone: ZoneInfo, after: datetime, until: datetime) -> set[datetime]:
    """Walk through every minute of the span, and look at the clock on the wall."""
    found: set[datetime] = set()
    seen: set[datetime] = set()
    moment = after.replace(second=0, microsecond=0) - timedelta(days=1)
    while moment <= until:
        local = moment.astimezone(zone)
        wall = local.replace(tzinfo=None)
        is_day = WEEKDAYS[wall.weekday()] in schedule.days and wall.date() >= schedule.first_day
        if is_day and wall not in seen and wall.time() in schedule.times and after < moment:
            found.add(moment)
        seen.add(wall)  # the second time this clock shows it is a repeat
        moment += MINUTE
    return found


@examples(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(0, 700 * 24 * 60).map(lambda minutes: NEW_YEAR + minutes * MINUTE),
    hours=st.integers(1, 60),
    minutes=st.sets(st.integers(0, 24 * 60 - 1), min_size=1, max_size=4),
    days=st.sets(st.sampled_from(WEEKDAYS), min_size=1),
)
def test_it_equals_a_walk_through_every_minute(
    zone: str, start: datetime, hours: int, minutes: set[int], days: set[str]
) -> None:
    place = ZoneInfo(zone)
    after, until = start, start + timedelta(hours=hours)
    times = tuple(time(*divmod(minute, 60)) for minute in sorted(minutes))
    schedule = TimesOfDay(times=times, days=frozenset(days), first_day=date(2026, 6, 1))
    planned = doses_between(schedule, place, after, until)
    on_the_clock = {dose.due_at for dose in planned if not _is_moved(dose, place)}
    assert on_the_clock == oracle(schedule, place, after, until)
    assert len({dose.slot for dose in planned}) == len(planned)


def _is_moved(dose: PlannedDose, zone: ZoneInfo) -> bool:
    """Tell whether the clock never showed the slot, so that the dose comes later."""
    wall = dose.due_at.astimezone(zone).replace(tzinfo=None)
    return wall != datetime.fromisoformat(dose.slot)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", range(24))
def test_every_day_of_two_years_has_exactly_one_dose_of_every_half_hour(
    zone: str, hour: int
) -> None:
    place = ZoneInfo(zone)
    first, last = date(2026, 1, 1), date(2027, 12, 31)
    for minute in (0, 30):
        schedule = daily(f"{hour:02}:{minute:02}", first_day=first, last_day=last)
        span = datetime(2025, 12, 1, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC)
        slots = [dose.slot[:10] for dose in doses_between(schedule, place, *span)]
        expected = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
        assert sorted(slots) == expected


@pytest.mark.parametrize(
    ("zone", "day", "at", "utc"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "02:30", "03-29T01:30"),
        ("America/New_York", date(2026, 3, 8), "02:30", "03-08T07:30"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:15", "10-03T15:45"),
        ("America/Nuuk", date(2026, 3, 28), "23:30", "03-29T01:30"),
    ],
)
def test_a_time_that_is_missing_moves_on_by_the_gap(
    zone: str, day: date, at: str, utc: str
) -> None:
    assert on_day(daily(at), zone, day) == [(f"{day}T{at}", utc)]


@pytest.mark.parametrize(
    ("zone", "day", "at", "utc"),
    [
        ("Europe/Berlin", date(2026, 10, 25), "02:30", "10-25T00:30"),
        ("America/New_York", date(2026, 11, 1), "01:30", "11-01T05:30"),
        ("Australia/Lord_Howe", date(2026, 4, 5), "01:45", "04-04T14:45"),
    ],
)
def test_a_time_that_comes_twice_means_the_first(zone: str, day: date, at: str, utc: str) -> None:
    assert on_day(daily(at), zone, day) == [(f"{day}T{at}", utc)]


def test_a_day_that_was_left_out_of_the_calendar_has_no_dose() -> None:
    missing = date(2011, 12, 30)
    assert moment_of(missing, time(8), ZoneInfo("Pacific/Apia")) is None
    assert on_day(daily("00:00", "08:00", "23:59"), "Pacific/Apia", missing) == []
    assert len(on_day(daily("08:00"), "Pacific/Apia", date(2011, 12, 31))) == 1


def test_the_span_leaves_out_its_start_and_includes_its_end() -> None:
    eight = datetime(2026, 11, 21, 8, tzinfo=UTC)
    schedule, zone = daily("08:00"), ZoneInfo("UTC")
    assert doses_between(schedule, zone, eight, eight + timedelta(hours=1)) == []
    assert len(doses_between(schedule, zone, eight - MINUTE, eight)) == 1


def test_first_and_last_day_are_included() -> None:
    schedule = daily("08:00", first_day=date(2026, 11, 21), last_day=date(2026, 11, 23))
    found = doses_between(
        schedule,
        ZoneInfo("Asia/Kolkata"),
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
    )
    assert [dose.slot[:10] for dose in found] == ["2026-11-21", "2026-11-22", "2026-11-23"]


def test_seconds_are_kept_in_the_slot() -> None:
    slots = [slot for slot, _ in on_day(daily("08:00:30", "08:00"), "UTC", date(2026, 11, 21))]
    assert slots == ["2026-11-21T08:00", "2026-11-21T08:00:30"]


def shared_cases() -> list[dict[str, Any]]:
    """Return the shared cases about times of day and weekdays, where they are at hand."""
    if not CASES_FILE.exists():
        return []
    cases = json.loads(CASES_FILE.read_text(encoding="utf-8"))["cases"]
    return [case for case in cases if set(case["schedule"]) <= {"times", "days"}]


@pytest.mark.skipif(
    not CASES_FILE.exists(), reason="the shared cases are not beside this checkout; set TEST_DATA"
)
@pytest.mark.parametrize("case", shared_cases(), ids=lambda case: case["id"])
def test_the_shared_cases_hold(case: dict[str, Any]) -> None:
    first, last = map(date.fromisoformat, case["window"])
    days = frozenset(case["schedule"].get("days", WEEKDAYS))
    schedule = daily(*case["schedule"]["times"], days=days, first_day=first, last_day=last)
    found = doses_between(
        schedule,
        ZoneInfo(case["tz"]),
        datetime.combine(first, time(), UTC) - timedelta(days=3),
        datetime.combine(last, time(), UTC) + timedelta(days=3),
    )
    assert [dose.due_at.strftime("%Y-%m-%dT%H:%MZ") for dose in found] == case["expected_utc"]
