"""What the database tells Prometheus: the outbox, the ledger, the log."""

from datetime import timedelta

import pytest
import time_machine

from medical_ai.audit import sealing
from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.ids import new_id
from medical_ai.jobs import service as jobs
from medical_ai.medications import ledger, reminders
from tests.support.medicines import due_dose
from tests.support.people import Person

pytestmark = pytest.mark.commits
NONE = {"waiting": 0, "late": 0, "running": 0, "given-up": 0}


def enqueue(database: Database, *keys: str) -> None:
    """Put work into the outbox."""
    with database.unit_of_work() as session:
        for key in keys:
            jobs.enqueue(session, kind="test.work", payload={}, idempotency_key=key)


def counted(database: Database) -> dict[str, int]:
    """Count the jobs."""
    with database.reading() as session:
        return jobs.count_jobs(session)


def test_jobs_are_counted_by_how_they_stand(database: Database) -> None:
    assert counted(database) == NONE
    enqueue(database, "one", "two", "three")
    assert counted(database) == NONE | {"waiting": 3}
    with database.unit_of_work() as session:
        claimed = jobs.claim_jobs(session, worker="here:1", limit=3)
    assert counted(database) == NONE | {"running": 3}
    with database.unit_of_work() as session:
        jobs.finish_job(session, claimed[0])
        jobs.retry_job(session, claimed[1], error="X", permanent=True)
        jobs.retry_job(session, claimed[2], error="X", permanent=False)
    assert counted(database) == NONE | {"waiting": 1, "given-up": 1}
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=True):
        assert counted(database) == NONE | {"late": 1, "given-up": 1}


def test_doses_are_counted_until_their_reminder_is_sent(database: Database, alice: Person) -> None:
    now = clock.now()
    due_dose(database, alice, now)

    def unsent() -> dict[str, int]:
        with database.reading() as session:
            return ledger.count_unsent(session)

    assert unsent() == {"due": 1, "late": 0}
    with database.unit_of_work() as session:
        assert reminders.claim_due_doses(session, limit=10) == 1
    assert unsent() == {"due": 1, "late": 0}
    with time_machine.travel(now + timedelta(minutes=2), tick=True):
        assert unsent() == {"due": 1, "late": 1}
    with database.unit_of_work() as session:
        (job,) = jobs.claim_jobs(session, worker="here:1", limit=1)
    reminders.deliver_reminder(database, job, {})
    assert unsent() == {"due": 0, "late": 0}


def test_the_age_of_what_is_not_sealed_is_told(database: Database) -> None:
    def lag() -> float:
        with database.reading() as session:
            return sealing.sealing_lag_seconds(session)

    def record() -> None:
        with database.unit_of_work() as session:
            audit.record(session, tag=AuditTag.RECORD_VIEWED, hospital_id=new_id())

    sealing.seal_all(database, sweep=True)
    assert lag() == 0
    now = clock.now()
    record()
    with time_machine.travel(now + timedelta(minutes=7), tick=True):
        record()
        assert 420 <= lag() < 440
        sealing.seal_all(database)
        assert lag() == 0
