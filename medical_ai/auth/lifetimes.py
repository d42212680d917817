"""When a signed-in session ends by itself: unused for too long, or simply too old.

Pure arithmetic. Use is noted at most once in `note_after`, so a session may end earlier than its
idle limit by that much and never later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from medical_ai.auth.permissions import Role
from medical_ai.core.config import Settings

IDLE, TOO_OLD = "idle", "too old"
NOTED_AT_MOST_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session may stay unused, and how long it may last in all.

    `note_after` is how old the last noted use may become before the next one is noted.
    """

    idle: timedelta
    absolute: timedelta
    note_after: timedelta


def limits_of(settings: Settings, role: Role) -> Limits:
    """Return the limits of a role: staff see many records, so theirs are shorter."""
    if role is Role.PATIENT:
        idle, absolute = settings.session_idle_seconds, settings.session_absolute_seconds
    else:
        idle = settings.staff_session_idle_seconds
        absolute = settings.staff_session_absolute_seconds
    return limits(idle, absolute)


@cache
def limits(idle_seconds: int, absolute_seconds: int) -> Limits:
    """Return limits made of these numbers; remembered, since every request asks for them."""
    idle = timedelta(seconds=idle_seconds)
    return Limits(idle, timedelta(seconds=absolute_seconds), min(NOTED_AT_MOST_EVERY, idle / 4))


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The life of one session so far."""

    signed_in_at: datetime
    last_seen_at: datetime
    limits: Limits

    @property
    def idle_at(self) -> datetime:
        """The moment at which it ends unless it is used."""
        return self.last_seen_at + self.limits.idle

    @property
    def over_at(self) -> datetime:
        """The moment at which it ends whatever happens."""
        return self.signed_in_at + self.limits.absolute

    def end_reason(self, now: datetime) -> str:
        """Say why it is over, or nothing while it is not."""
        if now >= self.over_at:
            return TOO_OLD
        return IDLE if now >= self.idle_at else ""

    def wants_note(self, now: datetime) -> bool:
        """Tell whether a use at this moment is to be noted."""
        return now - self.last_seen_at >= self.limits.note_after
