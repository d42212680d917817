"""One tick of the worker, and what it does when things around it fail."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.jobs import service as jobs
from medical_ai.jobs.models import Job, JobStatus
from medical_ai.medications.models import Dose, DoseDelivery
from medical_ai.medications.states import DeliveryStatus, DoseStatus
from medical_ai.ops import heartbeat
from medical_ai.ops.worker import Worker, process_id
from tests.support.mail import MailSink
from tests.support.medicines import due_dose
from tests.support.people import Person
from tests.support.waiting import wait_until

pytestmark = pytest.mark.commits


@pytest.fixture
def settings(settings: Settings, mail: MailSink) -> Settings:
    """Settings with the mail server on loopback."""
    return settings.model_copy(
        update={
            "smtp_host": "127.0.0.1",
            "smtp_port": mail.port,
            "smtp_security": "none",
            "smtp_timeout_seconds": 1,
            "job_attempts": 2,
        }
    )


@pytest.fixture
def dose_id(database: Database, alice: Person) -> UUID:
    """Alice's dose of this second."""
    return due_dose(database, alice, clock.now())


def tick(database: Database) -> None:
    """Let a worker tick once and finish what it started."""
    worker = Worker(database)
    worker.tick()
    worker._threads.shutdown(wait=True)  # until no job is left, where stop() leaves the rest


def deliveries(database: Database) -> dict[str, DeliveryStatus]:
    """Return how each channel fared."""
    with database.reading() as session:
        rows = session.execute(select(DoseDelivery.channel, DoseDelivery.status)).all()
    return {row.channel: row.status for row in rows}


def one_dose(session: Session, dose_id: UUID) -> Dose:
    """Return a dose as it stands."""
    return session.get_one(Dose, dose_id, populate_existing=True)


def test_a_tick_delivers_what_is_due(database: Database, dose_id: UUID, mail: MailSink) -> None:
    tick(database)
    assert len(mail.taken) == 1
    assert deliveries(database) == {"email": DeliveryStatus.SENT, "in-app": DeliveryStatus.SENT}
    with database.reading() as session:
        assert one_dose(session, dose_id).status is DoseStatus.SENT


@pytest.mark.usefixtures("dose_id")
def test_the_next_tick_sends_nothing_more(database: Database, mail: MailSink) -> None:
    tick(database)
    tick(database)
    assert len(mail.taken) == 1


def test_a_tick_leaves_a_heartbeat(database: Database) -> None:
    tick(database)
    with database.reading() as session:
        assert heartbeat.read_reminder_health(session).status == "running"
    with time_machine.travel(clock.now() + timedelta(minutes=1)), database.reading() as session:
        assert heartbeat.read_reminder_health(session).status == "stopped"


@pytest.mark.usefixtures("dose_id")
def test_the_jobs_of_a_dead_process_of_this_machine_are_taken_over_at_once(
    database: Database, mail: MailSink
) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    host = Worker(database).name.rpartition(":")[0]
    dead = f"{host}:{gone.stdout.strip()}"
    with database.unit_of_work() as session:
        from medical_ai.medications import reminders

        reminders.claim_due_doses(session)
        session.flush()
        assert len(jobs.claim_jobs(session, worker=dead, limit=9)) == 2
    tick(database)
    assert len(mail.taken) == 1


def test_the_jobs_of_a_living_process_are_left_alone(database: Database) -> None:
    host = Worker(database).name.rpartition(":")[0]
    with database.unit_of_work() as session:
        jobs.enqueue(session, kind="test.kind", payload={}, idempotency_key="x")
        session.flush()
        jobs.claim_jobs(session, worker=f"{host}:{process_id(os.getppid())}", limit=1)
    tick(database)
    with database.reading() as session:
        assert session.scalars(select(Job.status)).one() is JobStatus.RUNNING


@pytest.mark.usefixtures("dose_id")
def test_an_email_given_up_after_the_last_try_is_shown_as_failed(
    database: Database, mail: MailSink
) -> None:
    mail.behaviour = "450"
    for minutes in (0, 30):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes)):
            tick(database)
    with database.reading() as session:
        assert jobs.count_dead_jobs(session) == 1
    assert deliveries(database)["email"] is DeliveryStatus.FAILED


def test_a_job_of_unknown_kind_does_not_stop_the_queue(
    database: Database, dose_id: UUID, mail: MailSink
) -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)
    with database.unit_of_work() as session:
        jobs.enqueue(session, kind="of.the.future", payload={}, idempotency_key="x", run_at=early)
    tick(database)
    assert len(mail.taken) == 1
    with database.reading() as session:
        assert one_dose(session, dose_id).status is DoseStatus.SENT


@pytest.mark.settings(job_threads=2)
def test_many_doses_of_one_moment_all_go_out(
    database: Database, alice: Person, mail: MailSink
) -> None:
    now = clock.now()
    ids = {due_dose(database, alice, now, name=f"Medicine {number}") for number in range(12)}
    worker = Worker(database)

    def all_sent() -> bool:
        worker.tick()
        with database.reading() as session:
            sent = session.scalars(select(Dose.id).where(Dose.status == DoseStatus.SENT)).all()
        return set(sent) >= ids

    wait_until(all_sent, seconds=20, what="every dose is sent")
    worker.stop()
    assert len(set(mail.message_ids)) == len(mail.taken) == 12


@pytest.mark.usefixtures("dose_id")
def test_a_tick_without_a_database_changes_nothing_and_the_next_one_works(
    database: Database, mail: MailSink
) -> None:
    worker = Worker(database)
    hidden = "doses_hidden"
    with database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE doses RENAME TO {hidden}"))
    worker.tick()
    assert mail.tries == 0
    with database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {hidden} RENAME TO doses"))
    worker.tick()
    worker.stop()
    assert len(mail.taken) == 1
