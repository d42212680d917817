"""When a session ends by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from medical_ai.auth.lifetimes import IDLE, TOO_OLD, Lifetime, limits, limits_of
from medical_ai.auth.permissions import Role
from medical_ai.core.config import Settings

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def life(*, age: timedelta, unused: timedelta, idle: timedelta = HOUR) -> Lifetime:
    """Return a life as it looks at `AT`; it may last ten hours."""
    ten_hours = limits(int(idle.total_seconds()), 36_000)
    return Lifetime(AT - age, AT - unused, ten_hours)


@pytest.mark.parametrize(
    ("age", "unused", "reason"),
    [
        (MINUTE, MINUTE, ""),
        (2 * HOUR, HOUR - timedelta(microseconds=1), ""),
        (2 * HOUR, HOUR, IDLE),
        (10 * HOUR - timedelta(microseconds=1), MINUTE, ""),
        (10 * HOUR, MINUTE, TOO_OLD),
        (11 * HOUR, 2 * HOUR, TOO_OLD),
    ],
)
def test_it_ends_unused_or_old(age: timedelta, unused: timedelta, reason: str) -> None:
    assert life(age=age, unused=unused).end_reason(AT) == reason


@pytest.mark.parametrize(
    ("idle", "unused", "noted"),
    [
        (HOUR, MINUTE, True),
        (HOUR, timedelta(seconds=59), False),
        (MINUTE, timedelta(seconds=15), True),
        (MINUTE, timedelta(seconds=14), False),
    ],
)
def test_use_is_noted_once_a_minute_and_oftener_where_limits_are_short(
    idle: timedelta, unused: timedelta, noted: bool
) -> None:
    assert life(age=HOUR, unused=unused, idle=idle).wants_note(AT) is noted


def test_staff_have_the_shorter_limits(plain_settings: Settings) -> None:
    patients = limits_of(plain_settings, Role.PATIENT)
    assert (patients.idle, patients.absolute) == (timedelta(days=7), timedelta(days=30))
    for role in set(Role) - {Role.PATIENT}:
        theirs = limits_of(plain_settings, role)
        assert (theirs.idle, theirs.absolute) == (HOUR, 12 * HOUR), role
