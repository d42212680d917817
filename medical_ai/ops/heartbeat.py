"""Whether reminders are being sent: the workers' heartbeats, written and read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.database import rows_changed
from medical_ai.ops.models import WorkerHeartbeat

STALE_AFTER = timedelta(seconds=30)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReminderHealth:
    """`running`, `stopped` or `never-started`, with the lateness of the last day's reminders."""

    status: str
    lateness_p99_seconds: float | None
    last_tick_at: datetime | None


def beat(session: Session, *, worker: str, lateness_p99_seconds: float | None) -> None:
    """Say that a worker lives."""
    rows_changed(
        session,
        delete(WorkerHeartbeat).where(WorkerHeartbeat.last_tick_at < clock.now() - FORGOTTEN_AFTER),
    )
    session.merge(
        WorkerHeartbeat(
            worker=worker, last_tick_at=clock.now(), lateness_p99_seconds=lateness_p99_seconds
        )
    )


def read_reminder_health(session: Session) -> ReminderHealth:
    """Return what the most recent heartbeat says."""
    # What lies ahead was written before the clock was set back: it says nothing about now.
    latest = session.scalar(
        select(WorkerHeartbeat)
        .where(WorkerHeartbeat.last_tick_at <= clock.now() + STALE_AFTER)
        .order_by(WorkerHeartbeat.last_tick_at.desc())
        .limit(1)
    )
    if latest is None:
        return ReminderHealth("never-started", None, None)
    alive = clock.now() - latest.last_tick_at <= STALE_AFTER
    return ReminderHealth(
        "running" if alive else "stopped", latest.lateness_p99_seconds, latest.last_tick_at
    )
