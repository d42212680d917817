"""What the workers' heartbeats say of the reminders, also after the clock was set back."""

from datetime import timedelta

import pytest

from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.ops.heartbeat import read_reminder_health
from medical_ai.ops.models import WorkerHeartbeat

pytestmark = pytest.mark.commits


def store(database: Database, worker: str, ahead: timedelta) -> None:
    """Keep a heartbeat of a worker, so far ahead of now."""
    with database.unit_of_work() as session:
        session.merge(WorkerHeartbeat(worker=worker, last_tick_at=clock.now() + ahead))


def status(database: Database) -> str:
    """Return what is said of the reminders."""
    with database.reading() as session:
        return read_reminder_health(session).status


def test_one_from_the_future_says_nothing_about_now(database: Database) -> None:
    store(database, "dead", timedelta(hours=2))
    assert status(database) != "running"
    store(database, "alive", timedelta(0))
    assert status(database) == "running"
    store(database, "alive", timedelta(minutes=-1))
    assert status(database) == "stopped"
